"""Taking everything along: what is in the zip, what is not, and how little it takes to make it."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest

from safelight.images.store import original_key
from safelight.jobs import trash
from safelight.jobs.export import Export, file_name
from safelight.values.ids import LOCAL_OWNER, new_id
from tests.fakes.openai_server import FakeOpenAI
from tests.faults.schedule import LONG
from tests.http.people import Person, join
from tests.jobs.pictures import add_picture
from tests.studio import Studio

SMALL = {"parameters": {"width": 64, "height": 64}, "reuse": "never"}


def opened(data: bytes) -> ZipFile:
    found = ZipFile(io.BytesIO(data))
    assert found.testzip() is None
    return found


def lines(archive: ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(name).splitlines()]


async def test_everything_of_the_caller_is_in_it_and_nothing_of_others(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with Studio.open(database_url, tmp_path, provider_api, accounts="on") as town:
        ada, bob = await join(town, "Ada"), await join(town, "Bob")
        made = [
            await finished(ada, prompt, **SMALL)
            for prompt in ("a heron: over/tin\\roofs", "a crane", "eine Möwe")
        ]
        written = await finished(ada, "a poem", model="openai/tiny-chat", type="text")
        await finished(bob, "bob's own secret", **SMALL)
        crane = made[1]["outputs"][0]["asset"]
        await ada.ask("DELETE", f"/api/assets/{crane['id']}")

        answer = await ada.ask("GET", "/api/me/export")
        bytes_of = {
            job["prompt"]: await town.shop.store.get(
                original_key(UUID(job["outputs"][0]["asset"]["id"]), "png")
            )
            for job in made
        }
        limits = [(await ada.ask("GET", "/api/me/export")).status_code for _ in range(10)]

    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    archive = opened(answer.content)
    assert json.loads(archive.read("profile.json"))["name"] == "Ada"
    assert json.loads(archive.read("profile.json"))["credits"]["granted"] == 1000
    assert json.loads(archive.read("profile.json"))["quota_bytes"] is None
    (key,) = lines(archive, "keys.jsonl")
    assert (key["name"], key["hint"]) == ("laptop", ada.key[:7])
    jobs = {job["prompt"]: job for job in lines(archive, "jobs.jsonl")}
    assert jobs.keys() == {*bytes_of, "a poem"}
    assert jobs["a poem"]["outputs"][0]["text"] == written["outputs"][0]["text"]
    assets = {asset["prompt"]: asset for asset in lines(archive, "assets.jsonl")}
    for prompt, data in bytes_of.items():
        assert archive.read(assets[prompt]["file"]) == data
    assert assets["a crane"]["file"].startswith("pictures/deleted/")
    assert "eine-Möwe" in assets["eine Möwe"]["file"]
    ledger = list(csv.DictReader(io.StringIO(archive.read("ledger.csv").decode())))
    assert [line["kind"] for line in ledger if line["kind"] == "grant"] == ["grant"]
    assert ledger[0].keys() == {"at", "kind", "credits", "available_after", "job_id", "note"}
    readme = archive.read("README.txt").decode()
    assert "3 pictures" in readme
    told = {name.partition("/")[0] for name in archive.namelist()} - {"README.txt"}
    assert all(name in readme for name in told)
    whole = b"".join(archive.read(name) for name in archive.namelist())
    assert ada.key.encode() not in whole
    assert b"bob" not in whole.lower()
    assert limits[-2:] == [200, 429], "ten an hour"


async def test_visitors_of_an_address_have_ten_an_hour_together(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    known: dict[str, Any] = {"accounts": "on", "anonymous": "on", "with_worker": False}
    async with Studio.open(database_url, tmp_path, provider_api, **known) as town:
        await join(town, "Ada")
        statuses = []
        for _ in range(12):
            town.client.cookies.clear()
            statuses.append((await town.client.get("/api/me/export")).status_code)
        buckets = await town.database.fetch(
            "SELECT bucket FROM windows WHERE bucket LIKE 'export:%'"
        )

    assert statuses == [200] * 10 + [429] * 2
    assert len(buckets) == 1


async def test_an_administrator_takes_it_along_for_somebody(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with Studio.open(database_url, tmp_path, provider_api, accounts="on") as town:
        ada, root = await join(town, "Ada"), await join(town, "Root", role="admin")
        root = await root.with_key("admin")
        await finished(ada, "a heron", **SMALL)

        his = opened((await ada.ask("GET", "/api/me/export")).content)
        path = f"/api/admin/users/{ada.user.id}/export"
        roots = opened((await root.ask("GET", path)).content)
        unknown = await root.ask("GET", f"/api/admin/users/{new_id()}/export")

    assert his.namelist() == roots.namelist()
    assert his.read("jobs.jsonl") == roots.read("jobs.jsonl")
    assert unknown.status_code == 404


async def test_a_picture_that_is_gone_is_told_and_the_rest_is_whole(studio: Studio) -> None:
    database, store = studio.database, studio.shop.store
    lost = await add_picture(database, store)
    await add_picture(database, store)
    purged = await add_picture(database, store, deleted_ago_s=1000)
    await trash.purge(database, store, kept_s=600)
    await store.remove(lost)

    archive = opened((await studio.client.get("/api/me/export")).content)

    pictures = [name for name in archive.namelist() if name.startswith("pictures/")]
    assert len(pictures) == 1
    assert len(lines(archive, "assets.jsonl")) == 2
    readme = archive.read("README.txt").decode()
    assert lost.hex[-12:] in readme
    assert purged.hex[-12:] not in readme


async def test_ten_times_as_many_pictures_are_not_kept_in_memory(studio: Studio) -> None:
    few, many, size = (1_000, 10_000, 20_000) if LONG else (25, 250, 100_000)
    for _ in range(few):
        await add_picture(studio.database, studio.shop.store, size=size)
    small_peak, small_size = await export_whole(studio)
    for _ in range(many - few):
        await add_picture(studio.database, studio.shop.store, size=size)

    large_peak, large_size = await export_whole(studio)

    assert large_size > 9 * small_size
    # What does grow is the zip's own table of its files: a kilobyte each, not a picture.
    assert large_peak - small_peak < 2_000 * (many - few) + 500_000


async def export_whole(studio: Studio) -> tuple[int, int]:
    """(the most memory that was in use, how large the zip was)."""
    export = Export(studio.database, studio.shop.store, LOCAL_OWNER)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    size = 0
    async for piece in export.pieces():
        size += len(piece)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest - before, size


@pytest.mark.parametrize(
    "prompt",
    [
        "../../etc/passwd",
        'a\\b:c*?"<>|',
        "",
        None,
        "…",
        "鶴" * 500,
        "x" * 8000,
        "con",
        ".hidden",
        "\t\n",
    ],
)
def test_a_file_name_is_readable_and_harms_nobody(prompt: str | None) -> None:
    asset_id = new_id()
    row: Any = {
        "id": asset_id,
        "prompt": prompt,
        "format": "jpeg",
        "created_at": datetime(2026, 3, 1, tzinfo=UTC),
        "deleted_at": None,
    }

    folder, _, name = file_name(row).partition("/")

    assert folder == "pictures"
    assert name.startswith("2026-03-01-")
    assert name.endswith(f"-{asset_id.hex[-12:]}.jpg")
    assert len(name.encode()) <= 200
    assert not set(name) & set('/\\:*?"<>|\0\n')


async def test_a_line_of_the_ledger_is_no_formula(studio: Studio) -> None:
    await studio.client.post(
        "/api/admin/grants",
        json={"user": str(LOCAL_OWNER), "credits": 1, "reference": "r", "note": "=1+1"},
    )

    archive = opened((await studio.client.get("/api/me/export")).content)

    assert "'=1+1" in archive.read("ledger.csv").decode()


async def finished(person: Person, prompt: str, **order: Any) -> dict[str, Any]:
    job = (await person.order(prompt, **order)).json()
    while job["status"] not in ("completed", "failed"):
        job = (await person.ask("GET", f"/api/jobs/{job['id']}", params={"wait": 5})).json()
    assert job["status"] == "completed", job
    return dict(job)
