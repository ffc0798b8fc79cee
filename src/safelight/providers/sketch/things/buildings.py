"""Buildings that stand alone."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import lighter
from safelight.providers.sketch.pen import box, circle, fill, line, smooth, stroke
from safelight.providers.sketch.things.brush import Brush


def lighthouse(b: Brush) -> str:
    """Tower with bands, a gallery, a lamp; at dusk it sends its beam."""
    body = b.main("#d8342f")
    white = b.lit("#f6f1e6", 0.35)
    if b.colour and min(b.colour) > 0.85:
        white = b.lit("#c8443a", 0.35)
    svg, hours = "", b.dark or bool(b.stage.scene.weather & {"storm", "rain", "fog"})
    if hours:
        pale = b.stage.gradient(((1.0, 0.95, 0.75), 0.62), ((1.0, 0.95, 0.75), 0.0), across=True)
        back = b.stage.gradient(((1.0, 0.95, 0.75), 0.0), ((1.0, 0.95, 0.75), 0.5), across=True)
        svg += fill(line([(0, -88), (210, -120), (210, -64)]), pale, 1, 'stroke="none"') + fill(
            line([(0, -88), (-190, -74), (-190, -112)]), back, 1, 'stroke="none"'
        )
    svg += fill(line([(-13, 0), (-8.4, -78), (8.4, -78), (13, 0)]), b.round(white))
    for low, high in ((2, 18), (34, 50), (64, 78)):
        wl, wh = 13 - 4.6 * low / 78, 13 - 4.6 * high / 78
        svg += fill(line([(-wl, -low), (-wh, -high), (wh, -high), (wl, -low)]), b.round(body))
    svg += fill(box(-12, -80, 24, 3), lighter(body, -0.12)) + stroke(
        "M-11,-86H11M-11,-86v6M-5,-86v6M0,-86v6M5,-86v6M11,-86v6", b.lit("#2f3138"), 0.9
    )
    lamp = (1.0, 0.93, 0.62) if hours else b.lit("#cfe3ea")
    svg += fill(box(-5.6, -94, 11.2, 14), lamp) + stroke(
        "M-2,-94v14M2,-94v14", b.lit("#3a3a42"), 0.7
    )
    svg += fill("M-7.5,-94a7.5,8 0 0 1 15,0Z", b.down(body)) + circle(
        0, -103, 1.6, b.lit("#3a3a42")
    )
    svg += fill("M-3.4,0v-8a3.4,3.4 0 0 1 6.8,0v8Z", b.lit("#3b2f2f")) + fill(
        box(-1.5, -30, 3, 5) + box(-1.3, -60, 2.6, 4.4), b.glass() if b.dark else b.lit("#3a4450")
    )
    if hours:
        svg += b.stage.glow(0, -88, 46, (1.0, 0.93, 0.66), 0.95) + circle(
            0, -88, 3.6, (1.0, 0.98, 0.88)
        )
    return svg


def house(b: Brush) -> str:
    """A cottage; a barn is red."""
    wall = b.main(
        "#b23a2e" if b.word == "barn" else b.rng.choice(("#efe3cc", "#d9c2a0", "#e6d6d0"))
    )
    roof = b.lit(b.rng.choice(("#8d4a38", "#5f5a66", "#a8492a")))
    svg = fill(box(24, -104, 11, 34), b.lit("#8d5a48"))
    svg += fill(box(-50, -52, 100, 52), b.round(wall))
    svg += fill(line([(-60, -50), (-34, -92), (34, -92), (60, -50)]), b.down(roof))
    svg += stroke(
        "".join(f"M{-34 + k * 11.3:.1f},-92L{-60 + k * 20:.1f},-50" for k in range(1, 6)),
        lighter(roof, -0.08),
        1,
    )
    svg += fill(box(-8, -32, 16, 32), b.lit("#6b3f2a")) + circle(4, -15, 1.3, b.lit("#e8c25a", 0.4))
    for x in (-38, 20):
        svg += (
            fill(box(x - 2, -40, 22, 20), b.lit("#f6f1e6"))
            + fill(box(x, -38, 18, 16), b.glass())
            + stroke(f"M{x + 9},-38v16M{x},-30h18", b.lit("#f6f1e6"), 1.2)
        )
    if b.dark:
        svg += b.stage.glow(-29, -30, 40, (1.0, 0.8, 0.45), 0.4) + b.stage.glow(
            29, -30, 40, (1.0, 0.8, 0.45), 0.4
        )
    smoke = "M29,-104C24,-116 38,-122 32,-134C28,-144 40,-150 36,-160"
    return svg + stroke(smoke, b.lit("#e6e6e6"), 5, 0.45)


def church(b: Brush) -> str:
    """A nave and a pointed tower."""
    wall, roof = b.main("#e8dfce"), b.lit("#5d6470")
    svg = fill(box(-16, -34, 56, 34), b.round(wall)) + fill(
        line([(-16, -34), (-4, -52), (34, -52), (44, -34)]), b.down(roof)
    )
    svg += fill(box(-30, -62, 20, 62), b.round(wall)) + fill(
        line([(-33, -62), (-20, -98), (-7, -62)]), b.down(roof)
    )
    svg += stroke("M-20,-98v-9M-23,-104h6", b.lit("#d8b13f", 0.3), 1.4) + circle(
        -20, -52, 4, b.lit("#f6f1e6")
    )
    return svg + fill(
        "".join(f"M{x},-10v-10a3,4 0 0 1 6,0v10Z" for x in (-4, 10, 24))
        + "M-23,0v-10a3,4 0 0 1 6,0V0Z",
        b.glass(),
    )


def castle(b: Brush) -> str:
    """Towers, pennants and one lit window."""
    stone = b.main("#b3aca3")
    roof, flag = b.lit("#4a5f8a"), b.lit("#d8443a", 0.4)
    svg = ""
    for x, w, h in ((-18, 14, 82), (26, 16, 74), (4, 18, 96), (-44, 15, 62), (48, 14, 58)):
        svg += fill(box(x - w / 2, -h, w, h), b.round(lighter(stone, -0.03)))
        svg += fill(
            line([(x - w * 0.66, -h), (x, -h - w * 1.7), (x + w * 0.66, -h)]), b.round(roof)
        )
        svg += stroke(f"M{x},{-h - w * 1.7:.1f}v-9", b.lit("#4a4038"), 0.8) + fill(
            line([(x, -h - w * 1.7 - 9), (x + 9, -h - w * 1.7 - 6.4), (x, -h - w * 1.7 - 4)]), flag
        )
        svg += fill(f"M{x - 1.8},{-h * 0.72:.1f}v-5a1.8,2 0 0 1 3.6,0v5Z", b.glass())
    wall = "M-54,0V-36" + "h6v5h6v-5" * 9 + "V0Z"
    svg += fill(wall, b.down(stone)) + fill("M-9,0v-14a9,9 0 0 1 18,0v14Z", b.lit("#3b2f2a"))
    return svg + stroke("M-5,0v-20M0,0v-22M5,0v-20", b.lit("#6b5a48"), 0.9)


def windmill(b: Brush) -> str:
    """Four sails in the wind."""
    body = b.main("#efe6d2")
    svg = fill(line([(-17, 0), (-11, -62), (11, -62), (17, 0)]), b.round(body)) + fill(
        "M-13,-60a13,14 0 0 1 26,0Z", b.down(b.lit("#8a4a36"))
    )
    svg += fill("M-4,0v-13a4,4 0 0 1 8,0V0Z", b.lit("#6b3f2a")) + fill(
        box(-2.5, -42, 5, 7), b.glass()
    )
    turn = b.rng.uniform(0, 90)
    sail = (
        stroke("M0,0V-48", b.lit("#5b4535"), 2)
        + fill("M1,-12h10v-34h-10Z", b.lit("#f6efe0", 0.2), 0.92)
        + stroke("M1,-18h10M1,-24h10M1,-30h10M1,-36h10M6,-12v-34", b.lit("#5b4535"), 0.6)
    )
    svg += "".join(
        f'<g transform="translate(0 -64) rotate({turn + k * 90:.1f})">{sail}</g>' for k in range(4)
    )
    return svg + circle(0, -64, 3, b.lit("#4a3a30"))


def tower(b: Brush) -> str:
    """A tall building with a spire."""
    wall = b.main("#8fa0b0")
    svg = (
        fill(box(-13, -82, 26, 82), b.round(wall))
        + fill(line([(-9, -82), (0, -96), (9, -82)]), b.round(lighter(wall, -0.06)))
        + stroke("M0,-96v-10", wall, 1.2)
    )
    return svg + fill(
        "".join(
            box(x, -y, 3, 3.4)
            for y in range(6, 80, 7)
            for x in (-10, -4, 2, 7)
            if b.rng.random() < 0.75
        ),
        b.glass(),
    )


def bridge(b: Brush) -> str:
    """Stone arches."""
    stone = b.main("#b59f88")
    wide, d = 320, ""
    for k in range(4):
        x = -wide / 2 + 20 + k * 72
        d += f"M{x},0v-22a30,38 0 0 1 60,0v22Z"
    deck = smooth(
        [(-wide / 2 - 60, -66), (-wide / 4, -82), (wide / 4, -82), (wide / 2 + 60, -66)],
        closed=False,
    )
    body = f"{deck}L{wide / 2 + 60},10L{-wide / 2 - 60},10Z"
    name = f"m{len(b.stage.defs)}"
    b.stage.defs.append(
        f'<clipPath id="{name}"><path d="{body}{d}" clip-rule="evenodd"/></clipPath>'
    )
    courses = stroke(
        "".join(f"M-240,{-70 + k * 13}H240" for k in range(6)), lighter(stone, -0.08), 1.2, 0.7
    )
    svg = f'<path d="{body}{d}" fill="{b.down(stone)}" fill-rule="evenodd"/><g clip-path="url(#{name})" stroke="none">{courses}</g>'
    arches = "".join(f"M{-wide / 2 + 20 + k * 72},-22a30,38 0 0 1 60,0" for k in range(4))
    rail = smooth(
        [(-wide / 2 - 60, -70), (-wide / 4, -86), (wide / 4, -86), (wide / 2 + 60, -70)],
        closed=False,
    )
    return svg + stroke(arches, lighter(stone, -0.13), 3) + stroke(rail, lighter(stone, 0.07), 6)


def volcano(b: Brush) -> str:
    """Glowing at the top."""
    rock = b.main("#5d5560")
    svg = b.stage.glow(0, -92, 80, (1.0, 0.4, 0.12), 0.85)
    svg += fill(
        smooth(
            [
                (-8, -98),
                (-34, -120),
                (-20, -146),
                (-44, -168),
                (-10, -184),
                (20, -176),
                (40, -150),
                (18, -128),
                (8, -98),
            ]
        ),
        b.lit("#6b6670"),
        0.7,
        'stroke="none"',
    )
    svg += fill(
        line(
            [
                (-100, 0),
                (-66, -34),
                (-40, -66),
                (-18, -92),
                (-8, -86),
                (4, -90),
                (14, -93),
                (36, -66),
                (66, -32),
                (104, 0),
            ]
        ),
        b.round(rock),
    )
    return svg + fill(
        smooth(
            [
                (-16, -92),
                (-6, -87),
                (4, -91),
                (14, -93),
                (12, -70),
                (20, -44),
                (10, -52),
                (4, -72),
                (-2, -58),
                (-16, -30),
                (-12, -62),
            ]
        ),
        (1.0, 0.45, 0.12),
    )


def fence(b: Brush) -> str:
    """Posts and two rails."""
    wood = b.main("#d9cbb3")
    posts = "".join(
        line([(x - 4, 0), (x - 4, -80), (x, -90), (x + 4, -80), (x + 4, 0)])
        for x in range(-300, 301, 40)
    )
    return fill(box(-320, -68, 640, 9) + box(-320, -36, 640, 9), lighter(wood, -0.06)) + fill(
        posts, wood
    )


def tent(b: Brush) -> str:
    """Lit from within at night."""
    cloth = b.main("#e08a3a")
    svg = b.stage.glow(0, -40, 110, (1.0, 0.75, 0.4), 0.5) if b.dark else ""
    svg += fill(line([(-70, 0), (0, -90), (70, 0)]), b.down(lighter(cloth, 0.12 if b.dark else 0)))
    return (
        svg
        + fill(
            line([(0, -90), (20, 0), (-20, 0)]),
            (1.0, 0.86, 0.55) if b.dark else lighter(cloth, -0.2),
        )
        + stroke("M0,-90l-6,-9M0,-90l6,-9", b.lit("#4a3a30"), 1.6)
    )
