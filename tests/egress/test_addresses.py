"""Which addresses are public, and what an operator may list."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.egress.addresses import denied, is_own, no_name_leads_there
from safelight.egress.rules import Rules
from safelight.settings import SettingsWrong, load
from safelight.values.targets import Target, read_address
from tests.egress.vectors import DENIED, PUBLIC, PUBLIC_6


@pytest.mark.parametrize("row", DENIED)
@settings(deadline=None, max_examples=20)
@given(st.data())
def test_no_address_of_a_denied_network_is_public(row: str, data: st.DataObject) -> None:
    network = ip_network(row)
    offset = data.draw(st.integers(0, network.num_addresses - 1))

    assert denied(network[offset])


@pytest.mark.parametrize(
    "address",
    [
        *(PUBLIC, PUBLIC_6, "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255"),
        *("100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "172.15.255.255"),
        *("172.32.0.0", "192.0.1.0", "192.167.255.255", "223.255.255.255", "168.63.129.17"),
        *("2001:200::", "2003::1", "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8"),
    ],
)
def test_the_neighbours_of_denied_networks_are_public(address: str) -> None:
    assert denied(ip_address(address)) is None


@pytest.mark.parametrize(
    ("address", "never"),
    [
        *((each, False) for each in ("127.0.0.1", "::1", "10.0.0.7", "192.168.1.2", "fd12::1")),
        *((each, False) for each in ("100.64.0.1", PUBLIC, PUBLIC_6, "64:ff9b::10.0.0.7")),
        *((each, True) for each in ("169.254.169.254", "fd00:ec2::254", "fe80::1", "0.0.0.0")),
        *((each, True) for each in ("::", "224.0.0.1", "ff02::1", "255.255.255.255")),
        *((each, True) for each in ("64:ff9b::169.254.169.254", "2002:a9fe:a9fe::")),
        *((each, True) for each in ("::169.254.169.254", "::ffff:169.254.169.254")),
    ],
)
def test_a_listed_name_may_be_private_but_no_cloud_s_secrets(address: str, never: bool) -> None:
    assert no_name_leads_there(ip_address(address)) is never


def test_this_machine_knows_its_own_addresses() -> None:
    assert is_own(ip_address("127.0.0.1"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return  # no network at all
        assert is_own(ip_address(probe.getsockname()[0]))
    assert not is_own(ip_address("192.0.2.1"))


LISTED = Rules(
    own=[Target("gpu.lan", 8080), Target.of_url("https://ai.example/v1")],
    allow=[Target.parse(text) for text in ("nas.lan", "10.0.0.7:9000", "fd12::/16")],
)


@pytest.mark.parametrize(
    ("scheme", "host", "port", "address", "may"),
    [
        ("http", "gpu.lan", 8080, "10.0.0.9", True),
        ("https", "gpu.lan", 8080, "127.0.0.1", True),
        ("http", "gpu.lan", 8081, "10.0.0.9", False),
        ("http", "gpu.lan", 8080, "169.254.169.254", False),
        ("http", "nas.lan", 1, "192.168.1.1", True),
        ("http", "nas.lan.evil.example", 80, "192.168.1.1", False),
        ("http", "any.example", 9000, "10.0.0.7", True),
        ("http", "10.0.0.7", 9000, "10.0.0.7", True),
        ("https", "10.0.0.7", 443, "10.0.0.7", False),
        ("https", "any.example", 443, "10.0.0.7", False),
        ("http", "any.example", 80, "fd12::1", True),
        ("http", "fd12::1", 80, "fd12::1", True),
        ("https", "any.example", 443, "fd13::1", False),
        ("https", "any.example", 443, PUBLIC, True),
        ("http", "any.example", 80, PUBLIC, False),
        ("http", "any.example", 443, PUBLIC, False),
        ("https", "any.example", 8443, PUBLIC, False),
        ("https", "ai.example", 443, "10.0.0.9", True),
        ("http", "ai.example", 443, "10.0.0.9", False),
        ("http", "ai.example", 80, "10.0.0.9", False),
        ("ftp", "nas.lan", 21, "192.168.1.1", False),
        ("http", "nas.lan", 0, "192.168.1.1", False),
        ("http", "nas.lan", 65536, "192.168.1.1", False),
    ],
)
def test_who_is_listed_may_be_private_and_nobody_else(
    scheme: str, host: str, port: int, address: str, may: bool
) -> None:
    found = read_address(address)
    assert found

    refusal = LISTED.before_asking(scheme, host, port) or LISTED.before_connecting(
        scheme, host, port, [found]
    )

    assert (refusal is None) is may, refusal


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("nas.lan", "nas.lan", None),
        (" NAS.Lan:443 ", "nas.lan", 443),
        ("nas.lan.", "nas.lan", None),
        ("bücher.lan", "xn--bcher-kva.lan", None),
        ("10.0.0.7:9000", "10.0.0.7", 9000),
        ("[FD00::07]:80", "fd00::7", 80),
        ("fd00::7", "fd00::7", None),
        ("::ffff:10.0.0.7", "10.0.0.7", None),
        ("10.1.2.3/8", "10.0.0.0/8", None),
    ],
)
def test_targets_are_read_as_operators_write_them(text: str, host: str, port: int | None) -> None:
    target = Target.parse(text)

    assert (target.host, target.port) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "*", "*.lan", "http://nas.lan", "nas.lan/pictures", "me@nas.lan", "nas lan"),
        *("nas.lan:0", "nas.lan:65536", "nas.lan:http", "127.1", "0x7f000001", "10.0.0.0/33"),
        *("10.0.0.256", "[fd00::7", "fe80::1%eth0", "nas.lan:80:80", "nas..lan"),
    ],
)
def test_what_is_no_target_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsWrong, match=r"egress_allow: .* is no host, host:port or network"):
        load(egress_allow=[text])


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_targets(text: str) -> None:
    try:
        Target.parse(text)
    except ValueError as error:
        assert "is no host, host:port or network" in str(error)
    try:
        Target.of_url(text)
    except ValueError as error:
        assert str(error) == "must be an address such as https://host/v1"
