"""Turns points into SVG: every mark in a picture goes through here. Only numbers and colours enter
the markup, never words of the prompt, so a prompt cannot inject anything."""

# ruff: noqa: PLR0917  (x, y, width, height are understood in this order)

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random

from safelight.providers.sketch.colour import Colour, to_hex

Point = tuple[float, float]


def number(value: float) -> str:
    """Short decimal; a tenth of a unit is a quarter of a pixel at most."""
    return f"{value:.1f}".removesuffix(".0")


def line(points: Iterable[Point], *, closed: bool = True) -> str:
    """A path through the points with straight edges."""
    body = "L".join(f"{number(x)},{number(y)}" for x, y in points)
    return f"M{body}{'Z' if closed else ''}"


def smooth(points: Sequence[Point], *, closed: bool = True) -> str:
    """A soft path through the points (Catmull-Rom as Bezier curves)."""
    count = len(points)

    def at(index: int) -> Point:
        return points[index % count] if closed else points[min(count - 1, max(0, index))]

    parts = [f"M{number(points[0][0])},{number(points[0][1])}"]
    for index in range(count if closed else count - 1):
        before, start, end, after = (at(index + offset) for offset in (-1, 0, 1, 2))
        ax, ay = start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6
        bx, by = end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6
        parts.append(
            "C" + " ".join(f"{number(x)},{number(y)}" for x, y in ((ax, ay), (bx, by), end))
        )
    return "".join(parts) + ("Z" if closed else "")


def fill(d: str, colour: Colour | str, opacity: float = 1.0, extra: str = "") -> str:
    """A filled path. `fill-opacity`, not `opacity`: the latter costs an extra surface per shape."""
    paint = colour if isinstance(colour, str) else to_hex(colour)
    veil = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<path d="{d}" fill="{paint}"{veil}{" " + extra if extra else ""}/>'


def stroke(d: str, colour: Colour | str, width: float, opacity: float = 1.0) -> str:
    """A drawn line with round ends."""
    paint = colour if isinstance(colour, str) else to_hex(colour)
    veil = f' stroke-opacity="{opacity:.2f}"' if opacity < 1 else ""
    return (
        f'<path d="{d}" fill="none" stroke="{paint}" stroke-width="{width:.2f}"'
        f' stroke-linecap="round" stroke-linejoin="round"{veil}/>'
    )


def circle(x: float, y: float, radius: float, colour: Colour | str, opacity: float = 1.0) -> str:
    """A filled disc."""
    return ellipse(x, y, radius, radius, colour, opacity)


def ellipse(
    x: float, y: float, rx: float, ry: float, colour: Colour | str, opacity: float = 1.0
) -> str:
    """A filled ellipse."""
    paint = colour if isinstance(colour, str) else to_hex(colour)
    veil = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.2f}" ry="{ry:.2f}" fill="{paint}"{veil}/>'


def box(x: float, y: float, width: float, height: float) -> str:
    """A rectangle as a path."""
    return f"M{number(x)},{number(y)}h{number(width)}v{number(height)}h{number(-width)}Z"


def blob(
    rng: Random, x: float, y: float, rx: float, ry: float, wobble: float = 0.15, points: int = 9
) -> str:
    """A round but hand-made outline."""
    turn = rng.random() * math.tau
    ring = []
    for index in range(points):
        angle = turn + index * math.tau / points
        reach = 1 + rng.uniform(-wobble, wobble)
        ring.append((x + rx * reach * math.cos(angle), y + ry * reach * math.sin(angle)))
    return smooth(ring)


def ridge(rng: Random, width: float, rough: float, detail: int, peaks: int = 3) -> list[float]:
    """A skyline: heights 0..1, evenly spaced, by midpoint displacement.

    rough: 0 gives rolling hills, 1 crags. detail: doublings. peaks: wanted over one `width`.
    """
    heights = [rng.random() for _ in range(max(2, peaks) + 1)]
    spread = 0.5
    for _ in range(detail):
        spread *= 0.35 + 0.25 * rough
        finer = [heights[0]]
        for left, right in pairwise(heights):
            finer += [(left + right) / 2 + rng.uniform(-spread, spread), right]
        heights = finer
    low, high = min(heights), max(heights)
    return [(height - low) / (high - low or 1) for height in heights]


def group(
    inner: str, x: float, y: float, scale: float, *, flip: bool = False, ink: str = ""
) -> str:
    """Place a drawing made around the origin. Outlines keep their width whatever the scale."""
    across = -scale if flip else scale
    place = f"translate({x:.1f} {y:.1f}) scale({across:.3f} {scale:.3f})"
    return f'<g transform="{place}"{ink}>{inner}</g>'
