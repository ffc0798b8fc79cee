"""Scenes without people: sea, beach, lake, river, mountains, forest, desert, meadow, snow."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

import math

from safelight.providers.sketch.colour import Colour, lighter, mix, parse, to_hex
from safelight.providers.sketch.pen import Point, fill, line, number, smooth
from safelight.providers.sketch.scenes import land, water
from safelight.providers.sketch.scenes.built import hamlet, towers
from safelight.providers.sketch.stage import Stage


def distance(stage: Stage) -> None:
    """What stands at the horizon: what the prompt also names, or hills."""
    rng, others, y = stage.rng("distance"), stage.scene.others, stage.horizon
    if "mountains" in others:
        land.mountains(stage, "range", 0.9, y + 4, rng.uniform(170, 250), 3.5)
        land.mountains(stage, "range 2", 0.8, y + 6, rng.uniform(90, 140), 4.5)
    if "city" in others:
        towers(stage, "far city", 0.78, y + 4, 210, 1.0)
    if "village" in others:
        hamlet(stage, 0.68, y + 8)
    if "forest" in others:
        crest = [(-30.0, y + 6), (stage.width + 30, y + 6)]
        land.treeline(stage, "far wood", 0.75, crest, 70, stage.material("pine", "forest"))


def sea(stage: Stage) -> None:
    """Open water to the horizon."""
    rng = stage.rng("sea")
    storm = "storm" in stage.scene.weather
    stage.horizon = stage.height * rng.uniform(0.5, 0.64)
    distance(stage)
    if not stage.scene.others and rng.random() < 0.75:
        side = rng.choice((-1, 1))
        crest = land.skyline(rng, stage, stage.horizon + 3, rng.uniform(50, 110), 0.35, 2)
        slope: list[Point] = []
        for x, y in crest:
            share = max(0.0, (x / stage.width - 0.45 if side > 0 else 0.55 - x / stage.width) * 2)
            slope.append((x, stage.horizon + 3 - (stage.horizon + 3 - y) * min(1.0, share)))
        stage.add(0.85, land.ground(stage, slope, stage.lit(stage.material("rock"), 0.8)))
    water.surface(stage, stage.horizon, calm=0.2 if storm else 0.6)
    if storm:
        water.rollers(stage, stage.horizon)


def beach(stage: Stage) -> None:
    """Sand in front, sea behind."""
    rng = stage.rng("beach")
    stage.horizon = stage.height * rng.uniform(0.42, 0.54)
    distance(stage)
    water.surface(stage, stage.horizon)
    shore = stage.horizon + (stage.height - stage.horizon) * rng.uniform(0.38, 0.5)
    tilt = rng.uniform(-0.1, 0.1)
    crest = [
        (x, y + (x - stage.width / 2) * tilt)
        for x, y in land.skyline(rng, stage, shore, 50, 0.0, 1.5)
    ]
    sand = stage.material("sand", "beach")
    foam = [(x, y - 12 - 8 * rng.random()) for x, y in crest]
    wet = [(x, y - 2) for x, y in crest]
    stage.add(0.42, land.ground(stage, foam, stage.lit((0.98, 0.99, 1.0), 0.2)), outlined=False)
    stage.add(0.41, land.ground(stage, wet, stage.lit(lighter(sand, -0.14), 0.2)), outlined=False)
    dry = [(x, y + 26 + 10 * rng.random()) for x, y in crest]
    paint = stage.gradient((stage.lit(sand, 0.2), 1), (stage.lit(lighter(sand, -0.05), 0), 1))
    stage.add(0.40, land.ground(stage, dry, paint), outlined=False)
    stage.land_line = shore + 120


def lake(stage: Stage) -> None:
    """Still water with hills and reeds."""
    rng = stage.rng("lake")
    stage.horizon = stage.height * rng.uniform(0.48, 0.58)
    distance(stage)
    leaves = stage.material("pine")
    if not stage.scene.others:
        land.mountains(stage, "range", 0.92, stage.horizon + 2, rng.uniform(120, 240), 2.6)
    hill = land.hills(stage, "shore", 0.8, stage.horizon + 6, 70, stage.material("leaves"), 2)
    land.treeline(
        stage,
        "shore wood",
        0.74,
        [(x, max(y, stage.horizon - 18)) for x, y in hill],
        62,
        leaves,
        gaps=0.25,
    )
    water.surface(stage, stage.horizon + 6, calm=0.95)
    land.tufts(stage, "reeds", 0.06, stage.height + 6, 150, stage.material("grass"), 70)


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


def stream(stage: Stage, depth: float) -> None:
    """A band of water that winds towards the viewer."""
    _winding(
        stage,
        "stream",
        depth,
        mix(stage.lit(stage.material("water", "river"), 0.2), stage.light.sky[2], 0.35),
        300,
    )


def road(stage: Stage, depth: float) -> None:
    """A path to the horizon."""
    thing = stage.scene.has("road")
    colour = thing.colour if thing and thing.colour else parse("#cdb28a")
    _winding(stage, "road", depth, stage.lit(colour, 0.15), 330)


def _winding(stage: Stage, topic: str, depth: float, colour: Colour, wide: float) -> None:
    rng = stage.rng(topic)
    goal, start = stage.width * rng.uniform(0.4, 0.6), stage.width * rng.uniform(0.3, 0.7)
    top = stage.horizon + (stage.height - stage.horizon) * (
        0.45 if stage.scene.place in ("meadow", "river") else 0.12
    )
    swing = rng.choice((-1, 1)) * rng.uniform(90, 170)
    left, right = [], []
    for step in range(9):
        t = step / 8
        y = top + (stage.height + 20 - top) * t**1.5
        x = (
            goal
            + (start - goal) * t
            + swing * math.sin(t * 5.2) * (0.15 + 0.85 * t) * (1 - t * 0.5)
        )
        half = 3 + wide / 2 * t**1.7
        left.append((x - half, y))
        right.append((x + half, y))
    d = smooth(left, closed=False) + "L" + smooth(right[::-1], closed=False)[1:] + "Z"
    stage.add(
        depth,
        fill(d, stage.gradient((lighter(colour, 0.03), 1), (lighter(colour, -0.04), 1))),
        mirrored=False,
    )


def river(stage: Stage) -> None:
    """A meadow with a stream."""
    meadow(stage, river=True)


def meadow(stage: Stage, *, river: bool = False) -> None:
    """Hill behind hill, flowers in front."""
    rng = stage.rng("meadow")
    stage.horizon = stage.height * rng.uniform(0.5, 0.6)
    distance(stage)
    grass = stage.material("grass", "meadow")
    far = land.hills(
        stage, "far", 0.88, stage.horizon + 14, 90, mix(grass, stage.material("pine"), 0.5), 2.2
    )
    land.treeline(
        stage, "far trees", 0.84, far, 34, stage.material("leaves"), kind="leaf", gaps=0.45
    )
    drop = stage.height - stage.horizon
    second = land.hills(
        stage,
        "second",
        0.66,
        stage.horizon + drop * 0.2,
        70,
        mix(grass, stage.material("pine"), 0.22),
        1.6,
    )
    land.treeline(
        stage, "trees", 0.62, second, 74, stage.material("leaves"), kind="leaf", gaps=0.62
    )
    land.hills(stage, "third", 0.46, stage.horizon + drop * 0.42, 60, grass, 1.4)
    if river or stage.scene.others & {"river", "lake"}:
        stream(stage, 0.4)
    _rows(stage, grass)
    near = land.hills(
        stage,
        "near",
        0.22,
        stage.height * 0.9,
        50,
        lighter(mix(grass, stage.material("pine"), 0.2), -0.02),
        1.2,
    )
    if stage.season in ("spring", "summer") and not stage.scene.has("flower"):
        blossoms(stage, 0.1, near[0][1], 60, None)
    land.tufts(stage, "grass", 0.05, stage.height + 10, 90, grass, 150)


def _rows(stage: Stage, grass: Colour) -> None:
    """Mown or ploughed stripes follow the ground."""
    rng = stage.rng("rows")
    if rng.random() < 0.5:
        return
    y = stage.horizon + (stage.height - stage.horizon) * 0.5
    goal = rng.uniform(0.2, 0.8) * stage.width
    d = ""
    for index in range(14):
        x = (index - 6.5) * stage.width * 0.17 + goal
        d += f"M{number(goal + (x - goal) * 0.12)},{number(y)}L{number(x)},{number(stage.height)}h{number(stage.width * 0.045)}Z"
    stage.add(
        0.44, fill(d, stage.lit(lighter(grass, 0.05), 0.2), 0.55), outlined=False, mirrored=False
    )


def blossoms(stage: Stage, depth: float, y: float, count: int, colour: Colour | None) -> None:
    """Flowers sprinkled over the near ground."""
    rng = stage.rng("blossoms")
    garden = [parse(c) for c in ("#e4572e", "#f7c548", "#f4f1e8", "#c65d9b", "#7a6ad8")]
    chosen = (
        [colour, lighter(colour, 0.1), lighter(colour, -0.08)] if colour else rng.sample(garden, 3)
    )
    spots = ["", "", ""]
    stems = ""
    for index in range(min(240, round(count * max(1.0, stage.width / 1000)))):
        near = rng.random()
        x, at = rng.uniform(0, stage.width), y - 20 + near * (stage.height - y + 30)
        r = 2.2 + 7.5 * near * rng.uniform(0.7, 1.2)
        stems += f"M{number(x)},{number(at)}q{number(rng.uniform(-4, 4))},{number(r * 2)} 0,{number(r * 4.5)}"
        for petal in range(5):
            dx, dy = ((0, -1), (0.95, -0.31), (0.59, 0.81), (-0.59, 0.81), (-0.95, -0.31))[petal]
            px, py = x + dx * r * 0.62, at + dy * r * 0.5
            spots[index % 3] += (
                f"M{number(px - r * 0.5)},{number(py)}a{number(r * 0.5)},{number(r * 0.45)} 0 1 0 {number(r)},0a{number(r * 0.5)},{number(r * 0.45)} 0 1 0 {number(-r)},0Z"
            )
    leaf = stage.lit(lighter(stage.material("grass"), -0.1), depth)
    svg = f'<path d="{stems}" fill="none" stroke="{to_hex(leaf)}" stroke-width="1.6"/>'
    for d, c in zip(spots, chosen, strict=True):
        svg += fill(d, stage.lit(c, depth, keep=0.35))
    stage.add(depth, svg, outlined=False, mirrored=False)


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
            points[:3] + [(x - wide * 0.2, y - tall), (x - wide * 0.26, y)]
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
