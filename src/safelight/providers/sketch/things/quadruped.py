"""Four-legged animals from one anatomy: a soft outline through joints, and what makes each its own."""

# ruff: noqa: E501, PLR0917  (coordinates and word lists read better in long rows)

import math
from dataclasses import dataclass

from safelight.providers.sketch.colour import Colour, lighter
from safelight.providers.sketch.pen import Point, circle, ellipse, fill, line, smooth, stroke
from safelight.providers.sketch.things.brush import Brush


@dataclass(frozen=True, slots=True)
class Build:
    """Proportions; the feet stand on y = 0, lengths in hundredths of the animal's picture height."""

    body: float  # hip to shoulder
    leg: float
    deep: float  # chest to back
    neck: tuple[float, float]  # from the withers to the poll
    neck_wide: float
    head: float  # poll to nose
    head_high: float
    look: float  # degrees the head points below the horizontal
    limb: float = 3.2  # half width of a leg
    snout: float = 0.55  # nose height as a share of the head's
    tuck: float = 2.0  # how far the belly draws in


def joints(build: Build) -> tuple[list[Point], Point, Point]:
    """The outline, the poll and the nose."""
    b = build
    half, back, belly = b.body / 2, -(b.leg + b.deep), -b.leg
    poll = (half + b.neck[0], back + b.neck[1])
    angle = math.radians(b.look)
    along, down = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))

    def head(t: float, s: float) -> Point:
        return poll[0] + along[0] * b.head * t + down[0] * b.head_high * s, poll[1] + along[
            1
        ] * b.head * t + down[1] * b.head_high * s

    nose = head(1.0, 0.35)
    limb = b.limb
    outline = [
        (-half - limb * 1.9, back + b.deep * 0.3), (-half - limb, back + b.deep * 0.02), (-half * 0.3, back + b.deep * 0.07),
        (half * 0.5, back), (half + b.neck[0] * 0.35, back + b.neck[1] * 0.45),
        head(-0.12, -0.05), head(0.12, -0.18), head(0.5, 0.0), head(0.95, 0.5 - b.snout * 0.5), head(1.04, 0.5),
        head(0.9, 0.5 + b.snout * 0.5), head(0.45, 0.85), head(0.1, 1.0),
        (half + b.neck[0] * 0.5 + b.neck_wide * 0.75, back + b.neck[1] * 0.45 + b.neck_wide * 0.75),
        (half + limb * 2.6, back + b.deep * 0.5), (half + limb * 1.8, belly - b.deep * 0.02),
        (half + limb * 1.1, belly * 0.5), (half + limb * 0.9, belly * 0.1), (half + limb * 1.5, 0), (half - limb * 0.8, 0),
        (half - limb * 0.9, belly * 0.12), (half - limb * 0.9, belly * 0.5), (half - limb * 1.7, belly),
        (0.0, belly - b.tuck), (-half + limb * 3.0, belly - b.tuck * 1.4),
        (-half + limb * 0.9, belly * 0.6), (-half + limb * 0.6, belly * 0.42), (-half + limb * 0.9, belly * 0.1), (-half + limb * 1.6, 0), (-half - limb * 0.8, 0),
        (-half - limb * 0.9, belly * 0.14), (-half - limb * 1.5, belly * 0.5), (-half - limb * 1.4, belly * 0.62), (-half - limb * 2.4, belly - b.deep * 0.25),
    ]  # fmt: skip
    return outline, poll, nose


def _leg(x: float, build: Build, sway: float) -> str:
    limb, leg = build.limb, build.leg
    return smooth([
        (x - limb * 1.5, -leg - build.deep * 0.3), (x + limb * 1.5, -leg - build.deep * 0.3), (x + limb, -leg * 0.5),
        (x + limb * 0.8 + sway, -leg * 0.1), (x + limb * 1.4 + sway, 0), (x - limb * 0.7 + sway, 0), (x - limb * 0.8 + sway * 0.8, -leg * 0.14), (x - limb, -leg * 0.5),
    ])  # fmt: skip


def draw(brush: Brush, build: Build, coat: Colour) -> tuple[str, Point, Point]:
    """The plain animal: far legs, then body, neck and head in one outline."""
    outline, poll, nose = joints(build)
    shade = lighter(coat, -0.1)
    half = build.body / 2
    svg = fill(_leg(half - build.limb * 2.6, build, build.limb * 1.4), shade)
    svg += fill(_leg(-half + build.limb * 2.2, build, -build.limb * 1.6), shade)
    svg += fill(smooth(outline), brush.down(coat))
    eye = (
        poll[0] + (nose[0] - poll[0]) * 0.38,
        poll[1] + (nose[1] - poll[1]) * 0.38 + build.head_high * 0.1,
    )
    svg += circle(eye[0], eye[1], max(0.9, build.head_high * 0.09), (0.08, 0.06, 0.08))
    return svg, poll, nose


def ear(x: float, y: float, size: float, lean: float, colour: Colour) -> str:
    """A pointed ear."""
    return fill(
        smooth(
            [
                (x - size * 0.4, y),
                (x - size * 0.3 + lean * 0.5, y - size * 0.6),
                (x + lean, y - size),
                (x + lean * 0.6 + size * 0.25, y - size * 0.5),
                (x + size * 0.4, y),
            ]
        ),
        colour,
    )


def tail(x: float, y: float, dx: float, dy: float, width: float, colour: Colour) -> str:
    """A hanging tail."""
    return stroke(
        f"M{x:.1f},{y:.1f}q{dx * 0.9:.1f},{dy * 0.1:.1f} {dx:.1f},{dy:.1f}", colour, width
    )


def horse(b: Brush) -> str:
    """Horse; a unicorn when the prompt says so."""
    white = b.word == "unicorn"
    coat = b.main("#f0ece6" if white else "#8a5230")
    mane = b.lit("#e79ac4" if white else "#2f2320")
    build = Build(48, 42, 25, (17, -27), 13, 24, 9, 48, 2.7, 0.6, 3)
    hair = smooth([(-28, -62), (-36, -58), (-41, -36), (-38, -16), (-33, -34), (-29, -52)])
    svg, poll, _ = draw(b, build, coat)
    crest = [
        (poll[0] + 3, poll[1] - 4),
        (poll[0] - 4, poll[1]),
        (26, -78),
        (17, -66),
        (20, -58),
        (29, -66),
        (poll[0] - 3, poll[1] + 8),
    ]
    svg = fill(hair, mane) + svg + fill(smooth(crest), mane) + ear(poll[0], poll[1] - 1, 8, 1, coat)
    if white:
        svg += fill(
            line(
                [(poll[0] + 5, poll[1]), (poll[0] + 15, poll[1] - 22), (poll[0] + 9, poll[1] + 2)]
            ),
            b.lit("#e8c24a", 0.4),
        )
    return svg


def deer(b: Brush) -> str:
    """A stag; a fawn or doe has no antlers."""
    coat = b.main("#a5693d")
    build = Build(38, 43, 20, (13, -23), 9, 18, 8, 28, 2.0, 0.45, 3)
    svg, poll, nose = draw(b, build, coat)
    svg += ear(poll[0] - 1, poll[1] + 1, 9, -6, lighter(coat, -0.06)) + circle(
        nose[0], nose[1], 1.5, b.lit("#201816")
    )
    svg += fill(smooth([(-25, -60), (-30, -54), (-27, -49), (-23, -54)]), b.lit("#f2e8dc"))
    if b.word not in ("doe", "fawn"):
        x, y = poll[0] + 2, poll[1] - 1
        bone = b.lit("#a5855c")
        d = ""
        for k in (-1, 1):
            d += f"M{x},{y}C{x + k * 4 - 3},{y - 8} {x + k * 16 - 5},{y - 10} {x + k * 12 - 3},{y - 27}M{x + k * 6 - 3},{y - 9}q{k * 1.5},-6 {k * 0.5 + 2},-10M{x + k * 11 - 4},{y - 15}q{k * 6},-3 {k * 7},-9"
        svg = stroke(d, bone, 1.7) + svg
    return svg


def cow(b: Brush) -> str:
    """Black and white, as in picture books."""
    coat = b.main("#f1ece4")
    build = Build(54, 30, 31, (14, -5), 16, 21, 12, 34, 3.5, 0.8, 0)
    svg, poll, nose = draw(b, build, coat)
    spot = b.lit("#3a2c2a") if not b.colour else lighter(coat, -0.2)
    for x, y, rx, ry in ((-16, -50, 10, 8), (8, -44, 9, 10), (-2, -56, 6, 4)):
        svg += ellipse(x, y, rx, ry, spot)
    svg += ear(poll[0] - 3, poll[1] + 3, 8, -7, spot) + ellipse(
        nose[0], nose[1] + 1, 5, 4, b.lit("#e3a79b")
    )
    svg += stroke(f"M{poll[0]},{poll[1]}q1,-7 7,-8", b.lit("#e8dcc2"), 2.4)
    return tail(-32, -58, -5, 34, 2, lighter(coat, -0.1)) + svg


def sheep(b: Brush) -> str:
    """Wool first, then the animal."""
    wool, face = b.main("#f3eee4"), b.lit("#3c3434")
    legs = "".join(
        fill(line([(x, -26), (x + 5, -26), (x + 4, 0), (x, 0)]), face) for x in (-20, -11, 9, 18)
    )
    rng = b.rng
    puffs = "".join(
        circle(-2 + 27 * math.cos(a), -38 + 15 * math.sin(a), rng.uniform(11, 14), wool)
        for a in (k * math.tau / 10 for k in range(10))
    )
    head = smooth([(24, -58), (34, -60), (42, -46), (40, -38), (33, -40), (24, -46)])
    svg = (
        legs
        + puffs
        + fill(smooth([(-28, -38), (0, -56), (26, -40), (0, -22)]), wool, 1, 'stroke="none"')
    )
    svg += (
        fill(head, face)
        + ear(27, -54, 8, -8, face)
        + circle(35, -51, 1.2, (0.95, 0.95, 0.9))
        + circle(26, -59, 7, wool)
    )
    return f'<g transform="scale(1.5)">{svg}</g>'


def bear(b: Brush) -> str:
    """Heavy shoulders, round ears."""
    coat = b.main("#6b4a34")
    build = Build(52, 26, 36, (15, -4), 20, 22, 17, 18, 5.5, 0.55, -3)
    svg, poll, nose = draw(b, build, coat)
    svg += (
        circle(poll[0] - 1, poll[1] - 1, 5, coat)
        + circle(poll[0] - 1, poll[1] - 1, 2.6, lighter(coat, -0.1))
        + circle(nose[0] + 1, nose[1] - 1, 2.6, (0.1, 0.08, 0.09))
    )
    return svg


def wolf(b: Brush) -> str:
    """A wolf, head up."""
    coat = b.main("#7d858e")
    build = Build(40, 38, 22, (12, -12), 14, 20, 12, 10, 2.6, 0.36, 5)
    svg, poll, nose = draw(b, build, coat)
    brush_tail = smooth([(-25, -58), (-36, -50), (-45, -32), (-41, -26), (-34, -36), (-26, -48)])
    svg = fill(brush_tail, lighter(coat, -0.05)) + svg
    svg += ear(poll[0] + 1, poll[1] + 1, 10, 1, coat) + circle(
        nose[0] + 1, nose[1] - 1, 1.8, (0.1, 0.09, 0.1)
    )
    return svg + fill(
        smooth([(24, -50), (30, -46), (27, -34), (21, -40)]),
        lighter(coat, 0.16),
        1,
        'stroke="none"',
    )


def elephant(b: Brush) -> str:
    """Trunk, ear and tusk."""
    coat = b.main("#8b8f99")
    build = Build(50, 30, 46, (12, 2), 26, 18, 24, 30, 6.2, 0.7, -2)
    svg, poll, nose = draw(b, build, coat)
    trunk = f"M{nose[0] - 2:.1f},{nose[1] - 6:.1f}C{nose[0] + 9:.1f},{nose[1] + 8:.1f} {nose[0] - 1:.1f},{nose[1] + 26:.1f} {nose[0] + 5:.1f},{nose[1] + 42:.1f}q2,6 7,3"
    svg += stroke(trunk, lighter(coat, -0.04), 8)
    svg += stroke(f"M{nose[0] - 2:.1f},{nose[1] + 5:.1f}q6,8 13,5", b.lit("#f6f0e0"), 3)
    flap = smooth(
        [
            (poll[0] - 8, poll[1] - 2),
            (poll[0] - 22, poll[1] + 4),
            (poll[0] - 21, poll[1] + 24),
            (poll[0] - 10, poll[1] + 30),
            (poll[0] - 2, poll[1] + 14),
        ]
    )
    return tail(-34, -66, -5, 30, 2, coat) + svg + fill(flap, lighter(coat, -0.09))


def giraffe(b: Brush) -> str:
    """Mostly neck."""
    coat = b.main("#e0b25f")
    build = Build(30, 38, 20, (20, -42), 8, 13, 7, 34, 2.0, 0.6, 2)
    svg, poll, _ = draw(b, build, coat)
    patch = b.lit("#96602c")
    for t in range(9):
        svg += ellipse(18 + t * 1.9, -57 - t * 4.6, 2.1, 2.2, patch, 0.85)
    for x, y in (
        (-14, -50),
        (-6, -53),
        (3, -50),
        (10, -54),
        (-9, -43),
        (0, -43),
        (9, -44),
        (-16, -40),
    ):
        svg += ellipse(x, y, 3.1, 2.8, patch, 0.85)
    svg += stroke(f"M{poll[0]:.1f},{poll[1]:.1f}l-1,-6m4,6l0,-6", patch, 1.5)
    return tail(-20, -56, -3, 22, 1.4, coat) + svg + ear(poll[0] - 2, poll[1] + 2, 5, -5, coat)


def camel(b: Brush) -> str:
    """Two humps, one proud head."""
    coat = b.main("#c69355")
    build = Build(42, 40, 22, (24, -20), 11, 17, 9, 12, 2.7, 0.55, 2)
    svg, poll, _ = draw(b, build, coat)
    humps = fill(
        smooth([(-22, -58), (-14, -80), (-4, -64), (4, -66), (12, -80), (20, -58)]),
        lighter(coat, -0.02),
    )
    sag = fill(
        smooth([(22, -58), (34, -50), (46, -72), (42, -84), (34, -66)]), coat, 1, 'stroke="none"'
    )
    return (
        humps
        + svg
        + sag
        + ear(poll[0], poll[1], 5, -3, coat)
        + tail(-26, -56, -4, 24, 1.8, lighter(coat, -0.1))
    )


def lion(b: Brush) -> str:
    """A mane; stripes for a tiger."""
    coat = b.main("#d99a45" if b.word != "tiger" else "#e08a34")
    build = Build(48, 32, 26, (13, -5), 16, 17, 15, 12, 3.6, 0.6, 3)
    svg, poll, nose = draw(b, build, coat)
    svg = (
        stroke("M-29,-54C-46,-58 -44,-30 -52,-36", coat, 2.6)
        + circle(-52, -36, 3.4, lighter(coat, -0.2))
        + svg
    )
    if b.word in ("tiger", "leopard"):
        dark = b.lit("#2b1d18")
        marks = "".join(
            f"M{x},-{59 - abs(x) * 0.05:.0f}q3,9 -2,{15 if x % 2 else 19}"
            for x in range(-24, 24, 7)
        )
        svg += stroke(marks, dark, 2.0)
    elif b.word != "lioness":
        mane = [
            (
                poll[0] + 4 + 17 * math.cos(a) * (1 + 0.12 * (k % 2)),
                poll[1] + 7 + 19 * math.sin(a) * (1 + 0.12 * (k % 2)),
            )
            for k, a in enumerate(i * math.tau / 16 for i in range(16))
        ]
        face = smooth(
            [
                (poll[0] - 3, poll[1] - 2),
                (poll[0] + 8, poll[1] - 3),
                (nose[0] + 1, nose[1] - 4),
                (nose[0] + 2, nose[1] + 2),
                (poll[0] + 7, poll[1] + 16),
                (poll[0] - 2, poll[1] + 11),
            ]
        )
        svg += fill(smooth(mane), lighter(coat, -0.2)) + fill(face, lighter(coat, 0.03))
        svg += circle(poll[0] + 7, poll[1] + 4, 1.3, (0.1, 0.07, 0.07)) + circle(
            poll[0], poll[1] - 3, 3.5, coat
        )
    return svg + circle(nose[0] + 1, nose[1] - 1, 1.9, (0.12, 0.08, 0.08))
