"""Pictures for the fake providers: of the asked size, one pair of colours per prompt and seed."""

from __future__ import annotations

import hashlib
import struct
import zlib
from functools import lru_cache


def colours(*of: object) -> bytes:
    """Six bytes, two RGB colours, the same for the same words."""
    return hashlib.sha256(repr(of).encode()).digest()[:6]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@lru_cache(64)
def _stripes(width: int, height: int) -> tuple[bytes, bytes]:
    """Header and pixels of a one-bit PNG in stripes; only the palette differs between pictures."""
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    row = b"\x00" + b"\xf0" * ((width + 7) // 8)
    return _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(row * height, 1))


@lru_cache(8)
def _padding(size: int) -> bytes:
    return _chunk(b"paDd", hashlib.shake_128(b"padding").digest(size)) if size > 0 else b""


def png(width: int, height: int, two: bytes, *, bytes_min: int = 0) -> bytes:
    """About 20 µs. bytes_min: made at least this large with a private chunk nobody reads."""
    header, pixels = _stripes(width, height)
    head = b"\x89PNG\r\n\x1a\n" + header + _chunk(b"PLTE", two)
    tail = pixels + _chunk(b"IEND", b"")
    return head + _padding(bytes_min - len(head) - len(tail) - 12) + tail


@lru_cache(64)
def encoded(kind: str, width: int, height: int, two: bytes) -> bytes:
    """JPEG or WebP of the same picture."""
    import pyvips  # noqa: PLC0415  (slow, and PNG needs none)

    image = pyvips.Image.new_from_buffer(png(width, height, two), "")
    if kind == "jpeg":
        return bytes(image.colourspace("srgb").jpegsave_buffer(Q=80))
    return bytes(image.colourspace("srgb").webpsave_buffer(Q=80, effort=0))


def picture(kind: str, width: int, height: int, two: bytes, *, bytes_min: int = 0) -> bytes:
    if kind == "png":
        return png(width, height, two, bytes_min=bytes_min)
    return encoded(kind, width, height, two)
