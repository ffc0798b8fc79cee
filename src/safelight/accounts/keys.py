"""API keys: `sl_…`, shown once, kept as a digest, checked on every request."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import time
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from safelight.accounts import own_limits
from safelight.accounts.own_limits import OwnLimits, own_limits_of
from safelight.accounts.users import Role
from safelight.database.pool import Database, Row
from safelight.database.together import Together
from safelight.values.errors import FieldError, Forbidden, InvalidRequest
from safelight.values.ids import OwnerId, acting_for, new_id

Scope = Literal["jobs:write", "jobs:read", "assets:read", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

PREFIX = "sl_"
KEYS_MAX = 50
_BASE62 = string.digits + string.ascii_letters
_SECRET_CHARS = 32  # 190 random bits; the four that the hint shows leave 166
_CHECKSUM_CHARS = 6  # 62⁶ is more than 2³²
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_SECRET_CHARS + _CHECKSUM_CHARS}}}")
_HINT_CHARS = len(PREFIX) + 4

_REMEMBERED_S = 1.0  # how long a revoked key may still work
_REMEMBERED_MAX = 10_000
_COLUMNS = "id, name, hint, scopes, created_at, expires_at, last_used_at"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its owner sees it. hint: its first characters. scopes: None is all but admin."""

    id: UUID
    name: str
    hint: str
    scopes: list[Scope] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a key stands for, and what it may be used for (scopes: None is all but admin)."""

    user_id: OwnerId
    name: str
    email: str | None
    role: Role
    is_disabled: bool
    scopes: frozenset[Scope] | None
    limits: OwnLimits = own_limits.NONE


def new_key() -> str:
    """A key nobody has. Its checksum lets a mistyped one be told without asking the database, and
    scanners for leaked secrets recognise it."""
    secret = "".join(secrets.choice(_BASE62) for _ in range(_SECRET_CHARS))
    return PREFIX + secret + _checksum(secret)


def is_well_formed(text: str) -> bool:
    """Whether it could be one of our keys."""
    return bool(_FORM.fullmatch(text)) and text[-_CHECKSUM_CHARS:] == _checksum(
        text[len(PREFIX) : -_CHECKSUM_CHARS]
    )


def _checksum(secret: str) -> str:
    number, digits = zlib.crc32(secret.encode()), ""
    for _ in range(_CHECKSUM_CHARS):
        number, digit = divmod(number, len(_BASE62))
        digits += _BASE62[digit]
    return digits


def _digest(key: str) -> bytes:
    # No slow hash: there is nothing to guess in 190 random bits, and this runs on every request.
    return hashlib.sha256(key.encode()).digest()


async def create(
    database: Database,
    user_id: OwnerId,
    *,
    name: str,
    scopes: list[Scope] | None = None,
    expires_at: datetime | None = None,
) -> tuple[Key, str]:
    """A new key and its text, which cannot be had again.

    Raises: InvalidRequest, Forbidden when the user has KEYS_MAX of them."""
    text = new_key()
    async with database.transaction() as tx:
        # Locked, so that of two at once the second counts the first; the count is a statement of
        # its own because it must see what was committed while it waited.
        # A user who was deleted makes no key for when he is brought back.
        if await tx.fetchval(
            "SELECT deleted_at FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id
        ):
            raise Forbidden("This account was deleted.")
        state = await tx.fetchrow(
            """SELECT $2::timestamptz <= now() AS is_past,
                      (SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL
                         AND (expires_at IS NULL OR expires_at > now())) AS keys""",
            user_id,
            expires_at,
        )
        assert state is not None
        if state["is_past"]:
            raise InvalidRequest(FieldError("expires_at", "Must be in the future."))
        if state["keys"] >= KEYS_MAX:
            raise Forbidden(f"You have {KEYS_MAX} keys; revoke one that is not used any more.")
        row = await tx.fetchrow(
            f"""INSERT INTO api_keys (id, user_id, name, hint, sha256, scopes, expires_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}""",  # noqa: S608
            new_id(),
            user_id,
            name,
            text[:_HINT_CHARS],
            _digest(text),
            scopes,
            expires_at,
        )
    assert row is not None
    return _key(row), text


async def list_keys(database: Database, user_id: OwnerId) -> list[Key]:
    """Those that were not revoked, the newest first."""
    rows = await database.fetch(
        f"""SELECT {_COLUMNS} FROM api_keys
            WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id DESC""",  # noqa: S608
        user_id,
    )
    return [_key(row) for row in rows]


_REVOKE = "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL"


async def revoke(database: Database, user_id: OwnerId, key_id: UUID) -> Key | None:
    """End a key; every process knows within _REMEMBERED_S. None: unknown, or somebody else's."""
    row = await database.fetchrow(
        f"{_REVOKE} AND user_id = $2 RETURNING {_COLUMNS}", key_id, user_id
    )
    return _key(row) if row else None


async def revoke_anybodys(database: Database, key_id: UUID) -> Key | None:
    """End a key, whosever it is: for the operator."""
    row = await database.fetchrow(f"{_REVOKE} RETURNING {_COLUMNS}", key_id)
    return _key(row) if row else None


def _key(row: Row) -> Key:
    return Key(**dict(row) | {"id": UUID(int=row["id"].int)})


class Keyring:
    """Who holds which key, remembered for a moment: a busy key costs one look-up a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asking: Together[bytes, Holder | None] = Together(self._look_up)
        self._remembered: dict[bytes, tuple[float, Holder | None]] = {}

    async def holder(self, text: str) -> Holder | None:
        """Whose key this is; None when it is not one, expired or revoked."""
        if not is_well_formed(text):
            return None
        digest = _digest(text)
        until, holder = self._remembered.get(digest, (0.0, None))
        if time.monotonic() < until:
            return holder
        return await self._asking.add(digest)

    async def _look_up(self, digests: list[bytes]) -> list[Holder | None]:
        # Counted from before the question: what is revoked after it was asked is not remembered
        # for longer because the answer was slow.
        until = time.monotonic() + _REMEMBERED_S
        # The use is noted by whoever is first, at most once a minute; nobody waits for him.
        rows = await self._database.fetch(
            f"""WITH used AS (
                   UPDATE api_keys SET last_used_at = now()
                   WHERE id IN (SELECT id FROM api_keys
                                WHERE sha256 = ANY($1) AND revoked_at IS NULL
                                  AND (expires_at IS NULL OR expires_at > now())
                                  AND (last_used_at IS NULL
                                       OR last_used_at < now() - interval '1 minute')
                                FOR UPDATE SKIP LOCKED))
               SELECT sha256, user_id, users.name, email, role, disabled_at, scopes,
                      {own_limits.COLUMNS}
               FROM api_keys JOIN users ON users.id = user_id
               WHERE sha256 = ANY($1) AND revoked_at IS NULL
                 AND (expires_at IS NULL OR expires_at > now())""",  # noqa: S608
            digests,
        )
        found = {row["sha256"]: _holder(row) for row in rows}
        if len(self._remembered) > _REMEMBERED_MAX:
            self._remembered.clear()
        self._remembered |= {digest: (until, found.get(digest)) for digest in digests}
        return [found.get(digest) for digest in digests]


def _holder(row: Row) -> Holder:
    return Holder(
        user_id=acting_for(row["user_id"]),
        name=row["name"],
        email=row["email"],
        role=row["role"],
        is_disabled=row["disabled_at"] is not None,
        scopes=None if row["scopes"] is None else frozenset(row["scopes"]),
        limits=own_limits_of(row),
    )
