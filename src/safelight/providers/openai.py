"""Pictures from OpenAI, and from every server that speaks its image API.

What a server understands is its `Dialect`, so nothing here asks who it is. A server that ignores
`stream` and answers plain JSON is read as that; one that refuses it is asked again without.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from safelight.providers.configuration import Dialect
from safelight.providers.failures import failure
from safelight.providers.openai_answers import (
    Datum,
    ImagesAnswer,
    StreamedEvent,
    TokenUsd,
    Usage,
    checked_picture,
    decoded,
)
from safelight.providers.protocol import ModelCard, Rendered, RenderRequest, Ticket, Watch
from safelight.providers.sse import events
from safelight.providers.transport import Transport
from safelight.values.errors import (
    InvalidOutput,
    NotAsked,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderRejected,
)
from safelight.values.images import CONTENT_TYPES, sniff_format

# Whole words: gateways speak of what is "upstream".
_ABOUT_STREAMS = re.compile(r"\b(stream(ing)?|partial_images)\b")


@dataclass(frozen=True, slots=True)
class Offer:
    """A model, how to ask its server for it, and what its tokens cost where that is known."""

    card: ModelCard
    dialect: Dialect
    token_usd: TokenUsd | None = None


@dataclass(slots=True)
class _Found:
    datum: Datum
    usage: Usage | None
    request_id: str | None


class OpenAIImages:
    """POST /images/generations and /images/edits at one base URL. It has no tickets."""

    def __init__(
        self,
        transport: Transport,
        offers: Iterable[Offer],
        *,
        name: str = "openai",
        picture_bytes_max: int = 25 * 1024 * 1024,
    ) -> None:
        self.name = name
        self._transport = transport
        self._offers = {offer.card.provider_model: offer for offer in offers}
        self._picture_bytes_max = picture_bytes_max
        self._will_not_stream: set[str] = set()

    @property
    def at_once(self) -> None:
        """Somebody else's machine."""
        return None

    def models(self) -> Sequence[ModelCard]:
        return [offer.card for offer in self._offers.values()]

    async def submit(self, request: RenderRequest, watch: Watch) -> Rendered:
        offer = self._offers.get(request.model.provider_model)
        if offer is None:
            raise NotAsked(f"{request.model.id} is not configured any more.")
        if (request.references or request.mask) and offer.dialect.edits is None:
            raise NotAsked(f"{request.model.id} does not take pictures.")
        streaming = offer.dialect.streaming and offer.card.id not in self._will_not_stream
        try:
            found = await self._ask(request, offer, watch, streaming=streaming)
        except ProviderRejected as error:
            # A refused parameter is refused before any work, so asking again costs nothing.
            said = (error.provider_message or "").lower()
            if not streaming or not _ABOUT_STREAMS.search(said):
                raise
            self._will_not_stream.add(offer.card.id)
            found = await self._ask(request, offer, watch, streaming=False)
        data = await self._picture(found.datum, request.model.timeout_s)
        usd = offer.token_usd.cost(found.usage) if offer.token_usd and found.usage else None
        return Rendered(
            data=data,
            seed=request.seed if offer.dialect.seed else None,
            adjustments=tuple(_adjustments(request, data)),
            provider_id=found.request_id,
            usd=usd,
        )

    async def collect(self, ticket: Ticket, watch: Watch) -> Rendered:
        raise OutcomeUnknown(f"{self._transport.who} keeps no picture that could be collected.")

    async def find(self, request: RenderRequest) -> None:
        return None  # it keeps no record that could be asked for

    async def cancel(self, ticket: Ticket) -> None:
        """There is nothing to tell them: closing the connection is all that can be done."""

    async def close(self) -> None:
        await self._transport.close()

    async def _ask(
        self, request: RenderRequest, offer: Offer, watch: Watch, *, streaming: bool
    ) -> _Found:
        async with self._call(request, offer, streaming=streaming) as response:
            request_id = response.headers.get("x-request-id")
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "text/event-stream":
                steps = offer.dialect.partial_images + 1
                datum, usage = await self._watch(response, watch, steps)
            else:
                body = await self._transport.read(response)
                answer = ImagesAnswer.read(body, self._transport.who)
                datum, usage = self._only(answer.data), answer.usage
            return _Found(datum, usage, request_id[:200] if request_id else None)

    @asynccontextmanager
    async def _call(
        self, request: RenderRequest, offer: Offer, *, streaming: bool
    ) -> AsyncIterator[httpx2.Response]:
        fields = _fields(request, offer.dialect, streaming=streaming)
        content: dict[str, Any]
        if request.references or request.mask:
            path = "/images/edits"
            content = {"data": {k: _as_text(v) for k, v in fields.items()}}
            content["files"] = _files(request, offer.dialect)
        else:
            path, content = "/images/generations", {"json": fields}
        async with self._transport.asking(
            "POST", path, within_s=request.model.timeout_s, **content
        ) as response:
            yield response

    async def _watch(
        self, response: httpx2.Response, watch: Watch, steps: int
    ) -> tuple[Datum, Usage | None]:
        who = self._transport.who
        # Each event may hold a whole picture, so the stream may be that much longer.
        most = self._transport.answer_bytes_max
        async for event in events(self._transport.chunks(response, bytes_max=most)):
            if event.data.strip() == "[DONE]":
                raise InvalidOutput(f"{who} ended its stream without a picture.")
            said = StreamedEvent.read(event.data, who)
            if said.error:
                raise self._failed_midway(said.error)
            kind = said.type or event.name
            if kind.endswith(".partial_image") and said.b64_json:
                preview = decoded(said.b64_json, who, bytes_max=self._picture_bytes_max)
                step = min((said.partial_image_index or 0) + 1, steps)
                watch.step(step, steps, preview if sniff_format(preview) else None)
            elif kind.endswith(".completed"):
                watch.step(steps, steps)
                return self._only([Datum(b64_json=said.b64_json, url=said.url)]), said.usage
        # The stream ends when the connection does, so an early end looks just like a broken line.
        raise OutcomeUnknown(f"The connection to {who} broke before its answer.")

    def _only(self, data: list[Datum]) -> Datum:
        """The one picture. Some servers answer 200 with nothing in it when they block a prompt."""
        if not data or not (data[0].b64_json or data[0].url):
            raise ProviderRefused(
                f"{self._transport.who} answered without a picture, which is how it refuses one."
            )
        return data[0]

    async def _picture(self, datum: Datum, within_s: float) -> bytes:
        who, most = self._transport.who, self._picture_bytes_max
        if datum.b64_json:
            data = decoded(datum.b64_json, who, bytes_max=most)
        elif datum.url and datum.url.startswith("data:"):
            data = decoded(datum.url, who, bytes_max=most)
        else:
            # At once: such links live from minutes to an hour.
            data = await self._transport.download(
                datum.url or "", bytes_max=most, within_s=within_s
            )
        return checked_picture(data, who)

    def _failed_midway(self, error: dict[str, Any] | str) -> ProviderError:
        words = str(error).lower()
        status = 500
        if "rate_limit" in words:
            status = 429
        elif "invalid_request" in words or "user_error" in words:
            status = 400
        transport = self._transport
        return failure(transport.who, status, {}, {"error": error}, secrets=transport.secrets)


def _fields(request: RenderRequest, dialect: Dialect, *, streaming: bool) -> dict[str, Any]:
    """Only what was asked for, and only what this server knows the name of."""
    fields: dict[str, Any] = {"model": request.model.provider_model, "prompt": request.prompt.text}
    fields["n"] = 1
    if dialect.size == "size":
        fields["size"] = f"{request.width}x{request.height}"
    else:
        fields |= {"width": request.width, "height": request.height}
    if dialect.response_format:
        fields["response_format"] = dialect.response_format
    if dialect.output_format:
        fields["output_format"] = request.format
    if dialect.quality and (quality := request.quality or dialect.quality_default):
        fields["quality"] = quality
    if dialect.seed:
        fields["seed"] = request.seed
    if dialect.negative_prompt and request.negative_prompt:
        fields["negative_prompt"] = request.negative_prompt
    if dialect.steps and request.steps is not None:
        fields[dialect.steps] = request.steps
    if dialect.guidance and request.guidance is not None:
        fields[dialect.guidance] = request.guidance
    if streaming:
        # A preview costs about 100 tokens: next to a low-quality picture (196) that is too much.
        partial = 0 if fields.get("quality") == "low" else dialect.partial_images
        fields |= {"stream": True} | ({"partial_images": partial} if partial else {})
    return fields


def _files(request: RenderRequest, dialect: Dialect) -> list[tuple[str, tuple[str, bytes, str]]]:
    """The file parts of an edit: one `image`, or several of the name the dialect gives them."""
    several = (dialect.edits or "image") if len(request.references) > 1 else "image"
    files: list[tuple[str, tuple[str, bytes, str]]] = [
        (several, (f"image-{i}.{picture.format}", picture.data, CONTENT_TYPES[picture.format]))
        for i, picture in enumerate(request.references)
    ]
    if request.mask:
        # Theirs and ours alike: a PNG whose transparent pixels are the area to change.
        mask = request.mask
        files.append(("mask", (f"mask.{mask.format}", mask.data, CONTENT_TYPES[mask.format])))
    return files


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _adjustments(request: RenderRequest, data: bytes) -> list[str]:
    got = sniff_format(data)
    if got == request.format:
        return []
    return [f"{request.model.name} made a {str(got).upper()} instead of {request.format.upper()}."]
