"""What a person does in the studio, by the names they see."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from playwright.async_api import Locator, Page, Route, expect

SMALL: dict[str, Any] = {"width": 192, "height": 128}
FLUX = "flux-schnell"  # served by the fake provider: it fails and waits as a test asks


async def send(page: Page, prompt: str) -> Locator:
    """Write a prompt and send it. Returns its turn."""
    before = await page.get_by_role("article").count()
    await page.get_by_role("textbox", name="Prompt").fill(prompt)
    # It can be sent once the models are known.
    await expect(page.get_by_role("button", name="Send")).to_be_enabled()
    await page.get_by_role("textbox", name="Prompt").press("Enter")
    turns = page.get_by_role("article")
    await expect(turns).to_have_count(before + 1)
    return turns.nth(before)


async def choose_model(page: Page, name: str) -> None:
    await choose(page, "Model", name)
    await expect(page.get_by_role("button", name=f"Model: {name}")).to_be_visible()


async def choose(page: Page, label: str, choice: str) -> None:
    """Open a picker and take one of its choices."""
    await page.get_by_role("button", name=f"{label}: ").click()
    await page.get_by_role("dialog", name=label).get_by_text(choice, exact=True).click()


async def finished(turn: Locator) -> None:
    await expect(turn).to_have_attribute("data-status", "completed", timeout=30_000)


async def shown(turn: Locator, count: int = 1) -> None:
    """Its pictures are really drawn, not only mentioned."""
    images = turn.get_by_role("link", name="Open picture").locator("img")
    await expect(images).to_have_count(count)
    for i in range(count):
        await expect(images.nth(i)).to_have_js_property("complete", True)
        width = await images.nth(i).evaluate("image => image.naturalWidth")
        assert width > 0


async def hold(page: Page, address: str) -> asyncio.Event:
    """The server answers what is asked at this address; the page hears it once this is set."""
    heard = asyncio.Event()

    async def wait(route: Route) -> None:
        answer = await route.fetch()
        await heard.wait()
        await route.fulfill(response=answer)

    await page.route(address, wait)
    return heard


async def show(page: Page, *jobs: dict[str, Any]) -> None:
    """Create finds these jobs, whatever the server has."""

    async def answer(route: Route) -> None:
        feed = await route.fetch()
        await route.fulfill(json=await feed.json() | {"items": jobs, "next_cursor": None})

    await page.route(re.compile(r"/api/jobs\?limit=6"), answer)
