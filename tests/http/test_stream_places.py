"""How many streams one caller may have open, and how long he keeps them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from safelight.accounts import keys, users
from safelight.credits.grants import grant
from safelight.values.credits import Credits
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.http.logins import Browser, opened, with_password
from tests.http.people import Person, join
from tests.studio import Studio


@contextlib.asynccontextmanager
async def streams(
    studio: Studio, count: int, path: str = "/api/events", **headers: str
) -> AsyncIterator[list[httpx2.Response]]:
    """So many streams, opened one after the other; those that were refused too."""
    async with contextlib.AsyncExitStack() as stack:
        opened_ = []
        for _ in range(count):
            studio.client.cookies.clear()
            stream = studio.client.stream("GET", path, headers=headers)
            opened_.append(await stack.enter_async_context(stream))
        yield opened_


async def until_free(studio: Studio) -> None:
    deadline = time.monotonic() + 10
    while studio.shop.stream_places._open:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_user_has_six_streams_and_a_place_again_when_one_is_closed(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with opened(cluster, _fake_openai, tmp_path) as studio:
        ada, eve = await join(studio, "Ada"), await join(studio, "Eve")
        job = (await ada.order()).json()["id"]
        _, text = await keys.create(studio.database, ada.user.id, name="second")
        second = Person(studio, ada.user, text)
        async with streams(studio, 3, **ada.headers) as first:
            async with streams(studio, 4, f"/api/jobs/{job}/stream", **second.headers) as more:
                others = await eve_opens(studio, eve)
                await more[-1].aread()
                statuses = [stream.status_code for stream in first + more]
                refused = more[-1]
            await until(lambda: studio.shop.stream_places._open == 3)
            async with streams(studio, 1, **ada.headers) as again:
                assert again[0].status_code == 200
        await until_free(studio)

    assert statuses == [200] * 6 + [429]
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["retry-after"]) > 0
    assert others == 200


async def test_a_reader_that_takes_nothing_is_left(
    cluster: Cluster,
    _fake_openai: FakeOpenAI,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def much(_: object) -> AsyncIterator[bytes]:
        while True:
            yield b": much\n\n" * 8192
            await asyncio.sleep(0)

    monkeypatch.setattr("safelight.http.stream._Lines.run", much)
    monkeypatch.setattr("safelight.http.stream.SEND_S", 0.5)
    async with opened(cluster, _fake_openai, tmp_path) as studio:
        ada = await join(studio, "Ada")
        port = int(studio.url.rpartition(":")[2])
        request = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {ada.key}"
        readers = [socket.socket() for _ in range(6)]
        for reader in readers:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", port))
            reader.sendall(request.encode() + b"\r\n\r\n")
        begun = [await asyncio.to_thread(reader.recv, 12, socket.MSG_PEEK) for reader in readers]
        await until_free(studio)
        for reader in readers:
            with pytest.raises(ConnectionResetError):
                await asyncio.to_thread(drain, reader)
        async with streams(studio, 6, **ada.headers) as again:
            statuses = [opened_.status_code for opened_ in again]

    assert begun == [b"HTTP/1.1 200"] * 6
    assert statuses == [200] * 6
    assert not [line for line in caplog.messages if "ASGI" in line]


def drain(reader: socket.socket) -> None:
    """Read until the other side has ended this connection."""
    with reader:
        reader.settimeout(10)
        while reader.recv(65536):
            pass


async def eve_opens(studio: Studio, eve: Person) -> int:
    async with streams(studio, 1, **eve.headers) as opened_:
        return opened_[0].status_code


async def until(is_so: Any) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_visitors_of_an_address_have_three_together_and_all_so_many_as_fit(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    known: dict[str, Any] = {
        "anonymous": "on",
        "trusted_proxies": ["127.0.0.1"],
        "streams_max": 5,
    }
    async with opened(cluster, _fake_openai, tmp_path, **known) as studio:
        here, there = {"X-Forwarded-For": "2001:db8::1"}, {"X-Forwarded-For": "2001:db8::2"}
        other = {"X-Forwarded-For": "203.0.113.9"}
        async with (
            streams(studio, 3, **here) as first,
            streams(studio, 1, **there) as same_house,
            streams(studio, 3, **other) as second,
        ):
            statuses = [stream.status_code for stream in first + same_house + second]
            await second[-1].aread()
            full = second[-1]
        await until_free(studio)

    assert statuses == [200, 200, 200, 429, 200, 200, 503]
    assert (full.json()["code"], full.headers["retry-after"]) == ("overloaded", "10")


async def test_the_local_owner_opens_as_many_as_he_likes(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with (
        opened(cluster, _fake_openai, tmp_path, accounts="off", is_new=True) as studio,
        streams(studio, 12) as opened_,
    ):
        assert {stream.status_code for stream in opened_} == {200}


@pytest.mark.parametrize("way", ["logged out", "disabled", "key revoked"])
async def test_whoever_is_out_hears_nothing_more(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path, way: str
) -> None:
    async with opened(cluster, _fake_openai, tmp_path) as studio, Browser(studio) as browser:
        user = await with_password(studio, "ada@example.org")
        await browser.log_in("ada@example.org")
        key, text = await keys.create(studio.database, user.id, name="k")
        headers = {"Authorization": f"Bearer {text}"} if way == "key revoked" else {}
        async with browser.client.stream("GET", "/api/events", headers=headers) as stream:
            pieces = stream.aiter_text()
            await anext(pieces)
            match way:
                case "logged out":
                    await browser.post("/api/auth/logout")
                case "disabled":
                    await users.set_disabled(studio.database, user.id, disabled=True)
                case _:
                    await keys.revoke(studio.database, user.id, key.id)
            async with asyncio.timeout(20):
                rest = "".join([piece async for piece in pieces])

    assert "event: reconnect" in rest


async def test_a_stream_that_is_opened_anew_is_no_use_of_the_session(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with opened(cluster, _fake_openai, tmp_path) as studio, Browser(studio) as browser:
        root = await with_password(studio, "root@example.org", role="admin")
        await grant(studio.database, root.id, Credits(100), reference="opening")
        await browser.log_in("root@example.org")
        job = (await browser.post("/api/jobs", prompt="a heron")).json()["id"]
        await studio.database.execute("UPDATE logins SET used_at = now() - interval '50 minutes'")
        for path in ("/api/events", f"/api/jobs/{job}/stream"):
            studio.shop.reception.logins.forget(browser.token or "")
            async with browser.client.stream("GET", path) as stream:
                assert stream.status_code == 200
                await anext(stream.aiter_text())

        idle_for = await studio.database.fetchval("SELECT now() - used_at FROM logins")
        assert idle_for.total_seconds() > 49 * 60


async def test_a_page_that_is_only_open_keeps_nobody_logged_in(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with opened(cluster, _fake_openai, tmp_path) as studio, Browser(studio) as browser:
        await with_password(studio, "ada@example.org")
        await browser.log_in("ada@example.org")
        async with browser.client.stream("GET", "/api/events") as stream:
            pieces = stream.aiter_text()
            await anext(pieces)
            await studio.database.execute("UPDATE logins SET used_at = now() - interval '13 hours'")
            async with asyncio.timeout(20):
                rest = "".join([piece async for piece in pieces])

        idle_for = await studio.database.fetchval("SELECT now() - used_at FROM logins")
        assert "event: reconnect" in rest
        assert idle_for.total_seconds() > 12 * 3600
