"""Which addresses are the public internet, and which must not be reached from in here.

A list of what is denied, since `ipaddress.is_global` alone is no guard: it calls NAT64, 6to4 and
multicast global. Read from IANA's special-purpose address registries, November 2026.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

from safelight.values.targets import Address

_DENIED = [
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this machine"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "a carrier's inside"),
        ("127.0.0.0/8", "this machine"),
        ("168.63.129.16/32", "a cloud's own services"),  # Azure's, though it looks public
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "for protocols"),
        ("192.0.2.0/24", "for documents"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for measurements"),
        ("198.51.100.0/24", "for documents"),
        ("203.0.113.0/24", "for documents"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/127", "this machine"),
        ("::/96", "IPv4 inside IPv6"),
        ("64:ff9b::/96", "IPv4 behind NAT64"),
        ("64:ff9b:1::/48", "IPv4 behind NAT64"),
        ("100::/64", "a black hole"),
        ("2001::/23", "for protocols"),
        ("2001:db8::/32", "for documents"),
        ("2002::/16", "IPv4 behind 6to4"),
        ("3fff::/20", "for documents"),
        ("5f00::/16", "for segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
]
# Nothing else of IPv6 has been given out to be reached from everywhere.
_GIVEN_OUT = IPv6Network("2000::/3")

# Where clouds hand their keys to whoever asks from inside, and addresses that are no host's. Who
# runs a DNS could point a name there, so not even a name that the operator listed leads there.
_NO_NAME_LEADS_THERE = [
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fd00:ec2::/32",
        "fe80::/10",
        "ff00::/8",
    )
]
_NAT64 = [IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48")]
_COMPATIBLE = IPv6Network("::/96")


def denied(address: Address) -> str | None:
    """What the address is, in a word or two, if it is not the public internet."""
    for network, what in _DENIED:
        if address in network:
            return what
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return denied(address.ipv4_mapped)
        if address not in _GIVEN_OUT:
            return "reserved"
    if address.is_multicast or not address.is_global:
        return "not public"
    return None


def no_name_leads_there(address: Address) -> bool:
    """Whether a name that resolves to this address is wrong, even one that the operator listed."""
    inner = _inside(address)
    return any(
        each in network for network in _NO_NAME_LEADS_THERE for each in (address, inner) if each
    )


def is_own(address: Address) -> bool:
    """Whether it is this machine's own, also a public one: what listens here must not be reached
    from in here. Connecting a datagram socket sends nothing; it only asks the routing table from
    where it would be sent, and to oneself that is the address itself."""
    family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return str(probe.getsockname()[0]) == str(address)
    except OSError:  # no way there at all
        return False


def _inside(address: Address) -> IPv4Address | None:
    """The IPv4 address that a gateway would take out of this one."""
    if isinstance(address, IPv4Address) or address.is_loopback:
        return None
    if address in _COMPATIBLE or any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
