"""Risograph: three spot inks, each its own halftone screen, none quite in register."""

import math

import numpy as np

from safelight.providers.sketch.noise import Field
from safelight.providers.sketch.styles.looks import Band, mood

PAPER = np.array([246, 240, 226], np.float32)
# Red, yellow and blue inks as printers sell them, and how each darkens red, green and blue light.
INKS = (
    np.array([[0.94, 0.28, 0.36], [1.0, 0.83, 0.22], [0.10, 0.35, 0.62]], np.float32),
    np.array([[1.0, 0.33, 0.55], [1.0, 0.88, 0.25], [0.05, 0.42, 0.55]], np.float32),
    np.array([[0.96, 0.36, 0.22], [1.0, 0.80, 0.30], [0.16, 0.24, 0.50]], np.float32),
)
ANGLES = (15.0, 0.0, 75.0)
PITCH = 8.5  # units between dots


def finish(band: Band) -> Field:
    """Separate into inks, screen each, and print them one over the other."""
    rng = band.stage.rng("press")
    inks = INKS[rng.randrange(len(INKS))]
    absorbs = -np.log(inks)
    picture = mood(band.composite(), band.stage.scene.moods)
    grey = picture.mean(axis=-1, keepdims=True)
    # Spot inks are never black: lift the shadows, and let colour do the work.
    bold = np.clip((grey + (picture - grey) * 1.35) * (1 / 255), 0, 1)
    density = -np.log(np.clip(0.085 + 0.915 * bold, 0, 1))
    separation = np.linalg.inv(absorbs.astype(np.float64)).astype(np.float32)
    spots = sum(density[..., i : i + 1] * separation[i] for i in range(3))
    amounts = np.clip(np.asarray(spots, np.float32), 0, 1.1)
    # Yellow under a full blue only makes mud.
    amounts[..., 1] *= 1 - 0.85 * np.clip(amounts[..., 2] - 0.35, 0, 1)
    laid = np.zeros_like(density)
    worn = 1 - 0.06 * (band.fields[..., 1] > 0.66) * 1.0
    speckle = band.tiled(band.grain)
    for index, angle in enumerate(ANGLES):
        shift = [round(rng.uniform(-2.6, 2.6) * band.scale) for _ in range(2)]
        amount = np.roll(amounts[..., index], shift, axis=(0, 1))
        dots = _screen(band, amount + 0.035 * speckle, angle)
        laid += (dots * (worn + 0.05 * speckle))[..., None] * absorbs[index]
    return np.asarray(PAPER * np.exp(-laid) + 1.2 * speckle[..., None], np.float32)


def _screen(band: Band, amount: Field, degrees: float) -> Field:
    """Dots whose size follows the amount; the sharpness is one pixel whatever the pitch."""
    pitch = max(3.2, PITCH * band.scale)  # pixels; finer than three pixels would only alias
    turn = math.radians(degrees)
    k = math.tau / pitch
    rows = np.arange(band.top, band.top + amount.shape[0], dtype=np.float32)[:, None]
    columns = np.arange(band.width, dtype=np.float32)[None, :]
    cos, sin = k * math.cos(turn), k * math.sin(turn)
    # cos(u) + cos(v) of the turned axes, by angle addition: no trigonometry per pixel.
    first = np.cos(columns * cos) * np.cos(rows * sin) - np.sin(columns * cos) * np.sin(rows * sin)
    second = np.cos(columns * sin) * np.cos(rows * cos) + np.sin(columns * sin) * np.sin(rows * cos)
    level = 0.5 + 0.25 * (first + second)
    dots = np.clip((amount - level) * (0.42 * pitch) + 0.5, 0, 1)
    return np.asarray(dots * np.clip(amount * 8, 0, 1), np.float32)
