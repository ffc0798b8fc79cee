"""How the built pages leave the server, and how large they are."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path

import pytest

from tests.studio import Studio

KB = 1000


def initial_files(static: Path, ending: str) -> list[Path]:
    """What the first page loads before anything is clicked."""
    page = (static / "index.html").read_text()
    return [static / name for name in re.findall(rf'"/(assets/[^"]+\.{ending})"', page)]


def gzipped(paths: list[Path]) -> int:
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths)


def test_the_first_view_stays_within_its_budget(built_studio: Path) -> None:
    scripts = initial_files(built_studio, "js")
    brotli = sum(path.with_name(path.name + ".br").stat().st_size for path in scripts)
    assert scripts
    assert gzipped(scripts) <= 180 * KB
    assert brotli <= 155 * KB
    assert gzipped(initial_files(built_studio, "css")) <= 10 * KB
    fonts = initial_files(built_studio, "woff2")
    assert len(fonts) == 1
    assert fonts[0].stat().st_size <= 40 * KB


def test_each_further_page_stays_within_its_budget(built_studio: Path) -> None:
    first = initial_files(built_studio, "js")
    for chunk in built_studio.glob("assets/*.js"):
        if chunk not in first:
            assert gzipped([chunk]) <= 40 * KB, chunk.name
    # What a page looks like comes with it; all of them together stay small too.
    assert gzipped(list(built_studio.glob("assets/*.css"))) <= 20 * KB


@pytest.mark.asyncio(loop_scope="session")
async def test_every_page_address_is_the_page(studio: Studio) -> None:
    for path in ("/", "/gallery", "/history", "/i/0199", "/anything/else"):
        answer = await studio.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.asyncio(loop_scope="session")
async def test_programs_never_get_the_page(studio: Studio) -> None:
    for path in ("/api/nothing", "/v1/nothing", "/media/nothing", "/metrics/x"):
        answer = await studio.client.get(path)
        assert answer.status_code == 404, path
        assert "html" not in answer.headers.get("content-type", "")
    assert (await studio.client.get("/assets/gone.js")).status_code == 404
    assert (await studio.client.put("/api/models")).status_code == 405
    assert (await studio.client.post("/gallery")).status_code in (404, 405)


@pytest.mark.asyncio(loop_scope="session")
async def test_assets_are_kept_for_ever_and_come_squeezed(
    studio: Studio, built_studio: Path
) -> None:
    script = initial_files(built_studio, "js")[0]
    for accept, coding in (("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0", None)):
        answer = await studio.client.get(
            f"/assets/{script.name}", headers={"Accept-Encoding": accept}
        )
        assert answer.headers.get("content-encoding") == coding
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["vary"] == "Accept-Encoding"
    etag = answer.headers["etag"]
    again = await studio.client.get(f"/assets/{script.name}", headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_may_run_its_own_scripts_only(studio: Studio) -> None:
    answer = await studio.client.get("/")
    csp = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    (inline,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert csp["script-src"] == f"'self' 'sha256-{digest}'"
    assert csp["default-src"] == "'none'"
    assert csp["style-src"] == "'self'"
    assert csp["require-trusted-types-for"] == "'script'"
    assert answer.headers["x-content-type-options"] == "nosniff"
