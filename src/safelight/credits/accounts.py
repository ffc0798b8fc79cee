"""Accounts: who pays, what there is to pay with, and what is given again every period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from safelight.database.pool import Connection, Database, Row
from safelight.values.credits import Credits
from safelight.values.errors import FieldError, InvalidRequest, NotFound
from safelight.values.ids import OwnerId

Every = Literal["day", "week", "month"]

# Nobody means more; a slip of the finger must not make an account that nothing can empty.
CREDITS_MAX = 10**12

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an account is filled up to at the start of every day, week (Monday) or month, UTC."""

    credits: Credits
    every: Every


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is now. name: its user's, None for a user without a name here.

    granted = available + held + used. allowance_due: when it is filled up next.
    """

    id: OwnerId
    name: str | None
    unlimited: bool
    granted: Credits
    available: Credits
    held: Credits
    used: Credits
    allowance: Allowance | None
    allowance_due: datetime | None
    open_jobs: int


async def open_account(tx: Database | Connection, user_id: OwnerId) -> None:
    """Give a user an account, empty; one that has it keeps it as it is."""
    await tx.execute("INSERT INTO accounts (id) VALUES ($1) ON CONFLICT DO NOTHING", user_id)


async def find(tx: Database | Connection, user: str) -> OwnerId:
    """The account of the user with this id or e-mail address, opened if it is the first time that
    it is needed. Raises: NotFound."""
    try:
        user_id = UUID(user)
    except ValueError:
        user_id = await tx.fetchval("SELECT id FROM users WHERE lower(email) = lower($1)", user)
    else:
        user_id = await tx.fetchval(
            "SELECT id FROM users WHERE id = $1 UNION SELECT id FROM accounts WHERE id = $1",
            user_id,
        )
    if user_id is None:
        raise NotFound("user")
    found = OwnerId(UUID(int=user_id.int))
    await open_account(tx, found)
    return found


_SHOWN = """
SELECT accounts.id, users.name, unlimited, granted, available, held, used, allowance,
       allowance_every, allowance_due, open_jobs
FROM accounts LEFT JOIN users ON users.id = accounts.id
"""


async def read(tx: Database | Connection, account_id: OwnerId) -> Account | None:
    row = await tx.fetchrow(_SHOWN + "WHERE accounts.id = $1", account_id)
    return _account(row) if row else None


async def read_page(database: Database, *, after: UUID | None, limit: int) -> list[Account]:
    """Accounts in the order of their ids, those after `after`."""
    rows = await database.fetch(
        _SHOWN + "WHERE accounts.id > $1 ORDER BY accounts.id LIMIT $2",
        after or UUID(int=0),
        limit,
    )
    return [_account(row) for row in rows]


def _account(row: Row) -> Account:
    allowance = row["allowance"]
    return Account(
        id=OwnerId(UUID(int=row["id"].int)),
        name=row["name"],
        unlimited=row["unlimited"],
        granted=Credits(row["granted"]),
        available=Credits(row["available"]),
        held=Credits(row["held"]),
        used=Credits(row["used"]),
        allowance=Allowance(Credits(allowance), row["allowance_every"]) if allowance else None,
        allowance_due=row["allowance_due"],
        open_jobs=row["open_jobs"],
    )


async def set_unlimited(tx: Connection, account_id: OwnerId, unlimited: bool) -> None:
    """Whether jobs may be ordered without having the credits. What is available stays: an unlimited
    account does not touch it, and has it again afterwards. Raises: NotFound."""
    done = await tx.execute(
        "UPDATE accounts SET unlimited = $2 WHERE id = $1", account_id, unlimited
    )
    if done == "UPDATE 0":
        raise NotFound("account")


async def set_closed(tx: Connection, account_id: UUID, *, closed: bool) -> None:
    """Whether orders on this account are refused. What it has, and its postings, stay; while it is
    closed it is given no allowance."""
    await tx.execute(
        """UPDATE accounts SET closed_at = CASE WHEN $2 THEN coalesce(closed_at, now()) END
           WHERE id = $1""",
        account_id,
        closed,
    )


# Fills accounts up to their allowances and says when it will be time again; one that missed several
# periods is filled once. An allowance is given at most once a period: changing it to and fro gives
# nothing twice. Accounts that somebody holds at this moment are left for the next sweep.
_FILL = """
WITH due AS MATERIALIZED (
    SELECT id, entry, period, allowance_every,
           CASE WHEN EXISTS (SELECT FROM postings WHERE postings.entry = named.entry) THEN 0
                ELSE greatest(allowance - available, 0) END AS missing
    FROM accounts CROSS JOIN LATERAL (
        SELECT date_trunc(allowance_every, now(), 'UTC') AS period) AS starts
    CROSS JOIN LATERAL (
        SELECT format('allowance:%s:%s:%s', id, (period AT TIME ZONE 'UTC')::date, allowance)
               AS entry) AS named
    WHERE allowance_due <= now() AND closed_at IS NULL AND {which}
    ORDER BY allowance_due LIMIT $1
    FOR NO KEY UPDATE OF accounts SKIP LOCKED
), filled AS (
    UPDATE accounts
    SET granted = granted + missing,
        available = available + missing,
        allowance_due = date_add(period, ('1 ' || due.allowance_every)::interval, 'UTC')
    FROM due WHERE accounts.id = due.id
    RETURNING accounts.id, entry, missing, available, allowance, due.allowance_every
), posted AS (
    INSERT INTO postings (entry, line, account_id, pocket, credits, kind, available_after, note)
    SELECT entry, line, id, pocket, CASE line WHEN 1 THEN -missing ELSE missing END, 'grant',
           available, format('Allowance of %s a %s.', allowance, allowance_every)
    FROM filled CROSS JOIN (VALUES (1, 'granted'), (2, 'available')) AS lines (line, pocket)
    WHERE missing > 0
    ORDER BY entry, line
)
SELECT count(*) FROM due
"""

_FILL_DUE = _FILL.replace("{which}", "true")
_FILL_ONE = _FILL.replace("{which}", "id = $2")


async def set_allowance(tx: Connection, account_id: OwnerId, allowance: Allowance | None) -> None:
    """Give an allowance from now on, the first at once, or none any more. The same again changes
    nothing. Raises: NotFound, InvalidRequest."""
    if allowance and not 1 <= allowance.credits.amount <= CREDITS_MAX:
        raise InvalidRequest(
            FieldError("allowance", f"From 1 to {CREDITS_MAX:,}, or null for none.")
        )
    row = await tx.fetchrow(
        "SELECT allowance, allowance_every FROM accounts WHERE id = $1 FOR NO KEY UPDATE",
        account_id,
    )
    if row is None:
        raise NotFound("account")
    amount = allowance.credits.amount if allowance else None
    every = allowance.every if allowance else None
    if (row["allowance"], row["allowance_every"]) == (amount, every):
        return
    await tx.execute(
        """UPDATE accounts SET allowance = $2, allowance_every = $3,
                  allowance_due = CASE WHEN $2::bigint IS NOT NULL THEN now() END
           WHERE id = $1""",
        account_id,
        amount,
        every,
    )
    await tx.execute(_FILL_ONE, 1, account_id)


async def apply_due(database: Database) -> int:
    """Fill up every account whose period has begun. Any process may, at any time; returns how many
    accounts there were."""
    total = 0
    while True:
        done: int = await database.fetchval(_FILL_DUE, _BATCH)
        total += done
        if done < _BATCH:
            return total
