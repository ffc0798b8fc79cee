"""What carries people: boats, balloons, bicycles, cars, trains, rockets."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import lighter, mix
from safelight.providers.sketch.pen import box, circle, ellipse, fill, line, smooth, stroke
from safelight.providers.sketch.things.brush import Brush


def boat(b: Brush) -> str:
    """A sailing boat; a galleon when it is a ship."""
    hull, sail = b.main("#7d4a33"), b.lit("#f6f0e2", 0.25)
    if b.colour:
        hull, sail = b.main("#7d4a33"), mix(b.main("#ffffff"), b.lit("#f6f0e2", 0.25), 0.72)
    shadow = fill(
        smooth([(-46, 0), (0, 6), (48, 0), (0, -2)]),
        lighter(b.lit("#1d3a4f"), -0.05),
        0.4,
        'stroke="none"',
    )
    if b.word in ("ship", "galleon", "caravel", "vessel"):
        svg = stroke("M-24,-18V-84M4,-18V-98M30,-18V-76M44,-18l22,-14", b.lit("#4a3426"), 2)
        for x, y, w, h in (
            (-24, -50, 24, 26),
            (-24, -78, 18, 20),
            (4, -56, 30, 30),
            (4, -90, 22, 24),
            (30, -46, 20, 22),
            (30, -70, 15, 18),
        ):
            svg += fill(
                smooth(
                    [
                        (x - w / 2, y),
                        (x, y + 2),
                        (x + w / 2, y),
                        (x + w * 0.62, y + h * 0.5),
                        (x + w / 2, y + h),
                        (x, y + h - 3),
                        (x - w / 2, y + h),
                        (x - w * 0.32, y + h * 0.5),
                    ]
                ),
                b.round(sail),
            )
        return (
            shadow
            + svg
            + fill(
                smooth([(-50, -30), (-44, -20), (0, -16), (40, -18), (56, -22), (44, 0), (-34, 0)]),
                b.down(hull),
            )
            + stroke("M-46,-18C-20,-10 20,-10 48,-14", b.lit("#e0b04a", 0.3), 2)
        )
    svg = stroke("M0,-12V-98", b.lit("#4a3426"), 2)
    svg += fill(
        smooth([(3, -96), (14, -70), (40, -22), (24, -20), (3, -20)]), b.round(sail)
    ) + fill(
        smooth([(-3, -90), (-12, -60), (-32, -22), (-18, -20), (-3, -20)]),
        b.round(lighter(sail, -0.05)),
    )
    svg += fill(line([(0, -98), (14, -94), (0, -90)]), b.lit("#d8443a", 0.4))
    return (
        shadow
        + svg
        + fill(
            smooth([(-44, -16), (-20, -13), (20, -13), (50, -18), (34, 0), (-28, 0)]), b.down(hull)
        )
        + stroke("M-42,-14C-20,-10 20,-10 46,-15", lighter(hull, 0.2), 1.8)
    )


def balloon(b: Brush) -> str:
    """Striped, with a basket."""
    silk = b.main(b.rng.choice(("#d8443a", "#e8a030", "#3f7fb5", "#c95f8a")))
    pale = b.lit("#f8efdc", 0.3)
    svg = stroke("M-14,-34L-6,-12M14,-34L6,-12M0,-32V-12", b.lit("#5b4535"), 0.9)
    svg += fill(
        smooth(
            [
                (0, -106),
                (28, -98),
                (40, -74),
                (32, -50),
                (14, -32),
                (-14, -32),
                (-32, -50),
                (-40, -74),
                (-28, -98),
            ]
        ),
        b.round(silk),
    )
    for a, c in ((0.78, 0.5), (0.2, -0.2)):
        svg += fill(
            smooth(
                [
                    (0, -106),
                    (28 * a, -98),
                    (40 * a, -74),
                    (32 * a, -50),
                    (14 * a, -32),
                    (14 * c, -32),
                    (32 * c, -50),
                    (40 * c, -74),
                    (28 * c, -98),
                ]
            ),
            pale,
            0.95,
            'stroke="none"',
        )
    svg += fill(
        smooth(
            [
                (0, -106),
                (-28 * 0.5, -98),
                (-40 * 0.5, -74),
                (-32 * 0.5, -50),
                (-14 * 0.5, -32),
                (-14 * 0.8, -32),
                (-32 * 0.8, -50),
                (-40 * 0.8, -74),
                (-28 * 0.8, -98),
            ]
        ),
        pale,
        0.9,
        'stroke="none"',
    )
    svg += fill(smooth([(-14, -34), (14, -34), (12, -29), (-12, -29)]), lighter(silk, -0.12))
    svg += fill(line([(-7, -13), (7, -13), (6, 0), (-6, 0)]), b.round(b.lit("#9a6a3a")))
    return svg + (b.stage.glow(0, -34, 40, (1.0, 0.75, 0.35), 0.6) if b.dark else "")


def bicycle(b: Brush) -> str:
    """Two wheels, a frame, a basket of flowers."""
    frame, dark = b.main("#d8342f"), b.lit("#2b2d33")
    svg = ""
    for x in (-48, 48):
        svg += stroke(f"M{x - 32},-32a32,32 0 1 0 64,0a32,32 0 1 0 -64,0", dark, 4.5) + circle(
            x, -32, 4, dark
        )
        svg += stroke(
            "".join(
                f"M{x},-32l{dx},{dy}"
                for dx, dy in (
                    (29, 0),
                    (-29, 0),
                    (0, 29),
                    (0, -29),
                    (20, 20),
                    (-20, 20),
                    (20, -20),
                    (-20, -20),
                )
            ),
            b.lit("#b5bac0"),
            0.9,
        )
    svg += stroke(
        "M-48,-32L-22,-78L30,-78L-4,-32L-48,-32M-22,-78L-4,-32M30,-78L48,-32M30,-78L26,-98",
        frame,
        5.5,
    )
    svg += (
        stroke("M26,-98C30,-106 40,-104 46,-98", dark, 5)
        + stroke("M-22,-78L-26,-92", frame, 4.5)
        + fill(smooth([(-42, -96), (-14, -96), (-12, -91), (-30, -88), (-44, -91)]), dark)
    )
    svg += circle(-4, -32, 8, lighter(frame, -0.15)) + stroke("M-4,-32l8,14M0,-18h10", dark, 3)
    svg += fill(line([(42, -92), (74, -92), (68, -64), (48, -64)]), b.lit("#b98a52"))
    for x, y, c in (
        (46, -96, "#f2b632"),
        (55, -100, "#e86a8a"),
        (64, -98, "#f6f1e6"),
        (71, -95, "#e8762e"),
    ):
        svg += circle(x, y, 6, b.lit(c, 0.3))
    return svg


def car(b: Brush) -> str:
    """A small friendly car."""
    body, dark = (
        b.main(b.rng.choice(("#d8443a", "#3f7fb5", "#e8b035", "#6fae8f"))),
        b.lit("#26282e"),
    )
    svg = b.stage.glow(96, -26, 60, (1.0, 0.92, 0.6), 0.6) if b.dark else ""
    svg += ellipse(0, 0, 92, 5, (0.0, 0.0, 0.0), 0.3)
    svg += fill(
        smooth(
            [
                (-84, -14),
                (-86, -38),
                (-64, -50),
                (-48, -76),
                (-10, -86),
                (26, -80),
                (48, -54),
                (80, -44),
                (90, -28),
                (86, -12),
            ]
        ),
        b.down(body),
    )
    svg += fill(
        smooth([(-42, -54), (-34, -72), (-10, -78), (-8, -54)])
        + smooth([(0, -54), (0, -78), (20, -74), (36, -54)]),
        b.glass() if b.dark else b.lit("#bfdde6"),
    )
    svg += (
        stroke("M-4,-52V-18M2,-44h8", lighter(body, -0.14), 1.6)
        + circle(84, -32, 5, (1.0, 0.96, 0.75))
        + fill(box(-88, -36, 6, 8), b.lit("#8a1f1f", 0.3))
    )
    for x in (-48, 50):
        svg += circle(x, -14, 17, dark) + circle(x, -14, 8.5, b.lit("#d9dde0"))
    return svg


def train(b: Brush) -> str:
    """A steam engine and two coaches."""
    body, dark, brass = b.main("#2f5d4f"), b.lit("#2b2a30"), b.lit("#d9a83f", 0.3)
    svg = stroke("M-320,0H220", dark, 3)
    for x in (-300, -160):
        svg += (
            fill(box(x, -64, 128, 52), b.down(b.lit("#a33f35")))
            + fill(box(x - 3, -70, 134, 9), dark)
            + fill("".join(box(x + 10 + k * 28, -54, 18, 20) for k in range(4)), b.glass())
        )
    svg += (
        fill(box(-20, -82, 52, 70), b.down(body))
        + fill(box(-26, -90, 64, 9), dark)
        + fill(box(-8, -70, 26, 22), b.glass())
    )
    svg += fill(
        smooth([(30, -62), (120, -62), (130, -40), (120, -16), (30, -14)]), b.down(body)
    ) + stroke("M52,-62V-16M84,-62V-16", brass, 3)
    svg += fill(line([(96, -62), (92, -92), (116, -92), (112, -62)]), dark) + fill(
        line([(128, -22), (152, 0), (112, 0)]), lighter(body, -0.1)
    )
    svg += "".join(
        circle(
            104 - k * 26 - k * k * 2,
            -104 - k * 11,
            9 + k * 6,
            b.lit("#efece6", 0.2),
            0.75 - 0.11 * k,
        )
        for k in range(6)
    )
    for x, r in (
        (-282, 10),
        (-196, 10),
        (-142, 10),
        (-56, 10),
        (-4, 15),
        (34, 15),
        (72, 15),
        (108, 10),
    ):
        svg += circle(x, -r, r, dark) + circle(x, -r, r * 0.55, b.lit("#9a3a32"))
    return svg


def rocket(b: Brush) -> str:
    """On its way."""
    body, red = b.lit("#eef0f2", 0.4), b.main("#d8443a")
    svg = (
        b.stage.glow(0, 14, 60, (1.0, 0.6, 0.2), 0.9)
        + fill(smooth([(-10, -10), (-14, 14), (0, 46), (14, 14), (10, -10)]), (1.0, 0.6, 0.15))
        + fill(smooth([(-5, -10), (-6, 8), (0, 26), (6, 8), (5, -10)]), (1.0, 0.93, 0.6))
    )
    svg += fill(
        smooth([(-14, -36), (-32, -10), (-30, 2), (-12, -12)])
        + smooth([(14, -36), (32, -10), (30, 2), (12, -12)]),
        red,
    )
    svg += fill(
        smooth([(0, -110), (13, -86), (18, -52), (14, -10), (-14, -10), (-18, -52), (-13, -86)]),
        b.round(body),
    )
    svg += fill(smooth([(0, -110), (8, -98), (13, -84), (0, -81), (-13, -84), (-8, -98)]), red)
    svg = (
        svg
        + circle(0, -62, 9, red)
        + circle(0, -62, 6.4, b.lit("#8fd0e8", 0.5))
        + fill(box(-4, -34, 8, 24), red)
    )
    return f'<g transform="rotate({18 * b.stage.side})">{svg}</g>'


def ufo(b: Brush) -> str:
    """With a beam, naturally."""
    hull = b.main("#9fb0bd")
    beam = b.stage.gradient(((0.75, 1.0, 0.8), 0.6), ((0.75, 1.0, 0.8), 0.0))
    svg = fill(line([(-22, -40), (22, -40), (62, 60), (-62, 60)]), beam, 1, 'stroke="none"')
    svg += fill("M-26,-62a26,30 0 0 1 52,0Z", b.lit("#a8e0ea", 0.5), 0.9) + fill(
        smooth([(-70, -50), (-30, -66), (30, -66), (70, -50), (34, -36), (-34, -36)]), b.down(hull)
    )
    return svg + "".join(circle(x, -47, 4, (1.0, 0.9, 0.5)) for x in (-44, -22, 0, 22, 44))


def umbrella(b: Brush) -> str:
    """Open, in colour."""
    silk = b.main(b.rng.choice(("#d8342f", "#f0b52e", "#3f7fb5")))
    svg = stroke("M0,-78V-8q0,8 8,8q7,0 7,-8", b.lit("#4a3a30"), 3)
    svg += fill(
        "M-60,-52C-56,-110 56,-110 60,-52Q45,-62 30,-52Q15,-62 0,-52Q-15,-62 -30,-52Q-45,-62 -60,-52Z",
        b.round(silk),
    )
    return svg + stroke(
        "M-30,-52C-28,-78 -14,-92 0,-95M30,-52C28,-78 14,-92 0,-95M0,-52V-102",
        lighter(silk, -0.13),
        1.6,
    )
