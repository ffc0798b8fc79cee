"""Pictures that are something else as well: whatever a stored file contains, none of it runs."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.async_api import Browser, Page

from safelight.images.store import original_key, preview_key
from safelight.values.ids import LOCAL_OWNER, new_id
from tests.faults.schedule import LONG
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

# How a script would be heard of: the document's title, a dialog, a global, a call to a listener.
_SCRIPT = (
    "document.title='ran';window.ran=1;"
    "try{{fetch('{canary}/fetch')}}catch(e){{}};new Image().src='{canary}/image';alert(1)"
)


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A server that should never be called, and what it was asked for."""
    called: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", called
    server.shutdown()


def payloads(canary: str) -> dict[str, bytes]:
    """Things that would run if anything took them for what they are."""
    script = _SCRIPT.format(canary=canary)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" onload="{script}"><script>{script}</script></svg>'
    )
    return {
        name: text.encode()
        for name, text in {
            "html": f"<!doctype html><html><body><script>{script}</script></body></html>",
            "fragment": f'<img src=x onerror="{script}"><script>{script}</script>',
            "body": f'<body onload="{script}"><iframe srcdoc="<script>{script}</script>"></iframe>',
            "svg": svg,
            "xml": f'<?xml version="1.0"?>{svg}',
            "xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><script>{script}</script></html>',
            "js": f"/**/{script}//",
            "frame": f'<iframe src="javascript:{script}"></iframe>',
            "refresh": f'<meta http-equiv="refresh" content="0;url={canary}/refresh">',
        }.items()
    }


def carriers(payload: bytes) -> dict[str, tuple[str, bytes]]:
    """(format, bytes): the payload alone, around, and inside of real pictures."""
    text = payload.decode()
    made: dict[str, tuple[str, bytes]] = {}
    for kind in ("png", "jpeg", "webp"):
        plain = _picture(kind)
        made[f"{kind}, nothing but it"] = (kind, payload)
        made[f"{kind}, in front"] = (kind, payload + plain)
        made[f"{kind}, behind"] = (kind, plain + payload)
        made[f"{kind}, behind the first bytes"] = (kind, plain[:8] + payload + plain[8:])
        exif = Image.Exif()
        exif[0x010E] = text
        made[f"{kind}, in its metadata"] = (kind, _picture(kind, exif=exif.tobytes()))
    info = PngInfo()
    info.add_text("Title", text)
    info.add_itxt("XML:com.adobe.xmp", text)
    made["png, in its text"] = ("png", _picture("png", pnginfo=info))
    made["jpeg, as a comment"] = ("jpeg", _picture("jpeg", comment=payload))
    # GIF89a=1;… is a picture's head and the beginning of a script.
    made["gif that is a script"] = ("png", b"GIF89a=1;" + payload)
    return made


def _picture(kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, kind, **options)
    return out.getvalue()


async def stored(studio: Studio, kind: str, data: bytes) -> list[str]:
    """Every address there is of a picture with these bytes, its previews too."""
    asset_id = UUID(str(new_id()))
    store, links = studio.shop.store, studio.shop.links
    await store.put(original_key(asset_id, kind), data)
    for side in (160, 320, 640):
        await store.put(preview_key(asset_id, side), data)
    await studio.database.execute(
        """INSERT INTO assets (id, owner_id, width, height, format, bytes, sha256)
           VALUES ($1, $2, 8, 8, $3, $4, sha256($5))""",
        asset_id,
        LOCAL_OWNER,
        kind,
        len(data),
        data,
    )
    urls = [links.original(asset_id, kind), *(links.preview(asset_id, s) for s in (160, 320, 640))]
    return [*urls, f"{urls[0]}&download=1"]


async def test_nothing_in_a_stored_picture_ever_runs(
    studio: Studio, browser: Browser, page: Page, canary: tuple[str, list[str]]
) -> None:
    address, called = canary
    opened = [
        (f"{form}: {name}", kind, data)
        for name, payload in payloads(address).items()
        for form, (kind, data) in carriers(payload).items()
    ]
    # Every kind of payload in a third of the forms, another third each; all of them take minutes.
    opened = opened if LONG else [each for at, each in enumerate(opened) if at % 3 == at // 18 % 3]
    heard: list[str] = []
    page = await browser.new_page()  # without the guard: broken pictures complain, and may
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    seen = 0
    for what, kind, data in opened:
        for url in await stored(studio, kind, data):
            if url.endswith("&download=1"):
                answer = await studio.client.get(url)
                assert answer.headers["content-disposition"].startswith("attachment"), what
                assert answer.headers["content-type"] in ("image/png", "image/jpeg", "image/webp")
                continue
            if not LONG and ("/160.webp" in url or "/640.webp" in url):
                continue  # the same route as 320, to the letter
            await page.goto(studio.url + url)
            seen += 1
            assert await page.title() != "ran", what
            assert await page.evaluate("window.ran") is None, what
    await asyncio.sleep(0.5)

    assert len(opened) >= 50
    assert seen >= 2 * len(opened)
    assert (called, heard) == ([], [])


async def test_a_page_of_ours_runs_nothing_of_a_picture_either(
    studio: Studio, browser: Browser, page: Page, canary: tuple[str, list[str]]
) -> None:
    """As a script, a frame, an object, a worker or a style of the studio's own page."""
    address, called = canary
    page = await browser.new_page()
    await page.goto(studio.url + "/docs")
    for payload in payloads(address).values():
        url = (await stored(studio, "png", payload))[0]
        ran = await page.evaluate(
            """async (url) => {
              const put = (tag, of) => new Promise((done) => {
                const one = Object.assign(document.createElement(tag), of);
                one.onload = one.onerror = done;
                document.head.append(one);
                setTimeout(done, 150);
              });
              await put('script', {src: url});
              await put('script', {src: url, type: 'module'});
              await put('link', {rel: 'stylesheet', href: url});
              await put('iframe', {src: url});
              await put('object', {data: url});
              await put('embed', {src: url});
              try { new Worker(url); } catch (_) {}
              try { await navigator.serviceWorker.register(url); } catch (_) {}
              return window.ran ?? document.title;
            }""",
            url,
        )
        assert ran not in (1, "ran")
    await asyncio.sleep(0.5)

    assert called == []


async def test_the_listener_hears_what_does_run(
    browser: Browser, page: Page, canary: tuple[str, list[str]], tmp_path: Path
) -> None:
    """Or the tests above would show nothing."""
    address, called = canary
    page = await browser.new_page()
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    (tmp_path / "page.html").write_bytes(payloads(address)["html"])

    await page.goto(f"file://{tmp_path}/page.html")
    for _ in range(100):
        if called:
            break
        await asyncio.sleep(0.05)

    assert await page.title() == "ran"
    assert called
