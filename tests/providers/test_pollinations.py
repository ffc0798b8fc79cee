"""What is asked of Pollinations, with a key and without. Failures are in the conformance suite."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from safelight.providers.build import build
from safelight.providers.configuration import ProviderSettings
from safelight.providers.protocol import Rendered
from safelight.providers.registry import Registry
from safelight.values.errors import ProviderRejected
from tests.fakes.pollinations_server import KEY, FakePollinations
from tests.fakes.server import Plan
from tests.providers.conftest import Seen, render


def at(pollinations: FakePollinations, mode: str) -> Registry:
    return build(
        ProviderSettings.model_validate(
            {
                "sketch": False,
                "pollinations": mode,
                "pollinations_api_key": KEY if mode == "keyed" else None,
                "pollinations_base_url": pollinations.url,
            }
        )
    )


async def ask(registry: Registry, model: str, seen: Seen, **more: object) -> Rendered:
    made = await registry.image("pollinations").submit(render(registry.card(model), **more), seen)
    assert isinstance(made, Rendered)
    return made


PROMPTS = ["a/b?c#d%e&f=g", "two\nlines", "Zoë — 東京 🎨", "..", "a" * 1000, "%2F%00"]


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_any_prompt_arrives_as_it_was(
    prompt: str, pollinations: FakePollinations, seen: Seen
) -> None:
    registry = at(pollinations, "keyless")

    await ask(registry, "pollinations/free", seen, prompt=prompt)
    await registry.close()

    assert pollinations.calls[0].target.partition("?")[0].count("/") == 2
    # A path of dots alone means a folder, so those are sent as an ellipsis.
    assert pollinations.calls[0].path == f"/prompt/{'… ' if prompt == '..' else prompt}"


async def test_the_seed_is_always_sent_and_nothing_secret(
    pollinations: FakePollinations, seen: Seen
) -> None:
    registry = at(pollinations, "keyless")

    await ask(registry, "pollinations/free", seen, seed=0, width=640, height=480)
    await registry.close()

    call = pollinations.calls[0]
    query = {name: values[0] for name, values in parse_qs(call.query).items()}
    assert query["seed"] == "0"
    assert (query["width"], query["height"], query["private"]) == ("640", "480", "true")
    assert "authorization" not in call.headers


@pytest.mark.parametrize(("mode", "model"), [("keyless", "free"), ("keyed", "flux")])
async def test_asking_again_is_made_once_and_another_seed_twice(
    mode: str, model: str, pollinations: FakePollinations, seen: Seen
) -> None:
    registry = at(pollinations, mode)

    for seed in (901, 901, 902):
        await ask(registry, f"pollinations/{model}", seen, seed=seed)
    await registry.close()

    assert pollinations.generated == 2


async def test_a_prompt_too_long_for_an_address_is_not_sent(
    pollinations: FakePollinations, seen: Seen
) -> None:
    registry = at(pollinations, "keyless")

    with pytest.raises(ProviderRejected, match="too long"):
        await ask(registry, "pollinations/free", seen, prompt="東" * 1000)
    await registry.close()

    assert not pollinations.calls


async def test_a_jpeg_instead_of_a_png_is_said(pollinations: FakePollinations, seen: Seen) -> None:
    registry = at(pollinations, "keyless")

    made = await ask(registry, "pollinations/free", seen, format="png")
    pollinations.plan = Plan(fault="png")
    png = await ask(registry, "pollinations/free", seen, format="png")
    await registry.close()

    assert made.adjustments == ("Pollinations made a JPEG, as it always does.",)
    assert png.adjustments == ()


async def test_with_a_key_the_negative_prompt_is_sent(
    pollinations: FakePollinations, seen: Seen
) -> None:
    registry = at(pollinations, "keyed")

    await ask(registry, "pollinations/flux", seen, negative_prompt="blur", seed=3)
    await registry.close()

    asked = pollinations.calls[0].json
    assert (asked["negative_prompt"], asked["seed"], asked["model"]) == ("blur", 3, "flux")
