"""The wall, the lightbox, the list: finding things again."""

from __future__ import annotations

import re

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import Guard
from tests.browser.steps import SMALL, choose, hold
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROMPTS = ("a heron at dawn", "a lighthouse at dusk", "a fox in the snow")


@pytest_asyncio.fixture(loop_scope="session")
async def hung(studio: Studio) -> Studio:
    """Three pictures, the fox being the newest."""
    for prompt in PROMPTS:
        job = await studio.generate(prompt, model="sketch", parameters=SMALL)
        assert job["status"] == "completed"
    return studio


async def test_the_keyboard_walks_stars_deletes_and_undoes(hung: Studio, page: Page) -> None:
    await page.goto(f"{hung.url}/gallery")
    tiles = page.locator("[data-asset]")
    await expect(tiles).to_have_count(3)
    await tiles.first.focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("link", name=PROMPTS[1])).to_be_focused()
    await page.keyboard.press(".")
    await expect(page.get_by_role("button", name="Star", pressed=True)).to_have_count(1)

    await page.keyboard.press("Delete")
    await expect(tiles).to_have_count(2)
    await page.get_by_role("button", name="Undo").click()
    await expect(tiles).to_have_count(3)

    await page.get_by_role("button", name="Starred").click()
    await expect(tiles).to_have_count(1)
    await expect(page).to_have_url(re.compile("starred=true"))


async def test_delete_means_the_picture_that_has_the_focus(hung: Studio, page: Page) -> None:
    await page.goto(f"{hung.url}/gallery")
    tiles = page.locator("[data-asset]")
    await expect(tiles).to_have_count(3)
    lighthouse = page.get_by_role("link", name=PROMPTS[1])
    await tiles.first.focus()
    await page.keyboard.press("ArrowRight")
    await expect(lighthouse).to_be_focused()
    await hung.generate("a new one in front of it", model="sketch", parameters=SMALL)
    await expect(tiles).to_have_count(4)
    await page.keyboard.press("Delete")
    await expect(lighthouse).to_have_count(0)
    await expect(tiles).to_have_count(3)
    await expect(page.get_by_role("link", name=PROMPTS[0])).to_be_focused()

    # Also when it is one of its buttons that has it.
    await tiles.nth(1).hover()
    await page.get_by_role("button", name="Star", exact=True).nth(1).click()
    await page.keyboard.press("Delete")
    await expect(page.get_by_role("link", name=PROMPTS[2])).to_have_count(0)
    await expect(tiles).to_have_count(2)


async def test_what_is_deleted_can_be_undone_wherever_it_was_deleted(
    studio: Studio, page: Page
) -> None:
    await studio.generate("the only heron", model="sketch", parameters=SMALL)
    await page.goto(f"{studio.url}/gallery")
    await page.get_by_role("link", name="the only heron").click()
    await expect(page.get_by_role("complementary", name="Facts")).to_contain_text("the only heron")
    deleted = await hold(page, "**/api/assets/*")
    await page.keyboard.press("Delete")
    await expect(page.get_by_text("Your pictures will hang here.")).to_be_visible()
    deleted.set()  # the page it was deleted on has closed by now
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("link", name="the only heron")).to_be_visible()


async def test_each_of_many_deletions_can_be_undone(hung: Studio, page: Page) -> None:
    await hung.generate("a first one", model="sketch", parameters=SMALL)
    await page.goto(f"{hung.url}/gallery")
    tiles = page.locator("[data-asset]")
    await expect(tiles).to_have_count(4)
    undo = page.get_by_role("button", name="Undo")
    await tiles.first.focus()
    for _ in range(3):
        await page.keyboard.down("Delete")  # held down: one picture
    await page.keyboard.up("Delete")
    await expect(undo).to_have_count(1)
    await expect(tiles).to_have_count(3)
    await undo.hover()  # so that its time does not run out on a busy machine
    for left in (2, 1, 0):
        await page.keyboard.press("Delete")
        await expect(tiles).to_have_count(left)
    await expect(undo).to_have_count(4)
    await undo.first.click()
    await expect(page.get_by_role("link", name="a first one")).to_be_visible()


async def test_a_restoration_that_fails_says_so(hung: Studio, page: Page, guard: Guard) -> None:
    guard.allow("net::ERR_")
    await page.goto(f"{hung.url}/gallery")
    await page.locator("[data-asset]").first.focus()
    await page.keyboard.press("Delete")
    await page.route("**/restore", lambda route: route.abort())
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text("Not restored.")


async def test_the_lightbox_walks_zooms_and_returns_to_its_place(hung: Studio, page: Page) -> None:
    await page.goto(f"{hung.url}/gallery")
    await page.get_by_role("link", name=PROMPTS[2]).click()
    facts = page.get_by_role("complementary", name="Facts")
    await expect(facts).to_contain_text(PROMPTS[2])
    await page.keyboard.press("ArrowRight")
    await expect(facts).to_contain_text(PROMPTS[1])
    await page.keyboard.press("z")
    await expect(page.get_by_role("region", name="Picture in full size")).to_be_visible()
    await page.keyboard.press("z")
    await page.keyboard.press("i")
    await expect(facts).to_be_hidden()
    await page.keyboard.press("i")
    async with page.expect_download() as download:
        await page.keyboard.press("d")
    assert (await download.value).suggested_filename
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("link", name=PROMPTS[1])).to_be_focused()


async def test_a_link_to_a_picture_opens_it(hung: Studio, page: Page) -> None:
    assets = (await hung.client.get("/api/assets")).json()["items"]
    await page.goto(f"{hung.url}/i/{assets[-1]['id']}")
    await expect(page.get_by_role("heading", name=PROMPTS[0])).to_be_visible()
    await page.get_by_role("link", name="Use this prompt").click()
    await expect(page.get_by_role("textbox", name="Prompt")).to_have_value(PROMPTS[0])
    await expect(page).to_have_url(f"{hung.url}/")


async def test_searching_the_wall_and_finding_nothing(hung: Studio, page: Page) -> None:
    await page.goto(f"{hung.url}/gallery")
    await page.get_by_role("searchbox", name="Search pictures").fill("lighthouse")
    await expect(page.locator("[data-asset]")).to_have_count(1)
    await page.get_by_role("searchbox", name="Search pictures").fill("submarine")
    await expect(page.get_by_text("Nothing matches submarine")).to_be_visible()
    await page.get_by_role("button", name="Clear filters").click()
    await expect(page.locator("[data-asset]")).to_have_count(3)


async def test_the_wall_has_what_was_made_while_nobody_looked(studio: Studio, page: Page) -> None:
    async with page.expect_response("**/api/events"):
        await page.goto(f"{studio.url}/gallery")
    await expect(page.get_by_text("Your pictures will hang here.")).to_be_visible()
    await page.evaluate("dispatchEvent(new Event('pagehide'))")
    await studio.generate("made meanwhile", model="sketch", parameters=SMALL)
    await page.evaluate("dispatchEvent(new Event('pageshow'))")
    await expect(page.get_by_role("link", name="made meanwhile")).to_be_visible()


async def test_a_picture_that_did_not_load_is_tried_again(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("net::ERR_")
    await studio.generate("a heron", model="sketch", parameters=SMALL)
    await page.route("**/media/**", lambda route: route.abort())
    async with page.expect_event("requestfailed"):
        await page.goto(f"{studio.url}/gallery")
    await page.unroute("**/media/**")
    picture = page.locator("[data-asset] img")
    await expect(picture).to_have_js_property("complete", True)
    assert await picture.evaluate("image => image.naturalWidth") > 0


async def test_the_history_is_filtered_in_the_address(hung: Studio, page: Page) -> None:
    await page.goto(f"{hung.url}/history?status=completed")
    rows = page.locator("tr[data-job]")
    await expect(rows).to_have_count(3)
    await page.get_by_role("searchbox", name="Search prompts").fill("fox")
    await expect(rows).to_have_count(1)
    await expect(page).to_have_url(re.compile("q=fox"))
    await page.reload()
    await expect(rows).to_have_count(1)
    await choose(page, "State", "Failed")
    await expect(page.get_by_text("Nothing matches fox")).to_be_visible()


async def test_a_long_wall_keeps_few_tiles(studio: Studio, page: Page) -> None:
    """The page is bounded by the window, not by the collection."""
    job = await studio.generate("a fox", model="sketch", parameters=SMALL)
    asset = (await studio.client.get("/api/assets")).json()["items"][0]
    many = [asset | {"id": f"{i:08d}-0000-7000-8000-000000000000"} for i in range(3000)]

    async def pages(route, request) -> None:  # type: ignore[no-untyped-def]
        start = int(re.search(r"cursor=(\d+)", request.url)[1]) if "cursor" in request.url else 0
        end = start + 500
        body = {
            "items": many[start:end],
            "next_cursor": str(end) if end < len(many) else None,
            "total_estimate": len(many),
        }
        await route.fulfill(json=body)

    await page.route("**/api/assets?*", pages)
    await page.goto(f"{studio.url}/gallery")
    tiles = page.locator("[data-asset]")
    await expect(tiles.first).to_be_visible()
    for _ in range(10):
        await page.mouse.wheel(0, 6000)
        await page.wait_for_timeout(60)
        assert 0 < await tiles.count() <= 120
    assert job["status"] == "completed"
