"""The city."""

# ruff: noqa: PLR0917  (coordinates and word lists read better in long rows)

from random import Random

from safelight.providers.sketch.colour import lighter, mix, parse
from safelight.providers.sketch.pen import box, fill, line
from safelight.providers.sketch.scenes import land, water
from safelight.providers.sketch.stage import Stage

WALLS = ("#d9b48f", "#c98f6b", "#e6d3b3", "#b9a48e", "#d8c4c0", "#a9b4b0")
NEON = ("#ff3fb4", "#29e0ff", "#9b5cff", "#ffd23f")


def towers(stage: Stage, topic: str, depth: float, foot: float, tall: float, crowd: float) -> None:
    """A row of buildings with windows."""
    rng = stage.rng(topic)
    base = stage.scene.place_colours.get("city", parse("#7c8796"))
    walls, glass = "", ""
    x = -40.0
    tops = ""
    while x < stage.width + 40:
        wide = rng.uniform(44, 110) * (1.25 - depth * 0.5)
        height = tall * rng.uniform(0.35, 1.0) * (1.25 if rng.random() < 0.12 else 1)
        walls += box(x, foot - height, wide, height + 60)
        tops += _roof(rng, x, foot - height, wide, height)
        if depth < 0.9:
            glass += _windows(
                rng, x, foot - height, wide, height, 0.42 if stage.light.lamps > 0.3 else 0.75
            )
        x += wide * rng.uniform(0.9, 1.35) / crowd
    near = stage.lit(lighter(base, -0.13 - 0.12 * (1 - depth)), depth)
    paint = stage.gradient((near, 1), (stage.lit(base, min(1.0, depth + 0.22)), 1))
    svg = fill(walls, paint) + fill(tops, near)
    if glass:
        shine = mix(
            stage.window(), stage.light.sky[2], 0.5 * depth**2 if stage.light.lamps > 0.3 else 0.6
        )
        svg += fill(glass, shine, 0.9 if stage.light.lamps > 0.3 else 0.5, 'stroke="none"')
    stage.add(depth, svg)


def _roof(rng: Random, x: float, y: float, wide: float, height: float) -> str:
    kind = rng.random()
    if kind < 0.18:
        return box(x + wide * 0.48, y - height * 0.16, 3, height * 0.16) + box(
            x + wide * 0.3, y - 12, wide * 0.4, 13
        )
    if kind < 0.36:
        return line([(x, y + 1), (x + wide / 2, y - wide * 0.5), (x + wide, y + 1)])
    if kind < 0.6:
        return box(x + wide * 0.15, y - height * 0.07, wide * 0.7, height * 0.07 + 1)
    return box(x + wide * 0.1, y - 8, wide * 0.25, 9)


def _windows(rng: Random, x: float, y: float, wide: float, height: float, dark: float) -> str:
    parts: list[str] = []
    columns = max(2, int(wide / 15))
    step = wide / columns
    for row in range(min(16, int(height / 22))):
        if rng.random() < 0.12:
            continue
        parts += (
            box(x + column * step + step * 0.25, y + 12 + row * 22, step * 0.5, 11)
            for column in range(columns)
            if rng.random() > dark
        )
    return "".join(parts)


def city(stage: Stage) -> None:
    """Towers in the haze, a river or a street in front of them."""
    rng = stage.rng("city")
    stage.horizon = stage.height * rng.uniform(0.66, 0.74)
    tall = min(stage.height * 0.5, 620)
    if "mountains" in stage.scene.others:
        land.mountains(stage, "range", 0.96, stage.horizon, tall * 0.7, 2.6)
    towers(stage, "row 1", 0.92, stage.horizon, tall * rng.uniform(0.85, 1.0), 1.0)
    towers(stage, "row 2", 0.8, stage.horizon, tall * rng.uniform(0.6, 0.8), 1.0)
    towers(stage, "row 3", 0.66, stage.horizon, tall * rng.uniform(0.36, 0.5), 0.95)
    if stage.scene.others & {"sea", "river", "lake", "beach"} or (
        not stage.scene.others and rng.random() < 0.6
    ):
        water.surface(stage, stage.horizon + 4, calm=0.9)
        quay = [(-20.0, stage.horizon + 10), (stage.width + 20, stage.horizon + 10)]
        land.treeline(
            stage, "quay", 0.64, quay, 34, stage.material("leaves"), kind="leaf", gaps=0.3
        )
    else:
        _street(stage)
    if any(word in ("cyberpunk", "neon") for word in stage.scene.extra):
        _neon(stage)


def _street(stage: Stage) -> None:
    asphalt = stage.lit(parse("#5a5f6a"), 0.15)
    y, goal = stage.horizon, stage.width * (0.5 + 0.12 * stage.side)
    svg = fill(
        box(-20, y - 2, stage.width + 40, stage.height - y + 40),
        stage.gradient((lighter(asphalt, 0.1), 1), (lighter(asphalt, -0.08), 1)),
    )
    walk = stage.lit(parse("#a59f96"), 0.1)
    for sign in (-1, 1):
        edge = stage.width * 0.5 + sign * stage.width * 0.44
        svg += fill(
            line(
                [
                    (goal + sign * 22, y),
                    (goal + sign * 60, y),
                    (edge + sign * 400, stage.height + 20),
                    (edge, stage.height + 20),
                ]
            ),
            walk,
        )
    pale = stage.lit(parse("#e9e2cf"), 0.0)
    for step in range(7):
        near, far = 1 - step / 7, 1 - (step + 0.5) / 7
        y0, y1 = y + (stage.height - y) * near**2, y + (stage.height - y) * far**2
        c0, c1 = goal + (stage.width / 2 - goal) * near**2, goal + (stage.width / 2 - goal) * far**2
        svg += fill(
            line(
                [
                    (c0 - 9 * near**2, y0),
                    (c0 + 9 * near**2, y0),
                    (c1 + 9 * far**2, y1),
                    (c1 - 9 * far**2, y1),
                ]
            ),
            pale,
            0.8,
            'stroke="none"',
        )
    if stage.light.lamps > 0.3:
        rng = stage.rng("street shine")
        for _ in range(14):
            x = rng.uniform(0, stage.width)
            svg += fill(
                box(x, y + rng.uniform(10, 200), rng.uniform(4, 14), rng.uniform(60, 200)),
                stage.window(),
                0.10,
                'stroke="none"',
            )
    stage.add(0.6, svg, mirrored=False)


def _neon(stage: Stage) -> None:
    rng = stage.rng("neon")
    svg = ""
    for _ in range(max(8, min(40, round(stage.width / 60)))):
        x, y = rng.uniform(0, stage.width), stage.horizon - rng.uniform(20, 300)
        colour = parse(rng.choice(NEON))
        wide, tall = (
            (rng.uniform(6, 14), rng.uniform(40, 110))
            if rng.random() < 0.6
            else (rng.uniform(40, 90), rng.uniform(8, 16))
        )
        svg += stage.glow(x + wide / 2, y + tall / 2, max(wide, tall) * 1.1, colour, 0.5)
        svg += fill(box(x, y, wide, tall), mix(colour, (1.0, 1.0, 1.0), 0.25), 0.95)
    stage.add(0.64, svg, outlined=False)
