"""Which lanes are left alone, as this process knows it: asked before every call and claim."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from safelight.database.pool import Database
from safelight.queueing.breaker import Trouble, read_troubles


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a lane is left alone, in this process's own time.

    paused_until, open_until, probe_until: in the past when there is no such thing.
    """

    paused_until: float
    open_until: float
    probe_until: float
    is_broken: bool
    why: str

    @classmethod
    def of(cls, trouble: Trouble, now: float) -> Blocked:
        is_paused = trouble.paused_s is not None and trouble.paused_s > 0
        return cls(
            paused_until=now + (trouble.paused_s or 0.0),
            open_until=now + (trouble.open_s or 0.0),
            probe_until=now + (trouble.probe_s if trouble.probe else 0.0),
            is_broken=trouble.open_s is not None,
            why=trouble.paused_why if is_paused else trouble.opened_why,
        )

    @property
    def until(self) -> float:
        """When jobs may be claimed; of a broken lane: one, for a probe."""
        if not self.is_broken:
            return self.paused_until
        return max(self.paused_until, self.open_until, self.probe_until)


class LaneView:
    """The lanes in trouble.

    on_open: called when jobs may be claimed that might not. on_shut: when some may not any more.
    """

    def __init__(
        self, database: Database, *, on_open: Callable[[], None], on_shut: Callable[[], None]
    ) -> None:
        self._database = database
        self._on_open = on_open
        self._on_shut = on_shut
        self._blocked: dict[str, Blocked] = {}
        self._shut: set[str] = set()  # when it was looked at last
        self._changes = 0

    def of(self, lane: str) -> Blocked | None:
        return self._blocked.get(lane)

    def is_broken(self, lane: str) -> bool:
        blocked = self._blocked.get(lane)
        return blocked is not None and blocked.is_broken

    def claimable(self, lanes: Iterable[str]) -> list[str]:
        """The lanes jobs may be taken from now."""
        now = _now()
        return [
            lane
            for lane in lanes
            if (blocked := self._blocked.get(lane)) is None
            or (not blocked.is_broken and blocked.until <= now)
        ]

    def may_probe(self, lanes: Iterable[str]) -> list[str]:
        """Broken lanes that have been left alone for long enough, and nobody is probing."""
        now = _now()
        broken = {lane: one for lane, one in self._blocked.items() if one.is_broken}
        return [lane for lane in lanes if lane in broken and broken[lane].until <= now]

    def next_s(self) -> float:
        """In how many seconds the next lane's time has come."""
        now = _now()
        ends = [one.until - now for one in self._blocked.values() if one.until > now]
        return min(ends, default=float("inf"))

    def apply(self, lane: str, trouble: Trouble) -> None:
        """We changed it, and know before we look."""
        self._changes += 1
        if trouble.is_over:
            self._blocked.pop(lane, None)
        else:
            self._blocked[lane] = Blocked.of(trouble, _now())
        self._compare()

    async def look(self) -> None:
        """Read everything anew, again if we changed something meanwhile: that would be newer."""
        seen = None
        while seen != self._changes:
            seen = self._changes
            troubles = await read_troubles(self._database)
        now = _now()
        self._blocked = {lane: Blocked.of(trouble, now) for lane, trouble in troubles.items()}
        self._compare()

    def _compare(self) -> None:
        now = _now()
        shut = {lane for lane, blocked in self._blocked.items() if blocked.until > now}
        before, self._shut = self._shut, shut
        if before - shut:
            self._on_open()
        if shut - before:
            self._on_shut()


def _now() -> float:
    return asyncio.get_running_loop().time()
