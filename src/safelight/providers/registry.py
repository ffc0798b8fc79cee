"""Every model there is: which one serves a request, which are off, and how to switch those on."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from safelight.providers.checks import Asked, shortcomings
from safelight.providers.protocol import ImageProvider, ModelCard, TextProvider
from safelight.values.errors import FieldError, NotAsked, UnknownModel, UnsupportedOption

OPENAI_HOW = "Set SAFELIGHT_OPENAI_API_KEY, or SAFELIGHT_OPENAI_BASE_URL for a compatible server."
NO_TEXT = f"No text model is switched on. {OPENAI_HOW}"
NO_IMAGE = (
    f"No picture model is switched on. Set SAFELIGHT_SKETCH=true for the one built in. {OPENAI_HOW}"
)


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A model we know that is off. `reason` says why and how to switch it on."""

    card: ModelCard
    reason: str


class Registry:
    """The models of all providers, best first."""

    def __init__(
        self,
        image: Iterable[ImageProvider] = (),
        text: Iterable[TextProvider] = (),
        off: Iterable[Unavailable] = (),
    ) -> None:
        self._image = {provider.name: provider for provider in image}
        self._text = {provider.name: provider for provider in text}
        cards = [card for provider in self._every() for card in provider.models()]
        self._cards = {card.id: card for card in sorted(cards, key=lambda card: -card.rank)}
        if len(self._cards) < len(cards):
            ids = [card.id for card in cards]
            twice = sorted({name for name in ids if ids.count(name) > 1})
            raise ValueError(f"two models are called {', '.join(twice)}")
        self._off = tuple(entry for entry in off if entry.card.id not in self._cards)

    def cards(self, kind: Literal["image", "text"] | None = None) -> tuple[ModelCard, ...]:
        return tuple(card for card in self._cards.values() if kind in (None, card.kind))

    def unavailable(self) -> tuple[Unavailable, ...]:
        return self._off

    def card(self, model_id: str) -> ModelCard:
        """Raises: UnknownModel with the nearest names, UnsupportedOption for one that is off."""
        if card := self._cards.get(model_id):
            return card
        for entry in self._off:
            if entry.card.id == model_id:
                raise UnsupportedOption(
                    FieldError("model", f"{model_id} is switched off. {entry.reason}")
                )
        wanted = model_id.casefold()
        # “gpt-image-2” should find “openai/gpt-image-2”, so the part after the slash counts too.
        names = {name.casefold(): name for name in self._cards}
        names |= {name.rpartition("/")[2].casefold(): name for name in self._cards}
        near = difflib.get_close_matches(wanted, names, n=6, cutoff=0.6)
        raise UnknownModel(model_id, list(dict.fromkeys(names[name] for name in near))[:3])

    def image(self, provider: str) -> ImageProvider:
        """Raises: NotAsked when it was switched off since the job was accepted."""
        if found := self._image.get(provider):
            return found
        raise NotAsked(f"The provider {provider} is not configured any more.")

    def text(self, provider: str) -> TextProvider:
        """Raises: NotAsked when it was switched off since the job was accepted."""
        if found := self._text.get(provider):
            return found
        raise NotAsked(f"The provider {provider} is not configured any more.")

    def at_once(self, provider: str) -> int | None:
        """How many jobs of this provider one worker should carry; None: as many as it likes."""
        found = self._image.get(provider)
        return found.at_once if found else None

    def refuse(self, card: ModelCard, asked: Asked) -> list[FieldError]:
        """Everything `card` cannot do of what is asked, each with a model that can, if there is."""
        return [
            FieldError(error.field, error.message + self._instead(card, asked, error.field))
            for error in shortcomings(card, asked)
        ]

    def route(self, asked: Asked) -> tuple[ModelCard, str]:
        """The best model that can do all of it, and why it was chosen, in one sentence.

        Raises: UnsupportedOption naming what no model can, or what none can together.
        """
        cards = self.cards(asked.kind)
        if not cards:
            message = NO_TEXT if asked.kind == "text" else NO_IMAGE
            raise UnsupportedOption(FieldError("model", message))
        passed_over: list[tuple[ModelCard, list[FieldError]]] = []
        for card in cards:
            errors = shortcomings(card, asked)
            if not errors:
                return card, _why(card, cards, passed_over)
            passed_over.append((card, errors))
        raise UnsupportedOption(*self._nobody_can(passed_over))

    async def close(self) -> None:
        """Close every provider, also when one of them fails to."""
        closing = (provider.close() for provider in self._every())
        await asyncio.gather(*closing, return_exceptions=True)

    def _every(self) -> list[ImageProvider | TextProvider]:
        return [*self._image.values(), *self._text.values()]

    def _instead(self, card: ModelCard, asked: Asked, field: str) -> str:
        """“Model “x” can.” for the best other model without this shortcoming."""
        for other in self.cards(asked.kind):
            if other.id != card.id and all(e.field != field for e in shortcomings(other, asked)):
                return f" {other.id} can."
        return ""

    def _nobody_can(self, found: Sequence[tuple[ModelCard, list[FieldError]]]) -> list[FieldError]:
        """The fields every model stumbles over, in the words of the best one; if each stumbles
        over another, the complaints of the model that comes nearest."""
        common = set.intersection(*({error.field for error in errors} for _, errors in found))
        if common:
            return [
                FieldError(error.field, f"No model switched on can do this: {error.message}")
                for error in found[0][1]
                if error.field in common
            ]
        nearest = min((errors for _, errors in found), key=len)
        return [
            FieldError(
                error.field, f"No model can do all of this together; nearest: {error.message}"
            )
            for error in nearest
        ]


def _why(
    card: ModelCard,
    cards: Sequence[ModelCard],
    passed_over: Sequence[tuple[ModelCard, list[FieldError]]],
) -> str:
    if len(cards) == 1:
        return f"{card.name} is the only model switched on for this."
    if not passed_over:
        return f"{card.name} is the best model switched on, and it can do all that was asked."
    _, errors = passed_over[0]
    return f"{card.name} is the best model that can do this; {errors[0].message}"
