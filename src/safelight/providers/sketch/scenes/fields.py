"""The meadow, its stream, its road and its flowers."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

import math

from safelight.providers.sketch.colour import Colour, lighter, mix, parse, to_hex
from safelight.providers.sketch.pen import fill, number, smooth
from safelight.providers.sketch.scenes import land
from safelight.providers.sketch.scenes.shores import distance
from safelight.providers.sketch.stage import Stage


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


def river(stage: Stage) -> None:
    """A meadow with a stream."""
    meadow(stage, river=True)


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
