"""Sketch as a provider: an honest card, a picture per request, progress and adjustments."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
import pyvips

from safelight.providers.protocol import PictureBytes, RenderRequest, Ticket
from safelight.providers.sketch.adapter import CARD, Sketch
from safelight.values.errors import OutcomeUnknown, ProviderRejected
from safelight.values.prompts import OptimizedPrompt


class Watching:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def step(self, step: int, steps: int, preview: bytes | None = None) -> None:
        self.steps.append((step, steps))

    def delta(self, text: str) -> None:
        raise AssertionError("Sketch writes no text.")


@pytest_asyncio.fixture
async def sketch() -> AsyncIterator[Sketch]:
    sketch = Sketch()
    yield sketch
    await sketch.close()


def request(text: str = "a red boat") -> RenderRequest:
    prompt = OptimizedPrompt(text, template="none")
    return RenderRequest(CARD, prompt, width=96, height=64, seed=5, key="k", format="webp")


def test_the_card_says_plainly_that_it_is_not_ai(sketch: Sketch) -> None:
    (card,) = sketch.models()

    assert (card.id, card.name) == ("sketch", "Sketch")
    assert "not AI" in card.description


async def test_a_request_becomes_a_picture(sketch: Sketch) -> None:
    watch = Watching()

    rendered = await sketch.submit(request(), watch)

    image = pyvips.Image.new_from_buffer(rendered.data, "")
    assert (image.width, image.height) == (96, 64)
    assert image.get("vips-loader").startswith("webp")
    assert rendered.seed == 5
    assert rendered.adjustments == ()
    assert watch.steps[-1] == (12, 12)


async def test_what_has_no_effect_is_said(sketch: Sketch) -> None:
    asked = replace(
        request(), negative_prompt="rain", steps=30, references=(PictureBytes(b"x", "png"),)
    )

    rendered = await sketch.submit(asked, Watching())

    assert len(rendered.adjustments) == 3


async def test_an_impossible_size_is_refused_for_good(sketch: Sketch) -> None:
    with pytest.raises(ProviderRejected):
        await sketch.submit(replace(request(), width=5000), Watching())


async def test_cancelling_the_submit_passes_through(sketch: Sketch) -> None:
    large = replace(request(), width=4096, height=4096)
    task = asyncio.create_task(sketch.submit(large, Watching()))
    await asyncio.sleep(0.2)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_there_is_nothing_to_collect(sketch: Sketch) -> None:
    with pytest.raises(OutcomeUnknown):
        await sketch.collect(Ticket("x"), Watching())
