"""Telling everybody that something changed, after the commit and never in its way.

A NOTIFY inside a transaction takes a database-wide lock at the commit and would serialise every
submit. So a committed change only rings a bell here. Listeners of this process hear it at once;
for the others the bells of the last few milliseconds leave together as one NOTIFY, on a connection
of their own. A lost wake-up costs a poll interval, never a job: everything that is woken also
polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import asyncpg
import structlog

from safelight.database.patience import GONE
from safelight.database.pool import Database

COALESCE_S = 0.005
_RECONNECT_S = (0.05, 0.2, 0.5, 1.0, 2.0)

log = structlog.get_logger()

Listener = Callable[[str], None]


class Wakeups:
    """Rings and hears bells over one connection a process. A payload is a short string or ''."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[str, list[Listener]] = {}
        self._rung: dict[tuple[str, str], None] = {}  # an ordered set
        self._some = asyncio.Event()
        self._listening: set[str] = set()
        self._in_use = asyncio.Lock()  # a connection does one thing at a time
        self._connection: asyncpg.Connection | None = None
        self._own_pid = 0
        self._task: asyncio.Task[None] | None = None
        self.on_connect: Callable[[asyncpg.Connection], object] | None = None

    def ring(self, channel: str, payload: str = "") -> None:
        """Wake whoever listens on `channel`, everywhere. Call it after the commit."""
        self._rung[channel, payload] = None
        self._some.set()

    async def hear(self, channel: str, listener: Listener) -> None:
        """Call `listener` at every bell, and once after a lost connection is back."""
        self._listeners.setdefault(channel, []).append(listener)
        async with self._in_use:
            if self._connection and not self._connection.is_closed():
                await self._listen(self._connection)

    def ignore(self, channel: str, listener: Listener) -> None:
        """Stop calling `listener`."""
        self._listeners[channel].remove(listener)

    async def start(self) -> None:
        await self._connect()
        self._task = asyncio.create_task(self._run(), name="wakeups")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._connection:
            with suppress(*GONE):
                await self._connection.close(timeout=2)

    async def _connect(self) -> None:
        async with self._in_use:
            connection = await self._database.connect_alone()
            # Kept: a bell can still arrive when the connection is gone and cannot be asked.
            self._own_pid = connection.get_server_pid()
            self._listening = set()
            await self._listen(connection)
            # Without this a process with nothing to say would never notice that it is deaf.
            connection.add_termination_listener(lambda _: self._some.set())
            self._connection = connection

    async def _listen(self, connection: asyncpg.Connection) -> None:
        """LISTEN to every channel that somebody wants to hear and this connection does not yet."""
        for channel in self._listeners.keys() - self._listening:
            await connection.add_listener(channel, self._heard)
            self._listening.add(channel)

    def _heard(self, connection: object, sender: int, channel: str, payload: object) -> None:
        if sender == self._own_pid:
            return  # our own bell, which our listeners have heard
        self._tell(channel, str(payload))

    def _tell(self, channel: str, payload: str) -> None:
        for listener in tuple(self._listeners.get(channel, ())):
            listener(payload)

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            batch, self._rung = list(self._rung), {}
            for channel, payload in batch:
                self._tell(channel, payload)
            try:
                await self._send(batch)
            except (*GONE, asyncpg.PostgresError) as error:
                log.warning("wake-up connection lost", error=str(error))
                if self._connection:
                    self._connection.terminate()
                await self._reconnect()
                self._rung = dict.fromkeys(batch) | self._rung
                self._some.set()
            await asyncio.sleep(COALESCE_S)

    async def _send(self, batch: list[tuple[str, str]]) -> None:
        if self._connection is None or self._connection.is_closed():
            raise asyncpg.InterfaceError("closed")
        async with self._in_use:
            await self._connection.execute(
                """SELECT pg_notify(channel, payload)
                   FROM unnest($1::text[], $2::text[]) AS bell (channel, payload)""",
                [channel for channel, _ in batch],
                [payload for _, payload in batch],
            )

    async def _reconnect(self) -> None:
        attempt = 0
        while True:
            await asyncio.sleep(_RECONNECT_S[min(attempt, len(_RECONNECT_S) - 1)])
            attempt += 1
            try:
                await self._connect()
            except (*GONE, asyncpg.PostgresError):
                continue
            for channel, listeners in self._listeners.items():
                log.debug("wake-up connection back", channel=channel)
                for listener in listeners:
                    listener("")
            return
