"""Pictures that are brought along: how they get into the composer, and what becomes of them."""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Guard, OpenPage, shifted, violations
from tests.browser.steps import choose_model, finished, send, shown
from tests.images.pictures import LEFT, RIGHT, saved, two_colours
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

GPT = "GPT Image 2"
RED, BLUE = (saved(Image.new("RGB", (320, 240), colour), "PNG") for colour in (LEFT, RIGHT))

# What a browser does with a file that is dragged in or pasted cannot be done by a program outside.
_CARRY = """([bytes, name, type, kinds, target]) => {
  const raw = Uint8Array.from(atob(bytes), (char) => char.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([raw], name, { type }));
  for (const kind of kinds) {
    const event = kind === "paste"
      ? new ClipboardEvent(kind, { clipboardData: data, bubbles: true, cancelable: true })
      : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector(target).dispatchEvent(event);
  }
}"""


async def carry(page: Page, data: bytes, *kinds: str, target: str = "#prompt") -> None:
    encoded = base64.b64encode(data).decode()
    await page.evaluate(_CARRY, [encoded, "picture.png", "image/png", list(kinds), target])


def chips(page: Page) -> Locator:
    return page.get_by_role("list", name="References").get_by_role("listitem")


async def there(page: Page, count: int) -> None:
    """So many references are uploaded and drawn."""
    await expect(page.locator("[data-reference]:not([data-reference=sending])")).to_have_count(
        count
    )
    for i in range(count):
        image = chips(page).nth(i).locator("img").last
        await expect(image).to_have_js_property("complete", True)
        assert await image.evaluate("image => image.naturalWidth") > 0


async def test_pictures_are_chosen_dropped_and_pasted_and_sent_in_their_order(
    studio: Studio, page: Page, tmp_path: Path
) -> None:
    (tmp_path / "red.png").write_bytes(RED)
    await page.goto(studio.url)
    await choose_model(page, GPT)
    async with page.expect_file_chooser() as choosing:
        await page.get_by_role("button", name="Add a reference").click()
    await (await choosing.value).set_files(tmp_path / "red.png")
    await there(page, 1)

    target = page.get_by_text("Drop to use as a reference")
    await carry(page, BLUE, "dragenter", "dragover", target="main")
    await expect(target).to_be_visible()
    await carry(page, BLUE, "drop", target="main")
    await expect(target).to_be_hidden()
    await there(page, 2)

    await carry(page, saved(two_colours(240, 320), "PNG"), "paste")
    await there(page, 3)
    ids = [await chip.get_attribute("data-reference") for chip in await chips(page).all()]
    assert await violations(page) == []
    await chips(page).nth(0).get_by_role("button", name="Remove reference 1").click()
    await page.reload()
    await there(page, 2)

    turn = await send(page, "a heron between them")
    await finished(turn)
    await expect(chips(page)).to_have_count(0)
    used = turn.get_by_role("link", name=re.compile("^Open reference"))
    assert [await link.get_attribute("data-asset") for link in await used.all()] == ids[1:]
    (job,) = (await studio.client.get("/api/jobs")).json()["items"]
    assert job["references"] == ids[1:]
    assert await shifted(page) <= 0.05


async def test_enter_waits_for_what_is_still_uploading(studio: Studio, page: Page) -> None:
    on = asyncio.Event()

    async def late(route, request) -> None:  # type: ignore[no-untyped-def]
        if request.method == "POST":
            await on.wait()
        await route.continue_()

    await page.route("**/api/assets", late)
    await page.goto(studio.url)
    await choose_model(page, GPT)
    await carry(page, RED, "paste")
    await expect(page.get_by_role("progressbar", name="Uploading picture.png")).to_be_visible()
    await page.get_by_role("textbox", name="Prompt").fill("a heron in front of it")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Sent as soon as the references are there.")).to_be_visible()
    on.set()
    turn = page.get_by_role("article")
    await finished(turn)
    await expect(turn.get_by_role("link", name="Open the reference")).to_be_visible()


async def test_what_is_no_picture_is_refused_in_its_place(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("status of 4(15|22)")
    await page.goto(studio.url)
    await choose_model(page, GPT)
    await carry(page, b"MZ, a program", "paste")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("picture.png")
    said = (await studio.client.post("/api/assets", files={"file": ("a", b"MZ, a program")})).json()
    await expect(alert).to_contain_text(
        said["errors"][0]["message"] if said["errors"] else said["detail"]
    )
    await page.get_by_role("textbox", name="Prompt").fill("a heron")
    await expect(page.get_by_role("button", name="Send")).to_have_attribute("aria-disabled", "true")
    await chips(page).get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("button", name="Send")).to_be_enabled()


async def test_a_model_that_takes_none_says_who_does(studio: Studio, page: Page) -> None:
    await page.goto(studio.url)
    await choose_model(page, "Sketch")
    await carry(page, RED, "paste")
    await there(page, 1)
    await expect(page.get_by_text("Sketch takes no references.")).to_be_visible()
    await page.get_by_role("button", name=re.compile("^Use ")).click()
    await expect(page.get_by_text("takes no references")).to_be_hidden()
    turn = await send(page, "a heron")
    await finished(turn)


async def test_any_picture_can_be_started_from(
    studio: Studio, open_page: OpenPage, page: Page
) -> None:
    small = {"width": 256, "height": 256}
    made = await studio.generate("two boats", count=2, model="sketch", parameters=small)
    first, second = (output["asset"]["id"] for output in made["outputs"])
    page = await open_page(390, 844, dark=True)
    await page.goto(studio.url)
    await page.get_by_role("button", name="Use picture 1 of 2 as reference").click()
    await expect(page.get_by_role("textbox", name="Prompt")).to_be_focused()
    await page.goto(f"{studio.url}/i/{second}")
    await page.get_by_role("link", name="Use as reference").click()
    await there(page, 2)
    chosen = [await chip.get_attribute("data-reference") for chip in await chips(page).all()]
    assert chosen == [first, second]
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    await choose_model(page, GPT)
    await page.get_by_role("textbox", name="Prompt").fill("both in one")
    await page.get_by_role("button", name="Send").click()
    turn = page.get_by_role("article").nth(1)
    await finished(turn)
    await shown(turn)
    await page.goto(f"{studio.url}/i/{first}")
    facts = page.get_by_role("complementary", name="Facts")
    await facts.get_by_role("link", name="Used for, picture 1").click()
    await expect(facts.get_by_role("link", name="Made from, picture 2")).to_be_visible()
