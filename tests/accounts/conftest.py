"""A database to write into."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from safelight.database.pool import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = await Database.connect(database_url, connections_max=8)
    yield made
    await made.close()
