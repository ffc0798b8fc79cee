"""The shapes of credits: balances, the ledger, receipts, and what an administrator changes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from safelight.credits.accounts import CREDITS_MAX, Every
from safelight.credits.grants import NOTE_CHARS_MAX, REFERENCE_CHARS_MAX
from safelight.credits.statements import EntryKind
from safelight.http.wire import CleanString, JobStatus, Reused, Strict, Wire

Amount = Annotated[int, Field(ge=1, le=CREDITS_MAX, strict=True)]
UserName = Annotated[CleanString, StringConstraints(min_length=1, max_length=320)]
Reference = Annotated[CleanString, StringConstraints(min_length=1, max_length=REFERENCE_CHARS_MAX)]
Note = Annotated[CleanString, StringConstraints(max_length=NOTE_CHARS_MAX)]


class AllowanceView(Wire):
    """What the account is filled up to at the start of every day, week (Monday) or month, UTC."""

    credits: int
    every: Every
    next_at: datetime


class Balance(Wire):
    """What there is to pay with. `held` is set aside for jobs that have not ended."""

    available: int
    held: int
    used: int = Field(description="Paid for jobs since the account was opened.")
    unlimited: bool = Field(description="Jobs need no credits; what they use is counted.")
    allowance: AllowanceView | None = None


class LedgerLine(Wire):
    """One entry of the ledger. `kind` says where `credits` went.

    `grant` to what is available, `hold` set aside for a job, `confirm` paid for it, `release` and
    `expire` given back unused, `refund` given back after it was paid.
    """

    id: str
    at: datetime
    kind: EntryKind
    credits: int
    available_after: int
    job_id: UUID | None = None
    note: str | None = None
    prompt: str | None = Field(None, description="Of the job, its beginning; in the ledger's list.")


class LedgerPage(Wire):
    items: list[LedgerLine]
    next_cursor: str | None = None


class ReceiptPrice(Wire):
    each: int = Field(description="Credits a variant.")
    total: int


class Receipt(Wire):
    """What a job costs, or has cost, and how that came about.

    Once it has ended `quoted` = `confirmed` + `released`, and `charged` = `confirmed` − `refunded`.
    """

    job_id: UUID
    status: JobStatus
    model: str
    provider: str
    count: int
    price: ReceiptPrice
    quoted: int = Field(description="Set aside when the job was ordered.")
    held: int = Field(description="Still set aside: all of it until the job has ended.")
    confirmed: int = Field(description="Paid for what was delivered.")
    released: int = Field(description="Given back for what was not.")
    refunded: int = Field(description="Given back afterwards.")
    charged: int = Field(description="What the job has cost in the end.")
    reused: Reused | None = None
    why: str | None = Field(None, description="Why it cost nothing, where that needs a word.")
    usd: Decimal | None = Field(None, description="What the provider took, where it says so.")
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    lines: list[LedgerLine] = Field(description="The ledger's entries of this job, oldest first.")


class GrantIn(Strict):
    """Credits for a user."""

    user: UserName = Field(description="Id or e-mail address.")
    credits: Amount
    reference: Reference = Field(
        description="Names this grant, such as the number of an order: the same again is not a "
        "second grant."
    )
    note: Note | None = Field(None, description="The user reads it in the ledger.")


class RefundIn(Strict):
    """Credits back for a job that was paid for."""

    job: UUID
    credits: Amount | None = Field(None, description="Null: all that was not given back yet.")
    reference: Reference = Field(description="Names this refund; the same again is no second one.")
    note: Note | None = Field(None, description="The user reads it in the ledger.")


class Granted(LedgerLine):
    """The entry that was posted, or, where the reference is known (200), the one it was then."""

    user: UUID


class AccountView(Wire):
    """A user's account. granted = available + held + used."""

    user: UUID
    name: str | None = None
    unlimited: bool
    available: int
    held: int
    used: int
    granted: int
    allowance: AllowanceView | None = None
    open_jobs: int


class AccountPage(Wire):
    items: list[AccountView]
    next_cursor: str | None = None


class AccountIn(Strict):
    """What to change about an account; what is not named stays."""

    unlimited: Annotated[bool, Field(strict=True)] | None = Field(
        None, description="Null: as it is. Switched off, what is available is as it was before."
    )
    allowance: Amount | None = Field(None, description="Null: none any more.")
    allowance_every: Every | None = Field(None, description="Together with allowance.")

    @model_validator(mode="before")
    @classmethod
    def _together(cls, body: Any) -> Any:
        if isinstance(body, dict):
            named = [body.get(name) for name in ("allowance", "allowance_every")]
            if (named[0] is None) != (named[1] is None):
                raise ValueError("allowance and allowance_every go together.")
        return body

    @property
    def changes_allowance(self) -> bool:
        return bool({"allowance", "allowance_every"} & self.model_fields_set)
