"""The shapes of the operator's view: lanes, providers, dead letters."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from safelight.http.wire import CleanString, Job, JobError, JobEventLog, JobType, Strict, Wire
from safelight.values.errors import ErrorCode

BULK_MAX = 500
PAUSE_S_MAX = 30 * 86_400

Word = Annotated[CleanString, StringConstraints(min_length=1, max_length=200)]
Breaker = Literal["closed", "open", "probing"]
LetterState = Literal["open", "replayed", "discarded"]


class LimitView(Wire):
    """A limit of a provider or of a model, and how much of it is used, over all workers."""

    name: str
    at_once: int | None = None
    per_minute: int | None = None
    in_use: int
    last_minute: int


class Health(Wire):
    """Whether a provider is asked at the moment, and if not, why."""

    paused_until: datetime | None = Field(None, description="The year 9999: until it is resumed.")
    paused_why: str | None = None
    breaker: Breaker = Field("closed", description="open: it failed too often and is left alone.")
    open_since: datetime | None = None
    open_until: datetime | None = None
    open_why: str | None = None


class LaneView(Health):
    """A provider's part of the queue."""

    lane: str
    waiting: int
    parked: int = Field(description="Wait for another job of their owner to end.")
    delayed: int = Field(description="To be tried again later.")
    running: int
    oldest_waiting_seconds: float
    ended_last_minute: int
    workers: int
    places: int = Field(description="Jobs all its workers together carry at a time.")


class QueueTotals(Wire):
    waiting: int
    parked: int
    delayed: int
    running: int
    oldest_waiting_seconds: float
    ended_last_minute: int
    workers: int
    places: int
    dead_letters: int = Field(description="Open ones.")


class QueueView(Wire):
    lanes: list[LaneView]
    totals: QueueTotals


class PauseIn(Strict):
    """How long a lane is left alone. What runs already goes on."""

    seconds: Annotated[int, Field(ge=1, le=PAUSE_S_MAX, strict=True)] | None = Field(
        None, description="Null: until it is resumed."
    )
    why: Annotated[CleanString, StringConstraints(max_length=500)] | None = Field(
        None, description="Told to whoever asks what is wrong."
    )


class MishapView(Wire):
    """A call that failed, or whose answer was lost."""

    model: str
    code: str | None = None
    message: str | None = None
    at: datetime


class CallsView(Wire):
    answered_last_hour: int
    failed_last_hour: int
    p50_seconds: float | None = Field(None, description="Of the calls answered in the last hour.")
    usd_today: Decimal = Field(description="Since midnight UTC, where the provider says so.")


class ProviderView(Health, CallsView):
    name: str
    models: int = Field(description="Models that are switched on.")
    workers: int
    places: int
    running: int
    waiting: int
    limits: list[LimitView]
    recent_failures: int = Field(description="That the breaker still counts.")
    last_errors: list[MishapView] = Field(description="Of the last day, newest first.")


class ModelView(CallsView):
    id: str
    provider: str
    kind: JobType
    available: bool
    unavailable_reason: str | None = None
    limits: list[LimitView]


class Letter(Wire):
    """A job that failed for a reason that is not its owner's."""

    job_id: UUID
    owner_id: UUID
    state: LetterState
    code: str
    provider: str
    model: str
    type: JobType
    prompt: str
    credits: int = Field(description="What it would have cost, and what a replay may cost.")
    attempts: int
    error: JobError | None = None
    at: datetime
    created_at: datetime
    replayed_as: UUID | None = None
    discarded_at: datetime | None = None


class LetterPage(Wire):
    items: list[Letter]
    next_cursor: str | None = None


class PredictionView(Wire):
    """One request at the provider."""

    index: int
    attempt: int
    provider: str
    model: str
    state: Literal["asked", "ticket", "answered", "failed", "unknown", "cancelled"]
    provider_id: str | None = None
    code: str | None = None
    message: str | None = None
    usd: Decimal | None = None
    at: datetime
    ended_at: datetime | None = None


class StepView(Wire):
    """A line of the job's journal: what was done and need not be done again."""

    name: str
    attempt: int
    state: str
    result: Any = None
    at: datetime


class LetterDetail(Letter):
    """All that is known about it."""

    job: Job
    predictions: list[PredictionView]
    steps: list[StepView]
    events: list[JobEventLog]


class Replayed(Wire):
    """The letter's job, and the one that was ordered instead."""

    job_id: UUID
    replayed_as: UUID


class LettersIn(Strict):
    """Which letters: by their jobs' ids, or the open ones with this code, provider or model."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=BULK_MAX)] | None = None
    code: Word | None = None
    provider: Word | None = None
    model: Word | None = None
    limit: Annotated[int, Field(ge=1, le=BULK_MAX, strict=True)] = Field(
        100, description="At most so many of those that fit, the oldest first."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        """Nothing named must not mean everything."""
        by_filter = any((self.code, self.provider, self.model))
        if self.ids and by_filter:
            raise ValueError("Give either ids, or code, provider or model.")
        if not self.ids and not by_filter:
            raise ValueError("Say which: ids, or at least one of code, provider and model.")
        return self


class LetterOutcome(Wire):
    """What became of one of many. `code` is null where it was done, else it says why not."""

    job_id: UUID
    replayed_as: UUID | None = None
    code: ErrorCode | None = None
    detail: str | None = None


class LetterOutcomes(Wire):
    items: list[LetterOutcome]
    done: int
    refused: int
