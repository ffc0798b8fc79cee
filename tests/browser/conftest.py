"""A Chromium to drive, a built studio, and pages that fail the test over any console message."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import hatch_build
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.studio import Studio

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "src" / "safelight" / "static"
AXE = ROOT / "studio" / "node_modules" / "axe-core" / "axe.min.js"

# Adds up what moved without being asked to, over the whole life of a page.
_WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) window.shifts.push({
      value: entry.value,
      what: entry.sources.map((s) => (s.node?.outerHTML ?? String(s.node?.nodeName)).slice(0, 160)),
    });
  }
}).observe({ type: "layout-shift", buffered: true });
"""


def find_chromium() -> str | None:
    """$SAFELIGHT_CHROMIUM, the system's, or Playwright's own if it was ever installed. The one that
    cannot have a window is the same browser for a page, and a third cheaper."""
    if given := os.environ.get("SAFELIGHT_CHROMIUM"):
        return given
    names = (
        *("chromium-headless-shell", "chromium", "chromium-browser"),
        *("google-chrome", "google-chrome-stable"),
    )
    for name in names:
        if found := shutil.which(name):
            return found
    own = sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"))
    return str(own[-1]) if own else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(item.path).is_relative_to(Path(__file__).parent)]
    chromium = find_chromium()
    for item in here:
        if "page" not in getattr(item, "fixturenames", ()):
            continue
        item.add_marker(pytest.mark.browser)
        if chromium is None:
            reason = "no Chromium: install one, or name it in SAFELIGHT_CHROMIUM"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def built_studio() -> Path:
    """The pages as a user gets them."""
    try:
        hatch_build.build_studio(ROOT)
    except SystemExit as reason:
        pytest.skip(str(reason))
    return STATIC


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(cluster: Cluster) -> AsyncIterator[str]:
    url = await cluster.clone()
    yield url
    await cluster.drop(url)


@pytest_asyncio.fixture(loop_scope="session")
async def studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    async with Studio.open(database_url, tmp_path, provider_api) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        yield chromium
        await chromium.close()


class Guard:
    """Collects what a page complains about. `allow` names what a test provokes on purpose."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.allowed: list[str] = []

    def allow(self, pattern: str) -> None:
        self.allowed.append(pattern)

    def watch(self, page: Page) -> None:
        page.on("console", lambda message: self.heard.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.heard.append(f"error: {error}"))

    def complaints(self) -> list[str]:
        return [
            text for text in self.heard if not any(re.search(one, text) for one in self.allowed)
        ]


@pytest.fixture
def guard() -> Guard:
    return Guard()


expect.set_options(timeout=15_000)  # a condition, not a measurement: busy machines are slow

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OpenPage = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, guard: Guard) -> AsyncIterator[OpenPage]:
    """A page of its own context: `await open_page(width=390, dark=True)`."""
    contexts = []

    async def opened(
        width: int = 1280, height: int = 800, *, dark: bool = False, **options: Any
    ) -> Page:
        phone = width < 700
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            has_touch=phone,
            is_mobile=phone,
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        await context.add_init_script(_WATCH_SHIFTS)
        context.on("page", guard.watch)
        return await context.new_page()

    yield opened
    for context in contexts:
        with contextlib.suppress(Exception):
            await context.close()
    assert guard.complaints() == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: OpenPage) -> Page:
    return await open_page()


async def shifted(page: Page) -> float:
    """The layout shift so far. The parts that moved are in the failure's text."""
    shifts = await page.evaluate("window.shifts")
    if total := sum(shift["value"] for shift in shifts):
        print("layout shifts:", shifts)
    return float(total)


async def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA, and against contrast in the other theme too."""
    await page.evaluate(AXE.read_text())
    found = await _axe(page, {"type": "tag", "values": WCAG})
    was = await page.locator("html").get_attribute("data-theme")
    for theme in ("dark", "light") if was == "light" else ("light", "dark"):
        await page.emulate_media(color_scheme=theme)
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        if theme != was:
            found += await _axe(page, {"type": "rule", "values": ["color-contrast"]})
    await _rest(page)
    return found


async def _axe(page: Page, run_only: dict[str, Any]) -> list[str]:
    await _rest(page)
    found = await page.evaluate("only => axe.run(document, {runOnly: only})", run_only)
    theme = await page.locator("html").get_attribute("data-theme")
    return [
        f"{theme}: {rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


async def _rest(page: Page) -> None:
    """Half-faded things have half the contrast; people see them when they are there."""
    await page.evaluate(
        """() => Promise.all(document.getAnimations()
          .filter((one) => one.effect.getTiming().iterations !== Infinity)
          .map((one) => one.finished.catch(() => undefined))).then(() => undefined)"""
    )
