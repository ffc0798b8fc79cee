"""Sizes, formats and what a picture's first bytes say it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ImageFormat = Literal["png", "jpeg", "webp"]
IMAGE_FORMATS: tuple[ImageFormat, ...] = ("png", "jpeg", "webp")
CONTENT_TYPES: dict[ImageFormat, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
}
FILE_ENDINGS: dict[ImageFormat, str] = {"png": "png", "jpeg": "jpg", "webp": "webp"}

PREVIEW_SIDES = (160, 320, 640)  # the longer side of the small ones, in pixels

SIDE_MIN = 64
SIDE_MAX = 4096

Resolution = Literal["1K", "2K", "4K"]
# The long side's square equivalent: a 1K picture of any ratio has about 1024² pixels.
RESOLUTION_SIDES: dict[Resolution, int] = {"1K": 1024, "2K": 2048, "4K": 4096}


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


Kind = Literal["png", "jpeg", "webp", "gif"]  # what is read; what is kept is an ImageFormat


def sniff_kind(data: bytes) -> Kind | None:
    """As `sniff_format`, and GIF, which is read but never kept."""
    return "gif" if data.startswith((b"GIF87a", b"GIF89a")) else sniff_format(data)


def sniff_format(data: bytes) -> ImageFormat | None:
    """The format the first bytes announce, or None. A provider's own word for it is not trusted."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return None


def size_of_ratio(ratio_w: float, ratio_h: float, side: int, multiple: int = 16) -> Size:
    """A size with about `side`² pixels in the ratio, both sides multiples of `multiple`.

    Neither side exceeds SIDE_MAX: an extreme ratio gets fewer pixels instead.
    """
    scale = (side * side / (ratio_w * ratio_h)) ** 0.5
    scale = min(scale, SIDE_MAX / max(ratio_w, ratio_h))

    def rounded(value: float) -> int:
        return max(SIDE_MIN, min(SIDE_MAX, round(value / multiple) * multiple))

    return Size(rounded(ratio_w * scale), rounded(ratio_h * scale))
