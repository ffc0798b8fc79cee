"""Addresses that must never be connected to, in every spelling we know of, and a DNS that helps.

A vector is a URL as somebody hostile would write it. Names in it are answered by `NAMES`; what is
no name there is read by the C library, as a number or not at all.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_network
from itertools import count

PUBLIC, PUBLIC_6 = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

# The list in promises, row by row: both ends of each network are tried.
DENIED = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("::/96", "::ffff:0.0.0.0/104", "::ffff:10.0.0.0/104", "::ffff:127.0.0.0/104"),
    *("::ffff:169.254.0.0/112", "::ffff:192.168.0.0/112", "64:ff9b::/96", "64:ff9b:1::/48"),
    *("100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16"),
    *("fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "168.63.129.16/32", "4000::/3"),
]
# Where clouds keep their keys, and what is usually worth reaching.
WANTED = [
    *("127.0.0.1", "169.254.169.254", "10.0.0.1", "100.100.100.200", "192.0.0.192"),
    *("::1", "fd00:ec2::254", "fe80::a9fe:a9fe", "168.63.129.16"),
]
_LOCAL, _METADATA = IPv4Address("127.0.0.1"), IPv4Address("169.254.169.254")


def _numbers(address: IPv4Address) -> list[str]:
    """The spellings of an IPv4 address that the C library, or some browser, understands."""
    a, b, c, d = address.packed
    whole = int(address)
    return [
        str(whole),
        f"0x{whole:x}",
        f"0X{whole:X}",
        f"0{whole:o}",
        f"{a}.{whole & 0xFFFFFF}",
        f"{a}.{b}.{(c << 8) + d}",
        f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"000{a:o}.{b}.{c}.{d}",
        f"{a}.{b}.{c}.0x{d:x}",
        f"0x{a:x}.{whole & 0xFFFFFF}",
        f"{a}.{b}.{c}.{d}.",
        f"{a}.{b}.{c}.{d}..",
        f"{a}.{b}.{c}.0{d:o}",
        f"{a + 256}.{b}.{c}.{d}",
        f"{a}%2e{b}%2e{c}%2e{d}",
        f"{a}。{b}。{c}。{d}",
        f"{a}．{b}．{c}．{d}",
        f"{a}｡{b}｡{c}｡{d}",
        "".join(chr(0xFF10 + int(x)) if x.isdigit() else x for x in str(address)),
        "".join(chr(0x2460 + int(x) - 1) if x in "123456789" else x for x in str(address)),
    ]


def _inside_ipv6(address: IPv4Address) -> list[str]:
    """The ways to carry an IPv4 address in an IPv6 one."""
    high, low = int(address) >> 16, int(address) & 0xFFFF
    return [
        f"::ffff:{address}",
        f"::ffff:{high:x}:{low:x}",
        f"0:0:0:0:0:ffff:{address}",
        f"::{address}",
        f"::{high:x}:{low:x}",
        f"64:ff9b::{address}",
        f"64:ff9b:1::{address}",
        f"64:ff9b:1:fffe::{high:x}:{low:x}",
        f"2002:{high:x}:{low:x}::",
        f"2002:{high:x}:{low:x}::1",
        f"2001::{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}",
        f"::ffff:0:{address}",
    ]


_SPELLINGS = [
    *("localhost", "LOCALHOST", "localhost.", "LocalHost.LocalDomain", "ip6-localhost"),
    *("ｌｏｃａｌｈｏｓｔ", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loc%61lhost", "xn--localhost-", "xn--", "xn--a"),
    *("[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]:443", "[::1%25lo]"),
    *("[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1%00]", "[v1.fe80::1]", "[127.0.0.1]"),
    *("[::1", "::1", "127.0.0.1]", "[]", "0", "0x", "0x0", "00", "127.1", "127.0.1"),
    *("127.0.0.1%00.cdn.example", "127.0.0.1%2f.cdn.example", "127.0.0.1 .cdn.example"),
    *("127.0.0.1\\.cdn.example", "127.0.0.1\\@cdn.example", "cdn.example\\@127.0.0.1"),
    *("cdn.example@127.0.0.1", "cdn.example:443@127.0.0.1", "@127.0.0.1", "a:b@127.0.0.1"),
    *("cdn.example%40127.0.0.1", "cdn.example:443:80", "cdn.example:", "127.0.0.1:443"),
    *("127.0.0.1#.cdn.example", "127.0.0.1?.cdn.example", "127.0.0.1;.cdn.example"),
    *("router", "db", "metadata", "kubernetes.default.svc", "host.docker.internal"),
    *("-cdn.example", "cdn..example", ".cdn.example", f"{'a' * 64}.example", "a." * 130),
    *("*", "cdn.example,127.0.0.1", "127.0.0.1,cdn.example", "(127.0.0.1)", "$HOST"),
    *("\t127.0.0.1", "127.0.0.1\t", "127.0.\u00ad0.1", "127.0.0.1\u200b", "\ufeff127.0.0.1"),
]
_PORTS = [
    *(0, 1, 21, 22, 23, 25, 53, 80, 110, 111, 139, 143, 389, 445, 465, 587, 631, 873, 2375, 2379),
    *(3128, 3306, 4430, 5432, 5984, 6379, 8000, 8080, 8443, 9200, 10250, 11211, 27017, 65535),
    *(65536, 65979, 99999, -443),
]
_SCHEMES = [
    *("http://cdn.example/", "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/"),
    *("http://[fd00:ec2::254]/latest/meta-data/", "http://metadata.google.internal/"),
    *("http://cdn.example:443/", "ftp://cdn.example/", "file:///etc/passwd", "file://127.0.0.1/"),
    *("gopher://127.0.0.1:6379/_INFO", "dict://127.0.0.1:11211/stat", "ws://127.0.0.1/"),
    *("wss://127.0.0.1/", "unix:///var/run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/"),
    *("jar:https://127.0.0.1/", "ldap://127.0.0.1/", "tftp://127.0.0.1/", "netdoc:///etc/passwd"),
    *("javascript:alert(1)", "about:blank", "blob:https://127.0.0.1/", "//127.0.0.1/", "///"),
    *("https:127.0.0.1", "https:/127.0.0.1", "https:///127.0.0.1", "https:\\\\127.0.0.1", ""),
    *("https://", "https:", ":", "127.0.0.1", "HTTPS://127.0.0.1/", "hTTp://127.0.0.1/", " "),
    *("https\uff1a//127.0.0.1/", "https://127.0.0.1:443@", "http://127.0.0.1:80\\@cdn.example/"),
]


def _ends(row: str) -> list[str]:
    network = ip_network(row)
    first, last = network[0], network[-1]
    return [str(first), str(last)] if first != last else [str(first)]


def _literal(address: str) -> str:
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"


def _answers() -> dict[str, tuple[str, ...]]:
    """Names and what they resolve to: each denied row, and answers in which one address is bad."""
    number = count()
    found = {f"row{next(number)}.example": (end,) for row in DENIED for end in _ends(row)}
    found |= {f"wanted{next(number)}.example": (address,) for address in WANTED}
    for bad in WANTED:  # next to a good one, whichever comes first
        found[f"mixed{next(number)}.example"] = (PUBLIC, bad)
        found[f"mixed{next(number)}.example"] = (bad, PUBLIC, PUBLIC_6)
    for address in (_LOCAL, _METADATA):  # as AAAA records, and nothing else
        for inner in _inside_ipv6(address):
            found[f"inner{next(number)}.example"] = (inner,)
    return found | {
        "127.0.0.1.nip.example": ("127.0.0.1",),
        "localtest.example": ("127.0.0.1", "::1"),
        "metadata.google.internal": ("169.254.169.254",),
        "app.localhost": ("127.0.0.1",),
        "host.docker.internal": ("172.17.0.1",),
        "kubernetes.default.svc": ("10.96.0.1",),
        "printer.local": ("192.168.1.9",),
        "scoped.example": ("fe80::1%2",),
        "lo.example": ("::1%lo",),
        "garbage.example": ("127.0.0.1\x00",),
        "empty-text.example": ("",),
        "half.example": (PUBLIC, "not an address"),
        "xn--bcher-kva.example": ("127.0.0.1",),
        "bang.example": ("255.255.255.255",),
    }


NAMES = _answers()
URLS = list(
    dict.fromkeys(
        [
            *(_literal(end) for row in DENIED for end in _ends(row)),
            *(_literal(address) for address in WANTED),
            *(f"https://{name}/" for name in NAMES),
            *(f"https://{name}./" for name in list(NAMES)[-12:]),
            "https://bücher.example/",
            *(f"https://{n}/" for address in (_LOCAL, _METADATA) for n in _numbers(address)),
            *(f"https://[{n}]/" for address in (_LOCAL, _METADATA) for n in _inside_ipv6(address)),
            *(f"https://{host}/a.png" for host in _SPELLINGS if host != "cdn.example:"),
            *(f"https://cdn.example:{port}/a.png" for port in _PORTS),
            *_SCHEMES,
        ]
    )
)

assert isinstance(ip_network(DENIED[0]), IPv4Network)
assert IPv6Address(PUBLIC_6).is_global
