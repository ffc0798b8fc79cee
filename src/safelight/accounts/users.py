"""The people who use this server: made, found, disabled. What they may ask for is in limits.py."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from safelight.accounts import own_limits
from safelight.accounts.own_limits import OwnLimits, own_limits_of
from safelight.database.pool import Connection, Database, Row
from safelight.values.errors import FieldError, InvalidRequest, NotFound
from safelight.values.ids import UserId, new_id

Role = Literal["user", "admin"]
NAME_CHARS_MAX = 100
EMAIL_CHARS_MAX = 254  # RFC 5321
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_COLUMNS = "id, name, email, role, created_at, disabled_at, deleted_at"


@dataclass(frozen=True, slots=True)
class User:
    """disabled_at: since when none of the user's keys is let in. deleted_at: since when he is to be
    forgotten (accounts/leaving.py); he is disabled too."""

    id: UserId
    name: str
    email: str | None
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    deleted_at: datetime | None = None


async def create(
    database: Database | Connection,
    name: str,
    *,
    email: str | None = None,
    role: Role = "user",
    unlimited: bool = False,
) -> User:
    """A new user and the account that pays for what he orders, empty. unlimited: he may order
    without having the credits. Raises: InvalidRequest."""
    name, email = name_of(name), email_of(email) if email is not None else None
    try:
        # The account is the credits' table; a row in one statement with the user's is worth more
        # than asking that room for it: a user without an account could order nothing, for ever.
        row = await database.fetchrow(
            f"""WITH account AS (INSERT INTO accounts (id, unlimited) VALUES ($1, $5))
                INSERT INTO users (id, name, email, role) VALUES ($1, $2, $3, $4)
                RETURNING {_COLUMNS}""",  # noqa: S608
            new_id(),
            name,
            email,
            role,
            unlimited,
        )
    except asyncpg.UniqueViolationError:
        raise InvalidRequest(
            FieldError("email", "There is a user with this e-mail address already.")
        ) from None
    assert row is not None
    return _user(row)


async def find(database: Database, who: str, *, by_name: bool = False) -> User:
    """The user with this id or this e-mail address; by_name: or the only one of this name.

    Everybody chooses his own name, and could choose what looks like an address: who names one means
    the address.

    Raises: NotFound, InvalidRequest when several have the name."""
    ways = {"id = $1": _uuid(who), "lower(email) = lower($1)": who}
    if by_name and "@" not in who:
        ways["name = $1"] = who
    for way, value in ways.items():
        rows = await database.fetch(
            f"SELECT {_COLUMNS} FROM users WHERE {way} AND forgotten_at IS NULL LIMIT 2",  # noqa: S608
            value,
        )
        if len(rows) == 1:
            return _user(rows[0])
        if rows:
            message = "Several users have this name; give the id or the e-mail address."
            raise InvalidRequest(FieldError("user", message))
    raise NotFound("user")


async def list_users(database: Database) -> list[User]:
    """All of them, the oldest first; without those that were forgotten."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM users WHERE forgotten_at IS NULL ORDER BY id"  # noqa: S608
    )
    return [_user(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Known:
    """A user and how he comes in. last_seen_at: when a session or key of his was last used."""

    user: User
    has_password: bool
    issuers: list[str]
    last_seen_at: datetime | None
    limits: OwnLimits


async def list_known(database: Database, who: UserId | None = None) -> list[Known]:
    """Users as an administrator sees them, the oldest first; one of them, or none, with `who`."""
    rows = await database.fetch(
        f"""SELECT {_COLUMNS}, {own_limits.COLUMNS},
                   EXISTS (SELECT FROM passwords WHERE user_id = users.id) AS has_password,
                   ARRAY(SELECT DISTINCT issuer FROM identities
                         WHERE user_id = users.id ORDER BY issuer) AS issuers,
                   greatest((SELECT max(used_at) FROM logins WHERE user_id = users.id),
                            (SELECT max(last_used_at) FROM api_keys WHERE user_id = users.id))
                       AS last_seen_at
            FROM users
             WHERE forgotten_at IS NULL AND ($1::uuid IS NULL OR id = $1) ORDER BY id""",  # noqa: S608
        who,
    )
    return [
        Known(
            _user({name: row[name] for name in _COLUMNS.split(", ")}),
            **{name: row[name] for name in ("has_password", "issuers", "last_seen_at")},
            limits=own_limits_of(row),
        )
        for row in rows
    ]


async def set_disabled(database: Database, user_id: UserId, *, disabled: bool) -> User:
    """Keep a user out, which ends his sessions, or let him in again; what is his stays.

    Raises: NotFound, InvalidRequest for one who was deleted: he must be restored."""
    row = await database.fetchrow(
        f"""WITH ended AS (DELETE FROM logins WHERE user_id = $1 AND $2)
            UPDATE users SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, now()) END
            WHERE id = $1 AND (deleted_at IS NULL OR $2) RETURNING {_COLUMNS}""",  # noqa: S608
        user_id,
        disabled,
    )
    if row is None:
        if await database.fetchval("SELECT deleted_at FROM users WHERE id = $1", user_id):
            message = "This user was deleted; bring him back with `safelight users restore`."
            raise InvalidRequest(FieldError("user", message))
        raise NotFound("user")
    return _user(row)


def _user(row: Row | Mapping[str, Any]) -> User:
    # A plain UUID: the driver's own kind is none for JSON.
    return User(**dict(row) | {"id": UserId(UUID(int=row["id"].int))})


def name_of(name: str) -> str:
    """A name as it is kept. Raises: InvalidRequest."""
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_CHARS_MAX:
        raise InvalidRequest(FieldError("name", f"1 to {NAME_CHARS_MAX} characters."))
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise InvalidRequest(FieldError("name", "Contains characters that are not text."))
    return name


def email_of(email: str) -> str:
    """An e-mail address as it is kept. Raises: InvalidRequest."""
    email = email.strip()
    if len(email) > EMAIL_CHARS_MAX or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise InvalidRequest(FieldError("email", "Not an e-mail address."))
    return email


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
