"""Scenes close up: things on a table, one animal."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import lighter, mix, parse
from safelight.providers.sketch.pen import blob, box, circle, fill, line, stroke
from safelight.providers.sketch.scenes import land
from safelight.providers.sketch.stage import Stage

SKIN = ("#f0c5a3", "#d99e73", "#a86e48", "#7a4a30", "#e8b48c")
HAIR = ("#2a2024", "#5a3522", "#8d5a2b", "#c9913f", "#b24a28", "#3a3550")


def stilllife(stage: Stage) -> None:
    """A wall, window light, a cloth on a table."""
    rng = stage.rng("still life")
    wall = parse(rng.choice(("#c9b79c", "#8fa3a0", "#d8a48f", "#6f8a9a", "#b9a9c4", "#3f5a5f")))
    shown = stage.lit(wall, 0.0, keep=0.25)
    stage.backdrop = (lighter(shown, -0.1), shown, lighter(shown, -0.05))
    stage.horizon = stage.height * rng.uniform(0.64, 0.72)
    slant = stage.side * 170
    x = stage.width * (0.5 + 0.12 * stage.side)
    light = mix(stage.light.sun, shown, 0.35)
    for column in (-1, 1):
        for row in (0, 1):
            px, py = x + column * 95 - 80, stage.height * 0.1 + row * 190
            pane = [
                (px + slant * 0.0, py),
                (px + 160, py - 30 * stage.side),
                (px + 160, py + 150 - 30 * stage.side),
                (px, py + 150),
            ]
            stage.add(
                0.95,
                fill(line(pane), light, 0.5 if stage.light.lamps < 0.5 else 0.14),
                outlined=False,
            )
    table = stage.scene.place_colours.get(
        "stilllife", parse(rng.choice(("#8a5a3a", "#a97b52", "#6d4a3c", "#d9cdb8")))
    )
    top = stage.lit(table, 0.0, keep=0.2)
    y = stage.horizon
    paint = stage.gradient((lighter(top, 0.07), 1), (lighter(top, -0.1), 1))
    stage.add(
        0.8, fill(box(-20, y, stage.width + 40, stage.height - y + 40), paint), mirrored=False
    )
    grain = "".join(
        f"M-20,{y + k * 34 + rng.uniform(-6, 6):.0f}q{stage.width / 2:.0f},{rng.uniform(-14, 14):.0f} {stage.width + 40:.0f},0"
        for k in range(1, 14)
    )
    stage.add(0.79, stroke(grain, lighter(top, -0.07), 2, 0.5), outlined=False)
    cloth = stage.lit(parse(rng.choice(("#f2eee2", "#d9e0e0", "#e8c9b8"))), 0, keep=0.3)
    cx, low = stage.width * rng.uniform(0.42, 0.58), stage.height + 30
    slope = rng.uniform(-60, 60)
    runner = [
        (cx - 250 + slope, y + 14),
        (cx + 250 + slope, y + 14),
        (cx + 400, low),
        (cx - 400, low),
    ]
    svg = fill(line(runner), stage.gradient((cloth, 1), (lighter(cloth, -0.1), 1)))
    for share in (-0.88, 0.88):  # a woven stripe along each edge
        strip = [
            (cx + slope + share * 250 - 7, y + 14),
            (cx + slope + share * 250 + 7, y + 14),
            (cx + share * 400 + 12, low),
            (cx + share * 400 - 12, low),
        ]
        svg += fill(line(strip), stage.lit(parse("#b5654a"), 0, 0.3), 0.8, 'stroke="none"')
    for _ in range(5):
        t = rng.uniform(-0.7, 0.7)
        svg += stroke(
            f"M{cx + slope + t * 250:.0f},{y + 40:.0f}Q{cx + t * 300:.0f},{(y + low) / 2:.0f} {cx + t * 420:.0f},{low:.0f}",
            lighter(cloth, -0.05),
            5,
            0.5,
        )
    stage.add(0.7, svg, mirrored=False)


def animal(stage: Stage) -> None:
    """One animal on a rise against a great disc of light."""
    rng = stage.rng("animal")
    stage.horizon = stage.height * rng.uniform(0.7, 0.78)
    sun_r = min(stage.width, stage.height) * rng.uniform(0.27, 0.34)
    x = stage.width * (0.5 + 0.06 * rng.choice((-1, 1)))
    warm = {
        "noon": "#fff3c4",
        "golden": "#ffe08a",
        "sunset": "#ffd98f",
        "dawn": "#ffe9c4",
        "dusk": "#f7b98a",
    }
    disc = mix(
        parse(warm.get(stage.light.time, "#f4efd6")),
        stage.light.sky[2],
        0.6 if stage.scene.weather else 0.0,
    )
    stage.sun, stage.sun_radius = (x, stage.horizon - sun_r * 0.95), sun_r
    stage.add(
        0.97,
        circle(
            *stage.sun,
            sun_r,
            stage.gradient((disc, 0.95), (mix(disc, stage.light.sky[2], 0.3), 0.9)),
        ),
    )
    grass = stage.material("grass", "meadow")
    land.hills(
        stage, "far", 0.8, stage.horizon + 20, 90, mix(grass, stage.material("pine"), 0.5), 2.2
    )
    land.hills(
        stage, "rise", 0.5, stage.height * 0.9, 60, mix(grass, stage.material("pine"), 0.25), 0.9
    )
    land.tufts(stage, "grass", 0.05, stage.height + 14, 120, grass, 150)
    stage.add(
        0.06,
        fill(
            blob(rng, -40, stage.height + 20, 190, 120)
            + blob(rng, stage.width + 30, stage.height + 30, 200, 140),
            stage.lit(lighter(stage.material("pine"), -0.1), 0),
        ),
        mirrored=False,
    )
    stage.land_line = stage.height * 0.9
