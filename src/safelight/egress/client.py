"""What leaves this server goes through a client from here, made for one purpose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from ssl import SSLContext
from typing import TypeVar

import httpcore2
import httpx2

from safelight.egress.guard import Guard, Resolver, TargetNotAllowed, look_up
from safelight.egress.rules import Rules
from safelight.values.targets import Target


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a client is for and how much it may take: of time in seconds, of answers in bytes.

    total_s: from the request to the last byte; None: whoever asks sets a limit for each request.
    redirects_max: how many a caller may follow, each with a request of its own and so with all
    checks; no client follows one by itself. compressed: whether an answer may be compressed though
    nobody asked for it; only for callers who count what they unpack.
    """

    name: str
    connect_s: float
    total_s: float | None
    bytes_max: int
    redirects_max: int = 0
    compressed: bool = False


PROVIDERS = Purpose("provider", 10.0, None, 36 * 1024 * 1024, compressed=True)
# For a client that does not count what it unpacks.
TEXTS = replace(PROVIDERS, name="text", compressed=False)
PICTURES = Purpose("picture", 5.0, 30.0, 25 * 1024 * 1024, redirects_max=3, compressed=True)
LOGINS = Purpose("login", 5.0, 15.0, 1024 * 1024)
WEBHOOKS = Purpose("webhook", 5.0, 15.0, 64 * 1024)

_T = TypeVar("_T")

READ_S = 60.0
POOL_S = 30.0

# Shorter than the 5 s after which common servers close an idle connection: a request sent into a
# closing connection is an `OutcomeUnknown`, far dearer than a new handshake before a 10 s picture.
_LIMITS = httpx2.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=3.0)


class AnswerTooLarge(httpx2.TransportError):
    """More bytes than allowed; reading stopped there."""


@cache
def _system_certificates() -> SSLContext:
    """Loading them takes 20–100 ms, so all clients share them."""
    return httpx2.create_ssl_context(trust_env=False)


class Egress:
    """Makes clients. Holds no connection, so there may be several.

    allow: what the operator lists as reachable though it is not public (`egress_allow`). The rest
    is for tests: another resolver, another network below the guard, other certificates.
    """

    def __init__(
        self,
        allow: Iterable[Target] = (),
        *,
        resolve: Resolver = look_up,
        network: httpcore2.AsyncNetworkBackend | None = None,
        certificates: SSLContext | None = None,
    ) -> None:
        self._allow = tuple(allow)
        self._resolve = resolve
        self._network = network or httpcore2.AnyIOBackend()
        self._certificates = certificates

    def client(
        self,
        purpose: Purpose,
        *,
        own: Sequence[Target] = (),
        bytes_max: int | None = None,
    ) -> httpx2.AsyncClient:
        """A client of its own connections; whoever asked for it closes it.

        own: what the operator wrote as the address of whom this client is for, such as
        `Target.of_url(issuer)`. It may be private and speak http; everything else must be public,
        https, and at port 443. bytes_max: of an answer, instead of the purpose's.

        Beside httpx2's own errors a request raises: TargetNotAllowed (nothing was sent),
        AnswerTooLarge.
        """
        rules = Rules(own, self._allow)
        transport = {
            scheme: _Guarded(
                purpose,
                Guard(purpose.name, scheme, rules, resolve=self._resolve, network=self._network),
                self._certificates or _system_certificates(),
                bytes_max or purpose.bytes_max,
            )
            for scheme in ("https", "http")
        }
        return httpx2.AsyncClient(
            transport=transport["https"],
            mounts={"http://": transport["http"]},
            timeout=httpx2.Timeout(READ_S, connect=purpose.connect_s, pool=POOL_S),
            trust_env=False,
            follow_redirects=False,
            # Pictures do not compress, and a compressed answer could hide its real size.
            headers={"accept-encoding": "identity", "user-agent": "safelight"},
        )


class _Guarded(httpx2.AsyncHTTPTransport):
    """Connects through a guard, keeps to the purpose's time, and counts what arrives on the wire,
    also for clients that read whole bodies by themselves."""

    def __init__(
        self,
        purpose: Purpose,
        guard: Guard,
        certificates: SSLContext,
        bytes_max: int,
    ) -> None:
        super().__init__(verify=certificates, trust_env=False, limits=_LIMITS)
        # The base class makes its pool without a way to say how that connects.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=certificates,
            max_connections=_LIMITS.max_connections,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=guard,
        )
        self._purpose = purpose
        self._guard = guard
        self._bytes_max = bytes_max

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._guard.check(request.url)
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._purpose.total_s if self._purpose.total_s else None
        response = await _by(ends, super().handle_async_request(request))
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _CappedStream(response.stream, self._bytes_max, ends)
        if _leads_nowhere(response):
            await response.stream.aclose()
            raise TargetNotAllowed("redirected to what is no address")
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("", "identity") and not self._purpose.compressed:
            await response.stream.aclose()
            raise AnswerTooLarge("compressed, though nobody asked for that")
        return response


class _CappedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, bytes_max: int, ends: float | None) -> None:
        self._stream = stream
        self._left = bytes_max
        self._ends = ends

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._stream)
        while True:
            # Each step by itself: what is done between them is not ours to end.
            chunk = await _by(self._ends, anext(chunks, None))
            if chunk is None:
                return
            self._left -= len(chunk)
            if self._left < 0:
                raise AnswerTooLarge("too large")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _by(ends: float | None, doing: Awaitable[_T]) -> _T:
    """What it comes to. Raises: httpx2.ReadTimeout, when that takes longer than until `ends` (on
    the loop's clock; None: whoever asks watches the time)."""
    if ends is None:
        return await doing
    try:
        async with asyncio.timeout_at(ends):
            return await doing
    except TimeoutError:
        raise httpx2.ReadTimeout("not answered in time") from None


def _leads_nowhere(response: httpx2.Response) -> bool:
    """Whether it redirects to something that is no address: httpx2 stumbles over it."""
    location = response.headers.get("location")
    if location is None:
        return False
    try:
        _ = httpx2.URL(location).host
    except (httpx2.InvalidURL, UnicodeError):
        return True
    return False
