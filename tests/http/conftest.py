"""One Safelight for a whole module of tests that order nothing, or nothing that is worked on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import structlog

from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.studio import Studio

# The default traceback prints every local variable and takes seconds; a plain one says enough.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """The HTTP door over a real database, without a worker: what is ordered stays pending.

    Tests that use it say `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
    """
    url = await cluster.clone()
    folder = tmp_path_factory.mktemp("desk")
    async with Studio.open(url, folder, _fake_openai, with_worker=False) as made:
        yield made
    await cluster.drop(url)
