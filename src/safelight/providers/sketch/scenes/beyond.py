"""Scenes off the map: space and under water."""

# ruff: noqa: E501, PLR0917  (coordinates and word lists read better in long rows)

from random import Random

from safelight.providers.sketch.colour import Colour, lighter, mix, parse
from safelight.providers.sketch.pen import blob, circle, ellipse, fill, line, number, smooth, stroke
from safelight.providers.sketch.scenes import land
from safelight.providers.sketch.stage import Stage

PRINTS = (
    ("#f3e9d2", "#e4572e", "#17374f", "#f2b134", "#4f8f8b"),
    ("#f6eee3", "#d1495b", "#30638e", "#edae49", "#00798c"),
    ("#ece5d8", "#2b3a67", "#f2695c", "#f9c74f", "#8aa399"),
    ("#f1ede4", "#274c43", "#e08d79", "#d9b44a", "#8c5e58"),
    ("#1f2033", "#ef476f", "#ffd166", "#06d6a0", "#5aa9e6"),
)


def space(stage: Stage) -> None:
    """Planets, a nebula, and moon dust under our feet."""
    rng = stage.rng("space")
    stage.horizon = stage.height * 0.84
    named = stage.scene.colours
    hue = named[0] if named else parse(rng.choice(("#5b2a86", "#1f4f8b", "#0d6e6e", "#8b2f5c")))
    stage.backdrop = (
        mix((0.015, 0.02, 0.06), hue, 0.10),
        mix((0.03, 0.03, 0.10), hue, 0.28),
        mix((0.04, 0.04, 0.12), hue, 0.5),
    )
    svg = ""
    for _ in range(7):
        colour = lighter(
            mix(hue, parse(rng.choice(("#ff7eb6", "#6ac8ff", "#ffd28a", "#8a6bff"))), 0.6),
            rng.uniform(-0.1, 0.1),
        )
        t = rng.random()
        svg += stage.glow(
            stage.width * t,
            stage.height * (0.75 - 0.55 * t + rng.uniform(-0.12, 0.12)),
            rng.uniform(220, 460),
            colour,
            rng.uniform(0.25, 0.5),
        )
    stage.add(0.99, svg, outlined=False)
    if not stage.scene.has("planet") and not stage.scene.has("moon"):
        planet(
            stage,
            rng,
            stage.width * (0.5 + 0.22 * stage.side),
            stage.height * rng.uniform(0.28, 0.45),
            rng.uniform(110, 190),
            None,
        )
    planet(
        stage,
        stage.rng("small planet"),
        stage.width * (0.5 - 0.3 * stage.side),
        stage.height * rng.uniform(0.14, 0.5),
        rng.uniform(26, 50),
        None,
        ring=False,
    )
    if stage.scene.things and any(
        t.kind not in ("planet", "moon", "stars", "rocket", "ufo") for t in stage.scene.things
    ):
        dust = mix(parse("#9a97a8"), hue, 0.25)
        land.hills(stage, "dust", 0.5, stage.height * 0.86, 60, dust, 1.4)
        craters = ""
        for _ in range(12):
            near = rng.random()
            y = stage.height * (0.9 + 0.1 * near)
            x, wide, high = rng.uniform(0, stage.width), 20 + 50 * near, 5 + 12 * near
            craters += ellipse(x, y, wide, high, (0.0, 0.0, 0.0), 0.22)
        stage.add(0.48, craters, outlined=False)


def planet(
    stage: Stage,
    rng: Random,
    x: float,
    y: float,
    radius: float,
    colour: Colour | None,
    *,
    ring: bool = True,
) -> None:
    """A banded ball, lit from one side, with or without a ring."""
    base = colour or parse(
        rng.choice(("#d98e5a", "#5aa6c9", "#c96a7c", "#d9bf7a", "#7d9c6a", "#9a83c9"))
    )
    name = f"c{len(stage.defs)}"
    stage.defs.append(
        f'<clipPath id="{name}"><circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/></clipPath>'
    )
    svg = stage.glow(x, y, radius * 1.7, lighter(base, 0.1), 0.35) + circle(x, y, radius, base)
    inner = ""
    for index in range(9):
        band_y = y - radius + radius * 2 * (index + rng.random() * 0.6) / 9
        wave = [(x - radius + radius * 2 * t / 6, band_y + rng.uniform(-3, 3)) for t in range(7)]
        lower = [(px, py + radius * rng.uniform(0.05, 0.18)) for px, py in wave]
        inner += fill(
            smooth(wave + lower[::-1]), lighter(base, rng.uniform(-0.1, 0.1)), 0.6, 'stroke="none"'
        )
    dark = x - stage.side * radius * 0.55
    inner += f'<circle cx="{dark:.1f}" cy="{y + radius * 0.2:.1f}" r="{radius * 1.25:.1f}" fill="{stage.gradient(((0.02, 0.02, 0.08), 0.75), ((0.02, 0.02, 0.08), 0.05), across=True) if stage.side > 0 else stage.gradient(((0.02, 0.02, 0.08), 0.05), ((0.02, 0.02, 0.08), 0.75), across=True)}" stroke="none"/>'
    svg += f'<g clip-path="url(#{name})">{inner}</g>'
    if ring and rng.random() < 0.8:
        tilt = rng.uniform(-24, 24)
        shine = lighter(base, 0.16)
        arc = f"M{number(-radius * 1.75)},0A{number(radius * 1.75)},{number(radius * 0.42)} 0 0 0 {number(radius * 1.75)},0"
        svg += f'<g transform="translate({x:.1f} {y:.1f}) rotate({tilt:.1f})">{stroke(arc, shine, radius * 0.12, 0.85)}{stroke(arc.replace(number(radius * 0.42), number(radius * 0.31)), lighter(shine, -0.1), radius * 0.05, 0.7)}</g>'
    stage.add(0.97, svg)


def underwater(stage: Stage) -> None:
    """Blue depth, rays from above, coral below."""
    rng = stage.rng("underwater")
    stage.horizon = stage.height * 0.5
    water = stage.scene.place_colours.get(
        "underwater", parse(rng.choice(("#1c86a8", "#1a9a9a", "#2a6fb0")))
    )
    lamp = {"night": -0.22, "dusk": -0.12, "sunset": -0.05}.get(stage.light.time, 0.0)
    stage.backdrop = (
        lighter(water, 0.26 + lamp),
        lighter(water, 0.02 + lamp),
        lighter(water, -0.22 + lamp),
    )
    rays = ""
    pale = stage.gradient(((0.9, 1.0, 0.98), 0.42), ((0.9, 1.0, 0.98), 0.0))
    for _ in range(max(6, min(30, round(stage.width / 150)))):
        x, wide, drop = (
            rng.uniform(-0.1, 1.1) * stage.width,
            rng.uniform(16, 70),
            stage.height * rng.uniform(0.5, 0.85),
        )
        lean = -stage.side * drop * 0.3
        rays += fill(
            line([(x, -10), (x + wide, -10), (x + wide * 2.4 + lean, drop), (x + lean, drop)]), pale
        )
    stage.add(0.95, rays, outlined=False)
    deep = lighter(water, -0.18 + lamp)
    for row, depth in enumerate((0.85, 0.6)):
        colour = mix(parse("#6b6f5a"), deep, 0.75 - 0.3 * row)
        crest = land.skyline(
            stage.rng(f"bed {row}"), stage, stage.height * (0.86 + 0.07 * row), 130, 0.3, 2.2
        )
        stage.add(depth, land.ground(stage, crest, colour))
    sand = mix(parse("#d9c08f"), water, 0.35)
    crest = land.skyline(stage.rng("sand"), stage, stage.height * 0.95, 40, 0, 2)
    stage.add(0.4, land.ground(stage, crest, stage.gradient((sand, 1), (lighter(sand, -0.15), 1))))
    _coral(stage, rng, water)
    _shoal(stage, water)
    bubbles = ""
    for _ in range(50):
        r = rng.uniform(2, 9)
        bubbles += circle(
            rng.uniform(0, stage.width), rng.uniform(0, stage.height), r, (0.9, 1.0, 1.0), 0.28
        )
    stage.add(0.08, bubbles, outlined=False)


def _coral(stage: Stage, rng: Random, water: Colour) -> None:
    for index in range(max(6, min(40, round(stage.width / 90)))):
        x, depth = rng.uniform(0, stage.width), rng.choice((0.38, 0.24, 0.14))
        y, tall = stage.height * (1.0 - depth * 0.16), rng.uniform(90, 210) * (1.15 - depth)
        colour = mix(
            parse(rng.choice(("#f0677a", "#f59e5b", "#e8c25a", "#b56ad0", "#5fb98a", "#f28fb0"))),
            water,
            depth * 1.1,
        )
        if index % 3 == 0:  # kelp
            d, sway = "", rng.uniform(-30, 30)
            for k in range(3):
                kx = x + k * 12
                d += f"M{number(kx)},{number(y)}C{number(kx + sway)},{number(y - tall * 0.5)} {number(kx - sway)},{number(y - tall)} {number(kx + sway * 0.7)},{number(y - tall * 1.6)}"
            stage.add(depth, stroke(d, mix(parse("#4f8a4a"), water, depth), 7), outlined=False)
        elif index % 3 == 1:  # branches
            d = ""
            for _ in range(7):
                lean = rng.uniform(-0.6, 0.6) * tall
                d += f"M{number(x)},{number(y)}Q{number(x + lean * 0.2)},{number(y - tall * 0.5)} {number(x + lean)},{number(y - tall * rng.uniform(0.5, 0.95))}"
            stage.add(depth, stroke(d, colour, tall * 0.07), outlined=False)
        else:
            heads = "".join(
                blob(
                    rng,
                    x + rng.uniform(-0.4, 0.4) * tall,
                    y - rng.uniform(0, 0.3) * tall,
                    tall * 0.26,
                    tall * 0.22,
                )
                for _ in range(4)
            )
            stage.add(depth, fill(heads, colour))


def _shoal(stage: Stage, water: Colour) -> None:
    rng = stage.rng("shoal")
    cx, cy = rng.uniform(0.2, 0.8) * stage.width, rng.uniform(0.2, 0.5) * stage.height
    d = ""
    for _ in range(26):
        x, y, s = cx + rng.gauss(0, 110), cy + rng.gauss(0, 46), rng.uniform(9, 17)
        d += f"M{number(x - s)},{number(y)}q{number(s)},{number(-s * 0.6)} {number(s * 2)},0q{number(-s)},{number(s * 0.6)} {number(-s * 2)},0l{number(-s * 0.6)},{number(-s * 0.4)}v{number(s * 0.8)}Z"
    stage.add(0.7, fill(d, lighter(water, -0.08), 0.8), outlined=False)
