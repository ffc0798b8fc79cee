"""Animals that sit: cat, dog, fox, rabbit, owl, penguin."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import lighter
from safelight.providers.sketch.pen import circle, ellipse, fill, line, smooth, stroke
from safelight.providers.sketch.things.brush import Brush

EYE = (0.08, 0.06, 0.08)


def cat(b: Brush) -> str:
    """Sitting, looking at you."""
    coat = b.main(b.rng.choice(("#4a4650", "#d9862f", "#8d8794", "#3a3438", "#efe6da")))
    shade, pale = lighter(coat, -0.1), lighter(coat, 0.16)
    svg = stroke("M20,-8C48,-4 52,-34 38,-42C33,-45 30,-40 34,-37", coat, 8)
    svg += fill(
        smooth(
            [(-13, -58), (13, -58), (22, -30), (27, -8), (20, 0), (-20, 0), (-27, -8), (-22, -30)]
        ),
        b.down(coat),
    )
    svg += fill(
        smooth([(-7, -50), (7, -50), (8, -28), (0, -20), (-8, -28)]), pale, 1, 'stroke="none"'
    )
    svg += (
        stroke("M-7,-24V-3M7,-24V-3", shade, 1.5)
        + ellipse(-9, -2, 7, 4, pale)
        + ellipse(9, -2, 7, 4, pale)
    )
    svg += fill(
        line([(-20, -78), (-19, -101), (-5, -88)]) + line([(20, -78), (19, -101), (5, -88)]), coat
    )
    svg += fill(
        line([(-17, -82), (-17, -95), (-9, -87)]) + line([(17, -82), (17, -95), (9, -87)]),
        b.lit("#e59a9a"),
        0.9,
        'stroke="none"',
    )
    svg += fill(
        smooth(
            [
                (0, -90),
                (15, -87),
                (23, -73),
                (15, -59),
                (0, -55),
                (-15, -59),
                (-23, -73),
                (-15, -87),
            ]
        ),
        coat,
    )
    svg += stroke("M-5,-88v7M0,-89v8M5,-88v7", shade, 1.6)
    iris = b.lit("#c9d64a", 0.6)
    for s in (-1, 1):
        svg += (
            ellipse(s * 9, -74, 4.6, 4.2, iris)
            + ellipse(s * 9, -74, 1.7, 3.9, EYE)
            + circle(s * 9 + 1, -75.5, 0.9, (1.0, 1.0, 1.0))
        )
        svg += stroke(f"M{s * 8},-64l{s * 17},-3M{s * 8},-62l{s * 17},2", pale, 0.6, 0.8)
    svg += ellipse(0, -63, 7, 4.5, pale) + fill(
        line([(-2.6, -67), (2.6, -67), (0, -64)]), b.lit("#d9797d")
    )
    return svg + stroke("M0,-64q-3,4 -6,2M0,-64q3,4 6,2", EYE, 0.8)


def dog(b: Brush) -> str:
    """Sitting in profile, waiting."""
    coat = b.main(b.rng.choice(("#c08a4e", "#6d4a34", "#e3cda6", "#4a4346")))
    dark, pale = lighter(coat, -0.15), lighter(coat, 0.14)
    svg = stroke("M-24,-8C-42,-10 -44,-26 -48,-32", coat, 7)
    svg += fill(
        smooth(
            [
                (6, -66),
                (18, -58),
                (22, -34),
                (20, -14),
                (24, 0),
                (10, 0),
                (8, -20),
                (2, -10),
                (2, 0),
                (-24, 0),
                (-32, -10),
                (-26, -32),
                (-10, -54),
            ]
        ),
        b.down(coat),
    )
    svg += fill(smooth([(16, -56), (22, -44), (20, -26), (14, -34)]), pale, 1, 'stroke="none"')
    svg += fill(
        smooth([(-6, -20), (-20, -24), (-28, -10), (-18, 0), (2, 0), (0, -10)]),
        lighter(coat, -0.04),
    )
    svg += fill(
        smooth(
            [
                (0, -60),
                (-3, -80),
                (6, -94),
                (20, -94),
                (28, -84),
                (44, -80),
                (46, -72),
                (40, -67),
                (26, -66),
                (18, -56),
            ]
        ),
        coat,
    )
    svg += fill(smooth([(28, -72), (44, -74), (40, -67), (28, -66)]), pale, 1, 'stroke="none"')
    svg += fill(smooth([(2, -92), (-8, -86), (-10, -68), (-3, -62), (5, -74), (9, -88)]), dark)
    svg += (
        circle(22, -83, 2.2, EYE)
        + circle(22.8, -83.8, 0.7, (1.0, 1.0, 1.0))
        + ellipse(45, -78, 3.2, 2.6, EYE)
    )
    collar = b.lit("#c8443a" if not b.colour else "#3f6f9f", 0.3)
    return svg + fill(smooth([(-1, -60), (19, -56), (19, -51), (-2, -55)]), collar)


def fox(b: Brush) -> str:
    """Sitting, tail around its feet."""
    coat = b.main("#dd6b24")
    cream, sock = b.lit("#f7ead6", 0.3), b.lit("#3b2a2a")
    svg = fill(
        smooth(
            [
                (-10, -2),
                (-34, 1),
                (-52, -10),
                (-54, -28),
                (-44, -40),
                (-34, -34),
                (-28, -22),
                (-12, -16),
            ]
        ),
        b.down(coat),
    )
    svg += fill(smooth([(-44, -40), (-54, -28), (-53, -16), (-46, -22), (-38, -32)]), cream)
    svg += fill(
        smooth(
            [(-4, -60), (14, -58), (20, -34), (17, -10), (18, 0), (-22, 0), (-28, -12), (-20, -34)]
        ),
        b.down(coat),
    )
    svg += fill(
        smooth([(4, -58), (16, -56), (19, -36), (12, -22), (4, -36)]), cream, 1, 'stroke="none"'
    )
    svg += fill(line([(6, -18), (17, -18), (18, 0), (6, 0)]), sock) + stroke(
        "M-8,-26C-20,-24 -22,-8 -10,-3", lighter(coat, -0.12), 1.4
    )
    svg += fill(
        line([(-10, -80), (-11, -104), (5, -88)]) + line([(8, -90), (19, -104), (21, -80)]), coat
    )
    svg += fill(
        line([(-8, -86), (-9, -98), (0, -89)]) + line([(12, -90), (17, -98), (18, -85)]),
        sock,
        1,
        'stroke="none"',
    )
    svg += fill(
        smooth(
            [
                (4, -92),
                (17, -88),
                (26, -74),
                (15, -62),
                (8, -52),
                (2, -56),
                (-6, -62),
                (-16, -74),
                (-8, -88),
            ]
        ),
        coat,
    )
    svg += fill(
        smooth([(25, -74), (15, -62), (8, -52), (9, -64), (16, -70)])
        + smooth([(-15, -74), (-6, -62), (4, -54), (3, -64), (-4, -70)]),
        cream,
        1,
        'stroke="none"',
    )
    for x in (-4, 14):
        svg += ellipse(x, -74, 2.2, 2.6, EYE) + circle(x + 0.7, -75, 0.7, (1.0, 1.0, 1.0))
    return svg + ellipse(6, -54, 3, 2.4, EYE)


def rabbit(b: Brush) -> str:
    """All ears."""
    coat = b.main(b.rng.choice(("#b39a82", "#d9cdbd", "#8d7a6a")))
    pale = lighter(coat, 0.12)
    svg = circle(-27, -14, 8, pale)
    svg += fill(
        smooth(
            [(8, -52), (18, -36), (18, -10), (22, 0), (-20, 0), (-30, -14), (-24, -36), (-8, -48)]
        ),
        b.down(coat),
    )
    svg += fill(
        smooth([(-2, -66), (-12, -90), (-10, -106), (-3, -100), (6, -72)])
        + smooth([(6, -68), (4, -94), (11, -108), (17, -98), (15, -70)]),
        coat,
    )
    svg += fill(
        smooth([(9, -74), (8, -92), (11, -100), (14, -92), (13, -74)]),
        b.lit("#e8aaa5"),
        1,
        'stroke="none"',
    )
    svg += fill(
        smooth([(6, -74), (20, -68), (28, -56), (22, -44), (8, -42), (-4, -50), (-6, -64)]), coat
    )
    svg += (
        circle(14, -60, 2.3, EYE)
        + circle(14.8, -61, 0.8, (1.0, 1.0, 1.0))
        + ellipse(27, -55, 1.8, 1.5, b.lit("#d9797d"))
    )
    return (
        svg
        + ellipse(10, -3, 12, 4.5, pale)
        + stroke("M-6,-26C-20,-24 -20,-6 -6,-3", lighter(coat, -0.1), 1.3)
    )


def owl(b: Brush) -> str:
    """On a branch, wide awake."""
    coat = b.main("#8a6242")
    pale, dark = lighter(coat, 0.2), lighter(coat, -0.14)
    svg = stroke(
        "M-420,-44C-200,10 -20,2 90,4C120,4 150,-6 170,-14M60,4C84,10 96,22 120,26M-150,-8C-130,14 -110,20 -96,34",
        b.lit("#5b4232"),
        7,
    )
    svg += fill(
        smooth(
            [
                (0, -96),
                (22, -90),
                (29, -60),
                (24, -22),
                (8, -2),
                (-8, -2),
                (-24, -22),
                (-29, -60),
                (-22, -90),
            ]
        ),
        b.down(coat),
    )
    svg += fill(
        line([(-21, -86), (-24, -104), (-8, -93)]) + line([(21, -86), (24, -104), (8, -93)]), coat
    )
    svg += fill(
        smooth([(0, -58), (16, -50), (15, -18), (0, -6), (-15, -18), (-16, -50)]),
        pale,
        1,
        'stroke="none"',
    )
    marks = "".join(
        f"M{x - 2.5},{y}q2.5,4 5,0" for y in (-46, -38, -30, -22) for x in (-9, -3, 3, 9)
    )
    svg += stroke(marks, dark, 1.3)
    svg += fill(
        smooth([(-24, -62), (-31, -44), (-26, -18), (-19, -30), (-18, -52)])
        + smooth([(24, -62), (31, -44), (26, -18), (19, -30), (18, -52)]),
        dark,
    )
    for s in (-1, 1):
        svg += (
            circle(s * 11, -75, 11.5, pale)
            + circle(s * 11, -75, 8, b.lit("#f0b429", 0.6))
            + circle(s * 11, -75, 4.6, EYE)
            + circle(s * 11 + 1.6, -77, 1.5, (1.0, 1.0, 1.0))
        )
    svg += fill(line([(-3.5, -69), (3.5, -69), (0, -60)]), b.lit("#e0a03a", 0.4))
    return svg + stroke("M-8,-2v5M-4,-2v5M4,-2v5M8,-2v5", b.lit("#e0a03a", 0.4), 2.4)


def penguin(b: Brush) -> str:
    """In evening dress."""
    coat = b.main("#2c333f")
    white, orange = b.lit("#f7f5ee", 0.3), b.lit("#f0982d", 0.4)
    svg = ellipse(-9, -2, 10, 3.6, orange) + ellipse(9, -2, 10, 3.6, orange)
    svg += fill(
        smooth([(-21, -58), (-36, -34), (-33, -22), (-20, -36)])
        + smooth([(21, -58), (36, -34), (33, -22), (20, -36)]),
        lighter(coat, -0.04),
    )
    svg += fill(
        smooth(
            [
                (0, -100),
                (16, -94),
                (21, -74),
                (27, -40),
                (20, -8),
                (0, -2),
                (-20, -8),
                (-27, -40),
                (-21, -74),
                (-16, -94),
            ]
        ),
        b.down(coat),
    )
    svg += fill(
        smooth(
            [(0, -68), (14, -60), (19, -34), (13, -10), (0, -5), (-13, -10), (-19, -34), (-14, -60)]
        ),
        white,
        1,
        'stroke="none"',
    )
    for s in (-1, 1):
        svg += (
            ellipse(s * 8, -80, 7, 9, white)
            + circle(s * 6, -82, 2.6, EYE)
            + circle(s * 6 + 0.9, -83, 0.8, (1.0, 1.0, 1.0))
        )
    svg += fill(
        smooth([(-11, -67), (11, -67), (8, -62), (-8, -62)]),
        b.lit("#f5c542", 0.4),
        0.8,
        'stroke="none"',
    )
    return svg + fill(line([(-5, -77), (5, -77), (0, -68)]), orange)
