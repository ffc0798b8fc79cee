"""One reader of the event rows a process, fanned out in memory to every open stream.

Why positions are (transaction, number) and not one counter: a counter is handed out before the
commit, so 8 can be visible while 7 is not, and a reader that moved on to 8 would never see 7.
Transactions older than the oldest one still running (`pg_snapshot_xmin`) can gain no more rows;
the reader goes exactly that far and no further. What is held back is looked at again in 2 ms.
The one condition: no transaction that writes stays open for long. Ours last milliseconds.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from safelight.database.patience import GONE
from safelight.database.pool import Database, Row
from safelight.database.wakeups import Wakeups
from safelight.values.ids import OwnerId

CHANNEL = "safelight_events"
_POLL_S = 2.0  # the safety net below the wake-ups
_HELD_BACK_S = 0.002
_HELD_BACK_MAX_S = 0.25
_BATCH = 2000
_QUEUE_MAX = 2000  # lines a slow reader may lag behind before it must reconnect

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, order=True)
class Bookmark:
    """Where a reader is. As text (`id:` of a stream) it is "transaction-number"."""

    xid: int
    number: int

    def __str__(self) -> str:
        return f"{self.xid}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> Bookmark | None:
        """The bookmark a client sent, or None when it is not one."""
        xid, _, number = text.partition("-")
        if not (xid.isdecimal() and number.isdecimal() and len(text) <= 40):
            return None
        bookmark = cls(int(xid), int(number))
        return bookmark if bookmark.xid < 2**63 and bookmark.number < 2**63 else None


@dataclass(frozen=True, slots=True)
class Event:
    """One stored line of a job's story."""

    bookmark: Bookmark
    owner_id: UUID
    job_id: UUID
    status: str
    kind: str
    data: dict[str, Any]
    at: datetime


class Lagging(Exception):
    """The reader was too slow: it should reconnect and resume from its last bookmark."""


class Subscription:
    """Lines for one reader, from `since` on, in order and without a gap. Use it as `async with`."""

    def __init__(self, feed: Feed, owner_id: OwnerId, job_id: UUID | None) -> None:
        self.owner_id = owner_id
        self.job_id = job_id
        self.since = Bookmark(0, 0)
        self._feed = feed
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(_QUEUE_MAX)
        self._lagging = False

    def offer(self, event: Event) -> None:
        """Take a line, if it is the owner's."""
        if event.owner_id != self.owner_id:
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._lagging = True

    def nudge(self) -> None:
        """Let `next` answer None now: there is something else to see to."""
        if self._queue.empty():
            self._queue.put_nowait(None)

    async def next(self, pause_s: float) -> Event | None:
        """The next line, or None after `pause_s` seconds without one, or a nudge. Raises:
        Lagging."""
        if self._lagging:
            raise Lagging
        with suppress(asyncio.QueueEmpty):
            return self._queue.get_nowait()
        try:
            async with asyncio.timeout(pause_s):
                return await self._queue.get()
        except TimeoutError:
            return None

    def ready(self) -> Event | None:
        """The next line if it is there already."""
        with suppress(asyncio.QueueEmpty):
            return self._queue.get_nowait()
        return None

    async def __aenter__(self) -> Subscription:
        self.since = await self._feed.join(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._feed.leave(self)


class Feed:
    """Reads new event rows once, however many streams are open, and only while there are any."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups
        self._bookmark = Bookmark(0, 0)
        self._by_job: dict[UUID, set[Subscription]] = {}
        self._by_owner: dict[UUID, set[Subscription]] = {}
        self._news = asyncio.Event()
        self._reading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._wakeups.hear(CHANNEL, lambda _: self._news.set())
        self._task = asyncio.create_task(self._run(), name="feed")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def announce(self) -> None:
        """Events were committed: wake the readers of this process now, of the others soon."""
        if self._open:
            self._news.set()
        self._wakeups.ring(CHANNEL)

    def subscribe(self, owner_id: OwnerId, job_id: UUID | None = None) -> Subscription:
        """Lines of all the owner's jobs, or of one of them (the caller has checked whose it is)."""
        return Subscription(self, owner_id, job_id)

    async def replay(
        self, subscription: Subscription, after: Bookmark, limit: int = 5000
    ) -> list[Event] | None:
        """The lines between `after` and where the subscription starts; None when they are too
        many, or `after` is of another life of the database, so that a snapshot serves better."""
        if after > subscription.since and not await self._has_been(after):
            return None
        # Two texts and not one with an OR: each has its own index.
        one_job = "AND job_id = $6" if subscription.job_id is not None else ""
        rows = await self._database.fetch(
            f"""SELECT xid, number, owner_id, job_id, status, kind, data, at FROM events
                WHERE owner_id = $1 AND (xid, number) > ($2, $3) AND (xid, number) <= ($4, $5)
                      {one_job}
                ORDER BY xid, number LIMIT {limit + 1:d}""",  # noqa: S608
            subscription.owner_id,
            after.xid,
            after.number,
            subscription.since.xid,
            subscription.since.number,
            *([subscription.job_id] if one_job else []),
        )
        if len(rows) > limit:
            return None
        return [_event(row) for row in rows]

    async def line(self, owner_id: OwnerId, bookmark: Bookmark) -> Event | None:
        """The owner's line at exactly this bookmark."""
        row = await self._database.fetchrow(
            """SELECT xid, number, owner_id, job_id, status, kind, data, at FROM events
               WHERE xid = $1 AND number = $2 AND owner_id = $3""",
            bookmark.xid,
            bookmark.number,
            owner_id,
        )
        return _event(row) if row else None

    async def has_more(self, subscription: Subscription, after: Bookmark) -> bool:
        """Whether there is a line of the subscription's job behind `after`."""
        more: bool = await self._database.fetchval(
            """SELECT EXISTS (SELECT FROM events
                              WHERE job_id = $1 AND owner_id = $2 AND (xid, number) > ($3, $4))""",
            subscription.job_id,
            subscription.owner_id,
            after.xid,
            after.number,
        )
        return more

    async def _has_been(self, bookmark: Bookmark) -> bool:
        """Whether the database has come that far: after a restore it may not have."""
        newest: int = await self._database.fetchval(
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        )
        return bookmark.xid < newest

    async def join(self, subscription: Subscription) -> Bookmark:
        """Register; returns the bookmark from which on the subscription gets every line."""
        async with self._reading:
            if not self._open:
                # Nobody listened, so the reader stood still: go on from now.
                horizon = await self._database.fetchval(
                    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
                )
                self._bookmark = max(self._bookmark, Bookmark(horizon - 1, 2**63 - 1))
            if subscription.job_id is not None:
                self._by_job.setdefault(subscription.job_id, set()).add(subscription)
            else:
                self._by_owner.setdefault(subscription.owner_id, set()).add(subscription)
            self._news.set()
            return self._bookmark

    def leave(self, subscription: Subscription) -> None:
        for group, key in (
            (self._by_job, subscription.job_id),
            (self._by_owner, subscription.owner_id),
        ):
            if key is not None and (members := group.get(key)):
                members.discard(subscription)
                if not members:
                    del group[key]

    @property
    def _open(self) -> bool:
        return bool(self._by_job or self._by_owner)

    async def _run(self) -> None:
        pause_s = _HELD_BACK_S
        while True:
            before = self._bookmark
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._news.wait()
            self._news.clear()
            if not self._open:
                continue
            try:
                held_back = await self._read_new()
            except (*GONE, asyncpg.PostgresError) as error:
                log.warning("events cannot be read", error=str(error))
                await asyncio.sleep(0.5)
                held_back = True
            # Whoever holds it back may be another program's long transaction on the same server.
            if held_back and self._bookmark == before:
                pause_s = min(2 * pause_s, _HELD_BACK_MAX_S)
            else:
                pause_s = _HELD_BACK_S
            if held_back:
                await asyncio.sleep(pause_s)
                self._news.set()

    async def _read_new(self) -> bool:
        """Hand out what is new. True when there is more that cannot be handed out yet."""
        async with self._reading:
            rows = await self._database.fetch(
                f"""SELECT xid, number, owner_id, job_id, status, kind, data, at,
                           pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon
                    FROM events WHERE (xid, number) > ($1, $2)
                    ORDER BY xid, number LIMIT {_BATCH}""",  # noqa: S608
                self._bookmark.xid,
                self._bookmark.number,
            )
            for row in rows:
                if row["xid"] >= row["horizon"]:
                    return True
                event = _event(row)
                self._bookmark = event.bookmark
                for group in (self._by_job.get(event.job_id), self._by_owner.get(event.owner_id)):
                    for subscription in group or ():
                        subscription.offer(event)
            return len(rows) == _BATCH


def _event(row: Row) -> Event:
    return Event(
        bookmark=Bookmark(row["xid"], row["number"]),
        owner_id=UUID(int=row["owner_id"].int),
        job_id=UUID(int=row["job_id"].int),
        status=row["status"],
        kind=row["kind"],
        data=row["data"],
        at=row["at"],
    )
