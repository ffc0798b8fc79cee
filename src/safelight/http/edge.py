"""What every request passes on its way in and out: an id, size limits, headers, a log line."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from safelight.accounts.keys import PREFIX
from safelight.http.errors import problem
from safelight.values.errors import FieldError, InvalidRequest, TooLarge, UnsupportedMedia
from safelight.values.ids import new_id

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
JSON_DEPTH_MAX = 32
# More than anybody means: each that is wrong costs as much as a request, and is answered.
JSON_VALUES_MAX = 5000
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ORIGIN_HEADERS = frozenset({b"host", b"sec-fetch-site", b"origin", b"authorization", b"cookie"})

_EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
# For pages of the sites that are allowed: they show a key, never a cookie (no allow_credentials).
CORS: dict[str, Any] = {
    "allow_methods": ["GET", "POST", "PUT", "PATCH", "DELETE"],
    "allow_headers": [
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "If-None-Match",
        "Last-Event-ID",
        "Prefer",
        "X-Request-ID",
    ],
    "expose_headers": ["Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-ID"],
    "max_age": 600,
}
_ANSWER_HEADERS = "answer_headers"
# A script's own policy would be that of a worker it starts; pages bring theirs.
_OF_PAGES = ("text/html", "text/javascript", "text/css", "font/")
_DATA_CSP = "default-src 'none'; frame-ancestors 'none'"


class Edge:
    """The outermost layer. Plain ASGI: a middleware that buffers would break streams."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        body_bytes_max: int,
        larger: Mapping[tuple[str, str], int],
        https: bool,
        origin: str | None = None,
        friends: frozenset[str] = frozenset(),
    ) -> None:
        """larger: what bodies of these methods and paths may have instead. origin: that of the
        address browsers use, where it is known (`https://host`). friends: origins whose pages may
        change things here too."""
        self._app = app
        self._origin = origin
        self._friends = friends
        self._hosts = hosts
        self._body_bytes_max = body_bytes_max
        self._larger = larger
        self._headers = dict(_EVERY_ANSWER)
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        begin = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in scope["state"].get(_ANSWER_HEADERS, ()):
                    headers.append(name, value)
                self._add_headers(headers, request_id)
            await send(message)

        bytes_max = self._larger.get((scope["method"], scope["path"]), self._body_bytes_max)
        limited = _Limited(receive, bytes_max)
        try:
            if refused := self._stranger(scope):
                answer = problem(Request(scope), 403, "forbidden", "Not from there", refused)
                await answer(scope, receive, send_with_headers)
                return
            if _announced_bytes(scope) > bytes_max:
                raise TooLarge(_too_large(bytes_max))
            await self._app(scope, limited, send_with_headers)
        except TooLarge as error:
            if status:
                raise
            answer = problem(Request(scope), 413, error.code, error.title, str(error))
            await answer(scope, receive, send_with_headers)
        except Exception:
            log.exception("a request broke", path=scope["path"])
            if status:
                raise
            answer = problem(
                Request(scope),
                500,
                "internal",
                "Something went wrong here",
                f"It's our fault, not yours. Request {request_id}.",
            )
            await answer(scope, receive, send_with_headers)
        finally:
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((time.perf_counter() - begin) * 1000, 1),
            )

    def _stranger(self, scope: Scope) -> str | None:
        """Why this request is not taken from where it comes from, if so."""
        headers = {name: value for name, value in scope["headers"] if name in _ORIGIN_HEADERS}
        host = host_name(headers.get(b"host", b""))
        if self._hosts and host not in self._hosts:
            return (
                "This server does not answer to that name. If it is its own, set "
                "SAFELIGHT_PUBLIC_URL to the address browsers use."
            )
        if scope["method"] not in SAFE_METHODS and self._is_anothers_page(headers):
            return "Another site's page may not change anything here."
        return None

    def _is_anothers_page(self, headers: dict[bytes, bytes]) -> bool:
        """Whether a browser sends this for a page that is not ours: then the cookies it brings say
        nothing about what its user wants. Another name of the same site is another page too."""
        if headers.get(b"authorization", b"")[:7].lower() == b"bearer ":
            return False  # no page can send this without asking first, and we allow friends alone
        if headers.get(b"origin", b"").decode("latin-1") in self._friends:
            return b"cookie" in headers
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            return site not in (b"same-origin", b"none")
        # A browser that is old, or that reached us without TLS: it names the origin alone. One that
        # names neither is none, and nobody's cookies are in it.
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if not origin or origin == self._origin:
            return False
        return origin.partition("://")[2] != headers.get(b"host", b"").decode("latin-1").lower()

    def _add_headers(self, headers: MutableHeaders, request_id: str) -> None:
        headers["X-Request-ID"] = request_id
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        kind = headers.get("content-type", "")
        if kind and not kind.startswith(_OF_PAGES):
            headers.setdefault("Content-Security-Policy", _DATA_CSP)
            headers.setdefault("Cache-Control", "no-store")


class _Limited:
    """Counts a body's bytes while it comes in, for bodies that do not announce their length."""

    def __init__(self, receive: Receive, bytes_max: int) -> None:
        self._receive = receive
        self._left = self._bytes_max = bytes_max

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise TooLarge(_too_large(self._bytes_max))
        return message


def _too_large(bytes_max: int) -> str:
    return f"A body may have at most {bytes_max:,} bytes."


def add_answer_header(request: Request, name: str, value: str) -> None:
    """Send this header with the answer, whatever the answer becomes."""
    request.scope["state"].setdefault(_ANSWER_HEADERS, []).append((name, value))


def host_name(host: bytes) -> str:
    """The name without the port: [::1]:8000 is ::1."""
    name = host.decode("latin-1").lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


def _request_id(scope: Scope) -> str:
    """The caller's X-Request-ID if it is harmless, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            # Not a key that somebody put into the wrong header: this is stored and logged.
            if _REQUEST_ID.fullmatch(text) and not text.startswith(PREFIX):
                return str(text)
    return str(new_id())


def _announced_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller has what `etag` names: one of the list it sent, also where a proxy that
    compresses made it weak."""
    known = {part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")}
    return bool(known & {etag, "*"})


class JsonRequest(Request):
    """Reads JSON strictly: no NaN, no half characters, no nesting that is only there to hurt."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            try:
                self._json = orjson.loads(body)
            except orjson.JSONDecodeError as error:
                raise InvalidRequest(FieldError("body", f"Not JSON: {error}.")) from None
            if complaint := _shapeless(self._json):
                raise InvalidRequest(FieldError("body", complaint))
        return self._json


class JsonRoute(APIRoute):
    """A route whose body is read by JsonRequest; other content types are refused by name."""

    def get_route_handler(self) -> Any:
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Any:
            if self.body_field is not None:
                kind = request.headers.get("content-type", "application/json")
                if kind.partition(";")[0].strip().lower() != "application/json":
                    raise UnsupportedMedia("Send the body as application/json.")
            strict = JsonRequest(request.scope, request.receive)
            if self.body_field is not None and await strict.body():
                # Here, because inside the framework every failure becomes a 400 without a reason.
                await strict.json()
            return await handle(strict)

        return handle_json


def _shapeless(value: Any) -> str | None:
    """What is wrong with the shape of a body, if so; walked without recursion."""
    seen, open_values = 1, [(value, 1)]
    while open_values:
        current, depth = open_values.pop()
        if depth > JSON_DEPTH_MAX:
            return f"Nested deeper than {JSON_DEPTH_MAX} levels."
        if isinstance(current, dict | list):
            seen += len(current)
            if seen > JSON_VALUES_MAX:
                return f"More than {JSON_VALUES_MAX:,} values; send fewer."
            children = current.values() if isinstance(current, dict) else current
            open_values += [(child, depth + 1) for child in children]
    return None
