"""Adapters for the fake providers of `tests/fakes/lab_api.py`: real HTTP, through our transport.

`lab` gives tickets and can be asked what came of a key; `snap` answers at once and knows nothing
afterwards, so that what was lost there can only be asked for again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from safelight.providers.protocol import (
    Capabilities,
    ModelCard,
    Price,
    Rendered,
    RenderRequest,
    TextRequest,
    Ticket,
    Watch,
    Written,
)
from safelight.providers.registry import Registry
from safelight.providers.transport import Transport
from safelight.values.errors import OutcomeUnknown, PredictionFailed

PRICE = 4  # credits a picture; a text is 1
PICTURE_BYTES_MAX = 1024 * 1024
_LOOK_S = 5.0


def _card(
    name: str, provider: str, kind: Literal["image", "text"], timeout_s: float, rank: int
) -> ModelCard:
    return ModelCard(
        id=name,
        provider=provider,
        provider_model=name,
        name=name.capitalize(),
        description="A fake one.",
        kind=kind,
        prompt_max=8000,
        capabilities=Capabilities(seed=True, cancel=provider == "lab"),
        price=(Price("each", PRICE if kind == "image" else 1),),
        timeout_s=timeout_s,
        rank=rank,
    )


@dataclass(frozen=True, slots=True)
class Lab:
    """Pictures against tickets."""

    transport: Transport
    timeout_s: float = 10.0

    @property
    def name(self) -> str:
        return "lab"

    @property
    def at_once(self) -> None:
        return None

    def models(self) -> Sequence[ModelCard]:
        return [_card("lab", "lab", "image", self.timeout_s, rank=1)]

    async def submit(self, request: RenderRequest, watch: Watch) -> Ticket:
        said = await self._json("POST", "/lab/predictions", json=_asked(request))
        return Ticket(said["id"])

    async def find(self, request: RenderRequest) -> Ticket | None:
        """What came of an earlier ask with the same key: the newest prediction not cancelled."""
        said = await self._json("GET", "/lab/predictions", params={"key": request.key})
        alive = [one["id"] for one in said["predictions"] if one["status"] != "canceled"]
        return Ticket(alive[0]) if alive else None

    async def collect(self, ticket: Ticket, watch: Watch) -> Rendered:
        path = f"/lab/predictions/{ticket.provider_id}"
        while True:
            said = await self._json("GET", path, params={"wait": _LOOK_S})
            if said["status"] == "succeeded":
                break
            if said["status"] == "canceled":
                raise PredictionFailed("The prediction was cancelled.")
        data = await self.transport.download(
            f"{self.transport.base_url}{said['output']}",
            bytes_max=PICTURE_BYTES_MAX,
            within_s=self.timeout_s,
        )
        return Rendered(data, provider_id=ticket.provider_id)

    async def cancel(self, ticket: Ticket) -> None:
        await self._json("POST", f"/lab/predictions/{ticket.provider_id}/cancel")

    async def close(self) -> None:
        await self.transport.close()

    async def _json(self, method: Literal["GET", "POST"], path: str, **content: Any) -> Any:
        return await _json(self.transport, method, path, self.timeout_s, **content)


@dataclass(frozen=True, slots=True)
class Snap:
    """Pictures at once."""

    transport: Transport
    timeout_s: float = 10.0

    @property
    def name(self) -> str:
        return "snap"

    @property
    def at_once(self) -> None:
        return None

    def models(self) -> Sequence[ModelCard]:
        return [_card("snap", "snap", "image", self.timeout_s, rank=0)]

    async def submit(self, request: RenderRequest, watch: Watch) -> Rendered:
        async with self.transport.asking(
            "POST", "/snap", within_s=self.timeout_s, json=_asked(request)
        ) as response:
            data = await self.transport.read(response)
        return Rendered(data, seed=request.seed)

    async def collect(self, ticket: Ticket, watch: Watch) -> Rendered:
        raise OutcomeUnknown("Snap keeps no picture that could be collected.")

    async def find(self, request: RenderRequest) -> None:
        return None  # it keeps nothing

    async def cancel(self, ticket: Ticket) -> None:
        """Closing the connection is all that can be done."""

    async def close(self) -> None:
        await self.transport.close()


@dataclass(frozen=True, slots=True)
class Words:
    """Texts at once, at the same company as `Lab`."""

    transport: Transport
    timeout_s: float = 10.0

    @property
    def name(self) -> str:
        return "lab"

    def models(self) -> Sequence[ModelCard]:
        return [_card("words", "lab", "text", self.timeout_s, rank=0)]

    async def write(self, request: TextRequest, watch: Watch) -> Written:
        said = await _json(
            self.transport,
            "POST",
            "/words",
            self.timeout_s,
            json={"key": request.key, "prompt": request.prompt.text},
        )
        watch.delta(said["text"])
        return Written(said["text"])

    async def close(self) -> None:
        await self.transport.close()


def lab_registry(url: str, *, timeout_s: float) -> Registry:
    """Both companies and the writer, each with connections of its own."""
    lab, snap, words = (Transport(who, url) for who in ("Lab", "Snap", "Words"))
    return Registry([Lab(lab, timeout_s), Snap(snap, timeout_s)], [Words(words, timeout_s)])


def _asked(request: RenderRequest) -> dict[str, Any]:
    return {
        "key": request.key,
        "prompt": request.prompt.text,
        "width": request.width,
        "height": request.height,
        "seed": request.seed,
    }


async def _json(
    transport: Transport,
    method: Literal["GET", "POST"],
    path: str,
    within_s: float,
    **content: Any,
) -> Any:
    async with transport.asking(method, path, within_s=within_s, **content) as response:
        return orjson.loads(await transport.read(response))
