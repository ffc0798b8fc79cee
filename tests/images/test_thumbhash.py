"""ThumbHash, read back by a decoder written from the format's description and not from our code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from safelight.images.thumbhash import encode
from tests.images.pictures import LEFT, RIGHT, two_colours


def decode(data: bytes) -> NDArray[np.int64]:
    """(height, width, 4) pixels, the longer side 32, as evanw.github.io/thumbhash has it."""
    head = int.from_bytes(data[:3], "little")
    more = int.from_bytes(data[3:5], "little")
    has_alpha, wide = head >> 23 & 1, more >> 15 & 1
    longer, shorter = (5 if has_alpha else 7), more & 7
    across, down = (longer, shorter) if wide else (shorter, longer)
    strengths = iter(
        nibble for byte in data[6 if has_alpha else 5 :] for nibble in (byte & 15, byte >> 4)
    )

    def channel(average: float, columns: int, rows: int, scale: float) -> NDArray[np.float64]:
        values = np.full((height, width), average)
        for row in range(rows):
            for column in range(columns):
                if (row or column) and column * rows < columns * (rows - row):
                    wave = np.outer(
                        np.cos(math.pi / height * row * (np.arange(height) + 0.5)),
                        np.cos(math.pi / width * column * (np.arange(width) + 0.5)),
                    )
                    values += 2 * (next(strengths) / 7.5 - 1) * scale * wave
        return values

    ratio = across / down
    width = max(1, round(32 if ratio > 1 else 32 * ratio))
    height = max(1, round(32 / ratio if ratio > 1 else 32))
    light = channel((head & 63) / 63, max(3, across), max(3, down), (head >> 18 & 31) / 31)
    p = channel((head >> 6 & 63) / 31.5 - 1, 3, 3, (more >> 3 & 63) / 63 * 1.25)
    q = channel((head >> 12 & 63) / 31.5 - 1, 3, 3, (more >> 9 & 63) / 63 * 1.25)
    cover = np.ones((height, width))
    if has_alpha:
        cover = channel((data[5] & 15) / 15, 5, 5, (data[5] >> 4) / 15)
    blue = light - 2 / 3 * p
    red = (3 * light - blue + q) / 2
    pixels = np.stack([red, red - q, blue, cover], axis=2)
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.int64)


def flat(colour: tuple[int, ...], width: int = 40, height: int = 30) -> NDArray[np.uint8]:
    return np.full((height, width, len(colour)), colour, np.uint8)


@pytest.mark.parametrize(
    "colour",
    [(255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), LEFT],
)
def test_one_colour_comes_back(colour: tuple[int, int, int]) -> None:
    pixels = decode(encode(flat(colour)))

    assert np.abs(pixels[:, :, :3] - colour).max() <= 12
    assert (pixels[:, :, 3] == 255).all()


def test_left_and_right_are_not_mixed_up() -> None:
    pixels = decode(encode(np.asarray(two_colours(80, 60))))

    left, right = pixels[:, :8, :3].mean(axis=(0, 1)), pixels[:, -8:, :3].mean(axis=(0, 1))
    assert np.abs(left - LEFT).max() < 45
    assert np.abs(right - RIGHT).max() < 45


def test_top_and_bottom_are_not_mixed_up() -> None:
    pixels = decode(encode(np.asarray(two_colours(60, 80)).transpose(1, 0, 2)))

    top, bottom = pixels[:6, :, :3].mean(axis=(0, 1)), pixels[-6:, :, :3].mean(axis=(0, 1))
    assert np.abs(top - LEFT).max() < 45
    assert np.abs(bottom - RIGHT).max() < 45


@pytest.mark.parametrize(("width", "height"), [(100, 100), (100, 50), (50, 100), (90, 60), (7, 5)])
def test_the_shape_comes_back(width: int, height: int) -> None:
    pixels = decode(encode(flat(RIGHT, width, height)))

    assert pixels.shape[1] / pixels.shape[0] == pytest.approx(width / height, rel=0.15)


def test_transparent_parts_stay_transparent() -> None:
    drawn = np.asarray(two_colours(80, 60, alpha=255)).copy()
    drawn[:, 40:, 3] = 0

    pixels = decode(encode(drawn))

    assert pixels[:, :8, 3].mean() > 220
    assert pixels[:, -8:, 3].mean() < 35


def test_a_wholly_transparent_picture_does_not_divide_by_nothing() -> None:
    pixels = decode(encode(flat((9, 9, 9, 0))))

    assert pixels[:, :, 3].max() <= 10


def test_a_gradient_follows_the_original_closely() -> None:
    across = np.linspace(0, 255, 96)[None, :].repeat(64, axis=0)
    down = np.linspace(0, 255, 64)[:, None].repeat(96, axis=1)
    drawn = np.stack([across, down, 255 - across], axis=2).astype(np.uint8)

    pixels = decode(encode(drawn))

    rows = np.linspace(0, 63, pixels.shape[0]).astype(int)
    columns = np.linspace(0, 95, pixels.shape[1]).astype(int)
    wanted = drawn[np.ix_(rows, columns)].astype(int)
    assert np.abs(pixels[:, :, :3] - wanted).mean() < 20


def test_it_is_small_and_the_same_every_time() -> None:
    drawn = np.random.default_rng(3).integers(0, 256, (100, 75, 4), np.uint8)

    first, second = encode(drawn), encode(drawn)

    assert first == second
    assert len(first) <= 30


def test_too_large_a_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 100×100"):
        encode(flat(LEFT, 101, 10))
