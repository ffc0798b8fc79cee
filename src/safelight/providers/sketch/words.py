"""Reads a prompt: which place, which things in which colours, what light, weather and style."""

import re
from dataclasses import dataclass, field, replace

from safelight.providers.sketch import vocabulary as say
from safelight.providers.sketch.colour import Colour, parse
from safelight.providers.sketch.similar import nearest

PLACES, THINGS, TIMES = say.table(say.PLACES), say.table(say.THINGS), say.table(say.TIMES)
WEATHER, SEASONS, STYLES = say.table(say.WEATHER), say.table(say.SEASONS), say.table(say.STYLES)
MOODS = say.table(say.MOODS)
HOMES = {thing: place for place, row in say.HOMES.items() for thing in row.split()}
TABLES = (PLACES, THINGS, TIMES, WEATHER, SEASONS, STYLES, MOODS)
KNOWN = (
    frozenset(word for table in TABLES for word in table) | say.COLOURS.keys() | say.NUMBERS.keys()
)

WORDS_READ_MAX = 400  # a longer prompt is a document; its first words decide the picture
GUESSES_MAX = 24
THINGS_MAX = 6
WORN = {
    "hair": "hair", "curls": "hair", "beard": "hair", "dress": "cloth", "coat": "cloth", "shirt": "cloth",
    "jacket": "cloth", "sweater": "cloth", "cloak": "cloth", "robe": "cloth", "hat": "hat",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thing:
    """One kind of thing asked for."""

    kind: str
    colour: Colour | None = None
    count: int = 1
    word: str = ""  # as the prompt says it: "swan" and "duck" are drawn by the same hand


@dataclass(frozen=True, slots=True)
class Scene:
    """What the words ask for. `None` means the prompt leaves it open and the seed may choose."""

    place: str
    others: frozenset[str] = frozenset()  # further places to be seen in the distance
    things: tuple[Thing, ...] = ()
    time: str | None = None
    weather: frozenset[str] = frozenset()
    season: str | None = None
    style: str | None = None
    moods: tuple[str, ...] = ()
    place_colours: dict[str, Colour] = field(default_factory=dict)
    sky_colour: Colour | None = None
    colours: tuple[Colour, ...] = ()
    flying: bool = False
    extra: frozenset[str] = frozenset()  # all words, for small touches such as a crown

    def has(self, kind: str) -> Thing | None:
        """The thing of that kind, if the prompt asks for it."""
        return next((thing for thing in self.things if thing.kind == kind), None)


def words_of(text: str) -> list[str]:
    """The prompt's words in lower case, "water-colour" kept whole."""
    return re.findall(r"[a-zà-ÿ0-9]+(?:[-'][a-z0-9]+)*", text.lower()[:20_000])[:WORDS_READ_MAX]


def singular(word: str) -> str:
    """The form the tables know, if there is one."""
    for ending, instead in (
        ("'s", ""),
        ("ies", "y"),
        ("es", ""),
        ("s", ""),
        ("ing", ""),
        ("ish", ""),
    ):
        if (
            word not in KNOWN
            and word.endswith(ending)
            and word.removesuffix(ending) + instead in KNOWN
        ):
            return word.removesuffix(ending) + instead
    return word


def read(text: str, style: str | None = None) -> Scene:
    """Understand a prompt. An explicit `style` wins over a style word in the text."""
    raw = words_of(text)
    words = _with_guesses([singular(word) for word in raw])
    things, place_colours, sky_colour, free = _nouns(words, raw)
    places = _unique(PLACES[w] for w in words if w in PLACES)
    weather = frozenset(WEATHER[w] for w in words if w in WEATHER)
    place = _place(places, things, weather, words, bool(free))
    chosen = singular(style.lower()) if style else None
    things = _blossoming(things)
    return Scene(
        place=place,
        others=frozenset(places) - {place},
        things=things,
        time=_last(TIMES, words),
        weather=weather,
        season=_last(SEASONS, words),
        style=STYLES.get(chosen or "") or _last(STYLES, words),
        moods=tuple(MOODS[w] for w in words if w in MOODS)[:6],
        place_colours=place_colours,
        sky_colour=sky_colour,
        colours=free,
        flying=any(word in say.FLYING for word in raw),
        extra=frozenset(raw),
    )


def _nouns(
    words: list[str], raw: list[str]
) -> tuple[tuple[Thing, ...], dict[str, Colour], Colour | None, tuple[Colour, ...]]:
    """Walk along the words; a colour waits for the noun it belongs to, as a number does."""
    found: dict[str, Thing] = {}
    place_colours: dict[str, Colour] = {}
    sky: Colour | None = None
    free: list[Colour] = []
    waiting: Colour | None = None
    number = 1
    patience = 0
    for index, word in enumerate(words):
        if (
            word in say.COLOURS
            and word not in PLACES
            and (word not in THINGS or _as_colour(words, raw, index))
        ):
            waiting, patience = parse(say.COLOURS[word]), 3
            free.append(waiting)
            continue
        if word in say.NUMBERS:
            number, patience = say.NUMBERS[word], 3
        elif word == "sky" and waiting:
            sky, waiting = waiting, None
        elif word in PLACES and waiting:
            place_colours[PLACES[word]] = waiting
        if word in WORN and waiting:
            place_colours[WORN[word]] = waiting
        if word in THINGS:
            kind = THINGS[word]
            plural = (
                raw[index] in say.PLURALS
                or (raw[index].endswith("s")
                and not raw[index].endswith("ss")
                and raw[index] not in say.NOT_PLURAL)
            )
            many = number if number > 1 else 3 if plural else 1
            if kind not in found:
                found[kind] = Thing(kind, waiting, many, raw[index])
            waiting, number = None, 1
        patience -= 1
        if patience < 0:
            waiting, number = None, 1
    return tuple(found.values())[:THINGS_MAX], place_colours, sky, tuple(free[:5])


def _blossoming(things: tuple[Thing, ...]) -> tuple[Thing, ...]:
    """A "cherry blossom tree" is one thing, not a flower and a tree."""
    flower = next((t for t in things if t.word in ("blossom", "blossoms", "blooming")), None)
    if flower is None or not any(thing.kind == "tree" for thing in things):
        return things
    return tuple(
        replace(thing, word="blossom", colour=thing.colour or flower.colour) if thing.kind == "tree" else thing
        for thing in things
        if thing is not flower
    )


def _as_colour(words: list[str], raw: list[str], index: int) -> bool:
    """Whether "orange" or "peach" is a colour here: unless it is plural or "an orange" and no more."""
    if words[index] not in say.FRUIT_OR_COLOUR or raw[index].endswith("s"):
        return False
    alone = index + 1 == len(words) or words[index + 1] in say.PLAIN
    return not (alone and index > 0 and words[index - 1] in ("a", "an", "one"))


def _place(
    places: list[str],
    things: tuple[Thing, ...],
    weather: frozenset[str],
    words: list[str],
    coloured: bool,
) -> str:
    homes = [HOMES[thing.kind] for thing in things if thing.kind in HOMES]
    animals = [thing for thing in things if thing.kind in ANIMALS]
    if "portrait" in places and not ("portrait" in words or "face" in words):
        # "a woman by the sea" is a figure in a landscape, "a woman" is a portrait.
        if len(places) > 1 or any(thing.kind != "person" for thing in things):
            places = [place for place in places if place != "portrait"]
    if places:
        return places[0]
    if (
        animals
        and len(things) == len(animals)
        and len(animals) == 1
        and animals[0].kind not in SWIMMERS
    ):
        return "animal"
    if homes:
        return homes[0]
    if animals:
        return "animal"
    if "snow" in weather:
        return "snowfield"
    if (
        weather
        or any(word in TIMES or word in SEASONS or word == "sky" for word in words)
        or things
    ):
        return "open"  # the seed picks a landscape
    return "abstract" if coloured or not words else "open"


ANIMALS = frozenset(
    ["heron", "bird", "eagle", "owl", "duck", "penguin", "cat", "dog", "wolf", "fox", "horse", "deer", "bear", "rabbit", "sheep", "cow", "elephant", "giraffe", "camel", "lion", "turtle", "fish", "whale", "octopus", "butterfly", "dragon", "snail"]
)
SWIMMERS = frozenset({"fish", "whale", "octopus", "duck", "heron"})


def _with_guesses(words: list[str]) -> list[str]:
    """Replace words no table knows by the known word they are most like."""
    strange = _unique(
        w for w in words if w not in KNOWN and w not in say.PLAIN and len(w) > 2 and not w.isdigit()
    )
    strange = [
        word for word in strange if word != "sky" and word not in say.FLYING and word not in WORN
    ]
    if not strange:
        return words
    guesses = nearest(tuple(strange[:GUESSES_MAX]))
    return [guesses.get(word, word) for word in words]


def _last(table: dict[str, str], words: list[str]) -> str | None:
    """The last word wins: an afterthought such as "…, at night" corrects what came before."""
    return next((table[word] for word in reversed(words) if word in table), None)


def _unique(items: "object") -> list[str]:
    return list(dict.fromkeys(items))  # type: ignore[call-overload]
