"""Finds the things a prompt names, and which colour and number belong to which."""

from dataclasses import dataclass, field, replace

from safelight.providers.sketch import vocabulary as say
from safelight.providers.sketch.colour import Colour, parse

PLACES, THINGS = say.table(say.PLACES), say.table(say.THINGS)
THINGS_MAX = 6
COLOURS_MAX = 5
PATIENCE = 3  # words after which a colour or number no longer waits for its noun
WORN = dict.fromkeys(("hair", "curls", "beard"), "hair") | dict.fromkeys(
    ("dress", "coat", "shirt", "jacket", "sweater", "cloak", "robe"), "cloth"
)


@dataclass(frozen=True, slots=True)
class Thing:
    """One kind of thing asked for."""

    kind: str
    colour: Colour | None = None
    count: int = 1
    word: str = ""  # as the prompt says it: "swan" and "duck" are drawn by the same hand


@dataclass(slots=True)
class Nouns:
    """What the walk along the words has gathered."""

    things: dict[str, Thing] = field(default_factory=dict)
    place_colours: dict[str, Colour] = field(default_factory=dict)
    sky: Colour | None = None
    colours: list[Colour] = field(default_factory=list)


def find(words: list[str], raw: list[str]) -> Nouns:
    """Walk along the words; a colour waits for the noun it belongs to, as a number does.

    raw: the same words as written, which tell plurals.
    """
    found = Nouns()
    waiting: Colour | None = None
    number, patience = 1, 0
    for index, word in enumerate(words):
        if _names_colour(words, raw, index):
            waiting, patience = parse(say.COLOURS[word]), PATIENCE
            found.colours.append(waiting)
            continue
        if word in say.NUMBERS:
            number, patience = say.NUMBERS[word], PATIENCE
        if waiting:
            _colour_what_is_not_a_thing(found, word, waiting)
        if word in THINGS:
            many = number if number > 1 else 3 if _plural(raw[index]) else 1
            kind = THINGS[word]
            seen = found.things.get(kind, Thing(kind, None, 1, raw[index]))
            # "a sailing ship", "sailing boats": two words for one kind; the later tells the number.
            found.things[kind] = replace(
                seen, colour=seen.colour or waiting, count=max(many, seen.count), word=raw[index]
            )
        if word in THINGS or word == "sky":
            waiting, number = None, 1
        patience -= 1
        if patience < 0:
            waiting, number = None, 1
    del found.colours[COLOURS_MAX:]
    found.things = dict(list(_blossoming(found.things).items())[:THINGS_MAX])
    return found


def _colour_what_is_not_a_thing(found: Nouns, word: str, colour: Colour) -> None:
    if word == "sky":
        found.sky = colour
    elif word in PLACES:
        found.place_colours[PLACES[word]] = colour
    elif word in WORN:
        found.place_colours[WORN[word]] = colour


def _plural(word: str) -> bool:
    if word in say.PLURALS:
        return True
    return word.endswith("s") and not word.endswith("ss") and word not in say.NOT_PLURAL


def _names_colour(words: list[str], raw: list[str], index: int) -> bool:
    """Whether a word is a colour here: "orange" is not in "an orange" or "oranges", and no more."""
    word = words[index]
    if word not in say.COLOURS or word in PLACES:
        return False
    if word not in THINGS:
        return True
    if word not in say.FRUIT_OR_COLOUR or raw[index].endswith("s"):
        return False
    alone = index + 1 == len(words) or words[index + 1] in say.PLAIN
    return not (alone and index > 0 and words[index - 1] in ("a", "an", "one"))


def _blossoming(things: dict[str, Thing]) -> dict[str, Thing]:
    """A "cherry blossom tree" is one thing, not a flower and a tree."""
    flower, tree = things.get("flower"), things.get("tree")
    if flower and tree and flower.word in ("blossom", "blossoms", "blooming"):
        del things["flower"]
        things["tree"] = replace(tree, word="blossom", colour=tree.colour or flower.colour)
    return things
