"""A database where nothing stays: one connection, in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from safelight.database.pool import SESSION, Database, _prepare


class _OneConnection:
    """What `Database` asks of a pool, on a single connection."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.connection = connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        yield self.connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    async def close(self) -> None:
        await self.connection.close()


async def connect(url: str) -> Database:
    """A Database whose transactions are savepoints of one that a test opens and rolls back."""
    # The transaction may lie idle for as long as a test thinks: nobody waits for its locks.
    settings = SESSION | {"idle_in_transaction_session_timeout": "0"}
    connection = await asyncpg.connect(url, server_settings=settings)
    await _prepare(connection)
    return Database(_OneConnection(connection), url)  # type: ignore[arg-type]


@asynccontextmanager
async def undone(database: Database) -> AsyncIterator[None]:
    """What is done in here has never happened."""
    async with database.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            yield
        finally:
            await transaction.rollback()
