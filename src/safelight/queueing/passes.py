"""Passes: permission for one call at a provider that may only be asked so often.

They are counted in the database (migration 0006), so a limit holds across all workers. Those who
wait in one process stand in line: only the first of them asks the database.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from safelight.database.patience import GONE, patiently
from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.values.ids import new_id

log = structlog.get_logger()

PASSES_CHANNEL = "safelight_passes"

# A minute, and what a call may be late behind its pass: who counts is the provider.
RATE_WINDOW_S = 60.5
# A holder silent for so long is dead; the living say so three times meanwhile.
LASTS_S = 15.0
_POLL_S = 1.0  # the safety net below the wake-ups


@dataclass(frozen=True, slots=True)
class Limit:
    """How often a provider or a model may be asked: calls at a time, calls a minute."""

    at_once: int | None = None
    per_minute: int | None = None

    @property
    def claims_max(self) -> int:
        """How many jobs of a lane may be in the hands of workers, 0 meaning any number: more of
        them would only stand in line there, in the places of others."""
        return min((most for most in (self.at_once, self.per_minute) if most), default=0)


@dataclass(slots=True)
class _Line:
    """Those in this process who want passes under the same limits, first come first served."""

    front: asyncio.Lock = field(default_factory=asyncio.Lock)
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Passes:
    """Takes passes for this process and gives them back."""

    def __init__(
        self,
        database: Database,
        wakeups: Wakeups,
        *,
        window_s: float = RATE_WINDOW_S,
        lasts_s: float = LASTS_S,
    ) -> None:
        self.limits: Mapping[str, Limit] = {}
        self._database = database
        self._wakeups = wakeups
        self._window_s = window_s
        self._lasts_s = lasts_s
        self._lines: dict[tuple[str, ...], _Line] = {}
        self._held: dict[UUID, tuple[str, ...]] = {}
        self._giving: set[asyncio.Task[None]] = set()
        self._renewed_at = float("-inf")

    async def start(self) -> None:
        await self._wakeups.hear(PASSES_CHANNEL, self.wake)

    async def stop(self) -> None:
        self._wakeups.ignore(PASSES_CHANNEL, self.wake)
        await asyncio.gather(*self._giving, return_exceptions=True)

    def limited(self, provider: str, model: str) -> tuple[str, ...]:
        """The names of the limits a call counts against; none for most."""
        return tuple(sorted({provider, model} & self.limits.keys()))

    async def take(self, names: tuple[str, ...], still: Callable[[], None]) -> UUID:
        """Wait for a pass. still: asked before every try; what it raises ends the waiting."""
        line = self._lines.setdefault(names, _Line())
        async with line.front:
            while True:
                still()
                line.news.clear()
                taken, wait_s = await self._ask_unhurried(names)
                if taken:
                    return taken
                with suppress(TimeoutError):
                    async with asyncio.timeout(_soon(wait_s)):
                        await line.news.wait()

    def give(self, taken: UUID) -> None:
        """Give a pass back, now or as soon as the database is there. Never fails: a pass that
        cannot be given back expires."""
        giving = asyncio.create_task(self._give(taken, self._held.pop(taken)))
        self._giving.add(giving)
        giving.add_done_callback(self._giving.discard)

    def wake(self, name: str = "") -> None:
        """Let the first of each line concerned ask again; '' concerns all."""
        for names, line in self._lines.items():
            if not name or name in names:
                line.news.set()

    async def renew(self) -> None:
        """Say that the holder of our passes lives, and forget old ones. Call it often."""
        now = asyncio.get_running_loop().time()
        if now - self._renewed_at < self._lasts_s / 3:
            return
        self._renewed_at = now
        if self._held:
            await self._database.execute(
                """UPDATE passes SET expires_at = now() + make_interval(secs => $2)
                   WHERE id = ANY($1) AND ended_at IS NULL""",
                list(self._held),
                self._lasts_s,
            )
        if self.limits:
            await self._database.execute(
                """DELETE FROM passes WHERE taken_at < now() - make_interval(secs => $1)
                   AND (ended_at IS NOT NULL OR expires_at < now())""",
                2 * self._window_s,
            )

    async def _ask_unhurried(self, names: tuple[str, ...]) -> tuple[UUID | None, float | None]:
        """Cancelled while the database thinks: let it answer, so that a pass can go back."""
        asking = asyncio.create_task(
            patiently(lambda: self._ask(names))  # a pass whose answer was lost expires
        )
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(self._not_wanted)
            raise

    async def _ask(self, names: tuple[str, ...]) -> tuple[UUID | None, float | None]:
        """A pass, or how long until the rate allows one."""
        wanted = new_id()
        row = await self._database.fetchrow(
            "SELECT granted, wait_s FROM take_pass($1, $2, $3, $4)",
            wanted,
            names,
            self._window_s,
            self._lasts_s,
        )
        assert row is not None
        if not row["granted"]:
            return None, row["wait_s"]
        self._held[wanted] = names
        return wanted, None

    def _not_wanted(self, asked: asyncio.Task[tuple[UUID | None, float | None]]) -> None:
        if not asked.cancelled() and not asked.exception() and (taken := asked.result()[0]):
            self.give(taken)

    async def _give(self, taken: UUID, names: tuple[str, ...]) -> None:
        try:
            await patiently(
                lambda: self._database.execute(
                    "UPDATE passes SET ended_at = clock_timestamp() WHERE id = $1", taken
                ),
                for_s=self._lasts_s,
            )
        except GONE as error:
            log.warning("a pass could not be given back and will expire", error=str(error))
            return
        for name in names:
            self.wake(name)
            if (limit := self.limits.get(name)) and limit.at_once:
                self._wakeups.ring(PASSES_CHANNEL, name)


def _soon(wait_s: float | None) -> float:
    """When to ask again although nobody called: when the rate allows it, or once a second."""
    jitter_s = random.uniform(0, 0.2 * _POLL_S)  # noqa: S311
    return jitter_s + (_POLL_S if wait_s is None else wait_s)


async def declare(
    database: Database, limits: Mapping[str, Limit], *, known: Collection[str]
) -> None:
    """Make these the limits of all workers. known: providers and models there are; a limit for
    another one is probably misspelt."""
    for name in sorted(limits.keys() - set(known)):
        log.warning("a limit is for a provider or model that is not switched on", name=name)
    wanted = [
        {"name": name, "at_once": limit.at_once, "per_minute": limit.per_minute}
        for name, limit in sorted(limits.items())
    ]
    async with database.transaction() as tx:
        # Before any row of it, or two processes that start could wait for each other.
        await tx.execute("LOCK TABLE limits IN EXCLUSIVE MODE")
        await tx.execute("DELETE FROM limits WHERE name <> ALL($1)", list(limits))
        await tx.execute(
            """INSERT INTO limits (name, at_once, per_minute)
               SELECT name, at_once, per_minute FROM jsonb_to_recordset($1)
                   AS wanted (name text, at_once integer, per_minute integer)
               ON CONFLICT (name) DO UPDATE
               SET at_once = excluded.at_once, per_minute = excluded.per_minute
               WHERE (limits.at_once, limits.per_minute)
                     IS DISTINCT FROM (excluded.at_once, excluded.per_minute)""",
            wanted,
        )


async def read_limits(database: Database) -> dict[str, Limit]:
    rows = await database.fetch("SELECT name, at_once, per_minute FROM limits")
    return {row["name"]: Limit(row["at_once"], row["per_minute"]) for row in rows}
