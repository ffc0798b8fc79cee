"""Which address a request comes from, and whose requests are counted together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

EVERYBODY = "*"
# A household or a server rents a whole /64 and may use each of its addresses once.
_IPV6_BITS_COUNTED = 64


class Proxies:
    """The proxies that are believed when they say for whom they ask (X-Forwarded-For)."""

    def __init__(self, trusted: Sequence[str]) -> None:
        """trusted: addresses and networks, or `*` for everybody. Raises: ValueError."""
        self._everybody = EVERYBODY in trusted
        self._networks = [ip_network(each, strict=False) for each in trusted if each != EVERYBODY]

    def client(self, peer: str | None, forwarded_for: Sequence[str]) -> Address | None:
        """The nearest hop that is not one of our proxies; None when the peer has no address.

        peer: who is connected. forwarded_for: the header's lines as they came. Only a proxy's word
        counts, and each proxy appends whom it sees: so the list is read from its end, and ends at
        the first address that nobody trusted vouches for. Nothing in it can raise.
        """
        hop = parse(peer or "")
        if hop is None:
            return None
        for said in _from_the_end(forwarded_for):
            if not self._trusts(hop):
                break
            before = parse(said)
            if before is None:
                break
            hop = before
        return hop

    def _trusts(self, address: Address) -> bool:
        return self._everybody or any(address in network for network in self._networks)


def parse(text: str) -> Address | None:
    """An address, also with a port, in brackets, with a zone; None for anything else. IPv4 that is
    written as IPv6 is IPv4."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def bucket_of(address: Address | None) -> str:
    """The name under which this address is counted: itself, or the /64 it is in."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_BITS_COUNTED), strict=False))
    return str(address) if address else "unknown"


def _from_the_end(lines: Sequence[str]) -> Iterator[str]:
    for line in reversed(lines):
        yield from reversed(line.split(","))
