"""Taking stock of the storage: what no row knows, what is missing, and what is left alone."""

from __future__ import annotations

import asyncio
import os
import time
import tracemalloc
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from safelight.database.pool import SESSION, Database
from safelight.images.store import ObjectPictureStore, folder_of, original_key, preview_key
from safelight.jobs.inventory import take_stock
from safelight.values.ids import LOCAL_OWNER, new_id
from tests.faults.schedule import LONG
from tests.images.test_stores import BUCKET, s3_environment, s3_url  # noqa: F401  (fixtures)
from tests.jobs.pictures import FILES, add_picture, objects, put_objects
from tests.studio import Studio

DAY_S = 86_400
NOW = -5.0  # a guard that calls everything old: S3's clock has whole seconds


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectPictureStore:
    if request.param == "folder":
        return ObjectPictureStore.open(None, tmp_path)
    request.getfixturevalue("s3_environment")
    return ObjectPictureStore.open(f"s3://{BUCKET}/{uuid4().hex}", tmp_path)


def make_old(folder: Path, asset_id: UUID | None = None, *, age_s: float = DAY_S + 60) -> None:
    """As if everything of a picture, or everything, had been stored that long ago."""
    for file in folder.glob(f"pictures/**/{asset_id}/*" if asset_id else "pictures/**/*"):
        os.utime(file, (time.time() - age_s,) * 2)


async def add_unfinished_job(database: Database, stored: UUID) -> None:
    """A job that has stored its original and still waits to deliver it."""
    job_id = new_id()
    await database.execute(
        """INSERT INTO jobs (id, owner_id, type, status, model, provider, prompt, request, count,
                             digest, price)
           VALUES ($1, $2, 'image', 'processing', 'm', 'openai', 'a heron', '{}', 1, '', 0)""",
        job_id,
        LOCAL_OWNER,
    )
    await database.execute(
        "INSERT INTO steps (job_id, name, attempt, state, result) VALUES ($1, $2, 1, 'done', $3)",
        job_id,
        "render:0",
        {"asset_id": str(stored)},
    )


async def test_what_does_not_belong_together_is_found_and_left_as_it_is(
    database: Database, store: ObjectPictureStore
) -> None:
    await add_picture(database, store)
    await add_picture(database, store, deleted_ago_s=60)
    lost = await add_picture(database, store)
    await store.remove(lost)
    half = await add_picture(database, store)
    await store.delete([preview_key(half, 320)])
    orphan = new_id()
    await put_objects(store, orphan, b"12345")
    await store.put("holiday/photo.jpg", b"somebody else's")
    before = await objects(store)

    found = await take_stock(database, store, guard_s=NOW)

    assert found.known.count == 3 * FILES - 1
    assert (found.orphans.count, found.orphans.bytes) == (FILES, FILES * 5)
    assert {key.split("/")[1] for key in found.orphans.examples} == {str(orphan)}
    assert found.missing.examples == [original_key(lost, "png")]
    assert found.previews.examples == [preview_key(half, 320)]
    assert found.foreign.examples == ["holiday/photo.jpg"]
    assert found.deleted == 0
    assert await objects(store) == before


async def test_orphans_are_removed_on_demand_and_nothing_else(
    database: Database, store: ObjectPictureStore
) -> None:
    kept = await add_picture(database, store)
    under_way = new_id()
    await put_objects(store, under_way)
    await add_unfinished_job(database, under_way)
    for _ in range(3):
        await put_objects(store, new_id())
    await store.put("holiday/photo.jpg", b"somebody else's")
    await store.put(f"check-{uuid4()}", b"a probe whose process was killed")

    found = await take_stock(database, store, guard_s=NOW, delete_orphans=True)

    left = await objects(store)
    assert found.deleted == 3 * FILES + 1
    assert left == {
        "holiday/photo.jpg",
        *(key for key in left if key.startswith((folder_of(kept), folder_of(under_way)))),
    }
    assert len(left) == 2 * FILES + 1
    again = await take_stock(database, store, guard_s=NOW, delete_orphans=True)
    assert (again.orphans.count, again.deleted) == (0, 0)


async def test_what_is_younger_than_a_day_may_still_be_written_down(
    database: Database, tmp_path: Path
) -> None:
    store = ObjectPictureStore.open(None, tmp_path)
    young, old = new_id(), new_id()
    for asset_id in (young, old):
        await put_objects(store, asset_id)
    make_old(tmp_path, old)

    found = await take_stock(database, store, delete_orphans=True)

    assert (found.young.count, found.orphans.count) == (FILES, FILES)
    assert all(str(young) in key for key in await objects(store))


async def test_what_a_purge_left_behind_is_an_orphan(database: Database, tmp_path: Path) -> None:
    """As when an attempt that hung for days stores its previews after all."""
    store = ObjectPictureStore.open(None, tmp_path)
    asset_id = await add_picture(database, store, deleted_ago_s=60)
    await database.execute("UPDATE assets SET purging_since = now(), purged_at = now()")
    make_old(tmp_path)

    found = await take_stock(database, store)

    assert found.orphans.count == FILES
    assert found.missing.count == 0
    assert str(asset_id) in found.orphans.examples[0]


async def test_taking_stock_beside_working_jobs_disturbs_none(studio: Studio) -> None:
    """It removes what it may while pictures are made all the time."""
    submitted = [
        await studio.submit(f"heron {number}", parameters={"width": 64, "height": 64})
        for number in range(12)
    ]
    done = asyncio.gather(*(studio.ended(job) for job in submitted))
    looks = 0
    while not done.done() or not looks:
        await take_stock(studio.database, studio.shop.store, delete_orphans=True)
        looks += 1

    for job in await done:
        asset = job["outputs"][0]["asset"]
        for url in (asset["url"], *asset["thumbnails"].values()):
            assert (await studio.client.get(url)).status_code == 200
    found = await take_stock(studio.database, studio.shop.store, guard_s=NOW)
    assert (found.orphans.count, found.missing.count, found.previews.count) == (0, 0, 0)


class SlowStore(ObjectPictureStore):
    async def size(self, key: str) -> int | None:
        await asyncio.sleep(0.3)
        return await super().size(key)


async def test_a_storage_may_take_longer_than_a_transaction_may_stand_still(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SlowStore.open(None, tmp_path)
    lost = await add_picture(database, store)
    await store.remove(lost)
    monkeypatch.setitem(SESSION, "idle_in_transaction_session_timeout", "100ms")

    found = await take_stock(database, store, guard_s=NOW)

    assert found.missing.examples == [original_key(lost, "png")]


async def test_ten_times_as_many_objects_take_no_more_memory(
    database: Database, tmp_path: Path
) -> None:
    few, many = (2_000, 100_000) if LONG else (800, 8_000)
    store = ObjectPictureStore.open(None, tmp_path)

    async def peak(count: int) -> int:
        await asyncio.to_thread(lay_out, tmp_path / "pictures", count)
        tracemalloc.start()
        found = await take_stock(database, store, guard_s=NOW)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found.orphans.count == count
        return highest

    await peak(few // 2)  # what is imported and cached once
    small, large = await peak(few), await peak(many)

    assert large < 1.5 * small


def lay_out(folder: Path, count: int) -> None:
    """So many objects of pictures nobody knows, those there are included."""
    there = sum(1 for file in folder.glob("*/*/*"))
    for number in range(there, count):
        if number % FILES == 0 or number == there:
            place = folder / folder_of(new_id())
            place.mkdir(parents=True)
        (place / f"{number}.webp").touch()
