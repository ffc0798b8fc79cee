"""Decoding in a limited process beside decoding in this one, and libvips beside Pillow."""

from __future__ import annotations

import asyncio
import io
import resource
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from bench.report import row
from safelight.images import derive, thumbhash
from safelight.images.darkroom import Darkroom
from safelight.images.headers import read_header

Make = Callable[[bytes], Awaitable[object]]


async def pictures() -> None:
    """Previews of one picture: wall and processor time of all processes together."""
    print("\n## Previews of a picture, two at a time\n")
    row("picture", "where", "pictures/s", "CPU ms each")
    row(*["---"] * 4)
    threads = ThreadPoolExecutor(2)
    darkroom = Darkroom()
    loop = asyncio.get_running_loop()

    async def here(data: bytes) -> object:
        return await loop.run_in_executor(threads, _with_libvips, data)

    async def pillow(data: bytes) -> object:
        return await loop.run_in_executor(threads, _with_pillow, data)

    async def apart(data: bytes) -> object:
        return await darkroom.previews(data, read_header(data))

    for side, count in ((64, 400), (1024, 40)):
        data = _photo(side)
        for name, make in (
            ("libvips, in this process", here),
            ("Pillow, in this process", pillow),
            ("libvips, in limited processes", apart),
        ):
            wall_s, cpu_s = await _measure(make, data, count)
            row(f"{side}×{side}", name, f"{count / wall_s:.0f}", f"{1000 * cpu_s / count:.2f}")
    await darkroom.close()


async def _measure(make: Make, data: bytes, count: int) -> tuple[float, float]:
    await asyncio.gather(make(data), make(data))  # processes are started, libraries loaded
    before, begin = _cpu_s(), time.perf_counter()
    numbers = iter(range(count))

    async def worker() -> None:
        for _ in numbers:
            await make(data)

    await asyncio.gather(worker(), worker())
    return time.perf_counter() - begin, _cpu_s() - before


def _cpu_s() -> float:
    """Of this process and its living children, by the kernel's count."""
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + ticks / 100


def _photo(side: int) -> bytes:
    """A PNG with smooth areas and grain, as a camera would make it."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    shades = np.stack([127 + 100 * np.sin(x / 97 + y / 311 + band) for band in range(3)], -1)
    shades += np.random.default_rng(1).normal(0, 6, shades.shape).astype(np.float32)
    file = io.BytesIO()
    Image.fromarray(shades.clip(0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def _with_libvips(data: bytes) -> None:
    tiny = derive.previews(data, read_header(data)).tiny
    pixels = np.frombuffer(tiny.pixels, np.uint8).reshape(tiny.height, tiny.width, tiny.bands)
    thumbhash.encode(pixels)


def _with_pillow(data: bytes) -> None:
    """The same three previews."""
    image = Image.open(io.BytesIO(data))
    image.load()
    for side in (640, 320, 160):
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        image.save(io.BytesIO(), "WEBP", quality=78, method=1)
    image.thumbnail((100, 100))
    thumbhash.encode(np.asarray(image.convert("RGB")))
