"""Asking a provider over HTTP, and naming what went wrong on the way.

`egress` makes the connections and decides where they may lead. A failure before the request left
is `ProviderUnreachable`: nothing was sent, so nothing was paid. Anything later, up to the last
byte of the answer, is `OutcomeUnknown`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx2
from pydantic import SecretStr

from safelight.egress.client import (
    PICTURES,
    POOL_S,
    PROVIDERS,
    TEXTS,
    AnswerTooLarge,
    Egress,
    Purpose,
)
from safelight.egress.guard import TargetNotAllowed
from safelight.providers.failures import failure
from safelight.values.errors import (
    InvalidOutput,
    OutcomeUnknown,
    ProviderError,
    ProviderUnreachable,
    TargetRefused,
)
from safelight.values.targets import Target, host_of, port_of, read_address

ERROR_BYTES_MAX = 64 * 1024

_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)


class Transport:
    """One provider's connections: its address, its key, its limits.

    is_listed: whether the operator wrote this address himself. Only then may it be private, speak
    http or use another port than 443, and so may its pictures: see `_around`.
    """

    def __init__(
        self,
        who: str,
        base_url: str,
        *,
        key: SecretStr | None = None,
        answer_bytes_max: int = PROVIDERS.bytes_max,
        is_listed: bool = True,
        egress: Egress | None = None,
    ) -> None:
        self.who = who
        self.base_url = base_url.rstrip("/")
        self.answer_bytes_max = answer_bytes_max
        self._key = key
        self._own = [Target.of_url(base_url)] if is_listed else []
        self._egress = egress or Egress()
        self._clients: dict[Purpose, httpx2.AsyncClient] = {}

    @property
    def client(self) -> httpx2.AsyncClient:
        """For the provider's own address. Made at first use, so that a provider nobody asks costs
        nothing at start."""
        return self._client(PROVIDERS, self._own)

    @property
    def plain_client(self) -> httpx2.AsyncClient:
        """The same for a library that does not count what it unpacks."""
        return self._client(TEXTS, self._own)

    def _client(self, purpose: Purpose, own: Sequence[Target]) -> httpx2.AsyncClient:
        if purpose not in self._clients:
            self._clients[purpose] = self._egress.client(
                purpose, own=own, bytes_max=self.answer_bytes_max
            )
        return self._clients[purpose]

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._key.get_secret_value(),) if self._key else ()

    async def close(self) -> None:
        while self._clients:
            _, client = self._clients.popitem()
            await client.aclose()

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
        headers = {**(headers or {}), **self._auth()}
        async with self._exchange(
            self.client, PROVIDERS, method, url, within_s=within_s, headers=headers, **content
        ) as response:
            if not response.is_success:
                raise await self._failure(response)
            yield response

    async def download(self, url: str, *, bytes_max: int, within_s: float) -> bytes:
        """Fetch a picture a provider pointed to. Their link is untrusted input, and so is each
        address it redirects to: every one goes through the guard.

        The key goes along only to the provider's own scheme, host and port.
        """
        assert PICTURES.total_s
        try:
            async with asyncio.timeout(min(PICTURES.total_s, within_s)):
                return await self._download(url, bytes_max=bytes_max, within_s=within_s)
        except TimeoutError as error:
            raise self.problem(error) from None
        except (TargetRefused, httpx2.InvalidURL):
            raise TargetRefused(f"{self.who} pointed to an address that is not fetched.") from None

    async def _download(self, link: str, *, bytes_max: int, within_s: float) -> bytes:
        client = self._client(PICTURES, [_around(own) for own in self._own])
        url, own = httpx2.URL(link), _origin(httpx2.URL(self.base_url))
        for _ in range(PICTURES.redirects_max + 1):
            headers = self._auth() if _origin(url) == own else {}
            async with self._exchange(
                client, PICTURES, "GET", url, within_s=within_s, headers=headers
            ) as response:
                if response.is_redirect:
                    if response.headers.get("content-length") == "0":
                        await response.aread()  # to its end, so that the connection can be kept
                    url = url.join(response.headers.get("location", ""))
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
        client: httpx2.AsyncClient,
        purpose: Purpose,
        method: str,
        url: httpx2.URL | str,
        *,
        within_s: float,
        headers: Mapping[str, str],
        **content: Any,
    ) -> AsyncGenerator[httpx2.Response]:
        connect_s = min(purpose.connect_s, within_s)
        timeout = httpx2.Timeout(within_s, connect=connect_s, pool=POOL_S)
        try:
            # The read timeout starts anew with every byte; the outer one does not. Its margin
            # lets a failure to connect be named as one.
            async with (
                asyncio.timeout(within_s + connect_s + POOL_S),
                client.stream(method, url, headers=headers, timeout=timeout, **content) as response,
            ):
                yield response
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, TimeoutError) as error:
            # Without its cause: h11 repeats the headers, key included, in some of its messages.
            raise self.problem(error) from None

    def problem(self, error: BaseException) -> ProviderError:  # noqa: PLR0911  (a table)
        """Our name for a failure of the network. Its words are kept where no key can be in them."""
        match error:
            case TargetNotAllowed():
                return TargetRefused(
                    f"{self.who} has an address that is not asked. Whoever runs this server can "
                    "list it in SAFELIGHT_EGRESS_ALLOW."
                )
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


def _around(own: Target) -> Target:
    """Where a provider's pictures may lie though it is not public. A server at home speaks http and
    may have them at another port. One that speaks https under a name is likely a company's, whose
    DNS could point that name inside: it gets no more than its own address, where TLS asks for a
    certificate of that name."""
    at_home = own.scheme == "http" or read_address(own.host)
    return Target(own.host) if at_home else own


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, host_of(url), port_of(url)
