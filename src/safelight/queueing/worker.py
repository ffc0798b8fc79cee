"""Taking entries from PgQueuer and carrying them out, through restarts of everything around it.

An entry only says "look at this job". PgQueuer gives the claim (SKIP LOCKED), the heartbeat and
the delayed retry; whether there is anything to do is decided by the job's own row.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job as Entry
from pgqueuer.ports.driver import NotifyCallback

from safelight.crashpoints import crash
from safelight.database.migrate import QUEUE
from safelight.database.patience import GONE
from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.queueing import roll
from safelight.queueing.claims import Claims
from safelight.queueing.entries import BELL, CANCEL_CHANNEL, ring_for_entries
from safelight.queueing.lanes import Lanes
from safelight.queueing.liveness import Liveness
from safelight.queueing.outcomes import Again
from safelight.values.ids import JobId

log = structlog.get_logger()
logging.getLogger("pgqueuer").setLevel(logging.ERROR)  # a retry is not news; ours are logged here

_POLL_S = 2.0  # the safety net below the wake-ups
# While all places are taken and more is waiting, PgQueuer looks again this often.
_LOOK_AGAIN_S = 0.02
_BATCH_MAX = 32
_CONNECTIONS_MAX = 3  # of a counter; docs/operating.md counts with it

# The job of an entry, the entry's tag, and whom to tell which job it is in the end: another one of
# the same owner may go first.
CarryOut = Callable[[JobId, int, Callable[[JobId], None]], Awaitable[Again | None]]


@dataclass(frozen=True, slots=True)
class Counter:
    """Lanes (one a provider) that share places: `places` jobs of them are carried at a time.

    A model that computes on this machine has a counter of its own, as wide as the machine;
    calls to other people's machines only wait, so their counter is wide.
    """

    lanes: tuple[str, ...]
    places: int


class _Driver(AsyncpgPoolDriver):
    """PgQueuer listens through our wake-ups: no connection of its own, and a submit in this process
    reaches the worker without a round trip."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], wakeups: Wakeups) -> None:
        super().__init__(pool)
        self._wakeups = wakeups
        self._heard: list[tuple[str, Callable[[str], None]]] = []

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        def heard(payload: str) -> None:
            callback(payload or BELL)  # '' says that bells may have been missed

        self._heard.append((channel, heard))
        await self._wakeups.hear(channel, heard)

    def ignore_all(self) -> None:
        for channel, callback in self._heard:
            self._wakeups.ignore(channel, callback)
        self._heard.clear()


class _Manager(QueueManager):
    """PgQueuer's loop, without looks at its listener: those are our wake-ups, which connect anew by
    themselves, and a look that fails would end the loop."""

    async def _run_periodic_health_check(self, interval: timedelta = timedelta(seconds=10)) -> None:
        await self.shutdown.wait()


class Worker:
    """Carries out jobs at its counters."""

    def __init__(
        self,
        database: Database,
        wakeups: Wakeups,
        *,
        lanes: Lanes,
        counters: list[Counter],
        carry_out: CarryOut,
        lease_s: float,
        graceful_stop_s: float,
    ) -> None:
        self._database = database
        self._wakeups = wakeups
        self._lanes = lanes
        self._counters = counters
        self._carry_out = carry_out
        self._lease = timedelta(seconds=lease_s)
        self._graceful_stop_s = graceful_stop_s
        self._running: dict[JobId, asyncio.Task[Again | None]] = {}
        self._cancelled: set[JobId] = set()
        self._stopping = False
        self._managers: dict[Counter, QueueManager] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._liveness = Liveness(database, on_reclaim=lambda: ring_for_entries(wakeups))

    @property
    def alive(self) -> bool:
        """Whether it is taking jobs (readiness asks)."""
        return len(self._managers) == len(self._counters) and not self._stopping

    async def start(self) -> None:
        await self._wakeups.hear(CANCEL_CHANNEL, self._heard_cancel)
        await self._liveness.start()
        await self._database.execute(
            "INSERT INTO lanes (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
            [lane for counter in self._counters for lane in counter.lanes],
        )
        self._tasks = [
            asyncio.create_task(self._supervise(counter), name=f"worker {counter.lanes}")
            for counter in self._counters
        ]

    def take_nothing_new(self) -> None:
        """What begins now would hardly be finished before `stop`."""
        self._stopping = True
        for manager in self._managers.values():
            manager.shutdown.set()

    async def stop(self) -> None:
        """Take nothing new, let running jobs finish for a while, give the rest back unharmed."""
        self.take_nothing_new()
        if self._running:
            log.info("finishing running jobs", jobs=len(self._running))
            await asyncio.wait(list(self._running.values()), timeout=self._graceful_stop_s)
        for task in self._running.values():
            task.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=5)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with suppress(*GONE):
            await roll.sign_out(self._database, self._liveness.manager_id)
        await self._liveness.stop()

    def cancel(self, job_id: JobId) -> None:
        """Stop working on a job, if this process does; its row already says so."""
        if task := self._running.get(job_id):
            self._cancelled.add(job_id)
            task.cancel()

    def _heard_cancel(self, payload: str) -> None:
        with suppress(ValueError):
            self.cancel(JobId(UUID(payload)))

    async def _supervise(self, counter: Counter) -> None:
        """Run PgQueuer's loop; start it anew when the database went away under it."""
        pause_s = 0.1
        while not self._stopping:
            try:
                async with self._database.another_pool(connections_max=_CONNECTIONS_MAX) as pool:
                    pause_s = 0.1
                    await self._run(counter, _Driver(pool, self._wakeups))
            except Exception as error:
                log.warning("the worker lost the database", error=str(error) or repr(error))
            finally:
                self._managers.pop(counter, None)
            if not self._stopping:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 2.0)

    async def _run(self, counter: Counter, driver: _Driver) -> None:
        places = [(lane, counter.places) for lane in counter.lanes]
        await roll.sign_in(self._database, self._liveness.manager_id, places)
        await self._give_back_dropped(counter)
        queries = Claims(
            driver,
            QueryBuilderEnvironment(QUEUE),
            QueryQueueBuilder(QUEUE),
            QuerySchedulerBuilder(QUEUE),
            lanes=self._lanes,
            manager_id=self._liveness.manager_id,
            give_back_dropped=lambda: self._give_back_dropped(counter),
        )
        manager = _Manager(queries)
        manager.queue_manager_id = self._liveness.manager_id  # type: ignore[assignment]
        manager.min_dequeue_poll_interval = timedelta(seconds=_LOOK_AGAIN_S)
        for lane in counter.lanes:
            manager.entrypoint(lane, on_failure="hold")(self._handle)
        self._managers[counter] = manager
        log.info("worker ready", lanes=counter.lanes, places=counter.places)
        try:
            await self._run_manager(manager, counter)
        finally:
            driver.ignore_all()

    async def _give_back_dropped(self, counter: Counter) -> None:
        """Entries this worker holds and does not work on: the database was away when it was done
        with them. Whoever takes them finds what their jobs came to."""
        await self._database.execute(
            """UPDATE queue.pgqueuer
               SET status = 'queued', queue_manager_id = NULL, slot = NULL, updated = now()
               WHERE queue_manager_id = $1 AND entrypoint = ANY($2) AND status = 'picked'
                 AND payload <> ALL($3)""",
            self._liveness.manager_id,
            list(counter.lanes),
            [job_id.bytes for job_id in self._running],
        )

    async def _run_manager(self, manager: QueueManager, counter: Counter) -> None:
        await manager.run(
            dequeue_timeout=timedelta(seconds=_POLL_S),
            batch_size=max(1, min(_BATCH_MAX, counter.places // 2)),
            max_concurrent_tasks=max(2, counter.places),
            heartbeat_timeout=self._lease,
            log_aggregation_interval=timedelta(0),
        )

    async def _handle(self, entry: Entry) -> None:
        """One entry. Raises nothing but RetryRequested: any other exception would take the entry
        away while its job is still waiting."""
        crash("after_claim")
        job_id = JobId(UUID(bytes=entry.payload or b""))
        held: list[JobId] = [job_id]

        def hold(changed: JobId) -> None:
            self._running.pop(held[0], None)
            held[0] = changed
            self._running[changed] = task

        task = asyncio.create_task(self._attempt(job_id, -entry.priority, hold))
        self._running[job_id] = task
        try:
            again = await task
        except asyncio.CancelledError:
            if held[0] in self._cancelled:
                return
            # Stopping: back it goes, as if it had never been taken (the attempt has seen to that).
            raise RetryRequested(reason="the worker stops") from None
        finally:
            self._running.pop(held[0], None)
            self._cancelled.discard(held[0])
            self._lanes.handled(int(entry.id))
        if again:
            # PgQueuer may be asleep until its next poll: wake it when the time has come.
            asyncio.get_running_loop().call_later(
                again.delay_s + 0.02, ring_for_entries, self._wakeups
            )
            raise RetryRequested(timedelta(seconds=again.delay_s), reason="to be tried again")

    async def _attempt(
        self, job_id: JobId, tag: int, hold: Callable[[JobId], None]
    ) -> Again | None:
        with structlog.contextvars.bound_contextvars(job_id=str(job_id)):
            try:
                return await self._carry_out(job_id, tag, hold)
            except GONE as error:
                log.warning("the database went away during a job", error=str(error))
                return Again(1.0)
            except Exception:
                log.exception("an attempt broke")
                return Again(5.0)
