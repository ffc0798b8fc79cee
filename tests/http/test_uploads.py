"""A picture is brought along through HTTP: what is taken, what becomes of it, what is refused."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from PIL import Image, ImageCms

from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.http.people import Person, join
from tests.images.pictures import LEFT, RIGHT, noise, opened, saved, two_colours
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def upload(desk: Studio, data: bytes, name: str = "a.png", **options: Any) -> httpx2.Response:
    return await desk.client.post("/api/assets", files={"file": (name, data)}, **options)


async def taken(desk: Studio, data: bytes, **options: Any) -> dict[str, Any]:
    answer = await upload(desk, data, **options)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


async def fetched(desk: Studio, asset: dict[str, Any]) -> bytes:
    answer = await desk.client.get(asset["url"])
    assert answer.status_code == 200
    return answer.content


def near(pixel: Any, colour: tuple[int, ...], by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(pixel, colour, strict=False))


@pytest.mark.parametrize(
    ("sent", "kept"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("WEBP", "WEBP"), ("GIF", "PNG")]
)
async def test_a_picture_is_kept_written_anew_with_its_previews(
    desk: Studio, sent: str, kept: str
) -> None:
    data = saved(two_colours(700, 500), sent)

    answer = await upload(desk, data, name="whatever.exe")

    assert answer.status_code == 201, answer.text
    asset = answer.json()
    assert answer.headers["location"] == f"/api/assets/{asset['id']}"
    assert (asset["kind"], asset["width"], asset["height"]) == ("upload", 700, 500)
    assert (asset["job_id"], asset["prompt"], asset["model"]) == (None, None, None)
    assert asset["content_type"] == f"image/{kept.lower()}"
    original = await fetched(desk, asset)
    assert original != data
    assert len(original) == asset["bytes"]
    image = opened(original)
    assert image.format == kept
    assert near(image.convert("RGB").getpixel((100, 250)), LEFT)
    assert near(image.convert("RGB").getpixel((600, 250)), RIGHT)
    for side, url in asset["thumbnails"].items():
        assert max(opened((await desk.client.get(url)).content).size) == int(side)
    assert asset["thumbhash"]


async def test_the_first_frame_of_a_gif_is_taken(desk: Studio) -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), colour) for colour in (LEFT, RIGHT)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])

    asset = await taken(desk, file.getvalue())

    assert near(opened(await fetched(desk, asset)).convert("RGB").getpixel((30, 30)), LEFT)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_animations_are_refused_by_name(desk: Studio, kind: str) -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), colour) for colour in (LEFT, RIGHT)]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)

    answer = await upload(desk, file.getvalue())

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media")
    assert "animation" in answer.json()["detail"]


async def test_a_picture_is_turned_upright(desk: Studio) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it turned to the right
    for kind in ("JPEG", "WEBP", "PNG"):
        asset = await taken(desk, saved(two_colours(300, 200), kind, exif=exif))

        assert (asset["width"], asset["height"]) == (200, 300), kind
        image = opened(await fetched(desk, asset)).convert("RGB")
        assert image.size == (200, 300)
        assert near(image.getpixel((100, 20)), LEFT), kind
        assert near(image.getpixel((100, 280)), RIGHT), kind


async def test_colours_of_another_profile_are_converted(desk: Studio) -> None:
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    red = Image.new("RGB", (64, 64), (200, 40, 30))
    assert wide

    asset = await taken(desk, saved(red, "PNG", icc_profile=wide))  # of another kind: passed over

    image = opened(await fetched(desk, asset))
    assert "icc_profile" not in image.info
    assert near(image.getpixel((5, 5)), (200, 40, 30))


async def test_transparency_and_grey_are_kept(desk: Studio) -> None:
    clear = two_colours(64, 64, alpha=255)
    clear.paste((0, 0, 0, 0), (0, 0, 64, 32))
    grey = Image.new("L", (64, 64), 99)

    mask = opened(await fetched(desk, await taken(desk, saved(clear, "PNG"))))
    flat = opened(await fetched(desk, await taken(desk, saved(grey, "PNG"))))

    assert (mask.mode, mask.getpixel((5, 5))[3], mask.getpixel((5, 60))[3]) == ("RGBA", 0, 255)
    assert (flat.mode, flat.getpixel((5, 5))) == ("L", 99)


async def test_the_same_file_again_is_the_same_asset(desk: Studio) -> None:
    data = saved(noise(80, 80), "PNG")
    first = await upload(desk, data)

    again = await upload(desk, data, name="other.png")
    together = await asyncio.gather(*(upload(desk, data + b" ") for _ in range(4)))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert len({answer.json()["id"] for answer in together}) == 1
    assert sorted(answer.status_code for answer in together) == [200, 200, 200, 201]
    mine = (await desk.client.get("/api/assets", params={"kind": "upload", "limit": 200})).json()
    assert sum(asset["id"] == first.json()["id"] for asset in mine["items"]) == 1


async def test_a_deleted_upload_comes_back_when_it_is_sent_again(desk: Studio) -> None:
    data = saved(noise(81, 80), "PNG")
    asset = await taken(desk, data)
    await desk.client.delete(f"/api/assets/{asset['id']}")

    again = await upload(desk, data)

    assert again.status_code == 200
    assert (again.json()["id"], again.json()["deleted_at"]) == (asset["id"], None)
    assert opened(await fetched(desk, again.json())).size == (81, 80)


async def test_uploads_are_listed_by_kind_and_not_among_what_was_made(desk: Studio) -> None:
    asset = await taken(desk, saved(noise(82, 80), "PNG"))

    made = (await desk.client.get("/api/assets", params={"limit": 200})).json()
    brought = (await desk.client.get("/api/assets", params={"limit": 200, "kind": "upload"})).json()
    wrong = await desk.client.get("/api/assets", params={"kind": "video"})

    assert asset["id"] not in {one["id"] for one in made["items"]}
    assert asset["id"] in {one["id"] for one in brought["items"]}
    assert all(one["kind"] == "upload" for one in brought["items"])
    assert wrong.status_code == 422


REFUSED = [
    (b"", 415, "empty"),
    (b"hello", 415, "not a PNG"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "SVG"),
    (b"<!DOCTYPE html><script>alert(1)</script>", 415, "HTML"),
    (b"\0\0\0\x20ftypavif" + bytes(64), 415, "AVIF"),
    (b"\0\0\0\x20ftypheic" + bytes(64), 415, "HEIC"),
    (saved(two_colours(64, 64), "BMP"), 415, "not a PNG"),
    (saved(noise(64, 64), "PNG")[:5000], 415, "cannot be used"),
]


@pytest.mark.parametrize(("data", "status", "words"), REFUSED, ids=[str(i) for i in range(8)])
async def test_what_is_no_picture_is_refused_with_a_sentence(
    desk: Studio, data: bytes, status: int, words: str
) -> None:
    answer = await upload(desk, data, name="photo.png")

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


FORMS: list[tuple[dict[str, Any], int]] = [
    ({"json": {"file": "x"}}, 415),
    ({"content": b"x", "headers": {"Content-Type": "image/png"}}, 415),
    ({"content": b"", "headers": {"Content-Type": "multipart/form-data"}}, 422),
    ({"content": b"junk", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 422),
    ({"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 422),
    ({"files": {"picture": ("a.png", b"x")}}, 422),
    ({"files": {"file": (None, b"x")}}, 422),
    ({"files": [("file", ("a", b"x")), ("file", ("b", b"x"))]}, 422),
    ({"files": {"file": ("a", b"x")}, "data": {f"f{i}": "x" for i in range(20)}}, 422),
    ({"files": {"file": ("a", b"x")}, "data": {"f": "x" * 70_000}}, 422),
]


@pytest.mark.parametrize(("form", "status"), FORMS, ids=[str(i) for i in range(len(FORMS))])
async def test_another_body_than_a_form_with_one_file_is_refused(
    desk: Studio, form: dict[str, Any], status: int
) -> None:
    answer = await desk.client.post("/api/assets", **form)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_file_that_is_too_large_is_refused(desk: Studio) -> None:
    async def pieces() -> AsyncIterator[bytes]:  # chunked: no length is announced
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        for _ in range(30):
            yield bytes(1 << 20)

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    chunked = await desk.client.post("/api/assets", content=pieces(), headers=kind)
    announced = await upload(desk, bytes((20 << 20) + 70_000))
    just = await upload(desk, bytes((20 << 20) + 1))

    for answer in (chunked, announced, just):
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "20,971,520" in just.json()["detail"]


async def test_other_bodies_are_as_limited_as_before(desk: Studio) -> None:
    body = b'{"prompt": "' + b"x" * (2 << 20) + b'"}'

    answer = await desk.client.post(
        "/api/jobs", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 413


# With accounts


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def club(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    url = await cluster.clone()
    async with Studio.open(
        url,
        tmp_path_factory.mktemp("club"),
        _fake_openai,
        with_worker=False,
        accounts="on",
        anonymous="on",
        quota_bytes=60_000,
        visitor_submits_per_minute=1,
    ) as made:
        yield made
    await cluster.drop(url)


async def send(person: Person, data: bytes) -> httpx2.Response:
    return await person.ask("POST", "/api/assets", files={"file": ("a.png", data)})


class TestWithAccounts:
    async def test_an_upload_is_its_owners(self, club: Studio) -> None:
        ada, bob = await join(club, "Ada"), await join(club, "Bob")
        data = saved(noise(64, 64), "PNG")

        mine, his = await send(ada, data), await send(bob, data)

        assert mine.json()["id"] != his.json()["id"]
        path = f"/api/assets/{mine.json()['id']}"
        for method in ("GET", "PATCH", "DELETE"):
            options = {"json": {"starred": True}} if method == "PATCH" else {}
            assert (await bob.ask(method, path, **options)).status_code == 404
        assert (await ada.ask("GET", path)).status_code == 200

    async def test_the_quota_is_told_and_kept(self, club: Studio) -> None:
        ada, bob = await join(club, "Ada"), await join(club, "Bob")
        pictures = [saved(noise(64, 64 + n), "PNG") for n in range(8)]

        answers = [await send(ada, data) for data in pictures[:3]]
        race = await asyncio.gather(*(send(ada, data) for data in pictures[3:]))

        assert all(answer.status_code == 201 for answer in answers)
        assert {answer.status_code for answer in race} == {201, 413}
        refused = next(answer for answer in race if answer.status_code == 413).json()
        assert refused["code"] == "too_large"
        assert "0.1 MB" in refused["detail"]
        storage = (await ada.ask("GET", "/api/me")).json()["storage"]
        kept = sum(a.json()["bytes"] for a in (*answers, *race) if a.status_code == 201)
        assert storage == {"used_bytes": kept, "max_bytes": 60_000}
        assert kept <= 60_000
        assert (await send(bob, pictures[0])).status_code == 201
        assert (await send(ada, pictures[0])).status_code == 200, "stores nothing"

    async def test_a_visitor_gets_his_cookie_and_may_send_eight_a_minute(
        self, club: Studio
    ) -> None:
        files = [{"file": ("a.png", saved(noise(8, 8 + n), "PNG"))} for n in range(9)]

        first = await club.client.post("/api/assets", files=files[0])
        answers = [await club.client.post("/api/assets", files=file) for file in files[1:]]

        assert first.status_code == 201
        shown = await club.client.get(f"/api/assets/{first.json()['id']}")
        assert shown.status_code == 200
        assert [answer.status_code for answer in answers] == [201] * 7 + [429]
        assert int(answers[-1].headers["retry-after"]) <= 60
        club.client.cookies.clear()
        assert (await club.client.get(f"/api/assets/{first.json()['id']}")).status_code == 404

    async def test_a_key_that_may_only_read_may_not_upload(self, club: Studio) -> None:
        reader = await (await join(club, "Ada")).with_key("assets:read")

        answer = await send(reader, saved(noise(64, 64), "PNG"))

        assert answer.status_code == 403

    async def test_nobody_who_is_not_let_in_is_listened_to(self, club: Studio) -> None:
        # The rest of the body never comes: an answer cannot have waited for it.
        kind = b"Content-Type: multipart/form-data; boundary=x\r\n"
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(club.url.rpartition(":")[2])
        )
        writer.write(
            b"POST /api/assets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sl_nobody\r\n"
            + kind + b"Content-Length: 1000000\r\n\r\n--x"
        )  # fmt: skip
        async with asyncio.timeout(30):
            line = await reader.readline()
        writer.close()

        assert b" 401 " in line
