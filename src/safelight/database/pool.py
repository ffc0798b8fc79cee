"""Connections to PostgreSQL: a pool, a visible transaction, JSON that is orjson."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from safelight.database.embedded import DatabaseUnusable

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Row: TypeAlias = "asyncpg.Record"

STATEMENT_TIMEOUT_S = 10
# A process that stands still in a transaction (a machine asleep, a debugger) keeps its locks. They
# are taken from it before those who wait for them give up.
IDLE_TIMEOUT_S = 5
_SECRET_PARAMETER = re.compile(r"(?<=[?&])(?:ssl)?password=[^&]*&?", re.IGNORECASE)


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + orjson.dumps(value, default=_as_text),  # 1: wire version
        decoder=lambda data: orjson.loads(data[1:]),
        format="binary",
    )


def _as_text(value: object) -> str:
    """asyncpg's own UUIDs, which orjson does not take for one."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError


async def keep(_: asyncpg.Connection) -> None:
    """Nothing to reset between two uses: no statement here leaves anything behind in the session.

    asyncpg's own reset is a round trip at every release, a third of a short statement's cost.
    """


class Database:
    """The pool every room queries. Statements are plain SQL; prepared once a connection."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], url: str) -> None:
        self.pool = pool
        self.url = url

    @classmethod
    async def connect(cls, url: str, *, connections_max: int) -> Database:
        """Raises: DatabaseUnusable when it cannot be reached or is not what Safelight needs."""
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=2,
                max_size=connections_max,
                init=_prepare,
                reset=keep,
                command_timeout=STATEMENT_TIMEOUT_S,
                timeout=10,
                max_inactive_connection_lifetime=300,
                server_settings=SESSION,
            )
        except ValueError:
            # What exactly is wrong is not said: it may be a piece of the password.
            raise DatabaseUnusable(
                f"The database at {without_password(url)} cannot be reached: that is not an "
                "address PostgreSQL understands. In a password, write @ : / ? # [ and ] as "
                "%40 %3A %2F %3F %23 %5B and %5D."
            ) from None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseUnusable(
                f"The database at {without_password(url)} cannot be reached: {error}"
            ) from None
        return cls(pool, url)

    def another_pool(self, *, connections_max: int) -> asyncpg.Pool[asyncpg.Record]:
        """A pool for a library that has its own idea of JSON; open it with `async with`."""
        return asyncpg.create_pool(
            self.url,
            min_size=1,
            max_size=connections_max,
            reset=keep,
            command_timeout=STATEMENT_TIMEOUT_S,
            timeout=10,
            server_settings=SESSION,
        )

    async def connect_alone(self) -> asyncpg.Connection:
        """A connection outside the pool, for LISTEN and session locks."""
        connection = await asyncpg.connect(self.url, timeout=10, server_settings=SESSION)
        await _prepare(connection)
        return connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """All or nothing; the commit is the end of the `async with`."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield connection

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        return await self.pool.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Row | None:
        return await self.pool.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        return await self.pool.fetchval(sql, *values)

    async def execute(self, sql: str, *values: Any) -> str:
        return await self.pool.execute(sql, *values)

    async def close(self) -> None:
        await self.pool.close()


SESSION = {
    "application_name": "safelight",
    "statement_timeout": f"{STATEMENT_TIMEOUT_S}s",
    "idle_in_transaction_session_timeout": f"{IDLE_TIMEOUT_S}s",
    "timezone": "UTC",
    "jit": "off",
}


def without_password(url: str) -> str:
    """The URL as it may be shown: without what stands between the user's name and the @, and
    without the parameters that are secret."""
    scheme, _, rest = url.partition("://")
    userinfo, at, host = rest.rpartition("@")
    shown = f"{scheme}://{userinfo.partition(':')[0]}{at}{host}"
    return _SECRET_PARAMETER.sub("", shown).rstrip("?&")
