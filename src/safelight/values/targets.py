"""Where a connection may lead: a name, an address or a network, as an operator writes it."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

import httpx2

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

PORTS = {"https": 443, "http": 80}
PORT_MAX = 65_535

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*")
# What resolvers read as a number: 2130706433, 0x7f.1, 0177.0.0.1. The last label decides.
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)")


@dataclass(frozen=True, slots=True)
class Target:
    """One place that an operator named. host: as it is written in a URL, small letters, no dot at
    its end; the addresses, where it is one or a network of them. port, scheme: None for any."""

    host: str
    port: int | None = None
    network: Network | None = None
    scheme: str | None = None

    @classmethod
    def parse(cls, text: str) -> Target:
        """`pictures.lan`, `pictures.lan:8080`, `10.0.0.7`, `[fd00::7]:443`, `10.0.0.0/8`.

        Raises: ValueError, with a sentence."""
        text = text.strip()
        if address := read_address(text):
            return cls(str(address), None, ip_network(address))
        if "/" in text and "%" not in text:
            with contextlib.suppress(ValueError):
                network = ip_network(text, strict=False)
                return cls(str(network), None, network)
        try:
            url = httpx2.URL(f"target://{text}")
            host, port = host_of(url), url.port
        except httpx2.InvalidURL:
            host, port = "", None
        is_port = port is None or 0 < port <= PORT_MAX
        if not is_host(host) or not is_port or url.userinfo or url.raw_path.strip(b"/"):
            raise ValueError(
                f"{text[:80]!r} is no host, host:port or network, such as nas.lan, nas.lan:9000 "
                "or 10.0.0.0/8"
            )
        address = read_address(host)
        return cls(host, port, ip_network(address) if address else None)

    @classmethod
    def of_url(cls, url: str) -> Target:
        """The scheme, host and port that a configured URL names. Raises: ValueError."""
        try:
            parts = httpx2.URL(url)
        except httpx2.InvalidURL:
            parts = httpx2.URL()
        if parts.scheme not in PORTS or not parts.raw_host or not 0 < port_of(parts) <= PORT_MAX:
            raise ValueError("must be an address such as https://host/v1")
        return cls(host_of(parts), port_of(parts), scheme=parts.scheme)

    def is_named(self, scheme: str, host: str, port: int) -> bool:
        """Whether a URL with these parts is written to lead here."""
        return self.host == host and self.port in (None, port) and self.scheme in (None, scheme)

    def holds(self, address: Address, port: int) -> bool:
        """Whether the address, however it was found, is one that was listed."""
        return self.network is not None and address in self.network and self.port in (None, port)


def host_of(url: httpx2.URL) -> str:
    """The one spelling in which hosts are compared: small letters, IDN in ASCII, an address in its
    short form, and no dot at the end."""
    host = url.raw_host.decode("ascii").removesuffix(".")
    address = read_address(host)
    return str(address) if address else host


def port_of(url: httpx2.URL) -> int:
    """0 where neither the URL nor its scheme says one."""
    return PORTS.get(url.scheme, 0) if url.port is None else url.port


def is_host(host: str) -> bool:
    """Whether it is an address, or a name that no resolver takes for a number."""
    if read_address(host):
        return True
    return bool(_NAME.fullmatch(host)) and not _ENDS_IN_A_NUMBER.fullmatch(host)


@lru_cache(256)  # every request asks it of the same few hosts
def read_address(text: str) -> Address | None:
    """An address as it is written, without a zone; IPv4 in IPv6's clothes (::ffff:10.0.0.1) is
    IPv4. None for everything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address
