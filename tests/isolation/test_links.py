"""Links to pictures: what was signed, as long as it was signed, by a key that counts."""

from __future__ import annotations

import asyncio
import itertools
import string
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from safelight.images.links import Links
from safelight.values.ids import LOCAL_OWNER
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.isolation.world import opened, plant_asset
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIGNED = string.ascii_letters + string.digits + "-_"
OLD, NEW = "the old secret of enough characters", "the new secret of enough characters"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gallery(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    folder = tmp_path_factory.mktemp("gallery")
    async with opened(
        cluster, _fake_openai, folder, with_worker=False, accounts="off", secret_key=OLD
    ) as made:
        yield made


def variants(url: str) -> list[str]:
    """The link with one byte changed, left out or added, everywhere and to everything likely."""
    start = len("/media/")
    changed = [
        url[:at] + other + url[at + 1 :]
        for at in range(start, len(url))
        for other in SIGNED + ".=&?/%+~"
        if other != url[at]
    ]
    changed += [url[:at] + url[at + 1 :] for at in range(start, len(url))]
    changed += [url[:at] + "0" + url[at:] for at in range(start, len(url) + 1)]
    changed += [url[:end] for end in range(start, len(url))]
    return list(dict.fromkeys(changed))


async def test_no_link_with_a_changed_byte_is_accepted(gallery: Studio) -> None:
    asset_id = await plant_asset(gallery, LOCAL_OWNER)
    links = gallery.shop.links
    urls = [links.original(asset_id, "png"), links.preview(asset_id, 320)]
    tried = list(itertools.chain.from_iterable(variants(url) for url in urls))
    limit, accepted = asyncio.Semaphore(8), []

    async def ask(url: str) -> None:
        async with limit:
            if (await gallery.client.get(url)).status_code < 400:
                accepted.append(url)

    # All of them against what decides; those that reach another decision (the routes, the
    # parsing of the address) through HTTP: one in 17.
    for url in tried:
        path, _, query = url.partition("?")
        given = dict(part.partition("=")[::2] for part in query.split("&"))
        if links.check(path, given.get("exp", ""), given.get("sig", "")) == "ok":
            accepted.append(url)
    await asyncio.gather(*map(ask, tried[::17]))

    assert len(tried) >= 5000
    assert [url for url in accepted if _means_another(url, urls)] == []
    assert (await gallery.client.get(urls[0])).status_code == 200


def _means_another(url: str, urls: list[str]) -> bool:
    """Whether it differs in what it says: `?exp=…&sig=…&` is the same link."""
    return url.rstrip("&") not in urls


async def test_a_link_ends_at_its_second(gallery: Studio) -> None:
    asset_id = await plant_asset(gallery, LOCAL_OWNER)
    gallery.shop.links, kept = Links(OLD.encode(), 3), gallery.shop.links
    url = gallery.shop.links.original(asset_id, "png")
    expires = int(url.partition("exp=")[2].partition("&")[0])
    seen = []

    while time.time() < expires + 0.5:
        before = time.time()
        status = (await gallery.client.get(url)).status_code
        seen.append((before, status, time.time()))
        await asyncio.sleep(0.02)
    gallery.shop.links = kept

    assert {status for _, status, after in seen if after < expires} == {200}
    assert {status for before, status, _ in seen if before >= expires} == {404}


async def test_a_deleted_picture_has_no_link_within_a_second(gallery: Studio) -> None:
    asset_id = await plant_asset(gallery, LOCAL_OWNER)
    links = gallery.shop.links
    urls = [links.original(asset_id, "png"), *(links.preview(asset_id, s) for s in (160, 320, 640))]
    whole = [(await gallery.client.get(url)).status_code for url in urls]

    await gallery.client.delete(f"/api/assets/{asset_id}")
    gone = [(await gallery.client.get(url)).status_code for url in urls]
    parts = [
        (await gallery.client.get(url, headers={"Range": "bytes=0-1"})).status_code for url in urls
    ]
    known = [
        (await gallery.client.get(url, headers={"If-None-Match": "*"})).status_code for url in urls
    ]

    assert whole == [200] * 4
    assert gone == parts == known == [404] * 4


async def test_an_expired_a_forged_and_a_missing_link_are_answered_alike(gallery: Studio) -> None:
    asset_id = await plant_asset(gallery, LOCAL_OWNER)
    expired = Links(OLD.encode(), -600).original(asset_id, "png")
    forged = Links(NEW.encode(), 600).original(asset_id, "png")
    missing = gallery.shop.links.original(uuid4(), "png")

    answers = [
        await gallery.client.get(url, headers={"X-Request-ID": "same"})
        for url in (expired, forged, missing, f"/media/{asset_id}/original.png")
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


async def test_an_old_keys_links_and_cookies_are_good_while_it_is_named(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    """Before, during and after the change of the key; then the old one alone again, which is what
    somebody has who found it."""
    database = await cluster.clone()
    keys = [{"secret_key": OLD}, {"secret_key": NEW, "secret_key_previous": OLD}]
    keys += [{"secret_key": NEW}, {"secret_key": "a third secret of enough characters"}]
    cookies: dict[str, str] = {}
    links: dict[str, str] = {}
    seen = []
    for given in keys:
        async with Studio.open(
            database,
            tmp_path,
            _fake_openai,
            with_worker=False,
            accounts="on",
            anonymous="on",
            **given,
        ) as studio:
            if not links:
                asset_id = await plant_asset(studio, LOCAL_OWNER)
            if given["secret_key"] not in links:
                links[given["secret_key"]] = studio.shop.links.original(asset_id, "png")
                made = await studio.client.post(
                    "/api/jobs", json={"prompt": "x", "model": "sketch"}
                )
                cookies[given["secret_key"]] = made.headers["set-cookie"].partition(";")[0]
                studio.client.cookies.clear()
            for secret in (OLD, NEW):
                if secret in links:
                    link = (await studio.client.get(links[secret])).status_code == 200
                    jobs = await studio.client.get("/api/jobs", headers={"Cookie": cookies[secret]})
                    seen.append((secret[4:7], link, len(jobs.json()["items"])))
    await cluster.drop(database)

    assert seen == [
        ("old", True, 1),
        ("old", True, 1),  # the overlap
        ("new", True, 1),
        ("old", False, 0),  # over
        ("new", True, 1),
        ("old", False, 0),
        ("new", False, 0),
    ]
