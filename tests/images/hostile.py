"""Files that were made to hurt whoever opens them: bombs, lies, half pictures, two things in one.

All are made here from a seed. `CORPUS` is every kind of trouble; `mutated` makes as many more as
are wanted, each a small accident away from a good picture.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageCms, PngImagePlugin

from tests.images.pictures import noise, saved, two_colours

SECRET = b"secret-place-59.437N"  # what no picture may still carry when it was kept
SIGNATURE = b"\x89PNG\r\n\x1a\n"
SCRIPT = b"<!DOCTYPE html><script>alert(document.domain)</script>"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file with a name that says what is wrong with it."""

    name: str
    data: bytes


def chunk(name: bytes, body: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(name + body) if crc is None else crc
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)


def ihdr(
    width: int, height: int, depth: int = 8, colour: int = 2, more: tuple[int, ...] = (0, 0, 0)
) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBB", width, height, depth, colour) + bytes(more))


def png(*chunks: bytes) -> bytes:
    return SIGNATURE + b"".join(chunks) + chunk(b"IEND", b"")


@cache
def _packed_mebibyte() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)


def zeros(count: int) -> bytes:
    """As many zero bytes as zlib packs them, a thousandfold. Only a mebibyte is really packed, and
    then repeated; the checksum of zeros is known."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = packer.compress(bytes(count & 0xFFFFF)) + packer.flush()
    checksum = (count % 65_521) << 16 | 1
    return b"\x78\xda" + _packed_mebibyte() * (count >> 20) + rest + struct.pack(">I", checksum)


def bomb_13000() -> bytes:
    """13,000 × 13,000 pixels, 507 million bytes of zero, in half a megabyte."""
    return png(ihdr(13_000, 13_000), chunk(b"IDAT", zeros(13_000 * (13_000 * 3 + 1))))


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    """A PNG with more in it, right behind its header."""
    return data[:33] + b"".join(chunks) + data[33:]


def with_segments(data: bytes, *segments: bytes) -> bytes:
    """A JPEG with more in it, right behind its start."""
    return data[:2] + b"".join(segments) + data[2:]


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2)
        for name, part in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def small24(number: int) -> bytes:
    return number.to_bytes(3, "little")


GOOD_PNG = saved(noise(64, 48), "PNG")
GOOD_JPEG = saved(noise(64, 48), "JPEG")
GOOD_WEBP = saved(noise(64, 48), "WEBP")
GOOD_GIF = saved(noise(64, 48).quantize(32), "GIF")
GOOD = {"png": GOOD_PNG, "jpeg": GOOD_JPEG, "webp": GOOD_WEBP, "gif": GOOD_GIF}


def _bombs() -> Iterator[Hostile]:
    yield Hostile("png 13000×13000", bomb_13000())
    # As many pixels as are just taken, that unpack to more than was said, or to less.
    yield Hostile("png 40 MP of zero", png(ihdr(8000, 5000), chunk(b"IDAT", zeros(8000 * 15_005))))
    yield Hostile("png 100×100 of 1 GB", png(ihdr(100, 100), chunk(b"IDAT", zeros(1 << 30))))
    yield Hostile("png 8000×5000 of nothing", png(ihdr(8000, 5000), chunk(b"IDAT", zeros(1000))))
    yield Hostile(
        "png 16-bit RGBA 40 MP", png(ihdr(8000, 5000, 16, 6), chunk(b"IDAT", zeros(1000)))
    )
    for colour, depth in ((0, 1), (3, 8), (4, 16), (6, 8)):
        packed = chunk(b"IDAT", zeros(1 << 20))
        palette = chunk(b"PLTE", bytes(768)) if colour == 3 else b""
        header = ihdr(8000, 5000, depth, colour, (0, 0, 1))
        yield Hostile(f"png interlaced 40 MP {colour} {depth}", png(header, palette, packed))
    text = zeros(256 << 20)
    for name, body in (
        (b"zTXt", b"Comment\0\0" + text),
        (b"iTXt", b"Comment\0\1\0\0\0" + text),
        (b"iCCP", b"profile\0\0" + text),
    ):
        yield Hostile(f"png {name.decode()} bomb", with_chunks(GOOD_PNG, chunk(name, body)))
        many = [chunk(name, body[:100_000])] * 60
        yield Hostile(f"png 60 × {name.decode()} bombs", with_chunks(GOOD_PNG, *many))
    yield Hostile("png 100,000 texts", with_chunks(GOOD_PNG, *[chunk(b"tEXt", b"a\0b")] * 100_000))
    yield Hostile("png 500 texts", with_chunks(GOOD_PNG, *[chunk(b"tEXt", b"a\0b")] * 500))
    rows = zlib.compress(bytes(64 * 3 + 1) * 48)
    pieces = [chunk(b"IDAT", rows[i : i + 1]) for i in range(len(rows))]
    yield Hostile("png pixels in single bytes", png(ihdr(64, 48), *pieces))
    yield Hostile(
        "png a million empty pixels parts", png(ihdr(64, 48), *[chunk(b"IDAT", b"")] * 10**6)
    )
    frames = [Image.new("RGB", (64, 64), (n % 256, 0, 0)) for n in range(40)]
    for kind in ("PNG", "WEBP", "GIF"):
        file = io.BytesIO()
        frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=10)
        yield Hostile(f"{kind} of 40 frames", file.getvalue())
    control = chunk(b"acTL", struct.pack(">II", 2**32 - 1, 0))
    yield Hostile("apng of 4 billion frames", with_chunks(GOOD_PNG, control))
    frame = GOOD_GIF[GOOD_GIF.index(b",") : -1]
    yield Hostile("gif of 5,000 frames", GOOD_GIF[:-1] + frame * 5000 + b";")
    screen = b"GIF89a" + struct.pack("<HH", 6000, 6000) + b"\x80\0\0" + bytes(6)
    image = b"," + struct.pack("<HHHH", 0, 0, 6000, 6000) + b"\0\x02\x02\x4c\x01\0"
    yield Hostile("gif 36 MP of nothing", screen + image + b";")
    yield Hostile("gif frames 36 MP × 200", screen + image * 200 + b";")
    outside = b"," + struct.pack("<HHHH", 60_000, 60_000, 65_535, 65_535) + b"\0\x02\0"
    yield Hostile("gif frame outside its screen", screen + outside + b";")


def _jpeg_trouble() -> Iterator[Hostile]:
    yield Hostile(
        "jpeg 1,000,000 restart markers", GOOD_JPEG[:-2] + b"\xff\xd0" * 10**6 + b"\xff\xd9"
    )
    yield Hostile("jpeg 1,000,000 fill bytes", with_segments(GOOD_JPEG, b"\xff" * 10**6))
    yield Hostile("jpeg 100,000 comments", with_segments(GOOD_JPEG, *[segment(0xFE, b"x")] * 10**5))
    yield Hostile(
        "jpeg 300 big comments", with_segments(GOOD_JPEG, *[segment(0xFE, b"x" * 65_000)] * 300)
    )
    sliced = saved(two_colours(2000, 2000), "JPEG", progressive=True)
    scan = sliced[sliced.index(b"\xff\xda") : -2]
    yield Hostile("jpeg 300 times the same scans", sliced[:-2] + scan * 300 + b"\xff\xd9")
    size = GOOD_JPEG.index(b"\xff\xc0") + 5
    for width, height in ((0, 0), (0, 48), (64, 0), (65_535, 65_535), (12_001, 1), (8000, 5000)):
        lied = GOOD_JPEG[:size] + struct.pack(">HH", height, width) + GOOD_JPEG[size + 4 :]
        yield Hostile(f"jpeg says {width}×{height}", lied)
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 65_535) + bytes(12) * 5000
    yield Hostile(
        "jpeg exif of 65,535 entries", with_segments(GOOD_JPEG, segment(0xE1, exif[:65_000]))
    )
    loop = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08"
    yield Hostile("jpeg exif that contains itself", with_segments(GOOD_JPEG, segment(0xE1, loop)))
    parts = [
        segment(0xE2, b"ICC_PROFILE\0" + bytes((n + 1, 255)) + bytes(65_000)) for n in range(255)
    ]
    yield Hostile("jpeg icc of 16 MB", with_segments(GOOD_JPEG, *parts))
    bad = [segment(0xE2, b"ICC_PROFILE\0\x07\x03" + bytes(100))]
    yield Hostile("jpeg icc part 7 of 3", with_segments(GOOD_JPEG, *bad))
    for marker in (0xC3, 0xC5, 0xC8, 0xC9, 0xCB):
        other = GOOD_JPEG.replace(b"\xff\xc0", bytes((0xFF, marker)), 1)
        yield Hostile(f"jpeg of the rare kind {marker:x}", other)


def _lies() -> Iterator[Hostile]:
    pixels = chunk(b"IDAT", zlib.compress(bytes(64 * 3 + 1) * 48))
    for width, height in (
        *((0, 0), (0, 48), (64, 0), (1, 1), (64, 4800), (2**31, 1), (2**32 - 1, 2**32 - 1)),
        *((12_001, 1), (1, 12_001), (12_000, 12_000), (40_000_001, 1), (6325, 6325), (12_000, 1)),
    ):
        yield Hostile(f"png says {width}×{height}", png(ihdr(width, height), pixels))
    for depth, colour in ((0, 2), (3, 2), (16, 3), (8, 1), (8, 5), (255, 255), (1, 6)):
        yield Hostile(
            f"png depth {depth} colour {colour}", png(ihdr(64, 48, depth, colour), pixels)
        )
    for more in ((1, 0, 0), (0, 1, 0), (0, 0, 2), (255, 255, 255)):
        yield Hostile(f"png methods {more}", png(ihdr(64, 48, 8, 2, more), pixels))
    yield Hostile("png no header", png(pixels))
    yield Hostile("png two headers", png(ihdr(64, 48), ihdr(8000, 5000), pixels))
    yield Hostile("png palette missing", png(ihdr(64, 48, 8, 3), pixels))
    yield Hostile("png palette behind", png(ihdr(64, 48, 8, 3), pixels, chunk(b"PLTE", bytes(768))))
    yield Hostile(
        "png palette of 7 bytes", png(ihdr(64, 48, 8, 3), chunk(b"PLTE", bytes(7)), pixels)
    )
    yield Hostile("png trns too long", with_chunks(GOOD_PNG, chunk(b"tRNS", bytes(9000))))
    yield Hostile("png no pixels", png(ihdr(64, 48)))
    yield Hostile(
        "png chunk of 4 GB", SIGNATURE + ihdr(64, 48) + b"\xff\xff\xff\xffIDAT" + bytes(99)
    )
    yield Hostile("png chunk of -1", SIGNATURE + ihdr(64, 48) + b"\xff\xff\xff\xfftEXt" + bytes(99))
    for place in (29, 40, len(GOOD_PNG) - 20, len(GOOD_PNG) - 6):
        damaged = bytearray(GOOD_PNG)
        damaged[place] ^= 0xFF
        yield Hostile(f"png crc damage at {place}", bytes(damaged))
    for width, height in ((1, 1), (16_384, 16_384), (12_000, 3000), (1 << 24, 1 << 24)):
        extended = bytes((0x10, 0, 0, 0)) + small24(width - 1) + small24(height - 1)
        inner = GOOD_WEBP[20 : 20 + int.from_bytes(GOOD_WEBP[16:20], "little")]
        data = riff((b"VP8X", extended), (GOOD_WEBP[12:16], inner))
        yield Hostile(f"webp says {width}×{height}", data)
    yield Hostile("webp empty", riff())
    yield Hostile("webp no pixels", riff((b"VP8X", bytes(4) + small24(63) + small24(47))))
    yield Hostile("webp lossless 16383²", riff((b"VP8L", b"\x2f" + b"\xff" * 4 + bytes(50))))
    yield Hostile("webp lossless zero", riff((b"VP8L", b"\x2f" + bytes(54))))
    yield Hostile("webp chunk of 4 GB", GOOD_WEBP[:16] + b"\xff\xff\xff\xff" + GOOD_WEBP[20:])
    yield Hostile("webp riff size 0", GOOD_WEBP[:4] + bytes(4) + GOOD_WEBP[8:])
    yield Hostile("webp of 100,000 parts", riff((b"VP8X", bytes(10)), *[(b"JUNK", b"")] * 10**5))
    for kind, data in GOOD.items():
        for other in ("png", "jpeg", "webp", "gif"):
            if other != kind:
                yield Hostile(f"{other} start, {kind} inside", GOOD[other][:16] + data[16:])


def _cut() -> Iterator[Hostile]:
    for kind, data in GOOD.items():
        for length in {*range(0, 40, 3), *range(40, len(data), max(1, len(data) // 12))}:
            yield Hostile(f"{kind} cut at {length}", data[:length])


def _two_in_one() -> Iterator[Hostile]:
    archive = b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18)
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><image href='file:///etc/passwd'/></svg>"
    others = {"html": SCRIPT, "js": b"*/alert(1)//", "zip": archive, "svg": svg, "php": b"<?php 1;"}
    for name, other in others.items():
        for kind, data in GOOD.items():
            yield Hostile(f"{kind} with {name} behind", data + other)
            yield Hostile(f"{name} before {kind}", other + data)
        yield Hostile(f"{name} alone", other)
        yield Hostile(
            f"png with {name} as text", with_chunks(GOOD_PNG, chunk(b"tEXt", b"a\0" + other))
        )
        yield Hostile(f"png with {name} as a part", with_chunks(GOOD_PNG, chunk(b"prVt", other)))
        yield Hostile(
            f"jpeg with {name} as comment", with_segments(GOOD_JPEG, segment(0xFE, other))
        )
    yield Hostile("gif that is a script", b"GIF89a/*" + GOOD_GIF[8:] + b"*/=1;alert(1)")
    yield Hostile("xml bomb", b"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'aa'>]><svg>&a;</svg>")
    yield Hostile("url file", b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/x'\n")
    yield Hostile("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<</OpenAction 2 0 R>>endobj")
    yield Hostile("postscript", b"%!PS-Adobe-3.0\n(%pipe%id) (w) file\n")
    yield Hostile("tiff", saved(two_colours(64, 64), "TIFF"))
    yield Hostile("bmp", saved(two_colours(64, 64), "BMP"))
    yield Hostile("ico", saved(two_colours(64, 64), "ICO"))
    yield Hostile("avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(100))
    yield Hostile("heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    yield Hostile("jpeg xl", b"\xff\x0a" + bytes(100))
    yield Hostile("nothing", b"")
    yield Hostile("one byte", b"\x89")
    yield Hostile("zeros", bytes(10_000))


def _talkative() -> Iterator[Hostile]:
    """Good pictures that say more than they should."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (59.0, 26.0, 13.0), 3: "E", 4: (24.0, 45.0, 12.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    text.add_text("Packed", SECRET.decode() * 100, zip=True)
    text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    image = two_colours(64, 48)
    yield Hostile(
        "png that talks", saved(image, "PNG", pnginfo=text, exif=exif, icc_profile=profile)
    )
    yield Hostile(
        "jpeg that talks",
        saved(image, "JPEG", comment=SECRET, exif=exif, icc_profile=profile, xmp=xmp),
    )
    yield Hostile("webp that talks", saved(image, "WEBP", exif=exif, icc_profile=profile, xmp=xmp))
    yield Hostile("gif that talks", saved(image, "GIF", comment=SECRET))
    for orientation in range(10):
        turned = Image.Exif()
        turned[0x0112] = orientation
        yield Hostile(f"jpeg turned {orientation}", saved(image, "JPEG", exif=turned))
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield Hostile(f"png of mode {mode}", saved(_of_mode(mode), "PNG"))
    yield Hostile("jpeg cmyk", saved(image.convert("CMYK"), "JPEG"))
    yield Hostile("jpeg grey", saved(image.convert("L"), "JPEG"))
    for kind, data in GOOD.items():
        yield Hostile(f"good {kind}", data)


def _of_mode(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.frombytes("I;16", (64, 48), random.Random(1).randbytes(64 * 48 * 2))
    return two_colours(64, 48, alpha=99).convert(mode)


def corpus() -> list[Hostile]:
    """Every kind of trouble, each once."""
    return [
        *_bombs(),
        *_jpeg_trouble(),
        *_lies(),
        *_cut(),
        *_two_in_one(),
        *_talkative(),
        *mutated(60, seed=1),
    ]


def mutated(count: int, seed: int) -> Iterator[Hostile]:
    """Good pictures with flipped bits, and pieces lost, doubled, blanked or exchanged."""
    dice = random.Random(seed)
    starts = [*GOOD.values(), saved(noise(40, 30), "WEBP", lossless=True)]
    starts += [
        saved(noise(40, 30), "JPEG", progressive=True),
        saved(noise(40, 30), "PNG", interlace=1),
    ]
    for number in range(count):
        data = bytearray(dice.choice(starts))
        for _ in range(dice.choice((1, 1, 2, 8, 40))):
            # The beginning is where most can be broken.
            place = dice.randrange(min(len(data), dice.choice((40, 200, len(data)))))
            length = dice.choice((1, 2, 4, 30))
            match dice.randrange(5):
                case 0:
                    data[place] ^= 1 << dice.randrange(8)
                case 1:
                    del data[place : place + length]
                case 2:
                    data[place:place] = data[place : place + length]
                case 3:
                    data[place : place + length] = bytes(min(length, len(data) - place))
                case 4:
                    data[place : place + length] = dice.randbytes(min(length, len(data) - place))
            if len(data) < 20:
                break
        yield Hostile(f"mutated {seed}/{number}", bytes(data))
