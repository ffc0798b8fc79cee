"""Panels at their buttons: what opens them, what closes them, and where the focus goes."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import shifted
from tests.browser.steps import hold
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_panel_asked_for_before_it_is_there_opens_when_it_comes(
    studio: Studio, page: Page
) -> None:
    comes = await hold(page, "**/assets/Popup-*.js")
    await page.goto(studio.url)
    button = page.get_by_role("button", name="Number: ")
    await button.click()
    await expect(button).to_have_attribute("aria-expanded", "true")
    comes.set()
    await expect(page.get_by_role("dialog", name="Number")).to_be_visible()
    await expect(page.get_by_role("radio", name="×1")).to_be_focused()
    assert await shifted(page) <= 0.05


async def test_a_panel_is_left_as_if_it_stood_at_its_button(studio: Studio, page: Page) -> None:
    await page.goto(studio.url)
    button, panel = (
        page.get_by_role("button", name="Number: "),
        page.get_by_role("dialog", name="Number"),
    )
    chosen = page.get_by_role("radio", name="×1")

    await button.press("Enter")
    await expect(chosen).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(panel).to_be_hidden()
    await expect(page.get_by_role("button", name="More options")).to_be_focused()

    for way in ("Shift+Tab", "Escape", "Enter"):
        await button.press("Enter")
        await expect(chosen).to_be_focused()
        await page.keyboard.press(way)
        await expect(panel).to_be_hidden()
        await expect(button).to_be_focused()


async def test_a_panel_closes_at_its_button_and_beside_it(studio: Studio, page: Page) -> None:
    await page.goto(studio.url)
    button, panel = (
        page.get_by_role("button", name="Number: "),
        page.get_by_role("dialog", name="Number"),
    )
    prompt = page.get_by_role("textbox", name="Prompt")

    for beside in (button, prompt):
        await button.click()
        await expect(panel).to_be_visible()
        await beside.click()
        await expect(panel).to_be_hidden()
        await expect(button).to_have_attribute("aria-expanded", "false")
        await expect(beside).to_be_focused()

    more = page.get_by_role("button", name="More options")
    await more.click()
    await page.get_by_role("button", name="Style: ").click()
    await page.get_by_role("dialog", name="Style").get_by_text("None").click()
    await expect(page.get_by_role("dialog", name="Style")).to_be_hidden()
    await expect(page.get_by_role("dialog", name="More options")).to_be_visible()
    await expect(page.get_by_role("button", name="Style: ")).to_be_focused()
