"""Trees, flowers and mushrooms that stand alone."""

# ruff: noqa: E501, PLR0917  (coordinates and word lists read better in long rows)

import math

from safelight.providers.sketch.colour import lighter, mix, to_hex
from safelight.providers.sketch.pen import blob, circle, ellipse, fill, line, smooth, stroke
from safelight.providers.sketch.things.brush import Brush


def tree(b: Brush) -> str:
    """A leafy tree in the colours of the season; bare in winter."""
    rng, season = b.rng, b.stage.season
    bark = b.lit("#6b4c35")
    trunk = smooth([(-6, 0), (-4, -22), (-5, -44), (5, -44), (4, -22), (7, 0)])
    svg = fill(trunk, b.round(bark)) + stroke("M0,-36L-18,-62M0,-34L17,-60M0,-40L2,-70", bark, 4)
    if season == "winter" and not b.colour:
        return svg + stroke(_twigs(b, 0, -40, -90, 26, 4), bark, 1.8)
    code = {
        "spring": "#8fbf5a",
        "summer": "#4b8b45",
        "autumn": rng.choice(("#d9782b", "#c9542b", "#e0a032")),
    }.get(season, "#8a7f78")
    if b.word in ("blossom", "cherry") or (season == "spring" and b.stage.scene.has("flower")):
        code = "#f2b6c6"
    leaves = b.main(code)
    for k, (dark, spread) in enumerate(((-0.1, 1.0), (0.0, 0.86), (0.07, 0.6))):
        d = ""
        for i in range(7):
            angle = math.pi * (1.05 + 0.9 * i / 6)
            d += blob(
                rng,
                b.stage.side * k * 3 + 25 * spread * math.cos(angle),
                -62 + 24 * spread * math.sin(angle) - k * 2,
                18 * (1 - 0.12 * k),
                15 * (1 - 0.1 * k),
                0.12,
            )
        d += blob(rng, b.stage.side * k * 3, -64 - k * 4, 26 * spread, 22 * spread)
        svg += fill(d, lighter(leaves, dark), 1, "" if k == 0 else 'stroke="none"')
    flecks = "".join(
        blob(rng, rng.gauss(b.stage.side * 8, 20), rng.gauss(-70, 13), 2.6, 2, 0.2, 5)
        for _ in range(26)
    )
    return svg + fill(flecks, lighter(leaves, 0.12), 0.7, 'stroke="none"')


def _twigs(b: Brush, x: float, y: float, angle: float, length: float, level: int) -> str:
    x2, y2 = x + length * math.cos(math.radians(angle)), y + length * math.sin(math.radians(angle))
    d = f"M{x:.1f},{y:.1f}L{x2:.1f},{y2:.1f}"
    if level:
        for turn in (-b.rng.uniform(18, 34), b.rng.uniform(18, 34)):
            d += _twigs(b, x2, y2, angle + turn, length * 0.7, level - 1)
    return d


def pine(b: Brush) -> str:
    """A fir."""
    needles = b.main("#2f6650")
    svg = fill("M-3,-14h6V0h-6Z", b.lit("#5b4232"))
    for k in range(5):
        y, w = -14 - k * 16, 31 - k * 5.4
        tier = [
            (-w, y),
            (-w * 0.5, y - 14),
            (0, y - 30),
            (w * 0.5, y - 14),
            (w, y),
            (w * 0.5, y + 3),
            (0, y - 1),
            (-w * 0.5, y + 3),
        ]
        svg += fill(line(tier), b.round(lighter(needles, 0.018 * k)))
        if b.stage.season == "winter":
            svg += fill(
                smooth(
                    [
                        (-w * 0.75, y - 5),
                        (-w * 0.4, y - 16),
                        (0, y - 30),
                        (w * 0.4, y - 16),
                        (w * 0.5, y - 8),
                        (0, y - 13),
                    ]
                ),
                b.lit("#f4f8fc", 0.2),
                0.9,
                'stroke="none"',
            )
    return svg


def palm(b: Brush) -> str:
    """Leaning towards the light."""
    trunk, leaf = b.lit("#8d6b47"), b.main("#3f8f4d")
    s = b.stage.side
    svg = fill(
        smooth(
            [(-5, 0), (s * 4 - 3, -30), (s * 14 - 2, -66), (s * 14 + 3, -66), (s * 9, -30), (5, 0)]
        ),
        b.round(trunk),
    )
    top = (s * 14.0, -67.0)
    for k, angle in enumerate((-172, -148, -118, -90, -60, -30, -6, 14, 166)):
        a = math.radians(angle)
        mid = (top[0] + 20 * math.cos(a), top[1] + 20 * math.sin(a) - 5)
        tip = (top[0] + 40 * math.cos(a), top[1] + 32 * math.sin(a) + 15)
        d = f"M{top[0]},{top[1]}Q{mid[0]:.1f},{mid[1] - 5:.1f} {tip[0]:.1f},{tip[1]:.1f}Q{mid[0]:.1f},{mid[1] + 5:.1f} {top[0]},{top[1] + 2}Z"
        svg += fill(d, lighter(leaf, 0.05 * (k % 3 - 1)))
    return (
        svg
        + circle(top[0] - 3, top[1] + 4, 3, b.lit("#6b4a2f"))
        + circle(top[0] + 4, top[1] + 4, 3, b.lit("#7a5636"))
    )


def cactus(b: Brush) -> str:
    """Saguaro with raised arms."""
    flesh = b.main("#4f8a4d")
    arms = stroke("M0,-36H-24V-62M0,-48H22V-76", flesh, 13)
    body = fill("M-10,0V-88a10,10 0 0 1 20,0V0Z", b.round(flesh))
    ribs = stroke("M-4,-4V-90M4,-4V-90M-24,-44V-60M22,-56V-74", lighter(flesh, -0.1), 1.2)
    return (
        arms
        + body
        + ribs
        + circle(0, -100, 4, b.lit("#ef7fa0", 0.3))
        + circle(22, -83, 3.5, b.lit("#ef7fa0", 0.3))
    )


def flower(b: Brush) -> str:
    """One proud flower: tulip, sunflower, rose or daisy, as the prompt says."""
    rng, word = b.rng, b.word
    kind = next(
        (
            k
            for k in ("tulip", "sunflower", "rose", "lavender", "poppy", "poppie", "daisy")
            if word.startswith(k)
        ),
        rng.choice(("daisy", "tulip", "poppy")),
    )
    codes = {
        "tulip": "#e2483f",
        "sunflower": "#f5bf24",
        "rose": "#d0304f",
        "lavender": "#8f78d2",
        "daisy": "#faf7ee",
    }
    petal = b.main(codes.get(kind, "#e8452f"))
    leaf = b.lit("#4f8a45")
    svg = stroke("M0,0C4,-24 -4,-46 0,-70", leaf, 2.6)
    svg += fill(
        smooth([(0, -8), (14, -26), (20, -44), (8, -34), (1, -18)])
        + smooth([(0, -16), (-13, -30), (-20, -46), (-8, -38), (-1, -26)]),
        leaf,
    )
    if kind == "tulip":
        svg += fill(
            smooth(
                [
                    (0, -66),
                    (-13, -72),
                    (-14, -90),
                    (-9, -102),
                    (-4, -92),
                    (0, -104),
                    (4, -92),
                    (9, -102),
                    (14, -90),
                    (13, -72),
                ]
            ),
            b.down(petal),
        )
        return svg + fill(
            smooth([(0, -66), (-6, -78), (0, -100), (6, -78)]),
            lighter(petal, 0.06),
            1,
            'stroke="none"',
        )
    if kind == "lavender":
        return svg + fill(
            "".join(
                blob(
                    rng,
                    rng.uniform(-3, 3) * (1.6 - k / 12),
                    -60 - k * 3.4,
                    4.2 - k * 0.18,
                    3,
                    0.2,
                    6,
                )
                for k in range(13)
            ),
            petal,
        )
    if kind == "rose":
        for ring, (r, size) in enumerate(((13, 10.5), (8.5, 8.5), (4, 6.5), (0, 4.5))):
            for k in range(6 if r else 1):
                a = k * math.tau / 6 + ring * 0.5
                svg += ellipse(
                    r * math.cos(a),
                    -84 + r * 0.86 * math.sin(a),
                    size,
                    size * 0.9,
                    lighter(petal, (-0.10, -0.03, 0.04, -0.08)[ring] + 0.015 * (k % 2)),
                )
        return svg + stroke("M-3,-85q3,-4 6,0q-1,5 -6,4", lighter(petal, -0.16), 1.2)
    count, long, wide = {"sunflower": (16, 20, 4.6), "daisy": (12, 17, 4.4)}.get(kind, (5, 17, 11))
    for k in range(count):
        svg += f'<ellipse cx="0" cy="{-long * 0.72:.1f}" rx="{wide}" ry="{long * 0.62:.1f}" fill="{to_hex(lighter(petal, 0.045 * (k % 2)))}" transform="translate(0 -80) rotate({k * 360 / count:.1f})"/>'
    heart = b.lit(
        "#5a3a22" if kind == "sunflower" else "#f2b632" if kind == "daisy" else "#2b2028", 0.2
    )
    return svg + circle(0, -80, 9 if kind == "sunflower" else 6, heart)


def mushroom(b: Brush) -> str:
    """Red cap, white dots."""
    cap, stem = b.main("#d43a2f"), b.lit("#f3ead9", 0.2)
    svg = fill(
        smooth([(-11, 0), (-8, -30), (-10, -52), (10, -52), (8, -30), (12, 0), (0, 4)]),
        b.round(stem),
    )
    svg += fill(
        smooth(
            [
                (-44, -46),
                (-38, -72),
                (-16, -92),
                (0, -96),
                (16, -92),
                (38, -72),
                (44, -46),
                (0, -38),
            ]
        ),
        b.down(cap),
    )
    for x, y, r in (
        (-22, -66, 6),
        (2, -80, 7),
        (22, -62, 5.5),
        (-6, -56, 4.5),
        (-34, -54, 3.5),
        (34, -52, 3),
    ):
        svg += ellipse(x, y, r, r * 0.8, b.lit("#fbf6ea", 0.3))
    return svg + fill(
        smooth([(-40, -45), (0, -40), (40, -45), (0, -36)]), mix(stem, cap, 0.2), 1, 'stroke="none"'
    )
