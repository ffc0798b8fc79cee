"""Water: its surface, what it mirrors, the sun's road on it, and waves when it blows."""

# ruff: noqa: E501, PLR0917  (coordinates and word lists read better in long rows)

from safelight.providers.sketch.colour import Colour, lighter, mix
from safelight.providers.sketch.pen import Point, box, fill, line, number, smooth
from safelight.providers.sketch.stage import Stage

WATER_DEPTH = 0.62  # what lies deeper in the picture is mirrored


def surface(stage: Stage, y: float, *, calm: float = 0.6) -> None:
    """Water from y to the lower edge. calm: 1 is a mirror, 0 a rough sea."""
    stage.water_line = y
    body = stage.material("water", "sea")
    for place in ("lake", "river"):
        if place in stage.scene.place_colours:
            body = stage.scene.place_colours[place]
    _, middle, horizon = stage.light.sky
    far = mix(stage.lit(body, 0.55), horizon, 0.45)
    near = mix(stage.lit(lighter(body, -0.12), 0.0), middle, 0.12)
    paint = stage.gradient((far, 1), (mix(far, near, 0.55), 1), (near, 1))
    stage.add(
        WATER_DEPTH,
        fill(box(-20, y, stage.width + 40, stage.height - y + 40), paint),
        outlined=False,
    )
    ripples(stage, y, calm, near, mix(far, (1.0, 1.0, 1.0), 0.25))
    if not stage.scene.weather & {"storm", "fog", "rain"}:
        _sun_road(stage, y)


def _lens(x: float, y: float, half: float, thick: float) -> str:
    return (
        f"M{number(x - half)},{number(y)}Q{number(x)},{number(y - thick)} {number(x + half)},{number(y)}"
        f"Q{number(x)},{number(y + thick)} {number(x - half)},{number(y)}Z"
    )


def ripples(stage: Stage, y: float, calm: float, dark: Colour, pale: Colour) -> None:
    """Flat strokes that grow towards the viewer."""
    rng = stage.rng("ripples")
    depth = stage.height - y
    strokes = ["", ""]
    for index in range(min(300, round(110 * max(1.0, stage.width / 1000)))):
        near = rng.random() ** 1.4
        at = y + 3 + near * depth
        half = (14 + 120 * near) * rng.uniform(0.5, 1.4)
        thick = (0.8 + 7 * near) * (1.3 - 0.7 * calm)
        strokes[index % 2] += _lens(rng.uniform(0, stage.width), at, half, thick)
    svg = fill(strokes[0], lighter(dark, -0.03), 0.30) + fill(strokes[1], pale, 0.26)
    stage.add(WATER_DEPTH - 0.01, svg, outlined=False)


def _sun_road(stage: Stage, y: float) -> None:
    rng = stage.rng("sun road")
    sun_x = stage.sun[0]
    if not -100 < sun_x < stage.width + 100:
        return
    depth = stage.height - y
    low = 1 - stage.light.sun_height
    strokes = ""
    for index in range(64):
        near = (index / 64) ** 1.35
        half = (6 + (20 + 60 * low) * rng.uniform(0.2, 1.0)) * (0.5 + 1.1 * near)
        drift = rng.gauss(0, 10 + 95 * near * (0.4 + 0.6 * low))
        strokes += _lens(sun_x + drift, y + 4 + near * depth * 0.9, half, 1.2 + 4.6 * near)
    shine = 0.5 if stage.light.time != "noon" else 0.34
    stage.add(WATER_DEPTH - 0.02, fill(strokes, stage.light.sun, shine), outlined=False)


def rollers(stage: Stage, y: float) -> None:
    """Storm waves: crests with foam, larger the nearer they are."""
    rng = stage.rng("rollers")
    body = stage.material("water", "sea")
    for row in range(6):
        near = ((row + 0.6) / 6) ** 1.25
        depth = WATER_DEPTH - 0.05 - 0.5 * near
        base = y + near * (stage.height - y) * 0.98
        tall = 16 + 84 * near
        crest: list[Point] = []
        x = -120.0 - rng.uniform(0, 200)
        tips = []
        while x < stage.width + 150:
            length = (90 + 330 * near) * rng.uniform(0.7, 1.3)
            height = tall * rng.uniform(0.55, 1.1)
            tip = (x + length * 0.56, base - height)
            crest += [
                (x, base),
                (x + length * 0.3, base - height * 0.42),
                tip,
                (x + length * 0.66, base - height * 0.5),
            ]
            tips.append((tip, height, length))
            x += length
        crest.append((x, base))
        top = stage.lit(lighter(mix(body, (0.55, 0.75, 0.72), 0.25), 0.07), depth * 0.7)
        foot = stage.lit(lighter(body, -0.16), depth * 0.6)
        outline = (
            smooth(crest, closed=False)
            + f"L{number(x)},{number(stage.height + 40)}L-400,{number(stage.height + 40)}Z"
        )
        svg = fill(outline, stage.gradient((top, 1), (foot, 1), (foot, 1)))
        foam = stage.lit((0.97, 0.99, 1.0), depth * 0.5, keep=0.35)
        for (tx, ty), height, length in tips:
            cap = [
                (tx - length * 0.24, ty + height * 0.5),
                (tx - length * 0.08, ty + height * 0.1),
                (tx, ty - 3),
                (tx + length * 0.1, ty + height * 0.5),
                (tx + length * 0.02, ty + height * 0.28),
                (tx - length * 0.1, ty + height * 0.34),
            ]
            svg += fill(smooth(cap), foam, 0.85, 'stroke="none"')
            for _ in range(3):
                sx = tx + rng.uniform(-0.1, 0.3) * length
                svg += fill(
                    _lens(sx, ty + height * rng.uniform(0.6, 1.1), length * 0.16, 3 + 4 * near),
                    foam,
                    0.4,
                    'stroke="none"',
                )
        stage.add(depth, svg, mirrored=False)


def headland(stage: Stage, x: float, y: float, width: float, rise: float, depth: float) -> float:
    """A rocky point in the water at x; returns the y of its top."""
    rng = stage.rng(f"headland {round(depth, 2)}")
    rock = stage.material("rock")
    points: list[Point] = []
    for step in range(13):
        t = step / 12
        lift = max(0.0, 1 - abs(t - 0.5) * 2) ** 0.55
        flat = min(lift, 0.86) / 0.86
        points.append(
            (
                x - width / 2 + width * t + rng.uniform(-0.02, 0.02) * width,
                y - rise * flat + rng.uniform(-0.06, 0.10) * rise * (0 < step < 12),
            )
        )
    top = min(points[5][1], points[6][1], points[7][1])
    points[6] = (points[6][0], top)
    lit, dark = stage.lit(lighter(rock, -0.05), depth), stage.lit(lighter(rock, -0.25), depth)
    svg = fill(
        line([*points, (x + width / 2, y + 14), (x - width / 2, y + 14)]),
        stage.gradient((lit, 1), (dark, 1)),
    )
    for _ in range(9):
        fx, fy = x + rng.uniform(-0.36, 0.36) * width, y - rise * rng.uniform(0.05, 0.62)
        s = width * rng.uniform(0.05, 0.1)
        facet = [
            (fx, fy - s * 0.5),
            (fx + s * 0.8, fy),
            (fx + s * 0.3, fy + s * 0.6),
            (fx - s * 0.5, fy + s * 0.3),
        ]
        svg += fill(
            line(facet),
            rng.choice((lighter(lit, 0.06), lighter(dark, 0.05))),
            0.45,
            'stroke="none"',
        )
    grass = stage.lit(stage.material("grass"), depth)
    hem = [(px, py + rng.uniform(2, 14)) for px, py in points[3:10]]
    svg += fill(smooth([*points[3:10], *hem[::-1]]), grass)
    foam = stage.lit((0.97, 0.98, 1.0), depth, keep=0.3)
    for _ in range(14):
        svg += fill(
            _lens(
                x + rng.uniform(-0.54, 0.54) * width,
                y + rng.uniform(2, 20),
                width * rng.uniform(0.03, 0.10),
                4,
            ),
            foam,
            0.6,
            'stroke="none"',
        )
    stage.add(depth, svg, mirrored=False)
    return top
