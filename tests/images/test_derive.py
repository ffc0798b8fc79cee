"""What is made of a picture, and that what is none is noticed."""

from __future__ import annotations

import random

import pytest
from PIL import Image

from safelight.images.darkroom import Darkroom, Derived
from safelight.images.headers import PIXELS_MAX, Undecodable, read_header
from tests.images.pictures import LEFT, RIGHT, deep_grey, noise, opened, saved, two_colours
from tests.images.test_thumbhash import decode

pytestmark = pytest.mark.asyncio(loop_scope="module")

_NOISE = random.Random(5).randbytes(500)

RGB = two_colours(400, 300)
COLOURED = {
    "png": saved(RGB, "PNG"),
    "png palette": saved(RGB.quantize(16), "PNG"),
    "png interlaced": saved(RGB, "PNG", interlace=1),
    "png opaque alpha": saved(two_colours(400, 300, alpha=255), "PNG"),
    "jpeg": saved(RGB, "JPEG", quality=95),
    "jpeg progressive": saved(RGB, "JPEG", quality=95, progressive=True),
    "jpeg cmyk": saved(RGB.convert("CMYK"), "JPEG", quality=95),
    "webp": saved(RGB, "WEBP", quality=95),
    "webp lossless": saved(RGB, "WEBP", lossless=True),
}


async def derive(darkroom: Darkroom, data: bytes) -> Derived:
    return await darkroom.previews(data, read_header(data))


def close(pixel: object, colour: tuple[int, ...], by: int) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) <= by for one, other in zip(pixel, colour, strict=False))


@pytest.mark.parametrize("kind", COLOURED)
async def test_previews_keep_shape_and_colours(darkroom: Darkroom, kind: str) -> None:
    data = COLOURED[kind]

    facts = read_header(data)
    derived = await derive(darkroom, data)

    assert (facts.kept_as, facts.width, facts.height) == (kind.split(maxsplit=1)[0], 400, 300)
    sizes = {side: opened(preview).size for side, preview in derived.previews.items()}
    assert sizes == {640: (400, 300), 320: (320, 240), 160: (160, 120)}
    for preview in derived.previews.values():
        image = opened(preview)
        assert image.format == "WEBP"
        image = image.convert("RGB")
        # CMYK has no profile here, so its colours are only those of a guess.
        by = 75 if "cmyk" in kind else 16
        assert close(image.getpixel((image.width // 4, image.height // 2)), LEFT, by)
        assert close(image.getpixel((image.width * 3 // 4, image.height // 2)), RIGHT, by)


@pytest.mark.parametrize("kind", COLOURED)
async def test_the_thumbhash_shows_the_same_colours(darkroom: Darkroom, kind: str) -> None:
    pixels = decode((await derive(darkroom, COLOURED[kind])).thumbhash)

    height, width = pixels.shape[:2]
    assert width / height == pytest.approx(4 / 3, abs=0.15)
    assert close(tuple(pixels[height // 2, width // 8]), LEFT, 70)
    assert close(tuple(pixels[height // 2, width - width // 8]), RIGHT, 70)
    assert pixels[:, :, 3].min() == 255


async def test_grey_of_8_and_16_bits_stays_grey_and_as_light(darkroom: Darkroom) -> None:
    eight = two_colours(400, 300).convert("L").point(lambda value: 0 if value < 70 else 203)

    for data in (saved(eight, "PNG"), deep_grey(400, 300)):
        derived = await derive(darkroom, data)

        pixels = decode(derived.thumbhash)
        dark, light = sorted((int(pixels[10, 2, 0]), int(pixels[10, -3, 0])))
        assert dark < 60
        assert 150 < light < 256
        spread = pixels[:, :, :3].max(axis=2) - pixels[:, :, :3].min(axis=2)
        assert spread.max() < 20
        image = opened(derived.previews[160]).convert("RGB")
        shades = sorted(image.getpixel((x, 60)) for x in (20, 140))
        assert close(shades[0], (0, 0, 0), 8)
        assert close(shades[1], (203, 203, 203), 8)


async def test_transparency_survives_in_previews_and_thumbhash(darkroom: Darkroom) -> None:
    image = two_colours(400, 300, alpha=255)
    image.paste((0, 0, 0, 0), (200, 0, 400, 300))

    derived = await derive(darkroom, saved(image, "PNG"))

    for preview in derived.previews.values():
        small = opened(preview)
        assert small.mode == "RGBA"
        assert small.getpixel((small.width * 3 // 4, 10))[3] == 0
        assert close(small.getpixel((small.width // 4, 10)), (*LEFT, 255), 12)
    pixels = decode(derived.thumbhash)
    assert pixels[10, 2, 3] > 200
    assert pixels[10, -3, 3] < 60


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (100, 99), (159, 160), (161, 40), (640, 641)])
async def test_nothing_is_ever_enlarged(darkroom: Darkroom, size: tuple[int, int]) -> None:
    derived = await derive(darkroom, saved(two_colours(*size), "PNG"))

    for side, preview in derived.previews.items():
        assert max(opened(preview).size) == min(side, max(size))
    assert 5 < len(derived.thumbhash) <= 30


@pytest.mark.parametrize("size", [(3000, 1), (1, 3000), (2000, 8)])
async def test_extreme_shapes_lose_no_side(darkroom: Darkroom, size: tuple[int, int]) -> None:
    derived = await derive(darkroom, saved(two_colours(*size), "PNG"))

    assert all(min(opened(preview).size) >= 1 for preview in derived.previews.values())


async def test_previews_carry_no_metadata(darkroom: Darkroom) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at a secret place"
    data = saved(RGB, "JPEG", exif=exif, comment=b"secret comment")

    for preview in (await derive(darkroom, data)).previews.values():
        assert b"secret" not in preview
        assert b"EXIF" not in preview


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + _NOISE,
        b"\xff\xd8\xff" + _NOISE,
        b"RIFF\x00\x10\x00\x00WEBP" + _NOISE,
        b"GIF89a" + bytes(100),
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"<!DOCTYPE html><html></html>",
        saved(RGB, "GIF"),
        saved(RGB, "BMP"),
        saved(RGB, "TIFF"),
    ],
    ids=lambda data: f"{bytes(data[:8])!r}-{len(data)}",
)
async def test_what_is_no_picture_of_ours_is_refused(darkroom: Darkroom, data: bytes) -> None:
    with pytest.raises(Undecodable) as refused:
        await derive(darkroom, data)

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_that_ends_too_early_is_refused_wherever_it_was_cut(
    darkroom: Darkroom, image_format: str
) -> None:
    data = saved(noise(96, 64), image_format)
    # The last 12 bytes of a PNG only say that it ends.
    whole_from = len(data) - (12 if image_format == "PNG" else 0)

    taken = []
    for length in range(0, whole_from, 61):
        try:
            await derive(darkroom, data[:length])
            taken.append(length)
        except Undecodable:
            pass

    assert taken == []


async def test_a_flipped_bit_in_a_png_is_noticed(darkroom: Darkroom) -> None:
    data = bytearray(saved(noise(96, 64), "PNG"))
    data[len(data) // 2] ^= 0x10

    with pytest.raises(Undecodable):
        await derive(darkroom, bytes(data))


async def test_too_many_pixels_are_refused_from_the_header_alone(darkroom: Darkroom) -> None:
    side = int(PIXELS_MAX**0.5) + 8
    bomb = saved(Image.new("1", (side, side)), "PNG")
    assert len(bomb) < 100_000

    with pytest.raises(Undecodable, match="too large"):
        read_header(bomb)
