"""The models we know: what they can do, what they cost, where that is written and when it was read.

Facts are data here and nowhere else. One credit is about one US cent, always rounded up.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

from safelight.providers.configuration import Dialect
from safelight.providers.openai_answers import TokenUsd
from safelight.providers.protocol import Capabilities, ModelCard, Price

USD_PER_CREDIT = Decimal("0.01")

# What GPT image models understand, wherever they are served. They refuse `response_format`, have
# neither seed nor negative prompt, and choose an expensive quality by themselves unless told.
GPT_IMAGE = Dialect(
    streaming=True,
    partial_images=2,
    response_format=None,
    output_format=True,
    quality=True,
    quality_default="medium",
    edits="image[]",
)
_OPENAI_READ = (
    "docs: developers.openai.com image generation and pricing, by way of the openai 3.52.0 client "
    "and the price list in litellm 1.109.1; read 2026-11-20"
)
GPT_IMAGE_USD = TokenUsd(text_in=Decimal(5), image_in=Decimal(8), image_out=Decimal(30))

# Size limits of gpt-image-2 measured by its users: community.openai.com/t/1382699, 2026-06.
_GPT_IMAGE_CAN = Capabilities(
    side_min=480,
    side_max=3840,
    size_multiple=16,
    pixels_min=655_360,
    pixels_max=8_294_400,
    aspect_max=3.0,
    quality=True,
    qualities=("low", "medium", "high"),
    references_max=16,
    mask=True,
    progress=True,
)


def gpt_image_tokens(quality: str, width: int, height: int) -> int:
    """Output tokens of one picture. Source: community.openai.com/t/1382699 (from the official
    calculator); 1024×1024 is 196, 1756 and 7024."""
    q = {"low": 16, "medium": 48, "high": 96}[quality]
    short = round(q * min(width, height) / max(width, height))
    return math.ceil(q * short * (2_000_000 + width * height) / 4_000_000)


def _gpt_image_prices() -> tuple[Price, ...]:
    """Every quality at three sizes, each at its dearest shape (a square), without the prompt's
    own fraction of a cent and without previews (about 100 tokens each)."""
    lines = []
    for quality, words in (("low", "low"), ("medium", "medium or not chosen"), ("high", "high")):
        for name, side, pixels in (
            ("1K", 1024, 1024**2),
            ("2K", 2048, 2048**2),
            ("4K", 2880, None),
        ):
            usd = GPT_IMAGE_USD.image_out * gpt_image_tokens(quality, side, side) / 1_000_000
            lines.append(
                Price(
                    when=f"{words} quality, up to {name}",
                    credits=max(1, math.ceil(usd / USD_PER_CREDIT)),
                    usd=usd.quantize(Decimal("0.001")),
                    quality=(quality, None) if quality == GPT_IMAGE.quality_default else (quality,),
                    pixels_max=pixels,
                )
            )
    return tuple(lines)


def _gpt_image(name: str, title: str, description: str, rank: int, note: str = "") -> ModelCard:
    return ModelCard(
        id=f"openai/{name}",
        provider="openai",
        provider_model=name,
        name=title,
        description=description,
        kind="image",
        prompt_max=32_000,
        capabilities=_GPT_IMAGE_CAN,
        price=_gpt_image_prices(),
        rank=rank,
        timeout_s=300.0,
        source=_OPENAI_READ + note,
    )


# `xhigh` and `max` of 2.5 and later are left out: what they cost is written nowhere we could read.
OPENAI_IMAGES = (
    _gpt_image("gpt-image-2", "GPT Image 2", "OpenAI's picture model with published prices.", 60),
    _gpt_image("gpt-image-2.5-flare", "GPT Image 2.5 flare", "OpenAI, faster.", 58),
    _gpt_image("gpt-image-2.5-sunburst", "GPT Image 2.5 sunburst", "OpenAI, steadier edits.", 57),
    _gpt_image(
        "gpt-image-2.6-flare",
        "GPT Image 2.6 flare",
        "OpenAI's newest, faster.",
        56,
        "; price taken to be that of 2.5, unverified",
    ),
    _gpt_image(
        "gpt-image-2.6-sunburst",
        "GPT Image 2.6 sunburst",
        "OpenAI's newest, higher quality.",
        55,
        "; price taken to be that of 2.5, unverified",
    ),
)

TEXT_TOKENS_DEFAULT = 4096  # also what a text is priced at


# (in, out) in USD for a million tokens.
GPT_TEXT_USD = {
    "gpt-6-luna": (Decimal("0.10"), Decimal("0.50")),
    "gpt-6.1-terra": (Decimal(1), Decimal(5)),
    "gpt-6.1-sol": (Decimal(2), Decimal(10)),
}


def _gpt_text(name: str, title: str, rank: int) -> ModelCard:
    usd_in, usd_out = GPT_TEXT_USD[name]
    usd = (usd_in * 2000 + usd_out * TEXT_TOKENS_DEFAULT) / 1_000_000
    return ModelCard(
        id=f"openai/{name}",
        provider="openai",
        provider_model=name,
        name=title,
        description="Text by OpenAI.",
        kind="text",
        prompt_max=32_000,
        tokens_max=TEXT_TOKENS_DEFAULT,
        price=(
            Price(
                f"each text of up to {TEXT_TOKENS_DEFAULT} tokens",
                max(1, math.ceil(usd / USD_PER_CREDIT)),
                usd.quantize(Decimal("0.0001")),
            ),
        ),
        rank=rank,
        timeout_s=180.0,
        source=_OPENAI_READ,
    )


OPENAI_TEXTS = (
    _gpt_text("gpt-6-luna", "GPT-6 luna", 60),
    _gpt_text("gpt-6.1-terra", "GPT-6.1 terra", 50),
    _gpt_text("gpt-6.1-sol", "GPT-6.1 sol", 40),
)


def image_card(name: str, dialect: Dialect) -> ModelCard:
    """A model the operator named: the catalogue's entry if it is in there, else what `dialect`
    says its server can do, at one credit."""
    for card in OPENAI_IMAGES:
        if card.provider_model == name:
            return card
    return ModelCard(
        id=f"openai/{name}",
        provider="openai",
        provider_model=name,
        name=name,
        description="A picture model of the configured OpenAI-compatible server.",
        kind="image",
        prompt_max=8000,
        capabilities=Capabilities(
            side_min=64,
            side_max=4096,
            size_multiple=8,
            seed=dialect.seed,
            negative_prompt=dialect.negative_prompt,
            steps=dialect.steps is not None,
            guidance=dialect.guidance is not None,
            quality=dialect.quality,
            references_max=4 if dialect.edits else 0,
            mask=dialect.edits is not None,
            # Without a field to choose by, PNG is what such servers answer.
            formats=("png", "jpeg", "webp") if dialect.output_format else ("png",),
            progress=dialect.streaming and dialect.partial_images > 0,
        ),
        rank=50,
        timeout_s=600.0,  # a computer at home may take minutes
        source="named in the settings; its abilities are those of openai_dialect",
    )


def text_card(name: str) -> ModelCard:
    """A text model the operator named."""
    for card in OPENAI_TEXTS:
        if card.provider_model == name:
            return card
    return ModelCard(
        id=f"openai/{name}",
        provider="openai",
        provider_model=name,
        name=name,
        description="A text model of the configured OpenAI-compatible server.",
        kind="text",
        prompt_max=8000,
        rank=50,
        timeout_s=600.0,
        source="named in the settings",
    )


POLLINATIONS_KEYED = Dialect(response_format="b64_json", seed=True, negative_prompt=True)
_POLLINATIONS_READ = "github.com/pollinations/pollinations APIDOCS.md and sources; read 2026-11-20"
_POLLINATIONS_CAN = Capabilities(
    side_min=64, side_max=2048, pixels_max=2048 * 2048, seed=True, formats=("jpeg",)
)

POLLINATIONS_FREE = (
    ModelCard(
        id="pollinations/free",
        provider="pollinations",
        provider_model="flux",
        name="Pollinations, free",
        description=(
            "A public service without a key: small model, one picture every few seconds, may "
            "refuse at any time. Prompts leave this machine."
        ),
        kind="image",
        # The prompt travels in the address, where a letter can take up to twelve bytes.
        prompt_max=1000,
        capabilities=_POLLINATIONS_CAN,
        rank=20,
        timeout_s=120.0,
        source=_POLLINATIONS_READ,
    ),
)


def _pollinations(name: str, title: str, rank: int) -> ModelCard:
    return ModelCard(
        id=f"pollinations/{name}",
        provider="pollinations",
        provider_model=name,
        name=title,
        description="By way of pollinations.ai, paid in pollen (about 1 USD each).",
        kind="image",
        prompt_max=8000,
        capabilities=replace(_POLLINATIONS_CAN, negative_prompt=True),
        price=(Price("each", 1, Decimal("0.0002")),),
        rank=rank,
        timeout_s=180.0,
        source=_POLLINATIONS_READ + "; price unverified",
    )


POLLINATIONS_MODELS = (
    _pollinations("flux", "FLUX at Pollinations", 40),
    _pollinations("zimage", "Z-Image at Pollinations", 39),
)
