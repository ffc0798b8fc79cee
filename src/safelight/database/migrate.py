"""Bring a database to the schema this code expects: numbered SQL files, each applied once.

What a file may do while others use the database: migrations/README.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Mapping
from importlib import resources

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings, Durability

from safelight.database.embedded import DatabaseUnusable

# PgQueuer's tables live in a schema of their own. Its log and statistics are not part of any
# promise (the jobs table is the truth), so they need not survive a crash.
QUEUE = DBSettings(db_schema="queue", durability=Durability.balanced)

_LOCK = 0x5AFE_1164  # any number all versions agree on
_LOCK_WAIT_S = 60
_APPLY_TIMEOUT_S = 60
# The first line of a file that is not applied in a transaction, but one statement after the other.
APART = "-- Apart:"
_APART_TIMEOUT_S = 3600
_SERVER_VERSION_MIN = 160000


async def migrate(
    connection: asyncpg.Connection, files: Mapping[str, str] | None = None
) -> list[str]:
    """Apply what is missing; several processes may call it at once. Returns the names applied.
    files: by name, in order; ours if it is not said.

    Raises: DatabaseUnusable when another process migrates for too long, when an applied file was
    changed afterwards, or when the database is newer than this code.
    """
    if connection.get_server_version().major * 10000 < _SERVER_VERSION_MIN:
        raise DatabaseUnusable("Safelight needs PostgreSQL 16 or newer.")
    await _lock(connection)
    try:
        return await _apply_missing(connection, _files() if files is None else files)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _lock(connection: asyncpg.Connection) -> None:
    deadline = time.monotonic() + _LOCK_WAIT_S
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        if time.monotonic() > deadline:
            raise DatabaseUnusable("Another process has been changing the schema for a minute.")
        await asyncio.sleep(0.05)


async def _apply_missing(connection: asyncpg.Connection, known: Mapping[str, str]) -> list[str]:
    await connection.execute(
        """CREATE TABLE IF NOT EXISTS migrations (
               name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz DEFAULT now())"""
    )
    rows = await connection.fetch("SELECT name, digest FROM migrations")
    applied: dict[str, str] = {row["name"]: row["digest"] for row in rows}
    if newer := sorted(set(applied) - set(known)):
        raise DatabaseUnusable(
            f"The database was last used by a newer Safelight (it has {newer[-1]}). "
            "Use that version, or restore a backup."
        )
    done: list[str] = []
    for name, sql in known.items():
        digest = hashlib.sha256(sql.encode()).hexdigest()
        if name in applied:
            if applied[name] != digest:
                raise DatabaseUnusable(f"The migration {name} was changed after it was applied.")
            continue
        try:
            await _apply(connection, name, sql, digest)
        except (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError, TimeoutError) as error:
            raise DatabaseUnusable(
                f"The migration {name} could not be applied: {error or 'it took too long'}. "
                "Nothing of it counts. Stop what else uses this database, and start again."
            ) from None
        done.append(name)
    return done


async def _apply(connection: asyncpg.Connection, name: str, sql: str, digest: str) -> None:
    if sql.startswith(APART):
        await _apply_apart(connection, sql)
        await _note(connection, name, digest)
        return
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '2s'")
        await connection.execute(f"SET LOCAL statement_timeout = '{_APPLY_TIMEOUT_S}s'")
        if name == "0001_queue.sql":
            # The library writes its own tables; the file then changes what must be changed.
            await Queries(AsyncpgDriver(connection), QueryBuilderEnvironment(QUEUE)).install()
        # The connection's own limit is for statements that somebody waits for.
        await connection.execute(sql, timeout=_APPLY_TIMEOUT_S)
        await _note(connection, name, digest)


async def _apply_apart(connection: asyncpg.Connection, sql: str) -> None:
    """Statements that cannot be in a transaction, such as CREATE INDEX CONCURRENTLY. Broken off and
    begun anew it must come to the same."""
    await connection.execute(f"SET statement_timeout = '{_APART_TIMEOUT_S}s'")
    try:
        for statement in re.sub(r"--.*", "", sql).split(";"):
            if statement.strip():
                await connection.execute(statement, timeout=_APART_TIMEOUT_S)
    finally:
        if not connection.is_closed():
            await connection.execute("RESET statement_timeout")


async def _note(connection: asyncpg.Connection, name: str, digest: str) -> None:
    await connection.execute("INSERT INTO migrations (name, digest) VALUES ($1, $2)", name, digest)


def _files() -> dict[str, str]:
    folder = resources.files("safelight.database") / "migrations"
    files = {file.name: file.read_text() for file in folder.iterdir() if file.name.endswith(".sql")}
    return dict(sorted(files.items()))
