"""Colours as numbers: mixing, shading and lighting them the way the eye expects."""

from functools import lru_cache

Colour = tuple[float, float, float]
"""sRGB, each channel 0..1."""


def parse(text: str) -> Colour:
    """Read "#rrggbb"."""
    return (int(text[1:3], 16) / 255, int(text[3:5], 16) / 255, int(text[5:7], 16) / 255)


def to_hex(colour: Colour) -> str:
    """Write "#rrggbb", the only form in which colours enter an SVG."""
    red, green, blue = (round(255 * min(1.0, max(0.0, channel))) for channel in colour)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _encoded(channel: float) -> float:
    channel = min(1.0, max(0.0, channel))
    return channel * 12.92 if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


@lru_cache(maxsize=4096)
def to_oklab(colour: Colour) -> Colour:
    """Lightness 0..1 and two colour axes in which equal steps look equal.

    Source: https://bottosson.github.io/posts/oklab/ (public domain).
    """
    red, green, blue = map(_linear, colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


@lru_cache(maxsize=4096)
def from_oklab(lab: Colour) -> Colour:
    """The inverse of `to_oklab`, clipped to what a screen can show."""
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _encoded(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
        _encoded(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
        _encoded(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short),
    )


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` (0..1) of `second`, in OKLab: blue and yellow do not turn grey."""
    one, two = to_oklab(first), to_oklab(second)
    light, a, b = (x + (y - x) * share for x, y in zip(one, two, strict=True))
    return from_oklab((light, a, b))


def lighter(colour: Colour, amount: float) -> Colour:
    """Move the lightness by `amount` (-1..1); negative darkens."""
    light, a, b = to_oklab(colour)
    return from_oklab((min(1.0, max(0.0, light + amount)), a, b))


def vivid(colour: Colour, factor: float) -> Colour:
    """Scale the colourfulness: 0 is grey, 1 unchanged."""
    light, a, b = to_oklab(colour)
    return from_oklab((light, a * factor, b * factor))


def under(colour: Colour, lamp: Colour) -> Colour:
    """What a surface of this colour looks like under a lamp of that colour (linear light)."""
    red, green, blue = (_encoded(_linear(c) * g) for c, g in zip(colour, lamp, strict=True))
    return (red, green, blue)


def lightness(colour: Colour) -> float:
    """How light it looks, 0..1."""
    return to_oklab(colour)[0]
