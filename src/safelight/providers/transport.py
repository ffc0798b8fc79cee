"""The one place that makes outgoing HTTP for providers, and names what went wrong on the way.

A failure before the request left is `ProviderUnreachable`: nothing was sent, so nothing was paid.
Anything later, up to the last byte of the answer, is `OutcomeUnknown`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from ssl import SSLContext
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

import httpx2
from pydantic import SecretStr

from safelight.providers.failures import failure
from safelight.values.errors import (
    InvalidOutput,
    OutcomeUnknown,
    ProviderError,
    ProviderUnreachable,
)

CONNECT_S = 10.0
POOL_S = 30.0
ERROR_BYTES_MAX = 64 * 1024
REDIRECTS_MAX = 3

# Shorter than the 5 s after which common servers close an idle connection: a request sent into a
# closing connection is an `OutcomeUnknown`, far dearer than a new handshake before a 10 s picture.
_LIMITS = httpx2.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=3.0)

_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)


class AnswerTooLarge(httpx2.TransportError):
    """More bytes than allowed; reading stopped there."""


@cache
def _tls() -> SSLContext:
    """Loading the system's certificates takes 20–100 ms, so every provider shares one."""
    return httpx2.create_ssl_context(trust_env=False)


class Transport:
    """One provider's connections: its address, its key, its limits."""

    def __init__(
        self,
        who: str,
        base_url: str,
        *,
        key: SecretStr | None = None,
        answer_bytes_max: int = 36 * 1024 * 1024,
    ) -> None:
        self.who = who
        self.base_url = base_url.rstrip("/")
        self.answer_bytes_max = answer_bytes_max
        self._key = key
        self._client: httpx2.AsyncClient | None = None

    @property
    def client(self) -> httpx2.AsyncClient:
        """Made at first use, so that a provider nobody asks costs nothing at start."""
        if self._client is None:
            self._client = httpx2.AsyncClient(
                transport=_Capped(self.answer_bytes_max),
                timeout=httpx2.Timeout(60.0, connect=CONNECT_S, pool=POOL_S),
                trust_env=False,
                follow_redirects=False,
                # Pictures do not compress, and a compressed answer could hide its real size.
                headers={"accept-encoding": "identity", "user-agent": "safelight"},
            )
        return self._client

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._key.get_secret_value(),) if self._key else ()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    @asynccontextmanager
    async def asking(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        within_s: float,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> AsyncGenerator[httpx2.Response]:
        """Ask at the provider's own address, with its key; the body is read inside the block.

        Leaving early, by an error or by cancelling, closes the connection. Raises: ProviderError
        for every answer that is not 2xx.
        """
        url = f"{self.base_url}{path}"
        async with self._exchange(
            method, url, within_s=within_s, headers={**(headers or {}), **self._auth()}, **content
        ) as response:
            if not response.is_success:
                raise await self._failure(response)
            yield response

    async def download(self, url: str, *, bytes_max: int, within_s: float) -> bytes:
        """Fetch a picture a provider pointed to. Their link is untrusted input: see `may_fetch`.

        The key goes along only to the provider's own scheme, host and port.
        """
        for _ in range(REDIRECTS_MAX + 1):
            if not may_fetch(url, self.base_url):
                raise InvalidOutput(f"{self.who} pointed to an address that is not fetched.")
            own = _origin(url) == _origin(self.base_url)
            async with self._exchange(
                "GET", url, within_s=within_s, headers=self._auth() if own else {}
            ) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                if not response.is_success:
                    # The picture exists and is paid for; only its copy is missing.
                    status = response.status_code
                    lost = (
                        OutcomeUnknown if status >= 500 or status in (408, 429) else InvalidOutput
                    )
                    raise lost(f"{self.who} made a picture whose link answers {status}.")
                return await self.read(response, bytes_max=bytes_max)
        raise InvalidOutput(f"{self.who} pointed to a link that redirects too often.")

    async def read(self, response: httpx2.Response, *, bytes_max: int | None = None) -> bytes:
        """The whole body. Raises: InvalidOutput when it is larger than allowed."""
        return b"".join([chunk async for chunk in self.chunks(response, bytes_max=bytes_max)])

    async def chunks(
        self, response: httpx2.Response, *, bytes_max: int | None = None
    ) -> AsyncIterator[bytes]:
        """The body as it arrives, counted after decoding."""
        most, count = bytes_max or self.answer_bytes_max, 0
        async for chunk in response.aiter_bytes():
            count += len(chunk)
            if count > most:
                raise AnswerTooLarge("too large")
            yield chunk

    def _auth(self) -> dict[str, str]:
        """Given to each request, never to the client, so that no other host can receive it."""
        return {"authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}

    async def _failure(self, response: httpx2.Response) -> ProviderError:
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > ERROR_BYTES_MAX:
                break
        return failure(
            self.who,
            response.status_code,
            response.headers,
            body[:ERROR_BYTES_MAX],
            secrets=self.secrets,
        )

    @asynccontextmanager
    async def _exchange(
        self,
        method: str,
        url: str,
        *,
        within_s: float,
        headers: Mapping[str, str],
        **content: Any,
    ) -> AsyncGenerator[httpx2.Response]:
        timeout = httpx2.Timeout(within_s, connect=min(CONNECT_S, within_s), pool=POOL_S)
        try:
            # The read timeout starts anew with every byte; the outer one does not. Its margin
            # lets a failure to connect be named as one.
            async with (
                asyncio.timeout(within_s + CONNECT_S + POOL_S),
                self.client.stream(
                    method, url, headers=headers, timeout=timeout, **content
                ) as response,
            ):
                yield response
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, TimeoutError) as error:
            # Without its cause: h11 repeats the headers, key included, in some of its messages.
            raise self.problem(error) from None

    def problem(self, error: BaseException) -> ProviderError:  # noqa: PLR0911  (a table)
        """Our name for a failure of the network. Its words are kept where no key can be in them."""
        match error:
            case AnswerTooLarge():
                return InvalidOutput(f"{self.who} answered more than it may.")
            case httpx2.InvalidURL() | httpx2.LocalProtocolError():
                return ProviderUnreachable(f"The request to {self.who} could not be written.")
            case httpx2.PoolTimeout():
                return ProviderUnreachable(f"Every connection to {self.who} is in use.")
            case _ if isinstance(error, _NOT_SENT):
                reason = str(error) or type(error).__name__
                return ProviderUnreachable(f"{self.who} could not be reached: {reason[:200]}.")
            case httpx2.DecodingError():
                return InvalidOutput(f"{self.who} answered with a damaged body.")
            case httpx2.TimeoutException() | TimeoutError():
                return OutcomeUnknown(f"{self.who} did not answer in time.")
            case _:
                return OutcomeUnknown(f"The connection to {self.who} broke before its answer.")


def may_fetch(url: str, base_url: str) -> bool:
    """Whether a link from a provider's answer may be opened.

    Only https, or the host the operator configured (a server at home speaks http). This is the
    place for the guard that resolves the name, refuses private addresses and pins the checked one.
    """
    try:
        parts = urlsplit(url)
        if parts.username or parts.password or not parts.hostname:
            return False
        same_host = parts.hostname == urlsplit(base_url).hostname
        return parts.scheme == "https" or (parts.scheme == "http" and same_host)
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, parts.hostname, parts.port or default


class _Capped(httpx2.AsyncHTTPTransport):
    """Counts what arrives on the wire, also for clients that read whole bodies by themselves."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(verify=_tls(), trust_env=False, limits=_LIMITS)
        self._bytes_max = bytes_max

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _CappedStream(response.stream, self._bytes_max)
        return response


class _CappedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, bytes_max: int) -> None:
        self._stream = stream
        self._left = bytes_max

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise AnswerTooLarge("too large")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
