"""Which entries PgQueuer may hand to a worker, and take away again.

Those of lanes that are served now: an entry of a lane in trouble is left where it is, untouched,
instead of being claimed and given back again and again. And a worker that lost an entry, because it
was silent for too long, leaves it to whoever has it now: without its entry nobody would look at the
job again if that one died too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.adapters.persistence.query_helpers import cell
from pgqueuer.domain.models import Job as Entry
from pgqueuer.domain.models import TracebackRecord
from pgqueuer.domain.types import JOB_STATUS, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

from safelight.database.patience import GONE, patiently
from safelight.queueing.lanes import Lanes

log = structlog.get_logger()

_LOOK_AGAIN_S = 0.2

# Whether anything is due, and if not, how long until something is.
_AHEAD = """
SELECT is_due, CASE WHEN NOT is_due THEN (
           SELECT execute_after - now() FROM queue.pgqueuer
           WHERE entrypoint = ANY($1) AND status = 'queued' AND execute_after > now()
           ORDER BY execute_after LIMIT 1) END AS next_due
FROM (SELECT EXISTS (SELECT FROM queue.pgqueuer WHERE entrypoint = ANY($1) AND status = 'queued'
                     AND execute_after <= now()) AS is_due) AS now_due
"""


@dataclass
class Claims(Queries):
    """PgQueuer's queries, asked about lanes in service only.

    A lane's concurrency limit is that of all workers and comes from the database (`limits`), not
    from what this worker registered.
    """

    lanes: Lanes = field(kw_only=True)
    manager_id: UUID = field(kw_only=True)
    give_back_dropped: Callable[[], Awaitable[None]] | None = field(kw_only=True, default=None)
    _went_away: bool = field(init=False, default=False)
    _next_due: timedelta | None = field(init=False, default=None)

    async def log_jobs(
        self, job_status: list[tuple[Entry, JOB_STATUS, TracebackRecord | None]]
    ) -> None:
        """What is done with leaves the queue. (PgQueuer would also log it; the jobs tell more.)"""
        await self.driver.execute(
            "DELETE FROM queue.pgqueuer WHERE id = ANY($1) AND queue_manager_id = $2",
            [entry.id for entry, _, _ in job_status],
            self.manager_id,
        )

    async def retry_job(
        self, job: Entry, delay: timedelta, traceback_record: TracebackRecord | None
    ) -> None:
        """Back into the queue, for later.

        Patiently: PgQueuer takes an entry away that could not be written back, and its job would
        wait for the sweep."""
        await patiently(
            lambda: self.driver.execute(
                """UPDATE queue.pgqueuer
                   SET status = 'queued', execute_after = now() + $2::interval, updated = now(),
                       queue_manager_id = NULL, slot = NULL
                   WHERE id = $1 AND queue_manager_id = $3""",
                job.id,
                delay,
                self.manager_id,
            )
        )

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Entry]:
        """Nothing while the database is away: an error would end PgQueuer's loop, which begins anew
        only when the longest of the jobs in hand has ended."""
        try:
            if self._went_away and self.give_back_dropped:
                await self.give_back_dropped()  # what was claimed, and the answer lost
            self._went_away = False
            return await self._claim(
                batch_size,
                entrypoints,
                queue_manager_id,
                global_concurrency_limit,
                heartbeat_timeout,
            )
        except GONE as error:
            log.warning("no jobs can be claimed", error=str(error) or repr(error))
            self._went_away = True
            await asyncio.sleep(_LOOK_AGAIN_S)
            return []

    async def _claim(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Entry]:
        served = self._served(entrypoints)
        if len(served) == len(entrypoints):
            return await super().dequeue(
                batch_size, served, queue_manager_id, global_concurrency_limit, heartbeat_timeout
            )
        # PgQueuer counts what this worker holds in the lanes it is asked about; its places are
        # for all of them.
        held = await self._held(entrypoints, queue_manager_id)
        if global_concurrency_limit is not None and held.total() >= global_concurrency_limit:
            return []

        def places(lanes: Iterable[QueueEntrypoint]) -> int | None:
            if global_concurrency_limit is None:
                return None
            return global_concurrency_limit - held.total() + sum(held[lane] for lane in lanes)

        for lane in self._may_probe(entrypoints):
            if entries := await self._probe(
                lane, queue_manager_id, places([lane]), heartbeat_timeout
            ):
                return entries
        if not served:
            return []
        return await super().dequeue(
            batch_size, served, queue_manager_id, places(served), heartbeat_timeout
        )

    async def _probe(
        self,
        lane: QueueEntrypoint,
        queue_manager_id: QueueManagerId,
        places: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Entry]:
        """One entry of a broken lane, if it is our turn to find out whether it works again."""
        # A probe that is begun and dropped again wakes everybody up, and us to begin the next.
        if not await super().eligible_queued_work([lane]) or not await self.lanes.begin_probe(lane):
            return []
        one = {lane: EntrypointExecutionParameter(concurrency_limit=0)}
        entries: list[Entry] = []
        try:
            entries = await super().dequeue(1, one, queue_manager_id, places, heartbeat_timeout)
        finally:
            await self.lanes.claimed(lane, entries[0].id if entries else None)
        return entries

    # With what it hears in the next three, asked in this order after each claim, PgQueuer decides
    # how soon to look again: of what may not be claimed it must not know, or it would look without
    # pause. The first finds out for all of them.

    async def eligible_queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        self._next_due = None
        if self._went_away:
            return 1  # there may be: look again soon
        with suppress(*GONE):
            (row,) = await self.driver.fetch(_AHEAD, self._of_interest(entrypoints))
            if row["next_due"] is not None:
                self._next_due = cell(row, "next_due", timedelta)
            return int(cell(row, "is_due", bool))
        return 1

    async def next_deferred_eta(self, entrypoints: list[QueueEntrypoint]) -> timedelta | None:
        return self._next_due

    async def queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        return 0  # it asks when nothing is due and nothing deferred, as of one moment

    def _served(
        self, entrypoints: Iterable[QueueEntrypoint]
    ) -> dict[QueueEntrypoint, EntrypointExecutionParameter]:
        return {
            QueueEntrypoint(name): EntrypointExecutionParameter(self.lanes.claims_max(name))
            for name in self.lanes.claimable(entrypoints)
        }

    def _may_probe(self, entrypoints: Iterable[QueueEntrypoint]) -> list[QueueEntrypoint]:
        return [QueueEntrypoint(name) for name in self.lanes.may_probe(entrypoints)]

    def _of_interest(self, entrypoints: list[QueueEntrypoint]) -> list[QueueEntrypoint]:
        return [*self._served(entrypoints), *self._may_probe(entrypoints)]

    async def _held(
        self, entrypoints: Iterable[QueueEntrypoint], manager: QueueManagerId
    ) -> Counter[str]:
        """How many entries of each lane this worker holds."""
        rows = await self.driver.fetch(
            """SELECT entrypoint, count(*) AS held FROM queue.pgqueuer
               WHERE queue_manager_id = $1 AND entrypoint = ANY($2) GROUP BY entrypoint""",
            manager,
            list(entrypoints),
        )
        return Counter({cell(row, "entrypoint", str): cell(row, "held", int) for row in rows})
