"""Where in a scene a thing goes: how deep, how low, how large."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from safelight.providers.sketch.colour import lighter, parse
from safelight.providers.sketch.pen import box, fill
from safelight.providers.sketch.scenes import land, water
from safelight.providers.sketch.stage import Stage


@dataclass(frozen=True, slots=True)
class Spot:
    """The point a thing's foot stands on."""

    depth: float
    x: float
    y: float
    size: float  # units high


@dataclass(frozen=True, slots=True)
class Wish:
    """A thing that wants a place at x, and what is known of it."""

    kind: str
    x: float
    size: float
    rng: Random
    perching: bool = False  # would rather sit on a roof than stand in the street


def coast(stage: Stage, wish: Wish) -> Spot:
    """On a rock in the water; on the ground where there is none."""
    low = stage.height - stage.horizon
    if stage.water_line is None:
        return Spot(0.32, wish.x, stage.land_line or stage.horizon + low * 0.4, wish.size)
    foot = stage.horizon + low * 0.42
    top = water.headland(stage, wish.x, foot, wish.size * 1.15, wish.size * 0.24, 0.321)
    return Spot(0.32, wish.x, top + 6, wish.size)


def afloat(stage: Stage, wish: Wish) -> Spot:
    """On the water."""
    if stage.water_line is None:
        return Spot(0.3, wish.x, stage.height * 0.88, wish.size)
    share = wish.rng.uniform(0.3, 0.5)
    y = stage.water_line + (stage.height - stage.water_line) * share
    return Spot(0.3, wish.x, y, wish.size)


def shallows(stage: Stage, wish: Wish) -> Spot:
    """In the water, near."""
    line = stage.horizon if stage.water_line is None else stage.water_line
    return Spot(0.3, wish.x, line + (stage.height - line) * 0.72, wish.size)


def sky(stage: Stage, wish: Wish) -> Spot:
    """Over it all, with the whole of it in the picture."""
    reach = 1.38 if wish.kind == "heron" else 1.08
    y = max(stage.horizon * wish.rng.uniform(0.5, 0.72), wish.size * reach)
    return Spot(0.4, wish.x, y, wish.size)


def air(stage: Stage, wish: Wish) -> Spot:
    """Close by, at eye height."""
    y = max(stage.height * wish.rng.uniform(0.4, 0.62), wish.size * 1.05)
    return Spot(0.15, wish.x, y, wish.size)


def deep(stage: Stage, wish: Wish) -> Spot:
    """Under water."""
    return Spot(0.3, wish.x, stage.height * wish.rng.uniform(0.42, 0.68), wish.size)


def far(stage: Stage, wish: Wish) -> Spot:
    """At the horizon."""
    return Spot(0.79, wish.x, stage.horizon + 34, wish.size)


def height(stage: Stage, wish: Wish) -> Spot:
    """On a rocky hill; dragons need none."""
    if wish.kind == "dragon":
        return Spot(0.3, wish.x, max(stage.horizon * 0.95, wish.size * 1.1), wish.size)
    foot, size = stage.horizon + 60, wish.size
    top = water.headland(stage, wish.x, foot, size * 1.9, size * 0.5, 0.665)
    return Spot(0.66, wish.x, top + 8, size)


def span(stage: Stage, wish: Wish) -> Spot:
    """From one side to the other."""
    low = stage.height - stage.horizon
    line = stage.water_line or stage.horizon + low * 0.2
    return Spot(0.5, stage.width * 0.5, line + low * 0.22, wish.size)


def table(stage: Stage, wish: Wish) -> Spot:
    """On the table, small things in front."""
    low = stage.height - stage.horizon
    if wish.size < 200:
        share, depth = wish.rng.uniform(0.5, 0.72), 0.2
    else:
        share, depth = wish.rng.uniform(0.3, 0.5), 0.4
    return Spot(depth, wish.x, stage.horizon + low * share, wish.size)


def perch(stage: Stage, wish: Wish) -> Spot:
    """On a branch that reaches into the picture."""
    return Spot(0.15, wish.x, stage.height * wish.rng.uniform(0.76, 0.84), wish.size)


def near(stage: Stage, wish: Wish) -> Spot:
    """At the lower edge."""
    return Spot(0.12, wish.x, stage.height * wish.rng.uniform(0.93, 0.98), wish.size)


def ground(stage: Stage, wish: Wish) -> Spot:
    """On land; a cat among roofs sits on one."""
    if wish.perching and stage.perches:
        level = 0.7 * stage.height
        best = min(stage.perches, key=lambda p: abs(p[0] - wish.x) + abs(p[1] - level))
        stage.perches.remove(best)
        x, y, depth = best
        return Spot(depth, x, y + wish.size * 0.024, wish.size * 0.8)
    line, chance = stage.land_line, wish.rng.random()
    if line is not None:
        return Spot(0.21, wish.x, line + (stage.height - line) * (0.1 + 0.35 * chance), wish.size)
    low = stage.height - stage.horizon
    return Spot(0.21, wish.x, stage.horizon + low * (0.66 + 0.2 * chance), wish.size)


SPOTS: dict[str, Callable[[Stage, Wish], Spot]] = {
    "coast": coast,
    "water": afloat,
    "breach": afloat,
    "shallows": shallows,
    "sky": sky,
    "air": air,
    "deep": deep,
    "far": far,
    "height": height,
    "span": span,
    "table": table,
    "perch": perch,
    "near": near,
    "land": ground,
}


def shore(stage: Stage) -> None:
    """Ground in front of the water, for what cannot swim."""
    if stage.ashore:
        return
    stage.ashore = True
    if stage.scene.place == "beach":
        return
    y = stage.height * 0.88
    if stage.scene.place == "city":
        stone = stage.lit(parse("#a79f96"), 0.1)
        paint = stage.gradient((stone, 1), (lighter(stone, -0.1), 1))
        slab = fill(box(-20, y, stage.width + 40, stage.height), paint)
        slab += fill(box(-20, y, stage.width + 40, 12), lighter(stone, 0.08))
        stage.add(0.26, slab, mirrored=False)
    else:
        colour = stage.material("snow" if stage.season == "winter" else "grass")
        land.hills(stage, "shore", 0.26, y, 60, colour, 1.1)
        land.tufts(stage, "shore grass", 0.06, stage.height + 10, 80, colour, 110)
    stage.land_line = stage.height * 0.9
