"""What somebody sends who wants to hurt: it costs the server little, and it is answered briefly."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from safelight.images.store import ObjectPictureStore
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.http.logins import opened
from tests.http.people import join
from tests.images.pictures import noise, saved
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}


async def test_a_body_of_many_unknown_fields_is_refused_whole(desk: Studio) -> None:
    body = json.dumps({f"{n:x}": 0 for n in range(100_000)}, separators=(",", ":"))

    answer = await desk.client.post("/api/auth/login", content=body, headers=JSON)

    assert answer.status_code == 422
    assert "More than 5,000 values" in answer.json()["detail"]
    assert len(answer.content) < 2000


async def test_only_so_many_wrong_fields_are_told(desk: Studio) -> None:
    body = {f"{n:x}": 0 for n in range(4000)}

    answer = await desk.client.post("/api/auth/login", json=body)

    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 100
    assert len(answer.content) < 64 * 1024


async def test_many_values_within_one_field_are_counted_too(desk: Studio) -> None:
    bodies = [{"metadata": {"x": [[0] * 99] * 60}}, [{}] * 6000]

    answers = [await desk.client.post("/api/jobs", json=body) for body in bodies]

    assert all("More than 5,000 values" in answer.json()["detail"] for answer in answers)


async def test_whoever_asks_for_readiness_does_not_make_the_storage_work(
    desk: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    check = ObjectPictureStore.check

    async def counted(store: ObjectPictureStore) -> None:
        nonlocal looks
        looks += 1
        await check(store)

    monkeypatch.setattr(ObjectPictureStore, "check", counted)
    answers = await asyncio.gather(*(desk.client.get("/readyz") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert looks == 1


async def test_storage_that_cannot_be_written_is_told_once_what_was_known_is_old(
    desk: Studio,
) -> None:
    assert isinstance(desk.shop.store, ObjectPictureStore)
    folder = Path(desk.shop.store.place)
    assert (await desk.client.get("/readyz")).json()["storage"] == "ok"
    folder.rename(folder.with_suffix(".away"))
    folder.touch()  # where nothing can be written into
    desk.shop.readiness._known_at = float("-inf")
    unready = await desk.client.get("/readyz")
    desk.shop.readiness._known_at = float("-inf")
    folder.unlink()
    folder.with_suffix(".away").rename(folder)

    assert (unready.status_code, unready.json()["storage"]) == (503, "cannot be written")


async def test_an_address_that_uploads_without_end_leaves_room_for_others(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    known: dict[str, Any] = {"anonymous": "on", "visitor_submits_per_minute": 10}
    data = saved(noise(64, 64), "PNG")
    async with opened(cluster, _fake_openai, tmp_path, **known) as house:
        ada, seats = await join(house), house.shop.uploads._seats

        async def upload(**headers: str) -> int:
            file = {"file": ("a.png", data)}
            answer = await house.client.post("/api/assets", files=file, headers=headers)
            return answer.status_code

        async with seats, seats:  # as if pictures that take long were there
            flood = [asyncio.create_task(upload()) for _ in range(40)]
            async with asyncio.timeout(20):
                answers = asyncio.as_completed(flood)
                refused = [await next(answers) for _ in range(34)]
            hers = asyncio.create_task(upload(**ada.headers))
            while house.shop.uploads._waiting < 7 and not hers.done():
                await asyncio.sleep(0.01)
        statuses = await asyncio.gather(*flood)

        assert set(refused) == {429}
        assert Counter(statuses) == {429: 34, 201: 6}
        assert await hers == 201
        assert not house.shop.uploads._of


async def told(desk: Studio, *pieces: bytes) -> bytes:
    """What the server answers to this, until it closes the connection or has said it all."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(desk.url.rpartition(":")[2]))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"


@pytest.mark.parametrize("is_one", [True, False], ids=["one", "many"])
async def test_headers_may_have_sixteen_kibibytes(desk: Studio, is_one: bool) -> None:
    def headers(size: int) -> bytes:
        if is_one:
            return b"X-Much: " + b"x" * size + b"\r\n"
        return b"".join(b"X-%04d: x\r\n" % n for n in range(size // 11))

    taken = await told(desk, GET + headers(16_000) + b"\r\n")
    refused = await told(desk, GET + headers(17_000) + b"\r\n")

    assert taken.startswith(b"HTTP/1.1 200 ")
    assert refused.startswith(b"HTTP/1.1 431 ")
    assert refused.endswith(b"Headers may have at most 16,384 bytes together.")


async def test_an_address_may_have_eight_kibibytes(desk: Studio) -> None:
    taken, refused = [
        await told(desk, GET.replace(b"/healthz", b"/healthz?" + b"x" * size) + b"\r\n")
        for size in (8000, 8200)
    ]

    assert taken.startswith(b"HTTP/1.1 200 ")
    assert refused.startswith(b"HTTP/1.1 414 ")
    assert refused.endswith(b"An address may have at most 8,192 bytes.")


async def test_a_header_that_never_ends_is_not_listened_to(desk: Studio) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(desk.url.rpartition(":")[2]))
    writer.write(GET + b"X-Much: ")

    async with asyncio.timeout(10):
        with pytest.raises(ConnectionError):
            while True:
                writer.write(b"x" * 4096)
                await writer.drain()
                await asyncio.sleep(0)
