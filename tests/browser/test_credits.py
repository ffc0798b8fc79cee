"""Credits where a person meets them: the pill, the refusal, the entries, a job's receipt."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Guard, OpenPage, shifted, violations
from tests.browser.steps import FLUX, choose, choose_model, finished, send
from tests.fakes.server import Plan
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def limit(studio: Studio, given: int = 0) -> str:
    """From now on the owner pays with what is granted here. Returns who that is."""
    user = str((await studio.client.get("/api/me")).json()["id"])
    account = f"/api/admin/accounts/{user}"
    answer = await studio.client.put(account, json={"unlimited": False})
    assert answer.status_code == 200, answer.text
    if given:
        grant = {"user": user, "credits": given, "reference": "a test"}
        answer = await studio.client.post("/api/admin/grants", json=grant)
        assert answer.status_code == 201, answer.text
    return user


async def test_the_pill_moves_from_available_to_held_to_charged(studio: Studio, page: Page) -> None:
    await limit(studio, 10)
    studio.provider_api.plan = Plan(latency_s=30)
    await page.goto(studio.url)
    await expect(page.get_by_role("button", name="10 credits available")).to_be_visible()
    await choose_model(page, FLUX)
    turn = await send(page, "a slow boat")
    held = page.get_by_role("button", name="9 credits available, 1 credit set aside")
    await expect(held).to_be_visible()
    await turn.get_by_role("button", name="Cancel").click()
    await expect(
        page.get_by_role("button", name="10 credits available", exact=True)
    ).to_be_visible()

    studio.provider_api.plan = Plan()
    await turn.get_by_role("button", name="Run again").click()
    await finished(page.get_by_role("article").nth(1))
    await expect(page.get_by_role("button", name="9 credits available", exact=True)).to_be_visible()
    assert await shifted(page) <= 0.05


async def test_the_stream_alone_moves_the_pill(studio: Studio, page: Page, guard: Guard) -> None:
    """Nothing is asked for each event: the balance once at first, and once after a burst."""
    guard.allow("net::ERR_")
    await limit(studio, 10)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(studio.url)
    await expect(page.get_by_role("button", name="10 credits available")).to_be_visible()
    await page.route("**/api/credits", lambda route: route.abort())
    await studio.client.post("/api/admin/queue/sketch/pause", json={"seconds": 300})
    for _ in range(9):
        await studio.submit("a heron", model="sketch", parameters={"width": 64, "height": 64})
    await expect(page.get_by_role("button", name="1 credit available")).to_be_visible()
    assert sum(url.endswith("/api/credits") for url in asked) <= 4


async def test_who_is_short_of_credits_reads_it_in_place_and_loses_nothing(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("status of 402")
    await limit(studio, 3)
    await page.goto(studio.url)
    await choose_model(page, FLUX)
    await choose(page, "Number", "×4")
    prompt = page.get_by_role("textbox", name="Prompt")
    await prompt.fill("four boats on a grey sea")
    await expect(page.get_by_text("4 credits, you have 3")).to_be_visible()
    await prompt.press("Enter")

    said = page.get_by_role("alert")
    await expect(said).to_contain_text("Not enough credits")
    await expect(said).to_contain_text("This needs 4, you have 3.")
    await expect(prompt).to_have_value("four boats on a grey sea")
    await expect(page.get_by_role("article")).to_have_count(0)
    assert await violations(page) == []

    await page.get_by_role("button", name="Make 3").click()
    turn = page.get_by_role("article")
    await finished(turn)
    await expect(turn.get_by_role("link", name="Open picture")).to_have_count(3)
    await expect(prompt).to_have_value("")
    await expect(page.get_by_role("button", name="0 credits available", exact=True)).to_be_visible()


async def test_a_model_that_fits_is_one_press_away(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("status of 402")
    await limit(studio, 1)
    await page.goto(studio.url)
    await choose_model(page, "GPT Image 2")
    await page.get_by_role("textbox", name="Prompt").fill("a lighthouse")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Not enough credits")
    await page.get_by_role("button", name=re.compile(r"Use .* \(1 credit\)")).click()
    await finished(page.get_by_role("article"))


async def test_too_many_orders_are_sent_when_their_time_has_come(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("status of 429")
    refused: list[str | None] = []

    async def busy(route, request) -> None:  # type: ignore[no-untyped-def]
        if request.method != "POST" or refused:
            await route.continue_()
            return
        refused.append(request.post_data)
        await route.fulfill(
            status=429,
            headers={"Retry-After": "1"},
            content_type="application/problem+json",
            json={
                "type": "about:blank#rate_limited",
                "title": "Too many requests",
                "status": 429,
                "detail": "You may order 60 times a minute; the next order is taken in 1 s.",
                "code": "rate_limited",
                "errors": [],
                "retry_after": 1,
            },
        )

    await page.route("**/api/jobs", busy)
    await page.goto(studio.url)
    await page.get_by_role("textbox", name="Prompt").fill("a kite in a hurry")
    await expect(page.get_by_role("button", name="Send")).to_be_enabled()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Too many requests")
    await expect(page.get_by_text(re.compile(r"Sent again in \d+ s\."))).to_be_visible()
    await finished(page.get_by_role("article"))
    await expect(page.get_by_role("textbox", name="Prompt")).to_have_value("")


@pytest.mark.parametrize("width", [1280, 390])
async def test_every_entry_is_listed_and_leads_to_its_job(
    studio: Studio, open_page: OpenPage, page: Page, width: int
) -> None:
    await limit(studio, 10)
    await studio.generate("a heron", model="sketch", parameters={"width": 64, "height": 64})
    studio.provider_api.plan = Plan(fault="refused")
    await studio.generate("something rude", model="openai/flux-schnell")
    page = await open_page(width, 844)
    await page.goto(f"{studio.url}/credits")
    entries = page.get_by_role("table").locator("tbody tr")
    await expect(entries).to_have_count(5)
    for place, texts in enumerate(
        [
            ("Given back", "You were not charged", "something rude", "+1", "9"),
            ("Set aside", "something rude", "−1", "8"),
            ("Paid 1 credit", "a heron", "9"),
            ("Set aside", "a heron", "−1", "9"),
            ("Granted", "+10", "10"),
        ]
    ):
        for text in texts:
            await expect(entries.nth(place)).to_contain_text(text)
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert await shifted(page) <= 0.05

    await entries.nth(0).get_by_role("link", name="something rude").click()
    await expect(page.locator("tr[data-job]")).to_have_count(1)
    receipt = page.get_by_role("region", name="Receipt")
    await expect(receipt).to_contain_text("Quoted1")
    await expect(receipt).to_contain_text("Given back1")
    await expect(receipt).to_contain_text("Charged0")
    await expect(receipt).to_contain_text("Nothing was delivered, so nothing is charged.")
    await page.get_by_role("link", name="All jobs").click()
    await expect(page.locator("tr[data-job]")).to_have_count(2)


async def test_a_long_ledger_comes_page_by_page(studio: Studio, page: Page) -> None:
    user = await limit(studio)
    for number in range(60):
        grant = {
            "user": user,
            "credits": 1,
            "reference": f"order {number}",
            "note": f"No. {number}",
        }
        answer = await studio.client.post("/api/admin/grants", json=grant)
        assert answer.status_code == 201
    await page.goto(f"{studio.url}/credits")
    entries = page.get_by_role("table").locator("tbody tr")
    await expect(entries.first).to_contain_text("No. 59")
    await entries.last.scroll_into_view_if_needed()
    await expect(entries).to_have_count(60)
    await expect(entries.last).to_contain_text("No. 0")


async def test_a_reused_picture_says_that_it_cost_nothing_and_why(
    studio: Studio, page: Page
) -> None:
    order = {"model": "sketch", "parameters": {"width": 64, "height": 64, "seed": 1}}
    await studio.generate("a red kite", **order)
    await studio.generate("a red kite", **order)
    await page.goto(f"{studio.url}/history")
    row = page.locator("tr[data-job]").first
    await row.get_by_role("button", name="Open “").click()
    receipt = page.get_by_role("region", name="Receipt")
    await expect(receipt).to_contain_text("Charged0")
    await expect(receipt).to_contain_text("An earlier result of yours was served again")


async def test_the_facts_of_a_picture_say_what_it_cost(studio: Studio, page: Page) -> None:
    small = {"width": 64, "height": 64}
    job = await studio.generate("a red kite", model="sketch", parameters=small)
    await page.goto(f"{studio.url}/i/{job['outputs'][0]['asset']['id']}")
    facts = page.get_by_role("complementary", name="Facts")
    await expect(facts).to_contain_text("What it cost")
    await expect(facts).to_contain_text("Charged1")
    assert await violations(page) == []


async def test_waiting_jobs_say_where_they_stand_until_they_start(
    studio: Studio, page: Page
) -> None:
    """The lane is paused, so all three wait; resumed, their places are told no more."""
    lane = "/api/admin/queue/openai"
    await studio.generate("how fast it is", model="openai/flux-schnell")
    await studio.client.post(f"{lane}/pause", json={"seconds": 300})
    await page.goto(studio.url)
    await choose_model(page, FLUX)
    turns = [await send(page, prompt) for prompt in ("a heron", "a fox", "a boat")]
    for turn, place in zip(turns, ("Next in line", "2nd in line", "3rd in line"), strict=True):
        await expect(turn).to_contain_text(f"{place}, about 5 min")
    await page.get_by_role("button", name="3 waiting").click()
    await expect(page.get_by_role("dialog", name="Running now")).to_contain_text("3rd in line")
    assert await violations(page) == []
    said = await page.locator("[role=status]").all_inner_texts()
    assert not any("in line" in words for words in said)

    await studio.client.post(f"{lane}/resume")
    for turn in turns:
        await finished(turn)
        await expect(turn).not_to_contain_text("in line")
    await expect(page.get_by_role("button", name="waiting")).to_have_count(0)
    assert await shifted(page) <= 0.01  # a turn that ends moves none of those below it


@pytest.mark.parametrize("width", [1280, 390])
async def test_the_credits_page_has_no_barrier(
    studio: Studio, open_page: OpenPage, page: Page, width: int
) -> None:
    page = await open_page(width, 844)
    await page.goto(f"{studio.url}/credits")
    await expect(page.get_by_text("Nothing was granted or used yet.")).to_be_visible()
    found = [await violations(page)]
    await limit(studio, 10)
    await studio.generate("a heron", model="sketch", parameters={"width": 64, "height": 64})
    await page.reload()
    await expect(page.get_by_role("table").locator("tbody tr")).to_have_count(3)
    found.append(await violations(page))
    await page.get_by_role("button", name="9 credits available").click()
    await expect(page.get_by_role("dialog", name="Credits")).to_be_visible()
    found.append(await violations(page))
    assert not any(found), found
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert await shifted(page) <= 0.05
    await expect(page).to_have_title("Credits · Safelight")
