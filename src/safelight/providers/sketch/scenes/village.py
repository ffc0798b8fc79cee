"""The roofs of a village, from among them or from afar."""

# ruff: noqa: E501, PLR0917  (coordinates and word lists read better in long rows)

from random import Random

from safelight.providers.sketch.colour import Colour, lighter, mix, parse
from safelight.providers.sketch.pen import box, fill, line, number, stroke
from safelight.providers.sketch.scenes import land, water
from safelight.providers.sketch.stage import Stage

WALLS = ("#d9b48f", "#c98f6b", "#e6d3b3", "#b9a48e", "#d8c4c0", "#a9b4b0")
NEON = ("#ff3fb4", "#29e0ff", "#9b5cff", "#ffd23f")


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
