"""The bytes of pictures: only with a link of ours, in parts if wanted, and never as a script."""

from __future__ import annotations

import asyncio
import string
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from safelight.images.links import Links
from tests.fakes.openai_server import FakeOpenAI
from tests.studio import Studio

FLUX = {"model": "openai/flux-schnell", "parameters": {"width": 128, "height": 128}}


async def picture(studio: Studio, prompt: str = "a heron", **order: Any) -> dict[str, Any]:
    """A finished picture's asset."""
    job = await studio.generate(prompt, **(FLUX | order))
    return dict(job["outputs"][0]["asset"])


async def test_a_link_gives_the_picture_and_says_how_to_treat_it(studio: Studio) -> None:
    asset = await picture(studio)

    answer = await studio.client.get(asset["url"])

    assert answer.status_code == 200
    assert len(answer.content) == asset["bytes"] == int(answer.headers["content-length"])
    assert answer.headers["content-type"] == asset["content_type"] == "image/png"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == f'inline; filename="{asset["id"]}.png"'
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["accept-ranges"] == "bytes"
    kept = answer.headers["cache-control"].split(", ")
    assert kept[0] == "private"
    assert 0 < int(kept[1].removeprefix("max-age=")) <= 1800
    assert "set-cookie" not in answer.headers


async def test_a_link_can_be_asked_to_download(studio: Studio) -> None:
    asset = await picture(studio)

    answer = await studio.client.get(asset["url"] + "&download=true")

    place = f'attachment; filename="{asset["id"]}.png"'
    assert answer.headers["content-disposition"] == place


@pytest.mark.parametrize(
    ("image_format", "kind", "ending"),
    [("png", "image/png", "png"), ("jpeg", "image/jpeg", "jpg"), ("webp", "image/webp", "webp")],
)
async def test_every_format_has_its_type_and_its_name(
    studio: Studio, image_format: str, kind: str, ending: str
) -> None:
    options = {"width": 128, "height": 128, "format": image_format}
    asset = await picture(studio, model="sketch", parameters=options)

    answer = await studio.client.get(asset["url"])
    preview = await studio.client.get(asset["thumbnails"]["160"])

    assert asset["url"].partition("?")[0] == f"/media/{asset['id']}/original.{ending}"
    assert answer.headers["content-type"] == kind
    assert f'filename="{asset["id"]}.{ending}"' in answer.headers["content-disposition"]
    assert preview.headers["content-type"] == "image/webp"
    assert preview.content[8:12] == b"WEBP"


async def test_no_changed_byte_of_a_link_is_accepted(studio: Studio) -> None:
    asset = await picture(studio)
    url = asset["url"]
    alphabet = string.ascii_letters + string.digits + "-_"
    signature_at = url.index("sig=") + 4
    changed = [
        url[:at] + other + url[at + 1 :]
        for at in range(len("/media/"), len(url))
        for other in (alphabet if at >= signature_at else "09af")
        if url[at] not in (other, "?", "&", "=")
    ]
    changed += [url[:end] for end in range(url.index("?"), len(url))]
    changed += [url + "A", url + "%00", url.replace("exp=", "exp=0"), url.replace("exp=", "exp=+")]
    changed += [url.replace("exp=", "exp=%20"), url.replace("exp=", "exp=-"), url + "="]
    limit = asyncio.Semaphore(16)

    async def status(path: str) -> int:
        async with limit:
            return int((await studio.client.get(path)).status_code)

    statuses = await asyncio.gather(*map(status, changed))

    assert len(changed) > 2500
    wrong = [path for path, got in zip(changed, statuses, strict=True) if got not in (404, 422)]
    assert wrong == []


async def test_a_link_is_for_one_picture_and_one_size(studio: Studio) -> None:
    one, other = await picture(studio), await picture(studio, "a fox")
    query = one["url"].partition("?")[2]

    paths = [
        other["url"].partition("?")[0],
        one["thumbnails"]["160"].partition("?")[0],
        f"/media/{one['id']}/original.jpg",
        f"/media/{one['id'].upper()}x/original.png",
        f"/media/{one['id']}/../{one['id']}/320.webp",
        f"/media/{one['id']}/%2e%2e%2fsecret.key",
        f"/media/{one['id']}/641.webp",
    ]
    statuses = [(await studio.client.get(f"{path}?{query}")).status_code for path in paths]

    assert set(statuses) <= {404, 422}, statuses


async def test_a_signed_link_to_a_file_that_is_none_is_not_found(studio: Studio) -> None:
    asset = await picture(studio)
    links = studio.shop.links

    for path in (
        links.preview(asset["id"], 200),
        links.original(asset["id"], "webp"),
        links.original(uuid4(), "png"),
    ):
        assert (await studio.client.get(path)).status_code == 404, path


async def test_a_link_expires_to_the_second(studio: Studio) -> None:
    asset = await picture(studio)
    lives, dead = Links(b"k" * 32, 2), Links(b"k" * 32, -5)
    studio.shop.links = lives
    now = lives.original(asset["id"], "png")

    answers = [(await studio.client.get(now)).status_code]
    expires = int(now.partition("exp=")[2].partition("&")[0])
    while time.time() < expires:
        await asyncio.sleep(0.02)
    answers.append((await studio.client.get(now)).status_code)
    answers.append((await studio.client.get(dead.original(asset["id"], "png"))).status_code)

    assert answers == [200, 404, 404]


async def test_a_link_of_another_key_is_not_ours(studio: Studio) -> None:
    asset = await picture(studio)
    foreign = Links(b"another secret of enough characters", 600).original(asset["id"], "png")

    answer = await studio.client.get(foreign)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


async def test_links_survive_a_restart_and_another_key_ends_them(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with Studio.open(database_url, tmp_path, provider_api) as studio:
        url = (await picture(studio))["url"]

    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as studio:
        restarted = (await studio.client.get(url)).status_code
    (tmp_path / "secret.key").write_text("f" * 64)
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as studio:
        rekeyed = (await studio.client.get(url)).status_code

    assert (restarted, rekeyed) == (200, 404)


async def test_parts_of_a_picture_can_be_asked_for(studio: Studio) -> None:
    asset = await picture(studio)
    whole = (await studio.client.get(asset["url"])).content
    size = len(whole)

    cases: list[tuple[str, int, bytes]] = [
        ("bytes=0-0", 206, whole[:1]),
        ("bytes=0-9", 206, whole[:10]),
        ("bytes=10-19", 206, whole[10:20]),
        ("bytes=-5", 206, whole[-5:]),
        (f"bytes=-{size * 2}", 206, whole),
        (f"bytes={size - 3}-", 206, whole[-3:]),
        ("bytes=0-", 206, whole),
        (f"bytes=0-{size * 2}", 206, whole),
        (f"bytes={size - 1}-{size - 1}", 206, whole[-1:]),
        # Several parts, and what is not understood, is answered with the whole, as RFC 9110 has it.
        ("bytes=0-1,4-5", 200, whole),
        ("bytes=-", 200, whole),
        ("lines=1-2", 200, whole),
        ("bytes=a-b", 200, whole),
        ("bytes=1--2", 200, whole),
        ("bytes", 200, whole),
        ("", 200, whole),
    ]
    for header, status, expected in cases:
        answer = await studio.client.get(asset["url"], headers={"Range": header})
        assert (answer.status_code, answer.content) == (status, expected), header
        assert int(answer.headers["content-length"]) == len(expected)
        assert ("content-range" in answer.headers) == (status == 206), header
        if status == 206:
            start = whole.rindex(expected) if header.startswith("bytes=-") else None
            shown = answer.headers["content-range"]
            assert shown.endswith(f"/{size}")
            first, last = map(int, shown.removeprefix("bytes ").partition("/")[0].split("-"))
            assert last - first + 1 == len(expected)
            assert whole[first : last + 1] == expected
            assert start is None or first == max(0, size - len(expected))


async def test_a_part_that_is_not_there_is_refused_with_the_size(studio: Studio) -> None:
    asset = await picture(studio)
    size = asset["bytes"]

    for header in (f"bytes={size}-", f"bytes={size}-{size + 5}", "bytes=-0", "bytes=5-2"):
        answer = await studio.client.get(asset["url"], headers={"Range": header})
        assert answer.status_code == 416, header
        assert answer.headers["content-range"] == f"bytes */{size}"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_picture_that_is_kept_already_is_not_sent_again(studio: Studio) -> None:
    asset = await picture(studio)
    first = await studio.client.get(asset["url"])
    etag = first.headers["etag"]

    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        same = await studio.client.get(asset["url"], headers={"If-None-Match": known})
        assert (same.status_code, same.content) == (304, b""), known
        assert same.headers["etag"] == etag
    other = await studio.client.get(asset["url"], headers={"If-None-Match": '"other"'})
    preview = await studio.client.get(asset["thumbnails"]["160"])
    assert other.status_code == 200
    assert preview.headers["etag"] != etag


async def test_a_deleted_picture_is_gone_at_once_and_can_be_restored(studio: Studio) -> None:
    asset = await picture(studio)
    etag = (await studio.client.get(asset["url"])).headers["etag"]
    urls = [asset["url"], *asset["thumbnails"].values()]

    deleted = await studio.client.delete(f"/api/assets/{asset['id']}")
    gone = [(await studio.client.get(url)).status_code for url in urls]
    known = await studio.client.get(asset["url"], headers={"If-None-Match": etag})
    listed = (await studio.client.get("/api/assets")).json()["items"]
    again = await studio.client.delete(f"/api/assets/{asset['id']}")
    restored = await studio.client.post(f"/api/assets/{asset['id']}/restore")
    back = [(await studio.client.get(url)).status_code for url in urls]

    assert deleted.status_code == again.status_code == restored.status_code == 200
    assert deleted.json()["deleted_at"]
    assert again.json()["deleted_at"] == deleted.json()["deleted_at"]
    assert (gone, known.status_code, listed) == ([404] * 4, 404, [])
    assert restored.json()["deleted_at"] is None
    assert back == [200] * 4


async def test_a_star_and_tags_are_kept_apart_from_each_other(studio: Studio) -> None:
    asset = await picture(studio)
    path = f"/api/assets/{asset['id']}"

    starred = (await studio.client.patch(path, json={"starred": True})).json()
    tagged = (await studio.client.patch(path, json={"tags": ["bird", " été\0 "]})).json()
    only_starred = (await studio.client.get("/api/assets?starred=true")).json()["items"]
    cleared = (await studio.client.patch(path, json={"starred": False, "tags": []})).json()

    assert (starred["starred"], starred["tags"]) == (True, [])
    assert (tagged["starred"], tagged["tags"]) == (True, ["bird", "été"])
    assert [one["id"] for one in only_starred] == [asset["id"]]
    assert (cleared["starred"], cleared["tags"]) == (False, [])
    assert (await studio.client.get(path)).json()["tags"] == []


async def test_a_deleted_picture_cannot_be_changed(studio: Studio) -> None:
    asset = await picture(studio)
    path = f"/api/assets/{asset['id']}"
    await studio.client.delete(path)

    answer = await studio.client.patch(path, json={"starred": True})

    assert answer.status_code == 404


async def test_an_unknown_picture_is_not_found(studio: Studio) -> None:
    path = f"/api/assets/{uuid4()}"

    answers = [
        await studio.client.get(path),
        await studio.client.patch(path, json={"starred": True}),
        await studio.client.delete(path),
        await studio.client.post(f"{path}/restore"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert {answer.json()["code"] for answer in answers} == {"not_found"}


async def test_the_gallery_is_paged_and_filtered(studio: Studio) -> None:
    made = [
        (await picture(studio, f"a {thing}", reuse="never"))["id"]
        for thing in ("heron", "fox", "red fox")
    ]

    async def shown(query: str) -> list[int]:
        items = (await studio.client.get(f"/api/assets?{query}")).json()["items"]
        return [made.index(item["id"]) for item in items]

    first = (await studio.client.get("/api/assets?limit=2")).json()
    second = (await studio.client.get(f"/api/assets?limit=2&cursor={first['next_cursor']}")).json()

    assert [made.index(item["id"]) for item in first["items"] + second["items"]] == [2, 1, 0]
    assert second["next_cursor"] is None
    assert first["total_estimate"] == 3
    assert await shown("q=fox") == [2, 1]
    assert await shown("q=red+fo") == [2]
    assert await shown("model=openai/flux-schnell") == [2, 1, 0]
    assert await shown("model=sketch") == []
    assert await shown("starred=true") == []
