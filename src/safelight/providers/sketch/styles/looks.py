"""What a style is: a few switches for the drawing and one function that finishes the pixels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safelight.providers.sketch.noise import Field
from safelight.providers.sketch.stage import Stage


@dataclass(frozen=True, slots=True)
class Band:
    """Some rows of a picture on their way to the finish, with a margin above and below."""

    stage: Stage
    sky: Field  # (rows, width, 3), 0..255
    drawing: NDArray[np.uint8]  # (rows, width, 4)
    fields: Field  # (rows, width, 2), cloudy noise 0..1, broad and finer
    glow: Field  # (rows, width, 3) or (rows, width, 0)
    grain: Field  # (512, 512), mean 0, deviation 1
    top: int  # the first row's place in the whole picture, may be negative
    scale: float  # pixels per unit
    width: int
    height: int

    def composite(self) -> Field:
        """The drawing on the sky."""
        veil = self.drawing[..., 3:].astype(np.float32) * (1 / 255)
        return np.asarray(self.sky + (self.drawing[..., :3] - self.sky) * veil, np.float32)

    def tiled(self, texture: Field) -> Field:
        """A square texture repeated, at the same place whatever the band; (rows, width)."""
        side = texture.shape[0]
        rows = np.arange(self.top, self.top + self.sky.shape[0]) % side
        columns = np.arange(self.width) % side
        return np.asarray(texture[rows[:, None], columns[None, :]], np.float32)

    def xs(self) -> Field:
        """Units from the left, (1, width)."""
        return ((np.arange(self.width, dtype=np.float32) + 0.5) / self.scale)[None, :]

    def ys(self) -> Field:
        """Units from the top, (rows, 1)."""
        rows = self.sky.shape[0]
        return ((np.arange(self.top, self.top + rows, dtype=np.float32) + 0.5) / self.scale)[
            :, None
        ]


@dataclass(frozen=True, slots=True)
class Look:
    """A style."""

    name: str
    finish: Callable[[Band], Field]
    margin: float = 0.0  # units of neighbourhood the finish needs
    ink: float = 0.0  # outline width in units
    flat: bool = False
    glow: bool = False


def brightness(picture: Field) -> Field:
    """How light it looks, (rows, width). No matrix product: see `noise`."""
    return np.asarray(
        picture[..., 0] * 0.3 + picture[..., 1] * 0.59 + picture[..., 2] * 0.11, np.float32
    )


def mood(picture: Field, moods: tuple[str, ...]) -> Field:
    """ "darker", "warmer" and their like, once per time they are said."""
    for name in moods:
        match name:
            case "darker":
                picture = picture * (0.42 + 0.25 * picture / 255)
            case "brighter":
                picture = 255 - (255 - picture) * (0.62 + 0.1 * picture / 255)
            case "warmer":
                picture = picture * np.array([1.10, 1.0, 0.80], np.float32) + np.array(
                    [8, 2, 0], np.float32
                )
            case "colder":
                picture = picture * np.array([0.84, 0.98, 1.08], np.float32) + np.array(
                    [0, 2, 10], np.float32
                )
            case "vivid":
                grey = picture.mean(axis=-1, keepdims=True)
                picture = grey + (picture - grey) * 1.35
            case _:
                grey = picture.mean(axis=-1, keepdims=True)
                picture = 60 + (grey + (picture - grey) * 0.6) * 0.765
    return np.clip(picture, 0, 255).astype(np.float32)
