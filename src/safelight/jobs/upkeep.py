"""What must be done now and then: put right what a death left half done, end what took too long,
and forget old lines and keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

from safelight.database.patience import GONE
from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.jobs import endings, turns
from safelight.jobs.feed import Feed
from safelight.queueing.entries import CANCEL_CHANNEL, restore_missing, ring_for_entries

log = structlog.get_logger()

SWEEP_EVERY_S = 10.0
_FORGET_EVERY = 3  # sweeps
_LOCK = 0x5AFE_0001
_PASSING_KEPT = "15 minutes"  # progress and pieces of text are for whoever is watching
_BATCH = 5000
_BITES_S = 2.0  # for each kind of thing; what is left is for the next time

_OLD_PROGRESS = f"""
DELETE FROM events WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM events
    WHERE kind IN ('progress', 'delta') AND at < now() - interval '{_PASSING_KEPT}'
      AND NOT EXISTS (SELECT FROM jobs WHERE id = job_id AND finished_at IS NULL)
    LIMIT {_BATCH}))"""  # noqa: S608
_OLD_EVENTS = f"""
DELETE FROM events WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM events WHERE at < now() - make_interval(days => $1) LIMIT {_BATCH}))"""  # noqa: S608
_OLD_KEYS = f"""
DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idempotency_keys
    WHERE created_at < now() - interval '24 hours' LIMIT {_BATCH}))"""  # noqa: S608
# A turn behind where its lane has come says nothing: the next one begins there.
_OLD_TURNS = f"""
DELETE FROM turns WHERE ctid = ANY(ARRAY(
    SELECT turns.ctid FROM turns JOIN lanes ON lanes.name = turns.lane
    WHERE turns.tag <= lanes.virtual LIMIT {_BATCH}))"""  # noqa: S608
_OLD_LOG = "DELETE FROM queue.pgqueuer_log WHERE created < now() - interval '1 hour'"
_FAILED_ENTRIES = "DELETE FROM queue.pgqueuer WHERE status = 'failed'"

Chore = Callable[[Database], Awaitable[object]]


class Upkeep:
    """One process does it at a time; any may.

    chores: what other rooms want done at every sweep. Each is small, safe to repeat and safe beside
    another one doing the same.
    """

    def __init__(
        self,
        database: Database,
        wakeups: Wakeups,
        feed: Feed,
        *,
        events_kept_days: int,
        chores: Sequence[Chore] = (),
        every_s: float = SWEEP_EVERY_S,
    ) -> None:
        self._database = database
        self._wakeups = wakeups
        self._feed = feed
        self._events_kept_days = events_kept_days
        self._chores = chores
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="upkeep")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def sweep(self) -> None:
        """End what took too long, and look for jobs nobody carries."""
        await self._expire()
        if await turns.unpark_forgotten(self._database):
            ring_for_entries(self._wakeups)
        await self._restore()
        for chore in self._chores:
            await chore(self._database)

    async def _expire(self) -> None:
        if stale := await endings.settle_stale(self._database):
            log.error("holds of jobs that had ended were settled", holds=stale)
        until = time.monotonic() + _BITES_S
        while ended := await endings.expire(self._database):
            for job_id, _ in ended:
                log.warning("a job did not end before its deadline", job_id=str(job_id))
                self._wakeups.ring(CANCEL_CHANNEL, str(job_id))
            self._feed.announce()
            if time.monotonic() > until:
                break

    async def _restore(self) -> None:
        # In a transaction of its own: one that has written holds back every reader of the feed.
        async with self._database.transaction() as tx:
            if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
                return  # two that look at once would each queue what is missing
            found = await restore_missing(tx)
        if found:
            log.error("jobs without a queue entry were queued again", jobs=found)
            ring_for_entries(self._wakeups)

    async def forget(self) -> None:
        """Delete what nobody will ask for again, in small bites."""
        for sql, *values in (
            (_OLD_PROGRESS,),
            (_OLD_EVENTS, self._events_kept_days),
            (_OLD_KEYS,),
            (_OLD_TURNS,),
            (_OLD_LOG,),
            (_FAILED_ENTRIES,),
        ):
            until = time.monotonic() + _BITES_S
            while await self._bite(sql, *values) == _BATCH and time.monotonic() < until:
                pass

    async def _bite(self, sql: str, *values: int) -> int:
        """How many rows it took. In a transaction of its own: one that has written holds back every
        reader of the feed."""
        async with self._database.transaction() as tx:
            if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
                return 0
            return int((await tx.execute(sql, *values)).rpartition(" ")[2])

    async def once(self) -> None:
        """Everything there is to do."""
        await self.sweep()
        await self.forget()

    async def _run(self) -> None:
        sweeps = 0
        while True:
            await asyncio.sleep(self._every_s)
            sweeps += 1
            try:
                await self.sweep()
                if sweeps % _FORGET_EVERY == 0:
                    await self.forget()
            except GONE:
                continue
            except Exception:
                log.exception("upkeep broke")
