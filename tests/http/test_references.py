"""Jobs that start from pictures: whose they may be, what the provider gets, what is remembered."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from safelight.values.errors import ProviderFailed
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.http.people import join
from tests.images.pictures import LEFT, RIGHT, opened, saved, two_colours
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

GPT = "openai/gpt-image-2"
NOBODYS = "00000000-0000-7000-8000-00000000dead"
RED, BLUE = Image.new("RGB", (64, 64), LEFT), Image.new("RGB", (64, 64), RIGHT)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """One Safelight that works, for all of these tests."""
    url = await cluster.clone()
    folder = tmp_path_factory.mktemp("studio")
    _fake_openai.plan = Plan()
    async with Studio.open(url, folder, _fake_openai) as made:
        yield made
    await cluster.drop(url)


async def upload(studio: Studio, image: Image.Image, kind: str = "PNG") -> str:
    answer = await studio.client.post("/api/assets", files={"file": ("a", saved(image, kind))})
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


def sent_files(provider: FakeOpenAI) -> list[tuple[str, bytes]]:
    """(field, bytes) of the pictures in the last call of an edit."""
    call = next(call for call in reversed(provider.calls) if call.path == "/v1/images/edits")
    boundary = call.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    found = []
    for part in call.body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if b"filename=" in head:
            name = head.split(b'name="')[1].split(b'"')[0].decode()
            found.append((name, value.removesuffix(b"\r\n")))
    return found


async def test_the_pictures_reach_the_provider_in_their_order(studio: Studio) -> None:
    red, blue = await upload(studio, RED), await upload(studio, BLUE)

    job = await studio.generate("a heron", model=GPT, references=[blue, red])

    assert job["status"] == "completed", job["error"]
    assert job["references"] == [blue, red]
    files = sent_files(studio.provider_api)
    assert [name for name, _ in files] == ["image[]", "image[]"]
    colours = [opened(data).convert("RGB").getpixel((5, 5)) for _, data in files]
    assert colours == [RIGHT, LEFT]


async def test_a_mask_is_sent_with_its_transparency(studio: Studio) -> None:
    clear = two_colours(64, 64, alpha=255)
    clear.paste((0, 0, 0, 0), (0, 0, 64, 32))
    red, mask = await upload(studio, RED), await upload(studio, clear)

    job = await studio.generate("a heron", model=GPT, references=[red], mask=mask)

    assert job["status"] == "completed", job["error"]
    assert job["mask"] == mask
    sent = dict(sent_files(studio.provider_api))
    assert opened(sent["mask"]).getpixel((5, 5))[3] == 0
    assert opened(sent["mask"]).getpixel((5, 60))[3] == 255


async def test_an_own_output_can_be_a_reference_and_both_know_each_other(studio: Studio) -> None:
    first = (await studio.generate("a crane", model=GPT))["outputs"][0]["asset"]["id"]

    second = await studio.generate("in snow", model=GPT, references=[first])

    child = second["outputs"][0]["asset"]["id"]
    shown = (await studio.client.get(f"/api/assets/{child}")).json()
    parent = (await studio.client.get(f"/api/assets/{first}")).json()
    assert (shown["parents"], shown["children"]) == ([first], [])
    assert (parent["parents"], parent["children"]) == ([], [child])
    await studio.client.delete(f"/api/assets/{child}")
    assert (await studio.client.get(f"/api/assets/{first}")).json()["children"] == []


async def test_the_same_pictures_are_the_same_order_and_others_another(studio: Studio) -> None:
    red, blue = await upload(studio, RED), await upload(studio, BLUE)
    # The same pixels as another file: another asset with the same content.
    twin = await upload(studio, Image.frombytes("RGB", (64, 64), RED.tobytes()), "GIF")
    await studio.generate("an egret", model=GPT, references=[red])

    again = await studio.generate("an egret", model=GPT, references=[red])
    other = await studio.generate("an egret", model=GPT, references=[blue])
    none = await studio.generate("an egret", model=GPT)
    alike = await studio.generate("an egret", model=GPT, references=[twin])

    assert twin != red
    assert again["reused"]["kind"] == "exact"
    assert other["reused"] is None
    assert none["reused"] is None
    assert alike["reused"]["kind"] == "exact"


@pytest.mark.parametrize("field", ["references", "mask"])
async def test_somebody_elses_a_deleted_and_no_picture_read_alike(
    studio: Studio, field: str
) -> None:
    mine, deleted = await upload(studio, RED), await upload(studio, two_colours(70, 64))
    await studio.client.delete(f"/api/assets/{deleted}")
    foreign = await upload(studio, two_colours(71, 64 if field == "mask" else 65))
    await studio.database.execute(
        "UPDATE assets SET owner_id = gen_random_uuid() WHERE id = $1", foreign
    )
    before = await studio.database.fetchval("SELECT count(*) FROM jobs")
    answers = []
    for asset_id in (deleted, foreign, NOBODYS):
        order: dict[str, Any] = {"prompt": "a heron", "model": GPT, "references": [mine]}
        order[field] = [mine, asset_id] if field == "references" else asset_id
        answers += [
            await studio.client.post("/api/jobs", json=order),
            await studio.client.post("/api/jobs?dry_run=true", json=order),
        ]

    said = [answer.json() | {"request_id": None} for answer in answers if answer.status_code == 422]
    assert len(said) == 6
    assert all(one == said[0] for one in said)
    assert [error["field"] for error in said[0]["errors"]] == [field]
    assert said[0]["code"] == "invalid_request"
    assert await studio.database.fetchval("SELECT count(*) FROM jobs") == before


async def test_what_a_model_cannot_do_with_pictures_is_told(studio: Studio) -> None:
    red, small = await upload(studio, RED), await upload(studio, Image.new("RGBA", (32, 32)))
    photo = await upload(studio, RED, "JPEG")

    async def wrong(**order: Any) -> dict[str, str]:
        answer = await studio.client.post("/api/jobs", json={"prompt": "a heron"} | order)
        assert answer.status_code == 422
        return {error["field"]: error["message"] for error in answer.json()["errors"]}

    assert "takes no pictures" in (await wrong(model="sketch", references=[red]))["references"]
    assert "PNG" in (await wrong(model=GPT, references=[red], mask=photo))["mask"]
    assert "32×32" in (await wrong(model=GPT, references=[red], mask=small))["mask"]
    assert "needs a picture" in (await wrong(model=GPT, mask=red))["mask"]
    chosen = (await studio.submit("a heron", references=[red]))["model"]
    assert chosen == GPT, "auto goes to a model that takes pictures"


async def test_a_picture_deleted_before_the_job_got_to_it_is_sent_to_nobody(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    url = await cluster.clone()
    async with Studio.open(url, tmp_path, _fake_openai, with_worker=False) as desk:
        red = await upload(desk, RED)
        job = await desk.submit("a heron", model=GPT, references=[red])
        before = len(_fake_openai.calls)
        await desk.client.delete(f"/api/assets/{red}")
    async with Studio.open(url, tmp_path, _fake_openai) as studio:
        ended = await studio.ended(await studio.get(job["id"]))

    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "invalid_request"
    assert "deleted" in ended["error"]["detail"]
    assert ended["charged"] == {"credits": 0, "released": ended["price"]["credits"]}
    assert len(_fake_openai.calls) == before
    await cluster.drop(url)


async def test_a_deleted_picture_does_not_show_that_a_broken_provider_works_again(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    url = await cluster.clone()
    known: dict[str, Any] = {"breaker_open_s": 0.1}
    async with Studio.open(url, tmp_path, _fake_openai, with_worker=False, **known) as desk:
        red = await upload(desk, RED)
        job = await desk.submit("a heron", model=GPT, references=[red])
        await desk.client.delete(f"/api/assets/{red}")
        for _ in range(5):
            await desk.shop.lanes.failed("openai", ProviderFailed("down"))
    async with Studio.open(url, tmp_path, _fake_openai, **known) as studio:
        await studio.ended(await studio.get(job["id"]))
        is_broken = await studio.database.fetchval(
            "SELECT open_until IS NOT NULL FROM lanes WHERE name = 'openai'"
        )

    assert is_broken
    await cluster.drop(url)


async def test_a_retry_starts_from_the_same_pictures(studio: Studio) -> None:
    red = await upload(studio, RED)
    job = await studio.submit("a stork", model=GPT, references=[red])
    await studio.client.delete(f"/api/jobs/{job['id']}")
    if (await studio.get(job["id"]))["status"] != "cancelled":
        pytest.skip("it was finished before it could be cancelled")

    again = await studio.client.post(f"/api/jobs/{job['id']}/retry")

    assert again.status_code == 202
    assert again.json()["references"] == [red]


async def vary(studio: Studio, asset_id: str, **options: Any) -> dict[str, Any]:
    answer = await studio.client.post(f"/api/assets/{asset_id}/variations", **options)
    assert answer.status_code == 202, answer.text
    return await studio.ended(answer.json())


async def test_a_variation_starts_from_the_picture_where_the_model_can(studio: Studio) -> None:
    job = await studio.generate("a tern", model=GPT, parameters={"aspect_ratio": "3:2"})
    asset = job["outputs"][0]["asset"]["id"]

    varied = await vary(studio, asset)

    assert (varied["prompt"], varied["model"], varied["references"]) == ("a tern", GPT, [asset])
    assert varied["parameters"]["width"] == job["parameters"]["width"]
    assert (varied["status"], varied["reused"], varied["warnings"]) == ("completed", None, [])
    child = varied["outputs"][0]["asset"]["id"]
    assert (await studio.client.get(f"/api/assets/{child}")).json()["parents"] == [asset]


async def test_a_variation_has_another_seed_where_the_model_takes_no_picture(
    studio: Studio,
) -> None:
    job = await studio.generate(
        "a heron", model="sketch", parameters={"width": 64, "height": 64, "seed": 7}, count=2
    )
    asset = job["outputs"][1]["asset"]["id"]

    varied = await vary(studio, asset)

    assert (varied["model"], varied["count"], varied["references"]) == ("sketch", 1, [])
    assert varied["parameters"]["seed"] not in (7, 8)
    assert "another seed" in varied["warnings"][0]
    assert varied["status"] == "completed"


async def test_a_variation_of_an_upload_goes_to_a_model_that_takes_pictures(
    studio: Studio,
) -> None:
    wide = await upload(studio, two_colours(160, 90))
    key = {"headers": {"Idempotency-Key": "once"}}

    varied, again = await vary(studio, wide, **key), await vary(studio, wide, **key)

    assert (varied["model"], varied["references"]) == (GPT, [wide])
    assert varied["parameters"]["aspect_ratio"] == "16:9"
    assert again["id"] == varied["id"]
    gone = await studio.client.post(f"/api/assets/{NOBODYS}/variations")
    assert gone.status_code == 404


async def test_the_same_order_is_answered_again_though_it_could_not_be_made_any_more(
    studio: Studio,
) -> None:
    wide = await upload(studio, two_colours(160, 90))
    order = {"prompt": "a tern", "model": GPT, "references": [wide], "reuse": "never"}
    key = {"headers": {"Idempotency-Key": "lost"}}
    first = await studio.client.post("/api/jobs", json=order, **key)
    await studio.client.delete(f"/api/assets/{wide}")

    again = await studio.client.post("/api/jobs", json=order, **key)
    other = await studio.client.post("/api/jobs", json=order, headers={"Idempotency-Key": "new"})
    await studio.database.execute(
        "UPDATE idempotency_keys SET created_at = created_at - interval '24 hours'"
    )
    forgotten = await studio.client.post("/api/jobs", json=order, **key)

    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert again.json()["id"] == first.json()["id"]
    assert forgotten.status_code == 422


async def test_a_variation_is_answered_again_though_its_picture_is_gone(studio: Studio) -> None:
    path = f"/api/assets/{await upload(studio, two_colours(90, 160))}"
    key = {"headers": {"Idempotency-Key": "varied"}}
    first = await studio.client.post(f"{path}/variations", **key)
    await studio.client.delete(path)

    again = await studio.client.post(f"{path}/variations", **key)
    other = await studio.client.post(f"{path}/variations")

    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 404)
    assert again.json()["id"] == first.json()["id"]


@pytest_asyncio.fixture(loop_scope="module")
async def club(cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path) -> AsyncIterator[Studio]:
    url = await cluster.clone()
    async with Studio.open(url, tmp_path, _fake_openai, with_worker=False, accounts="on") as made:
        yield made
    await cluster.drop(url)


async def test_another_users_picture_can_be_neither_used_nor_varied(club: Studio) -> None:
    ada, bob = await join(club, "Ada"), await join(club, "Bob")
    file = {"file": ("a.png", io.BytesIO(saved(RED, "PNG")))}
    mine = (await ada.ask("POST", "/api/assets", files=file)).json()["id"]

    used = await bob.order(model=GPT, references=[mine])
    unknown = await bob.order(model=GPT, references=[NOBODYS])
    varied = await bob.ask("POST", f"/api/assets/{mine}/variations")

    assert used.status_code == unknown.status_code == 422
    assert used.json()["errors"] == unknown.json()["errors"]
    assert varied.status_code == 404
    assert (await ada.order(model=GPT, references=[mine])).status_code == 202
