"""The stage a scene is set on: its size in units, its light, and the layers from far to near."""

from dataclasses import dataclass, field
from random import Random

from safelight.providers.sketch.colour import Colour, lighter, mix, parse, to_hex
from safelight.providers.sketch.palette import Light
from safelight.providers.sketch.pen import number
from safelight.providers.sketch.words import Scene

SHORT_SIDE = 1000.0  # units; a drawing never knows how many pixels it will get

MATERIALS = {
    "grass": {"spring": "#86b84a", "summer": "#6a9c3c", "autumn": "#b39245", "winter": "#e6edf2"},
    "leaves": {"spring": "#7db04f", "summer": "#3f7f42", "autumn": "#cf7428", "winter": "#8a7f78"},
    "pine": {"spring": "#376b4d", "summer": "#2d5d46", "autumn": "#3a5f47", "winter": "#48685f"},
    "rock": {"spring": "#7a8088", "summer": "#817c78", "autumn": "#7d746f", "winter": "#8790a0"},
    "sand": {"spring": "#e2c08a", "summer": "#e6b877", "autumn": "#d9a566", "winter": "#d8c6a2"},
    "earth": {"spring": "#8a6a4a", "summer": "#957148", "autumn": "#86603f", "winter": "#cfd4d6"},
    "water": {"spring": "#2f86a0", "summer": "#1f83a6", "autumn": "#3b7486", "winter": "#4d7890"},
    "snow": {"spring": "#f3f7fb", "summer": "#f3f7fb", "autumn": "#f3f7fb", "winter": "#f3f7fb"},
}


@dataclass(frozen=True, slots=True)
class Layer:
    """A drawing at a depth: 1 is the horizon, 0 the tip of the brush."""

    depth: float
    svg: str
    outlined: bool
    mirrored: bool  # shows in water that lies nearer


@dataclass(slots=True)
class Stage:
    """What scenes draw on. Lengths in units (the short side is 1000), y grows downwards."""

    scene: Scene
    light: Light
    seed: int
    width: float
    height: float
    ink: float = 0.0  # outline width, 0 for styles without outlines
    flat: bool = False  # cel shading: gradients become a few plain steps
    season: str = "summer"
    horizon: float = 600.0
    side: int = 1  # the light comes from the right (1) or the left (-1)
    sun: tuple[float, float] = (0.0, 0.0)
    sun_radius: float = 55.0
    clouds: float = 0.4  # share of the sky they cover
    backdrop: tuple[Colour, ...] | None = None  # replaces the sky's gradient (portrait, still life)
    water_line: float | None = None
    land_line: float | None = None  # where things on land stand, if not on the default ground
    perches: list[tuple[float, float, float]] = field(default_factory=list)  # x, y, depth of ridges
    ashore: bool = False  # ground in front of the water was drawn
    layers: list[Layer] = field(default_factory=list)
    defs: list[str] = field(default_factory=list)

    def rng(self, topic: str) -> Random:
        """A stream for one topic: adding a word does not reshuffle the rest of the picture."""
        return Random(f"{self.seed}/{topic}")  # noqa: S311  (a composition, not a secret)

    def add(self, depth: float, svg: str, *, outlined: bool = True, mirrored: bool = True) -> None:
        """Put a drawing at a depth."""
        self.layers.append(Layer(depth, svg, outlined, mirrored))

    def gradient(self, *stops: tuple[Colour, float], across: bool = False) -> str:
        """A fill from the first colour to the last, top to bottom (or left to right).

        stops: colour and opacity, evenly spaced.
        """
        name = f"g{len(self.defs)}"
        x2, y2 = (1, 0) if across else (0, 1)
        marks = []
        for place, colour, opacity in self._steps(stops):
            marks.append(
                f'<stop offset="{place:.3f}" stop-color="{to_hex(colour)}" '
                f'stop-opacity="{opacity:.2f}"/>'
            )
        self.defs.append(
            f'<linearGradient id="{name}" x2="{x2}" y2="{y2}">{"".join(marks)}</linearGradient>'
        )
        return f"url(#{name})"

    def _steps(self, stops: tuple[tuple[Colour, float], ...]) -> list[tuple[float, Colour, float]]:
        last = len(stops) - 1
        see_through = any(opacity < 1 for _, opacity in stops)
        if not self.flat or see_through:
            return [(i / last, colour, opacity) for i, (colour, opacity) in enumerate(stops)]
        steps = []
        reach = 0.2  # a third of the range: plain colours, a hint of light
        for step in range(3):
            place = (0.5 + (step - 1) * reach) * last
            low = min(int(place), last - 1)
            colour = mix(stops[low][0], stops[low + 1][0], place - low)
            steps += [(step / 3, colour, 1.0), ((step + 1) / 3, colour, 1.0)]
        return steps

    def glow(self, x: float, y: float, radius: float, colour: Colour, opacity: float) -> str:
        """Light that fades outwards."""
        name = f"g{len(self.defs)}"
        code = to_hex(colour)
        marks = "".join(
            f'<stop offset="{place}" stop-color="{code}" stop-opacity="{opacity * share:.3f}"/>'
            for place, share in ((0, 1.0), (0.25, 0.5), (0.55, 0.15), (1, 0.0))
        )
        self.defs.append(f'<radialGradient id="{name}">{marks}</radialGradient>')
        round_ = f'cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"'
        return f'<circle {round_} fill="url(#{name})" stroke="none"/>'

    def material(self, name: str, place: str | None = None) -> Colour:
        """The local colour of a material in this season, or what the prompt says it is."""
        if place and place in self.scene.place_colours:
            return self.scene.place_colours[place]
        return parse(MATERIALS[name][self.season])

    def lit(self, colour: Colour, depth: float = 0.0, keep: float = 0.0) -> Colour:
        """Shortcut for `light.lit`."""
        return self.light.lit(colour, depth, keep)

    def window(self) -> Colour:
        """The colour of a lit window, or of dark glass by day."""
        return (
            parse("#ffd884")
            if self.light.lamps > 0.3
            else lighter(self.lit(parse("#5d7688")), -0.05)
        )
