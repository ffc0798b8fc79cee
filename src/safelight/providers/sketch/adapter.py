"""Sketch as a provider: the one that is always there."""

import os
from collections.abc import Sequence

from safelight.providers.protocol import (
    Capabilities,
    ModelCard,
    Price,
    Rendered,
    RenderRequest,
    Ticket,
    Watch,
)  # fmt: skip
from safelight.providers.sketch.easel import Easel, EaselBroken, PaintingFailed
from safelight.values.errors import OutcomeUnknown, ProviderFailed, ProviderRejected

CARD = ModelCard(
    id="sketch",
    provider="sketch",
    provider_model="sketch",
    name="Sketch",
    description="Built-in, not AI: paints the words it knows with brushes and dice, offline.",
    kind="image",
    prompt_max=8000,
    capabilities=Capabilities(
        side_min=64, side_max=4096, size_multiple=1, aspect_max=64.0, seed=True, count_max=8,
        formats=("png", "jpeg", "webp"), progress=True, cancel=True,
    ),
    price=(Price("each", 1),),
    version="1",
    rank=0,
    timeout_s=300.0,  # the largest pictures take ten seconds, and eight variants take turns
    source="src/safelight/providers/sketch",
)  # fmt: skip


class Sketch:
    """Paints in child processes of this one; keeps nothing."""

    name = "sketch"

    def __init__(self, easel: Easel | None = None, painters: int | None = None) -> None:
        """painters: processes that paint; default: one a core."""
        self._easel = easel
        self._painters = painters or os.cpu_count() or 1

    @property
    def at_once(self) -> int:
        """One at each easel, and one that waits to take its place."""
        return 2 * self._painters

    def models(self) -> Sequence[ModelCard]:
        """The one card."""
        return (CARD,)

    async def submit(self, request: RenderRequest, watch: Watch) -> Rendered:
        """Raises: ProviderFailed when a process died (retrying helps), ProviderRejected."""
        if self._easel is None:  # here, not in __init__: it belongs to the loop that runs now
            self._easel = Easel(self._painters)
        try:
            data = await self._easel.paint(
                request.prompt.text,
                width=request.width,
                height=request.height,
                seed=request.seed,
                style=request.style,
                image_format=request.format,
                watch=watch.step,
            )
        except EaselBroken as broken:
            raise ProviderFailed(f"Sketch dropped its brush: {broken}") from broken
        except PaintingFailed as failed:
            raise ProviderRejected(f"Sketch cannot paint this: {failed}") from failed
        return Rendered(data=data, seed=request.seed, adjustments=_adjustments(request))

    async def collect(self, ticket: Ticket, watch: Watch) -> Rendered:
        """Sketch gives no tickets."""
        raise OutcomeUnknown("Sketch paints while you wait and keeps nothing to collect.")

    async def find(self, request: RenderRequest) -> None:
        return None

    async def cancel(self, ticket: Ticket) -> None:
        """Nothing runs that cancelling `submit` has not stopped."""

    async def close(self) -> None:
        """End the painting processes."""
        if self._easel is not None:
            await self._easel.close()


def _adjustments(request: RenderRequest) -> tuple[str, ...]:
    """What was asked for and had no effect, so that nobody wonders."""
    asked = {
        "negative prompt": request.negative_prompt,
        "steps": request.steps,
        "guidance": request.guidance,
        "strength": request.strength,
        "quality": request.quality,
        "reference pictures": request.references,
        "mask": request.mask,
    }
    return tuple(f"Sketch has no use for {name}." for name, value in asked.items() if value)
