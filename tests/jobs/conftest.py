"""A database to write into, and the feed that reads from it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.jobs.feed import Feed


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = await Database.connect(database_url, connections_max=8)
    yield made
    await made.close()


@pytest.fixture
async def wakeups(database: Database) -> AsyncIterator[Wakeups]:
    """Not started: what listens through it has to say so first."""
    made = Wakeups(database)
    yield made
    await made.stop()


@pytest.fixture
async def feed(database: Database, wakeups: Wakeups) -> AsyncIterator[Feed]:
    made = Feed(database, wakeups)
    await made.start()
    await wakeups.start()
    yield made
    await made.stop()
