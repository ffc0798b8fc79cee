"""A darkroom for a whole module: its processes are started once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from safelight.images.darkroom import Darkroom


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def darkroom() -> AsyncIterator[Darkroom]:
    """Tests that use it say `pytestmark = pytest.mark.asyncio(loop_scope="module")`."""
    made = Darkroom()
    yield made
    await made.close()
