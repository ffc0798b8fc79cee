"""Puts the things a prompt names where they belong in the scene that was drawn."""

from safelight.providers.sketch.colour import lighter, parse
from safelight.providers.sketch.pen import box, fill, group
from safelight.providers.sketch.scenes import beyond, land, water, wild
from safelight.providers.sketch.stage import Stage
from safelight.providers.sketch.things import birds
from safelight.providers.sketch.things.brush import Brush
from safelight.providers.sketch.things.cast import PARTS, Part
from safelight.providers.sketch.words import ANIMALS, Thing

SKY_ONLY = frozenset({"moon", "sun", "stars", "clouds", "rainbow", "lightning", "aurora", "road"})
FIGURES = ANIMALS | {"person", "robot", "astronaut"}


def draw(stage: Stage) -> None:
    """All the things; the first is the subject and gets the best place."""
    hidden = SKY_ONLY | ({"person"} if stage.scene.place == "portrait" else set())
    things = [thing for thing in stage.scene.things if thing.kind not in hidden]
    # Figures before scenery: in "a cat and a house" the cat is what the picture is about.
    ordered = sorted(things, key=lambda thing: thing.kind not in FIGURES)
    slots = _slots(stage, len(ordered))
    for index, thing in enumerate(ordered):
        if thing.kind == "planet":
            rng = stage.rng("asked planet")
            beyond.planet(
                stage,
                rng,
                stage.width * (0.5 + 0.16 * stage.side),
                stage.height * 0.38,
                190,
                thing.colour,
            )
        elif thing.kind in PARTS:
            share = 1.0 if index == 0 else 0.72
            if stage.scene.place == "animal" and index == 0:
                share = 1.5 if PARTS[thing.kind].size < 400 else 1.3
            if PARTS[thing.kind].realm in ("land", "near") and stage.water_line is not None:
                shore(stage)
            _several(stage, thing, PARTS[thing.kind], slots[index], share)
    if stage.scene.place == "stilllife":
        _company(stage, [thing.kind for thing in ordered])


def shore(stage: Stage) -> None:
    """Ground in front of the water, for what cannot swim."""
    if stage.ashore:
        return
    stage.ashore = True
    if stage.scene.place == "beach":
        return
    y = stage.height * 0.88
    if stage.scene.place == "city":
        pave = stage.lit(parse("#a79f96"), 0.1)
        slab = fill(
            box(-20, y, stage.width + 40, stage.height),
            stage.gradient((pave, 1), (lighter(pave, -0.1), 1)),
        )
        slab += fill(box(-20, y, stage.width + 40, 12), lighter(pave, 0.08))
        stage.add(0.26, slab, mirrored=False)
    else:
        colour = stage.material("snow" if stage.season == "winter" else "grass")
        land.hills(stage, "shore", 0.26, y, 60, colour, 1.1)
        land.tufts(stage, "shore grass", 0.06, stage.height + 10, 80, colour, 110)
    stage.land_line = stage.height * 0.9


def _company(stage: Stage, present: list[str]) -> None:
    """A still life of one thing is lonely: the seed brings others, smaller and further back."""
    rng = stage.rng("company")
    others = [
        kind
        for kind in (
            "vase",
            "bottle",
            "bowl",
            "pear",
            "lemon",
            "book",
            "teapot",
            "candle",
            "apple",
            "cup",
        )
        if kind not in present
    ]
    wanted = max(0, 3 - sum(kind in PARTS for kind in present))
    taken = 0.5 - stage.side * 0.15 if len(present) == 1 else 0.5
    for number, kind in enumerate(rng.sample(others, wanted)):
        slot = 1 - taken + (number - 0.5) * 0.24 * (1 if wanted > 1 else 0)
        _several(stage, Thing(kind), PARTS[kind], slot, 0.8 if present else 1.0)


def _slots(stage: Stage, count: int) -> list[float]:
    """Shares of the width: one on a third, two on both, more spread out."""
    rng = stage.rng("slots")
    third = 0.5 - stage.side * rng.uniform(0.12, 0.18)
    if count <= 1:
        return [third]
    if count == 2:
        return [third, 1 - third + stage.side * 0.05]
    spread = [0.5 + (k - (count - 1) / 2) * 0.78 / (count - 1) for k in range(count)]
    first = min(range(count), key=lambda k: abs(spread[k] - third))
    return [spread.pop(first), *rng.sample(spread, len(spread))]


def _several(stage: Stage, thing: Thing, part: Part, slot: float, share: float) -> None:
    rng = stage.rng(f"several {thing.kind}")
    realm = _realm(stage, thing, part)
    if realm == "flock":
        flock(stage, thing)
        return
    count = min(thing.count, 7) if realm not in ("span", "height", "far", "coast") else 1
    reach = stage.width * 0.5
    for number in range(count):
        x = slot * stage.width
        size = part.size * share
        if count > 1:
            step = min(reach * 1.5 / count, size * part.wide * 1.25)
            x += (number - (count - 1) / 2) * step + rng.uniform(-0.12, 0.12) * step
            size *= rng.uniform(0.62, 0.95) * (1 if count < 4 else 0.82)
        _one(stage, thing, part, realm, x, size, number)


def _realm(stage: Stage, thing: Thing, part: Part) -> str:
    place = stage.scene.place
    flying = stage.scene.flying and thing.kind in (
        "heron",
        "bird",
        "eagle",
        "duck",
        "dragon",
        "owl",
        "butterfly",
    )
    if thing.kind == "bird" and (
        thing.count > 2 or thing.word.startswith(("gull", "seagull", "crow")) or flying
    ):
        return "flock"
    if flying or (thing.kind == "heron" and place in ("village", "city", "mountains")):
        return "sky"
    if place == "underwater" and part.realm in ("water", "breach", "deep", "land"):
        return "deep"
    if place == "stilllife" and part.realm in ("land", "bed", "near", "perch"):
        return "table"
    if part.realm == "table" and place != "stilllife":
        return "near"
    if part.realm == "deep" and stage.water_line is not None:
        return "breach"
    return part.realm


def _one(
    stage: Stage, thing: Thing, part: Part, realm: str, x: float, size: float, number: int
) -> None:
    rng = stage.rng(f"one {thing.kind} {number}")
    h, low = stage.horizon, stage.height - stage.horizon
    tall = min(1.0, stage.height / 1000) if stage.height < 1000 else 1.0
    size *= tall * rng.uniform(0.92, 1.08)
    line, flip = stage.water_line, x > stage.width / 2
    depth, y = 0.2, stage.height * 0.9
    match realm:
        case "coast":
            depth = 0.32
            y = h + low * 0.42 if line is not None else (stage.land_line or h + low * 0.4)
            if line is not None:
                y = water.headland(stage, x, y, size * 1.15, size * 0.24, depth + 0.001) + 6
        case "water" | "shallows" | "breach":
            depth = 0.3
            y = (line or h) + (stage.height - (line or h)) * (
                rng.uniform(0.3, 0.5) if realm != "shallows" else 0.72
            )
            if line is None:
                realm, y = "land", stage.height * 0.88
        case "sky" | "air":
            depth, y = (
                (0.4, h * rng.uniform(0.5, 0.72))
                if realm == "sky"
                else (0.15, stage.height * rng.uniform(0.4, 0.62))
            )
            y = max(y, size * (1.38 if thing.kind == "heron" else 1.08))
            y += (number % 3 - 1) * size * 0.35 if number else 0
        case "deep":
            depth, y = 0.3, stage.height * rng.uniform(0.42, 0.68)
        case "far" | "height":
            depth, y = 0.79 if realm == "far" else 0.66, h + 34
            if realm == "height" and thing.kind == "dragon":
                depth, y = 0.3, h * 0.95
            elif realm == "height":
                y = _knoll(stage, x, size)
        case "span":
            depth, y = 0.5, (line or h + low * 0.2) + low * 0.22
            x = stage.width * 0.5
        case "table":
            depth, y = 0.4 - 0.02 * (number % 4), h + low * rng.uniform(0.3, 0.5)
            if size < 200:
                depth, y = 0.2, h + low * rng.uniform(0.5, 0.72)
        case "perch":
            depth, y = 0.15, stage.height * rng.uniform(0.76, 0.84)
        case "bed":
            _bed(stage, thing, x, size, number)
            return
        case "near":
            depth, y = 0.12, stage.height * rng.uniform(0.93, 0.98)
        case _:
            depth, y = _on_land(stage, size, rng.random())
            if stage.perches and thing.kind in FIGURES:  # a cat among roofs sits on one
                x, y, depth = min(stage.perches, key=lambda perch: abs(perch[0] - x) + abs(perch[1] - 0.7 * stage.height))
                size *= 0.8
                y += size * 0.03
    svg = _art(stage, thing, part, realm, depth, rng)
    scale = size / 100
    ink = f' stroke-width="{stage.ink * (1 - 0.6 * depth) / scale * 0.8:.2f}"' if stage.ink else ""
    if realm in ("breach", "shallows", "water") and line is not None:
        mirror = f'<g transform="translate(0 {2 * y:.1f}) scale(1 -1)" opacity="0.28">{group(svg, x, y, scale, flip=flip)}</g>'
        stage.add(depth + 0.002, mirror, outlined=False)
    stage.add(depth - 0.0001 * number, group(svg, x, y, scale, flip=flip, ink=ink))


def _art(stage: Stage, thing: Thing, part: Part, realm: str, depth: float, rng: "object") -> str:
    brush = Brush(stage, rng, depth * 0.8, thing.colour, thing.word)  # type: ignore[arg-type]
    if thing.kind == "heron" and realm == "sky":
        return birds.heron_flying(brush)
    return part.draw(brush)


def _on_land(stage: Stage, size: float, chance: float) -> tuple[float, float]:
    """Depth and foot of something on the ground."""
    if stage.water_line is not None and stage.land_line is None and stage.scene.place == "sea":
        return 0.12, stage.height * 0.97
    if stage.land_line is not None:
        return 0.21, stage.land_line + (stage.height - stage.land_line) * (0.1 + 0.35 * chance)
    return 0.21, stage.horizon + (stage.height - stage.horizon) * (0.66 + 0.2 * chance)


def _knoll(stage: Stage, x: float, size: float) -> float:
    """A rocky hill for a castle."""
    return water.headland(stage, x, stage.horizon + 60, size * 1.9, size * 0.5, 0.665) + 8


def _bed(stage: Stage, thing: Thing, x: float, size: float, number: int) -> None:
    """Flowers: a meadow full when many are asked for, and some close enough to smell."""
    if number == 0 and thing.count > 1:
        wild.blossoms(
            stage, 0.1, stage.horizon + (stage.height - stage.horizon) * 0.45, 150, thing.colour
        )
    rng = stage.rng(f"bed {number}")
    brush = Brush(stage, rng, 0.05, thing.colour, thing.word)
    scale = size / 100 * rng.uniform(0.75, 1.15)
    lean = rng.uniform(-9, 9)
    svg = f'<g transform="rotate({lean:.1f})">{PARTS["flower"].draw(brush)}</g>'
    ink = f' stroke-width="{stage.ink / scale * 0.8:.2f}"' if stage.ink else ""
    stage.add(
        0.045 - 0.001 * number,
        group(svg, x, stage.height * rng.uniform(0.97, 1.04), scale, ink=ink),
        mirrored=False,
    )


def flock(stage: Stage, thing: Thing) -> None:
    """Birds in the distance, nearer ones larger."""
    rng = stage.rng("flock")
    x, y = stage.width * rng.uniform(0.3, 0.6), stage.horizon * rng.uniform(0.3, 0.5)
    for index in range(max(7, thing.count + 3)):
        near = rng.random() ** 2
        brush = Brush(stage, rng, 0.6 * (1 - near), thing.colour, thing.word)
        svg = birds.gull(brush)
        spread = min(stage.width, 1400) * 0.2
        stage.add(
            0.6 - 0.2 * near,
            group(
                svg,
                x + rng.gauss(0, spread),
                y + rng.gauss(0, 70) + near * 60,
                0.24 + 0.62 * near,
                flip=index % 2 == 0,
            ),
            outlined=False,
        )
