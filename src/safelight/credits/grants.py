"""Credits that come from outside: granted to an account, or given back for what a job had cost.

Both have a reference of their caller's, such as the number of an order or a ticket. The same
reference again is the same grant: whoever is not sure whether a call arrived repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn
from uuid import UUID

import asyncpg

from safelight.credits.accounts import CREDITS_MAX
from safelight.credits.statements import EntryKind
from safelight.database.pool import Connection, Database, Row
from safelight.values.credits import Credits
from safelight.values.errors import FieldError, InvalidRequest, NotFound
from safelight.values.ids import JobId, UserId
from safelight.values.prompts import clean_text

REFERENCE_CHARS_MAX = 200
NOTE_CHARS_MAX = 500


@dataclass(frozen=True, slots=True)
class Granted:
    """An entry of the ledger as its account's owner reads it. is_new: False when the reference had
    been used before, for the same."""

    id: int
    at: datetime
    account_id: UserId
    kind: EntryKind
    credits: Credits
    available_after: Credits
    job_id: UUID | None
    note: str | None
    is_new: bool


# The account is changed first, which locks its row: so its postings are numbered as its balance
# changed. The same reference at the same moment fails at the postings' primary key.
_GRANT = """
WITH account AS (
    UPDATE accounts SET granted = granted + $3, available = available + $3
    WHERE id = $2
    RETURNING id, available
), posted AS (
    INSERT INTO postings (entry, line, account_id, pocket, credits, kind, available_after, note)
    SELECT $1, line, id, pocket, CASE line WHEN 1 THEN -$3::bigint ELSE $3 END, 'grant', available,
           $4
    FROM account CROSS JOIN (VALUES (1, 'granted'), (2, 'available')) AS lines (line, pocket)
    ORDER BY line
    RETURNING *
)
SELECT * FROM posted WHERE line = 1
"""


async def grant(
    database: Database,
    account_id: UserId,
    amount: Credits,
    *,
    reference: str,
    note: str | None = None,
) -> Granted:
    """Give an account credits, once a reference. Raises: NotFound, InvalidRequest."""
    wanted = _checked(amount)
    entry, note = f"grant:{_reference(reference)}", _note(note)
    if known := await _read(database, entry):
        return _again(known, account_id=account_id, wanted=wanted, note=note)
    try:
        row = await database.fetchrow(_GRANT, entry, account_id, wanted, note)
    except asyncpg.UniqueViolationError:
        known = await _read(database, entry)
        assert known is not None, "postings are never deleted"
        return _again(known, account_id=account_id, wanted=wanted, note=note)
    if row is None:
        raise NotFound("account")
    return _granted(row, is_new=True)


# What a refund gives back goes where a release of that hold would have gone.
_REFUND = """
WITH account AS (
    UPDATE accounts
    SET used = used - $4,
        available = available + CASE $3 WHEN 'available' THEN $4 ELSE 0 END,
        granted = granted - CASE $3 WHEN 'granted' THEN $4 ELSE 0 END
    WHERE id = $2
    RETURNING id, available
), posted AS (
    INSERT INTO postings (entry, line, account_id, pocket, credits, kind, available_after, job_id,
                          note)
    SELECT $1, line, id, CASE line WHEN 1 THEN 'used' ELSE $3 END,
           CASE line WHEN 1 THEN -$4::bigint ELSE $4 END, 'refund', available, $5, $6
    FROM account CROSS JOIN (VALUES (1), (2)) AS lines (line)
    ORDER BY line
    RETURNING *
)
SELECT * FROM posted WHERE line = 1
"""


async def refund(
    database: Database,
    job_id: JobId,
    amount: Credits | None = None,
    *,
    reference: str,
    note: str | None = None,
) -> Granted:
    """Give back what a job had cost, or a part of it; once a reference, and never more than it
    cost. amount: None is all that has not been given back yet. Raises: NotFound, InvalidRequest."""
    wanted = None if amount is None else _checked(amount)
    entry, note = f"refund:{_reference(reference)}", _note(note)
    try:
        async with database.transaction() as tx:
            return await _refund(tx, entry, job_id, wanted, note)
    except asyncpg.UniqueViolationError:  # the same reference at the same moment for another job
        known = await _read(database, entry)
        assert known is not None, "postings are never deleted"
        return _again(known, job_id=job_id, wanted=wanted, note=note)


async def _refund(
    tx: Connection, entry: str, job_id: JobId, wanted: int | None, note: str | None
) -> Granted:
    hold = await tx.fetchrow(
        "SELECT account_id, source, confirmed FROM holds WHERE job_id = $1", job_id
    )
    if hold is None:
        await _refuse_without_hold(tx, job_id)
    # One refund of an account at a time. What was refunded before is read after the lock, in a
    # statement of its own: the one that waits for it would not see it.
    await tx.execute("SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE", hold["account_id"])
    if known := await _read(tx, entry):
        return _again(known, job_id=job_id, wanted=wanted, note=note)
    left = (hold["confirmed"] or 0) - await refunded(tx, job_id)
    amount = left if wanted is None else wanted
    if amount > left or amount == 0:
        raise InvalidRequest(FieldError("credits", _nothing_left(hold["confirmed"], left)))
    row = await tx.fetchrow(
        _REFUND, entry, hold["account_id"], hold["source"], amount, job_id, note
    )
    return _granted(row, is_new=True)


async def refunded(tx: Database | Connection, job_id: JobId | UUID) -> int:
    """How much of what a job had cost was given back so far."""
    back: int = await tx.fetchval(
        """SELECT coalesce(-sum(credits), 0)::bigint FROM postings
           WHERE job_id = $1 AND kind = 'refund' AND pocket = 'used'""",
        job_id,
    )
    return back


async def _refuse_without_hold(tx: Connection, job_id: JobId) -> NoReturn:
    """Say why there is nothing to refund. Raises: NotFound, InvalidRequest."""
    charged = await tx.fetchrow("SELECT charged FROM jobs WHERE id = $1", job_id)
    if charged is None:
        raise NotFound("job")
    sentence = (
        "This job was paid for before there was a ledger. Grant the credits instead."
        if charged["charged"]
        else "This job has cost nothing."
    )
    raise InvalidRequest(FieldError("job", sentence))


def _nothing_left(confirmed: int | None, left: int) -> str:
    if confirmed is None:
        return "This job has not ended: nothing was charged for it yet."
    if confirmed == 0:
        return "This job has cost nothing."
    if left == 0:
        return f"This job cost {confirmed}, all of which was given back before."
    return f"At most {left}: the job cost {confirmed}, {confirmed - left} were given back before."


async def _read(tx: Database | Connection, entry: str) -> Row | None:
    return await tx.fetchrow("SELECT * FROM postings WHERE entry = $1 AND line = 1", entry)


def _again(
    known: Row,
    *,
    account_id: UserId | None = None,
    job_id: JobId | None = None,
    wanted: int | None,
    note: str | None,
) -> Granted:
    """The first entry, if this call asks for the same. Raises: InvalidRequest."""
    was = _granted(known, is_new=False)
    is_same = (
        account_id in (None, was.account_id)
        and job_id in (None, was.job_id)
        and wanted in (None, was.credits.amount)
        and note == was.note
    )
    if not is_same:
        whom = f"job {was.job_id}" if was.job_id else str(was.account_id)
        said = f" with the note “{was.note}”" if was.note else ""
        raise InvalidRequest(
            FieldError(
                "reference",
                f"Used on {was.at:%Y-%m-%d %H:%M} UTC for {was.credits.amount} credits to "
                f"{whom}{said}. Nothing was changed; take another reference for another one.",
            )
        )
    return was


def _granted(row: Row | None, *, is_new: bool) -> Granted:
    assert row is not None
    return Granted(
        id=row["id"],
        at=row["at"],
        account_id=UserId(UUID(int=row["account_id"].int)),
        kind=row["kind"],
        credits=Credits(abs(row["credits"])),
        available_after=Credits(row["available_after"]),
        job_id=row["job_id"],
        note=row["note"],
        is_new=is_new,
    )


def _checked(wanted: Credits) -> int:
    """Also what the type checker does not see: callers of other packages have no type checker."""
    if type(wanted.amount) is not int or not 1 <= wanted.amount <= CREDITS_MAX:
        raise InvalidRequest(FieldError("credits", f"A whole number from 1 to {CREDITS_MAX:,}."))
    return wanted.amount


def _reference(reference: str) -> str:
    cleaned = clean_text(reference)
    if not 1 <= len(cleaned) <= REFERENCE_CHARS_MAX:
        raise InvalidRequest(
            FieldError(
                "reference",
                f"1 to {REFERENCE_CHARS_MAX} characters that name this one, such as the number of "
                "an order: they keep it from being carried out twice.",
            )
        )
    return cleaned


def _note(note: str | None) -> str | None:
    cleaned = clean_text(note or "")
    if len(cleaned) > NOTE_CHARS_MAX:
        raise InvalidRequest(FieldError("note", f"At most {NOTE_CHARS_MAX} characters."))
    return cleaned or None
