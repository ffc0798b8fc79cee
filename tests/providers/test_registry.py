"""Which model serves a request, and what is said when none does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from safelight.providers import catalog
from safelight.providers.build import build
from safelight.providers.checks import Asked, price_of, resolutions, shortcomings, size_for
from safelight.providers.configuration import Dialect, ProviderSettings
from safelight.providers.protocol import Capabilities, ModelCard, Price
from safelight.providers.registry import Registry
from safelight.values.errors import ProviderRejected, UnknownModel, UnsupportedOption
from safelight.values.images import Size

GPT = catalog.OPENAI_IMAGES[0]


def card(name: str, rank: int = 0, **can: object) -> ModelCard:
    return ModelCard(
        id=name,
        provider="test",
        provider_model=name,
        name=name.title(),
        description="",
        kind="image",
        prompt_max=100,
        capabilities=Capabilities(**can),  # type: ignore[arg-type]
        rank=rank,
    )


class Cards:
    """A provider with nothing but cards."""

    def __init__(self, *cards: ModelCard, name: str = "test") -> None:
        self.name = name
        self.cards = cards
        self.closed = False

    def models(self) -> Sequence[ModelCard]:
        return self.cards

    async def close(self) -> None:
        self.closed = True
        raise OSError("does not matter")


def registry(*cards: ModelCard) -> Registry:
    return Registry([Cards(*cards)])  # type: ignore[list-item]


def test_the_best_model_that_can_is_chosen_and_the_reason_said() -> None:
    models = registry(card("plain", 50), card("seeded", 10, seed=True), card("low", 1, seed=True))

    assert models.route(Asked())[0].id == "plain"
    chosen, reason = models.route(Asked(seed=4))

    assert chosen.id == "seeded"
    assert reason == "Seeded is the best model that can do this; plain has no seed."


def test_when_no_model_can_the_missing_is_named() -> None:
    models = registry(card("a", 2), card("b", 1, mask=True, references_max=1))

    with pytest.raises(UnsupportedOption) as nobody:
        models.route(Asked(seed=1, quality="high"))
    with pytest.raises(UnsupportedOption) as too_long:
        models.route(Asked(prompt_chars=101))

    assert [e.field for e in nobody.value.errors] == ["parameters.seed", "parameters.quality"]
    assert "No model switched on can do this: a has no seed." in str(nobody.value)
    assert "at most 100 characters; this has 101" in str(too_long.value)


def test_when_no_model_can_do_all_together_the_nearest_is_named() -> None:
    models = registry(card("a", 2, seed=True), card("b", 1, negative_prompt=True))

    with pytest.raises(UnsupportedOption, match="No model can do all of this together") as caught:
        models.route(Asked(seed=1, negative_prompt="blur"))

    assert [e.field for e in caught.value.errors] == ["negative_prompt"]


def test_without_a_text_model_it_says_how_to_get_one() -> None:
    models = build(ProviderSettings(sketch=False))

    with pytest.raises(UnsupportedOption) as text:
        models.route(Asked(kind="text"))
    with pytest.raises(UnsupportedOption) as image:
        models.route(Asked())

    for wanted in ("SAFELIGHT_OPENAI_API_KEY", "SAFELIGHT_OPENAI_BASE_URL"):
        assert wanted in str(text.value)
        assert wanted in str(image.value)


def test_refusals_come_all_at_once_and_name_a_model_that_can() -> None:
    models = registry(card("plain"), card("able", -1, seed=True, negative_prompt=True))

    errors = models.refuse(
        models.card("plain"),
        Asked(seed=1, negative_prompt="x", steps=3, width=63, height=63, count=9),
    )

    assert {error.field: error.message for error in errors} == {
        "parameters.width": "plain makes sides of 64 to 4096 pixels.",
        "parameters.height": "plain makes sides of 64 to 4096 pixels.",
        "parameters.seed": "plain has no seed. able can.",
        "parameters.steps": "plain has no number of steps.",
        "negative_prompt": "plain has no negative prompt. able can.",
        "count": "plain makes at most 8 at once.",
    }


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        (Asked(width=1000, height=1024), "parameters.width", "multiples of 16, such as 992"),
        (Asked(width=512, height=512), "parameters.width", "at least 655,360 pixels"),
        (Asked(width=3840, height=3840), "parameters.width", "at most 8,294,400 pixels"),
        (Asked(width=2048, height=640), "parameters.width", "3 times"),
        (Asked(quality="max"), "parameters.quality", "low, medium or high"),
        (Asked(references=17), "references", "at most 16"),
        (Asked(mask=True), "mask", "needs a picture"),
        (Asked(strength=0.5), "parameters.strength", "no strength"),
        (Asked(max_tokens=5), "parameters.max_tokens", "for text"),
        (Asked(kind="text"), "model", "makes pictures"),
        (Asked(seed=1), "parameters.seed", "no seed"),
        (Asked(prompt_chars=32_001), "prompt", "32000"),
    ],
)
def test_what_a_gpt_image_model_refuses(asked: Asked, field: str, words: str) -> None:
    errors = shortcomings(GPT, asked)

    assert [error.field for error in errors] == [field]
    assert words in errors[0].message


def test_what_it_can_do_it_does_not_refuse() -> None:
    asked = Asked(
        prompt_chars=100,
        width=3840,
        height=2160,
        resolution="4K",
        quality="high",
        format="webp",
        references=2,
        mask=True,
        count=8,
    )

    assert shortcomings(GPT, asked) == []


def test_a_text_model_refuses_what_is_for_pictures() -> None:
    asked = Asked(kind="text", width=64, height=64, seed=1, negative_prompt="x", max_tokens=10)

    fields = {error.field for error in shortcomings(catalog.OPENAI_TEXTS[0], asked)}

    assert fields == {"parameters.width", "parameters.height", "parameters.seed", "negative_prompt"}


def test_a_text_is_no_longer_than_its_price_was_made_for() -> None:
    card = catalog.OPENAI_TEXTS[0]

    assert shortcomings(card, Asked(kind="text", max_tokens=4096)) == []
    (error,) = shortcomings(card, Asked(kind="text", max_tokens=4097))
    assert error.field == "parameters.max_tokens"
    assert "4,096" in error.message


def test_fixed_sizes_are_listed() -> None:
    fixed = card("fixed", sizes=((512, 512), (768, 512)))

    (error,) = shortcomings(fixed, Asked(width=640, height=640))

    assert error.message == "fixed makes 512×512 or 768×512."
    assert size_for(fixed, "3:2") == Size(768, 512)
    assert size_for(fixed, "1:1", "4K") == Size(512, 512)
    assert resolutions(fixed) == ()


@given(
    st.tuples(st.integers(1, 30), st.integers(1, 30)).filter(lambda r: max(r) <= 3 * min(r)),
    st.sampled_from(["1K", "2K", "4K", None]),
    st.sampled_from([GPT, catalog.POLLINATIONS_FREE[0], catalog.image_card("x", Dialect())]),
)
def test_every_ordinary_ratio_gets_a_size_the_model_takes(
    ratio: tuple[int, int], resolution: str | None, model: ModelCard
) -> None:
    size = size_for(model, f"{ratio[0]}:{ratio[1]}", resolution)  # type: ignore[arg-type]

    errors = shortcomings(model, Asked(width=size.width, height=size.height))

    # Rounding may push a ratio of exactly 3:1 over the edge, and nothing else.
    assert all("times the short one" in error.message for error in errors), (size, errors)


@pytest.mark.parametrize(
    ("quality", "side", "cost"),
    [
        ("low", 1024, 1),
        ("medium", 1024, 6),
        (None, 1024, 6),
        ("high", 1024, 22),
        ("high", 2048, 43),
    ],
)
def test_prices_follow_quality_and_size(quality: str | None, side: int, cost: int) -> None:
    assert price_of(GPT, Asked(width=side, height=side, quality=quality)).credits == cost


def test_an_unknown_price_is_the_dearest() -> None:
    priced = replace(
        GPT, price=(Price("low", 1, quality=("low",)), Price("high", 9, quality=("h",)))
    )

    assert price_of(priced, Asked(quality="other")).credits == 9


def test_tokens_of_a_gpt_image_are_those_of_the_calculator() -> None:
    tokens = [catalog.gpt_image_tokens(q, 1024, 1024) for q in ("low", "medium", "high")]

    assert tokens == [196, 1756, 7024]


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ("gpt-image-2", "openai/gpt-image-2"),
        ("OpenAI/GPT-Image-2", "openai/gpt-image-2"),
        ("openai/gpt-imag-2", "openai/gpt-image-2"),
    ],
)
def test_an_unknown_model_is_answered_with_the_nearest(wanted: str, nearest: str) -> None:
    models = build(ProviderSettings(sketch=False, openai_api_key=SecretStr("sk-x")))

    with pytest.raises(UnknownModel, match=f"Did you mean {nearest}"):
        models.card(wanted)
    with pytest.raises(UnknownModel, match="no model called") as strange:
        models.card("zzz")
    assert "Did you mean" not in str(strange.value)


def test_a_model_that_is_off_says_how_to_switch_it_on() -> None:
    models = build(ProviderSettings(sketch=False))

    with pytest.raises(UnsupportedOption, match="Set SAFELIGHT_OPENAI_API_KEY"):
        models.card("openai/gpt-image-2")
    with pytest.raises(UnsupportedOption, match="Set SAFELIGHT_POLLINATIONS"):
        models.card("pollinations/flux")

    assert len(models.unavailable()) == 11
    assert models.cards() == ()


@pytest.mark.parametrize(
    ("settings", "on", "off"),
    [
        ({"openai_api_key": "sk-x"}, 8, 3),
        ({"openai_base_url": "http://localhost:1/v1"}, 0, 11),
        ({"openai_api_key": "sk-x", "openai_image_models": ["gpt-image-2"]}, 4, 7),
        ({"openai_base_url": "http://localhost:1/v1", "openai_image_models": ["a", "a"]}, 1, 11),
        ({"pollinations": "keyless"}, 1, 10),
        ({"pollinations": "keyed", "pollinations_api_key": "sk_x"}, 2, 9),
        ({"sketch": True}, 1, 11),
    ],
)
def test_the_settings_decide_which_models_there_are(
    settings: dict[str, object], on: int, off: int
) -> None:
    models = build(ProviderSettings.model_validate({"sketch": False} | settings))

    assert (len(models.cards()), len(models.unavailable())) == (on, off)
    ranks = [found.rank for found in models.cards()]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"openai_base_url": "localhost:1/v1"},
        {"openai_base_url": "https://user:secret@host/v1"},
        {"openai_base_url": "https://host/v1?key=secret"},
        {"openai_api_key": "two words"},
        {"openai_api_key": "schlüssel"},
        {"openai_api_key": "sk-x\r\nHost: evil"},
        {"pollinations": "keyed"},
        {"openai_dialect": {"partial_images": 4}},
    ],
)
def test_settings_that_cannot_work_stop_the_start(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ProviderSettings.model_validate(wrong)


def test_settings_are_taken_out_of_any_object() -> None:
    class Whole:
        sketch = False
        openai_api_key = SecretStr(" sk-x\n")
        openai_base_url = ""
        data_dir = "/tmp"

    settings = ProviderSettings.model_validate(Whole())

    assert settings.openai_api_key
    assert settings.openai_api_key.get_secret_value() == "sk-x"
    assert settings.openai_base_url is None
    assert settings.at_openai


def test_two_models_of_one_name_stop_the_start() -> None:
    with pytest.raises(ValueError, match="two models are called a"):
        registry(card("a"), card("a"))


async def test_closing_closes_all_even_when_one_fails() -> None:
    providers = [Cards(name="a"), Cards(name="b")]

    await Registry(providers).close()  # type: ignore[arg-type]

    assert all(provider.closed for provider in providers)


def test_a_provider_switched_off_since_the_job_was_accepted() -> None:
    with pytest.raises(ProviderRejected, match="not configured any more"):
        registry().image("openai")
    with pytest.raises(ProviderRejected, match="not configured any more"):
        registry().text("openai")


def test_every_card_says_where_its_facts_are_from() -> None:
    for known in (
        *catalog.OPENAI_IMAGES,
        *catalog.OPENAI_TEXTS,
        *catalog.POLLINATIONS_FREE,
        *catalog.POLLINATIONS_MODELS,
    ):
        assert "read 2026-" in known.source
        assert known.price
        assert all(price.credits >= 1 for price in known.price)
        assert known.id.startswith(f"{known.provider}/")


@pytest.mark.parametrize("credits_", [-1, 1.5, True, "2", None, float("nan")])
def test_a_price_that_is_no_whole_number_of_credits_is_never_loaded(credits_: Any) -> None:
    with pytest.raises(ValueError, match="whole credits"):
        Price("each", credits_)


@pytest.mark.parametrize("usd", ["-0.01", "NaN", "Infinity"])
def test_a_price_in_dollars_is_never_negative(usd: str) -> None:
    with pytest.raises(ValueError, match="zero or more"):
        Price("each", 1, Decimal(usd))
