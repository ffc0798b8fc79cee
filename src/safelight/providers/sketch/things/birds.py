"""Birds, and the winged rest."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

import math

from safelight.providers.sketch.colour import lighter
from safelight.providers.sketch.pen import circle, fill, line, smooth, stroke
from safelight.providers.sketch.things.brush import Brush

EYE = (0.08, 0.06, 0.08)


def heron(b: Brush) -> str:
    """Standing in the shallows on one thought."""
    pink = b.word == "flamingo"
    coat = b.main("#ee8f9e" if pink else "#8c9fb0")
    pale, dark, bill = lighter(coat, 0.2), lighter(coat, -0.2), b.lit("#e0a33c", 0.35)
    svg = stroke(
        "M-6,-34L-8,-16L-6,0M4,-34L5,-17L4,0M-6,0l7,1M4,0l7,1",
        bill if not pink else b.lit("#d9707f"),
        1.5,
    )
    svg += fill(
        smooth([(-36, -30), (-20, -48), (2, -55), (14, -48), (12, -38), (-4, -32), (-20, -31)]),
        b.down(coat),
    )
    svg += fill(smooth([(-38, -28), (-22, -42), (-2, -46), (-8, -36), (-22, -31)]), dark)
    neck = smooth(
        [
            (2, -50),
            (18, -56),
            (15, -70),
            (8, -80),
            (12, -93),
            (20, -95),
            (24, -91),
            (17, -87),
            (16, -79),
            (23, -68),
            (24, -52),
            (14, -41),
        ]
    )
    svg += fill(neck, pale)
    svg += fill(smooth([(12, -93), (18, -97), (25, -94), (24, -89), (16, -88)]), pale)
    svg += fill(line([(23, -94), (48, -89), (23, -90)]), bill) + circle(20, -93, 1.2, EYE)
    return svg + stroke("M17,-95C8,-98 2,-94 -6,-92", dark, 1.5)


def heron_flying(b: Brush) -> str:
    """Neck folded, legs trailing, wings like sails."""
    coat = b.main("#ee8f9e" if b.word == "flamingo" else "#93a7b8")
    pale, dark, bill = lighter(coat, 0.17), lighter(coat, -0.24), b.lit("#e0a33c", 0.35)
    far = [
        (8, -50),
        (22, -66),
        (34, -88),
        (40, -112),
        (34, -118),
        (20, -104),
        (6, -92),
        (-4, -76),
        (-10, -58),
    ]
    svg = fill(smooth(far), lighter(coat, -0.1)) + fill(
        smooth([(40, -112), (34, -118), (20, -104), (8, -94), (20, -92), (32, -98)]),
        lighter(dark, -0.03),
        1,
        'stroke="none"',
    )
    svg += stroke(
        "M-30,-42C-50,-40 -66,-38 -84,-33M-30,-40C-50,-37 -66,-34 -82,-29M-84,-33l-8,-1M-82,-29l-8,1",
        bill,
        1.7,
    )
    svg += fill(
        smooth([(-42, -41), (-16, -54), (14, -55), (32, -50), (30, -43), (6, -37), (-22, -37)]),
        b.down(pale),
    )
    svg += fill(
        smooth(
            [
                (18, -54),
                (30, -64),
                (40, -60),
                (50, -62),
                (58, -67),
                (65, -64),
                (61, -58),
                (50, -55),
                (44, -47),
                (30, -43),
            ]
        ),
        pale,
    )
    svg += (
        fill(line([(63, -66), (94, -61), (62, -60)]), bill)
        + circle(58.5, -63.5, 1.3, EYE)
        + stroke("M57,-66C48,-70 42,-71 34,-74", dark, 1.6)
    )
    wing = [
        (16, -52),
        (10, -72),
        (-4, -94),
        (-24, -112),
        (-48, -124),
        (-72, -128),
        (-66, -120),
        (-80, -116),
        (-70, -109),
        (-82, -102),
        (-68, -97),
        (-76, -88),
        (-58, -84),
        (-52, -72),
        (-36, -66),
        (-26, -54),
        (-10, -44),
    ]
    quills = [
        (-24, -112),
        (-48, -124),
        (-72, -128),
        (-66, -120),
        (-80, -116),
        (-70, -109),
        (-82, -102),
        (-68, -97),
        (-76, -88),
        (-58, -84),
        (-52, -73),
        (-40, -70),
        (-42, -88),
        (-36, -100),
    ]
    svg += fill(smooth(wing), b.down(coat)) + fill(smooth(quills), dark, 1, 'stroke="none"')
    return svg + stroke(
        "M4,-60C-4,-80 -20,-96 -36,-104M-6,-54C-14,-70 -26,-82 -40,-90M-16,-50C-24,-60 -32,-68 -42,-74",
        lighter(coat, -0.13),
        1.1,
        0.9,
    )


def bird(b: Brush) -> str:
    """A songbird on a twig."""
    coat = b.main(
        b.rng.choice(("#4f86b5", "#c9573c", "#5d6b4a", "#d9a13a"))
        if b.word not in ("crow", "raven")
        else "#25262e"
    )
    breast, dark = (
        b.lit("#f0d2a6", 0.2) if b.word not in ("crow", "raven") else lighter(coat, 0.06),
        lighter(coat, -0.13),
    )
    svg = stroke(
        "M-420,-36C-220,14 -20,2 66,-2C96,-4 120,-14 150,-18M30,0q14,-14 30,-18M-120,4C-104,20 -90,24 -80,36",
        b.lit("#5b4232"),
        5,
    )
    svg += fill(line([(-28, -34), (-66, -12), (-60, -6), (-22, -20)]), dark)
    svg += fill(
        smooth(
            [
                (16, -86),
                (32, -80),
                (38, -64),
                (34, -36),
                (16, -14),
                (-6, -10),
                (-28, -24),
                (-24, -42),
                (-4, -62),
            ]
        ),
        b.down(coat),
    )
    svg += fill(
        smooth([(30, -64), (35, -40), (20, -16), (4, -14), (10, -36)]), breast, 1, 'stroke="none"'
    )
    svg += fill(smooth([(4, -56), (8, -34), (-12, -22), (-40, -18), (-22, -38)]), dark) + stroke(
        "M-2,-44C-10,-32 -20,-28 -30,-24", coat, 1.4
    )
    svg += (
        fill(line([(36, -72), (52, -67), (36, -63)]), b.lit("#e8a33a", 0.3))
        + circle(25, -70, 3.2, EYE)
        + circle(26, -71, 1, (1.0, 1.0, 1.0))
    )
    return svg + stroke("M4,-12v12M12,-13v12", b.lit("#7a5a3a"), 2)


def gull(b: Brush) -> str:
    """A bird in the distance is two strokes."""
    flap = b.rng.uniform(-12, 12)
    coat = b.main("#2f3540" if b.word in ("crow", "raven", "crows") or not b.dark else "#c9d2dc")
    wing = [
        (0, -46),
        (-20, -66 + flap),
        (-44, -62 + flap),
        (-62, -46 + flap),
        (-40, -54 + flap),
        (-18, -50),
        (-4, -34),
        (4, -34),
        (18, -50),
        (40, -54 + flap),
        (62, -46 + flap),
        (44, -62 + flap),
        (20, -66 + flap),
    ]
    return fill(smooth(wing), coat)


def eagle(b: Brush) -> str:
    """Soaring with spread fingers."""
    coat = b.main("#5b4030")
    dark, white = lighter(coat, -0.1), b.lit("#f4efe4", 0.3)
    half = [
        (4, -60),
        (24, -78),
        (56, -86),
        (84, -80),
        (98, -66),
        (86, -68),
        (92, -58),
        (80, -62),
        (82, -52),
        (70, -57),
        (60, -48),
        (36, -44),
        (10, -40),
    ]
    svg = fill(smooth(half) + smooth([(-x, y) for x, y in half]), b.down(coat))
    svg += fill(line([(-7, -44), (7, -44), (15, -14), (-15, -14)]), white)
    svg += fill(smooth([(0, -70), (9, -60), (8, -40), (0, -28), (-8, -40), (-9, -60)]), dark)
    return (
        svg
        + circle(0, -70, 8, white)
        + fill(line([(-3, -75), (0, -84), (3, -75)]), b.lit("#e8a82e", 0.4))
    )


def duck(b: Brush) -> str:
    """Swimming; a swan when the prompt says swan."""
    bill = b.lit("#ee9a2e", 0.35)
    if b.word.startswith("swan"):
        coat = b.main("#f8f6f0")
        shade = lighter(coat, -0.1)
        svg = fill(
            smooth(
                [
                    (-52, -34),
                    (-30, -46),
                    (0, -44),
                    (24, -30),
                    (34, -14),
                    (20, 0),
                    (-26, 0),
                    (-46, -12),
                ]
            ),
            b.down(coat),
        )
        svg += fill(
            smooth([(-58, -44), (-30, -54), (2, -46), (10, -28), (-14, -16), (-40, -22)]),
            lighter(coat, 0.02),
        )
        svg += stroke("M-44,-36C-28,-26 -14,-24 2,-30M-38,-28C-26,-20 -14,-18 -4,-22", shade, 1.6)
        svg += stroke("M24,-18C44,-36 14,-62 24,-82C28,-91 38,-91 41,-84", coat, 10) + circle(
            38, -84, 7, coat
        )
        svg += fill(line([(42, -87), (58, -78), (42, -79)]), bill) + fill(
            smooth([(40, -88), (45, -86), (43, -80), (38, -83)]), EYE
        )
    else:
        coat = b.main("#8a6a4c")
        head = b.lit("#2f7d55", 0.2) if not b.colour else coat
        svg = fill(
            smooth(
                [
                    (-50, -36),
                    (-40, -28),
                    (-10, -36),
                    (18, -32),
                    (32, -16),
                    (20, 0),
                    (-30, 0),
                    (-46, -14),
                ]
            ),
            b.down(coat),
        )
        svg += fill(
            smooth([(-36, -26), (-8, -32), (10, -22), (-6, -10), (-28, -12)]), lighter(coat, 0.08)
        )
        svg += fill(
            smooth([(14, -28), (16, -50), (24, -62), (36, -60), (40, -48), (34, -36), (30, -16)]),
            head,
        )
        svg += fill(line([(16, -32), (34, -32), (32, -27), (16, -26)]), b.lit("#f3efe6", 0.3))
        svg += fill(smooth([(38, -54), (54, -48), (52, -44), (38, -45)]), bill) + circle(
            31, -53, 2, EYE
        )
    wake = b.stage.lit((0.95, 0.98, 1.0), b.depth, 0.2)
    return svg + fill(smooth([(-66, 1), (0, -4), (56, 0), (0, 5)]), wake, 0.6, 'stroke="none"')


def butterfly(b: Brush) -> str:
    """Symmetry with spots."""
    coat = b.main(b.rng.choice(("#e8862e", "#4a90c9", "#d95f8a", "#f0c53a")))
    dark = b.lit("#2a2028")
    up = [(2, -58), (20, -92), (48, -98), (58, -82), (46, -62), (14, -52)]
    low = [(4, -52), (32, -54), (46, -38), (36, -18), (18, -16), (6, -36)]
    svg = ""
    for wing, tone in ((up, coat), (low, lighter(coat, -0.07))):
        for s in (-1, 1):
            svg += fill(smooth([(s * x, y) for x, y in wing]), dark)
            svg += fill(
                smooth([(s * (x * 0.82 + 2), y * 0.84 - 9) for x, y in wing]),
                tone,
                1,
                'stroke="none"',
            )
            svg += circle(s * wing[2][0] * 0.92, wing[2][1] * 0.92 - 4, 3, b.lit("#fbf6e6", 0.3))
    svg += fill(smooth([(0, -72), (3.4, -54), (2, -24), (-2, -24), (-3.4, -54)]), dark)
    return svg + stroke("M0,-70C4,-84 10,-90 14,-94M0,-70C-4,-84 -10,-90 -14,-94", dark, 1.2)


def dragon(b: Brush) -> str:
    """Spread wings, barbed tail, a little fire."""
    coat = b.main("#3f8a5c")
    belly, dark = lighter(coat, 0.18), lighter(coat, -0.15)
    wing = [
        (0, -56),
        (-12, -92),
        (-42, -116),
        (-34, -96),
        (-58, -98),
        (-44, -82),
        (-66, -74),
        (-42, -66),
        (-50, -52),
        (-20, -48),
    ]
    far = [(x * -0.7 + 14, y * 0.96) for x, y in wing]
    svg = fill(line(far), dark)
    svg += stroke("M-10,-34C-40,-14 -66,-22 -84,-4", coat, 9) + fill(
        line([(-80, -10), (-100, 4), (-82, 4), (-76, 12)]), dark
    )
    svg += fill(
        smooth(
            [
                (-24, -38),
                (-6, -62),
                (20, -62),
                (34, -78),
                (38, -98),
                (52, -108),
                (66, -102),
                (82, -94),
                (80, -87),
                (64, -86),
                (54, -84),
                (50, -68),
                (36, -40),
                (12, -28),
                (-12, -26),
            ]
        ),
        b.down(coat),
    )
    svg += fill(
        smooth([(52, -84), (47, -66), (34, -42), (12, -30), (18, -40), (36, -58), (44, -78)]),
        belly,
        1,
        'stroke="none"',
    )
    svg += fill(
        line([(-8, -32), (-2, 0), (-14, 0), (-20, -30)])
        + line([(18, -34), (26, 0), (14, 0), (8, -30)]),
        dark,
    )
    svg += fill(line(wing), b.down(lighter(coat, -0.05)))
    svg += stroke("M-4,-54L-42,-116M-6,-54L-58,-98M-8,-52L-66,-74", dark, 1.6)
    svg += fill(
        "".join(
            line([(x, y), (x - 3, y - 9), (x + 5, y - 2)])
            for x, y in ((22, -64), (30, -74), (36, -86), (40, -99))
        ),
        dark,
    )
    svg += fill(line([(54, -106), (44, -122), (60, -108)]), dark) + circle(
        62, -99, 2.2, b.lit("#ffd23f", 0.8)
    )
    flame = b.stage.glow(106, -92, 42, (1.0, 0.55, 0.15), 0.7)
    return (
        flame
        + fill(smooth([(82, -92), (104, -102), (134, -92), (104, -84)]), (1.0, 0.62, 0.16), 0.95)
        + fill(smooth([(84, -91), (100, -96), (114, -91), (100, -87)]), (1.0, 0.92, 0.5))
        + svg
    )


def snail(b: Brush) -> str:
    """No hurry."""
    shell, body = b.main("#c9854a"), b.lit("#d9c6a0", 0.2)
    svg = fill(
        smooth(
            [
                (-60, 0),
                (-40, -12),
                (10, -16),
                (34, -26),
                (40, -50),
                (52, -58),
                (60, -48),
                (54, -28),
                (52, -8),
                (40, 0),
            ]
        ),
        body,
    )
    svg += (
        stroke("M48,-54L46,-76M56,-54L64,-74", body, 3)
        + circle(46, -77, 3, EYE)
        + circle(64, -75, 3, EYE)
    )
    svg += circle(-8, -44, 38, b.round(shell))
    coil = [
        (-8 + (34 - k * 0.72) * math.cos(k * 0.34), -44 + (34 - k * 0.72) * math.sin(k * 0.34))
        for k in range(46)
    ]
    return svg + stroke(line(coil, closed=False), lighter(shell, -0.16), 3)
