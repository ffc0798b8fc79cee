"""From an original's bytes: proof that they decode, its facts, small previews, a thumbhash."""

from __future__ import annotations

import os
from dataclasses import dataclass

os.environ.setdefault("VIPS_CONCURRENCY", "1")  # pictures run side by side; one core each

import numpy as np
import pyvips

from safelight.images import thumbhash
from safelight.images.store import PREVIEW_SIDES
from safelight.values.images import ImageFormat, sniff_format

# Each picture is seen once: libvips' operation cache would only keep its memory.
pyvips.cache_set_max(0)

_PREVIEW_QUALITY = 78
_PREVIEW_EFFORT = 1  # 57 ms instead of 100 ms for a 1024×1024 at effort 4, 6 % larger
PIXELS_MAX = 64_000_000


class Undecodable(Exception):
    """The bytes are not a whole picture of a format that is kept."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an original is, read from its header."""

    format: ImageFormat
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Derived:
    """previews: WebP by its longer side in pixels (never larger than the original)."""

    previews: dict[int, bytes]
    thumbhash: bytes


def read_facts(data: bytes) -> Facts:
    """Read the header only; decodes nothing. Raises: Undecodable."""
    image_format = sniff_format(data)
    if image_format is None:
        raise Undecodable("not a PNG, JPEG or WebP")
    try:
        header = pyvips.Image.new_from_buffer(data, "")
    except pyvips.Error as error:
        raise Undecodable(_first_line(error)) from None
    if header.width * header.height > PIXELS_MAX:
        raise Undecodable(f"{header.width}×{header.height} pixels are too many")
    return Facts(image_format, header.width, header.height)


def derive(data: bytes) -> Derived:
    """Decode all of it and make the small ones. Takes tens of milliseconds of one core: call it in
    a thread. Raises: Undecodable when a byte is missing or wrong."""
    try:
        # Not thumbnail_buffer: it passes over truncated PNGs and JPEGs whatever `fail_on` says.
        whole = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated")
        small = whole.thumbnail_image(
            max(PREVIEW_SIDES), height=max(PREVIEW_SIDES), size="down"
        ).copy_memory()
        previews: dict[int, bytes] = {}
        encoded = b""
        for side in sorted(PREVIEW_SIDES, reverse=True):
            if not encoded or max(small.width, small.height) > side:
                if max(small.width, small.height) > side:
                    small = small.thumbnail_image(side, height=side, size="down").copy_memory()
                encoded = small.webpsave_buffer(
                    Q=_PREVIEW_QUALITY, effort=_PREVIEW_EFFORT, keep="none"
                )
            previews[side] = encoded
        tiny = small.thumbnail_image(100, height=100, size="down").colourspace("srgb")
        return Derived(previews, thumbhash.encode(_pixels(tiny)))
    except pyvips.Error as error:
        raise Undecodable(_first_line(error)) from None


def shrink_preview(data: bytes, bytes_max: int) -> bytes | None:
    """A provider's partial picture as a WebP of at most `bytes_max`, or None when it is not a
    picture. Call it in a thread."""
    try:
        whole = pyvips.Image.new_from_buffer(data, "", access="sequential")
        small = whole.thumbnail_image(192, height=192, size="down").copy_memory()
        for quality in (60, 30, 10):
            encoded: bytes = small.webpsave_buffer(Q=quality, effort=0, keep="none")
            if len(encoded) <= bytes_max:
                return encoded
    except pyvips.Error:
        pass
    return None


def _pixels(image: pyvips.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = image.cast("uchar").numpy()
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    return np.repeat(pixels[:, :, :1], 3, axis=2) if pixels.shape[2] < 3 else pixels


def _first_line(error: pyvips.Error) -> str:
    detail = getattr(error, "detail", "") or str(error)
    return str(detail).strip().splitlines()[0] if str(detail).strip() else "it does not decode"
