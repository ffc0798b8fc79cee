"""What every adapter must do: each failure gets its name, and no key is ever in it."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from safelight.providers.build import build
from safelight.providers.configuration import Dialect, ProviderSettings
from safelight.providers.protocol import ModelCard, Rendered, Written
from safelight.providers.registry import Registry
from safelight.values.errors import (
    InvalidOutput,
    OutcomeUnknown,
    ProviderAuth,
    ProviderBusy,
    ProviderError,
    ProviderFailed,
    ProviderRefused,
    ProviderRejected,
    ProviderUnreachable,
    TargetRefused,
)
from safelight.values.images import sniff_format
from tests.fakes.openai_server import KEY, FakeOpenAI
from tests.fakes.pollinations_server import KEY as POLLINATIONS_KEY
from tests.fakes.pollinations_server import FakePollinations
from tests.fakes.server import Fake, Plan
from tests.providers.conftest import Seen, render, until, write

MIB = 1024 * 1024


@dataclass
class Adapter:
    """One way to reach a model, with the fake behind it."""

    name: str
    fake: Fake
    registry: Registry
    card: ModelCard

    async def ask(self, seen: Seen, timeout_s: float = 10.0) -> Rendered | Written:
        card = replace(self.card, timeout_s=timeout_s)
        if card.kind == "text":
            return await self.registry.text(card.provider).write(write(card), seen)
        request = render(card, format=card.capabilities.formats[0])
        made = await self.registry.image(card.provider).submit(request, seen)
        assert isinstance(made, Rendered)
        return made


def openai_settings(url: str, **more: object) -> ProviderSettings:
    given = {
        "sketch": False,
        "openai_api_key": KEY,
        "openai_base_url": url,
        "openai_image_models": ["gpt-image-2", "flux-schnell"],
        "openai_text_models": ["gpt-6-luna", "tiny-chat"],
        "openai_dialect": Dialect(seed=True, negative_prompt=True, steps="steps"),
        "picture_bytes_max": MIB,
    }
    return ProviderSettings.model_validate(given | more)


def pollinations_settings(url: str, mode: str) -> ProviderSettings:
    return ProviderSettings.model_validate(
        {
            "sketch": False,
            "pollinations": mode,
            "pollinations_api_key": POLLINATIONS_KEY,
            "pollinations_base_url": url,
            "picture_bytes_max": MIB,
        }
    )


ADAPTERS = {
    "streaming": ("openai/gpt-image-2", lambda url: openai_settings(f"{url}/v1")),
    "compatible": ("openai/flux-schnell", lambda url: openai_settings(f"{url}/v1")),
    "keyed": ("pollinations/flux", lambda url: pollinations_settings(url, "keyed")),
    "keyless": ("pollinations/free", lambda url: pollinations_settings(url, "keyless")),
    "text": ("openai/gpt-6-luna", lambda url: openai_settings(f"{url}/v1")),
    "text_compatible": ("openai/tiny-chat", lambda url: openai_settings(f"{url}/v1")),
}
OPENAI = ("streaming", "compatible", "text")
POLLINATIONS = ("keyed", "keyless")
EVERY = (*OPENAI, *POLLINATIONS)


@pytest.fixture
async def adapter_of(
    openai: FakeOpenAI, pollinations: FakePollinations
) -> AsyncIterator[Callable[[str], Adapter]]:
    made: list[Registry] = []

    def make(name: str) -> Adapter:
        fake: Fake = pollinations if name in POLLINATIONS else openai
        model, settings = ADAPTERS[name]
        registry = build(settings(fake.url))
        made.append(registry)
        return Adapter(name, fake, registry, registry.card(model))

    yield make
    for registry in made:
        await registry.close()


async def error_of(asking: Awaitable[object]) -> ProviderError:
    """The error, after checking that nothing of it, causes included, shows a key."""
    with pytest.raises(ProviderError) as caught:
        await asking
    error = caught.value
    everything = "".join(traceback.format_exception(error)) + repr(error)
    everything += f"{error.provider_message}"
    for key in (KEY, POLLINATIONS_KEY):
        assert key not in everything
    assert str(error).endswith(".")
    return error


@pytest.mark.parametrize("name", ADAPTERS)
async def test_it_answers(name: str, adapter_of: Callable[[str], Adapter], seen: Seen) -> None:
    adapter = adapter_of(name)

    made = await adapter.ask(seen)

    if isinstance(made, Rendered):
        assert sniff_format(made.data) == adapter.card.capabilities.formats[0]
        assert made.seed == (7 if adapter.card.capabilities.seed else None)
        assert made.adjustments == ()
    else:
        assert made.text == "You asked: Say hällo — here it is, word by word."
        assert "".join(seen.deltas) == made.text
        assert len(seen.deltas) > 5
        assert made.tokens == 21
    assert len(adapter.fake.calls) == 1


@pytest.mark.parametrize("name", ("streaming", "compatible", "keyed", "keyless"))
async def test_the_same_request_gives_the_same_picture(
    name: str, adapter_of: Callable[[str], Adapter], seen: Seen
) -> None:
    adapter = adapter_of(name)

    first, second = await adapter.ask(seen), await adapter.ask(seen)

    assert first == second


# What any HTTP server can do wrong. A stream or a text that simply ends cannot be told from a
# broken line, so those say OutcomeUnknown where a JSON answer cut short says InvalidOutput.
NETWORK: list[tuple[str, type[ProviderError], tuple[str, ...]]] = [
    ("drop_after", OutcomeUnknown, EVERY),
    ("drop_midway", OutcomeUnknown, EVERY),
    ("truncated", InvalidOutput, ("compatible", "keyed")),
    ("html", InvalidOutput, EVERY),
    ("html_502", ProviderFailed, EVERY),
    ("html_530", ProviderFailed, EVERY),
    ("text_500", ProviderFailed, EVERY),
    ("empty_503", ProviderFailed, EVERY),
    ("wrong_type", InvalidOutput, EVERY),
    ("wrong_shape", InvalidOutput, EVERY),
    ("list", InvalidOutput, EVERY),
    ("deep", InvalidOutput, EVERY),
    ("huge", InvalidOutput, EVERY),
    ("gzip_bomb", InvalidOutput, EVERY),
    ("huge_error", ProviderRejected, ("streaming", "compatible", *POLLINATIONS)),
    ("redirect", ProviderRejected, EVERY),
]
AT_OPENAI: list[tuple[str, type[ProviderError], tuple[str, ...]]] = [
    ("busy_seconds", ProviderBusy, OPENAI),
    ("busy_date", ProviderBusy, OPENAI),
    ("busy_ms", ProviderBusy, OPENAI),
    ("busy_words", ProviderBusy, OPENAI),
    ("busy_forever", ProviderBusy, OPENAI),
    ("busy_detail", ProviderBusy, OPENAI),
    ("busy_details", ProviderBusy, OPENAI),
    ("busy_silent", ProviderBusy, OPENAI),
    ("busy_nonsense", ProviderBusy, OPENAI),
    ("conflict", ProviderBusy, OPENAI),
    ("no_quota", ProviderAuth, OPENAI),
    ("hard_limit", ProviderAuth, OPENAI),
    ("bad_key", ProviderAuth, OPENAI),
    ("forbidden", ProviderAuth, OPENAI),
    ("bad_request", ProviderRejected, OPENAI),
    ("unprocessable", ProviderRejected, OPENAI),
    ("not_found", ProviderRejected, OPENAI),
    ("echoes_key", ProviderRejected, OPENAI),
    ("server_error", ProviderFailed, OPENAI),
    ("overloaded", ProviderFailed, OPENAI),
    ("refused", ProviderRefused, OPENAI),
    ("refused_old", ProviderRefused, OPENAI),
    ("refused_filter", ProviderRefused, OPENAI),
    ("empty_data", ProviderRefused, ("streaming", "compatible")),
    ("empty_item", ProviderRefused, ("streaming", "compatible")),
    ("no_data", InvalidOutput, ("streaming", "compatible")),
    ("bad_base64", InvalidOutput, ("streaming", "compatible")),
    ("not_a_picture", InvalidOutput, ("streaming", "compatible")),
    ("bad_link", TargetRefused, ("compatible",)),
    ("http_link", TargetRefused, ("compatible",)),
    ("dead_link", InvalidOutput, ("compatible",)),
    ("stream_error", ProviderRefused, ("streaming",)),
    ("stream_server_error", ProviderFailed, ("streaming",)),
    ("stream_not_json", InvalidOutput, ("streaming",)),
    ("stream_done_only", InvalidOutput, ("streaming",)),
    ("stream_ends_early", OutcomeUnknown, ("streaming",)),
    ("stream_drop", OutcomeUnknown, ("streaming",)),
    ("chat_empty", InvalidOutput, ("text", "text_compatible")),
    ("chat_filtered", ProviderRefused, ("text", "text_compatible")),
    ("chat_refusal", ProviderRefused, ("text", "text_compatible")),
    ("chat_ends_early", OutcomeUnknown, ("text", "text_compatible")),
    ("chat_drop", OutcomeUnknown, ("text", "text_compatible")),
    ("chat_nonsense", InvalidOutput, ("text", "text_compatible")),
    ("chat_wrong_shape", InvalidOutput, ("text", "text_compatible")),
    ("chat_error", ProviderFailed, ("text", "text_compatible")),
]
AT_POLLINATIONS: list[tuple[str, type[ProviderError], tuple[str, ...]]] = [
    ("refused", ProviderRefused, POLLINATIONS),
    ("refused_safety", ProviderRefused, POLLINATIONS),
    ("payment", ProviderAuth, POLLINATIONS),
    ("payment_legacy", ProviderAuth, POLLINATIONS),
    ("payment_inside_200", ProviderAuth, ("keyless",)),
    ("busy", ProviderBusy, POLLINATIONS),
    ("busy_text", ProviderBusy, POLLINATIONS),
    ("upstream", ProviderFailed, POLLINATIONS),
    ("forbidden", ProviderAuth, POLLINATIONS),
    ("bad_key", ProviderAuth, POLLINATIONS),
    ("bad_request", ProviderRejected, POLLINATIONS),
    ("not_a_picture", InvalidOutput, POLLINATIONS),
]
ROWS = [
    pytest.param(name, fault, expected, id=f"{name}-{fault}")
    for fault, expected, names in (*NETWORK, *AT_OPENAI, *AT_POLLINATIONS)
    for name in names
]


@pytest.mark.parametrize(("name", "fault", "expected"), ROWS)
async def test_each_failure_has_its_name(
    name: str,
    fault: str,
    expected: type[ProviderError],
    adapter_of: Callable[[str], Adapter],
    seen: Seen,
) -> None:
    adapter = adapter_of(name)
    adapter.fake.plan = Plan(fault=fault)

    error = await error_of(adapter.ask(seen))

    assert type(error) is expected, repr(error)
    # The adapter never retries; only to look for a picture behind a link is a second call.
    assert len(adapter.fake.calls) == (2 if fault == "dead_link" else 1)


@pytest.mark.parametrize("name", EVERY)
async def test_a_server_that_is_not_there_was_sent_nothing(
    name: str, adapter_of: Callable[[str], Adapter], seen: Seen
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        model, settings = ADAPTERS[name]
        registry = build(settings(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        adapter = Adapter(name, Fake(), registry, registry.card(model))

        error = await error_of(adapter.ask(seen))

    await registry.close()
    assert type(error) is ProviderUnreachable, repr(error)


@pytest.mark.parametrize("name", ("compatible", "text", "keyless"))
async def test_a_name_that_does_not_exist_was_sent_nothing(name: str, seen: Seen) -> None:
    model, settings = ADAPTERS[name]
    registry = build(settings("http://nowhere.invalid"))

    error = await error_of(Adapter(name, Fake(), registry, registry.card(model)).ask(seen))

    await registry.close()
    assert type(error) is ProviderUnreachable, repr(error)


@pytest.mark.parametrize("name", ("compatible", "text", "keyless"))
async def test_a_server_without_tls_was_sent_nothing(
    name: str, openai: FakeOpenAI, seen: Seen
) -> None:
    model, settings = ADAPTERS[name]
    registry = build(settings(openai.url.replace("http:", "https:")))

    error = await error_of(Adapter(name, openai, registry, registry.card(model)).ask(seen))

    await registry.close()
    assert type(error) is ProviderUnreachable, repr(error)
    assert not openai.calls


@pytest.mark.parametrize("name", EVERY)
async def test_a_server_that_never_answers_leaves_the_outcome_unknown(
    name: str, adapter_of: Callable[[str], Adapter], seen: Seen
) -> None:
    adapter = adapter_of(name)
    adapter.fake.plan = Plan(fault="hang")

    error = await error_of(adapter.ask(seen, timeout_s=0.3))

    assert type(error) is OutcomeUnknown, repr(error)


@pytest.mark.parametrize("name", EVERY)
async def test_cancelling_closes_the_connection(
    name: str, adapter_of: Callable[[str], Adapter], seen: Seen
) -> None:
    adapter = adapter_of(name)
    adapter.fake.plan = Plan(fault="hang")
    asking = asyncio.create_task(adapter.ask(seen))
    await until(lambda: len(adapter.fake.calls) == 1)

    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: adapter.fake.abandoned == 1)


@pytest.mark.parametrize("name", ("streaming", "text"))
async def test_cancelling_a_stream_closes_the_connection(
    name: str, adapter_of: Callable[[str], Adapter], seen: Seen
) -> None:
    adapter = adapter_of(name)
    adapter.fake.plan = Plan(step_s=0.05)
    asking = asyncio.create_task(adapter.ask(seen))
    await until(lambda: bool(seen.steps or seen.deltas))

    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: adapter.fake.abandoned == 1)


@pytest.mark.parametrize("name", EVERY)
async def test_after_failures_it_works_again(
    name: str, adapter_of: Callable[[str], Adapter], seen: Seen
) -> None:
    adapter = adapter_of(name)
    adapter.fake.plan = Plan(fault="text_500", times=2)

    for _ in range(2):
        assert type(await error_of(adapter.ask(seen))) is ProviderFailed
    await adapter.ask(seen)

    assert len(adapter.fake.calls) == 3


@pytest.mark.parametrize(
    ("fault", "wait_s"),
    [
        ("busy_seconds", 7.0),
        ("busy_date", 30.0),
        ("busy_ms", 1.5),
        ("busy_words", 72.0),
        ("busy_forever", None),
        ("busy_detail", 2.5),
        ("busy_details", 13.0),
        ("busy_silent", None),
        ("busy_nonsense", None),
        ("overloaded", 3.0),
    ],
)
@pytest.mark.parametrize("name", OPENAI)
async def test_the_wait_they_ask_for_is_kept(
    name: str,
    fault: str,
    wait_s: float | None,
    adapter_of: Callable[[str], Adapter],
    seen: Seen,
) -> None:
    adapter = adapter_of(name)
    adapter.fake.plan = Plan(fault=fault)

    error = await error_of(adapter.ask(seen))

    assert error.retry_after_s == (pytest.approx(wait_s, abs=1.5) if wait_s else None)


async def test_the_built_in_painter_keeps_the_same_rules(seen: Seen) -> None:
    registry = build(ProviderSettings())
    card = registry.card("sketch")
    provider = registry.image("sketch")
    request = render(card, width=128, height=96, format="webp")

    first = await provider.submit(request, seen)
    second = await provider.submit(request, seen)
    painting = asyncio.create_task(provider.submit(render(card, width=2048, height=2048), seen))
    await asyncio.sleep(0.05)
    painting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await painting
    third = await provider.submit(request, seen)
    await registry.close()

    assert isinstance(first, Rendered)
    assert sniff_format(first.data) == "webp"
    assert first.seed == 7
    assert first == second == third
    assert seen.steps
