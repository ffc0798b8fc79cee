"""Browsers that are logged in: an opaque cookie, kept as a digest, checked on every request.

A user's session ends after 12 hours without use and after a week; an administrator's after one
hour, and after 12. Its token changes with every login and whenever its user proves anew who he is.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from safelight.accounts import own_limits
from safelight.accounts.own_limits import OwnLimits, own_limits_of
from safelight.accounts.users import Role
from safelight.database.pool import Connection, Database, Row
from safelight.database.together import Together
from safelight.values.ids import OwnerId, UserId, acting_for, new_id

CONFIRMED_S = 900  # how long after proving who he is a user may touch money, keys and roles
KEPT_S = 7 * 86_400  # the longest a session lasts, and so its cookie
AGENT_CHARS_MAX = 200

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_REMEMBERED_S = 1.0  # how long a session that was ended may still work
_REMEMBERED_MAX = 10_000
_LASTS = """
    used_at > now() - CASE role WHEN 'admin' THEN interval '1 hour' ELSE interval '12 hours' END
    AND logins.created_at
        > now() - CASE role WHEN 'admin' THEN interval '12 hours' ELSE interval '7 days' END"""


@dataclass(frozen=True, slots=True)
class Login:
    """A session as its user sees it. used_at is accurate to a minute."""

    id: UUID
    created_at: datetime
    used_at: datetime
    agent: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Whose session it is. is_confirmed: he proved within CONFIRMED_S who he is."""

    login_id: UUID
    user_id: OwnerId
    name: str
    email: str | None
    role: Role
    is_disabled: bool
    is_confirmed: bool
    limits: OwnLimits = own_limits.NONE


async def begin(
    database: Database | Connection, user_id: UserId, *, agent: str | None, address: str | None
) -> str:
    """A new session of somebody who has just proved who he is. Returns the cookie's value."""
    token = secrets.token_urlsafe(32)
    await database.execute(
        "INSERT INTO logins (id, sha256, user_id, agent, address) VALUES ($1, $2, $3, $4, $5)",
        new_id(),
        _digest(token),
        user_id,
        _printable(agent),
        address,
    )
    return token


async def confirm(database: Database | Connection, login_id: UUID) -> str | None:
    """Its user has proved anew who he is: a new token, the old one opens nothing any more. None
    when the session has ended meanwhile."""
    token = secrets.token_urlsafe(32)
    found = await database.fetchval(
        """UPDATE logins SET sha256 = $2, confirmed_at = now(), used_at = now()
           WHERE id = $1 RETURNING id""",
        login_id,
        _digest(token),
    )
    return token if found else None


async def end(database: Database, user_id: OwnerId, login_id: UUID) -> bool:
    """End one session; every process knows within _REMEMBERED_S. False: unknown, or another's."""
    found = await database.fetchval(
        "DELETE FROM logins WHERE id = $1 AND user_id = $2 RETURNING id", login_id, user_id
    )
    return found is not None


async def end_token(database: Database, token: str) -> bool:
    """End the session that has this cookie. False: there is none."""
    sql = "DELETE FROM logins WHERE sha256 = $1 RETURNING id"
    return await database.fetchval(sql, _digest(token)) is not None


async def end_all(
    database: Database | Connection, user_id: UserId, *, but: UUID | None = None
) -> int:
    """End all sessions of a user, but one perhaps. Returns how many."""
    ended = await database.fetch(
        "DELETE FROM logins WHERE user_id = $1 AND id IS DISTINCT FROM $2 RETURNING id",
        user_id,
        but,
    )
    return len(ended)


async def list_logins(database: Database, user_id: OwnerId) -> list[Login]:
    """Those that last, the newest first."""
    rows = await database.fetch(
        f"""SELECT logins.id, logins.created_at, used_at, agent, address
            FROM logins JOIN users ON users.id = user_id
            WHERE user_id = $1 AND {_LASTS} ORDER BY logins.id DESC LIMIT 200""",  # noqa: S608
        user_id,
    )
    return [Login(**dict(row) | {"id": UUID(int=row["id"].int)}) for row in rows]


async def forget_ended(database: Database) -> None:
    """Delete what nobody can use any more."""
    await database.execute(
        f"DELETE FROM logins USING users WHERE users.id = user_id AND NOT ({_LASTS})"  # noqa: S608
    )
    await database.execute("DELETE FROM codes WHERE expires_at < now() - interval '30 days'")
    await database.execute(
        "DELETE FROM oidc_transactions WHERE created_at < now() - interval '1 hour'"
    )


class Logins:
    """Who has which cookie, remembered for a moment: a busy browser costs one look-up a second."""

    def __init__(self, database: Database) -> None:
        self._using: Together[bytes, LoggedIn | None] = Together(partial(self._look_up, uses=True))
        self._looking: Together[bytes, LoggedIn | None] = Together(
            partial(self._look_up, uses=False)
        )
        self._remembered: dict[bytes, tuple[float, LoggedIn | None]] = {}
        self._database = database

    async def holder(self, token: str, *, uses: bool = True) -> LoggedIn | None:
        """Whose session this is; None when it is none, or has ended. uses: False when its user did
        nothing, and it is only asked whether it lasts."""
        if not _FORM.fullmatch(token):
            return None
        digest = _digest(token)
        until, holder = self._remembered.get(digest, (0.0, None))
        if time.monotonic() < until:
            return holder
        return await (self._using if uses else self._looking).add(digest)

    def forget(self, token: str) -> None:
        """Ask anew about this one: this process has just ended it."""
        self._remembered.pop(_digest(token), None)

    async def _look_up(self, digests: list[bytes], *, uses: bool) -> list[LoggedIn | None]:
        # Counted from before the question, as for keys (keys.py), and so is the use.
        until = time.monotonic() + _REMEMBERED_S
        rows = await self._database.fetch(
            f"""WITH used AS (
                    UPDATE logins SET used_at = now()
                    WHERE id IN (SELECT logins.id FROM logins JOIN users ON users.id = user_id
                                 WHERE $3 AND sha256 = ANY($1) AND {_LASTS}
                                   AND used_at < now() - interval '1 minute'
                                 FOR UPDATE OF logins SKIP LOCKED))
                SELECT sha256, logins.id AS login_id, user_id, name, email, role,
                       disabled_at IS NOT NULL AS is_disabled, {own_limits.COLUMNS},
                       confirmed_at > now() - make_interval(secs => $2) AS is_confirmed
                FROM logins JOIN users ON users.id = user_id
                WHERE sha256 = ANY($1) AND {_LASTS}""",  # noqa: S608
            digests,
            CONFIRMED_S,
            uses,
        )
        found = {row["sha256"]: _logged_in(row) for row in rows}
        if len(self._remembered) > _REMEMBERED_MAX:
            self._remembered.clear()
        self._remembered |= {digest: (until, found.get(digest)) for digest in digests}
        return [found.get(digest) for digest in digests]


def _logged_in(row: Row) -> LoggedIn:
    return LoggedIn(
        login_id=UUID(int=row["login_id"].int),  # plain ones, not the driver's kind
        user_id=acting_for(row["user_id"]),
        name=row["name"],
        email=row["email"],
        role=row["role"],
        is_disabled=row["is_disabled"],
        is_confirmed=row["is_confirmed"],
        limits=own_limits_of(row),
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _printable(agent: str | None) -> str | None:
    text = "".join(sign for sign in agent or "" if sign.isprintable())
    return text[:AGENT_CHARS_MAX] or None
