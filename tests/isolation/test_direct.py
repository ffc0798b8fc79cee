"""Pictures that the storage sends itself: our link first, then a short one of the storage's."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from moto.server import ThreadedMotoServer

from safelight.settings import Settings, SettingsWrong, load
from safelight.values.ids import LOCAL_OWNER
from tests.fakes.openai_server import FakeOpenAI
from tests.isolation.world import plant_asset
from tests.studio import Studio


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    assert httpx2.put(f"{url}/pictures", trust_env=False).status_code == 200
    yield url
    server.stop()


DIRECT: dict[str, Any] = {"storage_url": "s3://pictures/here", "media_delivery": "direct"}


@pytest.fixture
def may_use_s3(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "a storage secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3,
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def direct(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path, may_use_s3: None
) -> AsyncIterator[Studio]:
    async with Studio.open(
        database_url, tmp_path, provider_api, with_worker=False, **DIRECT
    ) as made:
        yield made


async def test_a_link_leads_on_to_the_storage_for_a_minute(direct: Studio, s3: str) -> None:
    asset_id = await plant_asset(direct, LOCAL_OWNER, data=b"the picture")
    url = direct.shop.links.original(asset_id, "png")

    answer = await direct.client.get(url)
    leads_to = answer.headers["location"]
    picture = await direct.client.get(leads_to)
    part = await direct.client.get(leads_to, headers={"Range": "bytes=4-6"})

    assert answer.status_code == 302
    assert answer.headers["cache-control"] == "private, max-age=30"
    assert leads_to.startswith(f"{s3}/pictures/here/")
    assert "X-Amz-Expires=60" in leads_to
    assert "a+storage+secret" not in leads_to
    assert picture.content == b"the picture"
    assert picture.headers["content-type"] == "image/png"
    assert part.content == b"pic"


async def test_nothing_is_led_to_without_a_link_of_ours_or_after_a_delete(direct: Studio) -> None:
    asset_id = await plant_asset(direct, LOCAL_OWNER)
    url = direct.shop.links.preview(asset_id, 160)

    forged = await direct.client.get(url[:-2] + "AA")
    found = await direct.client.get(url)
    await direct.client.delete(f"/api/assets/{asset_id}")
    deleted = await direct.client.get(url)

    assert [forged.status_code, found.status_code, deleted.status_code] == [404, 302, 404]


async def test_what_is_saved_has_its_name_from_here(direct: Studio) -> None:
    asset_id = await plant_asset(direct, LOCAL_OWNER, data=b"the picture")

    answer = await direct.client.get(direct.shop.links.original(asset_id, "png") + "&download=1")

    assert (answer.status_code, answer.content) == (200, b"the picture")
    assert answer.headers["content-disposition"] == f'attachment; filename="{asset_id}.png"'


async def test_who_orders_at_a_terminal_gets_the_picture_from_here(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path, may_use_s3: None
) -> None:
    async with Studio.open(database_url, tmp_path, provider_api, **DIRECT) as studio:
        command = [sys.executable, "-m", "safelight", "generate", "a heron", "-o", "heron.png"]
        command += ["--model", "openai/flux-schnell", "--server", studio.url]
        running = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stderr=PIPE)
        _, said = await running.communicate()

    assert running.returncode == 0, said.decode()
    assert (tmp_path / "heron.png").read_bytes().startswith(b"\x89PNG")


async def test_the_studios_page_may_show_pictures_from_there_and_nowhere_else(
    direct: Studio, s3: str
) -> None:
    page = await direct.client.get("/")
    if page.status_code == 503:
        pytest.skip("the studio is not built")
    policy = page.headers["content-security-policy"]

    assert f"img-src 'self' blob: data: {s3};" in policy


@pytest.mark.parametrize("storage_url", [None, "file:///tmp/pictures"])
def test_a_folder_cannot_be_linked_to(storage_url: str | None) -> None:
    with pytest.raises(SettingsWrong, match="media_delivery: direct needs storage_url"):
        load(media_delivery="direct", storage_url=storage_url)


@pytest.mark.parametrize(
    "origin", ["*", "https://*.example.org", "https://a.example/", "a.example", "HTTPS://a.b", ""]
)
def test_only_exact_origins_are_taken(origin: str) -> None:
    with pytest.raises(ValueError, match="no exact origin"):
        Settings(cors_origins=[origin])
