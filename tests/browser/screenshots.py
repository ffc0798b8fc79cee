"""Takes the README's pictures of the studio, from a running server.

    safelight serve --port 8000 --data-dir /tmp/shots &
    python -m tests.browser.screenshots http://127.0.0.1:8000

Orders what it shows with fixed seeds, so two runs show the same pictures. Writes docs/images/.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pyvips
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import find_chromium

IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"

# The last three are what Create shows; the others hang in the gallery.
ORDERS: list[tuple[str, int, dict[str, Any]]] = [
    ("A quiet harbour with three sailing boats at sunrise", 1, {"aspect_ratio": "16:9"}),
    ("A fox in the snow under tall pines", 1, {"aspect_ratio": "4:3"}),
    ("A bowl of ripe lemons on a blue table, late afternoon sun", 1, {"aspect_ratio": "2:3"}),
    ("A castle above a lake in autumn", 1, {"aspect_ratio": "3:2"}),
    ("Red bicycles in a spring meadow", 2, {"aspect_ratio": "16:9"}),
    ("The moon over a calm sea, dark blue night", 1, {"aspect_ratio": "3:4"}),
    ("A cottage in the mountains, winter evening, snowfall", 1, {"aspect_ratio": "3:2"}),
    ("A vase of wild flowers by a window", 2, {"aspect_ratio": "1:1"}),
    ("A yellow car on a desert road, huge sky", 1, {"aspect_ratio": "3:2"}),
    ("A heron over tin roofs in the first light", 3, {"aspect_ratio": "4:5"}),
    ("A lighthouse in a winter storm, seen from the sea at dusk", 1, {"aspect_ratio": "16:9"}),
]
# Create ends with the row of three.
ORDERS.append(ORDERS.pop(-2))


def furnish(url: str) -> None:
    with httpx2.Client(base_url=url, timeout=120, trust_env=False) as client:
        for seed, (prompt, count, size) in enumerate(ORDERS, start=11):
            parameters = {k: v for k, v in size.items() if v != "4:5"} | {"seed": seed}
            if size["aspect_ratio"] == "4:5":
                parameters |= {"width": 896, "height": 1120}
            order = {"prompt": prompt, "count": count, "model": "sketch", "reuse": "never"}
            answer = client.post("/api/jobs", json=order | {"parameters": parameters})
            job = answer.raise_for_status().json()
            while job["status"] in ("pending", "processing"):
                time.sleep(0.2)
                job = client.get(f"/api/jobs/{job['id']}").json()


def opened(browser: Browser, address: str, *, width: int, height: int, dark: bool) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2,
        color_scheme="dark" if dark else "light",
        has_touch=width < 700,
        is_mobile=width < 700,
    )
    page = context.new_page()
    page.goto(address)
    page.locator("img").first.wait_for()
    page.wait_for_load_state("load")
    # Pictures fade in; the prompt's cursor and ring are nobody's business.
    page.wait_for_timeout(1200)
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(200)
    return page


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    IMAGES.mkdir(parents=True, exist_ok=True)
    furnish(url)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        desk: dict[str, Any] = {"width": 1280, "height": 800, "dark": False}
        phone: dict[str, Any] = {"width": 390, "height": 844, "dark": False}
        shots = [
            ("create", "/", desk | {"height": 960}),
            ("create-dark", "/", desk | {"height": 960, "dark": True}),
            ("gallery", "/gallery", desk),
            ("gallery-dark", "/gallery", desk | {"dark": True}),
            ("history", "/history", desk),
            ("create-phone", "/", phone),
            ("gallery-phone-dark", "/gallery", phone | {"dark": True}),
        ]
        for name, path, how in shots:
            page = opened(browser, url + path, **how)
            shot = pyvips.Image.new_from_buffer(page.screenshot(), "")
            shot.webpsave(str(IMAGES / f"{name}.webp"), Q=84, effort=6)
            page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
