"""What the jobs floor speaks: an order before it is a job, a job as a worker holds it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import orjson

from safelight.providers.protocol import ModelCard
from safelight.values.credits import Credits
from safelight.values.ids import JobId, OwnerId
from safelight.values.prompts import UserPrompt

JobType = Literal["image", "text"]
Stage = Literal["understanding", "refining_prompt", "generating", "uploading", "finalizing"]
Priority = Literal["low", "normal", "high"]
ENDED = frozenset({"completed", "failed", "cancelled"})

# As the jobs table keeps them, to sort what one owner waits for among itself (turns.py); the gaps
# leave room. PgQueuer never sees them: its entries are sorted by their tags, fair between owners.
PRIORITY_NUMBERS: dict[Priority, int] = {"low": 2, "normal": 5, "high": 8}
PRIORITY_NAMES: dict[int, Priority] = {number: name for name, number in PRIORITY_NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class Order:
    """A request that was checked: every option resolved, the model chosen, the price known."""

    id: JobId
    owner_id: OwnerId
    type: JobType
    prompt: UserPrompt
    card: ModelCard
    requested_model: str
    model_reason: str | None
    price: Credits
    parameters: dict[str, Any]
    count: int = 1
    style: str | None = None
    enhance: bool = False
    negative_prompt: str | None = None
    priority: Priority = "normal"
    references: tuple[UUID, ...] = ()
    mask: UUID | None = None
    reference_digests: tuple[str, ...] = ()  # SHA-256 of their contents
    mask_digest: str | None = None
    reuse: Literal["exact", "similar", "never"] = "exact"
    session_id: UUID | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    retry_of: JobId | None = None
    request_id: str | None = None
    warnings: tuple[str, ...] = ()
    idempotency_key: str | None = None
    body_digest: bytes = b""
    open_max: int | None = None  # of the owner's jobs, how many may be unfinished
    running_max: int | None = None  # and how many in the queue or running
    deadline_s: float = 86_400.0

    def request(self) -> dict[str, Any]:
        """The part of the order that is kept as one JSON document beside the job's columns."""
        return {
            "requested_model": self.requested_model,
            "model_reason": self.model_reason,
            "style": self.style,
            "enhance": self.enhance,
            "negative_prompt": self.negative_prompt,
            "parameters": self.parameters,
            "references": [str(asset) for asset in self.references],
            "mask": str(self.mask) if self.mask else None,
            "reuse": self.reuse,
            "metadata": self.metadata,
        }

    def digest(self) -> bytes:
        """SHA-256 of everything that determines the output: equal digests, equal results."""
        determines = [
            self.type,
            self.card.id,
            self.card.version,
            self.prompt.text,
            self.style,
            self.enhance,
            self.negative_prompt,
            self.parameters,
            list(self.reference_digests),
            str(self.mask_digest),
            self.count,
        ]
        return hashlib.sha256(orjson.dumps(determines, option=orjson.OPT_SORT_KEYS)).digest()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A job as one worker holds it. `number` is the fence: writes carry it, a newer one wins."""

    job_id: JobId
    owner_id: OwnerId
    number: int
    tries: int  # earlier attempts that ended in a failure worth another try
    crashes: int  # earlier attempts that never ended: their worker died
    type: JobType
    prompt: UserPrompt
    model: str
    provider: str
    count: int
    price: int
    request: dict[str, Any]
    request_id: str | None
    overdue: bool = False  # its deadline is over

    @property
    def parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = self.request["parameters"]
        return parameters

    def seed(self, index: int) -> int:
        """The variant's seed: the user's plus its index, else one that a repeated attempt finds
        again, so that a crash does not change the picture."""
        given = self.parameters.get("seed")
        if given is not None:
            return (int(given) + index) % 2**31
        digest = hashlib.blake2b(self.job_id.bytes + index.to_bytes(2), digest_size=4).digest()
        return int.from_bytes(digest) % 2**31


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """An original in the storage: what the journal keeps, and what an asset row is made of."""

    asset_id: UUID
    format: Literal["png", "jpeg", "webp"]
    width: int
    height: int
    bytes: int
    sha256: str  # hex
    seed: int | None
    adjustments: tuple[str, ...] = ()
    usd: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """One finished variant: a picture or a text, or why there is none."""

    index: int
    picture: StoredPicture | None = None
    thumbhash: bytes | None = None
    text: str | None = None
    error: dict[str, Any] | None = None
    adjustments: tuple[str, ...] = ()
    usd: str | None = None

    @property
    def delivered(self) -> bool:
        return self.error is None
