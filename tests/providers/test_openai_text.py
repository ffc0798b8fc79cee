"""What is asked of chat servers. Failures are in the conformance suite."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from safelight.providers.build import build
from safelight.providers.configuration import ProviderSettings
from safelight.providers.registry import Registry
from safelight.values.errors import ProviderError
from tests.fakes.openai_server import KEY, FakeOpenAI
from tests.fakes.server import Plan
from tests.providers.conftest import Seen, until, write


def at(url: str, **more: object) -> Registry:
    given = {
        "sketch": False,
        "openai_api_key": KEY,
        "openai_base_url": url,
        "openai_text_models": ["gpt-6-luna", "tiny-chat"],
    }
    return build(ProviderSettings.model_validate(given | more))


@pytest.mark.parametrize(
    ("model", "field"), [("gpt-6-luna", "max_completion_tokens"), ("tiny-chat", "max_tokens")]
)
async def test_the_limit_is_called_what_the_model_calls_it(
    model: str, field: str, openai: FakeOpenAI, seen: Seen
) -> None:
    registry = at(openai.base_url)
    card = registry.card(f"openai/{model}")

    whole = await registry.text("openai").write(write(card), seen)
    short = await registry.text("openai").write(write(card, max_tokens=3), seen)
    await registry.close()

    assert [call.json[field] for call in openai.calls] == [4096, 3]
    assert len(short.text) < len(whole.text)
    assert whole.usd is None if model == "tiny-chat" else whole.usd


async def test_pieces_arrive_while_the_rest_is_being_written(
    openai: FakeOpenAI, seen: Seen
) -> None:
    registry = at(openai.base_url)
    openai.plan = Plan(step_s=0.03)
    provider = registry.text("openai")

    writing = asyncio.create_task(provider.write(write(registry.card("openai/tiny-chat")), seen))
    await until(lambda: bool(seen.deltas))

    assert not writing.done()
    await writing
    await registry.close()


async def test_an_answer_that_unpacks_to_a_large_one_is_not_unpacked(
    openai: FakeOpenAI, seen: Seen
) -> None:
    registry = at(openai.base_url)
    openai.plan = Plan(fault="gzip_bomb")

    with pytest.raises(ProviderError, match="more than it may"):
        await registry.text("openai").write(write(registry.card("openai/tiny-chat")), seen)
    await registry.close()


async def test_nothing_of_the_environment_reaches_the_server(
    openai: FakeOpenAI, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, f"from-the-environment-{name}")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    registry = at(openai.base_url)

    await registry.text("openai").write(write(registry.card("openai/tiny-chat")), seen)
    await registry.close()

    sent = f"{openai.calls[0].headers} {openai.calls[0].body!r}"
    assert "from-the-environment" not in sent
    assert f"Bearer {KEY}" in sent


def test_the_chat_library_is_not_imported_before_it_is_needed() -> None:
    script = (
        "import sys; from safelight.providers.build import build;"
        "from safelight.providers.configuration import ProviderSettings;"
        "build(ProviderSettings(openai_api_key='sk-x', openai_text_models=['a']));"
        "print(sorted({'pydantic_ai', 'openai', 'numpy'} & set(sys.modules)))"
    )

    found = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )

    assert found.stdout.strip() == "[]"
