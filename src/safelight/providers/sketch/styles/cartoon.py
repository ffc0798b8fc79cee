"""Cartoon: plain colours, ink outlines, a little extra joy."""

import numpy as np

from safelight.providers.sketch.noise import Field
from safelight.providers.sketch.styles.looks import Band, mood


def finish(band: Band) -> Field:
    """Brighter and more colourful than life."""
    picture = band.composite()
    grey = picture @ np.array([0.3, 0.59, 0.11], np.float32)
    picture = grey[..., None] + (picture - grey[..., None]) * 1.22
    return mood(np.asarray(picture * 1.03 + 3, np.float32), band.stage.scene.moods)
