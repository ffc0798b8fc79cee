"""Pieces of landscape that several scenes share: ranges, hills, trees in numbers."""

# ruff: noqa: E501, PLR0917  (coordinates and word lists read better in long rows)

import math
from itertools import pairwise
from random import Random

from safelight.providers.sketch.colour import Colour, lighter, mix, parse, under
from safelight.providers.sketch.pen import Point, blob, fill, line, number, ridge, smooth
from safelight.providers.sketch.stage import Stage


def skyline(
    rng: Random, stage: Stage, y: float, rise: float, rough: float, peaks: float
) -> list[Point]:
    """Points of a ridge across the whole width; `peaks` per 1000 units."""
    wanted = min(200, max(2, round(peaks * stage.width / 1000)))
    detail = 6 if rough > 0.5 else 4
    while wanted << detail > 420 and detail > 1:
        detail -= 1
    heights = ridge(rng, stage.width, rough, detail, wanted)
    step = stage.width * 1.06 / (len(heights) - 1)
    return [(index * step - stage.width * 0.03, y - rise * h) for index, h in enumerate(heights)]


def ground(stage: Stage, crest: list[Point], paint: Colour | str, *, soft: bool = True) -> str:
    """Everything below a crest line."""
    bottom = stage.height + 40
    top = smooth(crest, closed=False) if soft else line(crest, closed=False)
    last, first = crest[-1][0], crest[0][0]
    return fill(f"{top}L{number(last)},{number(bottom)}L{number(first)},{number(bottom)}Z", paint)


def mountains(stage: Stage, topic: str, depth: float, y: float, rise: float, peaks: float) -> None:
    """A range with a sunny and a shady side, and snow where it is high enough."""
    rng = stage.rng(topic)
    crest = skyline(rng, stage, y, rise, 0.72, peaks)
    rock = stage.material("rock", "mountains")
    top, foot = stage.lit(rock, depth), stage.lit(lighter(rock, 0.04), min(1.0, depth + 0.3))
    svg = ground(stage, crest, stage.gradient((top, 1), (foot, 1)), soft=False)
    svg += _shady_sides(stage, rng, crest, y, lighter(top, -0.075), foot)
    if "mountains" not in stage.scene.place_colours:
        share = {"winter": 0.25, "spring": 0.5}.get(stage.season, 0.62)
        svg += _snow(stage, rng, crest, y - rise * share, stage.lit((0.96, 0.98, 1.0), depth * 0.6))
    stage.add(depth, svg)


def _shady_sides(
    stage: Stage, rng: Random, crest: list[Point], y: float, shade: Colour, foot: Colour
) -> str:
    paint = stage.gradient((shade, 0.9), (mix(shade, foot, 0.5), 0.0))
    parts = []
    reach = max(2, len(crest) // 60)
    for i in range(reach, len(crest) - reach):
        around = crest[i - reach : i + reach + 1]
        if crest[i][1] > min(p[1] for p in around):
            continue
        step, j = (-1 if stage.side > 0 else 1), i
        while 0 < j < len(crest) - 1 and not (
            crest[j][1] >= max(p[1] for p in crest[max(0, j - reach) : j + reach + 1]) and j != i
        ):
            j += step
        flank = crest[i : j + 1] if step > 0 else crest[j : i + 1][::-1]
        x, top = crest[i]
        spine = [(x, top)]
        depth = (y - top) * rng.uniform(0.75, 1.0)
        spine += (
            (x + rng.uniform(-0.05, 0.09) * depth * -step, top + depth * part / 6)
            for part in range(1, 7)
        )
        parts.append(
            fill(
                line([*flank, (flank[-1][0], top + depth), *reversed(spine)]),
                paint,
                1,
                'stroke="none"',
            )
        )
    return "".join(parts)


def _snow(stage: Stage, rng: Random, crest: list[Point], snow_line: float, colour: Colour) -> str:
    parts: list[str] = []
    run: list[Point] = []
    shade = under(colour, (0.72, 0.80, 0.95))
    for point in [*crest, (0.0, 1e9)]:
        if point[1] < snow_line:
            run.append(point)
            continue
        if len(run) > 2:
            hem = [
                (
                    x + rng.uniform(-3, 3),
                    y + (snow_line - y) * (rng.uniform(0.35, 0.6), rng.uniform(0.75, 1.1))[i % 2],
                )
                for i, (x, y) in enumerate(run)
            ]
            parts.append(fill(line(run + hem[::-1]), colour, 0.95, 'stroke="none"'))
            peak = min(range(len(run)), key=lambda i: run[i][1])
            half = slice(None, peak + 1) if stage.side > 0 else slice(peak, None)
            if len(run[half]) > 1:
                parts.append(fill(line(run[half] + hem[half][::-1]), shade, 0.75, 'stroke="none"'))
        run = []
    return "".join(parts)


def hills(
    stage: Stage,
    topic: str,
    depth: float,
    y: float,
    rise: float,
    colour: Colour,
    peaks: float = 2.0,
) -> list[Point]:
    """Rolling ground; the crest catches the light. Returns the crest for things to stand on."""
    crest = skyline(stage.rng(topic), stage, y, rise, 0.0, peaks)
    top, foot = (
        stage.lit(lighter(colour, 0.05), depth),
        stage.lit(lighter(colour, -0.09), max(0.0, depth - 0.25)),
    )
    stage.add(depth, ground(stage, crest, stage.gradient((top, 1), (foot, 1))))
    return crest


def pine(rng: Random, x: float, y: float, height: float, wide: float = 0.42) -> str:
    """Outline of a fir, as path data so that a whole wood is one element."""
    tiers = 5 if height > 40 else 3
    half = height * wide / 2
    left, right = [], []
    for tier in range(tiers):
        low = y - height * 0.08 - height * 0.86 * (1 - (tier + 1) / tiers)
        reach = half * (0.3 + 0.7 * (tier + 1) / tiers) * rng.uniform(0.85, 1.15)
        right += [(x + reach, low), (x + reach * 0.45, low - height * 0.02)]
        left += [(x - reach * rng.uniform(0.85, 1.1), low), (x - reach * 0.45, low - height * 0.02)]
    trunk = height * 0.025
    outline = [(x, y - height), *right[:-1], (x + trunk, right[-2][1]), (x + trunk, y)]
    outline += [(x - trunk, y), (x - trunk, left[-2][1]), *left[:-1][::-1]]
    return line(outline)


def crown(
    rng: Random, x: float, y: float, height: float, lean: float = 0.0
) -> tuple[str, str, str]:
    """A leafy tree: its crown, the part of it in the light, its trunk."""
    width, trunk = height * rng.uniform(0.5, 0.7), height * 0.02
    bumps = 11 if height > 60 else 7
    ring: list[Point] = []
    turn = rng.random() * math.tau
    for index in range(bumps * 2):
        angle = turn + index * math.pi / bumps
        reach = rng.uniform(0.94, 1.1) if index % 2 else rng.uniform(0.8, 0.92)
        ring.append(
            (
                x + width / 2 * reach * math.cos(angle),
                y - height * 0.64 + height * 0.36 * reach * math.sin(angle),
            )
        )
    bright = "".join(
        blob(
            rng,
            x + lean * width * 0.14 + rng.gauss(0, 0.13) * width,
            y - height * rng.uniform(0.62, 0.9),
            height * 0.1,
            height * 0.07,
            0.3,
            7,
        )
        for _ in range(6 if height > 60 else 1)
    )
    stem = line(
        [
            (x - trunk, y - height * 0.5),
            (x + trunk, y - height * 0.5),
            (x + trunk * 1.4, y - height * 0.04),
            (x + trunk * 2.6, y + 2),
            (x - trunk * 2.6, y + 2),
            (x - trunk * 1.4, y - height * 0.04),
        ]
    )
    return smooth(ring), bright, stem


def height_at(crest: list[Point], x: float) -> float:
    """The crest's y at x."""
    for (x0, y0), (x1, y1) in pairwise(crest):
        if x0 <= x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0 or 1)
    return crest[-1][1]


def treeline(
    stage: Stage, topic: str, depth: float, crest: list[Point], tall: float, colour: Colour,
    *, kind: str = "pine", crowd: float = 1.0, gaps: float = 0.0,
) -> None:  # fmt: skip
    """Trees side by side along a crest."""
    rng = stage.rng(topic)
    x = -20.0
    parts: list[str] = []
    grove = rng.random() * 10

    sunny, stems = "", ""
    while x < stage.width + 20 and len(parts) < 150:
        wave = 0.5 + 0.5 * math.sin(x / 170 + grove) * math.cos(x / 71 + grove * 2)
        if wave >= gaps:
            height = tall * rng.uniform(0.55, 1.0) * (0.7 + 0.5 * wave)
            foot = height_at(crest, x) + 4
            if kind == "pine":
                parts.append(pine(rng, x, foot, height))
            else:
                shape, bright, stem = crown(rng, x, foot, height, stage.side)
                parts.append(shape)
                sunny += bright
                stems += stem
        x += tall * rng.uniform(0.16, 0.42) / crowd * max(1.0, stage.width / 4000)
    if not parts:
        return
    rng.shuffle(parts)
    third = -(-len(parts) // 3)
    svg = fill(stems, stage.lit(parse("#5f4636"), depth)) if stems else ""
    # An autumn wood is of three minds.
    turned = (
        (parse("#e3a63a"), colour, parse("#b5432b"))
        if kind != "pine" and stage.season == "autumn"
        else None
    )
    for index, change in enumerate((0.055, 0.0, -0.045)):
        some = "".join(parts[index * third : (index + 1) * third])
        tint = mix(colour, turned[index], 0.6) if turned else lighter(colour, change)
        if some:
            svg += fill(some, stage.lit(tint, depth))
    if sunny:
        svg += fill(sunny, stage.lit(lighter(colour, 0.1), depth), 0.55, 'stroke="none"')
    stage.add(depth, svg)


def tufts(
    stage: Stage, topic: str, depth: float, y: float, tall: float, colour: Colour, count: int
) -> None:
    """Blades of grass at the lower edge, so that the picture has a near."""
    rng = stage.rng(topic)
    parts = ["", "", ""]
    for index in range(min(260, int(count * stage.width / 1000))):
        x = rng.uniform(-10, stage.width + 10)
        foot = y + rng.uniform(-0.2, 0.5) * tall
        lean, height = rng.uniform(-0.4, 0.4) * tall, tall * rng.uniform(0.5, 1.1)
        w = tall * 0.035
        parts[index % 3] += (
            f"M{number(x - w)},{number(foot)}Q{number(x)},{number(foot - height * 0.6)} {number(x + lean)},{number(foot - height)}"
            f"Q{number(x + w)},{number(foot - height * 0.5)} {number(x + w)},{number(foot)}Z"
        )
    shades = (lighter(colour, -0.12), lighter(colour, -0.06), lighter(colour, 0.02))
    svg = "".join(fill(d, stage.lit(c, depth)) for d, c in zip(parts, shades, strict=True) if d)
    stage.add(depth, svg, outlined=False, mirrored=False)
