"""What every kind of answer says about how it may be used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from safelight.values.ids import LOCAL_OWNER
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.isolation.world import opened, plant_asset
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

FRIEND = "https://app.example.org"
EVERYWHERE = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
DATA = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
PAGE = (
    "default-src 'none'",
    "connect-src 'self'",
    "font-src 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """Behind a proxy that speaks TLS; one other site may use it."""
    folder = tmp_path_factory.mktemp("headers")
    async with opened(
        cluster,
        _fake_openai,
        folder,
        with_worker=False,
        accounts="off",
        public_url="https://pictures.example.org",
        cors_origins=[FRIEND],
    ) as made:
        yield made


async def kinds(studio: Studio) -> dict[str, httpx2.Response]:
    """One answer of every kind."""
    asset_id = await plant_asset(studio, LOCAL_OWNER)
    links = studio.shop.links
    job = await studio.submit("a heron", model="sketch")
    asked = {
        "json": ("GET", "/api/jobs"),
        "accepted": ("GET", f"/api/jobs/{job['id']}"),
        "not found": ("GET", "/api/nothing"),
        "wrong method": ("PUT", "/api/jobs"),
        "invalid": ("GET", "/api/jobs?limit=x"),
        "document": ("GET", "/openapi.json"),
        "alive": ("GET", "/healthz"),
        "ready": ("GET", "/readyz"),
        "metrics": ("GET", "/metrics"),
        "picture": ("GET", links.original(asset_id, "png")),
        "preview": ("GET", links.preview(asset_id, 320)),
        "no picture": ("GET", f"/media/{asset_id}/original.png?exp=1&sig=x"),
        "reference": ("GET", "/docs"),
        "page": ("GET", "/"),
        "page of an address": ("GET", "/gallery"),
        "no file": ("GET", "/assets/nothing.js"),
    }
    answers = {name: await studio.client.request(*each) for name, each in asked.items()}
    part = await studio.client.get(asked["picture"][1], headers={"Range": "bytes=900-901"})
    tag = answers["picture"].headers["etag"]
    known = await studio.client.get(asked["picture"][1], headers={"If-None-Match": tag})
    async with studio.client.stream("GET", "/api/events") as stream:
        pass
    foreign = await studio.client.post("/api/jobs", headers={"Sec-Fetch-Site": "cross-site"})
    return answers | {"no part": part, "known": known, "stream": stream, "foreign page": foreign}


async def test_every_kind_of_answer_has_the_headers_that_are_promised(studio: Studio) -> None:
    answers = await kinds(studio)

    wrong = [
        f"{kind}: {name}: {answer.headers.get(name)}"
        for kind, answer in answers.items()
        for name, value in EVERYWHERE.items()
        if answer.headers.get(name) != value
    ]
    assert wrong == []
    for kind, answer in answers.items():
        assert answer.headers["x-request-id"], kind
        for name in ("server", "x-powered-by", "access-control-allow-origin", "set-cookie"):
            assert name not in answer.headers, kind


async def test_data_may_load_nothing_and_is_kept_nowhere(studio: Studio) -> None:
    answers = await kinds(studio)

    for kind in ("json", "accepted", "not found", "wrong method", "invalid", "document", "alive"):
        assert DATA.items() <= dict(answers[kind].headers).items(), kind
    for kind in ("ready", "metrics", "no picture", "no part", "foreign page", "no file"):
        if kind == "no file" and answers["page"].status_code == 503:
            continue  # the studio is not built: a page says so instead
        assert DATA.items() <= dict(answers[kind].headers).items(), kind


async def test_a_stream_passes_through_proxies_as_it_is(studio: Studio) -> None:
    stream = (await kinds(studio))["stream"]

    assert stream.headers["content-type"].partition(";")[0] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"


async def test_a_picture_is_a_picture_and_is_kept_by_its_reader_alone(studio: Studio) -> None:
    answers = await kinds(studio)

    for kind in ("picture", "preview", "known"):
        answer = answers[kind]
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox", kind
        assert answer.headers["x-robots-tag"] == "noindex", kind
        first, seconds, last = answer.headers["cache-control"].split(", ")
        assert (first, last) == ("private", "immutable"), kind
        assert 0 < int(seconds.removeprefix("max-age=")) <= 1800, kind
        assert answer.headers["content-disposition"].startswith('inline; filename="'), kind
    assert answers["picture"].headers["content-type"] == "image/png"
    assert answers["preview"].headers["content-type"] == "image/webp"


async def test_the_studios_pages_run_their_own_scripts_alone(studio: Studio) -> None:
    answers = await kinds(studio)

    for kind in ("page", "page of an address"):
        if answers[kind].status_code == 503:
            pytest.skip("the studio is not built")
        policy = answers[kind].headers["content-security-policy"].split("; ")
        assert set(PAGE) <= set(policy), kind
        scripts = next(part for part in policy if part.startswith("script-src "))
        assert "unsafe" not in scripts, kind
        assert all(word.startswith("'sha256-") for word in scripts.split()[2:]), kind
    assert "default-src 'none'" in answers["reference"].headers["content-security-policy"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{FRIEND}.evil.example"])
async def test_a_page_of_another_site_is_told_nothing(studio: Studio, origin: str) -> None:
    answer = await studio.client.get("/api/jobs", headers={"Origin": origin})
    asked = await studio.client.options(
        "/api/jobs", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    sent = await studio.client.post(
        "/api/jobs",
        json={"prompt": "x"},
        headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"},
    )

    for each in (answer, asked, sent):
        assert "access-control-allow-origin" not in each.headers
        assert "access-control-allow-credentials" not in each.headers
    assert (asked.status_code, sent.status_code) == (400, 403)


async def test_a_page_of_an_allowed_site_may_use_the_api_without_cookies(studio: Studio) -> None:
    asked = await studio.client.options(
        "/api/jobs",
        headers={
            "Origin": FRIEND,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
        },
    )
    sent = await studio.client.post(
        "/api/jobs",
        json={"prompt": "a heron", "model": "sketch"},
        headers={"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"},
    )

    assert (asked.status_code, sent.status_code) == (200, 202)
    for answer in (asked, sent):
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]
    shown = {name.strip() for name in sent.headers["access-control-expose-headers"].split(",")}
    assert shown == {"Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-ID"}


async def test_without_allowed_sites_nothing_is_said_of_them(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with opened(cluster, _fake_openai, tmp_path, with_worker=False, accounts="off") as plain:
        answer = await plain.client.get("/api/jobs", headers={"Origin": FRIEND})

    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert "strict-transport-security" not in answer.headers, "over HTTP it means nothing"
