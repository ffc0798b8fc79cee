"""What lives in water."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import lighter
from safelight.providers.sketch.pen import circle, fill, line, smooth, stroke
from safelight.providers.sketch.things.brush import Brush

EYE = (0.08, 0.06, 0.08)


def fish(b: Brush) -> str:
    """A reef fish; grey and pointed if it is a shark."""
    if b.word == "shark":
        coat = b.main("#7f8fa0")
        svg = fill(line([(-70, -50), (-100, -86), (-88, -48), (-96, -22)]), coat)
        svg += fill(
            smooth(
                [
                    (-76, -48),
                    (-30, -66),
                    (30, -70),
                    (84, -52),
                    (90, -46),
                    (60, -38),
                    (10, -32),
                    (-40, -40),
                ]
            ),
            b.down(coat),
        )
        svg += fill(
            line([(-6, -66), (-18, -100), (24, -68)]) + line([(10, -38), (-14, -8), (34, -38)]),
            lighter(coat, -0.06),
        )
        svg += fill(
            smooth([(-40, -42), (20, -40), (86, -46), (50, -36), (10, -32)]),
            lighter(coat, 0.2),
            1,
            'stroke="none"',
        )
        return (
            svg
            + circle(66, -54, 2.4, EYE)
            + stroke("M38,-56l-3,12M32,-56l-3,12M26,-56l-3,12", lighter(coat, -0.15), 1.4)
        )
    coat = b.main(b.rng.choice(("#f08a2c", "#f5c63a", "#e5596a", "#4aa3d9", "#b06ad0")))
    stripe, fin = lighter(coat, 0.25), lighter(coat, -0.12)
    svg = fill(
        smooth([(-38, -50), (-70, -78), (-76, -66), (-66, -50), (-76, -34), (-70, -22)]), fin
    )
    svg += fill(
        smooth([(-20, -74), (-4, -96), (26, -92), (34, -74)])
        + smooth([(-10, -28), (2, -8), (20, -26)]),
        fin,
    )
    svg += fill(
        smooth(
            [
                (-48, -50),
                (-14, -78),
                (26, -80),
                (54, -62),
                (64, -50),
                (52, -36),
                (24, -22),
                (-14, -24),
            ]
        ),
        b.down(coat),
    )
    svg += fill(
        smooth([(-14, -77), (-4, -78), (-2, -50), (-6, -24), (-16, -25), (-10, -50)])
        + smooth([(22, -80), (31, -77), (33, -50), (28, -25), (20, -23), (25, -50)]),
        stripe,
        0.9,
        'stroke="none"',
    )
    svg += fill(smooth([(6, -48), (-14, -36), (-10, -54)]), fin)
    return (
        svg
        + circle(46, -56, 5.4, (0.98, 0.98, 0.95))
        + circle(47.5, -56, 3, EYE)
        + stroke("M63,-47q-5,4 -10,2", fin, 1.5)
    )


def whale(b: Brush) -> str:
    """Surfacing, with a fountain; leaping if it is a dolphin."""
    coat = b.main("#46647d")
    pale = lighter(coat, 0.26)
    if b.word.startswith("dolphin"):
        svg = fill(
            smooth([(-60, -12), (-84, -10), (-92, 6), (-72, 0), (-68, 14), (-54, -2)]),
            lighter(coat, -0.06),
        )
        svg += fill(
            smooth(
                [
                    (-62, -8),
                    (-34, -50),
                    (10, -72),
                    (46, -64),
                    (60, -52),
                    (82, -42),
                    (80, -36),
                    (56, -36),
                    (30, -34),
                    (-4, -40),
                    (-40, -20),
                ]
            ),
            b.down(coat),
        )
        svg += fill(
            smooth([(-10, -66), (-16, -92), (16, -70)]) + smooth([(16, -38), (4, -14), (32, -36)]),
            lighter(coat, -0.08),
        )
        return (
            svg
            + fill(
                smooth([(58, -38), (30, -35), (-4, -41), (-30, -26), (0, -50), (40, -48)]),
                pale,
                1,
                'stroke="none"',
            )
            + circle(50, -52, 2.2, EYE)
        )
    svg = stroke(
        "M22,-74C20,-92 8,-102 -4,-98M22,-74C24,-94 38,-104 50,-98M22,-74V-104",
        b.lit("#e6f3f7", 0.4),
        3.4,
        0.85,
    )
    svg += fill(
        smooth(
            [(-70, -30), (-92, -70), (-112, -74), (-100, -58), (-118, -52), (-94, -44), (-84, -20)]
        ),
        coat,
    )
    svg += fill(
        smooth(
            [
                (-92, -28),
                (-56, -46),
                (-10, -70),
                (44, -70),
                (78, -46),
                (86, -22),
                (72, 4),
                (-40, 6),
                (-80, -4),
            ]
        ),
        b.down(coat),
    )
    svg += fill(
        smooth([(84, -26), (70, 4), (0, 6), (-30, 4), (20, -14), (60, -26)]),
        pale,
        1,
        'stroke="none"',
    )
    svg += stroke("M74,-14C50,-8 30,-4 4,2M78,-20C50,-16 30,-12 10,-6", lighter(pale, -0.12), 1.3)
    svg += (
        fill(smooth([(14, -18), (-2, 12), (-22, 18), (-8, -4)]), lighter(coat, -0.1))
        + circle(62, -36, 2.8, EYE)
        + circle(62.8, -36.8, 0.9, (1.0, 1.0, 1.0))
    )
    return svg + stroke("M84,-28C72,-26 64,-24 56,-28", lighter(coat, -0.14), 1.6)


def octopus(b: Brush) -> str:
    """Arms; a jellyfish trails thinner ones."""
    coat = b.main("#c9596b")
    svg = ""
    for k in range(8):
        x = -28 + k * 8
        sway = b.rng.uniform(8, 22) * (-1 if k < 4 else 1)
        d = f"M{x},-48C{x + sway},-30 {x - sway * 0.4},-14 {x + sway * 1.5},{b.rng.uniform(-6, 4):.0f}"
        svg += stroke(d, lighter(coat, -0.06 * (k % 2)), 3 if b.word == "jellyfish" else 8)
    svg += fill(
        smooth(
            [
                (0, -104),
                (28, -92),
                (36, -66),
                (30, -46),
                (0, -40),
                (-30, -46),
                (-36, -66),
                (-28, -92),
            ]
        ),
        b.down(coat),
        0.85 if b.word == "jellyfish" else 1,
    )
    for s in (-1, 1):
        svg += circle(s * 13, -62, 6.5, (0.98, 0.97, 0.93)) + circle(s * 13 + 1, -61, 3.6, EYE)
    return svg + stroke("M-6,-51q6,5 12,0", lighter(coat, -0.25), 1.8)


def turtle(b: Brush) -> str:
    """A swimming shield."""
    shell, skin = b.main("#5d7a3d"), b.lit("#9aae6a", 0.2)
    svg = fill(
        smooth([(20, -44), (44, -22), (52, 2), (38, 0), (10, -28)])
        + smooth([(-30, -34), (-52, -16), (-58, -2), (-44, -4), (-22, -22)])
        + smooth([(40, -56), (58, -72), (74, -68), (76, -58), (62, -48), (44, -44)]),
        skin,
    )
    svg += fill(
        smooth([(-54, -34), (-34, -66), (4, -80), (36, -66), (50, -42), (20, -30), (-30, -28)]),
        b.down(shell),
    )
    plates = "".join(
        line([(x, y), (x + 9, y - 8), (x + 20, y - 3), (x + 18, y + 9), (x + 5, y + 11)])
        for x, y in ((-34, -46), (-10, -58), (14, -52), (-8, -40))
    )
    return (
        svg
        + fill(plates, lighter(shell, -0.1))
        + circle(65, -63, 2.2, EYE)
        + stroke("M74,-58q-5,3 -9,2", lighter(skin, -0.2), 1)
    )
