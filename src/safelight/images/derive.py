"""What is made of a picture's pixels: a clean copy, small previews, the likeness for a thumbhash.

It decodes what strangers send, so it runs in the limited process of `darkroom_child`, never in the
server's own. It imports nothing slow: that process is started while somebody waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

os.environ.setdefault("VIPS_CONCURRENCY", "1")  # pictures run side by side; one core each

import pyvips

from safelight.images.headers import Header, Undecodable
from safelight.values.images import PREVIEW_SIDES, ImageFormat

# Each picture is seen once: libvips' operation cache would only keep its memory.
pyvips.cache_set_max(0)

_PREVIEW_QUALITY = 78
_PREVIEW_EFFORT = 1  # 57 ms instead of 100 ms for a 1024×1024 at effort 4, 6 % larger
_PARTIAL_SIDE = 192
_COPY_QUALITY = 92
_LOSSLESS_PIXELS_MAX = 4_200_000  # a lossless WebP of 16 million takes 4 s and 600 MB to write
_ICC_BYTES_MAX = 4 * 1024 * 1024
# Not thumbnail_buffer: it passes over truncated PNGs and JPEGs whatever `fail_on` says. The loaders
# are named, so that a file is never read as something else than its checked header says.
_LOADERS = {
    "png": pyvips.Image.pngload_buffer,
    "jpeg": pyvips.Image.jpegload_buffer,
    "webp": pyvips.Image.webpload_buffer,
    "gif": pyvips.Image.gifload_buffer,
}
# What is left of a PNG before it is decoded: pixels, colours, orientation. Texts, which may unpack
# to gigabytes, and whatever else is in there or behind its end are not even looked at.
_PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf"}
)


@dataclass(frozen=True, slots=True)
class Tiny:
    """At most 100×100 pixels, sRGB, 8 bits; bands is 3, or 4 with transparency."""

    width: int
    height: int
    bands: int
    pixels: bytes


@dataclass(frozen=True, slots=True)
class Small:
    """previews: WebP by its longer side in pixels (never larger than the original)."""

    previews: dict[int, bytes]
    tiny: Tiny


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture written anew: upright, sRGB, 8 bits a colour, and nothing but pixels."""

    data: bytes
    width: int
    height: int
    small: Small


def previews(data: bytes, header: Header) -> Small:
    """Decode all of it and make the small ones. Raises: Undecodable when a byte is missing."""
    try:
        return _small(_open(data, header))
    except pyvips.Error as error:
        raise Undecodable(_sentence(error)) from None


def copy(data: bytes, header: Header) -> Copy:
    """Decode all of it and write it anew, with its small ones. Raises: Undecodable."""
    try:
        image = _clean(_open(data, header).copy_memory())
        return Copy(_encoded(image, header), image.width, image.height, _small(image))
    except pyvips.Error as error:
        raise Undecodable(_sentence(error)) from None


def shrunk(data: bytes, header: Header, bytes_max: int) -> bytes:
    """A partial picture as a WebP of at most `bytes_max`; empty when it does not fit.

    Raises: Undecodable."""
    try:
        image = _LOADERS[header.kind](data, access="sequential")
        small = image.thumbnail_image(_PARTIAL_SIDE, height=_PARTIAL_SIDE, size="down")
        small = small.copy_memory()
        for quality in (60, 30, 10):
            encoded: bytes = small.webpsave_buffer(Q=quality, effort=0, keep="none")
            if len(encoded) <= bytes_max:
                return encoded
    except pyvips.Error as error:
        raise Undecodable(_sentence(error)) from None
    return b""


def _open(data: bytes, header: Header) -> pyvips.Image:
    if header.kind == "png":
        data = b"".join(_png_parts(data))
    image = _LOADERS[header.kind](data, access="sequential", fail_on="truncated")
    if (image.width, image.height) != (header.width, header.height):
        raise Undecodable("It is of another size than its header says.")
    return image


def _png_parts(data: bytes) -> Iterator[memoryview]:
    """The signature, and the chunks worth keeping up to the last one."""
    view, place = memoryview(data), 8
    yield view[:8]
    while place + 12 <= len(data):
        name, after = (
            data[place + 4 : place + 8],
            place + 12 + int.from_bytes(data[place : place + 4]),
        )
        if name in _PNG_KEPT and not (name == b"iCCP" and after - place > _ICC_BYTES_MAX):
            yield view[place:after]
        if name == b"IEND":
            return
        place = after


def _clean(image: pyvips.Image) -> pyvips.Image:
    image = image.autorot()
    if image.get_typeof("icc-profile-data"):
        image = _without_profile(image)
    if image.format != "uchar" or image.interpretation not in ("b-w", "srgb"):
        grey = image.interpretation in ("b-w", "grey16")
        image = image.colourspace("b-w" if grey else "srgb").cast("uchar").copy_memory()
    return image.copy(xres=1, yres=1)


def _without_profile(image: pyvips.Image) -> pyvips.Image:
    """Its colours as sRGB. A profile that makes no sense is passed over."""
    try:
        if len(image.get("icc-profile-data")) > _ICC_BYTES_MAX:
            return image
        return image.icc_transform("srgb", embedded=True).copy_memory()
    except pyvips.Error:
        return image


def _encoded(image: pyvips.Image, header: Header) -> bytes:
    kept_as: ImageFormat = header.kept_as
    encoded: bytes
    match kept_as:
        case "png":
            encoded = image.pngsave_buffer(compression=3, filter="all", keep="none")
        case "jpeg":
            encoded = image.jpegsave_buffer(Q=_COPY_QUALITY, keep="none")
        case "webp":
            exact = header.lossless and image.width * image.height <= _LOSSLESS_PIXELS_MAX
            effort = 0 if exact else _PREVIEW_EFFORT
            encoded = image.webpsave_buffer(
                Q=_COPY_QUALITY, lossless=exact, effort=effort, keep="none"
            )
    return encoded


def _small(whole: pyvips.Image) -> Small:
    longest = max(PREVIEW_SIDES)
    small = whole.thumbnail_image(longest, height=longest, size="down").copy_memory()
    made: dict[int, bytes] = {}
    encoded = b""
    for side in sorted(PREVIEW_SIDES, reverse=True):
        if not encoded or max(small.width, small.height) > side:
            if max(small.width, small.height) > side:
                small = small.thumbnail_image(side, height=side, size="down").copy_memory()
            encoded = small.webpsave_buffer(Q=_PREVIEW_QUALITY, effort=_PREVIEW_EFFORT, keep="none")
        made[side] = encoded
    return Small(made, _tiny(small))


def _tiny(small: pyvips.Image) -> Tiny:
    tiny = small.thumbnail_image(100, height=100, size="down").colourspace("srgb").cast("uchar")
    if tiny.bands > 4:
        tiny = tiny.extract_band(0, n=4)
    return Tiny(tiny.width, tiny.height, tiny.bands, bytes(tiny.write_to_memory()))


def _sentence(error: pyvips.Error) -> str:
    detail = str(getattr(error, "detail", "") or error).strip()
    first = detail.splitlines()[0] if detail else ""
    return f"It is damaged ({first[:120]})." if first else "It is damaged."
