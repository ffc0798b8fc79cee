"""One suite over every store: what the rest of Safelight relies on, wherever the pictures are.

For S3 and what speaks like it (MinIO, R2, …) the credentials come from the usual environment:
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, and AWS_ENDPOINT_URL for anything that is
not Amazon's. `http://` in the endpoint is taken as meant.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import obstore
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image

from safelight.images.store import (
    ObjectPictureStore,
    StorageUnusable,
    original_key,
    preview_key,
)
from tests.fakes.openai_server import FakeOpenAI
from tests.studio import Studio

BUCKET = "pictures"


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """Where an S3 of our own answers, with one bucket in it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    assert httpx2.put(f"{url}/{BUCKET}", trust_env=False, timeout=60).status_code == 200
    yield url
    server.stop()


@pytest.fixture
def s3_environment(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What an operator sets."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    return s3_url


@pytest.fixture(params=["folder", "file url", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectPictureStore:
    match request.param:
        case "folder":
            url = None
        case "file url":
            url = f"file://{tmp_path}/not%20there/yet"
        case "memory":
            url = "memory://"
        case _:
            request.getfixturevalue("s3_environment")
            url = f"s3://{BUCKET}/{uuid4().hex}/deeper"
    return ObjectPictureStore.open(url, tmp_path)


async def read(store: ObjectPictureStore, key: str, start: int, end: int) -> bytes:
    return b"".join([piece async for piece in store.stream(key, start, end)])


async def test_what_was_put_comes_back_byte_for_byte(store: ObjectPictureStore) -> None:
    data = bytes(range(256)) * 5000

    await store.put("ab/picture/original.png", data)

    assert await store.get("ab/picture/original.png") == data
    assert await store.size("ab/picture/original.png") == len(data)


@pytest.mark.parametrize(("start", "end"), [(0, 1), (0, 1000), (999, 1000), (17, 18), (300, 900)])
async def test_any_part_can_be_read(store: ObjectPictureStore, start: int, end: int) -> None:
    data = bytes(number % 251 for number in range(1000))
    await store.put("part", data)

    assert await read(store, "part", start, end) == data[start:end]


async def test_a_large_object_comes_in_pieces(store: ObjectPictureStore) -> None:
    data = bytes(3_000_000)
    await store.put("large", data)

    pieces = [piece async for piece in store.stream("large", 0, len(data))]

    assert b"".join(pieces) == data


async def test_putting_again_replaces(store: ObjectPictureStore) -> None:
    await store.put("same", b"first, and longer")
    await store.put("same", b"second")

    assert await store.get("same") == b"second"
    assert await store.size("same") == 6


async def test_what_is_not_there_is_said_so(store: ObjectPictureStore) -> None:
    assert await store.size("ab/nothing") is None
    with pytest.raises(KeyError):
        await store.get("ab/nothing")


async def test_deleting_is_final_and_may_be_repeated(store: ObjectPictureStore) -> None:
    await store.put("a", b"1")
    await store.put("b", b"2")

    await store.delete(["a", "never", "a"])
    await store.delete(["a"])

    assert await store.size("a") is None
    assert await store.get("b") == b"2"


async def test_many_writes_at_once_do_not_mix(store: ObjectPictureStore) -> None:
    async def put_and_get(number: int) -> bool:
        data = str(number).encode() * 1000
        await store.put(f"many/{number}", data)
        return await store.get(f"many/{number}") == data

    assert all(await asyncio.gather(*(put_and_get(number) for number in range(50))))


async def test_a_check_leaves_nothing_behind(store: ObjectPictureStore) -> None:
    await asyncio.gather(*(store.check() for _ in range(20)))  # several servers start at once

    assert [found async for batch in obstore.list(store._store) for found in batch] == []


def test_keys_of_a_picture_stand_together_and_spread_by_their_last_digits() -> None:
    asset_id = UUID("01234567-89ab-7def-8123-456789abcdef")

    assert original_key(asset_id, "png") == f"ef/{asset_id}/original.png"
    assert preview_key(asset_id, 320) == f"ef/{asset_id}/320.webp"


async def test_pictures_of_one_installation_stay_below_its_prefix(s3_environment: str) -> None:
    store = ObjectPictureStore.open(f"s3://{BUCKET}/team-a", Path())
    await store.put("ab/x", b"1")

    with httpx2.Client(trust_env=False) as client:
        listed = client.get(f"{s3_environment}/{BUCKET}", params={"prefix": "team-a/"}).text
    assert "<Key>team-a/ab/x</Key>" in listed


@pytest.mark.parametrize("url", ["s3://", "nonsense://x", "s3//bucket", "http://[x"])
def test_an_url_that_cannot_be_used_is_told_in_one_line(url: str, tmp_path: Path) -> None:
    with pytest.raises(StorageUnusable) as refused:
        ObjectPictureStore.open(url, tmp_path)

    assert url in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_missing_bucket_is_told_before_anything_is_accepted(s3_environment: str) -> None:
    store = ObjectPictureStore.open("s3://no-such-bucket/x", Path())

    with pytest.raises(StorageUnusable) as refused:
        await store.check()

    assert "s3://no-such-bucket/x" in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("a file is in the way")

    with pytest.raises(StorageUnusable, match="cannot be used"):
        await ObjectPictureStore.open(None, tmp_path).check()


@pytest.mark.parametrize("storage", ["folder", "s3"])
async def test_a_generated_picture_is_served_whole_and_in_parts(
    storage: str,
    request: pytest.FixtureRequest,
    database_url: str,
    provider_api: FakeOpenAI,
    tmp_path: Path,
) -> None:
    settings = {}
    if storage == "s3":
        request.getfixturevalue("s3_environment")
        settings["storage_url"] = f"s3://{BUCKET}/{uuid4().hex}"

    async with Studio.open(database_url, tmp_path, provider_api, **settings) as studio:
        job = await studio.generate(
            "a heron", model="openai/flux-schnell", parameters={"width": 256, "height": 192}
        )

        asset = job["outputs"][0]["asset"]
        whole = await studio.client.get(asset["url"])
        assert whole.status_code == 200
        assert len(whole.content) == asset["bytes"] == int(whole.headers["content-length"])
        assert Image.open(io.BytesIO(whole.content)).size == (256, 192)
        for wanted, part in {
            "bytes=0-9": whole.content[:10],
            "bytes=10-": whole.content[10:],
            "bytes=-7": whole.content[-7:],
            f"bytes=5-{10**9}": whole.content[5:],
        }.items():
            answer = await studio.client.get(asset["url"], headers={"Range": wanted})
            assert answer.status_code == 206
            assert answer.content == part
            assert answer.headers["content-range"].endswith(f"/{asset['bytes']}")
        beyond = await studio.client.get(
            asset["url"], headers={"Range": f"bytes={asset['bytes']}-"}
        )
        assert beyond.status_code == 416
        for side, url in asset["thumbnails"].items():
            preview = await studio.client.get(url)
            assert max(Image.open(io.BytesIO(preview.content)).size) == min(256, int(side))
            part = await studio.client.get(url, headers={"Range": "bytes=4-11"})
            assert part.content == preview.content[4:12]
        assert not (tmp_path / "pictures").exists() or storage == "folder"
