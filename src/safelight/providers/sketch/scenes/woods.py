"""The forest: rows of trees, light between them, trunks and leaves close by."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import Colour, lighter, mix, parse
from safelight.providers.sketch.pen import fill, line, number, smooth
from safelight.providers.sketch.scenes import land
from safelight.providers.sketch.scenes.fields import stream
from safelight.providers.sketch.stage import Stage


def forest(stage: Stage) -> None:
    """Rows of trees that fade into the light, and big trunks close by."""
    rng = stage.rng("forest")
    stage.horizon = stage.height * rng.uniform(0.6, 0.68)
    pines = {"winter": 1.0, "autumn": 0.0}.get(stage.season, 0.5)
    kind = "pine" if rng.random() < pines else "leaf"
    colour = stage.material("pine" if kind == "pine" else "leaves", "forest")
    floor = mix(stage.material("grass"), stage.material("earth"), 0.4)
    for row, depth in enumerate((0.92, 0.76, 0.6, 0.46)):
        y = stage.horizon + row * (stage.height - stage.horizon) * 0.13
        tall = (
            min(stage.height * 0.4, 330) * (0.72 + 0.24 * row) * (1.0 if kind == "pine" else 0.72)
        )
        crest = land.skyline(stage.rng(f"row {row}"), stage, y + 10, 30, 0, 2)
        land.treeline(
            stage,
            f"wood {row}",
            depth,
            crest,
            tall,
            lighter(colour, 0.03 * (row % 2)),
            kind=kind,
            crowd=(1.25 if kind == "pine" else 1.6) - 0.2 * row,
        )
        land.hills(stage, f"row {row}", depth - 0.02, y + 16, 30, floor, 2)
    if stage.light.time not in ("night",) and not stage.scene.weather & {"storm", "rain"}:
        _shafts(stage)
    _trunks(stage)
    _canopy(stage, colour)
    if stage.scene.others & {"river", "lake"}:
        stream(stage, 0.36)
    fern = mix(stage.material("grass"), stage.material("pine"), 0.5)
    land.tufts(stage, "ferns", 0.05, stage.height + 12, 110, fern, 110)


def _shafts(stage: Stage) -> None:
    rng = stage.rng("shafts")
    paint = stage.gradient((stage.light.sun, 0.42), (stage.light.sun, 0.0))
    svg = ""
    for _ in range(5):
        x = stage.sun[0] + rng.uniform(-0.5, 0.5) * stage.width * 0.6
        wide, drop = rng.uniform(20, 80), stage.height * rng.uniform(0.7, 0.95)
        lean = -stage.side * drop * rng.uniform(0.25, 0.4)
        svg += fill(
            line([(x, -20), (x + wide, -20), (x + wide * 2.2 + lean, drop), (x + lean, drop)]),
            paint,
        )
    stage.add(0.5, svg, outlined=False)


def _trunks(stage: Stage) -> None:
    rng = stage.rng("trunks")
    bark = parse("#6b4f3c") if rng.random() < 0.65 else parse("#cfc8bb")
    for index in range(max(3, min(14, round(stage.width / 330)))):
        depth = rng.choice((0.32, 0.22, 0.14))
        wide = 70 * (1 - depth * 1.9)
        x = (
            (index + rng.uniform(0.1, 0.9))
            * stage.width
            / max(3, min(14, round(stage.width / 330)))
        )
        if abs(x - stage.width * 0.5) < 150 and depth < 0.3:
            continue
        foot = stage.height * (1.02 - depth * 0.5)
        bend = rng.uniform(-30, 30)
        left = [
            (x - wide * 0.42 + bend, -30.0),
            (x - wide * 0.5, foot * 0.5),
            (x - wide * 0.6, foot * 0.93),
            (x - wide * 1.1, foot),
        ]
        right = [
            (x + wide * 1.1, foot),
            (x + wide * 0.6, foot * 0.93),
            (x + wide * 0.45, foot * 0.5),
            (x + wide * 0.4 + bend, -30.0),
        ]
        lit, dark = stage.lit(bark, depth), stage.lit(lighter(bark, -0.2), depth)
        first, second = (dark, lit) if stage.side > 0 else (lit, dark)
        svg = fill(
            smooth(left, closed=False) + "L" + smooth(right, closed=False)[1:] + "Z",
            stage.gradient((first, 1), (second, 1), across=True),
        )
        for _ in range(9):
            y = rng.uniform(0, foot * 0.9)
            svg += fill(
                f"M{number(x - wide * 0.4)},{number(y)}q{number(wide * 0.3)},{number(wide * 0.12)} {number(wide * rng.uniform(0.3, 0.7))},2q{number(-wide * 0.2)},{number(wide * 0.1)} {number(-wide * 0.5)},2Z",
                lighter(dark, -0.06),
                0.55,
                'stroke="none"',
            )
        stage.add(depth, svg, mirrored=False)


def _canopy(stage: Stage, colour: Colour) -> None:
    """Leaves that hang into the picture from above, dense at the corners."""
    rng = stage.rng("canopy")
    veils = ["", "", ""]
    for index in range(min(330, round(150 * max(1.0, stage.width / 1000)))):
        edge = rng.random() ** 2.2 * 0.5
        x = stage.width * (edge if rng.random() < 0.5 else 1 - edge)
        drop = (1 - min(1.0, edge * 2.6)) * 0.26 + 0.05
        y = stage.height * drop * rng.random() - 10
        size = rng.uniform(12, 30)
        lean = rng.uniform(-0.9, 0.9)
        veils[index % 3] += smooth(
            [
                (x - size, y - lean * size * 0.5),
                (x, y - size * 0.36),
                (x + size, y + lean * size * 0.5),
                (x, y + size * 0.36),
            ]
        )
    svg = "".join(
        fill(d, stage.lit(lighter(colour, change), 0.06))
        for d, change in zip(veils, (-0.16, -0.09, -0.02), strict=True)
    )
    stage.add(0.11, svg, outlined=False, mirrored=False)
