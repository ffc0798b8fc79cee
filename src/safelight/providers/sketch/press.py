"""Turns a stage into pixels, band by band, so that memory stays small and a stop is quick."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyvips
from numpy.typing import NDArray

from safelight.providers.sketch.colour import mix, to_hex
from safelight.providers.sketch.noise import Field, sample, tile
from safelight.providers.sketch.pen import box
from safelight.providers.sketch.scenes.water import WATER_DEPTH
from safelight.providers.sketch.sky import paint_sky, plate_shape
from safelight.providers.sketch.stage import Layer, Stage
from safelight.providers.sketch.styles.looks import Band, Look

Pixels = NDArray[np.uint8]
BAND_PIXELS = 150_000  # about 50 ms of work, well inside the 200 ms a stop may take
GLOW_SIDE = 144
SKY_DEPTH = 0.96  # sun, moon and stars lie behind all land


@dataclass(frozen=True, slots=True)
class Negative:
    """All of a picture except its size in pixels."""

    stage: Stage
    look: Look
    plates: Field  # (rows, columns, 3 sky + 2 noise + 3 glow), enlarged under every band
    grain: Field  # (side, side), mean 0, deviation 1

    def layers(self, share: float = 1.0) -> list[Layer]:
        """The layers from far to near; `share` < 1 leaves out the last ones."""
        ordered = sorted(self.stage.layers, key=lambda layer: -layer.depth)
        return ordered[: round(len(ordered) * share)]


def expose(stage: Stage, look: Look) -> Negative:
    """Paint the soft plates every band needs."""
    rows, columns = plate_shape(stage)
    random = np.random.default_rng([stage.seed & 0xFFFFFFFF, 23])
    fine = tile(random, first_cells=6, octaves=5, gain=0.7)
    x = ((np.arange(columns, dtype=np.float32) + 0.5) / columns * stage.width)[None, :]
    y = ((np.arange(rows, dtype=np.float32) + 0.5) / rows * stage.height)[:, None]
    fields = [sample(fine, x / 900, y / 900), sample(fine, x / 420 + 0.37, y / 420 + 0.11)]
    plates = np.concatenate([paint_sky(stage), np.stack(fields, -1)], -1)
    grain = random.standard_normal((512, 512), dtype=np.float32)
    negative = Negative(stage, look, plates, grain)
    if look.glow:
        glow = _glow_plate(negative, rows, columns)
        negative = Negative(stage, look, np.concatenate([plates, glow], -1), grain)
    return negative


def _glow_plate(negative: Negative, rows: int, columns: int) -> Field:
    """The picture's light, spread out: what shines bleeds over its surroundings."""
    scale = GLOW_SIDE / max(rows, columns)
    height, width = max(4, round(rows * scale)), max(4, round(columns * scale))
    small = np.clip(composite(negative, width, height, top=0, bottom=height), 0, 255)
    bright = np.clip(small - 150, 0, None) * (255 / 105)
    image = pyvips.Image.new_from_array(bright.astype(np.uint8)).gaussblur(5)
    return np.asarray(enlarge(image, columns, rows).numpy(), np.float32)


def enlarge(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """Resize to exactly width × height; lazily, so that a crop of it computes only the crop."""
    resized = image.resize(width / image.width, vscale=height / image.height, kernel="linear")
    return resized.embed(0, 0, width, height, extend="copy")


def document(negative: Negative, width: int, top: float, rows: int, share: float = 1.0) -> bytes:
    """The SVG of `rows` pixel rows starting at pixel row `top`."""
    stage = negative.stage
    unit = stage.width / width
    body = _with_mirror(negative, negative.layers(share))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{rows}" preserveAspectRatio="none" '
        f'viewBox="0 {top * unit:.3f} {stage.width:.3f} {rows * unit:.3f}">'
        f"<defs>{''.join(stage.defs)}</defs>{body}</svg>"
    ).encode()


def _drawn(stage: Stage, layer: Layer) -> str:
    if not (stage.ink and layer.outlined):
        return layer.svg
    ink = to_hex(mix((0.10, 0.09, 0.14), stage.light.sky[2], 0.55 * layer.depth))
    width = stage.ink * (1 - 0.6 * layer.depth)
    return f'<g stroke="{ink}" stroke-width="{width:.2f}" stroke-linejoin="round">{layer.svg}</g>'


def _with_mirror(negative: Negative, layers: list[Layer]) -> str:
    """All layers; where there is water, what lies behind it shows upside down in it."""
    stage = negative.stage
    line = stage.water_line
    behind = "".join(_drawn(stage, y) for y in layers if y.depth > WATER_DEPTH and y.mirrored)
    if line is None or not any(layer.depth <= WATER_DEPTH for layer in layers):
        return "".join(_drawn(stage, layer) for layer in layers)
    surface = [layer for layer in layers if layer.depth == WATER_DEPTH]
    front = [layer for layer in layers if layer.depth < WATER_DEPTH]
    alone = [y for y in layers if y.depth > WATER_DEPTH and not y.mirrored]
    sky = "".join(_drawn(stage, y) for y in alone if y.depth >= SKY_DEPTH)
    nearer = "".join(_drawn(stage, y) for y in alone if y.depth < SKY_DEPTH)
    below = box(-50, line, stage.width + 100, stage.height)
    clip = f'<clipPath id="w"><path d="{below}"/></clipPath>'
    image = f'<use xlink:href="#behind" transform="translate(0 {2 * line:.1f}) scale(1 -1)"/>'
    return (
        f'<defs>{clip}</defs>{sky}<g id="behind">{behind}</g>{nearer}'
        + "".join(_drawn(stage, layer) for layer in surface)
        + f'<g clip-path="url(#w)" opacity="0.42">{image}</g>'
        + "".join(_drawn(stage, layer) for layer in front)
    )


def composite(
    negative: Negative, width: int, height: int, *, top: int, bottom: int, share: float = 1.0
) -> Field:
    """Pixel rows top..bottom of the unfinished picture, (rows, width, 3), 0..255."""
    rows = bottom - top
    sky = _plate_rows(negative, width, height, top, bottom)[..., :3]
    drawing = pyvips.Image.svgload_buffer(document(negative, width, top, rows, share)).numpy()
    return over(sky, drawing)


def over(sky: Field, drawing: Pixels) -> Field:
    """The drawing (RGBA) on the sky."""
    veil = drawing[..., 3:].astype(np.float32) * (1 / 255)
    return np.asarray(sky + (drawing[..., :3] - sky) * veil, np.float32)


def _plate_rows(negative: Negative, width: int, height: int, top: int, bottom: int) -> Field:
    plates = enlarge(pyvips.Image.new_from_array(negative.plates), width, height)
    inside = plates.crop(0, max(0, top), width, min(height, bottom) - max(0, top))
    whole = inside.embed(0, max(0, -top), width, bottom - top, extend="copy")
    return np.asarray(whole.numpy(), np.float32)


def bands(
    negative: Negative,
    width: int,
    height: int,
    share: float = 1.0,
    stop: Callable[[], None] = lambda: None,
) -> Iterator[tuple[int, Pixels]]:
    """The finished picture from top to bottom: (first row, (rows, width, 3) pixels).

    stop: called between the costly parts; may raise.
    """
    look = negative.look
    scale = width / negative.stage.width  # pixels per unit
    margin = round(look.margin * scale) + 2
    # Never thinner than its margins, or most of the work would be thrown away.
    rows = max(BAND_PIXELS // width, round(1.6 * margin))
    count = max(1, -(-height // rows))
    edges = [height * index // count for index in range(count + 1)]
    for top, bottom in pairwise(edges):
        if bottom == top:
            continue
        first, last = top - margin, bottom + margin
        fields = _plate_rows(negative, width, height, first, last)
        document_ = document(negative, width, first, last - first, share)
        drawing = pyvips.Image.svgload_buffer(document_).numpy()
        stop()
        band = Band(
            negative.stage, fields[..., :3], drawing, fields[..., 3:5], fields[..., 5:8],
            negative.grain, first, scale, width, height,
        )  # fmt: skip
        finished = look.finish(band)[margin : margin + bottom - top]
        yield top, np.clip(finished + 0.5, 0, 255).astype(np.uint8)
