"""One variant: asked of its provider, kept at once, checked, made small."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from safelight.images import derive
from safelight.images.store import PictureStore, original_key, preview_key
from safelight.jobs.journal import PREVIEW_BYTES_MAX, Journal
from safelight.jobs.model import Made, Stage, StoredPicture
from safelight.providers.protocol import (
    ImageProvider,
    ModelCard,
    Rendered,
    RenderRequest,
    TextProvider,
    TextRequest,
    Ticket,
)
from safelight.values.errors import InvalidOutput, TookTooLong
from safelight.values.ids import new_id
from safelight.values.prompts import OptimizedPrompt

# Decoding and shrinking are pure computing: more threads than cores would only take turns.
_DARKROOM = ThreadPoolExecutor(max_workers=2, thread_name_prefix="derive")

Reach = Callable[[Stage], None]


@dataclass(frozen=True, slots=True)
class VariantWatch:
    """Passes an adapter's reports on to the journal, with the variant they are about."""

    journal: Journal
    index: int

    def step(self, step: int, steps: int, preview: bytes | None = None) -> None:
        if preview and len(preview) > PREVIEW_BYTES_MAX:
            # A provider's partial picture is as large as the picture: made small elsewhere.
            shrinking = asyncio.get_running_loop().run_in_executor(
                _DARKROOM, derive.shrink_preview, preview, PREVIEW_BYTES_MAX
            )
            shrinking.add_done_callback(lambda done: self._shrunk(step, steps, done))
            preview = None
        self.journal.step_progress(self.index, step, steps, preview)

    def _shrunk(self, step: int, steps: int, done: asyncio.Future[bytes | None]) -> None:
        if not done.cancelled() and not done.exception() and (small := done.result()):
            self.journal.step_progress(self.index, step, steps, small)

    def delta(self, text: str) -> None:
        self.journal.text(self.index, text)


async def make_picture(
    journal: Journal,
    index: int,
    prompt: OptimizedPrompt,
    card: ModelCard,
    provider: ImageProvider,
    store: PictureStore,
    reach: Reach,
) -> Made:
    """From prompt to a stored picture with its previews; skips what an earlier attempt did.

    Raises: ProviderError, journal.Fenced.
    """
    state, result = journal.recorded(f"render:{index}")
    if state == "done":
        picture = _recall(result)
        data = await store.get(original_key(picture.asset_id, picture.format))
    else:
        rendered = await _ask(journal, index, prompt, card, provider, (state, result))
        reach("uploading")
        picture = await _keep(rendered, store, request_size(journal))
        data = rendered.data
        await journal.record(
            f"render:{index}", "done", asdict(picture) | {"asset_id": str(picture.asset_id)}
        )
    reach("finalizing")
    thumbhash = await _make_previews(picture, data, store)
    return Made(
        index=index,
        picture=picture,
        thumbhash=thumbhash,
        adjustments=picture.adjustments,
        usd=picture.usd,
    )


async def write_text(
    journal: Journal,
    index: int,
    prompt: OptimizedPrompt,
    card: ModelCard,
    provider: TextProvider,
) -> Made:
    """From prompt to text, streamed while it is written. Raises: ProviderError, journal.Fenced."""
    name = f"write:{index}"
    state, result = journal.recorded(name)
    if state == "done":
        return Made(index=index, text=result["text"], usd=result["usd"])
    request = TextRequest(
        model=card,
        prompt=prompt,
        key=f"{journal.attempt.job_id}:{index}",
        max_tokens=journal.attempt.parameters.get("max_tokens"),
    )
    await journal.record(name, "intent", None)
    written = await within(card.timeout_s, provider.write(request, VariantWatch(journal, index)))
    if not written.text.strip():
        raise InvalidOutput("The provider answered an empty text.")
    usd = None if written.usd is None else str(written.usd)
    await journal.record(name, "done", {"text": written.text, "usd": usd})
    return Made(index=index, text=written.text, usd=usd)


async def _ask(
    journal: Journal,
    index: int,
    prompt: OptimizedPrompt,
    card: ModelCard,
    provider: ImageProvider,
    recorded: tuple[str, Any],
) -> Rendered:
    """Collect the ticket an earlier attempt left, or write the intent down and ask."""
    name, watch = f"render:{index}", VariantWatch(journal, index)
    state, ticket = recorded
    answer: Rendered | Ticket
    if state == "ticket":
        answer = Ticket(ticket["provider_id"], ticket["facts"])
    else:
        await journal.record(name, "intent", None)
        request = render_request(journal, index, prompt, card)
        answer = await within(card.timeout_s, provider.submit(request, watch))
    while isinstance(answer, Ticket):
        if journal.recorded(name) != ("ticket", asdict(answer)):
            await journal.record(name, "ticket", asdict(answer))
        try:
            answer = await within(card.timeout_s, provider.collect(answer, watch))
        except asyncio.CancelledError:
            await asyncio.shield(provider.cancel(Ticket(**journal.recorded(name)[1])))
            raise
    return answer


def render_request(
    journal: Journal, index: int, prompt: OptimizedPrompt, card: ModelCard
) -> RenderRequest:
    attempt = journal.attempt
    options = attempt.parameters
    return RenderRequest(
        model=card,
        prompt=prompt,
        width=options["width"],
        height=options["height"],
        seed=attempt.seed(index),
        key=f"{attempt.job_id}:{index}",
        format=options.get("format") or "png",
        quality=options.get("quality"),
        style=attempt.request["style"],
        negative_prompt=attempt.request["negative_prompt"],
        steps=options.get("steps"),
        guidance=options.get("guidance"),
        strength=options.get("strength"),
    )


def request_size(journal: Journal) -> tuple[int, int]:
    return journal.attempt.parameters["width"], journal.attempt.parameters["height"]


async def within(seconds: float, work: Any) -> Any:
    """The work's result. Raises: TookTooLong after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise TookTooLong(f"The model didn't answer within {seconds:.0f} s.") from None


async def _keep(rendered: Rendered, store: PictureStore, asked: tuple[int, int]) -> StoredPicture:
    """Store the original byte for byte: it is paid for. Raises: InvalidOutput."""
    try:
        facts = derive.read_facts(rendered.data)
    except derive.Undecodable as error:
        raise InvalidOutput(f"The provider's picture cannot be used: {error}.") from None
    notes = list(rendered.adjustments)
    if (facts.width, facts.height) != asked:
        notes.append(
            f"The model made {facts.width}×{facts.height} instead of {asked[0]}×{asked[1]}."
        )
    picture = StoredPicture(
        asset_id=new_id(),
        format=facts.format,
        width=facts.width,
        height=facts.height,
        bytes=len(rendered.data),
        sha256=hashlib.sha256(rendered.data).hexdigest(),
        seed=rendered.seed,
        adjustments=tuple(notes),
        usd=None if rendered.usd is None else str(rendered.usd),
    )
    await store.put(original_key(picture.asset_id, picture.format), rendered.data)
    return picture


async def _make_previews(picture: StoredPicture, data: bytes, store: PictureStore) -> bytes:
    loop = asyncio.get_running_loop()
    try:
        derived = await loop.run_in_executor(_DARKROOM, partial(derive.derive, data))
    except derive.Undecodable as error:
        raise InvalidOutput(f"The provider's picture is damaged: {error}.") from None
    await asyncio.gather(
        *(
            store.put(preview_key(picture.asset_id, side), preview)
            for side, preview in derived.previews.items()
        )
    )
    return derived.thumbhash


def _recall(result: dict[str, Any]) -> StoredPicture:
    from uuid import UUID  # noqa: PLC0415

    known = dict(result, asset_id=UUID(result["asset_id"]))
    known["adjustments"] = tuple(known["adjustments"])
    return StoredPicture(**known)
