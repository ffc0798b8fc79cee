"""Codes that are good for one thing, once, for a while: to set up a server, to join, to choose a
new password. Shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from safelight.accounts.users import Role
from safelight.database.pool import Connection, Database, Row
from safelight.values.errors import Forbidden
from safelight.values.ids import OwnerId, new_id

Purpose = Literal["setup", "invite", "reset"]

LIFETIME: dict[Purpose, timedelta] = {
    "setup": timedelta(days=1),
    "invite": timedelta(days=7),
    "reset": timedelta(hours=24),
}
_FORM = re.compile(r"[A-Za-z0-9_-]{32}")
_COLUMNS = "id, purpose, role, user_id, note, created_at, expires_at, used_at"
_GOOD = "used_at IS NULL AND expires_at > now()"


@dataclass(frozen=True, slots=True)
class Code:
    """role: of whom an invite lets in. user_id: whose password may be chosen anew."""

    id: UUID
    purpose: Purpose
    role: Role
    user_id: OwnerId | None
    note: str | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class CodeWorthless(Forbidden):
    """Raised for every code that opens nothing, whatever the reason is."""

    def __init__(self) -> None:
        super().__init__(
            "This code is not valid: it was mistyped, used before, taken back, or has expired. "
            "Ask the administrator for a new one."
        )


async def make(
    database: Database | Connection,
    purpose: Purpose,
    *,
    role: Role = "user",
    user_id: OwnerId | None = None,
    note: str | None = None,
    lifetime: timedelta | None = None,
) -> tuple[Code, str]:
    """A new code and its text, which cannot be had again."""
    text = secrets.token_urlsafe(24)
    row = await database.fetchrow(
        f"""INSERT INTO codes (id, purpose, sha256, role, user_id, note, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, now() + $7) RETURNING {_COLUMNS}""",  # noqa: S608
        new_id(),
        purpose,
        _digest(text),
        role,
        user_id,
        note,
        lifetime or LIFETIME[purpose],
    )
    assert row is not None
    return _code(row), text


async def make_reset(database: Database, user_id: OwnerId) -> tuple[Code, str]:
    """A code for a new password. Earlier ones of the same user are worth nothing any more."""
    async with database.transaction() as tx:
        await tx.execute(
            "DELETE FROM codes WHERE purpose = 'reset' AND user_id = $1 AND used_at IS NULL",
            user_id,
        )
        return await make(tx, "reset", user_id=user_id)


async def look(database: Database | Connection, text: str, *purposes: Purpose) -> Code:
    """What a code is good for, without using it. Raises: CodeWorthless."""
    row = None
    if _FORM.fullmatch(text):
        row = await database.fetchrow(
            f"SELECT {_COLUMNS} FROM codes WHERE sha256 = $1 AND purpose = ANY($2) AND {_GOOD}",  # noqa: S608
            _digest(text),
            purposes,
        )
    if row is None:
        raise CodeWorthless
    return _code(row)


async def use(tx: Connection, text: str, *purposes: Purpose) -> Code:
    """Use a code up: of two at once, one. Raises: CodeWorthless."""
    row = None
    if _FORM.fullmatch(text):
        row = await tx.fetchrow(
            f"""UPDATE codes SET used_at = now()
                WHERE sha256 = $1 AND purpose = ANY($2) AND {_GOOD}
                RETURNING {_COLUMNS}""",  # noqa: S608
            _digest(text),
            purposes,
        )
    if row is None:
        raise CodeWorthless
    return _code(row)


async def list_invites(database: Database) -> list[Code]:
    """Those that still let somebody in, the newest first."""
    rows = await database.fetch(
        f"""SELECT {_COLUMNS} FROM codes WHERE purpose = 'invite' AND {_GOOD}
            ORDER BY id DESC"""  # noqa: S608
    )
    return [_code(row) for row in rows]


async def take_back(database: Database, code_id: UUID) -> Code | None:
    """End an invite that nobody has used. None: there is none."""
    row = await database.fetchrow(
        f"""DELETE FROM codes WHERE id = $1 AND purpose = 'invite' AND used_at IS NULL
            RETURNING {_COLUMNS}""",  # noqa: S608
        code_id,
    )
    return _code(row) if row else None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()  # nothing to guess in 192 random bits


def _code(row: Row) -> Code:
    owner = row["user_id"]
    return Code(
        **dict(row)
        | {
            "id": UUID(int=row["id"].int),
            "user_id": OwnerId(UUID(int=owner.int)) if owner else None,
        }
    )
