"""Watercolor: wandering edges, pigment that pools and granulates, white paper all around."""

import math
from functools import lru_cache

import numpy as np
import pyvips

from safelight.providers.sketch.noise import Field, smoothstep
from safelight.providers.sketch.styles.looks import Band, brightness, mood

PAPER = np.array([250, 247, 238], np.float32)
WANDER = 5.5  # units an edge strays from where it was drawn


def finish(band: Band) -> Field:
    """Wet paint on rough paper."""
    painted = mood(_strayed(band), band.stage.scene.moods)
    tone = brightness(painted)
    pooled = _pooled(tone, band.scale)
    broad, fine = band.fields[..., 0], band.fields[..., 1]
    tooth = _tooth(band)
    density = 0.90 + 0.34 * (broad - 0.5) + 0.24 * (fine - 0.5) + 0.010 * pooled + 0.045 * tooth
    density = np.clip(density, 0.5, 1.35) * _border(band)
    # Thicker paint is darker and more colourful: film thickness is an exponent, as in Beer's law.
    light = np.log(np.clip(painted, 6, 250) * (1 / 255))
    return np.asarray(
        PAPER * np.exp(light * density[..., None]) - 2.2 * tooth[..., None], np.float32
    )


def _strayed(band: Band) -> Field:
    """The composite with every pixel fetched from a little way off."""
    picture = band.composite()
    rows, columns, _ = picture.shape
    reach = WANDER * band.scale
    down = (band.fields[..., 1] - 0.5) * (2 * reach)
    across = (band.fields[..., 0] - band.fields[..., 1]) * (2 * reach)
    ragged = band.tiled(band.grain) * (0.35 * min(1.5, band.scale))
    row = np.clip(np.arange(rows)[:, None] + down + ragged, 0, rows - 1).astype(np.int32)
    column = np.clip(np.arange(columns)[None, :] + across + ragged, 0, columns - 1).astype(np.int32)
    flat = row * columns + column
    return np.asarray(picture.reshape(-1, 3)[flat], np.float32)


def _pooled(tone: Field, scale: float) -> Field:
    """Where paint gathers: just inside the darker side of an edge. About 0..60."""
    image = pyvips.Image.new_from_array(np.clip(tone, 0, 255).astype(np.uint8))
    soft = image.gaussblur(max(0.6, 3.2 * scale)).numpy().astype(np.float32)
    return np.asarray(np.clip(soft - tone, 0, 60), np.float32)


def _tooth(band: Band) -> Field:
    """The roughness of the paper, mean 0, deviation about 1."""
    return band.tiled(_sheet(band.grain.tobytes(), max(0.5, 0.9 * band.scale)))


@lru_cache(maxsize=4)
def _sheet(grain: bytes, sigma: float) -> Field:
    side = math.isqrt(len(grain) // 4)
    image = pyvips.Image.new_from_memory(grain, side, side, 1, "float")
    soft = image.gaussblur(sigma).numpy()
    return np.asarray(soft / soft.std(), np.float32)


def _border(band: Band) -> Field:
    """1 where the brush went, 0 on the bare edge of the sheet."""
    stage = band.stage
    edge = np.minimum(
        np.minimum(band.xs(), stage.width - band.xs()),
        np.minimum(band.ys(), stage.height - band.ys()),
    )
    ragged = edge + (band.fields[..., 0] - 0.5) * 46 + (band.fields[..., 1] - 0.5) * 26
    return smoothstep(26.0, 33.0, ragged)
