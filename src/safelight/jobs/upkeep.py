"""What must be done now and then: forget old lines and keys, and look for jobs nobody carries."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from safelight.database.patience import GONE
from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.queueing.entries import restore_missing, ring_for_entries

log = structlog.get_logger()

_EVERY_S = 30.0
_LOCK = 0x5AFE_0001
_PASSING_KEPT = "15 minutes"  # progress and pieces of text are for whoever is watching
_BATCH = 5000


class Upkeep:
    """One process does it at a time; any may."""

    def __init__(self, database: Database, wakeups: Wakeups, *, events_kept_days: int) -> None:
        self._database = database
        self._wakeups = wakeups
        self._events_kept_days = events_kept_days
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="upkeep")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def once(self) -> None:
        """Everything there is to do, in small bites. Skipped while another process does it."""
        async with self._database.transaction() as tx:
            if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
                return
            await tx.execute(
                f"""DELETE FROM events WHERE ctid = ANY(ARRAY(
                        SELECT ctid FROM events
                        WHERE kind IN ('progress', 'delta')
                          AND at < now() - interval '{_PASSING_KEPT}'
                          AND NOT EXISTS (SELECT FROM jobs
                                          WHERE id = job_id AND finished_at IS NULL)
                        LIMIT {_BATCH}))"""  # noqa: S608
            )
            await tx.execute(
                f"""DELETE FROM events WHERE ctid = ANY(ARRAY(
                        SELECT ctid FROM events WHERE at < now() - make_interval(days => $1)
                        LIMIT {_BATCH}))""",  # noqa: S608
                self._events_kept_days,
            )
            await tx.execute(
                f"""DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
                        SELECT ctid FROM idempotency_keys
                        WHERE created_at < now() - interval '24 hours' LIMIT {_BATCH}))"""  # noqa: S608
            )
            await tx.execute(
                "DELETE FROM queue.pgqueuer_log WHERE created < now() - interval '1 hour'"
            )
            await tx.execute("DELETE FROM queue.pgqueuer WHERE status = 'failed'")
        # A transaction of its own: one that has written holds back every reader of the feed, and
        # this one only writes when there is something to mend.
        async with self._database.transaction() as tx:
            if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
                return  # two that look at once would each queue what is missing
            found = await restore_missing(tx)
        if found:
            log.error("jobs without a queue entry were queued again", jobs=found)
            ring_for_entries(self._wakeups)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.once()
            except GONE:
                continue
            except Exception:
                log.exception("upkeep broke")
