"""Lanes in use: who may call a provider now, and which lanes may be claimed from.

What it decides from is a view in memory (lane_view.py), read from the database at every bell and
each second; what changes it is written there first (breaker.py, passes.py).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from safelight.database.patience import GONE
from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.queueing import breaker
from safelight.queueing.breaker import FAILURES, Rules, Trouble
from safelight.queueing.entries import ring_for_entries
from safelight.queueing.lane_states import LaneState, read_lane_states
from safelight.queueing.lane_view import LaneView
from safelight.queueing.outcomes import RETRY_AFTER_MAX_S
from safelight.queueing.passes import Passes, read_limits
from safelight.values.errors import (
    InvalidOutput,
    NotAsked,
    ProviderBusy,
    ProviderError,
    ProviderFailed,
    ProviderRefused,
    ProviderRejected,
    ProviderUnreachable,
)

log = structlog.get_logger()

LANES_CHANNEL = "safelight_lanes"
UNTIL_RESUMED = datetime(9999, 1, 1, tzinfo=UTC)

_LOOK_EVERY_S = 1.0
_FORGET_EVERY_S = 60.0
# How long a job claimed for a probe may take until its call.
_UNUSED_S = 60.0
# A job that waits for its pass for longer gives its place in the worker to others.
_PATIENCE_S = 60.0
_COME_BACK_S = (2.0, 6.0)
_STAY_AWAY_S = 6.0


class LanePaused(ProviderBusy):
    """The provider is not asked for now, and was not. The job goes back without a try counted.

    wait_s: how long it will be, as far as is known. The job need not stay away for so long: its
    entry is not claimed before the lane is served, which an operator may make sooner.
    """

    def __init__(
        self, lane: str, wait_s: float, why: str, *, stay_away_s: float | None = None
    ) -> None:
        self.wait_s = wait_s
        super().__init__(
            f"{lane} is not asked at the moment. {why}".strip(),
            retry_after_s=min(wait_s, _STAY_AWAY_S) if stay_away_s is None else stay_away_s,
        )


@dataclass(slots=True)
class _Probe:
    """The right of this process to one call in a broken lane.

    entry: PgQueuer's, that was claimed for it. is_used: its call is under way.
    """

    id: UUID
    begun_at: float
    entry: int | None = None
    is_used: bool = False


class Lanes:
    """Limits, pauses and breakers of all providers, shared with all other processes."""

    def __init__(
        self,
        database: Database,
        wakeups: Wakeups,
        *,
        rules: Rules | None = None,
        passes: Passes | None = None,
        patience_s: float = _PATIENCE_S,
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        self._database = database
        self._wakeups = wakeups
        self._rules = rules or Rules()
        self._passes = passes or Passes(database, wakeups)
        self._patience_s = patience_s
        self._look_every_s = look_every_s
        self._view = LaneView(
            database, on_open=lambda: ring_for_entries(wakeups), on_shut=self._passes.wake
        )
        self._probes: dict[str, _Probe] = {}
        self._news = asyncio.Event()
        self._writing: set[asyncio.Task[None]] = set()
        self._forgot_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._passes.start()
        await self._wakeups.hear(LANES_CHANNEL, self._heard)
        await self._look()
        self._task = asyncio.create_task(self._watch(), name="lanes")

    async def stop(self) -> None:
        self._wakeups.ignore(LANES_CHANNEL, self._heard)
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*self._writing, return_exceptions=True)
        await self._passes.stop()

    # Calling

    @asynccontextmanager
    async def enter(self, provider: str, model: str) -> AsyncIterator[None]:
        """Around one call: waits until all limits allow it, and notes from what it raises how the
        provider is. Without limits and trouble it costs no round trip.

        Raises: LanePaused, before the call; also after it, when it was the probe and failed.
        """
        probe = self._let_in(provider)
        taken: UUID | None = None
        try:
            if names := self._passes.limited(provider, model):
                taken = await self._pass(provider, names, probe)
            yield
        except BaseException as error:
            writing = self._write(self._came_of(provider, probe, error))
            if isinstance(error, Exception):
                await asyncio.shield(writing)
            if probe and isinstance(error, ProviderFailed | ProviderUnreachable):
                raise self._still_down(provider, error) from error
            raise
        else:
            if probe:
                await asyncio.shield(self._write(self._came_of(provider, probe, None)))
        finally:
            if taken:
                self._passes.give(taken)

    def _still_down(self, provider: str, error: ProviderError) -> LanePaused:
        """The probe was made for all jobs of the lane, so it costs the one that made it no try. It
        stays away longer than the breaker is open: if it is the job that the provider stumbles
        over, the next probe must be another's."""
        open_s = self._rules.open_s
        return LanePaused(
            provider,
            open_s,
            str(error),
            stay_away_s=open_s * random.uniform(1.2, 1.5),  # noqa: S311
        )

    def _let_in(self, provider: str) -> UUID | None:
        """The probe this call is, if it is one. Raises: LanePaused."""
        probe = self._probes.get(provider)
        if probe is None or probe.is_used:
            self._check(provider, None)
            return None
        self._check(provider, probe.id)
        probe.is_used = True
        return probe.id

    def _check(self, provider: str, probe: UUID | None) -> None:
        """Raises: LanePaused while a pause lasts, and in a broken lane to all but the probe."""
        blocked, now = self._view.of(provider), _now()
        if blocked is None:
            return
        if blocked.paused_until > now:
            raise LanePaused(provider, blocked.paused_until - now, blocked.why)
        if blocked.is_broken and probe is None:
            raise LanePaused(provider, max(blocked.open_until - now, 1.0), blocked.why)

    async def _pass(self, provider: str, names: tuple[str, ...], probe: UUID | None) -> UUID:
        try:
            async with asyncio.timeout(self._patience_s) as patience:
                return await self._passes.take(names, lambda: self._check(provider, probe))
        except TimeoutError:
            if not patience.expired():
                raise
            why = "More is asked of it than its limits allow."
            raise LanePaused(provider, random.uniform(*_COME_BACK_S), why) from None  # noqa: S311

    async def _came_of(
        self, provider: str, probe: UUID | None, error: BaseException | None
    ) -> None:
        match error:
            case LanePaused():
                await self._drop(provider, probe)
            case ProviderBusy():
                await self.busy(provider, error.retry_after_s, str(error))
                await self._drop(provider, probe)
            case ProviderError() if isinstance(error, FAILURES):
                await self.failed(provider, error, probe)
            case InvalidOutput() if probe:
                await self.failed(provider, error, probe)
            case NotAsked():  # says nothing about the provider
                await self._drop(provider, probe)
            case None | ProviderRefused() | ProviderRejected():
                await self.answered(provider, probe)
            case _:
                await self._drop(provider, probe)

    async def busy(self, provider: str, retry_after_s: float | None, why: str = "") -> None:
        """The provider asked us to wait: so do all workers."""
        asked_s = None if retry_after_s is None else min(retry_after_s, RETRY_AFTER_MAX_S)
        why = why or f"{provider} is busy."
        trouble = await breaker.pause_for(self._database, provider, asked_s, why, self._rules)
        self._tell(provider, trouble)

    async def failed(self, provider: str, error: ProviderError, probe: UUID | None = None) -> None:
        """A call failed for a reason that is the provider's; probe: when it was one."""
        if probe:
            self._forget(provider, probe)
            trouble = await breaker.open_again(self._database, provider, probe, error, self._rules)
        elif self._view.is_broken(provider):
            return  # it was under way when the others failed: that is known
        else:
            trouble = await breaker.count_failure(self._database, provider, error, self._rules)
            if trouble:
                log.warning("a provider is left alone for a while", lane=provider, why=str(error))
        if trouble:
            self._tell(provider, trouble)

    async def answered(self, provider: str, probe: UUID | None = None) -> None:
        """A call was answered. News only when it was the probe."""
        if probe is None:
            return
        self._forget(provider, probe)
        if trouble := await breaker.close(self._database, probe):
            log.info("a provider works again", lane=provider)
            self._tell(provider, trouble)

    # Claiming (claims.py)

    def claimable(self, names: Iterable[str]) -> list[str]:
        """The lanes jobs may be taken from now. A broken one is not among them, see `may_probe`."""
        return self._view.claimable(names)

    def may_probe(self, names: Iterable[str]) -> list[str]:
        """Broken lanes one job may be claimed from, if `begin_probe` allows it."""
        return self._view.may_probe(names)

    def claims_max(self, name: str) -> int:
        """How many jobs of the lane all workers together may have in hand; 0: any number."""
        limit = self._passes.limits.get(name)
        return limit.claims_max if limit else 0

    async def begin_probe(self, lane: str) -> bool:
        """Whether one job may be claimed from this broken lane, here and nowhere else."""
        trouble = await breaker.begin_probe(self._database, lane, self._rules)
        if trouble is None or trouble.probe is None:
            self._news.set()  # our view is old
            return False
        self._probes[lane] = _Probe(trouble.probe, _now())
        self._view.apply(lane, trouble)
        return True

    async def claimed(self, lane: str, entry: int | None) -> None:
        """Which entry was claimed for the probe; None: there was none, so another may look."""
        if (probe := self._probes.get(lane)) is None:
            return
        if entry is None:
            await self._drop(lane, probe.id)
        probe.entry = entry

    def handled(self, entry: int) -> None:
        """A worker is done with this entry. If it was to be the probe and made no call, another
        one may be."""
        for lane, probe in self._probes.items():
            if probe.entry == entry and not probe.is_used:
                self._write(self._drop(lane, probe.id))

    async def _drop(self, lane: str, probe: UUID | None) -> None:
        if probe is None:
            return
        self._forget(lane, probe)
        if trouble := await breaker.drop_probe(self._database, probe):
            self._tell(lane, trouble)

    def _forget(self, lane: str, probe: UUID) -> None:
        """It has ended. We may have lost it meanwhile, and have another one."""
        if (ours := self._probes.get(lane)) and ours.id == probe:
            del self._probes[lane]

    # For the operator

    async def pause(self, lane: str, until: datetime | None, why: str) -> None:
        """Leave a lane alone; until None: until it is resumed."""
        trouble = await breaker.pause_until(self._database, lane, until or UNTIL_RESUMED, why)
        self._tell(lane, trouble)

    async def resume(self, lane: str) -> None:
        """End a pause; a lane whose breaker is open is probed at once."""
        self._tell(lane, await breaker.resume(self._database, lane))

    async def read(self) -> list[LaneState]:
        return await read_lane_states(self._database, self._rules)

    # The view

    def _heard(self, _: str) -> None:
        self._news.set()

    def _tell(self, lane: str, trouble: Trouble | None) -> None:
        """A lane was changed by us: know it at once, and let the others look."""
        if trouble:
            self._view.apply(lane, trouble)
        self._wakeups.ring(LANES_CHANNEL, lane)

    async def _look(self) -> None:
        limits = await read_limits(self._database)
        if limits != self._passes.limits:
            self._passes.limits = limits
            self._passes.wake()
        await self._view.look()

    async def _watch(self) -> None:
        while True:
            try:
                await self._keep()
                await self._look()
            except (*GONE, asyncpg.PostgresError) as error:
                log.debug("the lanes could not be read", error=str(error))
            await self._until_news()

    async def _keep(self) -> None:
        await self._passes.renew()
        if self._probes:
            await self._keep_probes()
        if _now() - self._forgot_at > _FORGET_EVERY_S:
            self._forgot_at = _now()
            await breaker.forget_failures(self._database, self._rules)

    async def _keep_probes(self) -> None:
        ours = {probe.id: probe for probe in self._probes.values()}
        meant = [
            one.id for one in ours.values() if one.is_used or _now() - one.begun_at < _UNUSED_S
        ]
        kept = await breaker.keep_probes(self._database, meant, self._rules)
        lost = ours.keys() - kept
        self._probes = {lane: one for lane, one in self._probes.items() if one.id not in lost}

    async def _until_news(self) -> None:
        """Sleep until somebody rings, a second, or until a lane's time has come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._view.next_s(), self._look_every_s)):
                await self._news.wait()
        self._news.clear()

    def _write(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do it, whatever becomes of the caller. What cannot be written is only logged: a call must
        not fail because we could not note how it went."""
        writing = asyncio.create_task(self._written(work))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        return writing

    async def _written(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (*GONE, asyncpg.PostgresError) as error:
            log.warning("the state of a lane could not be written", error=str(error))


def _now() -> float:
    return asyncio.get_running_loop().time()
