"""From the first visit to a picture, and everywhere that picture leads."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Guard, OpenPage, shifted
from tests.browser.steps import FLUX, SMALL, choose, choose_model, finished, hold, send, shown
from tests.fakes.server import Plan
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

_REMEMBER_STAGES = """
window.stages = [];
new MutationObserver(() => {
  for (const strong of document.querySelectorAll('article p strong')) {
    if (window.stages.at(-1) !== strong.textContent) window.stages.push(strong.textContent);
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


async def test_from_the_first_visit_to_the_history(studio: Studio, page: Page) -> None:
    await page.add_init_script(_REMEMBER_STAGES)
    await page.goto(studio.url)
    await expect(page.get_by_role("heading", name="What should it look like?")).to_be_visible()
    await page.get_by_role("button", name="A lighthouse in a winter storm").click()
    await expect(page.get_by_role("textbox", name="Prompt")).to_be_focused()

    await page.keyboard.press("Enter")
    turn = page.get_by_role("article")
    await finished(turn)
    await shown(turn)
    assert await shifted(page) <= 0.05
    stages = await page.evaluate("window.stages")
    # Which of them a fast painter leaves long enough to be drawn is up to the machine; that each is
    # told in order is tests/journeys' to show.
    order = ["Understanding", "Refining the prompt", "Generating", "Uploading", "Finishing"]
    seen = [stage for stage in stages if stage in order]
    assert seen
    assert seen == sorted(seen, key=order.index)
    await expect(turn).to_contain_text("1024×1024")

    await page.reload()
    await shown(page.get_by_role("article"))

    await page.get_by_role("link", name="Gallery", exact=True).click()
    tile = page.locator("[data-asset]")
    await expect(tile).to_have_count(1)
    await tile.click()
    await expect(page).to_have_url(re.compile("/i/"))
    await expect(page.get_by_role("complementary", name="Facts")).to_contain_text("1024×1024")
    await page.keyboard.press("Escape")
    await expect(page).to_have_url(re.compile("/gallery$"))
    await expect(tile).to_be_focused()

    await page.get_by_role("link", name="History", exact=True).click()
    row = page.locator("tr[data-job]")
    await expect(row).to_contain_text("Done")
    await row.get_by_role("button", name="Open “").click()
    story = page.get_by_role("list", name="What happened")
    await expect(story).to_contain_text("Generating")
    await expect(story).to_contain_text("Done")


async def test_variations_appear_beside_each_other_without_moving(
    studio: Studio, page: Page
) -> None:
    studio.provider_api.plan = Plan(latency_s=0.3)
    await page.goto(studio.url)
    await choose_model(page, FLUX)
    await choose(page, "Number", "×3")
    turn = await send(page, "Three boats on a grey sea")
    await expect(turn.get_by_role("progressbar")).to_be_visible()

    await finished(turn)
    await shown(turn, 3)
    assert await shifted(page) <= 0.05


async def test_the_same_order_is_reused_and_a_new_one_is_a_click_away(
    studio: Studio, page: Page
) -> None:
    await page.goto(studio.url)
    first = await send(page, "a red kite over a hill")
    await finished(first)
    second = await send(page, "a red kite over a hill")
    await expect(second).to_contain_text("Reused, 0 credits")

    await second.get_by_role("button", name="Make a new one").click()
    third = page.get_by_role("article").nth(2)
    await finished(third)
    await expect(third).not_to_contain_text("Reused")
    assets = page.get_by_role("link", name="Open picture")
    old = await assets.nth(0).get_attribute("data-asset")
    assert await assets.nth(2).get_attribute("data-asset") != old


async def test_text_is_written_while_one_looks(studio: Studio, page: Page) -> None:
    studio.provider_api.plan = Plan(step_s=0.15)
    await page.goto(studio.url)
    await choose_model(page, "tiny-chat")
    turn = await send(page, "Say something about herons")

    # The first text loads a library, which takes seconds.
    await expect(turn).to_contain_text("You asked", timeout=60_000)
    assert await turn.get_attribute("data-status") == "processing"
    await finished(turn)
    await expect(turn).to_contain_text("word by word.")
    await expect(turn.get_by_role("button", name="Copy text")).to_be_visible()


async def test_another_tab_sees_the_job_come_up(studio: Studio, page: Page) -> None:
    other = await page.context.new_page()
    await other.goto(studio.url)
    await expect(other.get_by_role("textbox", name="Prompt")).to_be_visible()
    await page.goto(studio.url)
    await send(page, "a lighthouse at noon")

    turn = other.get_by_role("article")
    await expect(turn).to_have_count(1)
    await finished(turn)
    await shown(turn)


async def test_a_prompt_survives_a_reload_before_it_is_sent(studio: Studio, page: Page) -> None:
    await page.goto(studio.url)
    await page.get_by_role("textbox", name="Prompt").fill("half a thou")
    await page.reload()
    await expect(page.get_by_role("textbox", name="Prompt")).to_have_value("half a thou")


async def test_ones_own_words_wait_while_earlier_prompts_are_looked_at(
    studio: Studio, page: Page
) -> None:
    await page.goto(studio.url)
    prompt = page.get_by_role("textbox", name="Prompt")
    await prompt.fill("half a thou")
    await page.keyboard.press("Alt+ArrowUp")  # there are none yet
    await expect(prompt).to_have_value("half a thou")
    await send(page, "a heron")
    await expect(prompt).to_have_value("")
    await prompt.fill("half a thou")
    await page.keyboard.press("Alt+ArrowDown")
    await expect(prompt).to_have_value("half a thou")
    await page.keyboard.press("Alt+ArrowUp")
    await expect(prompt).to_have_value("a heron")
    await page.keyboard.press("Alt+ArrowDown")
    await expect(prompt).to_have_value("half a thou")

    # Changed, an earlier one is one's own.
    await page.keyboard.press("Alt+ArrowUp")
    await page.keyboard.type(" at dawn")
    await page.keyboard.press("Alt+ArrowUp")
    await page.keyboard.press("Alt+ArrowDown")
    await expect(prompt).to_have_value("a heron at dawn")


async def test_enter_counts_before_the_models_are_there(studio: Studio, page: Page) -> None:
    async def late(route, request) -> None:  # type: ignore[no-untyped-def]
        await asyncio.sleep(1)
        await route.continue_()

    await page.route("**/api/models", late)
    await page.goto(studio.url)
    await page.get_by_role("textbox", name="Prompt").fill("a heron in a hurry")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Sent as soon as the models are loaded.")).to_be_visible()
    await finished(page.get_by_role("article"))
    await expect(page.get_by_role("textbox", name="Prompt")).to_have_value("")


async def test_what_is_written_while_an_order_is_on_its_way_stays(
    studio: Studio, page: Page
) -> None:
    await page.goto(studio.url)
    heard = await hold(page, "**/api/jobs")
    await send(page, "the first thought")
    prompt = page.get_by_role("textbox", name="Prompt")
    await prompt.fill("a second thought")
    heard.set()
    await expect(page.locator("button[data-busy]")).to_have_count(0)
    await expect(prompt).to_have_value("a second thought")
    await page.reload()
    await expect(prompt).to_have_value("a second thought")


async def test_an_order_is_one_order_whoever_leaves_before_its_answer(
    studio: Studio, page: Page
) -> None:
    await page.goto(studio.url)
    heard = await hold(page, "**/api/jobs")
    turn = await send(page, "a heron in a hurry")
    pages = page.get_by_role("navigation", name="Pages")
    await pages.get_by_role("link", name="Gallery", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Gallery")

    # Back before the answer: what is sent once more is the same order.
    await pages.get_by_role("link", name="Create", exact=True).click()
    prompt = page.get_by_role("textbox", name="Prompt")
    await expect(prompt).to_have_value("a heron in a hurry")
    async with page.expect_request("**/api/jobs"):
        await prompt.press("Enter")
    await pages.get_by_role("link", name="Gallery", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Gallery")
    async with page.expect_response("**/api/jobs"):
        heard.set()
    await pages.get_by_role("link", name="Create", exact=True).click()
    await expect(prompt).to_have_value("")
    await finished(turn)
    await expect(page.get_by_role("article")).to_have_count(1)


async def test_a_new_turn_stays_when_earlier_ones_come_in(studio: Studio, page: Page) -> None:
    for i in range(8):
        await studio.generate(f"heron {i}", model="sketch", parameters=SMALL)
    earlier = await hold(page, "**/api/jobs?*cursor=*")
    await page.goto(studio.url)
    turns = page.get_by_role("article")
    await expect(turns).to_have_count(6)
    async with page.expect_request("**/api/jobs?*cursor=*"):
        await turns.first.scroll_into_view_if_needed()
    await send(page, "a heron that is new")
    earlier.set()
    await expect(turns).to_have_count(9)
    await expect(turns.last).to_contain_text("a heron that is new")
    await finished(turns.last)


async def test_a_refusal_is_told_to_whoever_has_left_the_page(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("status of 402")
    await page.goto(studio.url)
    may = asyncio.Event()

    async def refuse(route: Route) -> None:
        await may.wait()
        await route.fulfill(
            status=402,
            content_type="application/problem+json",
            json={
                "type": "about:blank",
                "title": "Not enough credits",
                "status": 402,
                "detail": "This needs 5, you have 3.",
                "code": "insufficient_credits",
                "errors": [],
            },
        )

    await page.route("**/api/jobs", refuse)
    await page.get_by_role("textbox", name="Prompt").fill("a heron")
    await expect(page.get_by_role("button", name="Send")).to_be_enabled()
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Gallery", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Gallery")
    may.set()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text("This needs 5")


async def test_a_phone_does_it_all(studio: Studio, open_page: OpenPage, page: Page) -> None:
    phone = await open_page(390, 844, dark=True)
    await phone.goto(studio.url)
    await phone.get_by_role("button", name="More options").click()
    await phone.get_by_role("textbox", name="Seed").fill("7")
    await phone.get_by_role("button", name="Close").click()
    await expect(phone.get_by_role("button", name="More options, 1 set")).to_be_visible()
    await phone.get_by_role("textbox", name="Prompt").fill("a heron")
    await phone.get_by_role("button", name="Send").click()
    turn = phone.get_by_role("article")
    await finished(turn)
    await shown(turn)
    await expect(turn).to_contain_text("seed 7")
    await turn.get_by_role("button", name="Copy prompt").click()
    message = phone.get_by_role("region", name="Messages").get_by_text("copied")
    button = phone.get_by_role("button", name="Send")
    top = (await button.bounding_box() or {})["y"]
    assert (await message.bounding_box() or {})["y"] < top - 200, "a message must not cover Send"
    assert await shifted(phone) <= 0.05
    assert await phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_auto_takes_what_one_of_the_models_takes(studio: Studio, page: Page) -> None:
    async def limited(route: Route) -> None:
        answer = await route.fetch()
        models = await answer.json()
        for model in models:
            if model["id"] != "sketch":
                model["prompt_max"] = 1000
        await route.fulfill(json=models)

    await page.route("**/api/models", limited)
    await page.goto(studio.url)
    await send(page, "word " * 300)


async def test_a_wrong_field_is_told_under_the_field(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("status of 422")
    await page.goto(studio.url)
    prompt = page.get_by_role("textbox", name="Prompt")
    await prompt.fill("word " * 1700)
    await expect(page.get_by_text("Longer than 8,000 characters: 8,500.")).to_be_visible()
    await expect(prompt).to_have_attribute("aria-invalid", "true")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article")).to_have_count(0)

    await page.route(
        "**/api/jobs",
        lambda route: route.fulfill(
            status=422,
            content_type="application/problem+json",
            json={
                "type": "about:blank",
                "title": "Some fields are wrong",
                "status": 422,
                "detail": "prompt: Too loud.",
                "code": "invalid_request",
                "errors": [{"field": "prompt", "message": "Too loud."}],
            },
        ),
    )
    await prompt.fill("A SHOUT")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Too loud.", exact=True)).to_be_visible()
    await expect(prompt).to_have_value("A SHOUT")


async def test_a_sharp_phone_is_sent_previews_and_asked_for_nothing_twice(
    studio: Studio, open_page: OpenPage, page: Page
) -> None:
    """An original is two megabytes: nine of them made the first view of a phone take for ever."""
    job = await studio.generate("a heron", model="sketch")
    assert job["outputs"][0]["asset"]["bytes"] > 500_000
    phone = await open_page(390, 844, device_scale_factor=3)
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/gallery", "/history"):
        await phone.goto(studio.url + path)
        picture = phone.locator("[data-asset] img, tr img").last
        await expect(picture).to_have_js_property("complete", True)
        assert await picture.evaluate("image => image.naturalWidth") > 0
    assert not any("/original" in url for url in asked), asked
    feeds = [url for url in asked if "/api/jobs?limit=" in url]
    assert len(feeds) == 2, feeds  # Create's, whose answer the page takes over, and the history's
