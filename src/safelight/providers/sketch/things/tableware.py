"""Things for a still life."""

import math

from safelight.providers.sketch.colour import Colour, lighter, mix
from safelight.providers.sketch.pen import box, circle, ellipse, fill, smooth, stroke
from safelight.providers.sketch.things.brush import Brush

WHITE: Colour = (1.0, 1.0, 1.0)


def _shadow(b: Brush, wide: float) -> str:
    return ellipse(-b.stage.side * wide * 0.35, 0, wide, wide * 0.14, (0.08, 0.05, 0.08), 0.28)


def _fruit(b: Brush, x: float, y: float, r: float, colour: Colour) -> str:
    s = b.stage.side
    return circle(x, y, r, b.round(colour)) + ellipse(
        x + s * r * 0.35, y - r * 0.4, r * 0.22, r * 0.15, WHITE, 0.6
    )


def apple(b: Brush) -> str:
    """An apple; an orange or tomato if it says so."""
    word = b.word.rstrip("s")
    coat = b.main(
        {"orange": "#f0902a", "tomato": "#dd3b2f", "peach": "#f5a878"}.get(word, "#cf3a34")
    )
    svg = _shadow(b, 46) + fill(
        smooth(
            [
                (0, -80),
                (26, -86),
                (44, -64),
                (40, -28),
                (20, -2),
                (0, -6),
                (-20, -2),
                (-40, -28),
                (-44, -64),
                (-26, -86),
            ]
        ),
        b.round(coat),
    )
    svg += ellipse(b.stage.side * 20, -62, 9, 6, WHITE, 0.6) + stroke(
        "M0,-78q-2,-14 8,-20", b.lit("#5b3d28"), 3.4
    )
    return svg + fill(smooth([(6, -92), (22, -104), (38, -98), (22, -88)]), b.lit("#5d9a45", 0.2))


def pear(b: Brush) -> str:
    """A pear."""
    coat = b.main("#c3b93f")
    svg = _shadow(b, 40) + fill(
        smooth(
            [
                (0, -94),
                (13, -84),
                (18, -62),
                (36, -36),
                (30, -8),
                (0, 0),
                (-30, -8),
                (-36, -36),
                (-18, -62),
                (-13, -84),
            ]
        ),
        b.round(coat),
    )
    return (
        svg
        + ellipse(b.stage.side * 14, -40, 7, 12, WHITE, 0.45)
        + stroke("M0,-92q1,-12 8,-16", b.lit("#5b3d28"), 3.2)
    )


def lemon(b: Brush) -> str:
    """A lemon."""
    coat = b.main("#f4d334")
    svg = _shadow(b, 50) + fill(
        smooth(
            [
                (-56, -38),
                (-44, -48),
                (-24, -72),
                (10, -76),
                (38, -58),
                (54, -42),
                (58, -34),
                (44, -26),
                (20, -4),
                (-18, -2),
                (-44, -24),
            ]
        ),
        b.down(coat),
    )
    return svg + ellipse(b.stage.side * 16, -54, 13, 7, WHITE, 0.5)


def cup(b: Brush) -> str:
    """Steaming."""
    glaze = b.main(b.rng.choice(("#f4efe4", "#3f7f8f", "#d9674a")))
    svg = ellipse(0, -2, 62, 9, lighter(glaze, -0.08)) + ellipse(0, -5, 56, 7, glaze)
    svg += stroke("M38,-56C66,-62 64,-22 30,-22", glaze, 8)
    svg += fill(
        smooth([(-44, -72), (-42, -36), (-24, -8), (24, -8), (42, -36), (44, -72)]), b.round(glaze)
    )
    svg += ellipse(0, -72, 44, 9, lighter(glaze, 0.05)) + ellipse(0, -71, 38, 6.5, b.lit("#4a2a1a"))
    return (
        _shadow(b, 66)
        + svg
        + stroke("M-12,-86C-20,-100 -4,-108 -12,-124M8,-88C0,-102 16,-112 8,-130", WHITE, 4, 0.4)
    )


def teapot(b: Brush) -> str:
    """Round, with a spout."""
    glaze = b.main("#3f7a8a")
    svg = _shadow(b, 60) + stroke("M-44,-58C-80,-66 -80,-16 -42,-22", lighter(glaze, -0.05), 8)
    svg += fill(
        smooth([(40, -30), (64, -52), (70, -74), (80, -76), (78, -56), (58, -20), (40, -14)]),
        b.down(glaze),
    )
    svg += fill(
        smooth(
            [(-30, -72), (30, -72), (52, -46), (46, -14), (24, 0), (-24, 0), (-46, -14), (-52, -46)]
        ),
        b.round(glaze),
    )
    return (
        svg
        + fill(smooth([(-30, -72), (0, -84), (30, -72), (0, -68)]), lighter(glaze, 0.06))
        + circle(0, -87, 6, b.lit("#e0b04a", 0.3))
        + ellipse(b.stage.side * 22, -50, 7, 12, WHITE, 0.4)
    )


def bottle(b: Brush) -> str:
    """Glass with a label."""
    glass = b.main("#2f5d45")
    svg = _shadow(b, 24) + fill(
        smooth(
            [
                (-17, 0),
                (-18, -50),
                (-14, -64),
                (-6, -74),
                (-6, -98),
                (6, -98),
                (6, -74),
                (14, -64),
                (18, -50),
                (17, 0),
            ]
        ),
        b.round(glass),
    )
    svg += (
        fill(box(-6.6, -100, 13.2, 8), b.lit("#a3483a"))
        + fill(box(-17.4, -44, 34.8, 26), b.lit("#f0e6cf", 0.2))
        + stroke("M-10,-36h20M-8,-30h16M-10,-24h20", b.lit("#8a6a4a"), 1.2)
    )
    return svg + stroke(f"M{b.stage.side * 10},-56V-10", WHITE, 2.4, 0.4)


def candle(b: Brush) -> str:
    """Lit."""
    wax = b.main("#f3e8cf")
    svg = (
        b.stage.glow(0, -92, 130, (1.0, 0.78, 0.36), 0.75)
        + _shadow(b, 28)
        + ellipse(0, -3, 26, 6, b.lit("#c9963f", 0.3))
    )
    svg += fill(smooth([(-9, -4), (-9, -70), (0, -73), (9, -70), (9, -4)]), b.down(wax)) + stroke(
        "M0,-72v-7", b.lit("#3a2a22"), 1.5
    )
    return (
        svg
        + fill(smooth([(0, -106), (6, -88), (3, -78), (-3, -78), (-6, -88)]), (1.0, 0.72, 0.2))
        + fill(smooth([(0, -96), (3, -86), (0, -79), (-3, -86)]), (1.0, 0.96, 0.75))
    )


def book(b: Brush) -> str:
    """Three of them."""
    svg = _shadow(b, 62)
    for k, (x, w) in enumerate(((-58, 116), (-50, 108), (-60, 100))):
        y = -28 * (k + 1)
        cover = (
            b.main("#a33f35")
            if k == 1 and b.colour
            else b.lit(b.rng.choice(("#a33f35", "#2f5d7c", "#d9a83f", "#4d7a5a", "#6b4a78")), 0.2)
        )
        svg += (
            fill(box(x, y, w, 28), b.down(cover))
            + fill(box(x + w - 12, y + 4, 12, 20), b.lit("#f3ead6", 0.2))
            + stroke(f"M{x + 12},{y + 2}v24M{x + 20},{y + 2}v24", lighter(cover, 0.2), 1.4)
        )
    return svg


def bowl(b: Brush) -> str:
    """A bowl of fruit."""
    glaze = b.main(b.rng.choice(("#3f6f8f", "#e6dcc8", "#8f5a3f")))
    svg = _shadow(b, 80)
    for x, y, r, code in (
        (-38, -62, 21, "#cf3a34"),
        (36, -62, 20, "#f0902a"),
        (-4, -66, 22, "#e8b52e"),
        (-20, -84, 18, "#a8b83a"),
        (18, -84, 19, "#d9483a"),
    ):
        svg += _fruit(b, x, y, r, b.lit(code, 0.2))
    grapes = "".join(
        circle(52 + dx, -48 + dy, 7, b.lit("#6b3f78", 0.2))
        for dx, dy in ((0, 0), (10, 2), (4, 10), (14, 12), (8, 20), (18, 22))
    )
    svg += fill(
        smooth([(-74, -58), (-60, -22), (-30, -4), (30, -4), (60, -22), (74, -58), (0, -46)]),
        b.round(glaze),
    ) + ellipse(0, -3, 30, 5, lighter(glaze, -0.1))
    return svg + grapes + stroke("M-66,-44C-30,-32 30,-32 66,-44", lighter(glaze, 0.14), 3)


def vase(b: Brush) -> str:
    """A vase with flowers in it."""
    glaze = b.main(b.rng.choice(("#3f6f8f", "#d9c9ae", "#b5654a", "#6f8f7a")))
    rng, thing = b.rng, b.stage.scene.has("flower")
    petals = [thing.colour] if thing and thing.colour else []
    codes = ("#e2574a", "#f2b632", "#f6efe2", "#d977a0", "#8a78c9")
    svg, heads = _shadow(b, 30), ""
    for k in range(9):
        angle = math.radians(-90 + (k - 4) * 15 + rng.uniform(-6, 6))
        reach = rng.uniform(44, 66)
        x, y = reach * math.cos(angle), -50 + reach * math.sin(angle)
        svg += stroke(
            f"M0,-44Q{x * 0.2:.1f},{(y - 44) / 2:.1f} {x:.1f},{y:.1f}", b.lit("#4f8a45"), 1.6
        )
        svg += fill(
            smooth([(x * 0.4, -58), (x * 0.7 + 8, -66), (x * 0.8, -74), (x * 0.5, -66)]),
            b.lit("#5d9a50"),
        )
        colour = b.stage.lit(petals[0], 0, 0.5) if petals else b.lit(rng.choice(codes), 0.25)
        for p in range(6):
            a = p * math.tau / 6 + k
            heads += circle(
                x + 5.4 * math.cos(a), y + 5.4 * math.sin(a), 4.8, lighter(colour, 0.05 * (p % 2))
            )
        heads += circle(x, y, 3.6, mix(b.lit("#f2c230", 0.3), colour, 0.2))
    body = smooth(
        [(-10, -50), (-12, -42), (-24, -22), (-15, 0), (15, 0), (24, -22), (12, -42), (10, -50)]
    )
    return (
        svg
        + heads
        + fill(body, b.round(glaze))
        + ellipse(b.stage.side * 11, -24, 3.5, 8, WHITE, 0.45)
    )


def guitar(b: Brush) -> str:
    """Leaning against the wall."""
    wood = b.main("#c07f3f")
    svg = fill(
        smooth(
            [
                (0, -50),
                (14, -48),
                (17, -36),
                (14, -28),
                (24, -12),
                (14, 0),
                (-14, 0),
                (-24, -12),
                (-14, -28),
                (-17, -36),
                (-14, -48),
            ]
        ),
        b.round(wood),
    )
    svg += (
        circle(0, -32, 6.5, b.lit("#3a2418"))
        + fill(box(-2.6, -94, 5.2, 60), b.lit("#4a2f20"))
        + fill(box(-5, -106, 10, 13), b.lit("#3a2418"))
        + fill(box(-8, -14, 16, 3), b.lit("#3a2418"))
    )
    svg += stroke("M-1.4,-104V-13M0,-104V-13M1.4,-104V-13", b.lit("#efe6d2"), 0.4)
    return f'<g transform="rotate({9 * b.stage.side})">{svg}</g>'


def bread(b: Brush) -> str:
    """A loaf."""
    crust = b.main("#c98a45")
    svg = _shadow(b, 70) + fill(
        smooth([(-70, -20), (-56, -54), (-10, -66), (44, -58), (70, -26), (56, -2), (-54, -2)]),
        b.down(crust),
    )
    return svg + fill(
        "".join(
            smooth([(x, -58), (x + 16, -48), (x + 8, -28), (x - 4, -40)]) for x in (-40, -10, 20)
        ),
        lighter(crust, 0.16),
    )
