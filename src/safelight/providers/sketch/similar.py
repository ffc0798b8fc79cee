"""Places a word nobody listed: WordLlama says which listed word it is most like, offline."""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

from safelight.providers.sketch import vocabulary as say

LIKE_ENOUGH = 0.30  # cosine; unrelated words measure 0.0 to 0.2, "kitten" and "cat" 0.57
# Weather covers the whole picture, so a guess at it must be better founded.
WEATHER_LIKE_ENOUGH = 0.5
NAMES = say.table(say.WEATHER) | say.table(say.THINGS) | say.table(say.PLACES)
WEATHER = frozenset(say.table(say.WEATHER).values())


def _imported() -> Any:
    """The package. Importing it calls `logging.basicConfig`, which is not for it to decide."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        import wordllama  # noqa: PLC0415  (half a second, and rarely needed)
    except ImportError:
        return None
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    return wordllama


@lru_cache(maxsize=1)
def _model() -> tuple[Any, list[str], Any] | None:
    """The embedding model and the listed words, embedded; None where WordLlama is not installed."""
    wordllama = _imported()
    if wordllama is None:
        return None
    # 0.4.0 looks for its tokenizer in a folder of the wrong name; with the package folder as the
    # cache it finds it, and nothing is ever downloaded.
    folder = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(dim=256, disable_download=True, cache_dir=folder)
    anchors = list(NAMES)
    return model, anchors, model.embed(anchors, norm=True)


def nearest(words: tuple[str, ...]) -> dict[str, str]:
    """Each word that is like enough to a listed one → that listed word."""
    loaded = _model()
    if loaded is None:
        return {}
    model, anchors, known = loaded
    scores = model.embed(list(words), norm=True) @ known.T
    return {
        word: anchor
        for word, row in zip(words, scores, strict=True)
        if (anchor := _best(anchors, row))
    }


def _best(anchors: list[str], scores: Any) -> str | None:
    """The name whose two best synonyms are on average most like the word.

    Two, because one alone may only share letters: "feline" is 0.53 like "fence", not like "gate".
    """
    of_name: dict[str, list[float]] = {}
    for anchor, score in zip(anchors, scores.tolist(), strict=True):
        of_name.setdefault(NAMES[anchor], []).append(score)
    likeness = {name: sum(sorted(found)[-2:]) / 2 for name, found in of_name.items()}
    name = max(likeness, key=likeness.__getitem__)
    enough = WEATHER_LIKE_ENOUGH if name in WEATHER else LIKE_ENOUGH
    return name if likeness[name] >= enough else None
