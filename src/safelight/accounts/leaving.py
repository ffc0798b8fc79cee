"""The end of a user: kept out at once, brought back within a time, and then forgotten.

What he made, and what he still has under way, is seen to by jobs/farewell.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from safelight.accounts import own_limits
from safelight.accounts.joining import IN_LINE
from safelight.database.pool import Connection, Database, Row
from safelight.values.errors import Forbidden, NotFound
from safelight.values.ids import LOCAL_OWNER

# How each way in is closed, one statement a table; $1 is the user. A new kind of login belongs
# here.
_CLOSE_THE_DOORS: tuple[str, ...] = (
    "UPDATE api_keys SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL",
    "DELETE FROM logins WHERE user_id = $1",
    "DELETE FROM codes WHERE user_id = $1",  # for a new password
)
# What says something about the person and goes when he is forgotten.
PERSONAL: tuple[str, ...] = (
    "DELETE FROM api_keys WHERE user_id = $1",
    "DELETE FROM logins WHERE user_id = $1",
    "DELETE FROM codes WHERE user_id = $1",
    "DELETE FROM passwords WHERE user_id = $1",
    "DELETE FROM identities WHERE user_id = $1",
)

NOBODY = "Deleted user"


@dataclass(frozen=True, slots=True)
class Leaver:
    """A user who was deleted. restorable_until: from then on he may be forgotten any moment."""

    id: UUID
    name: str
    deleted_at: datetime
    restorable_until: datetime


_SHOWN = "id, name, deleted_at"


async def mark_deleted(tx: Connection, user_id: UUID, *, kept_s: float) -> Leaver:
    """Keep the user out, by whichever door. Repeated it changes nothing.

    Raises: NotFound, Forbidden for the local owner and the last administrator."""
    if user_id == LOCAL_OWNER:
        raise Forbidden(
            "The owner of this server cannot be deleted. To remove everything, stop the server and "
            "delete its data folder."
        )
    # Of two administrators who delete each other, the second sees that he would be the last.
    await tx.execute(IN_LINE)
    user = await tx.fetchrow(
        "SELECT role, deleted_at, forgetting_since FROM users WHERE id = $1 FOR NO KEY UPDATE",
        user_id,
    )
    if user is None or user["forgetting_since"]:
        raise NotFound("user")
    if user["role"] == "admin" and not user["deleted_at"] and await _is_last(tx, user_id):
        raise Forbidden(
            "The last administrator cannot be deleted. Make somebody else an administrator first."
        )
    row = await tx.fetchrow(
        f"""UPDATE users SET deleted_at = coalesce(deleted_at, now()),
                   disabled_at = coalesce(disabled_at, now())
            WHERE id = $1 RETURNING {_SHOWN}""",  # noqa: S608
        user_id,
    )
    for statement in _CLOSE_THE_DOORS:
        await tx.execute(statement, user_id)
    assert row is not None
    return _leaver(row, kept_s)


async def _is_last(tx: Connection, user_id: UUID) -> bool:
    """The local owner does not count: with accounts on nobody may have a way to be him."""
    others: int = await tx.fetchval(
        """SELECT count(*) FROM users
           WHERE role = 'admin' AND disabled_at IS NULL AND id NOT IN ($1, $2)""",
        user_id,
        LOCAL_OWNER,
    )
    return others == 0


async def take_back(tx: Connection, user_id: UUID) -> None:
    """Let a deleted user in again, unless he was disabled before. His keys stay revoked. One who
    was not deleted stays as he is. Raises: NotFound when he is forgotten, or was never here."""
    done = await tx.fetchval(
        """UPDATE users SET deleted_at = NULL,
                  disabled_at = CASE WHEN disabled_at = deleted_at THEN NULL ELSE disabled_at END
           WHERE id = $1 AND forgetting_since IS NULL RETURNING true""",
        user_id,
    )
    if not done:
        raise NotFound("user")


async def begin_forgetting(database: Database, *, kept_s: float, limit: int) -> list[UUID]:
    """Users whose time is over: from now on nobody brings them back. Told again and again until
    each is forgotten."""
    rows = await database.fetch(
        """UPDATE users SET forgetting_since = coalesce(forgetting_since, now())
           WHERE id IN (SELECT id FROM users
                        WHERE deleted_at < now() - make_interval(secs => $1)
                          AND forgotten_at IS NULL
                        ORDER BY deleted_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
           RETURNING id""",
        kept_s,
        limit,
    )
    return [UUID(int=row["id"].int) for row in rows]


async def forget(tx: Connection, user_id: UUID) -> None:
    """The last step: what is left is a number that the ledger can speak of."""
    for statement in PERSONAL:
        await tx.execute(statement, user_id)
    await tx.execute(
        """UPDATE users SET name = $2, email = NULL, role = 'user', forgotten_at = now()
           WHERE id = $1 AND forgetting_since IS NOT NULL""",
        user_id,
        NOBODY,
    )


async def profile(database: Database, user_id: UUID) -> Row | None:
    """What is known of the person."""
    return await database.fetchrow(
        f"""SELECT id, name, email, role, created_at, disabled_at, deleted_at,
                  {own_limits.COLUMNS},
                  ARRAY(SELECT jsonb_build_object('created_at', created_at, 'used_at', used_at,
                                                  'agent', agent, 'address', address)
                        FROM logins WHERE user_id = users.id ORDER BY id) AS logins,
                  ARRAY(SELECT jsonb_build_object('issuer', issuer, 'subject', subject)
                        FROM identities WHERE user_id = users.id ORDER BY issuer) AS identities,
                  (SELECT changed_at FROM passwords WHERE user_id = users.id)
                      AS password_changed_at
           FROM users WHERE id = $1""",  # noqa: S608
        user_id,
    )


async def all_keys(database: Database, user_id: UUID) -> list[Row]:
    """His keys, revoked ones too, without what would let anybody in."""
    return await database.fetch(
        """SELECT id, name, hint, scopes, created_at, expires_at, last_used_at, revoked_at
           FROM api_keys WHERE user_id = $1 ORDER BY id""",
        user_id,
    )


def _leaver(row: Row, kept_s: float) -> Leaver:
    deleted_at: datetime = row["deleted_at"]
    return Leaver(
        id=UUID(int=row["id"].int),
        name=row["name"],
        deleted_at=deleted_at,
        restorable_until=deleted_at + timedelta(seconds=kept_s),
    )
