"""The bound of the queue: beyond it nothing is accepted that could not be carried out in time."""

from __future__ import annotations

import asyncio

from safelight.database.pool import Database
from safelight.values.errors import Overloaded

_LOOK_EVERY_S = 1.0
_RETRY_AFTER_S_MAX = 60


class QueueBound:
    """Knows about how many entries wait: counted once a second, and what this process added since.

    The bound is soft by what other processes add within a second. An exact one would be a counter
    that every submit of every process locks.
    """

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self._most = most
        self._waiting = 0
        self._counted_at = float("-inf")
        self._leaving_per_s = 0.0
        self._looking: asyncio.Task[None] | None = None

    def added(self) -> None:
        """One more was queued by this process."""
        self._waiting += 1

    async def check(self) -> None:
        """Raises: Overloaded when the queue is full, with the time it will take to have room."""
        if asyncio.get_running_loop().time() - self._counted_at > _LOOK_EVERY_S:
            await self._look()
        if self._waiting < self._most:
            return
        over = self._waiting - self._most + 1
        wait_s = over / self._leaving_per_s if self._leaving_per_s > 0 else _RETRY_AFTER_S_MAX
        raise Overloaded(
            f"{self._most:,} jobs are waiting already. Nothing was stored; try again later.",
            retry_after_s=min(max(1, round(wait_s)), _RETRY_AFTER_S_MAX),
        )

    async def _look(self) -> None:
        """Count, once for all who ask meanwhile."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._count())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)

    def _looked(self, _: asyncio.Task[None]) -> None:
        self._looking = None

    async def _count(self) -> None:
        before, since = self._waiting, self._counted_at
        row = await self._database.fetchrow(
            """SELECT (SELECT count(*) FROM (SELECT FROM queue.pgqueuer WHERE status = 'queued'
                                             LIMIT $1) AS counted) AS waiting""",
            2 * self._most,
        )
        assert row is not None
        self._waiting = row["waiting"]
        self._counted_at = asyncio.get_running_loop().time()
        left = (before - self._waiting) / (self._counted_at - since)
        # Smoothed: a batch that was taken just now is no rate.
        self._leaving_per_s = max(0.0, 0.7 * self._leaving_per_s + 0.3 * left)
