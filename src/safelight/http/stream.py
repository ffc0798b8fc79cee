"""Server-sent events: a snapshot, then every stored line, resumable at any byte.

Between the stored lines, and never stored, come `queue` events. Their `id:` repeats the last one:
whoever resumes there has missed nothing. A `credits` event belongs to the line before it; its
`id:` is that line's and a `c`, so that whoever is cut off between the two is told the second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from safelight.database.patience import GONE
from safelight.database.pool import Row
from safelight.http import views, wire
from safelight.http.caller import Caller
from safelight.http.dependencies import OnlookerDep
from safelight.http.errors import problems
from safelight.http.protocol import hang_up
from safelight.http.queue_news import QueueNews
from safelight.http.shop import Shop, ShopDep
from safelight.jobs import repository
from safelight.jobs.feed import Bookmark, Event, Lagging, Subscription
from safelight.jobs.model import ENDED
from safelight.values.errors import FieldError, InvalidRequest, NotFound, Overloaded

router = APIRouter(prefix="/api", tags=["events"])

PING_S = 15.0
LIFE_S = 600.0  # then `reconnect`: long enough to be cheap, short enough for a rolling restart
SEND_S = 10.0  # how long its reader may take for what was sent before
STILL_S = 3.0  # how often it is asked whether its reader is still let in
_LOOK_S = 1.0  # how soon a stopping server, or a client that left, is noticed
_GATHER_MAX = 200  # lines rendered and sent together when many are ready
_CREDITS = "c"  # ends the id of a line's `credits` event

_RESUME = Query(
    alias="after", max_length=60, description="Resume after this event id, like Last-Event-ID."
)
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "model": wire.StudioEvent,
        "content": {"text/event-stream": {}},
        "description": "Each `data:` is a StudioEvent; `event:` repeats its type.",
    }
}


class EventStream(StreamingResponse):
    """A stream that has a place, and gives it back however it ends; soon, if nobody reads it."""

    media_type = "text/event-stream"
    give_back: Callable[[], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_or_leave(message: Message) -> None:
            try:
                async with asyncio.timeout(SEND_S):
                    await send(message)
            except TimeoutError:
                hang_up(scope)  # and then it ends as if the reader had left

        try:
            await super().__call__(scope, receive, send_or_leave)
        finally:
            self.give_back()


_HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}


@router.get("/events", response_class=EventStream, responses=problems(422, 429) | _STREAM)
async def stream_events(
    request: Request,
    caller: OnlookerDep,
    shop: ShopDep,
    after: Annotated[str | None, _RESUME] = None,
    last_event_id: Annotated[str | None, Header(max_length=60)] = None,
) -> EventStream:
    """All of the caller's jobs in one stream."""
    subscription = shop.feed.subscribe(caller.owner_id)
    return _open(shop, request, caller, subscription, last_event_id or after)


@router.get(
    "/jobs/{job_id}/stream", response_class=EventStream, responses=problems(404, 429) | _STREAM
)
async def stream_job(
    job_id: UUID,
    request: Request,
    caller: OnlookerDep,
    shop: ShopDep,
    after: Annotated[str | None, _RESUME] = None,
    last_event_id: Annotated[str | None, Header(max_length=60)] = None,
) -> EventStream:
    """One job until it ends."""
    if await repository.read(shop.database, caller.owner_id, job_id) is None:
        raise NotFound("job")
    subscription = shop.feed.subscribe(caller.owner_id, job_id)
    return _open(shop, request, caller, subscription, last_event_id or after)


def _open(
    shop: Shop, request: Request, caller: Caller, subscription: Subscription, after: str | None
) -> EventStream:
    """Raises: Overloaded, RateLimited, InvalidRequest; later the answer would have begun."""
    if shop.stopping:
        raise Overloaded("The server is restarting.", 1)
    lines = _Lines(shop, request, caller, subscription, _resume(after)).run()
    who, places = caller.counted_as, shop.stream_places
    places.take(who, shop.access.streams_max(caller))
    stream = EventStream(lines, headers=_HEADERS)
    stream.give_back = lambda: places.give_back(who)
    return stream


def _resume(text: str | None) -> _Seen | None:
    if not text:
        return None
    bookmark = Bookmark.parse(text.removesuffix(_CREDITS))
    if bookmark is None:
        raise InvalidRequest(FieldError("after", "Not the id of an event of ours."))
    return _Seen(bookmark, credits_too=text.endswith(_CREDITS))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a client that comes back says it has seen last: a line, or its `credits` event too."""

    line: Bookmark
    credits_too: bool


class _Lines:
    """One open stream."""

    def __init__(
        self,
        shop: Shop,
        request: Request,
        caller: Caller,
        subscription: Subscription,
        resume: _Seen | None,
    ) -> None:
        self._shop = shop
        self._request = request
        self._caller = caller
        self._subscription = subscription
        self._resume = resume
        # The client may be ahead of this process, after another one served it: not told twice.
        self._seen = resume.line if resume else Bookmark(0, 0)
        self._queue = QueueNews(shop.board, subscription)
        self._ended = False
        self._last_id = ""

    async def run(self) -> AsyncIterator[bytes]:
        async with self._subscription:
            with self._queue.watch:
                async for piece in self._past():
                    yield piece
                if self._ended:
                    return
                async for piece in self._live():
                    yield piece

    async def _past(self) -> AsyncIterator[bytes]:
        """What the client missed, or how things are now."""
        missed = None
        if self._resume is not None:
            missed = await self._shop.feed.replay(self._subscription, self._resume.line)
        if missed is None:
            self._seen = Bookmark(0, 0)
            async for piece in self._snapshots():
                yield piece
        else:
            yield await self._resumed()
            if not missed and await self._saw_the_end():
                async for piece in self._snapshots():  # it saw the end already: say so, and stop
                    yield piece
            for start in range(0, len(missed), _GATHER_MAX):
                yield await self._render(missed[start : start + _GATHER_MAX])

    async def _resumed(self) -> bytes:
        """Go on behind what the client saw last; with the second half of that, if it was cut off
        in between."""
        assert self._resume is not None
        self._last_id = str(self._resume.line) + _CREDITS * self._resume.credits_too
        self._queue.watch.stir()
        pieces = [b": resumed\n\n"]
        if self._subscription.job_id is None and not self._resume.credits_too:
            line = await self._shop.feed.line(self._subscription.owner_id, self._resume.line)
            pieces += self._credits(line) if line else []
        return b"".join(pieces)

    async def _saw_the_end(self) -> bool:
        """Whether this stream's job has ended and no line of it comes after what was seen."""
        subscription, database = self._subscription, self._shop.database
        if subscription.job_id is None:
            return False
        row = await repository.read(database, subscription.owner_id, subscription.job_id)
        if row is None or row["status"] not in ENDED:
            return False
        return not await self._shop.feed.has_more(subscription, self._seen)

    async def _snapshots(self) -> AsyncIterator[bytes]:
        """The job, or every live one; then the bookmark to resume from, as a bare id."""
        subscription, database = self._subscription, self._shop.database
        if subscription.job_id is not None:
            row = await repository.read(database, subscription.owner_id, subscription.job_id)
            rows = [row] if row else []
            self._ended = bool(row and row["status"] in ENDED)
        else:
            rows = await repository.read_live(database, subscription.owner_id)
        self._queue.begin(rows, are_all=len(rows) < repository.LIVE_MAX)
        self._last_id = str(subscription.since)
        # Every snapshot carries the same id: a client cut off in between asks from here again.
        for row in rows:
            shown = wire.SnapshotEvent.model_construct(
                job_id=row["id"], status=row["status"], job=views.job(row, self._shop.links)
            )
            yield _frame(self._last_id, shown)
        if not rows:
            yield b"id: %s\n\n" % self._last_id.encode()

    async def _live(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        ends_at, ping_at = loop.time() + LIFE_S, loop.time() + PING_S
        asked_at = loop.time()
        while not self._ended:
            try:
                events = await self._next_events()
            except Lagging:
                break
            events = [event for event in events if event.bookmark > self._seen]
            piece = await self._render(events) if events else b""
            if not self._ended:
                piece += self._queue_events()
            if piece:
                yield piece
            now = loop.time()
            if now >= ends_at or self._shop.stopping:
                break
            if now >= asked_at + STILL_S:
                asked_at = now
                if not await self._is_still_let_in():
                    break
            if now >= ping_at:
                ping_at = now + PING_S
                yield b": ping\n\n"
        if not self._ended:
            yield _frame("", wire.ReconnectEvent())

    async def _is_still_let_in(self) -> bool:
        """Whoever was logged out, disabled or lost his key meanwhile hears nothing more."""
        try:
            return await self._shop.access.is_still(self._request, self._caller)
        except GONE:
            return True  # nobody can say: asked again in a moment

    async def _next_events(self) -> list[Event]:
        """The lines that are ready, at most _GATHER_MAX, or none after a moment."""
        first = await self._subscription.next(_LOOK_S)
        if first is None:
            return []
        events = [first]
        while len(events) < _GATHER_MAX and (more := self._subscription.ready()):
            events.append(more)
        return events

    async def _render(self, events: list[Event]) -> bytes:
        needed = list({event.job_id for event in events if event.kind in views.NEEDS_JOB})
        rows: dict[UUID, Row] = {}
        if needed:
            owner_id = self._subscription.owner_id
            found = await repository.read_many(self._shop.database, owner_id, needed)
            rows = {UUID(int=row["id"].int): row for row in found}
        pieces = []
        for event in events:
            self._queue.note(event.job_id, event.status)
            shown = views.event(event, rows.get(event.job_id), self._shop.links)
            if shown is not None:
                self._last_id = str(event.bookmark)
                pieces.append(_frame(self._last_id, shown))
                pieces += self._credits(event)
            if self._subscription.job_id is not None and event.kind in ENDED:
                self._ended = True
        return b"".join(pieces)

    def _credits(self, line: Event) -> list[bytes]:
        """The second half of a line, for those who follow an account and not one job."""
        shown = views.credits_event(line)
        if shown is None or self._subscription.job_id is not None:
            return []
        self._last_id = str(line.bookmark) + _CREDITS
        return [_frame(self._last_id, shown)]

    def _queue_events(self) -> bytes:
        news = self._queue.take()
        return b"".join(_frame(self._last_id, views.queue_event(standing)) for standing in news)


def _frame(event_id: str, shown: wire.Wire) -> bytes:
    """One event as it goes over the wire. JSON has no raw line breaks, so one data line does."""
    kind: str = getattr(shown, "type")  # noqa: B009  (every event class has one)
    data = shown.__pydantic_serializer__.to_json(shown)
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {kind}\ndata: ".encode() + data + b"\n\n"
