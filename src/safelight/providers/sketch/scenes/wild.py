"""Scenes with few people: mountains, desert, snow."""

# ruff: noqa: PLR0917  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import Colour, lighter, mix, parse
from safelight.providers.sketch.pen import fill, line, number, smooth
from safelight.providers.sketch.scenes import land, water
from safelight.providers.sketch.scenes.shores import distance
from safelight.providers.sketch.stage import Stage


def mountain_land(stage: Stage) -> None:
    """Ranges behind ranges."""
    rng = stage.rng("mountains")
    stage.horizon = stage.height * rng.uniform(0.62, 0.7)
    tall = min(stage.height * 0.42, 640)
    land.mountains(stage, "range", 0.95, stage.horizon, tall * rng.uniform(0.75, 1.0), 2.4)
    land.mountains(stage, "range 2", 0.78, stage.horizon + 20, tall * rng.uniform(0.45, 0.62), 3.2)
    others = stage.scene.others
    wet = bool(others & {"lake", "sea", "river"}) or (not others and rng.random() < 0.4)
    pines = stage.material("pine", "forest")
    crest = land.hills(stage, "foothill", 0.66, stage.horizon + 30, 70, lighter(pines, 0.03), 2.2)
    land.treeline(stage, "wood", 0.64, crest, 74, pines, gaps=0.18)
    if wet:
        water.surface(stage, stage.horizon + 36, calm=0.95)
    else:
        land.hills(
            stage, "slope", 0.5, stage.height * 0.82, 70, stage.material("grass", "meadow"), 1.6
        )
    near = land.hills(
        stage, "near", 0.3, stage.height * 0.97, 90, stage.material("grass", "meadow"), 1.3
    )
    land.treeline(stage, "near wood", 0.26, near, 190, lighter(pines, -0.06), gaps=0.5, crowd=0.8)
    land.tufts(stage, "grass", 0.05, stage.height + 10, 60, stage.material("grass", "meadow"), 120)


def desert(stage: Stage) -> None:
    """Dunes with a lit and a shaded slope."""
    rng = stage.rng("desert")
    stage.horizon = stage.height * rng.uniform(0.5, 0.6)
    distance(stage)
    sand = stage.material("sand", "desert")
    if rng.random() < 0.6 and not stage.scene.others:
        _mesas(stage)
    drop = stage.height - stage.horizon
    for row, depth in enumerate((0.84, 0.66, 0.46, 0.24)):
        y = stage.horizon + drop * (0.04, 0.2, 0.46, 0.86)[row]
        _dune(stage, f"dune {row}", depth, y, 60 + 52 * row, sand)


def _mesas(stage: Stage) -> None:
    rng = stage.rng("mesas")
    rock = parse("#b5643c")
    for _ in range(max(2, min(8, round(stage.width / 420)))):
        x, wide, tall = rng.uniform(0, stage.width), rng.uniform(60, 190), rng.uniform(50, 130)
        y = stage.horizon + 10
        points = [
            (x - wide * 0.75, y),
            (x - wide * 0.52, y - tall * 0.55),
            (x - wide * 0.46, y - tall),
            (x + wide * 0.4, y - tall * rng.uniform(0.92, 1)),
            (x + wide * 0.5, y - tall * 0.5),
            (x + wide * 0.75, y),
        ]
        paint = stage.gradient((stage.lit(lighter(rock, 0.06), 0.7), 1), (stage.lit(rock, 0.85), 1))
        svg = fill(line(points), paint)
        shade = (
            [*points[:3], (x - wide * 0.2, y - tall), (x - wide * 0.26, y)]
            if stage.side > 0
            else [*points[3:], (x + wide * 0.22, y), (x + wide * 0.18, y - tall)]
        )
        svg += fill(line(shade), stage.lit(lighter(rock, -0.13), 0.75), 0.6, 'stroke="none"')
        stage.add(0.9, svg)


def _dune(stage: Stage, topic: str, depth: float, y: float, rise: float, sand: Colour) -> None:
    """A row of dunes: each a lit windward side and a shaded slip face along an S-shaped crest."""
    rng = stage.rng(topic)
    lit, low = (
        stage.lit(lighter(sand, 0.05), depth),
        stage.lit(lighter(sand, -0.05), max(0.0, depth - 0.25)),
    )
    crest = land.skyline(rng, stage, y + rise * 0.25, rise * 0.3, 0.0, 1.3)
    svg = land.ground(stage, crest, stage.gradient((lit, 1), (low, 1)))
    away = -stage.side  # the slip face lies away from the sun
    x = rng.uniform(-0.3, 0.3) * rise * 6
    while x < stage.width + rise * 4:
        tall, wide = rise * rng.uniform(0.7, 1.25), rise * rng.uniform(4.5, 7.5)
        top = land.height_at(crest, x) - tall
        long, short = wide * rng.uniform(0.6, 0.9), wide * rng.uniform(0.45, 0.6)
        foot = y + rise * 0.9
        lee = [
            (x, top),
            (x + away * short * 0.25, top + tall * 0.42),
            (x + away * short * 0.6, top + tall * 0.82),
            (x + away * short, foot),
        ]
        body = [
            (x - away * long, foot),
            (x - away * long * 0.55, top + tall * 0.62),
            (x - away * long * 0.2, top + tall * 0.16),
            *lee,
        ]
        d = smooth(body, closed=False) + f"L{number(x)},{number(foot + rise)}Z"
        svg += fill(d, stage.gradient((lighter(lit, 0.03), 1), (lit, 1), (low, 1)))
        fall = foot + rise * 0.5
        spine = [
            (x, top),
            (x - away * wide * 0.05, top + (fall - top) * 0.3),
            (x + away * wide * 0.09, top + (fall - top) * 0.64),
            (x + away * wide * 0.02, fall),
        ]
        shadow = smooth(lee, closed=False) + "L" + smooth(spine[::-1], closed=False)[1:] + "Z"
        dark = stage.lit(lighter(sand, -0.17), depth)
        svg += fill(
            shadow, stage.gradient((dark, 0.95), (dark, 0.55), (dark, 0.0)), 1, 'stroke="none"'
        )
        x += wide * rng.uniform(0.9, 1.6)
    stage.add(depth, svg)


def snowfield(stage: Stage) -> None:
    """White ground, blue shadows, firs."""
    rng = stage.rng("snowfield")
    stage.horizon = stage.height * rng.uniform(0.52, 0.62)
    distance(stage)
    snow = mix(stage.material("snow", "snowfield"), (0.80, 0.88, 1.0), 0.25)
    land.mountains(stage, "range", 0.93, stage.horizon + 6, rng.uniform(120, 230), 2.6)
    drop = stage.height - stage.horizon
    pines = stage.material("pine")
    for row, depth in enumerate((0.82, 0.6, 0.36)):
        y = stage.horizon + drop * (0.08, 0.32, 0.78)[row]
        crest = land.hills(stage, f"bank {row}", depth, y, 50 + 24 * row, snow, 1.8)
        land.treeline(
            stage,
            f"firs {row}",
            depth - 0.02,
            crest,
            (54, 110, 230)[row],
            pines,
            gaps=(0.35, 0.6, 0.72)[row],
            crowd=0.8,
        )
