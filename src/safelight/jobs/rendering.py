"""One variant: asked of its provider, kept at once, checked, made small."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from typing import Any

from safelight.crashpoints import crash
from safelight.images.darkroom import Darkroom
from safelight.images.headers import Undecodable, read_header
from safelight.images.store import PictureStore, original_key, preview_key
from safelight.jobs.attempts import Prediction
from safelight.jobs.journal import PREVIEW_BYTES_MAX, Journal
from safelight.jobs.model import Made, Stage, StoredPicture
from safelight.jobs.sources import Pictures, Shelf
from safelight.providers.protocol import (
    ImageProvider,
    ModelCard,
    Rendered,
    RenderRequest,
    TextProvider,
    TextRequest,
    Ticket,
)
from safelight.queueing.lanes import Lanes
from safelight.queueing.outcomes import LOST_MAX
from safelight.values.errors import (
    AnswersLost,
    InvalidOutput,
    OutcomeUnknown,
    PredictionFailed,
    ProviderError,
    ProviderRefused,
    ProviderRejected,
    TookTooLong,
)
from safelight.values.ids import new_id
from safelight.values.prompts import OptimizedPrompt

Reach = Callable[[Stage], None]

STORE_TIMEOUT_S = 120.0
# What ends a prediction. With any other failure to collect it, it is still there.
_ENDS_A_PREDICTION = (PredictionFailed, ProviderRefused, ProviderRejected, InvalidOutput)


@dataclass(frozen=True, slots=True)
class VariantWatch:
    """Passes an adapter's reports on to the journal, with the variant they are about."""

    journal: Journal
    index: int
    darkroom: Darkroom | None = None

    def step(self, step: int, steps: int, preview: bytes | None = None) -> None:
        if preview and len(preview) > PREVIEW_BYTES_MAX:
            # A provider's partial picture is as large as the picture: made small elsewhere, unless
            # whole ones are waiting there.
            if self.darkroom and not self.darkroom.busy:
                shrinking = asyncio.ensure_future(_shrink(self.darkroom, preview))
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
    lanes: Lanes,
    store: PictureStore,
    darkroom: Darkroom,
    shelf: Shelf,
    reach: Reach,
) -> Made:
    """From prompt to a stored picture with its previews; skips what an earlier attempt did.

    Raises: ProviderError, journal.Fenced.
    """
    name = _step(journal, index)
    step = journal.recorded(name)
    if step.state == "done":
        picture = _recall(step.result)
        data = await store.get(original_key(picture.asset_id, picture.format))
    else:
        # Before it is the provider's turn: that a reference is gone says nothing about it.
        pictures = await shelf.take()
        async with lanes.enter(card.provider, card.id):
            request = render_request(journal, index, prompt, card, pictures)
            watch = VariantWatch(journal, index, darkroom)
            rendered = await _ask(journal, watch, request, provider)
        crash("after_provider_call")
        reach("uploading")
        async with within(STORE_TIMEOUT_S, "The picture could not be stored in time."):
            picture = await _keep(rendered, store, request_size(journal))
        data = rendered.data
        crash("after_original_stored")
        await journal.record(
            name,
            "done",
            asdict(picture) | {"asset_id": str(picture.asset_id)},
            Prediction(index, _asked_by(journal, name), "answered", usd=picture.usd),
        )
        crash("after_render_recorded")
    reach("finalizing")
    try:
        async with within(STORE_TIMEOUT_S, "The previews could not be made in time."):
            thumbhash = await _make_previews(picture, data, store, darkroom)
    except InvalidOutput:
        # The same bytes would fail again: the next attempt asks for others.
        await journal.record(name, "failed", None)
        raise
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
    lanes: Lanes,
) -> Made:
    """From prompt to text, streamed while it is written. Raises: ProviderError, journal.Fenced."""
    name = _step(journal, index)
    step = journal.recorded(name)
    if step.state == "done":
        return Made(index=index, text=step.result["text"], usd=step.result["usd"])
    request = TextRequest(
        model=card,
        prompt=prompt,
        key=f"{journal.attempt.job_id}:{index}",
        max_tokens=journal.attempt.parameters.get("max_tokens"),
    )
    async with lanes.enter(card.provider, card.id):
        await _intend(journal, name, index, is_free=False)
        async with _told(journal, name, index), within(card.timeout_s, _silence(card)):
            written = await provider.write(request, VariantWatch(journal, index))
            crash("after_provider_call")
            if not written.text.strip():
                raise InvalidOutput("The provider answered an empty text.")
    usd = None if written.usd is None else str(written.usd)
    await journal.record(
        name,
        "done",
        {"text": written.text, "usd": usd},
        Prediction(index, journal.attempt.number, "answered", written.provider_id, usd=usd),
    )
    crash("after_render_recorded")
    return Made(index=index, text=written.text, usd=usd)


async def _ask(
    journal: Journal, watch: VariantWatch, request: RenderRequest, provider: ImageProvider
) -> Rendered:
    """The provider's picture: of an earlier attempt's ticket or lost answer, or a new one.

    Raises: ProviderError."""
    index, name, card = watch.index, _step(journal, watch.index), request.model
    step = journal.recorded(name)
    answer: Rendered | Ticket | None = None
    if step.state == "ticket":
        answer = Ticket(step.result["provider_id"], step.result["facts"])
    elif step.state == "intent":
        async with within(card.timeout_s, _silence(card)):
            answer = await provider.find(request)
    if answer is None:
        await _intend(journal, name, index, is_free=provider.at_once is not None)
        async with _told(journal, name, index), within(card.timeout_s, _silence(card)):
            answer = await provider.submit(request, watch)
    while isinstance(answer, Ticket):
        await _keep_ticket(journal, name, index, answer)
        crash("after_ticket")
        async with _told(journal, name, index), within(card.timeout_s, _silence(card)):
            answer = await provider.collect(answer, watch)
    return answer


async def _intend(journal: Journal, name: str, index: int, *, is_free: bool) -> None:
    """Write down that the provider is about to be asked. An earlier intent without an answer was
    looked for in vain: it may have cost the operator, so that is risked once and not for ever.

    Raises: AnswersLost, Fenced."""
    step = journal.recorded(name)
    told = [Prediction(index, journal.attempt.number, "asked")]
    lost = lost_before(journal, index)
    if step.state == "intent":
        lost += 1
        told.append(Prediction(index, step.attempt, "unknown"))
        if lost > LOST_MAX and not is_free:
            await journal.record(name, "failed", None, *told[1:])
            raise AnswersLost("The provider's answer was lost more than once.")
    await journal.record(name, "intent", {"lost": lost}, *told)
    crash("after_intent")


def lost_before(journal: Journal, index: int) -> int:
    """Answers about this variant that were lost, looked for in vain, and asked for once more. That
    a later call failed in a way that is known changes nothing about them."""
    step = journal.recorded(_step(journal, index))
    return int((step.result or {}).get("lost", 0)) if step.state in ("intent", "failed") else 0


async def _keep_ticket(journal: Journal, name: str, index: int, ticket: Ticket) -> None:
    """Write the ticket down before it is collected, with the attempt that asked for it."""
    known = journal.recorded(name)
    kept = asdict(ticket) | {"asked_by": _asked_by(journal, name)}
    if known.state == "ticket" and known.result == kept:
        return
    told = Prediction(index, kept["asked_by"], "ticket", ticket.provider_id)
    await journal.record(name, "ticket", kept, told)


async def cancel_tickets(journal: Journal, provider: ImageProvider) -> None:
    """Tell the provider that nobody waits for its pictures any more, where it can be told."""
    for index in range(journal.attempt.count):
        step = journal.recorded(f"render:{index}")
        if step.state == "ticket":
            with contextlib.suppress(ProviderError):
                await provider.cancel(Ticket(step.result["provider_id"], step.result["facts"]))


def _step(journal: Journal, index: int) -> str:
    """What making this variant is called in the journal."""
    return f"write:{index}" if journal.attempt.type == "text" else f"render:{index}"


def _asked_by(journal: Journal, name: str) -> int:
    """The attempt whose request at the provider is being answered."""
    step = journal.recorded(name)
    if step.state == "ticket":
        return int(step.result["asked_by"])
    return step.attempt or journal.attempt.number


@contextlib.asynccontextmanager
async def _told(journal: Journal, name: str, index: int) -> AsyncIterator[None]:
    """Write down how asking the provider failed. What is known to have failed is asked anew by the
    next attempt; after a lost answer it looks first, and a ticket is collected again: that the
    provider could not be asked about it says nothing about the picture, which is paid for."""
    try:
        yield
    except ProviderError as error:
        step = journal.recorded(name)
        if step.state == "ticket":
            is_lost = not isinstance(error, _ENDS_A_PREDICTION)
        else:
            is_lost = isinstance(error, OutcomeUnknown | TookTooLong)
        told = Prediction(
            index,
            _asked_by(journal, name),
            "unknown" if is_lost else "failed",
            code=error.code,
            message=str(error),
        )
        if not is_lost:
            await journal.record(name, "failed", {"lost": lost_before(journal, index)}, told)
        elif step.state == "intent":
            await journal.record(name, "intent", step.result, told)
        raise


def render_request(
    journal: Journal, index: int, prompt: OptimizedPrompt, card: ModelCard, pictures: Pictures
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
        references=pictures.references,
        mask=pictures.mask,
    )


def request_size(journal: Journal) -> tuple[int, int]:
    return journal.attempt.parameters["width"], journal.attempt.parameters["height"]


@contextlib.asynccontextmanager
async def within(seconds: float, otherwise: str) -> AsyncIterator[None]:
    """Raises: TookTooLong, with `otherwise`, when what is inside takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TookTooLong(otherwise) from None


def _silence(card: ModelCard) -> str:
    return f"The model didn't answer within {card.timeout_s:.0f} s."


async def _keep(rendered: Rendered, store: PictureStore, asked: tuple[int, int]) -> StoredPicture:
    """Store the original byte for byte: it is paid for. Raises: InvalidOutput."""
    try:
        facts = read_header(rendered.data)
    except Undecodable as error:
        raise InvalidOutput(f"The provider's picture cannot be used. {error}") from None
    notes = list(rendered.adjustments)
    if (facts.width, facts.height) != asked:
        notes.append(
            f"The model made {facts.width}×{facts.height} instead of {asked[0]}×{asked[1]}."
        )
    picture = StoredPicture(
        asset_id=new_id(),
        format=facts.kept_as,
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


async def _make_previews(
    picture: StoredPicture, data: bytes, store: PictureStore, darkroom: Darkroom
) -> bytes:
    try:
        derived = await darkroom.previews(data, read_header(data))
    except Undecodable as error:
        raise InvalidOutput(f"The provider's picture cannot be used. {error}") from None
    await asyncio.gather(
        *(
            store.put(preview_key(picture.asset_id, side), preview)
            for side, preview in derived.previews.items()
        )
    )
    return derived.thumbhash


async def _shrink(darkroom: Darkroom, preview: bytes) -> bytes | None:
    try:
        return await darkroom.shrink(preview, read_header(preview), PREVIEW_BYTES_MAX)
    except Undecodable:
        return None


def _recall(result: dict[str, Any]) -> StoredPicture:
    from uuid import UUID  # noqa: PLC0415

    known = dict(result, asset_id=UUID(result["asset_id"]))
    known["adjustments"] = tuple(known["adjustments"])
    return StoredPicture(**known)
