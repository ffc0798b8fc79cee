"""What a picture's header says: read here, in plain Python, before anything is decoded.

Nothing is unpacked and nothing is copied, and no file makes it look at more than PARTS_MAX of its
parts: a bomb is refused for what it says of itself, in microseconds.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from safelight.values.images import ImageFormat, Kind, sniff_kind

PIXELS_MAX = 40_000_000
# A WebP is decoded as a whole and takes about 20 bytes a pixel: more would not fit into the 512 MiB
# of the process that does it. 4096×4096 does.
PIXELS_MAX_OF: dict[Kind, int] = {"webp": 17_000_000}
SIDE_MAX = 12_000
PARTS_MAX = 1000
NAMES: dict[Kind, str] = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP", "gif": "GIF"}

_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_JPEG_SIZES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive; not lossless ones
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length


class Undecodable(Exception):
    """The bytes are not a picture that is taken; the message is a sentence that says why."""


class WrongKind(Undecodable):
    """A file of another kind."""


class TooBig(Undecodable):
    """A picture with more pixels than are taken."""


@dataclass(frozen=True, slots=True)
class Header:
    """kept_as: what it is written as; a GIF becomes a PNG. lossless: of a WebP."""

    kind: Kind
    width: int
    height: int
    lossless: bool = False
    animated: bool = False

    @property
    def kept_as(self) -> ImageFormat:
        return "png" if self.kind == "gif" else self.kind


def read_header(data: bytes, *, gif: bool = False) -> Header:
    """Read and check the header of a PNG, JPEG or WebP; of a GIF too where that is asked for.

    Raises: WrongKind, TooBig, Undecodable.
    """
    kind = sniff_kind(data)
    if kind is None or (kind == "gif" and not gif):
        raise WrongKind(_not_taken(data, gif=gif))
    header = _READERS[kind](data)
    _check_size(header)
    if header.animated:
        raise WrongKind("This is an animation; a still picture is needed.")
    return header


def _check_size(header: Header) -> None:
    width, height, most = header.width, header.height, PIXELS_MAX_OF.get(header.kind, PIXELS_MAX)
    if not width or not height:
        raise Undecodable("Its header says that it has no pixels.")
    if max(width, height) > SIDE_MAX:
        raise TooBig(f"{width}×{height} is too large: a side may have {SIDE_MAX:,} pixels.")
    if width * height > most:
        kind = NAMES[header.kind]
        raise TooBig(
            f"{width}×{height} is too large: a {kind} may have {most // 1_000_000} million pixels."
        )


def _not_taken(data: bytes, *, gif: bool) -> str:
    """A sentence for what it seems to be."""
    taken = "PNG, JPEG, WebP or GIF" if gif else "PNG, JPEG or WebP"
    if not data:
        return "The file is empty."
    if data[4:8] == b"ftyp":
        return f"AVIF and HEIC pictures are not taken; save it as {taken}."
    start = data[:512].lstrip().lower()
    if start.startswith((b"<?xml", b"<svg", b"<!doctype", b"<html")):
        return f"This is a text that draws (SVG, HTML), not pixels; save it as {taken}."
    return f"This is not a {taken}."


def _read_png(data: bytes) -> Header:
    if data[8:16] != b"\0\0\0\rIHDR" or len(data) < 33:
        raise Undecodable("The PNG's header is missing.")
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33]):
        raise Undecodable("The PNG's header is damaged.")
    depth, colour, packing, filters, interlace = data[24:29]
    if depth not in _PNG_DEPTHS.get(colour, ()) or packing or filters or interlace > 1:
        raise Undecodable("The PNG's header makes no sense.")
    animated = False
    for name, start in _png_chunks(data):  # an animation says so before its first pixels
        animated = animated or (name == b"acTL" and _at(data, start) > 1)
    return Header("png", _at(data, 16), _at(data, 20), animated=animated)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """(name, where it starts) of the parts before the pixels. Raises: Undecodable."""
    place = 33
    for _ in range(PARTS_MAX):
        name, length = data[place + 4 : place + 8], _at(data, place)
        if name == b"IDAT":
            return
        if len(name) < 4 or name == b"IEND":
            raise Undecodable("The PNG has no pixels.")
        yield name, place + 8
        place += length + 12
    raise Undecodable("The PNG has too many parts before its pixels.")


def _read_jpeg(data: bytes) -> Header:
    place = 2
    for _ in range(PARTS_MAX):
        if data[place : place + 1] != b"\xff":
            raise Undecodable("The JPEG is damaged before its pixels.")
        marker = data[place + 1] if place + 1 < len(data) else 0xD9
        if marker in _JPEG_BARE or marker == 0xFF:  # 0xFF only fills
            place += 1 if marker == 0xFF else 2
            continue
        if marker in (0xD9, 0xDA):  # its end, or its pixels
            break
        length = int.from_bytes(data[place + 2 : place + 4])
        if marker in _JPEG_SIZES and length >= 8 and place + 9 <= len(data):
            height, width = data[place + 5 : place + 7], data[place + 7 : place + 9]
            return Header("jpeg", int.from_bytes(width), int.from_bytes(height))
        if length < 2 or (0xC3 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            raise Undecodable("The JPEG is of a rare kind, or damaged.")
        place += 2 + length
    else:
        raise Undecodable("The JPEG has too many parts before its pixels.")
    raise Undecodable("The JPEG does not say how large it is.")


def _read_webp(data: bytes) -> Header:
    name = data[12:16]
    if name == b"VP8 " and data[23:26] == b"\x9d\x01\x2a" and len(data) >= 30:
        width, height = _small(data[26:28]) & 0x3FFF, _small(data[28:30]) & 0x3FFF
        return Header("webp", width, height)
    if name == b"VP8L" and data[20:21] == b"\x2f" and len(data) >= 25:
        packed = _small(data[21:25])
        return Header("webp", (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, lossless=True)
    if name == b"VP8X" and len(data) >= 30:
        width, height = _small(data[24:27]) + 1, _small(data[27:30]) + 1
        lossless = b"VP8L" in _webp_chunks(data)
        return Header("webp", width, height, lossless, animated=bool(data[20] & 0x02))
    raise Undecodable("The WebP's header is missing or damaged.")


def _webp_chunks(data: bytes) -> Iterator[bytes]:
    """The names of the first parts."""
    place = 30
    for _ in range(PARTS_MAX):
        name, length = data[place : place + 4], _small(data[place + 4 : place + 8])
        if len(name) < 4:
            return
        yield name
        place += 8 + length + length % 2


def _read_gif(data: bytes) -> Header:
    if len(data) < 14:
        raise Undecodable("The GIF's header is missing.")
    # How many pictures are in it is not looked for: only the first one is ever decoded.
    return Header("gif", _small(data[6:8]), _small(data[8:10]))


_READERS = {"png": _read_png, "jpeg": _read_jpeg, "webp": _read_webp, "gif": _read_gif}


def _at(data: bytes, place: int) -> int:
    return int.from_bytes(data[place : place + 4])


def _small(part: bytes) -> int:
    """WebP and GIF count from the little end."""
    return int.from_bytes(part, "little")
