"""The guard between a connection pool and the network: looks a name up once, checks every address
it got, and connects to one of those and to nothing else."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore2
import httpx2
import structlog

from safelight.egress.rules import Rules
from safelight.values.targets import Address, host_of, port_of, read_address

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

# As long as browsers wait before they try the next address of the same name (RFC 8305).
_NEXT_ADDRESS_S = 0.25

log = structlog.get_logger()


class TargetNotAllowed(httpx2.TransportError):
    """Nothing was sent: the guard does not connect there. The words are for the operator."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, by this machine's resolver. Raises: OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Guard(httpcore2.AsyncNetworkBackend):
    """One client's guard for one scheme. `network` makes the connections it lets through."""

    def __init__(
        self,
        purpose: str,
        scheme: str,
        rules: Rules,
        *,
        resolve: Resolver,
        network: httpcore2.AsyncNetworkBackend,
    ) -> None:
        self._purpose = purpose
        self._scheme = scheme
        self._rules = rules
        self._resolve = resolve
        self._network = network

    def check(self, url: httpx2.URL) -> None:
        """What can be said before a name is looked up. Raises: TargetNotAllowed."""
        host, port = host_of(url), port_of(url)
        if url.userinfo:
            why: str | None = "there is a user in the address"
        elif url.scheme != self._scheme:
            why = "only https is spoken"
        else:
            why = self._rules.before_asking(url.scheme, host, port)
        self._refuse(host, port, why)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to a checked address. The name stays what TLS and the Host header say.

        Raises: TargetNotAllowed, httpcore2.ConnectError, httpcore2.ConnectTimeout."""

        async def connect(address: Address) -> httpcore2.AsyncNetworkStream:
            return await self._network.connect_tcp(
                str(address), port, timeout, local_address, socket_options
            )

        try:
            async with asyncio.timeout(timeout):
                addresses = await self._addresses(host, port)
                if len(addresses) == 1:
                    return await connect(addresses[0])
                return await _first(connect, addresses)
        except TimeoutError:
            raise httpcore2.ConnectTimeout("no connection in time") from None

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise TargetNotAllowed("a file is no place to connect to")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> Sequence[Address]:
        self._refuse(host, port, self._rules.before_asking(self._scheme, host, port))
        if literal := read_address(host):
            return [literal]
        try:
            said = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(str(error)) from None
        addresses = [address for text in dict.fromkeys(said) if (address := read_address(text))]
        if len(addresses) < len(set(said)):
            self._refuse(host, port, "its addresses cannot be read")
        if not addresses:
            raise httpcore2.ConnectError("the name has no address")
        why = self._rules.before_connecting(self._scheme, host, port, addresses)
        self._refuse(host, port, why)
        return addresses

    def _refuse(self, host: str, port: int, why: str | None) -> None:
        if why is not None:
            log.warning(
                "an outgoing connection was not allowed",
                purpose=self._purpose,
                host=host[:253],
                port=port,
                why=why,
            )
            raise TargetNotAllowed(why)


async def _first(
    connect: Callable[[Address], Awaitable[httpcore2.AsyncNetworkStream]],
    addresses: Sequence[Address],
) -> httpcore2.AsyncNetworkStream:
    """The connection that stands first. One address after the other gets a head start, so that a
    broken IPv6 costs a blink and not the whole time allowed."""
    waiting = deque(addresses)
    running: set[asyncio.Future[httpcore2.AsyncNetworkStream]] = set()
    try:
        while True:
            if waiting:
                running.add(asyncio.ensure_future(connect(waiting.popleft())))
            done, _ = await asyncio.wait(
                running,
                timeout=_NEXT_ADDRESS_S if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in done:
                error = attempt.exception()
                if error is None:
                    running.discard(attempt)
                    return attempt.result()
                running.discard(attempt)
                if not running and not waiting:
                    raise error
    finally:
        for attempt in running:
            attempt.cancel()
        for stream in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(stream, httpcore2.AsyncNetworkStream):
                await stream.aclose()
