"""Scenes close up: things on a table, a person, one animal."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import lighter, mix, parse
from safelight.providers.sketch.pen import blob, box, circle, ellipse, fill, line, smooth, stroke
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


def portrait(stage: Stage) -> None:
    """Head and shoulders against a halo."""
    rng = stage.rng("portrait")
    colours = stage.scene.colours
    stage.horizon = stage.height
    ground = parse(rng.choice(("#e7b86b", "#7fa6a3", "#d98a72", "#8a87b5", "#b8c29a", "#4a6a86")))
    base = stage.lit(ground, 0, keep=0.3)
    stage.backdrop = (lighter(base, -0.10), base, lighter(base, 0.08))
    unit = min(stage.width, stage.height)
    cx, cy, r = stage.width * (0.5 + rng.uniform(-0.04, 0.04)), stage.height * 0.44, unit * 0.2
    disc = mix(stage.light.sun, lighter(base, 0.2), 0.3)
    stage.add(
        0.95,
        circle(
            cx,
            cy - r * 0.15,
            r * rng.uniform(1.75, 2.0),
            stage.gradient((disc, 1), (lighter(disc, -0.07), 1)),
        ),
    )
    _figure(stage, cx, cy, r, colours)


def _figure(
    stage: Stage, cx: float, cy: float, r: float, colours: tuple[tuple[float, float, float], ...]
) -> None:
    rng = stage.rng("figure")
    keep = 0.45
    skin = stage.lit(parse(rng.choice(SKIN)), 0, keep)
    named = stage.scene.place_colours
    hair_code = named.get("hair", parse(rng.choice(HAIR)))
    hair = stage.lit(hair_code, 0, keep)
    free = [c for c in colours if c != named.get("hair")]
    cloth = stage.lit(
        named.get("cloth")
        or (free[0] if free else None)
        or parse(rng.choice(("#c8443a", "#2f5d7c", "#e0b04a", "#3d6b52", "#5b3f6b"))),
        0,
        keep,
    )
    shadow, side = lighter(skin, -0.11), stage.side
    tall = stage.height
    words = stage.scene.extra
    bearded = ("man" in words and rng.random() < 0.55) or "wizard" in words or "grandfather" in words
    longhair = (
        "man" not in words
        and "boy" not in words
        and (rng.random() < 0.75 or "woman" in words or "girl" in words)
    )
    if words & {"wizard", "grandfather", "grandmother", "old", "elderly"} and "hair" not in named:
        hair = stage.lit(parse("#e4e2dd"), 0, keep)
    if longhair:
        locks = [
            (cx - r * 0.95, cy - r * 0.3),
            (cx, cy - r * 1.3),
            (cx + r * 0.95, cy - r * 0.3),
            (cx + r * 1.15, cy + r * 0.9),
            (cx + r * 0.85, cy + r * 1.75),
            (cx, cy + r * 1.2),
            (cx - r * 0.85, cy + r * 1.75),
            (cx - r * 1.15, cy + r * 0.9),
        ]
        stage.add(0.8, fill(smooth(locks), stage.gradient((hair, 1), (lighter(hair, -0.07), 1))))
    bust = [
        (cx - r * 2.3, tall + 60),
        (cx - r * 1.95, cy + r * 2.2),
        (cx - r * 1.1, cy + r * 1.55),
        (cx - r * 0.42, cy + r * 1.3),
        (cx + r * 0.42, cy + r * 1.3),
        (cx + r * 1.1, cy + r * 1.55),
        (cx + r * 1.95, cy + r * 2.2),
        (cx + r * 2.3, tall + 60),
    ]
    stage.add(
        0.6,
        fill(smooth(bust), stage.gradient((lighter(cloth, 0.05), 1), (lighter(cloth, -0.1), 1))),
    )
    neck = [
        (cx - r * 0.36, cy + r * 0.5),
        (cx + r * 0.36, cy + r * 0.5),
        (cx + r * 0.4, cy + r * 1.38),
        (cx, cy + r * 1.72),
        (cx - r * 0.4, cy + r * 1.38),
    ]
    stage.add(0.55, fill(smooth(neck), shadow))
    collar = fill(
        line([(cx - r * 0.46, cy + r * 1.2), (cx, cy + r * 1.85), (cx - r * 0.62, cy + r * 1.75)])
        + line(
            [(cx + r * 0.46, cy + r * 1.2), (cx, cy + r * 1.85), (cx + r * 0.62, cy + r * 1.75)]
        ),
        lighter(cloth, -0.12),
    )
    stage.add(0.5, collar)
    face = [
        (cx - r * 0.72, cy - r * 0.25),
        (cx - r * 0.5, cy - r * 0.85),
        (cx + r * 0.5, cy - r * 0.85),
        (cx + r * 0.72, cy - r * 0.25),
        (cx + r * 0.62, cy + r * 0.42),
        (cx + r * 0.22, cy + r * 0.93),
        (cx - r * 0.22, cy + r * 0.93),
        (cx - r * 0.62, cy + r * 0.42),
    ]
    svg = circle(cx - r * 0.74, cy + r * 0.05, r * 0.14, shadow) + circle(
        cx + r * 0.74, cy + r * 0.05, r * 0.14, shadow
    )
    svg += fill(smooth(face), skin)
    shade = [
        (cx - side * r * 0.16, cy - r * 0.2),
        (cx - side * r * 0.4, cy - r * 0.9),
        (cx - side * r * 0.74, cy - r * 0.25),
        (cx - side * r * 0.62, cy + r * 0.42),
        (cx - side * r * 0.2, cy + r * 0.94),
        (cx - side * r * 0.02, cy + r * 0.5),
    ]
    svg += fill(smooth(shade), shadow, 0.55, 'stroke="none"')
    stage.add(0.45, svg)
    stage.add(0.4, _features(stage, cx, cy, r, skin, hair), outlined=False)
    fringe = [
        (cx - r * 0.86, cy + r * 0.05),
        (cx - r * 0.82, cy - r * 0.75),
        (cx, cy - r * 1.22),
        (cx + r * 0.82, cy - r * 0.75),
        (cx + r * 0.86, cy + r * 0.05),
        (cx + r * 0.62, cy - r * 0.5),
        (cx + side * r * 0.28, cy - r * 0.74),
        (cx - side * r * 0.2, cy - r * 0.5),
        (cx - r * 0.62, cy - r * 0.45),
    ]
    stage.add(0.35, fill(smooth(fringe), stage.gradient((lighter(hair, 0.08), 1), (hair, 1))))
    if bearded:
        beard = [
            (cx - r * 0.68, cy + r * 0.2),
            (cx - r * 0.3, cy + r * 0.42),
            (cx, cy + r * 0.36),
            (cx + r * 0.3, cy + r * 0.42),
            (cx + r * 0.68, cy + r * 0.2),
            (cx + r * 0.5, cy + r * 0.95),
            (cx, cy + r * 1.3),
            (cx - r * 0.5, cy + r * 0.95),
        ]
        stage.add(
            0.36,
            fill(smooth(beard), hair)
            + stroke(
                f"M{cx - r * 0.2:.1f},{cy + r * 0.56:.1f}h{r * 0.4:.1f}",
                lighter(skin, -0.25),
                r * 0.05,
            ),
        )
    if words & {"queen", "king"}:
        gold = stage.lit(parse("#e8b535"), 0, keep)
        crown = [
            (cx - r * 0.7, cy - r * 0.75),
            (cx - r * 0.82, cy - r * 1.55),
            (cx - r * 0.38, cy - r * 1.15),
            (cx, cy - r * 1.75),
            (cx + r * 0.38, cy - r * 1.15),
            (cx + r * 0.82, cy - r * 1.55),
            (cx + r * 0.7, cy - r * 0.75),
        ]
        stage.add(0.3, fill(line(crown), gold))
    if words & {"wizard", "witch"}:
        hat = stage.lit(colours[0] if colours else parse("#35306b"), 0, keep)
        stage.add(
            0.3,
            ellipse(cx, cy - r * 0.66, r * 1.4, r * 0.24, lighter(hat, -0.05))
            + fill(
                line(
                    [
                        (cx - r * 0.8, cy - r * 0.7),
                        (cx + side * r * 0.3, cy - r * 2.4),
                        (cx + r * 0.8, cy - r * 0.7),
                    ]
                ),
                hat,
            ),
        )


def _features(
    stage: Stage,
    cx: float,
    cy: float,
    r: float,
    skin: tuple[float, float, float],
    hair: tuple[float, float, float],
) -> str:
    dark = lighter(mix(skin, (0.15, 0.08, 0.1), 0.75), -0.02)
    blush = mix(skin, (0.85, 0.25, 0.25), 0.45)
    svg = ""
    for sign in (-1, 1):
        ex = cx + sign * r * 0.31
        svg += ellipse(ex, cy + r * 0.26, r * 0.16, r * 0.11, blush, 0.45)
        svg += ellipse(ex, cy - r * 0.02, r * 0.125, r * 0.075, (0.98, 0.97, 0.94))
        svg += circle(ex, cy - r * 0.02, r * 0.068, dark) + circle(
            ex + r * 0.022, cy - r * 0.045, r * 0.02, (1.0, 1.0, 1.0)
        )
        svg += stroke(
            f"M{ex - r * 0.15:.1f},{cy - r * 0.01:.1f}q{r * 0.15:.1f},{-r * 0.15:.1f} {r * 0.3:.1f},0",
            dark,
            r * 0.03,
        )
        svg += stroke(
            f"M{ex - r * 0.17:.1f},{cy - r * 0.2:.1f}q{r * 0.17:.1f},{-r * 0.1:.1f} {r * 0.34:.1f},{-r * 0.01:.1f}",
            hair,
            r * 0.045,
        )
    svg += stroke(
        f"M{cx:.1f},{cy - r * 0.02:.1f}q{-stage.side * r * 0.12:.1f},{r * 0.26:.1f} {stage.side * r * 0.03:.1f},{r * 0.28:.1f}",
        lighter(skin, -0.17),
        r * 0.035,
    )
    lips = [
        (cx - r * 0.2, cy + r * 0.5),
        (cx - r * 0.05, cy + r * 0.455),
        (cx, cy + r * 0.475),
        (cx + r * 0.05, cy + r * 0.455),
        (cx + r * 0.2, cy + r * 0.5),
        (cx, cy + r * 0.6),
    ]
    svg += fill(smooth(lips), mix(skin, (0.75, 0.15, 0.2), 0.62))
    return svg + stroke(
        f"M{cx - r * 0.19:.1f},{cy + r * 0.505:.1f}q{r * 0.19:.1f},{r * 0.04:.1f} {r * 0.38:.1f},0",
        lighter(skin, -0.28),
        r * 0.018,
    )


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
