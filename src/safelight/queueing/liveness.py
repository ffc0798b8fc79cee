"""Noticing within seconds that a worker died, instead of waiting for its lease to run out.

Every worker holds a session lock in the database under its own number. When its process dies the
connection goes, and the lock with it: whoever looks then gives its entries back to the queue.
A worker that hangs keeps its lock; for it there is the lease. A worker that only lost its
connection may lose jobs that it still works on; the attempt number fences it, so nothing is
written twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import asyncpg
import structlog

from safelight.database.patience import GONE
from safelight.database.pool import Database
from safelight.values.ids import new_id

log = structlog.get_logger()

_LOOK_EVERY_S = 1.0
# Gone three times in a row: after a restart of the database all workers come back within a second.
_GONE_TIMES = 3
_ANSWER_S = 10.0  # who is slower would lose the lock to his own impatience

_OUR_LOCK = """
SELECT EXISTS (SELECT FROM pg_locks
               WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid())
"""

_WITHOUT_LOCK = """
SELECT DISTINCT entry.queue_manager_id AS manager
FROM queue.pgqueuer entry
WHERE entry.queue_manager_id IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM pg_locks held
      WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (held.classid::bigint << 32 | held.objid::bigint)
            = hashtextextended(entry.queue_manager_id::text, 0))
"""


class Liveness:
    """Holds this worker's lock, and gives back what dead workers had."""

    def __init__(self, database: Database, *, on_reclaim: Callable[[], None]) -> None:
        self.manager_id = new_id()
        self._database = database
        self._on_reclaim = on_reclaim
        self._connection: asyncpg.Connection | None = None
        self._missing: dict[UUID, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._hold()
        self._task = asyncio.create_task(self._watch(), name="liveness")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._connection:
            with suppress(*GONE):
                await self._connection.close(timeout=2)

    async def _hold(self) -> None:
        connection = await self._database.connect_alone()
        try:
            await connection.execute(
                "SELECT pg_advisory_lock(hashtextextended($1::text, 0))", str(self.manager_id)
            )
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection

    async def _watch(self) -> None:
        while True:
            try:
                if not await self._is_held():
                    await self._hold()
                await self._reclaim()
            except (*GONE, asyncpg.PostgresError) as error:
                log.warning("nobody can see that this worker lives", error=str(error))
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _is_held(self) -> bool:
        """Asked over the lock's own connection: one that nobody uses may be dead for hours before
        either end notices."""
        connection = self._connection
        if connection is None or connection.is_closed():
            return False
        with suppress(*GONE):
            if await connection.fetchval(_OUR_LOCK, timeout=_ANSWER_S):
                return True
        connection.terminate()
        return False

    async def _reclaim(self) -> None:
        rows = await self._database.fetch(_WITHOUT_LOCK)
        gone = {UUID(int=row["manager"].int) for row in rows} - {self.manager_id}
        self._missing = {manager: self._missing.get(manager, 0) + 1 for manager in gone}
        dead = [manager for manager, times in self._missing.items() if times >= _GONE_TIMES]
        if not dead:
            return
        count = await self._database.fetchval(
            """WITH given AS (
                   UPDATE queue.pgqueuer
                   SET status = 'queued', queue_manager_id = NULL, slot = NULL, updated = now()
                   WHERE queue_manager_id = ANY($1) AND status = 'picked' RETURNING 1)
               SELECT count(*) FROM given""",
            dead,
        )
        log.info("took over from dead workers", workers=len(dead), jobs=count)
        self._on_reclaim()
