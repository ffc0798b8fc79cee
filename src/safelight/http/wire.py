"""The shapes of the HTTP contract: what comes in, what goes out.

Names and meanings are binding (docs: the API reference at /docs). The studio's TypeScript types
are generated from these classes, so a change here that the studio does not follow breaks its build.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
)

from safelight.values.errors import ErrorCode
from safelight.values.images import SIDE_MAX, SIDE_MIN, ImageFormat, Resolution
from safelight.values.prompts import PROMPT_CHARS_MAX, clean_text

JobType = Literal["image", "text"]
JobStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]
Stage = Literal["understanding", "refining_prompt", "generating", "uploading", "finalizing"]
Priority = Literal["low", "normal", "high"]
ReuseChoice = Literal["exact", "similar", "never"]


class Wire(BaseModel):
    """Base of everything sent out. Absent means null, never missing."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Strict(BaseModel):
    """Base of everything taken in: an unknown field is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _priority(value: Any) -> Any:
    """Integers 1–10 are accepted for clients that count: ≤3 low, ≥8 high."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10:
        return "low" if value <= 3 else "high" if value >= 8 else "normal"
    return _lower(value)


def _clean(value: Any) -> Any:
    """Cleaning sorts the marks on a letter, in the square of their number: what has too many is
    refused before, and what is too long for any field is left to the field's own limit."""
    if not isinstance(value, str) or len(value) > _CLEANED_CHARS_MAX:
        return value
    if _has_piled_marks(value):
        raise ValueError(f"At most {_MARKS_MAX} marks on one letter.")
    return clean_text(value)


def _has_piled_marks(text: str) -> bool:
    """Asks for the category, since there are marks that count as letters until they are sorted."""
    if text.isascii():
        return False
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        if marks > _MARKS_MAX:
            return True
    return False


def _https(url: str) -> str:
    if not re.match(r"https://[^/\s]+", url):
        raise ValueError("Must be an https:// address.")
    return url


def _kept(metadata: dict[str, Any]) -> dict[str, Any]:
    if len(orjson.dumps(metadata)) > METADATA_BYTES_MAX:
        raise ValueError("At most 4 KiB as JSON.")
    if _has_nul(metadata):
        raise ValueError("Must not contain the character NUL, which cannot be stored.")
    return metadata


def _has_nul(value: Any) -> bool:
    """The body's depth is limited before, so recursion is safe."""
    match value:
        case str():
            return "\0" in value
        case list():
            return any(map(_has_nul, value))
        case dict():
            return any(map(_has_nul, [*value, *value.values()]))
    return False


METADATA_BYTES_MAX = 4096
_MARKS_MAX = 30
_CLEANED_CHARS_MAX = 4 * PROMPT_CHARS_MAX  # a letter and the marks on it become one character

CleanString = Annotated[str, BeforeValidator(_clean)]
Prompt = Annotated[CleanString, StringConstraints(min_length=1, max_length=PROMPT_CHARS_MAX)]
Side = Annotated[int, Field(ge=SIDE_MIN, le=SIDE_MAX, strict=True)]


class ParametersIn(Strict):
    """What the picture (or text) should be like. A model without an option refuses it by name."""

    width: Side | None = Field(None, description="Pixels; together with height.")
    height: Side | None = Field(None, description="Pixels; together with width.")
    aspect_ratio: (
        Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,2}:[1-9]\d{0,2}$")] | None
    ) = Field(None, description="For example 3:2; instead of width and height.")
    resolution: Resolution | None = Field(None, description="1K is about 1024² pixels.")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)] | None = None
    steps: Annotated[int, Field(ge=1, le=500, strict=True)] | None = None
    guidance: Annotated[float, Field(ge=0, le=50, strict=True)] | None = None
    strength: Annotated[float, Field(ge=0, le=1, strict=True)] | None = None
    format: Annotated[ImageFormat, BeforeValidator(_lower)] | None = None
    quality: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,16}$")] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=128_000, strict=True)] | None = None


class JobIn(Strict):
    """An order for pictures or text."""

    prompt: Prompt
    type: Annotated[JobType, BeforeValidator(_lower)] = "image"
    model: Annotated[CleanString, StringConstraints(min_length=1, max_length=200)] = "auto"
    style: Annotated[CleanString, StringConstraints(min_length=1, max_length=100)] | None = None
    enhance: Annotated[bool, Field(strict=True)] = False
    negative_prompt: (
        Annotated[CleanString, StringConstraints(min_length=1, max_length=PROMPT_CHARS_MAX)] | None
    ) = None
    priority: Annotated[Priority, BeforeValidator(_priority)] = "normal"
    count: Annotated[int, Field(ge=1, le=8, strict=True)] = 1
    parameters: ParametersIn = Field(default_factory=ParametersIn)
    references: Annotated[list[UUID], Field(max_length=8)] = []
    mask: UUID | None = None
    reuse: Annotated[ReuseChoice, BeforeValidator(_lower)] = "exact"
    session_id: UUID | None = None
    webhook_url: (
        Annotated[str, StringConstraints(max_length=2000), AfterValidator(_https)] | None
    ) = None
    metadata: Annotated[dict[str, Any], AfterValidator(_kept)] = Field(
        {}, description="At most 4 KiB as JSON; returned unchanged."
    )


class Parameters(Wire):
    width: int | None = None
    height: int | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None
    format: ImageFormat | None = None
    quality: str | None = None
    max_tokens: int | None = None


class Queue(Wire):
    position: int
    eta_seconds: float | None = None


class OutputAsset(Wire):
    """A stored file. `url` is signed and expires; ask for the job again for a fresh one."""

    id: UUID
    kind: Literal["image", "upload"] = "image"
    url: str
    url_expires_at: datetime
    thumbnails: dict[Literal["160", "320", "640"], str]
    width: int
    height: int
    content_type: str
    bytes: int
    thumbhash: str | None = Field(None, description="Base64 of the thumbhash, about 25 bytes.")
    seed: int | None = None


class JobError(Wire):
    code: ErrorCode
    title: str
    detail: str
    retryable: bool
    charged: bool
    provider_message: str | None = None


class Output(Wire):
    index: int
    status: Literal["pending", "completed", "failed"]
    asset: OutputAsset | None = None
    text: str | None = None
    error: JobError | None = None
    removed: Literal["deleted", "purged"] | None = Field(
        None,
        description="Why a completed output has no picture: its owner deleted it, which can be "
        "undone by `POST /api/assets/{id}/restore`, or it is gone for good.",
    )


class Reused(Wire):
    kind: Literal["exact", "similar"]
    job_id: UUID
    similarity: float | None = None


class PriceView(Wire):
    credits: int
    usd: Decimal | None = None


class Charged(Wire):
    credits: int
    released: int


class Job(Wire):
    """What a user asked for, how far it is, and what came of it."""

    id: UUID
    type: JobType
    status: JobStatus
    stage: Stage | None = None
    progress: float | None = Field(None, description="0..1 within the stage, where known.")
    prompt: str
    optimized_prompt: str | None = None
    negative_prompt: str | None = None
    enhance: bool
    style: str | None = None
    model: str
    requested_model: str
    model_reason: str | None = Field(None, description="Why `auto` chose this model.")
    provider: str
    priority: Priority
    count: int
    parameters: Parameters
    references: list[UUID]
    mask: UUID | None = None
    reuse: ReuseChoice
    session_id: UUID | None = None
    metadata: dict[str, Any]
    queue: Queue | None = None
    outputs: list[Output]
    reused: Reused | None = None
    adjustments: list[str]
    warnings: list[str]
    price: PriceView
    charged: Charged | None = None
    error: JobError | None = None
    attempts: int
    retry_of: UUID | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: int | None = None


class JobPage(Wire):
    items: list[Job]
    next_cursor: str | None = None
    total_estimate: int


class ReuseFound(Wire):
    kind: Literal["exact", "similar"]
    asset_ids: list[UUID]


class Quote(Wire):
    """What `dry_run` answers: nothing is stored or charged."""

    model: str
    price: PriceView
    reuse: ReuseFound | None = None
    warnings: list[str]


class ProblemField(Wire):
    field: str
    message: str


class Problem(Wire):
    """RFC 9457. `errors` lists every wrong field of the body at once, the first 100 of them."""

    type: str
    title: str
    status: int
    detail: str
    code: ErrorCode
    errors: list[ProblemField] = []
    request_id: str | None = None
    charged: bool = False
    retry_after: int | None = None


class SizePair(Wire):
    width: int
    height: int


class CapabilitiesView(Wire):
    sizes: list[SizePair] | None = Field(None, description="Exact sizes; null means any in range.")
    side_min: int
    side_max: int
    size_multiple: int
    aspect_ratios: list[str]
    resolutions: list[Resolution]
    seed: bool
    negative_prompt: bool
    steps: bool
    guidance: bool
    quality: bool
    references_max: int
    mask: bool
    count_max: int
    formats: list[ImageFormat]
    progress: bool
    cancel: bool


class ModelPrice(Wire):
    when: str
    credits: int
    usd: Decimal | None = None


class ModelSpeed(Wire):
    p50_seconds: float | None = None
    samples: int = 0


class Model(Wire):
    id: str
    provider: str
    name: str
    description: str
    kind: JobType
    available: bool
    unavailable_reason: str | None = None
    capabilities: CapabilitiesView
    price: list[ModelPrice]
    speed: ModelSpeed
    prompt_max: int


class Style(Wire):
    id: str
    name: str
    guidance: str
    keywords: list[str]
    examples: list[str]


class Storage(Wire):
    """What the caller's pictures take; max_bytes null: any amount is allowed."""

    used_bytes: int
    max_bytes: int | None = None


class Me(Wire):
    id: UUID
    email: str | None = None
    name: str
    role: Literal["user", "admin"]
    kind: Literal["local", "user", "visitor"] = Field(
        description="local: the owner of a server without accounts. visitor: nobody with a name."
    )
    accounts: bool = Field(description="False while one local owner uses it without a login.")
    storage: Storage


class Asset(OutputAsset):
    """A picture in the gallery, with where it came from. `upload`: somebody brought it along."""

    job_id: UUID | None = None
    index: int | None = None
    prompt: str | None = None
    model: str | None = None
    starred: bool
    tags: list[str]
    created_at: datetime
    deleted_at: datetime | None = None


class AssetDetail(Asset):
    """A picture with its relatives, those of them that are there."""

    parents: list[UUID] = Field(description="The pictures it was made from, in their order.")
    children: list[UUID] = Field(description="Made from it, newest first, at most 200.")


class AssetPage(Wire):
    items: list[Asset]
    next_cursor: str | None = None
    total_estimate: int


class AssetPatch(Strict):
    starred: Annotated[bool, Field(strict=True)] | None = None
    tags: (
        Annotated[
            list[Annotated[CleanString, StringConstraints(min_length=1, max_length=60)]],
            Field(max_length=30),
        ]
        | None
    ) = None


class ModelStats(Wire):
    model: str
    jobs: int
    p50_seconds: float | None = None
    p95_seconds: float | None = None


class Stats(Wire):
    days: Literal[7, 30, 90]
    by_status: dict[JobStatus, int]
    images: int
    credits: int
    success_rate: float | None = Field(None, description="Completed ÷ ended, 0..1.")
    models: list[ModelStats]


class _JobEvent(Wire):
    job_id: UUID
    status: JobStatus


class SnapshotEvent(_JobEvent):
    type: Literal["snapshot"] = "snapshot"
    job: Job


class StageEvent(_JobEvent):
    type: Literal["stage"] = "stage"
    stage: Stage


class ProgressEvent(_JobEvent):
    type: Literal["progress"] = "progress"
    index: int = Field(description="Which variant this is about.")
    progress: float
    step: int | None = None
    steps: int | None = None
    preview: str | None = Field(None, description="data: URL of at most 6 kB.")


class QueueEvent(_JobEvent):
    type: Literal["queue"] = "queue"
    position: int
    eta_seconds: float | None = None


class OutputEvent(_JobEvent):
    type: Literal["output"] = "output"
    index: int
    asset: OutputAsset | None = None
    text: str | None = None
    error: JobError | None = None


class DeltaEvent(_JobEvent):
    type: Literal["delta"] = "delta"
    index: int
    text: str


class CompletedEvent(_JobEvent):
    type: Literal["completed"] = "completed"
    job: Job


class FailedEvent(_JobEvent):
    type: Literal["failed"] = "failed"
    job: Job


class CancelledEvent(_JobEvent):
    type: Literal["cancelled"] = "cancelled"
    job: Job


class CreditsEvent(_JobEvent):
    """What the account has after this job was submitted or has ended."""

    type: Literal["credits"] = "credits"
    available: int
    held: int


class ReconnectEvent(Wire):
    """The server is about to close this stream: connect again."""

    type: Literal["reconnect"] = "reconnect"
    job_id: UUID | None = None
    status: JobStatus | None = None


class StudioEvent(
    RootModel[
        Annotated[
            SnapshotEvent
            | StageEvent
            | ProgressEvent
            | QueueEvent
            | OutputEvent
            | DeltaEvent
            | CompletedEvent
            | FailedEvent
            | CancelledEvent
            | CreditsEvent
            | ReconnectEvent,
            Field(discriminator="type"),
        ]
    ]
):
    """One line of a stream. `event:` repeats `type`, `id:` is where to resume."""


class JobEventLog(Wire):
    """One stored line of a job's story, for the history's expanded row."""

    id: str
    at: datetime
    type: str
    data: dict[str, Any]
