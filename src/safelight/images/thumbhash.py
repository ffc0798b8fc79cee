"""ThumbHash: a picture's blurred likeness in about 25 bytes, shown until the picture is there.

The format is Evan Wallace's (evanw.github.io/thumbhash, read 2026-11): average colour, then the
strongest low frequencies of luminance and two colour differences, 4 bits each.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """pixels: (height, width, 3 or 4), sRGB, each side at most 100. Returns 20 to 30 bytes."""
    height, width, bands = pixels.shape
    if width > 100 or height > 100:
        raise ValueError(f"at most 100×100, not {width}×{height}")
    colour = pixels[:, :, :3].astype(np.float64) / 255
    alpha = pixels[:, :, 3].astype(np.float64) / 255 if bands == 4 else np.ones((height, width))
    total = alpha.sum()
    average = (colour * alpha[:, :, None]).sum(axis=(0, 1)) / total if total else np.zeros(3)
    colour = average * (1 - alpha[:, :, None]) + colour * alpha[:, :, None]
    red, green, blue = colour[:, :, 0], colour[:, :, 1], colour[:, :, 2]

    has_alpha = bool(total < width * height)
    light_max = 5 if has_alpha else 7
    longer = max(width, height)
    light_x = max(1, round(light_max * width / longer))
    light_y = max(1, round(light_max * height / longer))
    light = _channel((red + green + blue) / 3, max(3, light_x), max(3, light_y))
    yellow_blue = _channel((red + green) / 2 - blue, 3, 3)
    red_green = _channel(red - green, 3, 3)

    is_wide = width > height
    header = round(63 * light[0]) | round(31.5 + 31.5 * yellow_blue[0]) << 6
    header |= round(31.5 + 31.5 * red_green[0]) << 12 | round(31 * light[2]) << 18
    header |= int(has_alpha) << 23
    rest = (light_y if is_wide else light_x) | round(63 * yellow_blue[2]) << 3
    rest |= round(63 * red_green[2]) << 9 | int(is_wide) << 15
    out = bytearray(header.to_bytes(3, "little") + rest.to_bytes(2, "little"))
    strengths = [*light[1], *yellow_blue[1], *red_green[1]]
    if has_alpha:
        cover = _channel(alpha, 5, 5)
        out.append(round(15 * cover[0]) | round(15 * cover[2]) << 4)
        strengths += cover[1]
    nibbles = [min(15, round(15 * strength)) for strength in strengths]
    if len(nibbles) % 2:
        nibbles.append(0)
    out += bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return bytes(out)


def _channel(values: Floats, across: int, down: int) -> tuple[float, list[float], float]:
    """(average, frequencies scaled to 0..1, their scale): the low end of a cosine transform."""
    height, width = values.shape
    cosines_x = np.cos(math.pi / width * np.outer(np.arange(across), np.arange(width) + 0.5))
    cosines_y = np.cos(math.pi / height * np.outer(np.arange(down), np.arange(height) + 0.5))
    table = cosines_y @ values @ cosines_x.T / (width * height)
    strengths = [
        float(table[y, x])
        for y in range(down)
        for x in range(across)
        if (x or y) and x * down < across * (down - y)
    ]
    scale = max((abs(strength) for strength in strengths), default=0.0)
    if scale:
        strengths = [0.5 + 0.5 / scale * strength for strength in strengths]
    return float(table[0, 0]), strengths, scale
