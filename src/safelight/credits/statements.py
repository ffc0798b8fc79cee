"""The ledger as an account's owner reads it: its lines, and the receipt of one job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from safelight.database.pool import Database, Row
from safelight.values.credits import Credits
from safelight.values.ids import JobId, OwnerId

EntryKind = Literal["grant", "hold", "confirm", "release", "refund", "expire"]
JobStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]

_NEWEST = 2**63 - 1
PROMPT_CHARS_SHOWN = 200  # enough to know the job by


@dataclass(frozen=True, slots=True)
class Line:
    """One entry. credits is how many were moved; the kind says from where to where. prompt: of the
    job, as far as it was looked up."""

    id: int
    at: datetime
    kind: EntryKind
    credits: Credits
    available_after: Credits
    job_id: UUID | None
    note: str | None
    prompt: str | None = None


async def read_page(
    database: Database, account_id: OwnerId, *, before: int | None, limit: int
) -> list[Line]:
    """Lines of an account, newest first, those older than the line `before`."""
    rows = await database.fetch(
        """SELECT p.id, at, kind, credits, available_after, job_id, note,
                  left(jobs.prompt, $4) AS prompt
           FROM postings p LEFT JOIN jobs ON jobs.id = p.job_id AND jobs.owner_id = p.account_id
           WHERE account_id = $1 AND line = 1 AND p.id < $2
           ORDER BY p.id DESC LIMIT $3""",
        account_id,
        _NEWEST if before is None else before,
        limit,
        PROMPT_CHARS_SHOWN,
    )
    return [_line(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a job costs, or has cost, and how that came about.

    quoted = confirmed + released once it has ended; until then it is what is held for it.
    """

    job_id: JobId
    status: JobStatus
    model: str
    provider: str
    count: int
    quoted: Credits
    held: Credits
    confirmed: Credits
    released: Credits
    refunded: Credits
    reused: dict[str, Any] | None
    usd: Decimal | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    lines: tuple[Line, ...]


# The job, its hold and its lines in one statement, so that they belong to one moment. What a hold
# became is found by its key, refunds by the job's. Jobs that ended before there was a ledger have
# neither: for them the job's own row says what was charged.
_RECEIPT = """
SELECT j.id, j.status, j.model, j.provider, j.count, j.price, j.reused, j.usd, j.created_at,
       j.started_at, j.finished_at,
       CASE WHEN j.finished_at IS NULL THEN coalesce(h.credits, 0) ELSE 0 END AS held,
       coalesce(h.confirmed, j.charged, 0) AS confirmed,
       coalesce(h.released, j.price - j.charged, 0) AS released,
       (SELECT jsonb_agg(jsonb_build_object(
                   'id', id, 'at', at, 'kind', kind, 'credits', credits,
                   'available_after', available_after, 'job_id', job_id, 'note', note)
               ORDER BY id)
        FROM (SELECT * FROM postings
              WHERE entry = ANY(ARRAY['hold:' || j.id, 'confirm:' || j.id, 'release:' || j.id,
                                      'expire:' || j.id])
              UNION ALL
              SELECT * FROM postings WHERE job_id = j.id AND kind = 'refund') AS lines
        WHERE line = 1) AS lines
FROM jobs j LEFT JOIN holds h ON h.job_id = j.id
WHERE j.id = $1 AND j.owner_id = $2
"""


async def read_receipt(database: Database, owner_id: OwnerId, job_id: UUID) -> Receipt | None:
    """None when the job is unknown or somebody else's."""
    row = await database.fetchrow(_RECEIPT, job_id, owner_id)
    return _receipt(row) if row else None


def _receipt(row: Row) -> Receipt:
    lines = tuple(_line(line) for line in row["lines"] or ())
    return Receipt(
        job_id=JobId(row["id"]),
        status=row["status"],
        model=row["model"],
        provider=row["provider"],
        count=row["count"],
        quoted=Credits(row["price"]),
        held=Credits(row["held"]),
        confirmed=Credits(row["confirmed"]),
        released=Credits(row["released"]),
        refunded=Credits(sum(line.credits.amount for line in lines if line.kind == "refund")),
        reused=row["reused"],
        usd=row["usd"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        lines=lines,
    )


def _line(row: Row | dict[str, Any]) -> Line:
    """Of a row, or of a row that came as JSON."""
    at, job_id, prompt = row["at"], row["job_id"], row.get("prompt")
    return Line(
        id=row["id"],
        at=datetime.fromisoformat(at) if isinstance(at, str) else at,
        kind=row["kind"],
        credits=Credits(abs(row["credits"])),
        available_after=Credits(row["available_after"]),
        job_id=UUID(job_id) if isinstance(job_id, str) else job_id,
        note=row["note"],
        prompt=prompt,
    )
