"""Realistic: soft light that blooms, textured ground, a vignette and film grain."""

import numpy as np

from safelight.providers.sketch.noise import Field
from safelight.providers.sketch.styles.looks import Band, mood


def finish(band: Band) -> Field:
    """Lens and film."""
    picture = band.composite()
    drawn = band.drawing[..., 3:].astype(np.float32) * (1 / 255)
    # Surfaces carry texture, the sky does not.
    texture = (band.fields[..., 1:2] - 0.5) * 0.13 + (band.fields[..., :1] - 0.5) * 0.07
    picture = picture * (1 + texture * drawn * (1.1 - picture * (1 / 255)))
    picture = picture + (255 - picture) * band.glow * (0.34 / 255)
    picture = mood(picture, band.stage.scene.moods)
    contrast = picture * (1 / 255)
    picture = 255 * (contrast + 0.16 * contrast * (1 - contrast) * (2 * contrast - 1) * 2)
    across = (band.xs() / band.stage.width - 0.5) ** 2
    down = (band.ys() / band.stage.height - 0.5) ** 2
    vignette = 1 - 0.55 * (across + down) ** 1.3
    grain = band.tiled(band.grain) * 2.6
    return np.asarray(picture * vignette[..., None] + grain[..., None], np.float32)
