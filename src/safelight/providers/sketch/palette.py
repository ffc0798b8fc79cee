"""The light of a picture: what time, weather and mood do to every colour in it."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from dataclasses import dataclass, replace
from random import Random

from safelight.providers.sketch.colour import Colour, mix, parse, under, vivid

# Per time of day a few skies (top, middle, horizon), so that seeds differ in mood and not only in layout.
SKIES = {
    "dawn": (
        ("#7397cf", "#f0b8ae", "#ffe2b6"),
        ("#8fa8d8", "#e9c3cf", "#fff0cf"),
        ("#5f86b8", "#b7cbd0", "#ffd9a8"),
    ),
    "noon": (
        ("#2f86d2", "#7cc0ec", "#e2f3f6"),
        ("#3fa0c8", "#93d4dd", "#f3f5de"),
        ("#5b8fd6", "#a9ccf0", "#fdeedd"),
    ),
    "golden": (
        ("#5fa3cf", "#bfd8d2", "#ffe6ac"),
        ("#4f93b8", "#cfd9bf", "#ffd98f"),
        ("#7fa6cc", "#ecd3b8", "#ffe9c0"),
    ),
    "sunset": (
        ("#3d3b7d", "#d65d7c", "#ffb257"),
        ("#2f5589", "#e8835f", "#ffd36e"),
        ("#54307a", "#e0516a", "#ff9a4d"),
    ),
    "dusk": (
        ("#1d2759", "#5e4f90", "#ee9a92"),
        ("#16305c", "#486a9a", "#f3b48a"),
        ("#2a2257", "#7d4f8c", "#f58f83"),
    ),
    "night": (
        ("#060a22", "#14234e", "#33527e"),
        ("#0a0f2c", "#1c2b5e", "#4a5590"),
        ("#04141f", "#0e3346", "#2f6a72"),
    ),
}
# Colour of the light that falls on things (linear factors), the sun or moon, its height 0..1, lamps on 0..1.
FALLING = {
    "dawn": ((1.0, 0.88, 0.82), "#fff1cf", 0.16, 0.15),
    "noon": ((1.0, 0.99, 0.95), "#fffbe4", 0.74, 0.0),
    "golden": ((1.06, 0.95, 0.78), "#fff3c4", 0.4, 0.0),
    "sunset": ((0.80, 0.54, 0.46), "#fff0b8", 0.12, 0.45),
    "dusk": ((0.34, 0.31, 0.46), "#ffd9b0", 0.05, 0.8),
    "night": ((0.115, 0.16, 0.31), "#f6f1dc", 0.72, 1.0),
}
# Weather: sky colours it pulls towards, how far, what it leaves of the light, of colour, and the haze it adds.
WEATHERS = {
    "storm": (("#1d2530", "#3b4753", "#85939b"), 0.78, 0.50, 0.72, 0.7),
    "rain": (("#53636f", "#7d8e98", "#b9c4c6"), 0.68, 0.72, 0.75, 1.1),
    "fog": (("#b9c3c6", "#ccd3d2", "#e2e4de"), 0.66, 0.88, 0.62, 1.5),
    "snow": (("#93a5b8", "#b9c5d1", "#e3e6ea"), 0.55, 0.92, 0.8, 1.1),
    "cloudy": (("#7e93a6", "#a9b7c2", "#d8dcdc"), 0.5, 0.85, 0.85, 0.8),
}


@dataclass(frozen=True, slots=True)
class Light:
    """Everything that decides how a local colour ends up on paper."""

    time: str
    sky: tuple[Colour, Colour, Colour]  # top, middle, horizon
    falling: Colour  # factors on linear light
    sun: Colour
    sun_height: float  # 0 at the horizon, 1 overhead
    lamps: float  # 0 all off, 1 every window lit
    haze: float  # how quickly distance swallows colour
    colourful: float

    def lit(self, colour: Colour, depth: float = 0.0, keep: float = 0.0) -> Colour:
        """A surface as seen from here.

        depth: 0 near .. 1 at the horizon. keep: how much of the named colour must survive the dark.
        """
        lamp = self.falling
        if keep:
            lamp = tuple(f + (1 - f) * keep for f in lamp)  # type: ignore[assignment]
        shown = vivid(under(colour, lamp), self.colourful + (1 - self.colourful) * keep)
        return mix(
            shown, self.sky[2], min(0.93, (1 - 0.5 ** (self.haze * depth)) * (1 - keep * 0.5))
        )


def light_for(time: str, weather: frozenset[str], sky_colour: Colour | None, rng: Random) -> Light:
    """The light of one picture; `rng` chooses among the skies of that hour."""
    top, middle, horizon = (parse(code) for code in rng.choice(SKIES[time]))
    falling, sun, height, lamps = FALLING[time]
    light = Light(time, (top, middle, horizon), falling, parse(sun), height, lamps, 1.25, 1.0)
    for name in sorted(weather & WEATHERS.keys()):
        light = _weathered(light, name)
    if sky_colour:
        light = replace(light, sky=_tinted(light.sky, sky_colour))
    return light


def _weathered(light: Light, name: str) -> Light:
    clouds, pull, left, colourful, haze = WEATHERS[name]
    dim = tuple(
        min(1.0, 0.16 + 1.05 * f) for f in light.falling
    )  # grey weather at night is night still
    targets = [under(parse(code), dim) for code in clouds]  # type: ignore[arg-type]
    top, middle, horizon = (mix(s, t, pull) for s, t in zip(light.sky, targets, strict=True))
    red, green, blue = (f * left for f in light.falling)
    return replace(
        light,
        sky=(top, middle, horizon),
        falling=(red, green, blue),
        colourful=light.colourful * colourful,
        haze=light.haze + haze,
        lamps=min(1.0, light.lamps + (0.45 if name in ("storm", "rain", "fog") else 0.0)),
    )


def _tinted(sky: tuple[Colour, Colour, Colour], colour: Colour) -> tuple[Colour, Colour, Colour]:
    top, middle, horizon = sky
    pale = mix(colour, (1.0, 1.0, 1.0), 0.45)
    return (
        mix(top, colour, 0.72),
        mix(middle, mix(colour, pale, 0.5), 0.72),
        mix(horizon, pale, 0.6),
    )
