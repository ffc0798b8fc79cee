"""A small, fast HTTP/1.1 server whose failures are exact to the byte.

It runs in a thread (`with Fake() as fake:`) or as a process (`python -m tests.fakes.…`). A test
says what goes wrong with `fake.plan = Plan(fault="drop_after", times=2)`; another process says it
with `POST /_plan`, and reads `GET /_calls`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import json
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self, cast
from urllib.parse import unquote, urlsplit

import httptools


@dataclass(frozen=True)
class Plan:
    """What the next calls meet.

    fault: a name from the server's `faults`; times: how many calls meet it (None = all).
    latency_s: before the first byte. step_s: between the events of a stream.
    """

    fault: str | None = None
    times: int | None = None
    latency_s: float = 0.0
    step_s: float = 0.0


@dataclass
class Call:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    target: str = ""  # path and query as they came, percent signs and all

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """A whole answer. chunks: a body that comes in pieces, with chunked encoding instead.
    after_s: how long the first byte takes, instead of the plan's latency."""

    body: bytes = b""
    status: int = 200
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    chunks: AsyncIterator[bytes] | None = None
    cut_after: int | None = None  # bytes of the body after which the connection drops
    after_s: float | None = None

    @classmethod
    def of(cls, data: Any, status: int = 200, **headers: str) -> Self:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(json.dumps(data).encode(), status, headers=named)


class Drop(Exception):
    """Raised by a fault: close the connection here."""


class Hang(Exception):
    """Raised by a fault: never answer."""


class Fake:
    """Subclasses give `answer` and `faults`."""

    faults: ClassVar[dict[str, Callable[[Any, Call], Answer]]] = {}

    def __init__(self, *, port: int = 0, plan: Plan | None = None) -> None:
        self.port = port
        self.calls: deque[Call] = deque(maxlen=2000)
        self.counts: Counter[str] = Counter()
        self.abandoned = 0  # connections the client closed while we were working
        self._plan = plan or Plan()
        self._met = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._open: set[_Connection] = set()

    def answer(self, call: Call) -> Answer:
        raise NotImplementedError

    @property
    def plan(self) -> Plan:
        return self._plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        if plan.fault and plan.fault not in self.faults | _FAULTS:
            raise ValueError(f"no fault {plan.fault!r}; there are {sorted(self.faults | _FAULTS)}")
        self._met = 0
        self._plan = plan

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def respond(self, call: Call) -> Answer:
        """The planned fault, or the real answer. Raises: Drop, Hang."""
        if call.path.startswith("/_"):
            return self._control(call)
        self.calls.append(call)
        self.counts[f"{call.method} {call.path}"] += 1
        plan = self._plan
        if plan.fault and (plan.times is None or self._met < plan.times):
            self._met += 1
            fault = self.faults.get(plan.fault) or _FAULTS[plan.fault]
            return fault(self, call)
        return self.answer(call)

    def left(self, call: Call) -> None:
        """The client closed the connection while we were working on this."""
        self.abandoned += 1

    def _control(self, call: Call) -> Answer:
        if call.method == "POST" and call.path == "/_plan":
            known = {item.name for item in fields(Plan)}
            try:
                self.plan = Plan(**{k: v for k, v in call.json.items() if k in known})
            except (ValueError, AttributeError) as error:
                return Answer.of({"error": str(error)}, 400)
        elif call.path == "/_reset":
            self.counts.clear()
            self.calls.clear()
            self.abandoned = 0
        return Answer.of({"counts": dict(self.counts), "abandoned": self.abandoned})

    # Running

    async def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024
        )
        self.port = server.sockets[0].getsockname()[1]
        ready()
        async with server:
            await self._stop.wait()
            server.close()
            for connection in list(self._open):
                connection.drop()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def start(self) -> Self:
        ready = threading.Event()

        def run() -> None:
            asyncio.run(self.serve(ready.set))

        self._thread = threading.Thread(target=run, daemon=True, name=type(self).__name__)
        self._thread.start()
        assert ready.wait(10), "the fake server did not start"
        return self

    def stop(self) -> None:
        if self._loop and self._stop and self._thread:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Connection(asyncio.Protocol):
    def __init__(self, fake: Fake) -> None:
        self._fake = fake
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._call: Call | None = None
        self._task: asyncio.Task[None] | None = None
        self._busy = False
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, since uvloop's transports are not subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._fake._open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._fake._open.discard(self)
        self._writable.set()
        if self._busy and self._call:
            self._fake.left(self._call)
        if self._task:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.drop()

    def on_message_begin(self) -> None:
        self._call = Call("", "", "", {})

    def on_url(self, url: bytes) -> None:
        assert self._call
        parts = urlsplit(url.decode("ascii"))
        self._call.path, self._call.query = unquote(parts.path), parts.query
        self._call.target = url.decode("ascii")

    def on_header(self, name: bytes, value: bytes) -> None:
        assert self._call
        self._call.headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        assert self._call
        self._call.body += body

    def on_message_complete(self) -> None:
        call = self._call
        assert call
        call.method = self._parser.get_method().decode()
        self._busy = True
        plan = self._fake.plan
        try:
            answer = self._fake.respond(call)
        except Drop:
            self._busy = False
            self.drop()
            return
        except Hang:
            return
        latency_s = 0.0 if call.path.startswith("/_") else plan.latency_s
        latency_s = latency_s if answer.after_s is None else answer.after_s
        if latency_s or answer.chunks or len(answer.body) > 1 << 20:
            self._task = asyncio.ensure_future(self._write_slowly(answer, latency_s))
        else:
            self._write(answer)

    def drop(self) -> None:
        if self._transport:
            self._transport.abort()

    def _head(self, answer: Answer) -> bytes:
        lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Status')}"]
        if answer.type:
            lines.append(f"content-type: {answer.type}")
        lines.append(
            "transfer-encoding: chunked" if answer.chunks else f"content-length: {len(answer.body)}"
        )
        lines.append("x-request-id: req_fake")
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _write(self, answer: Answer) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if answer.cut_after is not None:
            self._busy = False
            self._transport.write(self._head(answer) + answer.body[: answer.cut_after])
            self._transport.close()
            return
        self._transport.write(self._head(answer) + answer.body)
        self._busy = False

    async def _write_slowly(self, answer: Answer, latency_s: float) -> None:
        assert self._transport
        if latency_s:
            await asyncio.sleep(latency_s)
        if answer.chunks is None:
            self._write(answer)
            return
        self._transport.write(self._head(answer))
        try:
            async for chunk in answer.chunks:
                await self._writable.wait()
                if self._transport.is_closing():
                    return
                self._transport.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        except Drop:
            self._busy = False
            self._transport.close()
            return
        self._transport.write(b"0\r\n\r\n")
        self._busy = False


_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Slow Down"}


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65536
        await asyncio.sleep(0)


def _raise(error: type[Exception]) -> Callable[[Fake, Call], Answer]:
    def fault(_fake: Fake, _call: Call) -> Answer:
        raise error

    return fault


def _cut(fake: Fake, call: Call) -> Answer:
    answer = fake.answer(call)
    if answer.chunks:
        raise Drop
    answer.cut_after = len(answer.body) // 2
    return answer


def _truncated(fake: Fake, call: Call) -> Answer:
    answer = fake.answer(call)
    return Answer(answer.body[: len(answer.body) // 2], type=answer.type)


_HTML = b"<!DOCTYPE html><html><body>Something is upside down</body></html>"

# What can go wrong at any HTTP server, whatever it serves.
_FAULTS: dict[str, Callable[[Fake, Call], Answer]] = {
    "drop_after": _raise(Drop),  # accepted and counted, then the line goes dead
    "drop_midway": _cut,
    "hang": _raise(Hang),
    "truncated": _truncated,  # a whole HTTP answer around half a body
    "html": lambda _f, _c: Answer(_HTML, type="text/html"),
    "html_502": lambda _f, _c: Answer(_HTML, 502, "text/html"),
    "html_530": lambda _f, _c: Answer(_HTML, 530, "text/html"),
    "text_500": lambda _f, _c: Answer(b"it broke", 500, "text/plain"),
    "empty_503": lambda _f, _c: Answer(b"", 503, "", {"retry-after": "4"}),
    "wrong_type": lambda _f, _c: Answer(b"hello", type="text/plain"),
    "wrong_shape": lambda _f, _c: Answer.of({"pictures": [1, 2]}),
    "list": lambda _f, _c: Answer.of([1, 2, 3]),
    "deep": lambda _f, _c: Answer(b"[" * 20_000 + b"]" * 20_000),
    "huge": lambda _f, _c: Answer(chunks=_endless()),
    "gzip_bomb": lambda _f, _c: Answer(
        gzip.compress(b" " * (32 << 20)), headers={"content-encoding": "gzip"}
    ),
    "huge_error": lambda _f, _c: Answer(status=400, chunks=_endless()),
    "redirect": lambda _f, _c: Answer(status=302, headers={"location": "https://example.org/"}),
}


def command_line(make: Callable[[argparse.Namespace], Fake], *more: tuple[str, Any, str]) -> None:
    """`python -m tests.fakes.… --port N`. Prints `ready <url>` when it can be asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before the first byte")
    parser.add_argument("--step", type=float, default=0.0, help="seconds between streamed events")
    parser.add_argument("--fault", default=None)
    parser.add_argument("--times", type=int, default=None, help="calls that meet the fault")
    for name, default, text in more:
        parser.add_argument(name, default=default, help=text)
    given = parser.parse_args()
    fake = make(given)
    fake.port = given.port
    fake.plan = Plan(given.fault, given.times, given.latency, given.step)
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415  (not on Windows)

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(fake.serve(lambda: print(f"ready {fake.url}", flush=True)))
