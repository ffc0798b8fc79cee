"""What an administrator does in the browser: lanes, dead letters, other people's credits."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import Guard, OpenPage, shifted, violations
from tests.browser.steps import choose
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = ("/admin/queue", "/admin/dead-letters", "/admin/accounts")


@pytest_asyncio.fixture(loop_scope="session")
async def studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """Here a job is tried once: these tests are about what comes after."""
    async with Studio.open(database_url, tmp_path, provider_api, attempts_max=1) as made:
        yield made


async def bury(studio: Studio, *prompts: str) -> list[str]:
    """Let jobs fail through the provider's fault. Returns them, oldest first."""
    studio.provider_api.plan = Plan(fault="server_error")
    buried = []
    for prompt in prompts:
        job = await studio.generate(prompt, model="openai/flux-schnell")
        assert job["status"] == "failed"
        buried.append(str(job["id"]))
    studio.provider_api.plan = Plan()
    await studio.client.post("/api/admin/queue/openai/resume")
    return buried


async def test_a_lane_is_paused_with_a_reason_and_resumed(studio: Studio, page: Page) -> None:
    await page.goto(f"{studio.url}/admin")
    await expect(page).to_have_url(f"{studio.url}/admin/queue")
    await expect(page).to_have_title("Queue · Safelight")
    lane = page.locator("tr[data-lane=openai]")
    await expect(lane).to_contain_text("Ready")
    await lane.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Pause openai")
    await dialog.get_by_role("textbox", name="Why").fill("Their status page is red.")
    await dialog.get_by_role("button", name="Pause").click()
    await expect(dialog).to_be_hidden()
    await expect(lane).to_contain_text("Paused until resumed")
    await expect(lane).to_contain_text("Their status page is red.")

    job = await studio.submit("a heron", model="openai/flux-schnell")
    await expect(lane.locator("td[data-label=Waiting]")).to_have_text("1")
    await lane.get_by_role("button", name="Resume").click()
    await expect(lane).to_contain_text("Ready")
    assert (await studio.ended(job))["status"] == "completed"


async def test_a_lane_that_is_left_alone_says_why_and_what_went_wrong(
    studio: Studio, page: Page
) -> None:
    studio.provider_api.plan = Plan(fault="server_error")
    for number in range(5):
        await studio.generate(f"boat {number}", model="openai/flux-schnell")
    await page.goto(f"{studio.url}/admin/queue")
    lane = page.locator("tr[data-lane=openai]")
    await expect(lane).to_contain_text(re.compile("Left alone|One job tries it again"))
    await lane.get_by_role("button", name="Open openai").click()
    await expect(page.get_by_role("heading", name="Latest errors")).to_be_visible()
    await expect(page.get_by_text("The provider had a problem").first).to_be_visible()
    assert await violations(page) == []


async def test_a_dead_letter_is_looked_at_replayed_and_completes(
    studio: Studio, page: Page
) -> None:
    (buried,) = await bury(studio, "a boat that sinks")
    await page.goto(f"{studio.url}/admin/dead-letters")
    letter = page.locator(f"tr[data-letter='{buried}']")
    await expect(letter).to_contain_text("The provider had a problem")
    await expect(letter).to_contain_text("a boat that sinks")
    await letter.get_by_role("button", name="Open “a boat").click()
    await expect(page.get_by_text("Attempt 1", exact=True)).to_be_visible()
    await expect(page.get_by_role("heading", name="Asked of the provider")).to_be_visible()

    await letter.get_by_role("button", name="Replay “a boat").click()
    results = page.get_by_role("region", name="What became of them")
    await expect(results).to_contain_text("1 ordered again")
    await expect(page.get_by_text("No dead letters. Everything")).to_be_visible()
    await results.get_by_role("link", name=re.compile("^job ")).click()
    row = page.locator("tr[data-job]")
    await expect(row).to_contain_text("a boat that sinks")
    await expect(row).to_contain_text("Done", timeout=20_000)


async def test_many_letters_are_dealt_with_at_once_and_each_is_told(
    studio: Studio, page: Page
) -> None:
    prompts = ("boat one", "boat two", "boat three")
    buried = await bury(studio, *prompts)
    await page.goto(f"{studio.url}/admin/dead-letters")
    letters = page.locator("tr[data-letter]")
    await expect(letters).to_have_count(3)
    await page.get_by_role("checkbox", name="Choose “boat one”").check()
    await page.get_by_role("checkbox", name="Choose “boat two”").check()
    # Somebody else was quicker with one of them.
    await studio.client.post(f"/api/admin/dead-letters/{buried[0]}/replay")
    chosen = page.get_by_role("region", name="Chosen dead letters")
    await expect(chosen).to_contain_text("2 chosen")
    await chosen.get_by_role("button", name="Replay").click()
    results = page.get_by_role("region", name="What became of them")
    await expect(results).to_contain_text("1 ordered again, 1 not")
    await expect(results.get_by_role("listitem").filter(has_text="boat one")).to_contain_text(
        "Already finished"
    )
    await expect(letters).to_have_count(1)


async def test_discarding_asks_first(studio: Studio, page: Page) -> None:
    await bury(studio, "a boat that sinks")
    await page.goto(f"{studio.url}/admin/dead-letters")
    await page.get_by_role("checkbox", name="All that are shown").check()
    chosen = page.get_by_role("region", name="Chosen dead letters")
    await chosen.get_by_role("button", name="Discard").click()
    dialog = page.get_by_role("dialog", name="Discard this dead letter?")
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Keep").click()
    await expect(page.locator("tr[data-letter]")).to_have_count(1)

    await chosen.get_by_role("button", name="Discard").click()
    await dialog.get_by_role("button", name="Discard").click()
    await expect(page.get_by_role("region", name="What became of them")).to_contain_text(
        "1 discarded"
    )
    await choose(page, "State", "Discarded")
    await expect(page).to_have_url(re.compile("state=discarded"))
    await expect(page.locator("tr[data-letter][data-state=discarded]")).to_have_count(1)


async def test_credits_are_granted_once_for_one_reference(studio: Studio, page: Page) -> None:
    await page.goto(f"{studio.url}/admin/accounts")
    row = page.locator("tr[data-user]")
    switch = row.get_by_role("switch", name="Unlimited credits for You")
    await expect(switch).to_be_checked()
    await switch.click()
    await expect(switch).not_to_be_checked()
    await expect(page.get_by_role("button", name="0 credits available")).to_be_visible()

    await row.get_by_role("button", name="Grant credits to You").click()
    dialog = page.get_by_role("dialog", name="Credits for You")
    assert await violations(page) == []
    for said in ("Granted 25 credits. Available now: 25.", "This reference was used before"):
        await dialog.get_by_role("textbox", name="Credits").fill("25")
        await dialog.get_by_role("textbox", name="Reference").fill("order 17")
        await dialog.get_by_role("button", name="Grant").click()
        await expect(dialog).to_contain_text(said)
    await dialog.get_by_role("textbox", name="Fill up to").fill("30")
    await dialog.get_by_role("button", name="Save").click()
    await dialog.get_by_role("button", name="Close").click()
    await expect(row.locator("td[data-label=Allowance]")).to_have_text("30 a day")
    await expect(page.get_by_role("button", name="30 credits available")).to_be_visible()


async def test_only_an_administrator_is_led_there(studio: Studio, page: Page, guard: Guard) -> None:
    guard.allow("status of 403")
    me = (await studio.client.get("/api/me")).json()
    await page.route("**/api/me", lambda route: route.fulfill(json=me | {"role": "user"}))
    await page.route(
        "**/api/admin/**",
        lambda route: route.fulfill(
            status=403,
            content_type="application/problem+json",
            json={
                "type": "about:blank#forbidden",
                "title": "This is not allowed",
                "status": 403,
                "detail": "This is for administrators.",
                "code": "forbidden",
                "errors": [],
            },
        ),
    )
    await page.goto(f"{studio.url}/admin/accounts")
    await expect(page.get_by_text("This is for administrators.")).to_be_visible()
    rail = page.get_by_role("navigation", name="Pages")
    await expect(rail.get_by_role("link", name="Credits")).to_be_visible()
    await expect(rail.get_by_role("link", name="Admin")).to_have_count(0)


async def test_the_pages_are_reached_without_a_pointer(studio: Studio, page: Page) -> None:
    await page.goto(f"{studio.url}/gallery")
    link = page.get_by_role("link", name="Admin", exact=True)
    await link.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Queue")
    await expect(page.get_by_role("main")).to_be_focused()


@pytest.mark.parametrize("width", [1280, 390])
async def test_no_barrier_no_shift_no_sideways_scroll(
    studio: Studio, open_page: OpenPage, page: Page, width: int
) -> None:
    page = await open_page(width, 844)
    await page.goto(f"{studio.url}/admin/dead-letters")
    await expect(page.get_by_text("No dead letters. Everything")).to_be_visible()
    found = {"empty": await violations(page)}
    await bury(studio, "a boat that sinks in a sea with a very long name")
    await studio.client.post("/api/admin/queue/openai/pause", json={"why": "A test."})
    for route in PAGES:
        await page.goto(studio.url + route)
        await expect(page.get_by_role("table").locator("tbody tr").first).to_be_visible()
        closed = page.get_by_role("main").get_by_role("button", name=re.compile("^Open "))
        while await closed.count():
            await closed.first.click()
        await expect(page.locator("[aria-busy=true]")).to_have_count(0)
        found[route] = await violations(page)
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert await shifted(page) <= 0.05, route
    assert not any(found.values()), found
