"""Places a word nobody listed: WordLlama says which listed word it is most like, offline."""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

from safelight.providers.sketch import vocabulary as say

LIKE_ENOUGH = 0.30  # cosine; unrelated words measure 0.0 to 0.2, "kitten" and "cat" 0.57
# Weather covers the whole picture, so a guess at it must be better founded: "air" is 0.4 like "wind".
WEATHER_LIKE_ENOUGH = 0.5
WEATHER = say.table(say.WEATHER).keys()


def _imported() -> Any:
    """The package; importing it calls `logging.basicConfig`, which a library must not decide for us."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        import wordllama
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
    # 0.4.0 looks for its tokenizer beside its weights folder under the wrong name; naming the package
    # folder as the cache finds both, and nothing is ever downloaded.
    folder = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(dim=256, disable_download=True, cache_dir=folder)
    anchors = list(dict.fromkeys(w for text in (say.PLACES, say.THINGS, say.WEATHER) for w in say.table(text)))
    return model, anchors, model.embed(anchors, norm=True)


def nearest(words: tuple[str, ...]) -> dict[str, str]:
    """Each word that is like enough to a listed one → that listed word."""
    loaded = _model()
    if loaded is None:
        return {}
    model, anchors, known = loaded
    scores = model.embed(list(words), norm=True) @ known.T
    best = scores.argmax(axis=1)
    return {
        word: anchors[index]
        for word, index, row in zip(words, best, scores, strict=True)
        if row[index] >= (WEATHER_LIKE_ENOUGH if anchors[index] in WEATHER else LIKE_ENOUGH)
    }
