"""Scenes at the water: sea, beach, lake."""

from safelight.providers.sketch.colour import lighter
from safelight.providers.sketch.pen import Point
from safelight.providers.sketch.scenes import land, water
from safelight.providers.sketch.scenes.city import towers
from safelight.providers.sketch.scenes.village import hamlet
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
