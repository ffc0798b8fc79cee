"""Pictures of every kind that a provider may answer, made here so that their pixels are known."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

LEFT, RIGHT = (200, 40, 30), (20, 60, 190)


def two_colours(width: int, height: int, *, alpha: int | None = None) -> Image.Image:
    """Red on the left, blue on the right."""
    pixels = np.empty((height, width, 3 if alpha is None else 4), np.uint8)
    pixels[:, : width // 2, :3] = LEFT
    pixels[:, width // 2 :, :3] = RIGHT
    if alpha is not None:
        pixels[:, :, 3] = alpha
    return Image.fromarray(pixels)


def noise(width: int, height: int) -> Image.Image:
    """Pixels that do not compress, so that every byte of the file carries some."""
    pixels = np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def saved(image: Image.Image, image_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def deep_grey(width: int, height: int) -> bytes:
    """A 16-bit PNG: black on the left, light grey on the right."""
    pixels = np.zeros((height, width), np.uint16)
    pixels[:, width // 2 :] = 52_000
    return saved(Image.fromarray(pixels), "PNG")


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
