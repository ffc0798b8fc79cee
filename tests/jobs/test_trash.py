"""Deleted pictures: brought back for a while, then gone with all files, whoever dies over it."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from PIL import Image

from safelight.database.pool import Database
from safelight.images.store import ObjectPictureStore
from safelight.jobs import assets, trash
from safelight.jobs.inventory import take_stock
from safelight.values.ids import LOCAL_OWNER
from tests.jobs.pictures import FILES, add_picture, objects
from tests.studio import Studio

ROOT = Path(__file__).parent.parent.parent
KEPT_S = 600.0
OLD_S = KEPT_S + 60


@pytest.fixture
def store(tmp_path: Path) -> ObjectPictureStore:
    return ObjectPictureStore.open(None, tmp_path)


async def test_what_was_deleted_long_ago_goes_and_the_rest_stays(
    database: Database, store: ObjectPictureStore, tmp_path: Path
) -> None:
    alive = await add_picture(database, store)
    fresh = await add_picture(database, store, deleted_ago_s=KEPT_S - 60)
    old = await add_picture(database, store, deleted_ago_s=OLD_S)

    purged = await trash.purge(database, store, kept_s=KEPT_S)

    assert purged == 1
    left = {UUID(key.split("/")[1]) for key in await objects(store)}
    assert left == {alive, fresh}
    assert len(await objects(store)) == 2 * FILES
    row = await database.fetchrow("SELECT * FROM assets WHERE id = $1", old)
    assert row is not None
    assert row["purged_at"]
    assert (row["prompt"], row["tags"], row["thumbhash"], row["sha256"]) == (None, [], None, b"")
    assert not list(tmp_path.glob(f"pictures/*/{old}")), "no empty folder stays"


async def test_the_deletion_of_a_purged_picture_cannot_be_taken_back(
    database: Database, store: ObjectPictureStore
) -> None:
    fresh = await add_picture(database, store, deleted_ago_s=KEPT_S - 60)
    old = await add_picture(database, store, deleted_ago_s=OLD_S)
    await trash.purge(database, store, kept_s=KEPT_S)

    back = [
        await assets.set_deleted(database, LOCAL_OWNER, each, deleted=False)
        for each in (fresh, old)
    ]

    assert back[0] is not None
    assert back[1] is None
    assert await assets.read_asset(database, LOCAL_OWNER, old) is None


@pytest.mark.parametrize("step", ["0", "3", "9", "recording"])
async def test_a_process_killed_while_it_purges_loses_track_of_nothing(
    database_url: str, database: Database, store: ObjectPictureStore, tmp_path: Path, step: str
) -> None:
    for _ in range(3):
        await add_picture(database, store, deleted_ago_s=OLD_S)
    alive = await add_picture(database, store)
    command = (sys.executable, "-m", "tests.jobs.dying_purge", database_url, str(tmp_path), step)

    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)

    assert await process.wait() == -9
    wanted = 3 * FILES if step == "recording" else int(step)
    gone = 4 * FILES - len(await objects(store))
    assert wanted <= gone <= min(wanted + 2, 3 * FILES), "of three at a time"
    # Whatever is half gone is shown to nobody, and nobody can bring it back.
    shown = await database.fetch("SELECT id FROM assets WHERE purging_since IS NULL")
    assert [row["id"] for row in shown] == [alive]
    # Its row still knows it: the storage has nothing that nobody knows.
    found = await take_stock(database, store, guard_s=0)
    assert (found.orphans.count, found.missing.count) == (0, 0)
    # A claim of somebody who may be alive is left to him; a dead one's is taken over.
    assert await trash.purge(database, store, kept_s=KEPT_S) == 0
    assert await trash.purge(database, store, kept_s=KEPT_S, claim_s=0) == 3
    assert len(await objects(store)) == FILES
    assert await database.fetchval("SELECT count(*) FROM assets WHERE purged_at IS NOT NULL") == 3


async def test_several_processes_share_the_work(
    database: Database, store: ObjectPictureStore
) -> None:
    for _ in range(150):
        await add_picture(database, store, deleted_ago_s=OLD_S, size=10)

    done = await asyncio.gather(*(trash.purge(database, store, kept_s=KEPT_S) for _ in range(4)))

    assert sum(done) == 150
    assert await objects(store) == set()


async def test_a_picture_is_either_restored_or_purged_but_never_both(
    database: Database, store: ObjectPictureStore
) -> None:
    ids = [await add_picture(database, store, deleted_ago_s=OLD_S, size=10) for _ in range(60)]

    async def restore(asset_id: UUID) -> bool:
        return bool(await assets.set_deleted(database, LOCAL_OWNER, asset_id, deleted=False))

    outcomes = await asyncio.gather(
        trash.purge(database, store, kept_s=KEPT_S), *(restore(asset_id) for asset_id in ids)
    )

    restored = {asset_id for asset_id, done in zip(ids, outcomes[1:], strict=True) if done}
    assert outcomes[0] == len(ids) - len(restored)
    assert len(await objects(store)) == len(restored) * FILES
    assert {UUID(key.split("/")[1]) for key in await objects(store)} == restored


class StubbornStore(ObjectPictureStore):
    """A storage that does not let go of one picture."""

    stubborn: UUID | None = None

    async def delete(self, keys: list[str]) -> None:
        if any(str(self.stubborn) in key for key in keys):
            raise OSError("The disk is in a bad mood.")
        await super().delete(keys)


async def test_a_storage_that_fails_leaves_the_picture_for_later(
    database: Database, tmp_path: Path
) -> None:
    store = StubbornStore.open(None, tmp_path)
    assert isinstance(store, StubbornStore)
    store.stubborn = await add_picture(database, store, deleted_ago_s=OLD_S)
    await add_picture(database, store, deleted_ago_s=OLD_S)

    first = await trash.purge(database, store, kept_s=KEPT_S)
    store.stubborn = None
    at_once = await trash.purge(database, store, kept_s=KEPT_S)
    later = await trash.purge(database, store, kept_s=KEPT_S, claim_s=0)

    assert (first, at_once, later) == (1, 0, 1)
    assert await objects(store) == set()


async def test_a_job_goes_on_saying_that_there_was_a_picture(studio: Studio) -> None:
    job = await studio.generate(parameters={"width": 64, "height": 64})
    asset = job["outputs"][0]["asset"]
    receipt = (await studio.client.get(f"/api/jobs/{job['id']}/receipt")).json()
    postings = await studio.database.fetch("SELECT * FROM postings ORDER BY id")
    assert job["outputs"][0]["removed"] is None

    await studio.client.delete(f"/api/assets/{asset['id']}")
    deleted = await studio.client.get(f"/api/jobs/{job['id']}")
    await studio.database.execute("UPDATE assets SET deleted_at = now() - interval '8 days'")
    await trash.purge(studio.database, studio.shop.store, kept_s=7 * 86_400)
    purged = await studio.client.get(f"/api/jobs/{job['id']}")

    assert deleted.json()["outputs"][0]["removed"] == "deleted"
    output = purged.json()["outputs"][0]
    assert (output["status"], output["asset"], output["removed"]) == ("completed", None, "purged")
    assert purged.headers["etag"] != deleted.headers["etag"]
    assert (await studio.client.get(asset["url"])).status_code == 404
    assert (await studio.client.get(f"/api/assets/{asset['id']}")).status_code == 404
    restored = await studio.client.post(f"/api/assets/{asset['id']}/restore")
    assert restored.status_code == 404
    assert (await studio.client.get(f"/api/jobs/{job['id']}/receipt")).json() == receipt
    assert await studio.database.fetch("SELECT * FROM postings ORDER BY id") == postings
    # The same order is made anew: a purged result is none that could be served again.
    again = await studio.generate(parameters={"width": 64, "height": 64})
    assert again["reused"] is None
    assert again["outputs"][0]["asset"]


async def test_the_sweep_purges_by_itself(studio: Studio) -> None:
    job = await studio.generate(parameters={"width": 64, "height": 64})
    await studio.client.delete(f"/api/assets/{job['outputs'][0]['asset']['id']}")
    await studio.database.execute("UPDATE assets SET deleted_at = now() - interval '8 days'")

    async with asyncio.timeout(60):
        while not await studio.database.fetchval("SELECT purged_at FROM assets"):
            await asyncio.sleep(0.2)

    assert await objects(studio.shop.store) == set()


async def bring(studio: Studio) -> httpx2.Response:
    return await studio.client.post(
        "/api/assets", files={"file": ("heron.png", png_bytes(), "image/png")}
    )


def png_bytes() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (80, 64), (200, 30, 30)).save(out, "PNG")
    return out.getvalue()


async def test_the_same_file_brought_again_comes_back_from_the_trash_or_is_new(
    studio: Studio,
) -> None:
    first = (await bring(studio)).json()
    await studio.client.delete(f"/api/assets/{first['id']}")

    from_the_trash = (await bring(studio)).json()
    await studio.client.delete(f"/api/assets/{first['id']}")
    await studio.database.execute("UPDATE assets SET deleted_at = now() - interval '8 days'")
    assert await trash.purge(studio.database, studio.shop.store, kept_s=KEPT_S) == 1
    used = (await studio.client.get("/api/me")).json()["storage"]["used_bytes"]
    anew = await bring(studio)

    assert from_the_trash["id"] == first["id"]
    assert used == 0
    assert anew.status_code == 201
    assert anew.json()["id"] != first["id"]
    assert (await studio.client.get(anew.json()["url"])).status_code == 200


async def test_a_file_brought_while_it_is_purged_is_there_afterwards(studio: Studio) -> None:
    for number in range(12):
        asset = (await bring(studio)).json()
        await studio.client.delete(f"/api/assets/{asset['id']}")
        await studio.database.execute(
            "UPDATE assets SET deleted_at = now() - interval '8 days' WHERE purged_at IS NULL"
        )

        async def purge(wait_s: float = number * 0.002) -> None:
            await asyncio.sleep(wait_s)
            await trash.purge(studio.database, studio.shop.store, kept_s=KEPT_S)

        brought, _ = await asyncio.gather(bring(studio), purge())

        assert brought.status_code in (200, 201), brought.text
        for url in (brought.json()["url"], *brought.json()["thumbnails"].values()):
            assert (await studio.client.get(url)).status_code == 200
