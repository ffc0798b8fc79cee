"""What the air does in front of everything: rain, snow, fog, lightning, falling leaves."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

from random import Random

from safelight.providers.sketch.colour import mix, parse
from safelight.providers.sketch.pen import Point, box, fill, line, number, smooth, stroke
from safelight.providers.sketch.stage import Stage


def draw(stage: Stage) -> None:
    """Add the weather the prompt asks for."""
    weather = stage.scene.weather
    if stage.scene.has("lightning") or "storm" in weather:
        lightning(stage)
    if "fog" in weather:
        fog(stage)
    if weather & {"rain", "storm"}:
        rain(stage)
    if "snow" in weather:
        snow(stage)
    if stage.season == "autumn" and stage.scene.season == "autumn":
        falling(stage, ("#d9782b", "#c9542b", "#e0a032"))
    if stage.season == "spring" and stage.scene.season == "spring":
        falling(stage, ("#f6c3d2", "#f9dde4", "#f2a9bf"))


def lightning(stage: Stage) -> None:
    """One or two forked bolts that light up the clouds."""
    rng = stage.rng("lightning")
    svg = ""
    for _ in range(1 if rng.random() < 0.6 else 2):
        x = stage.width * (0.5 - stage.side * rng.uniform(0.1, 0.36))
        svg += stage.glow(x, stage.horizon * 0.25, 420, (0.82, 0.86, 1.0), 0.55)
        main = _bolt(rng, (x, -10.0), stage.horizon * rng.uniform(0.86, 1.0), 13)
        fork = _bolt(rng, main[5], stage.horizon * 0.8, 8)
        for points, width in ((main, 5.0), (fork, 2.6)):
            d = line(points, closed=False)
            svg += stroke(d, (0.75, 0.8, 1.0), width * 3, 0.3) + stroke(d, (1.0, 1.0, 0.96), width)
    stage.add(0.955, svg, outlined=False)


def _bolt(rng: Random, start: Point, bottom: float, parts: int) -> list[Point]:
    points = [start]
    for step in range(1, parts + 1):
        x = points[-1][0] + rng.uniform(-46, 46)
        points.append((x, start[1] + (bottom - start[1]) * step / parts))
    return points


def rain(stage: Stage) -> None:
    """Slanting strokes, longer in a storm."""
    rng = stage.rng("rain")
    storm = "storm" in stage.scene.weather
    lean = -stage.side * (0.42 if storm else 0.16)
    veils = [""] * 3
    count = min(
        420,
        round(
            150 * max(stage.width, stage.height) / 1000 * (stage.width * stage.height / 1e6) ** 0.2
        ),
    )
    for index in range(count):
        x, y = rng.uniform(-0.2, 1.2) * stage.width, rng.uniform(-40, stage.height)
        length = rng.uniform(24, 74) * (1.3 if storm else 1)
        veils[index % 3] += f"M{number(x)},{number(y)}l{number(length * lean)},{number(length)}"
    colour = mix(stage.light.sky[2], (1.0, 1.0, 1.0), 0.55)
    svg = "".join(
        stroke(d, colour, width, 0.42) for d, width in zip(veils, (0.9, 1.4, 2.1), strict=True)
    )
    stage.add(0.03, svg, outlined=False, mirrored=False)


def snow(stage: Stage) -> None:
    """Flakes at three distances."""
    rng = stage.rng("snow")
    flakes = ["", "", ""]
    for index in range(min(700, round(260 * stage.width * stage.height / 1e6))):
        r = (1.6, 3.0, 5.2)[index % 3] * rng.uniform(0.7, 1.3) * (1 if index % 9 else 1.5)
        x, y = rng.uniform(0, stage.width), rng.uniform(0, stage.height)
        flakes[index % 3] += (
            f"M{number(x - r)},{number(y)}a{r:.1f},{r:.1f} 0 1 0 {2 * r:.1f},0a{r:.1f},{r:.1f} 0 1 0 {-2 * r:.1f},0Z"
        )
    white = mix((1.0, 1.0, 1.0), stage.light.sky[2], 0.12)
    svg = "".join(
        fill(d, white, veil) for d, veil in zip(flakes, (0.55, 0.75, 0.9), strict=True) if d
    )
    stage.add(0.02, svg, outlined=False, mirrored=False)


def fog(stage: Stage) -> None:
    """Banks of it between the layers."""
    rng = stage.rng("fog")
    colour = mix(stage.light.sky[2], stage.light.sky[1], 0.2)
    for depth, share in ((0.83, 0.7), (0.63, 0.6), (0.45, 0.45), (0.13, 0.22)):
        y = (
            stage.horizon
            + (stage.height - stage.horizon) * (1 - depth) * 0.75
            + rng.uniform(-40, 20)
        )
        paint = stage.gradient((colour, 0.0), (colour, share), (colour, share * 0.8), (colour, 0.0))
        stage.add(depth, fill(box(-20, y - 130, stage.width + 40, 300), paint), outlined=False)


def falling(stage: Stage, codes: tuple[str, ...]) -> None:
    """Leaves or petals on the wind."""
    rng = stage.rng("falling")
    parts = [""] * len(codes)
    for index in range(min(160, round(34 * stage.width * stage.height / 1e6) + 8)):
        x, y, s, t = (
            rng.uniform(0, stage.width),
            rng.uniform(0.1, 1) * stage.height,
            rng.uniform(4, 11),
            rng.uniform(-1, 1),
        )
        parts[index % len(codes)] += smooth(
            [(x - s, y), (x, y - s * 0.5 + t * 3), (x + s, y + t * s * 0.6), (x, y + s * 0.5)]
        )
    svg = "".join(
        fill(d, stage.lit(parse(c), 0.05, 0.2)) for d, c in zip(parts, codes, strict=True) if d
    )
    stage.add(0.025, svg, outlined=False, mirrored=False)
