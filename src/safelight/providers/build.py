"""The providers that the settings switch on. Opens no connection and imports nothing slow."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from safelight.egress.client import Egress
from safelight.providers import catalog
from safelight.providers.configuration import (
    POLLINATIONS_KEYLESS_URL,
    POLLINATIONS_URL,
    ProviderSettings,
)
from safelight.providers.openai import Offer, OpenAIImages
from safelight.providers.openai_text import OpenAIText
from safelight.providers.pollinations import PollinationsKeyless
from safelight.providers.protocol import ImageProvider, TextProvider
from safelight.providers.registry import OPENAI_HOW, Registry, Unavailable
from safelight.providers.transport import Transport

POLLINATIONS_HOW = (
    "Set SAFELIGHT_POLLINATIONS=keyless, or =keyed with SAFELIGHT_POLLINATIONS_API_KEY."
)


def build(
    settings: ProviderSettings,
    sketch: ImageProvider | None = None,
    egress: Egress | None = None,
) -> Registry:
    """All providers these settings switch on, and what is known of the others.

    sketch: the built-in painter, where the caller has one with processes of its own. egress: the
    way out, where the operator has listed more than the providers' own addresses.
    """
    egress = egress or Egress()
    image: list[ImageProvider] = []
    text: list[TextProvider] = []
    off: list[Unavailable] = []
    if settings.sketch:
        if sketch is None:
            from safelight.providers.sketch.adapter import Sketch  # noqa: PLC0415  (only when on)

            sketch = Sketch()
        image.append(sketch)
    _openai(settings, egress, image, text, off)
    _pollinations(settings, egress, image, off)
    return Registry(image, text, off)


def _openai(
    settings: ProviderSettings,
    egress: Egress,
    image: list[ImageProvider],
    text: list[TextProvider],
    off: list[Unavailable],
) -> None:
    # A host name reads like a company's: “openrouter.ai is busy”.
    who = "OpenAI" if settings.at_openai else str(urlsplit(settings.openai_url).hostname)
    image_names = settings.openai_image_models
    text_names = settings.openai_text_models
    if settings.at_openai:  # a compatible server offers only what the operator says it does
        image_names = image_names or [card.provider_model for card in catalog.OPENAI_IMAGES]
        text_names = text_names or [card.provider_model for card in catalog.OPENAI_TEXTS]
    if not settings.openai_on:
        off += (
            Unavailable(card, OPENAI_HOW)
            for card in (*catalog.OPENAI_IMAGES, *catalog.OPENAI_TEXTS)
        )
        return
    where = "is not among those named in"
    off += (
        Unavailable(card, f"It {where} SAFELIGHT_OPENAI_IMAGE_MODELS.")
        for card in catalog.OPENAI_IMAGES
    )
    off += (
        Unavailable(card, f"It {where} SAFELIGHT_OPENAI_TEXT_MODELS.")
        for card in catalog.OPENAI_TEXTS
    )
    if image_names:
        # A stream carries every preview and the picture, each as base64, which is a third longer.
        answer_bytes_max = (
            (settings.openai_partial_images + 1) * settings.picture_bytes_max * 4 // 3
        )
        transport = Transport(
            who,
            settings.openai_url,
            key=settings.openai_api_key,
            answer_bytes_max=answer_bytes_max + 1024 * 1024,
            is_listed=settings.openai_base_url is not None,
            egress=egress,
        )
        offers = [_offer(name, settings) for name in dict.fromkeys(image_names)]
        image.append(OpenAIImages(transport, offers, picture_bytes_max=settings.picture_bytes_max))
    if text_names:
        text.append(
            OpenAIText(
                Transport(
                    who,
                    settings.openai_url,
                    key=settings.openai_api_key,
                    answer_bytes_max=16 * 1024 * 1024,
                    is_listed=settings.openai_base_url is not None,
                    egress=egress,
                ),
                [catalog.text_card(name) for name in dict.fromkeys(text_names)],
                official=text_names if settings.at_openai else catalog.GPT_TEXT_USD,
                tokens_default=catalog.TEXT_TOKENS_DEFAULT,
                token_usd=catalog.GPT_TEXT_USD,
            )
        )


def _offer(name: str, settings: ProviderSettings) -> Offer:
    """GPT image models speak the same dialect wherever they are served; others the server's."""
    card = catalog.image_card(name, settings.openai_dialect)
    if card in catalog.OPENAI_IMAGES:
        dialect = replace(catalog.GPT_IMAGE, partial_images=settings.openai_partial_images)
        return Offer(card, dialect, catalog.GPT_IMAGE_USD)
    return Offer(card, settings.openai_dialect)


def _pollinations(
    settings: ProviderSettings,
    egress: Egress,
    image: list[ImageProvider],
    off: list[Unavailable],
) -> None:
    is_listed = settings.pollinations_base_url is not None
    if settings.pollinations == "keyless":
        url = settings.pollinations_base_url or POLLINATIONS_KEYLESS_URL
        image.append(
            PollinationsKeyless(
                Transport(
                    "Pollinations",
                    url,
                    answer_bytes_max=settings.picture_bytes_max + 1024,
                    is_listed=is_listed,
                    egress=egress,
                ),
                catalog.POLLINATIONS_FREE,
                picture_bytes_max=settings.picture_bytes_max,
            )
        )
    elif settings.pollinations == "keyed":
        url = settings.pollinations_base_url or POLLINATIONS_URL
        transport = Transport(
            "Pollinations",
            f"{url}/v1",
            key=settings.pollinations_api_key,
            answer_bytes_max=settings.picture_bytes_max * 4 // 3 + 1024 * 1024,
            is_listed=is_listed,
            egress=egress,
        )
        offers = [Offer(card, catalog.POLLINATIONS_KEYED) for card in catalog.POLLINATIONS_MODELS]
        image.append(
            OpenAIImages(
                transport,
                offers,
                name="pollinations",
                picture_bytes_max=settings.picture_bytes_max,
            )
        )
    every = (*catalog.POLLINATIONS_FREE, *catalog.POLLINATIONS_MODELS)
    off += (Unavailable(card, POLLINATIONS_HOW) for card in every)
