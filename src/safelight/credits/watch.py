"""Looking after the ledger while the server runs: every minute, in the background, for /readyz."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import structlog

from safelight.credits.invariants import Violation, check
from safelight.database.patience import GONE
from safelight.database.pool import Database

log = structlog.get_logger()

_EVERY_S = 60.0
# A look at everything takes three seconds for a million postings. It is taken as often as it costs
# at most this part of the time; in between, what is open and what moved lately is looked at.
_SHARE = 0.01
_SAID_MAX = 10


class LedgerWatch:
    """Knows whether the ledger's invariants hold, as of a minute ago."""

    def __init__(self, database: Database, *, every_s: float = _EVERY_S) -> None:
        self._database = database
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self._all_at = 0.0  # when everything is looked at next, by this process's own clock
        self._looked = False
        self._found: list[Violation] = []
        self._found_lately: list[Violation] = []

    @property
    def state(self) -> str:
        """`ok`, `checking` before the first look is over, or the names of what is violated."""
        if not self._looked:
            return "checking"
        names = dict.fromkeys(one.invariant for one in [*self._found, *self._found_lately])
        return f"violated: {', '.join(names)}" if names else "ok"

    @property
    def violations(self) -> int:
        """How many were found."""
        return len(self._found) + len(self._found_lately)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="ledger watch")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def once(self) -> None:
        """Look now: at everything if it is time for that."""
        begin = time.monotonic()
        if begin >= self._all_at:
            self._found, self._found_lately = await check(self._database), []
            took_s = time.monotonic() - begin
            self._all_at = begin + max(self._every_s / 2, took_s / _SHARE)
        else:
            # What was found when everything was looked at counts until that is done again.
            self._found_lately = await check(self._database, lately=True)
        self._looked = True
        for one in [*self._found, *self._found_lately][:_SAID_MAX]:
            log.error("the ledger is wrong", invariant=one.invariant, what=one.sentence)

    async def _run(self) -> None:
        while True:
            try:
                await self.once()
            except GONE:
                log.warning("the ledger could not be checked: the database is away")
            except Exception:
                log.exception("checking the ledger broke")
            await asyncio.sleep(self._every_s)
