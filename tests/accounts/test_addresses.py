"""Whose request it is, when anybody may write anything into a header."""

from __future__ import annotations

import random

import pytest

from safelight.accounts.addresses import Proxies, bucket_of, parse

NOBODY = Proxies([])
OURS = Proxies(["10.0.0.0/8", "2001:db8:1::/48"])


def client(proxies: Proxies, peer: str | None, *forwarded_for: str) -> str:
    return bucket_of(proxies.client(peer, forwarded_for))


def test_without_proxies_the_header_is_not_read() -> None:
    assert client(NOBODY, "198.51.100.7", "203.0.113.9") == "198.51.100.7"
    assert client(NOBODY, "127.0.0.1", "203.0.113.9") == "127.0.0.1"


def test_ten_thousand_invented_headers_of_one_stranger_are_one_bucket() -> None:
    chance = random.Random(11)
    invented = [
        ", ".join(str(parse(f"{chance.getrandbits(8)}.1.2.{n % 256}")) for n in range(each % 5))
        for each in range(10_000)
    ]

    buckets = {client(OURS, "198.51.100.7", header) for header in invented}

    assert len(set(invented)) > 1000
    assert buckets == {"198.51.100.7"}


@pytest.mark.parametrize(
    ("header", "seen"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9"], "203.0.113.9"),  # what the client wrote itself is before it
        (["6.6.6.6, 203.0.113.9, 10.1.1.1"], "203.0.113.9"),
        (["6.6.6.6", "203.0.113.9", "10.1.1.1"], "203.0.113.9"),  # three lines are one list
        (["10.9.9.9, 10.1.1.1"], "10.9.9.9"),  # somebody inside
        (["203.0.113.9, 2001:db8:1::7"], "203.0.113.9"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (['"[2001:db8:2:3:4::5]:4711"'], "2001:db8:2:3::/64"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        ([" 203.0.113.9 "], "203.0.113.9"),
        ([], "10.0.0.1"),
        ([""], "10.0.0.1"),
        (["unknown"], "10.0.0.1"),
        (["203.0.113.9, nonsense"], "10.0.0.1"),  # nobody vouches for what is before nonsense
        (["203.0.113.9, nonsense, 10.1.1.1"], "10.1.1.1"),
        (["999.1.1.1"], "10.0.0.1"),
        (["\xff\x00,,,;;"], "10.0.0.1"),
    ],
)
def test_a_trusted_proxy_says_for_whom_it_asks(header: list[str], seen: str) -> None:
    assert client(OURS, "10.0.0.1", *header) == seen


def test_a_proxy_that_is_seen_as_ipv6_is_the_same_proxy() -> None:
    assert client(OURS, "::ffff:10.0.0.1", "203.0.113.9") == "203.0.113.9"


def test_everybody_is_believed_only_when_that_was_said() -> None:
    everybody = Proxies(["*"])

    assert client(everybody, "198.51.100.7", "203.0.113.9, 192.0.2.1") == "203.0.113.9"


def test_addresses_of_one_subscriber_are_one_bucket() -> None:
    chance = random.Random(12)
    rotating = [f"2001:db8:7:9:{chance.getrandbits(16):x}::{each:x}" for each in range(1000)]

    assert {client(NOBODY, peer) for peer in rotating} == {"2001:db8:7:9::/64"}
    assert client(NOBODY, "2001:db8:7:a::1") != client(NOBODY, "2001:db8:7:9::1")
    assert client(NOBODY, "fe80::1%eth0") == "fe80::/64"


def test_ipv4_stays_apart_however_it_is_written() -> None:
    assert client(NOBODY, "::ffff:198.51.100.7") == client(NOBODY, "198.51.100.7")
    assert client(NOBODY, "198.51.100.8") != client(NOBODY, "198.51.100.7")


def test_a_peer_without_an_address_is_counted_all_the_same() -> None:
    assert client(OURS, None, "203.0.113.9") == "unknown"
    assert client(OURS, "", "203.0.113.9") == "unknown"


def test_garbage_never_raises() -> None:
    chance = random.Random(13)
    for _ in range(5000):
        garbage = "".join(chr(chance.randrange(256)) for _ in range(chance.randrange(60)))
        client(Proxies(["*"]), "10.0.0.1", garbage, garbage[::-1])
        client(NOBODY, garbage)
