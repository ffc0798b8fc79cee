"""Puts the things a prompt names into the scene that was drawn."""

from random import Random

from safelight.providers.sketch.nouns import Thing
from safelight.providers.sketch.pen import group
from safelight.providers.sketch.scenes import beyond, fields
from safelight.providers.sketch.spots import SPOTS, Wish, shore
from safelight.providers.sketch.stage import Stage
from safelight.providers.sketch.things import birds
from safelight.providers.sketch.things.brush import Brush
from safelight.providers.sketch.things.cast import PARTS, Part
from safelight.providers.sketch.words import ANIMALS

# Drawn with the sky, the weather or the ground.
ELSEWHERE = frozenset(
    {"moon", "sun", "stars", "clouds", "rainbow", "lightning", "aurora", "road"},
)
FIGURES = ANIMALS | {"person", "robot", "astronaut"}
FLYERS = frozenset({"heron", "bird", "eagle", "duck", "dragon", "owl", "butterfly"})
FLOCKS = ("gull", "seagull", "crow")
ALONE = frozenset({"span", "height", "far", "coast"})  # one is enough of these
COMPANY = ("vase", "bottle", "bowl", "pear", "lemon", "book", "teapot", "candle", "apple", "cup")


def draw(stage: Stage) -> None:
    """All the things; the first is the subject and gets the best place."""
    hidden = set(ELSEWHERE)
    if stage.scene.place == "portrait":
        hidden.add("person")  # that is the portrait
    if stage.scene.has("person"):
        hidden.add("umbrella")  # in their hand
    if stage.scene.has("vase"):
        hidden.add("flower")  # they are in it
    things = [thing for thing in stage.scene.things if thing.kind not in hidden]
    # Figures before scenery: in "a house and a cat" the cat is what the picture is about.
    ordered = sorted(things, key=lambda thing: thing.kind not in FIGURES)
    slots = _slots(stage, len(ordered))
    for index, (thing, slot) in enumerate(zip(ordered, slots, strict=True)):
        if thing.kind == "planet":
            x, y = stage.width * (0.5 + 0.16 * stage.side), stage.height * 0.38
            beyond.planet(stage, stage.rng("asked planet"), x, y, 190, thing.colour)
        elif thing.kind in PARTS:
            part = PARTS[thing.kind]
            if part.realm in ("land", "near") and stage.water_line is not None:
                shore(stage)
            _several(stage, thing, part, slot, _share(stage, part, index))
    if stage.scene.place == "stilllife":
        _company(stage, [thing.kind for thing in ordered])


def _share(stage: Stage, part: Part, index: int) -> float:
    """How much larger or smaller than usual."""
    if index:
        return 0.72
    if stage.scene.place == "animal":
        return 1.5 if part.size < 400 else 1.3
    return 1.0


def _slots(stage: Stage, count: int) -> list[float]:
    """Shares of the width: one on a third, two on both, more spread out."""
    rng = stage.rng("slots")
    third = 0.5 - stage.side * rng.uniform(0.12, 0.18)
    if count <= 2:
        return [third, 1 - third + stage.side * 0.05][:count]
    spread = [0.5 + (k - (count - 1) / 2) * 0.78 / (count - 1) for k in range(count)]
    first = min(range(count), key=lambda k: abs(spread[k] - third))
    return [spread.pop(first), *rng.sample(spread, len(spread))]


def _company(stage: Stage, present: list[str]) -> None:
    """A still life of one thing is lonely: the seed brings others, smaller."""
    rng = stage.rng("company")
    others = [kind for kind in COMPANY if kind not in present]
    wanted = max(0, 3 - sum(kind in PARTS for kind in present))
    taken = 0.5 - stage.side * 0.15 if len(present) == 1 else 0.5
    for number, kind in enumerate(rng.sample(others, wanted)):
        slot = 1 - taken + (number - 0.5) * 0.24 * (1 if wanted > 1 else 0)
        _several(stage, Thing(kind), PARTS[kind], slot, 0.8 if present else 1.0)


def _several(stage: Stage, thing: Thing, part: Part, slot: float, share: float) -> None:
    """As many as were asked for, beside each other."""
    realm = _realm(stage, thing, part)
    if realm == "flock":
        flock(stage, thing)
        return
    rng = stage.rng(f"several {thing.kind}")
    count = 1 if realm in ALONE else min(thing.count, 7)
    for number in range(count):
        x, size = slot * stage.width, part.size * share
        if count > 1:
            step = min(stage.width * 0.75 / count, size * part.wide * 1.25)
            x += (number - (count - 1) / 2) * step + rng.uniform(-0.12, 0.12) * step
            size *= rng.uniform(0.62, 0.95) * (1 if count < 4 else 0.82)
        if realm == "bed":
            _bed(stage, thing, x, size, number)
        else:
            _one(stage, thing, realm, x=x, size=size, number=number)


def _realm(stage: Stage, thing: Thing, part: Part) -> str:
    """Where it belongs in this place; mostly where it always does."""
    place, realm = stage.scene.place, part.realm
    flying = stage.scene.flying and thing.kind in FLYERS
    if thing.kind == "bird" and (thing.count > 2 or thing.word.startswith(FLOCKS) or flying):
        realm = "flock"
    elif flying or (thing.kind == "heron" and place in ("village", "city", "mountains")):
        realm = "sky"
    elif place == "underwater" and realm in ("water", "breach", "land"):
        realm = "deep"
    elif place == "stilllife" and realm in ("land", "bed", "near", "perch"):
        realm = "table"
    elif realm == "table" and place != "stilllife":
        realm = "near"
    elif realm == "deep" and stage.water_line is not None:
        realm = "breach"
    return realm


def _one(stage: Stage, thing: Thing, realm: str, *, x: float, size: float, number: int) -> None:
    rng = stage.rng(f"one {thing.kind} {number}")
    size *= rng.uniform(0.92, 1.08)
    spot = SPOTS[realm](stage, Wish(thing.kind, x, size, rng, thing.kind in FIGURES))
    stagger = (number % 3 - 1) * size * 0.35 if number and realm in ("sky", "air") else 0.0
    y, scale, flip = spot.y + stagger, spot.size / 100, spot.x > stage.width / 2
    svg = _drawing(stage, thing, realm, spot.depth, rng)
    if realm in ("breach", "shallows", "water") and stage.water_line is not None:
        mirror = f'<g transform="translate(0 {2 * y:.1f}) scale(1 -1)" opacity="0.28">'
        mirror += group(svg, spot.x, y, scale, flip=flip) + "</g>"
        stage.add(spot.depth + 0.002, mirror, outlined=False)
    ink = _ink(stage, scale, spot.depth)
    placed = group(svg, spot.x, y, scale, flip=flip, ink=ink)
    stage.add(spot.depth - 0.0001 * number, placed)


def _drawing(stage: Stage, thing: Thing, realm: str, depth: float, rng: Random) -> str:
    brush = Brush(stage, rng, depth * 0.8, thing.colour, thing.word)
    if thing.kind == "heron" and realm == "sky":
        return birds.heron_flying(brush)
    return PARTS[thing.kind].draw(brush)


def _ink(stage: Stage, scale: float, depth: float) -> str:
    """Outlines as wide as elsewhere in the picture, whatever the drawing's scale."""
    if not stage.ink:
        return ""
    return f' stroke-width="{stage.ink * (1 - 0.6 * depth) / scale * 0.8:.2f}"'


def _bed(stage: Stage, thing: Thing, x: float, size: float, number: int) -> None:
    """Flowers: a meadow full when many are asked for, and some close enough to smell."""
    if number == 0 and thing.count > 1:
        y = stage.horizon + (stage.height - stage.horizon) * 0.45
        fields.blossoms(stage, 0.1, y, 150, thing.colour)
    rng = stage.rng(f"bed {number}")
    brush = Brush(stage, rng, 0.05, thing.colour, thing.word)
    scale, lean = size / 100 * rng.uniform(0.75, 1.15), rng.uniform(-9, 9)
    svg = f'<g transform="rotate({lean:.1f})">{PARTS["flower"].draw(brush)}</g>'
    y = stage.height * rng.uniform(0.97, 1.04)
    placed = group(svg, x, y, scale, ink=_ink(stage, scale, 0.0))
    stage.add(0.045 - 0.001 * number, placed, mirrored=False)


def flock(stage: Stage, thing: Thing) -> None:
    """Birds in the distance, nearer ones larger."""
    rng = stage.rng("flock")
    x, y = stage.width * rng.uniform(0.3, 0.6), stage.horizon * rng.uniform(0.3, 0.5)
    spread = min(stage.width, 1400) * 0.2
    for index in range(max(7, thing.count + 3)):
        near = rng.random() ** 2
        brush = Brush(stage, rng, 0.6 * (1 - near), thing.colour, thing.word)
        at = (x + rng.gauss(0, spread), y + rng.gauss(0, 70) + near * 60)
        svg = group(birds.gull(brush), *at, 0.24 + 0.62 * near, flip=index % 2 == 0)
        stage.add(0.6 - 0.2 * near, svg, outlined=False)
