"""Cartoon: plain colours, ink outlines, a little extra joy."""

import numpy as np

from safelight.providers.sketch.noise import Field
from safelight.providers.sketch.styles.looks import Band, brightness, mood


def finish(band: Band) -> Field:
    """Brighter and more colourful than life."""
    picture = band.composite()
    grey = brightness(picture)[..., None]
    picture = grey + (picture - grey) * 1.22
    return mood(np.asarray(picture * 1.03 + 3, np.float32), band.stage.scene.moods)
