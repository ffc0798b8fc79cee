"""Shapes for their own sake."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

import math
from random import Random

from safelight.providers.sketch.colour import Colour, lighter, mix, parse
from safelight.providers.sketch.pen import blob, box, circle, fill, line, number, smooth, stroke
from safelight.providers.sketch.scenes import land
from safelight.providers.sketch.stage import Stage

PRINTS = (
    ("#f3e9d2", "#e4572e", "#17374f", "#f2b134", "#4f8f8b"),
    ("#f6eee3", "#d1495b", "#30638e", "#edae49", "#00798c"),
    ("#ece5d8", "#2b3a67", "#f2695c", "#f9c74f", "#8aa399"),
    ("#f1ede4", "#274c43", "#e08d79", "#d9b44a", "#8c5e58"),
    ("#1f2033", "#ef476f", "#ffd166", "#06d6a0", "#5aa9e6"),
)


def abstract(stage: Stage) -> None:
    """Shapes in balance."""
    rng = stage.rng("abstract")
    paper, *inks = [parse(code) for code in rng.choice(PRINTS)]
    named = list(stage.scene.colours)
    if named:
        inks = [named[i % len(named)] if i < max(2, len(named)) else c for i, c in enumerate(inks)]
        inks[-1] = lighter(named[0], -0.2)
        paper = mix(paper, named[0], 0.08)
    if stage.light.time == "night":
        paper = mix(paper, (0.05, 0.06, 0.14), 0.85)
    stage.backdrop = (lighter(paper, 0.02), paper, lighter(paper, -0.03))
    (_orbits, _waves, _blocks, _leaves)[rng.randrange(4)](stage, rng, inks)


def _orbits(stage: Stage, rng: Random, inks: list[Colour]) -> None:
    w, h = stage.width, stage.height
    cx, cy, r = (
        w * rng.uniform(0.38, 0.62),
        h * rng.uniform(0.35, 0.55),
        min(w, h) * rng.uniform(0.2, 0.27),
    )
    stage.add(0.9, circle(cx, cy, r, inks[0]))
    stage.add(
        0.8,
        f'<path d="M{number(cx - r * 1.5)},{number(cy + r * 0.9)}A{number(r)},{number(r)} 0 0 1 {number(cx + r * 0.5)},{number(cy + r * 0.9)}Z" fill="{stage.gradient((inks[1], 1), (lighter(inks[1], -0.1), 1))}"/>',
    )
    rings = ""
    for k in range(6):
        rings += f"M{number(cx - r * (1.25 + k * 0.11))},{number(cy)}a{number(r * (1.25 + k * 0.11))},{number(r * (1.25 + k * 0.11))} 0 0 1 {number(r * (1.25 + k * 0.11))},{number(-r * (1.25 + k * 0.11))}"
    stage.add(0.7, stroke(rings, inks[2], 7), outlined=False)
    for _ in range(11):
        x, y, s = rng.uniform(0.06, 0.94) * w, rng.uniform(0.06, 0.94) * h, rng.uniform(14, 60)
        ink = rng.choice(inks)
        kind = rng.randrange(4)
        if kind == 0:
            svg = circle(x, y, s, ink)
        elif kind == 1:
            svg = fill(line([(x, y - s), (x + s, y + s * 0.8), (x - s, y + s * 0.8)]), ink)
        elif kind == 2:
            svg = stroke(
                "".join(f"M{number(x - s)},{number(y + k * 13)}h{number(s * 2)}" for k in range(4)),
                ink,
                5,
            )
        else:
            svg = stroke(
                f"M{number(x - s)},{number(y)}a{number(s)},{number(s)} 0 0 1 {number(2 * s)},0",
                ink,
                9,
            )
        stage.add(rng.uniform(0.2, 0.65), svg, outlined=kind < 2)
    x0, x1 = w * 0.05, w * 0.95
    stage.add(
        0.3,
        stroke(
            f"M{number(x0)},{number(h * rng.uniform(0.6, 0.95))}L{number(x1)},{number(h * rng.uniform(0.1, 0.5))}",
            lighter(inks[1], -0.15),
            4,
        ),
        outlined=False,
    )


def _waves(stage: Stage, rng: Random, inks: list[Colour]) -> None:
    w, h = stage.width, stage.height
    stage.add(
        0.95,
        circle(w * rng.uniform(0.3, 0.7), h * rng.uniform(0.2, 0.32), min(w, h) * 0.14, inks[0]),
    )
    rows = 9
    for row in range(rows):
        y, phase = h * (0.3 + 0.09 * row), rng.random() * math.tau
        crest = [
            (
                x / 14 * w * 1.1 - w * 0.05,
                y + 46 * math.sin(x * 0.75 + phase) + 20 * math.sin(x * 1.7 + row),
            )
            for x in range(15)
        ]
        ink = mix(inks[row % len(inks)], inks[(row + 1) % len(inks)], rng.random() * 0.5)
        stage.add(
            0.9 - row * 0.09,
            land.ground(
                stage, crest, stage.gradient((lighter(ink, 0.05), 1), (lighter(ink, -0.08), 1))
            ),
        )


def _blocks(stage: Stage, rng: Random, inks: list[Colour]) -> None:
    w, h = stage.width, stage.height
    cells = [(0.0, 0.0, w, h)]
    for _ in range(15):
        cells.sort(key=lambda c: -c[2] * c[3])
        x, y, cw, ch = cells.pop(0)
        cut = rng.choice((0.33, 0.38, 0.5, 0.62))
        cells += (
            [(x, y, cw * cut, ch), (x + cw * cut, y, cw * (1 - cut), ch)]
            if cw > ch
            else [(x, y, cw, ch * cut), (x, y + ch * cut, cw, ch * (1 - cut))]
        )
    for x, y, cw, ch in cells:
        ink = rng.choice(inks)
        gap = 9
        kind = rng.random()
        svg = fill(box(x + gap, y + gap, cw - 2 * gap, ch - 2 * gap), ink) if kind < 0.72 else ""
        other = rng.choice([c for c in inks if c != ink] or inks)
        r = min(cw, ch) / 2 - gap
        if r > 12 and rng.random() < 0.6:
            if rng.random() < 0.5:
                svg += circle(x + cw / 2, y + ch / 2, r * 0.72, other)
            else:
                svg += fill(
                    f"M{number(x + gap)},{number(y + gap)}h{number(2 * r)}A{number(2 * r)},{number(2 * r)} 0 0 1 {number(x + gap)},{number(y + gap + 2 * r)}Z",
                    other,
                )
        if svg:
            stage.add(0.6, svg)


def _leaves(stage: Stage, rng: Random, inks: list[Colour]) -> None:
    """Cut-paper leaves, after nobody in particular."""
    w, h = stage.width, stage.height
    for index in range(5):
        stage.add(
            0.9,
            fill(
                blob(rng, w * rng.uniform(0.1, 0.9), h * rng.uniform(0.1, 0.9), 230, 200, 0.3),
                mix(inks[index % len(inks)], (1.0, 0.98, 0.93), 0.35),
            ),
        )
    for index in range(12):
        x, y, s, turn = (
            rng.uniform(0.08, 0.92) * w,
            rng.uniform(0.1, 0.95) * h,
            rng.uniform(80, 190),
            rng.uniform(-70, 70),
        )
        left, right = [], []
        for k in range(6):
            at = -s * k / 5
            reach = s * 0.36 * math.sin(math.pi * (k + 0.7) / 6)
            left += [(-reach, at - s * 0.08), (-reach * 0.3, at - s * 0.1)]
            right += [(reach, at - s * 0.08), (reach * 0.3, at - s * 0.1)]
        leaf = smooth([(0, 0), *right, (0, -s * 1.2), *left[::-1]])
        stage.add(
            0.6 - index * 0.03,
            f'<g transform="translate({x:.1f} {y:.1f}) rotate({turn:.1f})">{fill(leaf, inks[index % len(inks)])}</g>',
        )
