"""Coming in, being oneself, and leaving: what several people see of each other in one studio."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from safelight.accounts import logins
from safelight.accounts.users import User
from tests.browser.conftest import Guard, OpenPage, shifted, violations
from tests.browser.steps import finished, send, shown
from tests.fakes.oidc_server import CLIENT_ID, CLIENT_SECRET, Account, FakeOidc
from tests.fakes.openai_server import FakeOpenAI
from tests.http.logins import PASSWORD, set_up_code, with_password
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADA = "ada@example.org"
BOB = "bob@example.org"


@pytest.fixture(scope="module")
def google() -> Iterator[FakeOidc]:
    """Another site that says who somebody is: this one, without asking."""
    with FakeOidc() as issuer:
        issuer.account = Account("b-1", "bob@elsewhere.example", True, "Bob")
        yield issuer


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path, google: FakeOidc
) -> AsyncIterator[Studio]:
    """A Safelight with accounts, which nobody has been in yet; whoever registers has an invite."""
    known = {"issuer": google.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    settings: dict[str, Any] = {"registration": "invite", "oidc": {"google": known}}
    async with Studio.open(database_url, tmp_path, provider_api, accounts="on", **settings) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def bob(house: Studio) -> User:
    """A user of a house that has its administrator."""
    await with_password(house, ADA, role="admin")
    return await with_password(house, BOB)


@pytest.fixture
def guard(guard: Guard) -> Guard:
    # The browser writes down every refusal it is told, and whoever is not logged in is refused.
    guard.allow("status of 4(01|03|22)")
    return guard


async def log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    await page.get_by_role("textbox", name="E-mail").fill(email)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.keyboard.press("Enter")


async def look_again(studio: Studio, page: Page) -> None:
    """A login is believed for a second; what has become of it in the database counts at once."""
    for cookie in await page.context.cookies():
        studio.shop.reception.logins.forget(cookie["value"])


async def log_out(page: Page) -> None:
    await page.get_by_role("link", name="Account", exact=True).click()
    async with page.expect_navigation(url="**/login"):  # or it would break off what comes next
        await page.get_by_role("button", name="Log out", exact=True).click()


async def at_create(page: Page) -> None:
    await expect(page.get_by_role("heading", name="What should it look like?")).to_be_visible()


async def pay(studio: Studio, email: str) -> None:
    """Somebody need not count credits any more."""
    await studio.database.execute(
        "UPDATE accounts SET unlimited = true WHERE id = (SELECT id FROM users WHERE email = $1)",
        email,
    )


async def test_a_server_is_set_up_and_its_guest_sees_nothing_of_others(
    house: Studio, page: Page
) -> None:
    # The first one, with the code that the server gave.
    await page.goto(f"{house.url}/gallery")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Set up this server")
    await page.get_by_role("textbox", name="Set-up code").fill("not the code")
    await page.get_by_role("textbox", name="E-mail").fill(ADA)
    await page.get_by_label("Password", exact=True).fill("short")
    await page.keyboard.press("Enter")
    password = page.get_by_label("Password", exact=True)
    await expect(password).to_have_attribute("aria-invalid", "true")
    await expect(password).to_be_focused()
    await password.fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("This code is not valid")
    await page.get_by_role("textbox", name="Set-up code").fill(await set_up_code(house))
    await page.keyboard.press("Enter")
    await at_create(page)

    # An invite.
    await page.get_by_role("link", name="Admin", exact=True).click()
    await page.get_by_role("link", name="Accounts", exact=True).click()
    await page.get_by_role("button", name="Invite somebody").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="For whom").fill("Bob")
    await page.keyboard.press("Enter")
    link = await dialog.get_by_role("region", name="Link").locator("pre").inner_text()
    await dialog.get_by_role("button", name="I have copied it").click()
    await expect(page.locator("[data-invite]")).to_contain_text("Bob is invited")
    await (
        page.get_by_role("navigation", name="Pages").get_by_role("link", name="Create").last.click()
    )
    await page.get_by_role("textbox", name="Prompt").fill("what Ada was thinking of")
    await log_out(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Log in")

    # The guest, in the same browser.
    await page.goto(link)
    await page.get_by_role("textbox", name="E-mail").fill(BOB)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await at_create(page)
    await expect(page.get_by_role("textbox", name="Prompt")).to_have_value("")
    await expect(page.get_by_role("link", name="Admin", exact=True)).to_have_count(0)
    await pay(house, BOB)
    turn = await send(page, "a heron that is Bob's")
    await finished(turn)
    await shown(turn)
    await log_out(page)

    # And the first one again: of the guest there is nothing.
    await log_in(page, ADA)
    await at_create(page)
    await expect(page.get_by_role("textbox", name="Prompt")).to_have_value("")
    await page.get_by_role("link", name="Gallery", exact=True).click()
    await expect(page.get_by_text("Your pictures will hang here.")).to_be_visible()
    assert "heron" not in await page.content()


async def test_a_login_that_has_ended_costs_neither_the_place_nor_the_words(
    house: Studio, bob: User, page: Page
) -> None:
    await pay(house, BOB)
    await page.goto(f"{house.url}/?from=a-friend")
    await log_in(page, BOB)
    await at_create(page)
    await page.get_by_role("textbox", name="Prompt").fill("a heron in two")
    await logins.end_all(house.database, bob.id)
    await look_again(house, page)

    await page.get_by_role("link", name="History", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    await expect(page).to_have_url(re.compile("back=%2Fhistory"))
    await log_in(page, BOB, "not his")
    await expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("History")

    pages = page.get_by_role("navigation", name="Pages")
    await pages.get_by_role("link", name="Create", exact=True).click()
    prompt = page.get_by_role("textbox", name="Prompt")
    await expect(prompt).to_have_value("a heron in two")
    await prompt.press("Enter")
    turn = page.get_by_role("article")
    await finished(turn)  # told by the stream, which is a new one
    await shown(turn)


async def test_the_next_one_finds_no_words_whichever_door_they_come_by(
    house: Studio, bob: User, page: Page
) -> None:
    await page.goto(house.url)
    await log_in(page, BOB)
    await at_create(page)
    prompt = page.get_by_role("textbox", name="Prompt")
    await prompt.fill("what Bob was thinking of")
    await page.goto(f"{house.url}/login")  # he has not logged out
    await page.get_by_role("textbox", name="E-mail").wait_for()
    stored = await page.evaluate("localStorage.getItem('safelight.draft')")
    assert stored is None  # or the next page would show it until it knows who is there
    await log_in(page, ADA)
    await at_create(page)
    await expect(prompt).to_have_value("")
    assert "thinking" not in await page.evaluate("JSON.stringify(localStorage)")


async def test_a_visitor_finds_nothing_of_whose_login_has_ended(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path, page: Page
) -> None:
    async with Studio.open(
        database_url, tmp_path, provider_api, accounts="on", anonymous="on"
    ) as house:
        await with_password(house, ADA, role="admin")
        bob = await with_password(house, BOB)
        await pay(house, BOB)
        await page.goto(f"{house.url}/login")
        await log_in(page, BOB)
        await at_create(page)
        await finished(await send(page, "a heron that is Bob's"))
        prompt = page.get_by_role("textbox", name="Prompt")
        await prompt.fill("what Bob was thinking of")
        await logins.end_all(house.database, bob.id)
        await look_again(house, page)

        # The stream is opened anew, is refused, and after that there is a visitor.
        await page.evaluate("dispatchEvent(new Event('pagehide'))")
        await page.evaluate("dispatchEvent(new Event('pageshow'))")
        await at_create(page)
        await expect(prompt).to_have_value("")
        assert "that is Bob" not in await page.content()


async def test_logging_out_in_one_tab_ends_the_other(house: Studio, bob: User, page: Page) -> None:
    await page.goto(house.url)
    await log_in(page, BOB)
    await at_create(page)
    other = await page.context.new_page()
    await other.goto(f"{house.url}/credits")
    await expect(other.get_by_role("heading", level=1)).to_have_text("Credits")
    await log_out(page)
    await expect(other.get_by_role("heading", level=1)).to_have_text("Log in")


async def test_a_key_is_shown_once_works_and_is_revoked(studio: Studio, page: Page) -> None:
    await page.goto(f"{studio.url}/keys")
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="Name").fill("Blog")
    await dialog.get_by_role("textbox", name="Name").hover()
    await page.mouse.down()
    await page.mouse.move(10, 10)
    await page.mouse.up()
    await dialog.get_by_role("radio", name="Only some things").check()
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_have_text("Choose at least one.")
    await dialog.get_by_role("checkbox", name="Read jobs and credits").check()
    await dialog.get_by_role("button", name="Make the key").click()
    key = await dialog.get_by_role("region", name="Key").locator("pre").inner_text()
    curl = await dialog.get_by_role("region", name="Try it").locator("pre").inner_text()
    assert f"{studio.url}/api/jobs" in curl
    assert f"Authorization: Bearer {key}" in curl
    # Shown this once: neither selecting beyond the edge nor a press beside it takes it away.
    await dialog.get_by_role("region", name="Key").locator("pre").hover()
    await page.mouse.down()
    await page.mouse.move(10, 10)
    await page.mouse.up()
    await page.mouse.click(10, 10)
    await expect(dialog.get_by_role("region", name="Key")).to_be_visible()
    await dialog.get_by_role("button", name="I have copied it").click()
    row = page.locator("tr[data-key]")
    await expect(row).to_contain_text("jobs:read")
    assert key not in await page.content()

    async def used() -> int:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(trust_env=False, headers=headers) as program:
            return (await program.get(f"{studio.url}/api/jobs")).status_code

    assert await used() == 200
    await page.reload()
    await expect(row.locator("td[data-label='Last used']")).not_to_have_text("Never")
    await row.get_by_role("button", name="Revoke Blog").click()
    await expect(dialog.get_by_role("button", name="Revoke")).to_be_disabled()
    await page.keyboard.type("Blog")
    await page.keyboard.press("Enter")
    await expect(row).to_have_count(0)
    while await used() != 401:  # within a second
        await asyncio.sleep(0.05)


async def test_a_password_is_asked_for_before_a_key_is_made(
    house: Studio, bob: User, page: Page
) -> None:
    await page.goto(f"{house.url}/keys")
    await log_in(page, BOB)
    await page.get_by_role("button", name="New key").click()
    await house.database.execute("UPDATE logins SET confirmed_at = now() - interval '1 day'")
    await look_again(house, page)
    await page.get_by_role("textbox", name="Name").fill("Blog")
    await page.keyboard.press("Enter")
    question = page.get_by_role("dialog", name="Confirm that it is you")
    await question.get_by_label("Password").fill("a guess")
    await page.keyboard.press("Enter")
    await expect(question).to_contain_text("The password is wrong.")
    await question.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Blog is ready")).to_be_visible()


async def test_whoever_leaves_takes_everything_along_and_is_gone(
    house: Studio, bob: User, page: Page
) -> None:
    await page.goto(f"{house.url}/account")
    await log_in(page, BOB)
    async with page.expect_download() as coming:
        await page.get_by_role("link", name="Download everything").click()
    archive = await (await coming.value).path()
    assert archive.read_bytes().startswith(b"PK")

    await page.get_by_role("button", name="Delete this account").click()
    dialog = page.get_by_role("dialog", name="Delete this account?")
    await page.keyboard.type("bob")
    await expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    await dialog.get_by_role("textbox").fill(BOB)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    await log_in(page, BOB)
    await expect(page.get_by_role("alert")).to_contain_text("This account is disabled")


async def set_limits(page: Page, row: Locator) -> None:
    """Bob may have little, which is told where he stands."""
    await row.get_by_role("button", name="Manage bob").click()
    await page.get_by_role("button", name="Limits").click()
    dialog = page.get_by_role("dialog", name="Limits for bob")
    unfinished = dialog.get_by_role("textbox", name="Unfinished jobs")
    await expect(dialog).to_contain_text("Empty: 204, as for everybody.")
    await unfinished.fill("some")
    await expect(dialog).to_contain_text("A whole number above 0, or nothing.")
    await unfinished.fill("2000000")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_contain_text("less than or equal to 1000000")
    assert await violations(page) == []
    await unfinished.fill("5")
    await dialog.get_by_role("textbox", name="Storage in MB").fill("1.5")
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await expect(row).to_contain_text("own limits")


async def test_an_administrator_looks_after_people(
    house: Studio, bob: User, page: Page, open_page: OpenPage
) -> None:
    theirs = await open_page()
    await theirs.goto(f"{house.url}/account")
    await log_in(theirs, BOB)
    await expect(theirs.get_by_role("listitem").filter(has_text="this one")).to_be_visible()

    await page.goto(f"{house.url}/admin/accounts")
    await log_in(page, ADA)
    row = page.locator("tr[data-user]").filter(has_text=BOB)
    await row.get_by_role("button", name="Manage bob").click()
    await page.get_by_role("button", name="Keep out").click()
    await expect(row).to_contain_text("kept out")
    await theirs.reload()
    await expect(theirs.get_by_role("main")).to_contain_text(re.compile("disabled|Log in"))

    await row.get_by_role("button", name="Manage bob").click()
    await page.get_by_role("button", name="Let in again").click()
    await expect(row).not_to_contain_text("kept out")
    await set_limits(page, row)
    await theirs.goto(f"{house.url}/account")
    await log_in(theirs, BOB)
    await expect(theirs.get_by_role("main")).to_contain_text("of 1.5 MB")
    await row.get_by_role("button", name="Manage bob").click()
    await page.get_by_role("button", name="Reset the password").click()
    reset = page.get_by_role("dialog", name="A new password for bob")
    link = await reset.get_by_role("region", name="Link").locator("pre").inner_text()
    await theirs.goto(link)
    await theirs.get_by_role("textbox", name="New password").fill("a fox under wet ferns")
    await theirs.keyboard.press("Enter")
    await at_create(theirs)


async def test_another_site_s_word_lets_in_once_it_is_connected(
    house: Studio, bob: User, page: Page
) -> None:
    await page.goto(f"{house.url}/gallery")
    await page.get_by_role("link", name="Continue with Google").click()
    await expect(page.get_by_role("alert")).to_contain_text("Google knows you, but")

    await page.goto(f"{house.url}/account")
    await log_in(page, BOB)
    await page.get_by_role("button", name="Log out everywhere").wait_for()
    await house.database.execute("UPDATE logins SET confirmed_at = now() - interval '1 day'")
    await look_again(house, page)
    await page.get_by_role("button", name="Connect Google").click()
    await page.get_by_role("dialog").get_by_label("Password").fill(PASSWORD)
    async with page.expect_navigation(url=f"{house.url}/account"):
        await page.keyboard.press("Enter")
    await log_out(page)

    await page.goto(f"{house.url}/gallery")
    await page.get_by_role("link", name="Continue with Google").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Gallery")
    await expect(page).to_have_url(f"{house.url}/gallery")


@pytest.mark.parametrize("width", [1280, 360])
async def test_the_door_and_the_account_have_no_barrier(
    house: Studio, bob: User, open_page: OpenPage, guard: Guard, width: int
) -> None:
    page = await open_page(width, 800)
    found: dict[str, list[str]] = {}

    async def look(name: str) -> None:
        found[name] = await violations(page)
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
            name
        )
        assert await shifted(page) <= 0.05, name

    for door in ("login", "register", "reset"):
        await page.goto(f"{house.url}/{door}")
        await page.get_by_role("button").first.wait_for()
        await look(door)
    await page.goto(f"{house.url}/account")
    await log_in(page, ADA, "not hers")
    await expect(page.get_by_role("alert")).to_be_visible()
    await look("a wrong password")
    await log_in(page, ADA)
    await expect(page.get_by_role("listitem").filter(has_text="this one")).to_be_visible()
    await look("account")
    await page.goto(f"{house.url}/admin/accounts")
    await page.get_by_role("button", name="Manage bob").click()
    await expect(page.get_by_role("button", name="Keep out")).to_be_visible()
    await look("accounts")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Invite somebody").click()
    await look("an invite")
    assert not any(found.values()), found
