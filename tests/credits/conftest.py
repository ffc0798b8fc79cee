"""A database whose ledger is looked over after every test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from safelight.credits import invariants
from safelight.database.pool import Database
from tests.conftest import Cluster
from tests.credits import sandbox


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Whatever a test did: at its end the ledger is right."""
    made = await Database.connect(database_url, connections_max=10)
    yield made
    assert await invariants.check(made) == []
    assert await invariants.check(made, lately=True) == []
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _one_database(cluster: Cluster) -> AsyncIterator[Database]:
    url = await cluster.clone()
    made = await sandbox.connect(url)
    yield made
    await made.close()
    await cluster.drop(url)


@pytest_asyncio.fixture(loop_scope="module")
async def spoilt(_one_database: Database) -> AsyncIterator[Database]:
    """For tests that break the ledger on purpose. Nothing of it stays.

    Tests that use it say `@pytest.mark.asyncio(loop_scope="module")`.
    """
    async with sandbox.undone(_one_database):
        yield _one_database
