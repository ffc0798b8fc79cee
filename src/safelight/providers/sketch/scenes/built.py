"""Scenes people built: the city and the roofs of a village."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from random import Random

from safelight.providers.sketch.colour import Colour, lighter, mix, parse
from safelight.providers.sketch.pen import box, fill, line, number, stroke
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
    parts = []
    columns = max(2, int(wide / 15))
    step = wide / columns
    for row in range(min(16, int(height / 22))):
        if rng.random() < 0.12:
            continue
        for column in range(columns):
            if rng.random() > dark:
                parts.append(
                    box(x + column * step + step * 0.25, y + 12 + row * 22, step * 0.5, 11)
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


def hamlet(stage: Stage, depth: float, y: float) -> None:
    """A few small houses in the distance."""
    rng = stage.rng("hamlet")
    centre = stage.width * rng.uniform(0.3, 0.7)
    svg = ""
    for index in range(11):
        x = centre + (index - 5) * 46 + rng.uniform(-14, 14)
        size = rng.uniform(34, 54)
        wall = stage.lit(parse(rng.choice(WALLS)), depth)
        roof = stage.lit(
            stage.scene.place_colours.get(
                "village", parse(rng.choice(("#a8492a", "#8d4a3a", "#6c5a5f")))
            ),
            depth,
        )
        svg += fill(box(x, y - size * 0.7, size, size * 0.8), wall)
        svg += fill(
            line(
                [
                    (x - 4, y - size * 0.68),
                    (x + size / 2, y - size * 1.25),
                    (x + size + 4, y - size * 0.68),
                ]
            ),
            roof,
        )
        svg += fill(
            box(x + size * 0.2, y - size * 0.5, 7, 9) + box(x + size * 0.6, y - size * 0.5, 7, 9),
            stage.window(),
            1,
            'stroke="none"',
        )
        if index == 5:
            svg += fill(box(x + 4, y - size * 2, size * 0.5, size * 1.5), wall)
            svg += fill(
                line(
                    [
                        (x, y - size * 2),
                        (x + 4 + size * 0.25, y - size * 3.1),
                        (x + size * 0.5 + 8, y - size * 2),
                    ]
                ),
                roof,
            )
    stage.add(depth, svg)


def village(stage: Stage) -> None:
    """Roofs upon roofs, seen from among them."""
    rng = stage.rng("village")
    stage.horizon = stage.height * rng.uniform(0.5, 0.58)
    if stage.scene.others & {"mountains"} or rng.random() < 0.6:
        land.mountains(stage, "range", 0.95, stage.horizon + 10, rng.uniform(110, 200), 2.6)
    if "sea" in stage.scene.others:
        water.surface(stage, stage.horizon)
    land.hills(stage, "hill", 0.86, stage.horizon + 30, 60, stage.material("leaves"), 2)
    drop = stage.height - stage.horizon
    for row in range(5):
        depth = 0.74 - row * 0.145
        near = ((row + 1) / 5) ** 1.5
        _roof_row(stage, row, depth, stage.horizon + drop * (0.1 + 0.86 * near), 70 + 300 * near)
    stage.land_line = stage.horizon + drop * 0.62


def _roof_row(stage: Stage, row: int, depth: float, y: float, size: float) -> None:
    rng = stage.rng(f"roofs {row}")
    named = stage.scene.place_colours.get("village")
    tin, snowy = "tin" in stage.scene.extra, stage.season == "winter"
    tints = (
        ("#8fa3ad", "#a5b3b5", "#7d8f99", "#b0674a", "#9a7a68")
        if tin
        else ("#b5543a", "#a8492a", "#c4704c", "#8f4a3f", "#75656a")
    )
    x = -rng.uniform(0.1, 0.6) * size
    svg = ""
    while x < stage.width + 20:
        wide = size * rng.uniform(0.8, 1.35)
        lift = rng.uniform(-0.14, 0.14) * size
        tint = named or parse(rng.choice(tints))
        if snowy:
            tint = mix(tint, (0.95, 0.97, 1.0), 0.8)
        roof = stage.lit(tint, depth, keep=0.3 if named else 0.0)
        wall = stage.lit(parse(rng.choice(WALLS)), depth)
        house, ridge_y = _house(stage, rng, x, y + lift, wide, size, roof, wall, depth)
        svg += house
        if row >= 2 and ridge_y > stage.height * 0.4:
            stage.perches.append((x + wide / 2, ridge_y, depth - 0.002))
        x += wide * rng.uniform(0.82, 1.08)
    stage.add(depth, svg)


def _house(
    stage: Stage,
    rng: Random,
    x: float,
    y: float,
    wide: float,
    size: float,
    roof: Colour,
    wall: Colour,
    depth: float,
) -> tuple[str, float]:
    """The drawing and the y of its ridge."""
    top, ridge_y = y - size * 0.34, y - size * rng.uniform(0.66, 0.82)
    svg = fill(
        box(x + wide * 0.05, top, wide * 0.9, size * 2),
        stage.gradient((wall, 1), (lighter(wall, -0.14), 1)),
    )
    pane = size * 0.11
    for column in range(max(2, int(wide / size * 3))):
        wx = x + wide * 0.14 + column * wide * 0.74 / max(1, int(wide / size * 3) - 0.5)
        if rng.random() < 0.8:
            lamp = stage.window() if rng.random() < 0.6 else lighter(wall, -0.3)
            svg += fill(box(wx, top + size * 0.14, pane, pane * 1.5), lamp)
    if rng.random() < 0.5:  # the long side faces us: corrugated sheets or rows of tiles
        inset = wide * rng.uniform(0.06, 0.16)
        sheet = [
            (x - wide * 0.04, top + size * 0.05),
            (x + inset, ridge_y),
            (x + wide - inset, ridge_y),
            (x + wide * 1.04, top + size * 0.05),
        ]
        svg += fill(
            line(sheet), stage.gradient((lighter(roof, 0.07), 1), (lighter(roof, -0.05), 1))
        )
        ribs = max(5, min(16, int(wide / 22)))
        d = ""
        for rib in range(1, ribs):
            t = rib / ribs
            d += f"M{number(x + inset + (wide - 2 * inset) * t)},{number(ridge_y)}L{number(x - wide * 0.04 + wide * 1.08 * t)},{number(top + size * 0.05)}"
        svg += stroke(d, lighter(roof, -0.10), max(1.0, size * 0.011), 0.8)
        svg += stroke(
            f"M{number(x + inset)},{number(ridge_y)}h{number(wide - 2 * inset)}",
            lighter(roof, 0.13),
            max(1.2, size * 0.016),
        )
    else:  # the gable faces us
        peak = x + wide / 2
        svg += fill(
            line(
                [
                    (x + wide * 0.05, top + 2),
                    (peak, ridge_y + size * 0.03),
                    (x + wide * 0.95, top + 2),
                ]
            ),
            wall,
        )
        svg += fill(box(peak - pane * 0.5, top - size * 0.12, pane, pane * 1.3), stage.window())
        thick = size * 0.055
        sunny, shady = lighter(roof, 0.08), lighter(roof, -0.08)
        left, right = (shady, sunny) if stage.side > 0 else (sunny, shady)
        svg += fill(
            line(
                [
                    (peak, ridge_y - thick),
                    (peak, ridge_y + thick),
                    (x - wide * 0.03, top + size * 0.08),
                    (x - wide * 0.06, top + size * 0.02),
                ]
            ),
            left,
        )
        svg += fill(
            line(
                [
                    (peak, ridge_y - thick),
                    (peak, ridge_y + thick),
                    (x + wide * 1.03, top + size * 0.08),
                    (x + wide * 1.06, top + size * 0.02),
                ]
            ),
            right,
        )
    if rng.random() < 0.55:
        cx = x + wide * rng.uniform(0.2, 0.75)
        brick = stage.lit(parse("#8d5a48"), depth)
        svg += fill(box(cx, ridge_y - size * 0.1, size * 0.09, size * 0.26), brick)
        svg += fill(
            box(cx - size * 0.015, ridge_y - size * 0.12, size * 0.12, size * 0.035),
            lighter(brick, -0.08),
        )
    return svg, ridge_y
