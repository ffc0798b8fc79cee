"""What is asked of OpenAI-shaped servers, and how their many kinds of answer are read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from safelight.providers.build import build
from safelight.providers.configuration import Dialect, ProviderSettings
from safelight.providers.protocol import PictureBytes, Rendered
from safelight.providers.registry import Registry
from safelight.values.errors import InvalidOutput, ProviderRejected
from safelight.values.images import sniff_format
from tests.fakes.openai_server import KEY, FakeOpenAI
from tests.fakes.pictures import png
from tests.fakes.server import Answer, Call, Fake, Plan
from tests.providers.conftest import Seen, render

GPT, FLUX = "openai/gpt-image-2", "openai/flux-schnell"


def at(url: str, **more: object) -> Registry:
    given = {
        "sketch": False,
        "openai_api_key": KEY,
        "openai_base_url": url,
        "openai_image_models": ["gpt-image-2", "flux-schnell"],
    }
    return build(ProviderSettings.model_validate(given | more))


async def ask(registry: Registry, model: str, seen: Seen, **more: object) -> Rendered:
    card = registry.card(model)
    made = await registry.image("openai").submit(render(card, **more), seen)
    assert isinstance(made, Rendered)
    return made


@pytest.fixture
async def registry(openai: FakeOpenAI) -> AsyncIterator[Registry]:
    made = at(openai.base_url)
    yield made
    await made.close()


async def test_partial_pictures_arrive_as_previews(
    registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    made = await ask(registry, GPT, seen)

    assert [(step, steps) for step, steps, _ in seen.steps] == [(1, 3), (2, 3), (3, 3)]
    previews = [preview for _, _, preview in seen.steps]
    assert all(sniff_format(preview) == "png" for preview in previews[:2] if preview)
    assert previews[0] != previews[1] != made.data
    assert previews[2] is None
    assert openai.asked == [
        {
            "model": "gpt-image-2",
            "prompt": "a heron",
            "n": 1,
            "size": "1024x1024",
            "output_format": "png",
            "quality": "medium",
            "stream": True,
            "partial_images": 2,
        }
    ]


async def test_a_low_quality_picture_is_not_made_dear_by_previews(
    registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    made = await ask(registry, GPT, seen, quality="low")

    assert "partial_images" not in openai.asked[0]
    assert made.usd == Decimal("0.006130")  # 196 tokens out at 30, 50 in at 5 USD a million


@pytest.mark.parametrize(
    ("quality", "usd"), [(None, "0.052930"), ("medium", "0.052930"), ("high", "0.210970")]
)
async def test_the_cost_comes_from_usage(
    quality: str | None, usd: str, registry: Registry, seen: Seen
) -> None:
    made = await ask(registry, GPT, seen, quality=quality)

    assert made.usd == Decimal(usd)
    assert made.seed is None
    assert made.provider_id == "req_fake"


@pytest.mark.parametrize(
    "fault",
    [
        "stream_comments",
        "stream_crlf",
        "stream_no_last_blank",
        "stream_no_event_names",
        "stream_split",
    ],
)
async def test_streams_are_read_however_they_are_written(
    fault: str, registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    openai.plan = Plan(fault=fault)

    made = await ask(registry, GPT, seen)

    assert sniff_format(made.data) == "png"
    assert len(seen.steps) == 3


async def test_a_server_that_ignores_streaming_is_read_all_the_same(
    registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    openai.plan = Plan(fault="ignores_stream")

    made = await ask(registry, GPT, seen)

    assert sniff_format(made.data) == "png"
    assert seen.steps == []


async def test_a_server_that_refuses_streaming_is_asked_without_and_remembered(
    registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    openai.plan = Plan(fault="no_streaming")

    await ask(registry, GPT, seen)
    await ask(registry, GPT, seen)

    assert ["stream" in call.json for call in openai.calls] == [True, False, False]


async def test_a_request_refused_for_something_else_is_not_asked_again_without_streaming(
    registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    openai.plan = Plan(fault="bad_upstream", times=1)

    with pytest.raises(ProviderRejected):
        await ask(registry, GPT, seen)
    await ask(registry, GPT, seen)

    assert ["stream" in call.json for call in openai.calls] == [True, True]


async def test_only_fields_the_server_knows_are_sent(
    registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    await ask(registry, FLUX, seen, negative_prompt="blur", steps=4, guidance=2.0, quality="high")

    assert openai.asked == [
        {
            "model": "flux-schnell",
            "prompt": "a heron",
            "n": 1,
            "size": "1024x1024",
            "response_format": "b64_json",
        }
    ]


async def test_a_dialect_names_what_more_a_server_knows(openai: FakeOpenAI, seen: Seen) -> None:
    dialect = Dialect(
        seed=True,
        negative_prompt=True,
        steps="steps",
        guidance="guidance_scale",
        size="width_height",
        response_format="url",
    )
    registry = at(openai.base_url, openai_dialect=dialect)

    made = await ask(registry, FLUX, seen, negative_prompt="blur", steps=4, guidance=2.0, width=512)
    await registry.close()

    assert openai.asked == [
        {
            "model": "flux-schnell",
            "prompt": "a heron",
            "n": 1,
            "width": 512,
            "height": 1024,
            "response_format": "url",
            "seed": 7,
            "negative_prompt": "blur",
            "steps": 4,
            "guidance_scale": 2.0,
        }
    ]
    assert made.seed == 7
    assert sniff_format(made.data) == "png"


async def test_a_dialect_can_be_written_as_json(openai: FakeOpenAI) -> None:
    settings = ProviderSettings.model_validate_json(
        '{"openai_dialect": {"seed": true, "steps": "steps"}, "openai_base_url": "http://a/v1"}'
    )

    assert settings.openai_dialect == Dialect(seed=True, steps="steps")


@pytest.mark.parametrize("fault", ["data_url", "null_usage", "odd_usage", "absurd_usage"])
async def test_what_compatible_servers_do_differently_is_accepted(
    fault: str, registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    openai.plan = Plan(fault=fault)

    made = await ask(registry, FLUX, seen)

    assert sniff_format(made.data) == "png"
    assert made.usd is None


async def test_usage_without_measure_is_no_cost(
    registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    openai.plan = Plan(fault="absurd_usage")

    made = await ask(registry, GPT, seen)

    assert sniff_format(made.data) == "png"
    assert made.usd is None


async def test_another_format_than_asked_is_said(
    registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    made = await ask(registry, FLUX, seen, format="webp")
    as_asked = await ask(registry, GPT, seen, format="webp")

    assert made.adjustments == ("flux-schnell made a PNG instead of WEBP.",)
    assert sniff_format(as_asked.data) == "webp"
    assert as_asked.adjustments == ()


async def test_references_and_a_mask_go_to_edits(
    registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    one = PictureBytes(png(64, 64, b"abcdef"), "png")
    two = PictureBytes(png(64, 64, b"ghijkl"), "png")

    await ask(registry, GPT, seen, references=(one,), mask=two)
    await ask(registry, GPT, seen, references=(one, two), prompt="ein Reiher für Zoë")

    assert [call.path for call in openai.calls] == ["/v1/images/edits"] * 2
    first, second = (call.body for call in openai.calls)
    assert first.count(b'name="image"') == 1
    assert first.count(b'name="mask"') == 1
    assert second.count(b'name="image[]"') == 2
    assert openai.asked[1]["prompt"] == "ein Reiher für Zoë"
    assert len(seen.steps) == 6


async def test_pictures_are_not_sent_where_they_are_not_understood(
    registry: Registry, openai: FakeOpenAI, seen: Seen
) -> None:
    with pytest.raises(ProviderRejected):
        await ask(registry, FLUX, seen, references=(PictureBytes(b"", "png"),))

    assert not openai.calls


async def test_a_server_at_home_needs_no_key(seen: Seen) -> None:
    with FakeOpenAI(key=None) as openai:
        registry = at(openai.base_url, openai_api_key=None)

        await ask(registry, FLUX, seen)

        assert "authorization" not in openai.calls[0].headers
        await registry.close()


class Elsewhere(Fake):
    """Another host that a provider's answer points to."""

    def answer(self, call: Call) -> Answer:
        if call.path == "/again":
            return Answer(status=302, headers={"location": f"{self.url}/again"})
        return Answer(png(8, 8, b"abcdef"), type="image/png")


class Pointing(FakeOpenAI):
    """An image server whose pictures lie where `to` says."""

    to = ""

    def answer(self, call: Call) -> Answer:
        if call.path.endswith("/generations"):
            return Answer.of({"data": [{"url": self.to or f"{self.url}/files/8-8-616263646566"}]})
        return super().answer(call)


async def test_the_key_goes_to_no_other_host(seen: Seen) -> None:
    with Elsewhere() as elsewhere, Pointing() as openai:
        registry = at(openai.base_url)
        openai.to = f"{elsewhere.url}/a.png"  # same host, another port: fetched, without the key

        await ask(registry, FLUX, seen)
        openai.to = ""
        await ask(registry, FLUX, seen)

        await registry.close()
        assert "authorization" not in elsewhere.calls[0].headers
        assert openai.calls[-1].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("link", ["again", "file", "http", "user", "nothing"])
async def test_links_that_must_not_be_followed_are_not(link: str, seen: Seen) -> None:
    with Elsewhere() as elsewhere, Pointing() as openai:
        openai.to = {
            "again": f"{elsewhere.url}/again",
            "file": "file:///etc/passwd",
            "http": "http://169.254.169.254/latest/meta-data",
            "user": f"http://me:secret@127.0.0.1:{elsewhere.port}/a.png",
            "nothing": "http://",
        }[link]
        registry = at(openai.base_url)

        with pytest.raises(InvalidOutput):
            await ask(registry, FLUX, seen)

        await registry.close()
        assert len(elsewhere.calls) == (4 if link == "again" else 0)


async def test_a_picture_may_be_as_large_as_the_settings_say_and_no_larger(seen: Seen) -> None:
    with FakeOpenAI(bytes_min=300_000) as openai:
        enough = at(openai.base_url, picture_bytes_max=300_000)
        too_little = at(openai.base_url, picture_bytes_max=299_999)

        for model in (GPT, FLUX):
            assert len((await ask(enough, model, seen)).data) == 300_000
            with pytest.raises(InvalidOutput):
                await ask(too_little, model, seen)

        await enough.close()
        await too_little.close()


async def test_a_model_switched_off_since_is_refused_by_name(
    registry: Registry, seen: Seen
) -> None:
    other = at("http://127.0.0.1:1/v1", openai_image_models=["gone"])

    with pytest.raises(ProviderRejected, match="openai/gone is not configured"):
        await registry.image("openai").submit(render(other.card("openai/gone")), seen)
