"""When it does not work: what a person reads, and the way on."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Guard, shifted
from tests.browser.steps import FLUX, SMALL, choose_model, finished, send, show, shown
from tests.fakes.server import Plan
from tests.studio import ServerProcess, Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

ERROR: dict[str, Any] = {
    "code": "provider_failure",
    "title": "The provider had a problem",
    "detail": "",
    "retryable": True,
    "charged": False,
    "provider_message": None,
}


async def test_a_running_job_is_cancelled_and_run_again(studio: Studio, page: Page) -> None:
    studio.provider_api.plan = Plan(latency_s=30)
    await page.goto(studio.url)
    await choose_model(page, FLUX)
    turn = await send(page, "a slow boat")
    await expect(turn).to_contain_text("Generating")
    await expect(page.get_by_role("button", name="1 running")).to_be_visible()

    await turn.get_by_role("button", name="Cancel").click()
    await expect(turn).to_contain_text("Cancelled")
    await expect(turn).to_contain_text("Nothing was charged.")
    await expect(page.get_by_role("button", name="1 running")).to_be_hidden()

    studio.provider_api.plan = Plan()
    await turn.get_by_role("button", name="Run again").click()
    again = page.get_by_role("article").nth(1)
    await finished(again)
    await shown(again)
    assert await shifted(page) <= 0.05


async def test_the_queue_cancels_from_every_page(studio: Studio, page: Page) -> None:
    studio.provider_api.plan = Plan(latency_s=30)
    await page.goto(studio.url)
    await choose_model(page, FLUX)
    await send(page, "a slow boat")
    await page.get_by_role("link", name="Gallery", exact=True).click()
    await page.get_by_role("button", name="1 running").click()
    await page.get_by_role("dialog", name="Running now").get_by_role("button").click()
    await expect(page.get_by_role("button", name="1 running")).to_be_hidden()


async def test_a_cancelled_job_says_what_was_kept_and_what_that_cost(
    studio: Studio, page: Page
) -> None:
    job = await studio.generate("two boats", model="sketch", parameters=SMALL)
    error = {**ERROR, "code": "cancelled", "title": "Cancelled"}
    change = {"status": "cancelled", "count": 2, "error": error, "charged": {"credits": 1}}
    await show(page, job | change)
    await page.goto(studio.url)
    turn = page.get_by_role("article")
    await expect(turn).to_contain_text("1 of 2 images were finished and kept. 1 credit charged.")
    await expect(turn).not_to_contain_text("Nothing was charged")
    await expect(turn.locator("[data-fact=cost]")).to_have_text("1 credit")


@pytest.mark.parametrize(
    ("fault", "title", "body", "way"),
    [
        ("server_error", "The provider had a problem", "It failed on their side", "Try again"),
        ("refused", "Blocked by the provider's content rules", "Rephrase it.", "Edit prompt"),
        ("bad_key", "The provider does not accept our key", "Whoever runs this server", "Use "),
        (
            "not_a_picture",
            "The provider answered something unusable",
            "nothing that can be shown",
            "Try again",
        ),
    ],
)
async def test_a_failed_job_says_what_happened_and_about_the_money(
    studio: Studio, page: Page, *, fault: str, title: str, body: str, way: str
) -> None:
    studio.provider_api.plan = Plan(fault=fault)
    await page.goto(studio.url)
    await choose_model(page, FLUX)
    turn = await send(page, "a boat that sinks")

    await expect(turn).to_have_attribute("data-status", "failed", timeout=20_000)
    await expect(turn).to_contain_text(title)
    await expect(turn).to_contain_text(body)
    await expect(turn).to_contain_text("You were not charged.")
    await expect(turn.get_by_role("button", name=way)).to_be_visible()
    assert await shifted(page) <= 0.05

    # In the frame while one watched; a line when one comes back to it.
    await page.reload()
    turn = page.get_by_role("article")
    await expect(turn).to_contain_text(title)
    assert (await turn.bounding_box() or {})["height"] < 260


async def test_another_model_is_offered_where_it_can_do_the_same(
    studio: Studio, page: Page
) -> None:
    job = await studio.generate("a boat", model="sketch", parameters=SMALL)
    picture = job["outputs"][0]["asset"]["id"]
    models = (await studio.client.get("/api/models")).json()
    took = next(model for model in models if model["capabilities"]["references_max"] > 0)
    made_by = {"model": took["id"], "provider": took["provider"]}
    failed = job | made_by | {"status": "failed", "outputs": [], "error": ERROR}
    from_words = failed | {"id": "01a21586-0000-7000-8000-000000000000", "prompt": "from words"}
    from_picture = failed | {"prompt": "from a picture", "references": [picture]}
    await show(page, from_words, from_picture)
    await page.goto(studio.url)
    other = page.get_by_role("button", name="Use Sketch")
    turns = page.get_by_role("article")
    await expect(turns.filter(has_text="from words").locator(other)).to_be_visible()
    await expect(turns.filter(has_text="from a picture").locator(other)).to_have_count(0)


async def test_editing_a_refused_prompt_brings_it_back(studio: Studio, page: Page) -> None:
    studio.provider_api.plan = Plan(fault="refused")
    await page.goto(studio.url)
    await choose_model(page, FLUX)
    turn = await send(page, "something rude")
    await turn.get_by_role("button", name="Edit prompt").click()
    prompt = page.get_by_role("textbox", name="Prompt")
    await expect(prompt).to_have_value("something rude")
    await expect(prompt).to_be_focused()


async def test_jobs_go_on_while_the_server_restarts(
    server_process: ServerProcess, page: Page, guard: Guard
) -> None:
    guard.allow("net::ERR_|status of 50")
    server_process.start()
    await page.goto(server_process.url)
    first = await send(page, "a heron before the storm")
    await finished(first)

    server_process.kill()
    bar = page.get_by_text("Reconnecting, jobs go on without you")
    await expect(bar).to_be_visible()
    server_process.start()
    await expect(bar).to_be_hidden()

    second = await send(page, "a heron after the storm")
    await finished(second)
    await shown(second)


async def test_a_page_that_cannot_be_fetched_takes_nothing_away(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("net::ERR_")
    await page.goto(studio.url)
    await page.evaluate("window.mark = 1")
    await page.get_by_role("textbox", name="Prompt").fill("half a thou")
    away = re.compile("/assets/|/$")
    await page.route(away, lambda route: route.abort())
    gallery = page.get_by_role("link", name="Gallery", exact=True)
    tried = lambda request: request.url == f"{studio.url}/"  # noqa: E731
    async with page.expect_event("requestfailed", tried):
        await gallery.hover()
    async with page.expect_event("requestfailed", tried):
        await page.get_by_role("button", name="More options").click()
    assert await page.evaluate("window.mark") == 1

    # Back again: it goes on by itself.
    await page.unroute(away)
    await expect(page.get_by_role("dialog").get_by_text("Priority")).to_be_visible()
    await page.keyboard.press("Escape")
    await gallery.click()
    await expect(page.get_by_text("Your pictures will hang here.")).to_be_visible()
    wall = page.get_by_role("main").locator("> div").first
    assert await wall.evaluate("one => getComputedStyle(one).display") != "inline"
    assert await page.evaluate("window.mark") == 1


async def test_a_new_version_is_started_over_with(studio: Studio, page: Page, guard: Guard) -> None:
    guard.allow("net::ERR_")
    await page.goto(studio.url)
    await page.get_by_role("heading", name="What should it look like?").wait_for()
    await page.route("**/assets/*", lambda route: route.abort())
    new = "<title>A new version</title>"
    await page.route(f"{studio.url}/", lambda route: route.fulfill(body=new))
    await page.get_by_role("link", name="Gallery", exact=True).hover()
    await expect(page).to_have_title("A new version")


async def test_a_lost_answer_is_told_and_the_prompt_is_kept(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("net::ERR_")
    await page.goto(studio.url)
    await expect(page.get_by_role("heading", name="What should it look like?")).to_be_visible()
    keys = []

    async def lose(route, request) -> None:  # type: ignore[no-untyped-def]
        keys.append(request.headers["idempotency-key"])
        await (route.abort() if len(keys) == 1 else route.continue_())

    await page.route("**/api/jobs", lose)
    await page.get_by_role("textbox", name="Prompt").fill("a kite")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Safelight can't be reached")
    await page.keyboard.press("Enter")
    await finished(page.get_by_role("article"))
    assert keys[0] == keys[1], "the second press must be the same order"


async def test_a_code_of_a_newer_server_is_told_like_any_other(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("status of 418")
    await page.route(
        "**/api/jobs",
        lambda route: route.fulfill(
            status=418,
            content_type="application/problem+json",
            json={
                "type": "about:blank",
                "title": "Brand new",
                "status": 418,
                "detail": "Nobody has heard of this.",
                "code": "brand_new",
                "errors": [],
            },
        ),
    )
    await page.goto(studio.url)
    prompt = page.get_by_role("textbox", name="Prompt")
    await prompt.fill("a kite")
    await expect(page.get_by_role("button", name="Send")).to_be_enabled()
    await prompt.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Something went wrong here")
    await expect(prompt).to_have_value("a kite")


@pytest.mark.parametrize("path", ["/", "/gallery", "/history"])
async def test_a_page_of_a_list_that_fails_is_asked_for_by_hand(
    studio: Studio, page: Page, guard: Guard, path: str
) -> None:
    guard.allow("status of 500")
    await studio.generate("a boat", model="sketch", parameters=SMALL)
    asked: list[str] = []

    async def first_only(route: Route) -> None:
        if "cursor=" in route.request.url:
            asked.append(route.request.url)
            await route.fulfill(status=500)
        else:
            answer = await route.fetch()
            await route.fulfill(json=await answer.json() | {"next_cursor": "more"})

    await page.route(re.compile(r"/api/(jobs|assets)\?"), first_only)
    await page.goto(studio.url + path)
    more = page.get_by_role("button", name="Load more")
    await expect(page.get_by_role("alert")).to_contain_text("Not loaded. The server answered 500.")
    await expect(more).to_be_visible()
    assert len(asked) == 1
    async with page.expect_response(re.compile("cursor=")):
        await more.click()
    await expect(more).to_be_enabled()
    assert len(asked) == 2
