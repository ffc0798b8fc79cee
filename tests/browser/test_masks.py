"""What of a reference is to be changed: marked by hand or in numbers, kept, sent, taken back."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Guard, OpenPage, shifted, violations
from tests.browser.steps import choose_model, finished
from tests.browser.test_uploads import GPT, carry, chips, there
from tests.fakes.server import Plan
from tests.http.test_references import sent_files
from tests.images.pictures import LEFT, saved, two_colours
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZE = (640, 400)
PICTURE = saved(two_colours(*SIZE), "PNG")
OTHER = saved(Image.new("RGB", (90, 120), LEFT), "PNG")
KEPT, CHANGED = 255, 0  # alpha


def marking(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Mark what to change")


async def attach(page: Page, picture: bytes = PICTURE) -> None:
    before = await chips(page).count()
    await carry(page, picture, "paste")
    await there(page, before + 1)


async def open_marking(page: Page, button: str = "Mark what to change") -> Locator:
    await page.get_by_role("button", name=button).click()
    dialog = marking(page)
    await expect(dialog.get_by_role("img", name="The picture")).to_be_visible()
    await expect(dialog.locator("img").first).to_have_js_property("complete", True)
    return dialog


async def on_picture(dialog: Locator, x: float, y: float) -> tuple[float, float]:
    """Where on the page a point of the picture is shown, in shares of it."""
    box = await dialog.get_by_role("img", name="The picture").bounding_box()
    assert box
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


async def stroke(page: Page, *points: tuple[float, float]) -> None:
    dialog = marking(page)
    await page.mouse.move(*await on_picture(dialog, *points[0]))
    await page.mouse.down()
    for point in points[1:]:
        await page.mouse.move(*await on_picture(dialog, *point), steps=8)
    await page.mouse.up()


async def write_box(dialog: Locator, **sides: int) -> None:
    await dialog.get_by_text("Rectangle", exact=True).click()
    for side, pixels in sides.items():
        await dialog.get_by_role("spinbutton", name=side.title()).fill(str(pixels))


async def keep(page: Page) -> None:
    await marking(page).get_by_role("button", name="Done").click()
    await expect(marking(page)).to_be_hidden()
    await expect(page.get_by_role("button", name="Change the mask")).to_be_focused()


async def sent_mask(studio: Studio, page: Page) -> Image.Image:
    """Order with what is in the composer. Returns the mask that the provider was given."""
    before = await page.get_by_role("article").count()
    await page.get_by_role("textbox", name="Prompt").fill("a hat on it")
    send = page.get_by_role("button", name="Send")
    await expect(send).to_have_attribute("aria-disabled", "false")
    await send.click()
    await expect(page.get_by_role("article")).to_have_count(before + 1)
    await finished(page.get_by_role("article").nth(before))
    data = dict(sent_files(studio.provider_api))["mask"]
    with Image.open(io.BytesIO(data)) as mask:
        assert mask.format == "PNG"
        return mask.convert("RGBA")


def alphas(mask: Image.Image, *points: tuple[int, int]) -> list[int]:
    return [mask.getpixel(point)[3] for point in points]  # type: ignore[index]


def share_changed(mask: Image.Image) -> float:
    alpha = mask.getchannel("A").histogram()
    assert alpha[KEPT] + alpha[CHANGED] == mask.width * mask.height  # nothing in between
    return alpha[CHANGED] / (mask.width * mask.height)


async def test_what_is_painted_is_transparent_in_the_mask_the_provider_gets(
    studio: Studio, page: Page
) -> None:
    await page.goto(studio.url)
    await choose_model(page, GPT)
    await attach(page)
    dialog = await open_marking(page)
    await stroke(page, (0.25, 0.5), (0.75, 0.5))
    await dialog.get_by_text("Eraser", exact=True).click()
    await stroke(page, (0.5, 0.5))
    await keep(page)
    await expect(page.get_by_role("status").get_by_text("The mask is set")).to_be_attached()
    assert await shifted(page) <= 0.05

    mask = await sent_mask(studio, page)

    assert mask.size == SIZE
    painted, erased = [(160, 200), (240, 200), (480, 200), (240, 180)], (320, 200)
    around = [(0, 0), (80, 200), (240, 120), (240, 280), (639, 399)]
    assert alphas(mask, *painted) == [CHANGED] * 4
    assert alphas(mask, erased, *around) == [KEPT] * 6
    assert 0.05 < share_changed(mask) < 0.15
    (job,) = (await studio.client.get("/api/jobs")).json()["items"]
    assert job["mask"]
    await expect(chips(page)).to_have_count(0)
    await expect(page.get_by_role("link", name="of which a part was marked")).to_be_visible()


async def test_the_keyboard_alone_can_mark_a_rectangle(studio: Studio, page: Page) -> None:
    await page.goto(studio.url)
    await choose_model(page, GPT)
    await attach(page)
    await page.get_by_role("button", name="Mark what to change").focus()
    await page.keyboard.press("Enter")
    dialog = marking(page)
    await expect(dialog.get_by_role("radio", name="Brush")).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await expect(dialog.get_by_role("radio", name="Rectangle")).to_be_checked()
    for pixels in (100, 50, 200, 120):
        await page.keyboard.press("Tab")
        await page.keyboard.type(str(pixels))
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("status")).to_have_text("Marked")
    await dialog.get_by_role("button", name="Done").focus()
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()

    mask = await sent_mask(studio, page)

    assert share_changed(mask) == 200 * 120 / (640 * 400)
    assert alphas(mask, (100, 50), (299, 169)) == [CHANGED] * 2
    assert alphas(mask, (99, 50), (100, 49), (300, 169), (299, 170)) == [KEPT] * 4


async def test_marks_are_undone_redone_inverted_cleared_and_found_again(
    studio: Studio, page: Page
) -> None:
    await page.goto(studio.url)
    await choose_model(page, GPT)
    await attach(page)
    dialog = await open_marking(page)
    await write_box(dialog, left=0, top=0, width=640, height=100)
    await dialog.get_by_role("button", name="Mark it").click()
    await dialog.get_by_role("button", name="Clear").click()
    await dialog.get_by_role("button", name="Undo").click()
    await write_box(dialog, height=50)
    await dialog.get_by_role("button", name="Erase it").click()
    await page.keyboard.press("Control+z")
    await page.keyboard.press("Control+Shift+z")
    await dialog.get_by_role("button", name="Invert").click()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("button", name="Remove the mask")).to_be_hidden()

    dialog = await open_marking(page)
    await keep(page)
    mask = await sent_mask(studio, page)

    assert share_changed(mask) == 350 / 400
    assert alphas(mask, (5, 49), (5, 50), (5, 99), (5, 100)) == [CHANGED, KEPT, KEPT, CHANGED]


async def test_a_mask_outlives_a_reload_and_is_changed_and_removed(
    studio: Studio, page: Page
) -> None:
    await page.goto(studio.url)
    await choose_model(page, GPT)
    await attach(page)
    dialog = await open_marking(page)
    await write_box(dialog, left=0, top=0, width=320, height=400)
    await dialog.get_by_role("button", name="Mark it").click()
    await keep(page)
    await page.reload()
    await expect(page.get_by_role("button", name="Change the mask")).to_be_visible()
    await expect(chips(page).locator("img")).to_have_count(2)

    await page.get_by_role("button", name="Remove the mask").click()
    await expect(page.get_by_role("button", name="Mark what to change")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    dialog = await open_marking(page, "Change the mask")
    await write_box(dialog, left=600, top=0, width=40, height=400)
    await dialog.get_by_role("button", name="Mark it").click()
    await keep(page)

    mask = await sent_mask(studio, page)

    assert share_changed(mask) == 360 / 640
    assert alphas(mask, (319, 9), (320, 9), (599, 9), (600, 9)) == [0, 255, 255, 0]


async def test_what_was_deleted_leaves_the_composer(studio: Studio, page: Page) -> None:
    await page.goto(studio.url)
    await choose_model(page, GPT)
    await attach(page)
    await open_marking(page)
    await stroke(page, (0.2, 0.2), (0.8, 0.8))
    await keep(page)
    uploads = (await studio.client.get("/api/assets?kind=upload")).json()["items"]
    assert [asset["width"] for asset in uploads] == [640, 640]
    mask, reference = (asset["id"] for asset in uploads)
    await studio.client.delete(f"/api/assets/{mask}")
    await page.reload()
    await expect(page.get_by_text("The mask is not there any more")).to_be_visible()
    await expect(page.get_by_role("button", name="Mark what to change")).to_be_visible()
    await expect(chips(page)).to_have_count(1)
    await studio.client.delete(f"/api/assets/{reference}")
    await page.reload()
    await expect(page.get_by_text("A reference is not there any more")).to_be_visible()
    await expect(chips(page)).to_have_count(0)


async def test_the_mask_goes_with_its_reference(studio: Studio, page: Page) -> None:
    await page.goto(studio.url)
    await choose_model(page, GPT)
    await attach(page)
    await attach(page, OTHER)
    await open_marking(page, "Mark what to change in reference 1")
    await stroke(page, (0.3, 0.3), (0.6, 0.6))
    await keep(page)
    await page.get_by_role("button", name="Remove reference 1").click()
    await expect(page.get_by_role("button", name="Mark what to change")).to_be_visible()
    await expect(chips(page)).to_have_count(1)

    await page.get_by_role("button", name="Undo").click()
    await expect(chips(page)).to_have_count(2)
    await expect(page.get_by_role("button", name="Change the mask of reference 1")).to_be_visible()

    mask = await sent_mask(studio, page)

    assert mask.size == SIZE


async def test_only_a_model_that_takes_a_mask_is_given_one(studio: Studio, page: Page) -> None:
    await page.goto(studio.url)
    await attach(page)
    dialog = await open_marking(page)
    await stroke(page, (0.5, 0.5))
    await dialog.get_by_role("button", name="Clear").click()
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("button", name="Remove the mask")).to_be_hidden()

    await open_marking(page)
    await stroke(page, (0.5, 0.5))
    await keep(page)
    await choose_model(page, "Sketch")
    await expect(page.get_by_text("Sketch takes no references.")).to_be_visible()
    await page.get_by_role("button", name="Remove the mask").click()
    await expect(page.get_by_role("button", name="Mark what to change")).to_be_hidden()
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_role("button", name=f"Use {GPT}").click()
    await expect(page.get_by_text("takes no references")).to_be_hidden()
    assert (await sent_mask(studio, page)).size == SIZE


async def test_a_mask_that_cannot_be_uploaded_is_not_lost(
    studio: Studio, page: Page, guard: Guard
) -> None:
    guard.allow("ERR_FAILED")
    await page.goto(studio.url)
    await choose_model(page, GPT)
    await attach(page)
    dialog = await open_marking(page)
    await stroke(page, (0.2, 0.2), (0.8, 0.8))
    await page.route(
        "**/api/assets",
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("It could not be kept.")
    await expect(page.get_by_role("button", name="Remove the mask")).to_be_hidden()

    await page.unroute("**/api/assets")
    await keep(page)
    mask = await sent_mask(studio, page)

    assert alphas(mask, (160, 100), (480, 300)) == [CHANGED] * 2


async def test_a_job_is_edited_with_its_mask(studio: Studio, page: Page) -> None:
    reference, mask = [
        (await studio.client.post("/api/assets", files={"file": ("a.png", data)})).json()["id"]
        for data in (PICTURE, saved(half_clear(), "PNG"))
    ]
    studio.provider_api.plan = Plan(fault="refused")
    order = {"model": "openai/gpt-image-2", "references": [reference], "mask": mask}
    await studio.generate("something rude", **order)
    studio.provider_api.plan = Plan()
    await page.goto(studio.url)
    await page.get_by_role("button", name="Edit prompt").click()
    await expect(page.get_by_role("button", name="Change the mask")).to_be_visible()
    assert share_changed(await sent_mask(studio, page)) == 0.5


def half_clear() -> Image.Image:
    clear = two_colours(*SIZE, alpha=255)
    clear.paste((0, 0, 0, 0), (0, 0, 320, 400))
    return clear


@pytest.mark.parametrize("width", [1280, 390])
async def test_marking_has_no_barriers(studio: Studio, open_page: OpenPage, width: int) -> None:
    page = await open_page(width, 844)
    await page.goto(studio.url)
    await choose_model(page, GPT)
    await attach(page)
    dialog = await open_marking(page)
    if width == 390:
        await page.touchscreen.tap(*await on_picture(dialog, 0.5, 0.5))
        await expect(dialog.get_by_role("status")).to_have_text("Marked")
    found = {"brush": await violations(page)}
    await write_box(dialog, left=10)
    found["rectangle"] = await violations(page)
    assert await dialog.evaluate("one => one.scrollHeight <= one.clientHeight")
    await dialog.get_by_role("button", name="Mark it").click()
    await keep(page)
    found["composer"] = await violations(page)
    assert not any(found.values()), found
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
