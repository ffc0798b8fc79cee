"""One person, head and shoulders, against a halo."""

# ruff: noqa: E501, PLR0917  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import lighter, mix, parse
from safelight.providers.sketch.pen import circle, ellipse, fill, line, smooth, stroke
from safelight.providers.sketch.stage import Stage

SKIN = ("#f0c5a3", "#d99e73", "#a86e48", "#7a4a30", "#e8b48c")
MEN = frozenset({"man", "boy", "king", "prince", "grandfather", "father", "wizard", "sailor"})
WOMEN = frozenset({"woman", "girl", "queen", "princess", "grandmother", "mother", "witch", "lady"})
BEARDED = frozenset({"wizard", "grandfather", "beard", "bearded", "viking"})
HAIR = ("#2a2024", "#5a3522", "#8d5a2b", "#c9913f", "#b24a28", "#3a3550")


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
    man = bool(words & MEN)
    bearded = bool(words & BEARDED) or (man and "boy" not in words and rng.random() < 0.5)
    longhair = not man and bool(words & WOMEN or rng.random() < 0.7)
    if words & {"wizard", "grandfather", "grandmother", "old", "elderly"} and "hair" not in named:
        hair = stage.lit(parse("#e4e2dd"), 0, keep)
    if longhair:
        locks = [
            (cx - r * 0.98, cy - r * 0.2),
            (cx - r * 0.72, cy - r * 0.98),
            (cx, cy - r * 1.26),
            (cx + r * 0.72, cy - r * 0.98),
            (cx + r * 0.98, cy - r * 0.2),
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
        (cx - r * 0.84, cy - r * 0.6),
        (cx - r * 0.52, cy - r * 1.06),
        (cx, cy - r * 1.2),
        (cx + r * 0.52, cy - r * 1.06),
        (cx + r * 0.84, cy - r * 0.6),
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
