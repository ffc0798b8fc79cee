"""What a picture file consists of, part by part, to see that there is nothing in it but pixels."""

from __future__ import annotations

_PNG = {"IHDR", "PLTE", "tRNS", "pHYs", "IDAT", "IEND"}
# JFIF's own header, tables, sizes, scans: nothing that could say anything.
_JPEG = {0xE0, 0xDB, 0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDD, 0xD9}
_WEBP = {"VP8 ", "VP8L", "VP8X", "ALPH"}


def strangers(data: bytes) -> list[str]:
    """Parts that are not pixels, or bytes behind the end."""
    if data.startswith(b"\x89PNG"):
        return _in_png(data)
    return _in_jpeg(data) if data.startswith(b"\xff\xd8") else _in_webp(data)


def _in_png(data: bytes) -> list[str]:
    place, found = 8, []
    while place < len(data):
        length, name = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8].decode()
        if name not in _PNG:
            found.append(name)
        place += 12 + length
        if name == "IEND" and place != len(data):
            return [*found, f"{len(data) - place} bytes behind the end"]
    return found


def _in_jpeg(data: bytes) -> list[str]:
    place, found = 2, []
    while True:
        assert data[place] == 0xFF, f"no marker at {place}"
        marker = data[place + 1]
        if marker not in _JPEG:
            found.append(f"{marker:x}")
        if marker == 0xD9:
            more = len(data) - place - 2
            return [*found, f"{more} bytes behind the end"] if more else found
        length = int.from_bytes(data[place + 2 : place + 4])
        if marker == 0xE0 and (length != 16 or data[place + 4 : place + 9] != b"JFIF\0"):
            found.append("a JFIF header with more in it")
        place += 2 + length
        while marker == 0xDA and (
            data[place] != 0xFF or data[place + 1] in (0, *range(0xD0, 0xD8))
        ):
            place += 1


def _in_webp(data: bytes) -> list[str]:
    assert data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    end = 8 + int.from_bytes(data[4:8], "little")
    place, found = 12, [] if end == len(data) else [f"{len(data) - end} bytes behind the end"]
    while place < end:
        name, length = (
            data[place : place + 4].decode(),
            int.from_bytes(data[place + 4 : place + 8], "little"),
        )
        if name not in _WEBP:
            found.append(name)
        place += 8 + length + length % 2
    return found
