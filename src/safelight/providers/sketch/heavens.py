"""What hangs in the sky: sun, moon, stars, drawn clouds, rainbow, aurora, distant birds."""

# ruff: noqa: E501  (coordinates and word lists read better in long rows)

import math

from safelight.providers.sketch.colour import lighter, mix, parse
from safelight.providers.sketch.pen import blob, circle, fill, smooth, stroke
from safelight.providers.sketch.stage import Stage


def place_sun(stage: Stage) -> None:
    """Decide where the light comes from, before anything is drawn."""
    rng = stage.rng("sun")
    stage.side = rng.choice((-1, 1))
    stage.sun_radius = {"sunset": 74, "dawn": 62, "golden": 56, "dusk": 44}.get(
        stage.light.time, 46
    ) * rng.uniform(0.9, 1.15)
    share = rng.uniform(0.12, 0.30)
    x = stage.width * (0.5 + stage.side * share)
    stage.sun = (x, stage.horizon * (1 - stage.light.sun_height) * rng.uniform(0.92, 1.04))


def draw(stage: Stage) -> None:
    """Everything above, for scenes that have a sky."""
    stage.sun = (stage.sun[0], _sun_y(stage))
    scene, night = stage.scene, stage.light.time == "night"
    covered = bool(scene.weather & {"storm", "rain", "snow", "cloudy"})
    if night or scene.has("stars") or stage.light.time == "dusk":
        stars(stage, 0.25 if covered else 0.5 if stage.light.time == "dusk" else 1.0)
    if scene.has("aurora"):
        aurora(stage)
    if scene.place != "animal":
        if scene.has("moon") or (night and not covered):
            moon(stage)
        elif (not covered and "fog" not in scene.weather) or scene.has("sun"):
            sun(stage)
    if scene.has("rainbow"):
        rainbow(stage)
    if stage.flat and stage.clouds > 0:
        puffs(stage)


def _sun_y(stage: Stage) -> float:
    if stage.scene.place == "animal":
        return stage.sun[1]
    return stage.horizon * (1 - stage.light.sun_height * 0.94) - (
        0 if stage.light.sun_height < 0.3 else 20
    )


def sun(stage: Stage) -> None:
    """A disc; its glow is painted with the sky."""
    x, y = stage.sun
    thing = stage.scene.has("sun")
    colour = thing.colour if thing and thing.colour else stage.light.sun
    soft = stage.glow(x, y, stage.sun_radius * 3.2, colour, 0.55)
    stage.add(0.985, soft + circle(x, y, stage.sun_radius, colour), outlined=False, mirrored=False)


def moon(stage: Stage) -> None:
    """Full with its seas, or a crescent if asked."""
    x, y = stage.sun
    thing = stage.scene.has("moon")
    if stage.light.time != "night":
        y = min(y, stage.horizon * 0.3)
        x = stage.width - x
    r = stage.sun_radius * (1.5 if thing else 1.1)
    colour = thing.colour if thing and thing.colour else parse("#f8f3df")
    svg = stage.glow(x, y, r * 4.2, lighter(colour, -0.02), 0.42)
    if thing and thing.word == "crescent":
        svg += fill(
            f"M{x:.1f},{y - r:.1f}a{r:.1f},{r:.1f} 0 1 1 0,{2 * r:.1f}a{r * 0.75:.1f},{r:.1f} 0 0 0 0,{-2 * r:.1f}Z",
            colour,
        )
    else:
        rng = stage.rng("moon")
        svg += circle(x, y, r, colour)
        for _ in range(7):
            a, d = rng.random() * math.tau, rng.random() * 0.62
            svg += fill(
                blob(
                    rng,
                    x + math.cos(a) * d * r,
                    y + math.sin(a) * d * r,
                    r * rng.uniform(0.1, 0.26),
                    r * rng.uniform(0.08, 0.2),
                ),
                lighter(colour, -0.08),
                0.6,
            )
    stage.add(0.985, svg, outlined=False, mirrored=False)


def stars(stage: Stage, share: float) -> None:
    """Many faint, a few bright."""
    rng = stage.rng("stars")
    svg = ""
    bottom = stage.height if stage.backdrop else stage.horizon
    count = min(420, round(170 * share * max(stage.width, stage.height) / 1000))
    faint = ""
    for _ in range(count):
        x, y, r = (
            rng.uniform(0, stage.width),
            bottom * rng.random() ** 1.2 * 0.98,
            0.7 + 1.1 * rng.random() ** 3,
        )
        faint += f"M{x - r:.1f},{y:.1f}a{r:.1f},{r:.1f} 0 1 0 {2 * r:.1f},0a{r:.1f},{r:.1f} 0 1 0 {-2 * r:.1f},0Z"
    svg += fill(faint, (1.0, 0.98, 0.92), 0.85)
    for _ in range(round(11 * share)):
        x, y, r = rng.uniform(0, stage.width), bottom * rng.random() * 0.8, rng.uniform(2.4, 4.2)
        svg += stage.glow(x, y, r * 5, (0.8, 0.88, 1.0), 0.5) + fill(
            f"M{x:.1f},{y - r * 2.4:.1f}Q{x:.1f},{y:.1f} {x + r * 2.4:.1f},{y:.1f}Q{x:.1f},{y:.1f} {x:.1f},{y + r * 2.4:.1f}Q{x:.1f},{y:.1f} {x - r * 2.4:.1f},{y:.1f}Q{x:.1f},{y:.1f} {x:.1f},{y - r * 2.4:.1f}Z",
            (1.0, 0.99, 0.95),
        )
    stage.add(0.995, svg, outlined=False, mirrored=False)


def aurora(stage: Stage) -> None:
    """Curtains of green and violet."""
    rng = stage.rng("aurora")
    svg = ""
    for k in range(4):
        colour = parse(("#4dffb0", "#3fe0c8", "#9a6bff", "#5dffd0")[k])
        base, tall = stage.horizon * rng.uniform(0.45, 0.85), stage.horizon * rng.uniform(0.35, 0.6)
        low, high = [], []
        phase = rng.random() * math.tau
        for step in range(13):
            x = stage.width * (step / 12 * 1.1 - 0.05)
            y = base + 60 * math.sin(step * 0.8 + phase) + rng.uniform(-14, 14)
            low.append((x, y))
            high.append((x + rng.uniform(-20, 40), y - tall * rng.uniform(0.6, 1.0)))
        svg += fill(
            smooth(low, closed=False) + "L" + smooth(high[::-1], closed=False)[1:] + "Z",
            stage.gradient(
                (colour, 0.0), (colour, 0.2), (colour, 0.5), (colour, 0.3), (colour, 0.0)
            ),
        )
    stage.add(0.99, svg, outlined=False)


def rainbow(stage: Stage) -> None:
    """Six soft bands."""
    cx, r = stage.width * (0.5 - 0.1 * stage.side), min(stage.width * 0.5, stage.horizon * 0.88)
    svg = ""
    for k, code in enumerate(("#e8504a", "#f2993a", "#f5d94a", "#63b85f", "#4a90d9", "#8a5fc0")):
        rr = r - k * 15
        svg += stroke(
            f"M{cx - rr:.1f},{stage.horizon + 30:.1f}A{rr:.1f},{rr:.1f} 0 0 1 {cx + rr:.1f},{stage.horizon + 30:.1f}",
            parse(code),
            15.5,
            0.6,
        )
    stage.add(0.96, svg, outlined=False)


def puffs(stage: Stage) -> None:
    """Clouds with outlines, for styles that have them."""
    rng = stage.rng("puffs")
    grey = bool(stage.scene.weather & {"storm", "rain", "cloudy"})
    white = (
        mix(stage.light.sky[2], (1.0, 1.0, 1.0), 0.7)
        if not grey
        else mix(stage.light.sky[0], stage.light.sky[2], 0.55)
    )
    if stage.light.time == "night":
        white = mix(stage.light.sky[1], stage.light.sky[2], 0.8)
    for index in range(max(2, min(14, round((3 + 7 * stage.clouds) * stage.width / 1400)))):
        x, y, s = (
            rng.uniform(0, stage.width),
            stage.horizon * rng.uniform(0.06, 0.62),
            rng.uniform(60, 130),
        )
        top = "".join(
            blob(rng, x + dx * s, y + dy * s, s * r, s * r * 0.82, 0.05, 10)
            for dx, dy, r in (
                (-0.9, 0.1, 0.5),
                (-0.3, -0.2, 0.68),
                (0.42, -0.12, 0.6),
                (1.0, 0.12, 0.42),
            )
        )
        base = f"M{x - s * 1.3:.1f},{y + s * 0.1:.1f}h{s * 2.6:.1f}a{s * 0.2:.1f},{s * 0.2:.1f} 0 0 1 0,{s * 0.42:.1f}h{-s * 2.6:.1f}a{s * 0.2:.1f},{s * 0.2:.1f} 0 0 1 0,{-s * 0.42:.1f}Z"
        shade = fill(
            f"M{x - s * 1.2:.1f},{y + s * 0.3:.1f}h{s * 2.4:.1f}a{s * 0.15:.1f},{s * 0.15:.1f} 0 0 1 0,{s * 0.2:.1f}h{-s * 2.4:.1f}Z",
            lighter(white, -0.07),
            1,
            'stroke="none"',
        )
        stage.add(
            0.94 - index * 0.001,
            fill(top + base, white) + fill(top + base, white, 1, 'stroke="none"') + shade,
        )
