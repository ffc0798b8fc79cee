"""Fake providers on real sockets, and what the tests say to adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from safelight.providers.protocol import ModelCard, RenderRequest, TextRequest
from safelight.values.prompts import OptimizedPrompt
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.pollinations_server import FakePollinations
from tests.fakes.server import Plan


class Seen:
    """A `Watch` that remembers."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, bytes | None]] = []
        self.deltas: list[str] = []

    def step(self, step: int, steps: int, preview: bytes | None = None) -> None:
        self.steps.append((step, steps, preview))

    def delta(self, text: str) -> None:
        self.deltas.append(text)


def render(card: ModelCard, prompt: str = "a heron", **more: object) -> RenderRequest:
    given = {"width": 1024, "height": 1024, "seed": 7, "key": "job:1:0"} | more
    return RenderRequest(model=card, prompt=OptimizedPrompt(prompt, "none"), **given)  # type: ignore[arg-type]


def write(card: ModelCard, prompt: str = "Say hällo", **more: object) -> TextRequest:
    return TextRequest(model=card, prompt=OptimizedPrompt(prompt, "none"), key="job:1", **more)  # type: ignore[arg-type]


async def until(true: Callable[[], bool], within_s: float = 3.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.005)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def openai(provider_api: FakeOpenAI) -> FakeOpenAI:
    """The one fake OpenAI of the run, under the name of the adapter it is for."""
    return provider_api


@pytest.fixture(scope="session")
def _pollinations() -> Iterator[FakePollinations]:
    with FakePollinations() as fake:
        yield fake


@pytest.fixture
def pollinations(_pollinations: FakePollinations) -> FakePollinations:
    _pollinations.plan = Plan()
    _pollinations.calls.clear()
    _pollinations.counts.clear()
    _pollinations.abandoned = 0
    _pollinations.generated = 0
    return _pollinations
