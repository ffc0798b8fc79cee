"""Reads a prompt: which place, which things in which colours, what light, weather and style."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from safelight.providers.sketch import vocabulary as say
from safelight.providers.sketch.colour import Colour
from safelight.providers.sketch.nouns import PLACES, THINGS, WORN, Nouns, Thing, find
from safelight.providers.sketch.similar import nearest

TIMES, WEATHER, SEASONS = say.table(say.TIMES), say.table(say.WEATHER), say.table(say.SEASONS)
STYLES, MOODS = say.table(say.STYLES), say.table(say.MOODS)
HOMES = {thing: place for place, row in say.HOMES.items() for thing in row.split()}
TABLES = (PLACES, THINGS, TIMES, WEATHER, SEASONS, STYLES, MOODS)
KNOWN = (
    frozenset(word for table in TABLES for word in table) | say.COLOURS.keys() | say.NUMBERS.keys()
)

ANIMALS = frozenset(
    [
        "heron",
        "bird",
        "eagle",
        "owl",
        "duck",
        "penguin",
        "cat",
        "dog",
        "wolf",
        "fox",
        "horse",
        "deer",
        "bear",
        "rabbit",
        "sheep",
        "cow",
        "elephant",
        "giraffe",
        "camel",
        "lion",
        "turtle",
        "fish",
        "whale",
        "octopus",
        "butterfly",
        "dragon",
        "snail",
    ]
)
SWIMMERS = frozenset({"fish", "whale", "octopus", "duck", "heron"})
WORDS_READ_MAX = 400  # a longer prompt is a document; its first words decide the picture
GUESSES_MAX = 24


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
    if word in say.PLAIN:
        return word
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
    nouns = find(words, raw)
    places = _places(nouns, words)
    weather = frozenset(WEATHER[w] for w in words if w in WEATHER)
    place = _place(nouns, places, weather, words)
    chosen = singular(style.lower()) if style else None
    return Scene(
        place=place,
        others=frozenset(places) - {place},
        things=tuple(nouns.things.values()),
        time=_last(TIMES, words),
        weather=weather,
        season=_last(SEASONS, words),
        style=STYLES.get(chosen or "") or _last(STYLES, words),
        moods=tuple(MOODS[w] for w in words if w in MOODS)[:6],
        place_colours=nouns.place_colours,
        sky_colour=nouns.sky,
        colours=tuple(nouns.colours),
        flying=any(word in say.FLYING for word in raw),
        extra=frozenset(raw),
    )


def _place(nouns: Nouns, places: list[str], weather: frozenset[str], words: list[str]) -> str:
    """The place that is named; else where the things are at home; else the seed's choice."""
    things = list(nouns.things.values())
    homes = [HOMES[thing.kind] for thing in things if thing.kind in HOMES]
    if places:
        return places[0]
    if len(things) == 1 and things[0].kind in ANIMALS - SWIMMERS:
        return "animal"
    if homes or things:
        return homes[0] if homes else "animal" if things[0].kind in ANIMALS else "open"
    if "snow" in weather:
        return "snowfield"
    outdoors = bool(weather) or any(w in TIMES or w in SEASONS or w == "sky" for w in words)
    return "abstract" if not outdoors and (nouns.colours or not words) else "open"


def _places(nouns: Nouns, words: list[str]) -> list[str]:
    """All places named; "a woman by the sea" is a figure in a landscape, "a woman" a portrait."""
    places = _unique(PLACES[word] for word in words if word in PLACES)
    company = len(places) > 1 or any(kind != "person" for kind in nouns.things)
    if company and not {"portrait", "face"} & set(words):
        places = [place for place in places if place != "portrait"]
    return places


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


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
