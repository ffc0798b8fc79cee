"""Paints one picture: words in, file bytes out, with progress and a way to stop."""

import time
from collections.abc import Callable

import numpy as np
import pyvips
from numpy.typing import NDArray

from safelight.providers.sketch import press, words
from safelight.providers.sketch.composer import compose
from safelight.providers.sketch.press import Negative
from safelight.providers.sketch.styles.table import LOOKS

STEPS = 12
PREVIEW_SIDE = 192
PREVIEW_BYTES_MAX = 6000
PREVIEW_EVERY_S = 0.25
SIDE_MIN, SIDE_MAX = 64, 4096
Watch = Callable[[int, int, bytes | None], None]


class Stopped(Exception):
    """The caller asked to stop; nothing was kept."""


def _nobody(step: int, steps: int, preview: bytes | None) -> None:
    """Nobody watches."""


def _never() -> bool:
    return False


def paint(
    text: str,
    *,
    width: int,
    height: int,
    seed: int,
    style: str | None = None,
    image_format: str = "png",
    quality: int | None = None,
    watch: Watch = _nobody,
    should_stop: Callable[[], bool] = _never,
) -> bytes:
    """A picture of `text` as PNG, JPEG or WebP bytes; the same arguments give the same bytes.

    watch: called with (step, steps, small WebP or None), steps rising. Raises: Stopped, ValueError.
    """
    if not (SIDE_MIN <= width <= SIDE_MAX and SIDE_MIN <= height <= SIDE_MAX):
        raise ValueError(
            f"Sketch paints {SIDE_MIN} to {SIDE_MAX} pixels a side, not {width}x{height}."
        )
    if image_format not in ("png", "jpeg", "webp"):
        raise ValueError(f"Sketch writes png, jpeg or webp, not {image_format}.")
    show = _Showing(watch, should_stop)
    scene = words.read(text, style)
    show.step(1)
    look = LOOKS[scene.style or "realistic"]
    stage = compose(scene, seed, width, height, look)
    show.check()
    negative = press.expose(stage, look)
    show.step(2, negative, 0.25, width, height)
    canvas = np.empty((height, width, 3), np.uint8)
    for top, rows in press.bands(negative, width, height, stop=show.check):
        canvas[top : top + len(rows)] = rows
        done = (top + len(rows)) / height
        show.step(2 + int(done * (STEPS - 3)), negative, 0.25 + 0.75 * done, width, height)
    data = encode(canvas, image_format, quality, show.check)
    show.step(STEPS, negative, 1.0, width, height)
    return data


class _Showing:
    """Tells the watcher how far the picture is, and stops it when asked."""

    def __init__(self, watch: Watch, should_stop: Callable[[], bool]) -> None:
        self._watch, self._should_stop = watch, should_stop
        self._last_step, self._last_preview = 0, 0.0

    def check(self) -> None:
        """Raises: Stopped."""
        if self._should_stop():
            raise Stopped

    def step(
        self,
        step: int,
        negative: Negative | None = None,
        share: float = 0.0,
        width: int = 0,
        height: int = 0,
    ) -> None:
        """Report a step once; with a preview of the layers so far, at most four a second."""
        self.check()
        if step <= self._last_step:
            return
        self._last_step = step
        preview = None
        if self._watch is not _nobody and negative is not None:
            now = time.monotonic()
            if now - self._last_preview >= PREVIEW_EVERY_S:
                preview = preview_of(negative, width, height, share)
                self._last_preview = now
        self._watch(step, STEPS, preview)


def preview_of(negative: Negative, width: int, height: int, share: float) -> bytes:
    """The first layers of the picture, small, as WebP of at most PREVIEW_BYTES_MAX."""
    scale = min(1.0, PREVIEW_SIDE / max(width, height))
    small_width, small_height = max(1, round(width * scale)), max(1, round(height * scale))
    rows = [band for _, band in press.bands(negative, small_width, small_height, share)]
    image = pyvips.Image.new_from_array(np.concatenate(rows))
    for quality in (60, 35, 12, 1):
        data: bytes = image.webpsave_buffer(Q=quality, effort=0)
        if len(data) <= PREVIEW_BYTES_MAX:
            return data
    tiny: bytes = image.resize(0.5).webpsave_buffer(Q=1, effort=2)
    return tiny


def encode(
    canvas: NDArray[np.uint8], image_format: str, quality: int | None, check: Callable[[], None]
) -> bytes:
    """The canvas as a file; stoppable, since a large one takes a second."""
    image = pyvips.Image.new_from_array(canvas).copy(interpretation="srgb")
    stopped: list[Stopped] = []

    def look_up(source: pyvips.Image, _progress: object) -> None:
        try:
            check()
        except Stopped as stop:
            stopped.append(stop)
            source.set_kill(True)

    image.set_progress(True)
    image.signal_connect("eval", look_up)
    try:
        match image_format:
            case "png":
                data: bytes = image.pngsave_buffer(compression=2, filter="none")
            case "jpeg":
                data = image.jpegsave_buffer(Q=quality or 90, optimize_coding=True)
            case _:
                data = image.webpsave_buffer(Q=quality or 88, effort=2)
    except pyvips.Error:
        if stopped:
            raise stopped[0] from None
        raise
    return data
