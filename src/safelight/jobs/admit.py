"""From a request to a stored job: choose the model, resolve every option, insert once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias
from uuid import UUID

from safelight.crashpoints import crash
from safelight.database.pool import Database, Row
from safelight.database.together import Together
from safelight.database.wakeups import Wakeups
from safelight.jobs import intake, repository, sources
from safelight.jobs.feed import Feed
from safelight.jobs.model import ENDED, PRIORITY_NAMES, JobType, Order, Priority
from safelight.jobs.sources import Sources
from safelight.prompts import styles
from safelight.prompts.refine import refine
from safelight.providers.checks import Asked, price_of, size_for
from safelight.providers.protocol import ModelCard
from safelight.providers.registry import Registry
from safelight.queueing.bound import QueueBound
from safelight.queueing.entries import ring_for_entries
from safelight.values.credits import Credits
from safelight.values.errors import (
    AlreadyFinished,
    CreditsShort,
    FieldError,
    Forbidden,
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    RateLimited,
    RequestRefused,
    UnknownModel,
    UnsupportedOption,
)
from safelight.values.ids import JobId, OwnerId, new_id
from safelight.values.prompts import CleanText, UserPrompt

Shown: TypeAlias = "Row | dict[str, Any]"  # a job as `http/views.py` reads it


@dataclass(frozen=True, slots=True)
class Wish:
    """A request whose fields are each well formed; whether they go together is not yet known."""

    prompt: str
    type: JobType = "image"
    model: str = "auto"
    style: str | None = None
    enhance: bool = False
    negative_prompt: str | None = None
    priority: Priority = "normal"
    count: int = 1
    parameters: dict[str, Any] = field(default_factory=dict)
    references: tuple[UUID, ...] = ()
    mask: UUID | None = None
    reuse: Literal["exact", "similar", "never"] = "exact"
    session_id: UUID | None = None
    webhook_url: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # warnings of whoever made the wish


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the queue one owner may have. open_max: unfinished jobs; running_max: those of
    them that are in the queue or running, the others wait for their turn. None: any number."""

    open_max: int | None = None
    running_max: int | None = None


UNLIMITED = Share()


@dataclass(frozen=True, slots=True)
class Quoted:
    """What an order would cost and give, nothing stored."""

    model: str
    credits: int
    reused_assets: list[UUID] | None
    warnings: tuple[str, ...]


class Admission:
    """The only way into the queue."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        feed: Feed,
        wakeups: Wakeups,
        bound: QueueBound,
        *,
        deadline_s: float,
    ) -> None:
        self._database = database
        self._registry = registry
        self._feed = feed
        self._wakeups = wakeups
        self._bound = bound
        self._deadline_s = deadline_s
        # Two at once: one batch waits for its commit while the next one is computed.
        self._inserting: Together[Order, intake.Admitted] = Together(
            lambda orders: intake.insert_once(database, orders), at_once=2
        )

    async def submit(
        self,
        owner_id: OwnerId,
        wish: Wish,
        *,
        idempotency_key: str | None = None,
        body_digest: bytes = b"",
        request_id: str | None = None,
        share: Share = UNLIMITED,
        retry_of: JobId | None = None,
    ) -> Shown:
        """Accept a wish, durably, with the credits it costs held. Returns the job's row as it is
        shown. The same key with the same body answers the same job.

        Raises: RequestRefused (CreditsShort too), RateLimited, Overloaded."""
        found = await sources.find(self._database, owner_id, wish.references, wish.mask)
        order = self.order(owner_id, wish, found)
        order = replace(
            order,
            idempotency_key=idempotency_key,
            body_digest=body_digest,
            request_id=request_id,
            open_max=share.open_max,
            running_max=share.running_max,
            retry_of=retry_of,
        )
        return await self._insert(order)

    async def first_answer(
        self, owner_id: OwnerId, idempotency_key: str, body_digest: bytes
    ) -> Shown | None:
        """The job that this key with this body was answered with; None when there is none."""
        used = await intake.find_key(self._database, owner_id, idempotency_key)
        if used is None or used["body_digest"] != body_digest:
            return None
        return await self._shown(owner_id, used["job_id"])

    async def quote(self, owner_id: OwnerId, wish: Wish) -> Quoted:
        """What `submit` would do, without doing it. Raises: RequestRefused."""
        pictures = await sources.find(self._database, owner_id, wish.references, wish.mask)
        order = self.order(owner_id, wish, pictures)
        found = await self._reusable(order)
        assets = await intake.asset_ids(self._database, owner_id, found["id"]) if found else None
        return Quoted(order.card.id, 0 if found else order.price.amount, assets, order.warnings)

    async def retry(
        self,
        owner_id: OwnerId,
        job_id: JobId,
        *,
        request_id: str | None,
        idempotency_key: str | None = None,
        body_digest: bytes = b"",
        share: Share = UNLIMITED,
    ) -> Shown:
        """A new job with the request of one that failed or was cancelled.

        Raises: NotFound, AlreadyFinished when it is still going or was completed, and whatever
        `submit` raises."""
        row = await repository.read(self._database, owner_id, job_id)
        if row is None:
            raise NotFound("job")
        if row["status"] not in ENDED - {"completed"}:
            raise AlreadyFinished(
                f"Only a failed or cancelled job can be tried again; this one is {row['status']}."
            )
        return await self.submit(
            owner_id,
            wish_of(row),
            idempotency_key=idempotency_key,
            body_digest=body_digest,
            request_id=request_id,
            share=share,
            retry_of=job_id,
        )

    def order(self, owner_id: OwnerId, wish: Wish, pictures: Sources = sources.NONE) -> Order:
        """Check that the wish makes sense as a whole and resolve its options. pictures: what was
        found of those it starts from.

        Raises: InvalidRequest, UnsupportedOption, UnknownModel, all wrong fields at once."""
        prompt = UserPrompt(CleanText(wish.prompt))
        asked = _asked(wish, prompt)
        refusals = list(_nonsense(wish, pictures))
        try:
            card, reason = self._choose(wish, asked)
            parameters = dict(wish.parameters)
            if wish.type == "image":
                if asked.width is None:
                    size = size_for(card, wish.parameters.get("aspect_ratio"), asked.resolution)
                    parameters |= {"width": size.width, "height": size.height}
                    asked = replace(asked, width=size.width, height=size.height)
                parameters.setdefault("format", card.capabilities.formats[0])
            if wrong := self._registry.refuse(card, asked):
                raise UnsupportedOption(*wrong)
        except RequestRefused as refused:
            refusals.append(refused)
        if refusals:
            raise refusals[0].along_with(refusals[1:])
        each = price_of(card, asked).credits
        return Order(
            id=JobId(new_id()),
            owner_id=owner_id,
            type=wish.type,
            prompt=prompt,
            card=card,
            requested_model=wish.model,
            model_reason=reason,
            price=Credits(each * wish.count),
            parameters=parameters,
            count=wish.count,
            style=wish.style,
            enhance=wish.enhance,
            negative_prompt=wish.negative_prompt,
            priority=wish.priority,
            references=wish.references,
            mask=wish.mask,
            reference_digests=pictures.digests,
            mask_digest=pictures.mask_digest,
            reuse=wish.reuse,
            session_id=wish.session_id,
            metadata=wish.metadata,
            warnings=(*wish.notes, *_warnings(wish)),
            deadline_s=self._deadline_s,
        )

    def _choose(self, wish: Wish, asked: Asked) -> tuple[ModelCard, str | None]:
        if wish.model.casefold() == "auto":
            return self._registry.route(asked)
        try:
            return self._registry.card(wish.model), None
        except UnknownModel as unknown:
            try:
                self._registry.route(asked)
            except UnsupportedOption as whatever_the_model:
                raise unknown.along_with([whatever_the_model]) from None
            raise

    async def _reusable(self, order: Order) -> Row | None:
        if order.reuse == "never":
            return None
        return await intake.find_reusable(self._database, order.owner_id, order.digest())

    async def _insert(self, order: Order) -> Shown:
        await self._bound.check()
        crash("before_admission")
        admitted = await self._inserting.add(order)
        crash("after_admission")
        match admitted.outcome:
            case "new":
                self._bound.added()
                self._feed.announce()
                ring_for_entries(self._wakeups)
                return intake.fresh(order, admitted.created_at)
            case "reused":
                self._feed.announce()
                return await self._shown(order.owner_id, order.id)
            case "known":
                return await self._first_answer(order)
            case "nobody":
                raise Forbidden(
                    "You have no account here yet, or it was deleted; ask the administrator."
                )
            case "short":
                raise CreditsShort(order.price, Credits(admitted.available))
            case "full":
                raise RateLimited(
                    f"You have {admitted.open_jobs} unfinished jobs; {order.open_max} are allowed "
                    "at a time. Wait for one to end, or cancel one.",
                    retry_after_s=5,
                )

    async def _first_answer(self, order: Order) -> Shown:
        """What the same key was answered before. Raises: IdempotencyMismatch."""
        key = order.idempotency_key or ""
        if await intake.forget_old_key(self._database, order.owner_id, key):
            return await self._insert(order)
        known = await self.first_answer(order.owner_id, key, order.body_digest)
        if known is None:
            raise IdempotencyMismatch
        return known

    async def _shown(self, owner_id: OwnerId, job_id: UUID) -> Row:
        row = await repository.read(self._database, owner_id, job_id)
        if row is None:
            raise NotFound("job")
        return row


def wish_of(row: Row) -> Wish:
    """The request a job was made from."""
    request = row["request"]
    parameters = dict(request["parameters"])
    if parameters.get("aspect_ratio") or parameters.get("resolution"):
        # They were resolved to a size, which is derived again.
        parameters.pop("width", None)
        parameters.pop("height", None)
    return Wish(
        prompt=row["prompt"],
        type=row["type"],
        model=request["requested_model"],
        style=request["style"],
        enhance=request["enhance"],
        negative_prompt=request["negative_prompt"],
        priority=PRIORITY_NAMES[row["priority"]],
        count=row["count"],
        parameters=parameters,
        references=tuple(UUID(asset) for asset in request["references"]),
        mask=UUID(request["mask"]) if request["mask"] else None,
        reuse=request["reuse"],
        session_id=row["session_id"],
        metadata=request["metadata"],
    )


def _nonsense(wish: Wish, pictures: Sources) -> Iterator[RequestRefused]:
    """What is wrong whichever model it is for."""
    wrong = [*_contradictions(wish), *pictures.errors]
    if wish.style and styles.find(wish.style) is None:
        names = ", ".join(style.id for style in styles.BUILT_IN)
        wrong.append(FieldError("style", f"There is no such style. There are: {names}."))
    if wish.session_id:
        wrong.append(FieldError("session_id", "There is no such session."))
    if wrong:
        yield InvalidRequest(*wrong)
    if wish.webhook_url:
        yield UnsupportedOption(
            FieldError("webhook_url", "Webhooks are not sent yet; use the event stream.")
        )


def _contradictions(wish: Wish) -> list[FieldError]:
    given = wish.parameters
    wrong = []
    if ("width" in given) != ("height" in given):
        missing = "height" if "width" in given else "width"
        wrong.append(FieldError(f"parameters.{missing}", "Give width and height together."))
    for name in ("aspect_ratio", "resolution"):
        if name in given and ("width" in given or "height" in given):
            wrong.append(  # noqa: PERF401  (one loop a rule reads better than four)
                FieldError(f"parameters.{name}", "Give either this or width and height.")
            )
    return wrong


def _asked(wish: Wish, prompt: UserPrompt) -> Asked:
    given = wish.parameters
    return Asked(
        kind=wish.type,
        prompt_chars=len(refine(prompt, wish.style).text),
        width=given.get("width"),
        height=given.get("height"),
        resolution=given.get("resolution"),
        seed=given.get("seed"),
        steps=given.get("steps"),
        guidance=given.get("guidance"),
        strength=given.get("strength"),
        format=given.get("format"),
        quality=given.get("quality"),
        negative_prompt=wish.negative_prompt,
        count=wish.count,
        references=len(wish.references),
        mask=wish.mask is not None,
        max_tokens=given.get("max_tokens"),
    )


def _warnings(wish: Wish) -> list[str]:
    notes = []
    if wish.reuse == "similar":
        notes.append("Similar results are not looked for yet: only an exact match is reused.")
    if wish.enhance:
        notes.append("No prompt enhancer is configured: the prompt is used as written.")
    return notes
