"""What a guarded client does: whom it connects to, how long it waits, how much it takes."""

from __future__ import annotations

import gzip
import itertools
import time

import httpx2
import pytest

from safelight.egress.client import (
    LOGINS,
    PICTURES,
    PROVIDERS,
    WEBHOOKS,
    AnswerTooLarge,
    Purpose,
)
from safelight.egress.guard import TargetNotAllowed
from safelight.values.targets import Target
from tests.egress.conftest import World, answer
from tests.egress.vectors import PUBLIC, PUBLIC_6

CLOSING = answer(b"hello", connection="close")


async def test_the_checked_address_is_connected_to_and_the_name_stays_the_name(
    world: World,
) -> None:
    client = world.egress().client(WEBHOOKS)

    said = await client.post("https://cdn.example/hook", json={"a": 1})

    await client.aclose()
    assert said.text == "hello"
    assert world.network.dialled == [(PUBLIC, 443)]
    assert world.names == ["cdn.example"]
    assert "\r\nhost: cdn.example\r\n" in world.heads[0].lower()


async def test_a_certificate_for_another_name_is_not_taken(world: World) -> None:
    world.dns.names["other.example"] = (PUBLIC,)
    client = world.egress().client(WEBHOOKS)

    with pytest.raises(httpx2.ConnectError, match="certificate"):
        await client.get("https://other.example/")

    await client.aclose()
    assert not world.heads


async def test_a_kept_connection_is_not_looked_up_again(world: World) -> None:
    world.dns.turns["cdn.example"] = iter([(PUBLIC,)])
    client = world.egress().client(PICTURES)

    for _ in range(3):
        assert (await client.get("https://cdn.example/")).is_success

    await client.aclose()
    assert len(world.network.dialled) == len(world.dns.asked) == 1


@pytest.mark.parametrize("what", ["dead", "silent"])
async def test_an_address_that_does_not_answer_gives_way_to_the_next(
    what: str, world: World
) -> None:
    world.dns.names["cdn.example"] = (PUBLIC_6, PUBLIC)
    getattr(world.network, what).add(PUBLIC_6)
    client = world.egress().client(WEBHOOKS)

    said = await client.get("https://cdn.example/")

    await client.aclose()
    assert said.text == "hello"
    assert world.network.dialled == [(PUBLIC_6, 443), (PUBLIC, 443)]


async def test_when_no_address_answers_that_is_what_is_said(world: World) -> None:
    world.dns.names["cdn.example"] = (PUBLIC_6, PUBLIC)
    world.dns.names["login.example"] = ()
    world.network.dead |= {PUBLIC, PUBLIC_6}
    client = world.egress().client(WEBHOOKS)

    with pytest.raises(httpx2.ConnectError, match="refused"):
        await client.get("https://cdn.example/")
    with pytest.raises(httpx2.ConnectError, match="no address"):
        await client.get("https://login.example/")

    await client.aclose()


async def test_a_server_that_nobody_reaches_is_given_up_in_time(world: World) -> None:
    world.network.silent |= {PUBLIC, PUBLIC_6}
    client = world.egress().client(Purpose("test", 0.2, None, 1000))

    for addresses in [(PUBLIC,), (PUBLIC, PUBLIC_6)]:
        world.dns.names["cdn.example"] = addresses
        with pytest.raises(httpx2.ConnectTimeout):
            await client.get("https://cdn.example/")

    await client.aclose()


@pytest.mark.parametrize("port", [80, 8080])
async def test_a_listed_host_may_be_private_and_speak_http(port: int, world: World) -> None:
    world.dns.names["gpu.lan"] = ("10.0.0.9",)
    by_url = world.egress().client(PROVIDERS, own=[Target.of_url(f"http://gpu.lan:{port}/v1")])
    by_setting = world.egress("10.0.0.0/8").client(LOGINS)
    neither = world.egress("nas.lan", "10.0.1.0/24").client(LOGINS)

    for client in (by_url, by_setting):  # what answers is the canary, which hangs up
        with pytest.raises(httpx2.TransportError):
            await client.get(f"http://gpu.lan:{port}/")
    assert world.network.dialled == [("10.0.0.9", port)] * 2
    with pytest.raises(TargetNotAllowed):
        await neither.get(f"http://gpu.lan:{port}/")

    for client in (by_url, by_setting, neither):
        await client.aclose()
    assert world.canary.visitors() == 2


async def test_a_listed_name_does_not_lead_to_a_cloud_s_secrets(world: World) -> None:
    world.dns.turns["gpu.lan"] = itertools.cycle(
        [("169.254.169.254",), ("fd00:ec2::254",), ("127.0.0.1", "0.0.0.0")]
    )
    client = world.egress("gpu.lan").client(PROVIDERS, own=[Target("gpu.lan")])

    for _ in range(6):
        with pytest.raises(TargetNotAllowed):
            await client.get("http://gpu.lan/")

    await client.aclose()
    assert world.canary.visitors() == 0


async def test_no_client_follows_a_redirect_by_itself(world: World) -> None:
    world.answers = lambda _path: answer(status=302, location="https://cdn.example/b")

    for purpose in (PROVIDERS, PICTURES, LOGINS, WEBHOOKS):
        client = world.egress().client(purpose)
        said = await client.post("https://cdn.example/a")
        await client.aclose()
        assert said.status_code == 302

    assert len(world.heads) == 4
    assert (WEBHOOKS.redirects_max, LOGINS.redirects_max, PICTURES.redirects_max) == (0, 0, 3)


@pytest.mark.parametrize(
    "location", ["https://[::1", "https://xn--\u0430/", "https://0177.0.0.1/", "https://a:b:c/"]
)
async def test_a_redirect_to_what_is_no_address_is_refused(location: str, world: World) -> None:
    head = f"location: {location}\r\n\r\n".encode()
    world.answers = lambda _path: answer(status=302).replace(b"\r\n\r\n", b"\r\n" + head)
    client = world.egress().client(WEBHOOKS)

    with pytest.raises(TargetNotAllowed):
        await client.get("https://cdn.example/")

    await client.aclose()


async def test_an_answer_is_read_no_further_than_the_purpose_allows(world: World) -> None:
    world.answers = lambda path: answer(b"x" * int(path.strip("/")))
    client = world.egress().client(WEBHOOKS)

    assert len((await client.get(f"https://cdn.example/{WEBHOOKS.bytes_max}")).content) == 65536
    with pytest.raises(AnswerTooLarge):
        await client.get(f"https://cdn.example/{WEBHOOKS.bytes_max + 1}")

    await client.aclose()


async def test_a_small_answer_that_unpacks_to_a_large_one_is_not_unpacked(world: World) -> None:
    world.answers = lambda _path: answer(gzip.compress(b" " * (8 << 20)), content_encoding="gzip")
    client = world.egress().client(LOGINS)

    with pytest.raises(AnswerTooLarge):
        await client.get("https://cdn.example/")

    await client.aclose()


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 So\r\ncontent-length: 90\r\n\r\n"])
async def test_an_answer_that_never_ends_is_not_waited_for(sent: bytes, world: World) -> None:
    world.answers = lambda _path: sent
    client = world.egress().client(Purpose("test", 5.0, 0.5, 1000))
    began = time.monotonic()

    with pytest.raises(httpx2.ReadTimeout):
        await client.get("https://cdn.example/", timeout=600)

    await client.aclose()
    assert time.monotonic() - began < 300


async def test_proxies_in_the_environment_are_not_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{world.canary.port}")
    client = world.egress().client(WEBHOOKS)

    said = await client.get("https://cdn.example/")

    await client.aclose()
    assert said.text == "hello"
    assert world.canary.visitors() == 0
