"""Links whose signature is the permission: nothing about them can be changed."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from safelight.images.links import Links
from tests.studio import Studio

SECRET = b"x" * 64
ASSET = uuid4()


def parts(link: str) -> tuple[str, str, str]:
    split = urlsplit(link)
    query = parse_qs(split.query)
    return split.path, query["exp"][0], query["sig"][0]


def test_a_link_is_valid_for_its_lifetime() -> None:
    links = Links(SECRET, 1800)

    path, expires, signature = parts(links.original(ASSET, "jpeg"))

    assert path == f"/media/{ASSET}/original.jpg"
    assert links.check(path, expires, signature) == "ok"
    assert 1800 - 300 <= int(expires) - time.time() <= 1800


def test_links_of_the_same_moment_are_the_same_so_that_caches_find_them() -> None:
    first, second = Links(SECRET, 86_400), Links(SECRET, 86_400)

    assert first.preview(ASSET, 320) == second.preview(ASSET, 320)


def test_every_change_of_every_character_is_noticed() -> None:
    links = Links(SECRET, 1800)
    path, expires, signature = parts(links.preview(ASSET, 640))

    for name, text in {"path": path, "expires": expires, "signature": signature}.items():
        for place, old in enumerate(text):
            for new in "0a9-/Z":
                if new == old:
                    continue
                changed = {"path": path, "expires": expires, "signature": signature}
                changed[name] = text[:place] + new + text[place + 1 :]
                assert links.check(**changed) == "wrong", changed


@pytest.mark.parametrize(
    ("expires", "signature"),
    [("", ""), ("0", ""), ("²", "x"), ("-1", "x"), ("1e9", "x"), ("9" * 40, "x"), ("1", "ü" * 43)],
)
def test_nonsense_is_wrong_and_never_breaks(expires: str, signature: str) -> None:
    assert Links(SECRET, 1800).check(f"/media/{ASSET}/160.webp", expires, signature) == "wrong"


def test_a_longer_or_shorter_signature_is_wrong() -> None:
    links = Links(SECRET, 1800)
    path, expires, signature = parts(links.preview(ASSET, 640))

    for other in (signature + "=", signature[:-1], signature + "A", "", signature.upper()):
        assert links.check(path, expires, other) == "wrong"


def test_another_key_means_another_signature() -> None:
    path, expires, signature = parts(Links(SECRET, 1800).preview(ASSET, 640))

    assert Links(b"y" * 64, 1800).check(path, expires, signature) == "wrong"


def test_an_expired_link_is_told_from_a_wrong_one() -> None:
    links = Links(SECRET, -1)

    assert links.check(*parts(links.preview(ASSET, 160))) == "expired"


def test_an_unknown_format_gets_no_link() -> None:
    with pytest.raises(ValueError, match="not a kept format"):
        Links(SECRET, 1800).original(ASSET, "svg")


async def test_over_http_a_changed_link_and_a_deleted_picture_look_alike(studio: Studio) -> None:
    job = await studio.generate("a heron", model="openai/flux-schnell")
    asset = job["outputs"][0]["asset"]
    url = asset["url"]
    assert (await studio.client.get(url)).status_code == 200

    changed = url[:-1] + ("A" if url[-1] != "A" else "B")
    borrowed = url.replace("original.png", "320.webp")
    answers = [await studio.client.get(one) for one in (changed, borrowed, url.split("?")[0])]
    await studio.client.delete(f"/api/assets/{asset['id']}")
    answers.append(await studio.client.get(url))

    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.json()["detail"] for answer in answers}) == 1
    await studio.client.post(f"/api/assets/{asset['id']}/restore")
    assert (await studio.client.get(url)).status_code == 200
