"""Tells open streams where the jobs they wait for stand: one question a second for a whole process.

Nothing of it is stored. A stream says what it watches, and stirs the board when a job begins to
wait; the board asks the database for all of them together and goes to sleep when none is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TypeAlias
from uuid import UUID

import structlog

from safelight.database.patience import GONE
from safelight.jobs.waiting import Forecast, Standing
from safelight.values.ids import OwnerId

log = structlog.get_logger()

EVERY_S = 1.0
# Of the time, the share that asking may take: with very many waiting jobs it asks less often.
_SHARE_MAX = 0.1

_Key: TypeAlias = "tuple[OwnerId, UUID | None]"  # None: all of the owner's

_NOTHING: Mapping[UUID, Standing] = MappingProxyType({})


class _Seat:
    """All streams that watch the same: one job, or all of one owner."""

    def __init__(self) -> None:
        self.watches: set[Watch] = set()
        self.restless = False  # some of it may wait
        self.stirred = False  # since the question that is under way was asked


class Watch:
    """What one stream looks at. Use it as `with`.

    standings: where its jobs stood at look number `look`. A job that was told to have left the
    queue when look number `looking` was the last to begin is gone for sure at all later ones.
    """

    def __init__(
        self, board: Board, owner_id: OwnerId, job_id: UUID | None, nudge: Callable[[], None]
    ) -> None:
        self.key = (owner_id, job_id)
        self.standings = _NOTHING
        self.look = 0
        self.nudge = nudge
        self._board = board

    def stir(self) -> None:
        """Look: something of it waits, or may."""
        self._board.stir(self.key)

    @property
    def looking(self) -> int:
        return self._board.looks

    def __enter__(self) -> Watch:
        self._board.join(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._board.leave(self)


class Board:
    """Looks once a second where all jobs stand that somebody watches and that wait."""

    def __init__(self, forecast: Forecast) -> None:
        self.looks = 0  # that were begun
        self._forecast = forecast
        self._seats: dict[_Key, _Seat] = {}
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="board")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def watch(self, owner_id: OwnerId, job_id: UUID | None, nudge: Callable[[], None]) -> Watch:
        """Follow one job (the caller has checked whose it is), or the owner's newest waiting ones.
        `nudge` is called when there is something new to see."""
        return Watch(self, owner_id, job_id, nudge)

    def join(self, watch: Watch) -> None:
        self._seats.setdefault(watch.key, _Seat()).watches.add(watch)

    def leave(self, watch: Watch) -> None:
        if seat := self._seats.get(watch.key):
            seat.watches.discard(watch)
            if not seat.watches:
                del self._seats[watch.key]

    def stir(self, key: _Key) -> None:
        if seat := self._seats.get(key):
            seat.restless = seat.stirred = True
            self._some.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            await self._some.wait()
            await asyncio.sleep(next_at - loop.time())
            begin = loop.time()
            try:
                await self._look()
            except GONE as error:
                log.warning("the queue cannot be looked at", error=str(error))
            except Exception:
                log.exception("looking at the queue broke")
            next_at = begin + max(EVERY_S, (loop.time() - begin) / _SHARE_MAX)

    async def _look(self) -> None:
        # Who sits down while the question is under way may know better already than its answer.
        asked = {key: tuple(seat.watches) for key, seat in self._seats.items() if seat.restless}
        if not asked:
            self._some.clear()
            return
        self.looks += 1
        look = self.looks
        for key in asked:
            self._seats[key].stirred = False
        standings = await self._forecast.standing(
            [job_id for _, job_id in asked if job_id],
            [owner_id for owner_id, job_id in asked if not job_id],
        )
        of_jobs = {(one.owner_id, one.job_id): {one.job_id: one} for one in standings}
        of_owners: dict[UUID, dict[UUID, Standing]] = {}
        for standing in standings:
            of_owners.setdefault(standing.owner_id, {})[standing.job_id] = standing
        for (owner_id, job_id), watches in asked.items():
            found = of_jobs.get((owner_id, job_id)) if job_id else of_owners.get(owner_id)
            for watch in watches:
                watch.standings, watch.look = found or _NOTHING, look
                watch.nudge()
            self._settle((owner_id, job_id), bool(found))

    def _settle(self, key: _Key, some_wait: bool) -> None:
        if seat := self._seats.get(key):
            # One that began to wait while the question was under way may be missing in the answer.
            seat.restless = some_wait or seat.stirred
