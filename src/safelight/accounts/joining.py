"""Becoming a user: the first administrator by the set-up code, others by invite or as they like;
with a password, or with another site's word. And what an administrator may change about users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from safelight.accounts import codes, logins, own_limits, users
from safelight.accounts.codes import Purpose
from safelight.accounts.users import Role, User
from safelight.database.pool import Connection, Database
from safelight.values.errors import FieldError, Forbidden, InvalidRequest, NotFound
from safelight.values.ids import LOCAL_OWNER, UserId

Registration = Literal["open", "invite", "closed"]

# Who joins, and who changes roles, waits in line: of twenty first ones only one can be the first.
IN_LINE = "SELECT pg_advisory_xact_lock(7340021)"
# The owner of a server without accounts cannot log in, so he does not count.
_ADMINS = "FROM users WHERE role = 'admin' AND id <> $1"

_NO_ADMIN = (
    "This server has no administrator yet. Open the set-up link that it printed when it was "
    "started, or run `safelight users create NAME --email E --admin --password-stdin` on it."
)
_INVITE_ONLY = "This server is for people with an invite; ask its administrator for one."
_CLOSED = "This server takes no registrations; ask its administrator for an account."


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at another site."""

    issuer: str
    subject: str


async def has_admin(database: Database | Connection) -> bool:
    found: bool = await database.fetchval(f"SELECT EXISTS (SELECT {_ADMINS})", LOCAL_OWNER)
    return found


async def check(database: Database | Connection, mode: Registration, code: str | None) -> None:
    """Whether somebody with this code may join, before anything dear is done for him.

    Raises: Forbidden."""
    if code is not None:
        await codes.look(database, code, *await _good_for(database, mode))
    elif not await has_admin(database):
        raise Forbidden(_NO_ADMIN)
    elif mode != "open":
        raise Forbidden(_CLOSED if mode == "closed" else _INVITE_ONLY)


async def join(
    database: Database,
    *,
    name: str,
    email: str,
    mode: Registration,
    code: str | None,
    password_hash: str | None = None,
    identity: Identity | None = None,
) -> User:
    """A new user, who has a password or an identity. Raises: Forbidden, InvalidRequest."""
    async with database.transaction() as tx:
        await tx.execute(IN_LINE)
        await check(tx, mode, code)
        role: Role = "user"
        sets_up = False
        if code is not None:
            used = await codes.use(tx, code, *await _good_for(tx, mode))
            role, sets_up = used.role, used.purpose == "setup"
        # Who sets the server up pays its bills; nobody is there yet who could give him credits.
        user = await users.create(tx, name, email=email, role=role, unlimited=sets_up)
        if password_hash:
            await keep_password(tx, user.id, password_hash)
        if identity:
            await keep_identity(tx, user.id, identity)
        if role == "admin":
            await tx.execute("DELETE FROM codes WHERE purpose = 'setup' AND used_at IS NULL")
    return user


async def _good_for(database: Database | Connection, mode: Registration) -> tuple[Purpose, ...]:
    if not await has_admin(database):
        return ("setup",) if mode == "closed" else ("setup", "invite")
    if mode == "closed":
        raise Forbidden(_CLOSED)
    return ("invite",)


async def keep_password(database: Database | Connection, user_id: UserId, kept: str) -> None:
    await database.execute(
        """INSERT INTO passwords (user_id, hash) VALUES ($1, $2)
           ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = now()""",
        user_id,
        kept,
    )


async def rehash(database: Database, user_id: UserId, old: str, new: str) -> None:
    """The same password with other parameters, unless it was changed meanwhile."""
    await database.execute(
        "UPDATE passwords SET hash = $3 WHERE user_id = $1 AND hash = $2", user_id, old, new
    )


async def password_of(database: Database, user_id: UserId) -> str | None:
    kept: str | None = await database.fetchval(
        "SELECT hash FROM passwords WHERE user_id = $1", user_id
    )
    return kept


async def by_email(database: Database, email: str) -> tuple[User, str | None] | None:
    """Who has this address, and the hash of his password if he has one."""
    row = await database.fetchrow(
        """SELECT users.id, hash FROM users LEFT JOIN passwords ON user_id = users.id
           WHERE lower(email) = lower($1)""",
        email.strip(),
    )
    if row is None:
        return None
    return await users.find(database, str(row["id"])), row["hash"]


async def change_password(
    database: Database, user_id: UserId, old: str, new: str, *, but: UUID | None
) -> bool:
    """Keep another password and end all sessions but one. False when it was changed meanwhile."""
    async with database.transaction() as tx:
        changed = await tx.fetchval(
            """UPDATE passwords SET hash = $3, changed_at = now()
               WHERE user_id = $1 AND hash = $2 RETURNING user_id""",
            user_id,
            old,
            new,
        )
        if changed:
            await logins.end_all(tx, user_id, but=but)
    return changed is not None


async def reset_password(database: Database, code: str, new: str) -> UserId:
    """Use a reset code up, keep the password, end all sessions. Raises: Forbidden."""
    async with database.transaction() as tx:
        user_id = (await codes.use(tx, code, "reset")).user_id
        assert user_id is not None
        await keep_password(tx, user_id, new)
        await logins.end_all(tx, user_id)
    return user_id


async def change_user(
    database: Database,
    user_id: UserId,
    *,
    role: Role | None = None,
    disabled: bool | None = None,
    limits: Mapping[str, int | None] | None = None,
    running_default: int | None = None,
) -> User:
    """Change a role, keep somebody out or let him in again; change his own limits
    (`own_limits.change`). All of it or nothing. Whoever's role changes has to log in again.

    Raises: NotFound, InvalidRequest also when nobody would be left to administrate."""
    if limits and user_id == LOCAL_OWNER:
        message = "The owner of a server without accounts has no limits."
        raise InvalidRequest(FieldError("limits", message))
    async with database.transaction() as tx:
        await tx.execute(IN_LINE)
        row = await tx.fetchrow(
            """UPDATE users AS changed
               SET role = coalesce($2, changed.role),
                   disabled_at = CASE WHEN $3 THEN coalesce(changed.disabled_at, now())
                                      WHEN NOT $3 THEN NULL ELSE changed.disabled_at END
               FROM users AS was
               WHERE changed.id = $1 AND was.id = $1 AND changed.deleted_at IS NULL
               RETURNING was.role AS was, changed.role AS is""",
            user_id,
            role,
            disabled,
        )
        if row is None:
            if await tx.fetchval("SELECT deleted_at FROM users WHERE id = $1", user_id):
                message = "This user was deleted; bring him back first."
                raise InvalidRequest(FieldError("user", message))
            raise NotFound("user")
        left = await tx.fetchval(f"SELECT count(*) {_ADMINS} AND disabled_at IS NULL", LOCAL_OWNER)
        if not left and row["was"] == "admin":
            raise InvalidRequest(
                FieldError("user", "This is the last administrator; make another one first.")
            )
        if row["was"] != row["is"] or disabled:
            await logins.end_all(tx, user_id)
        if limits:
            await own_limits.change(tx, user_id, limits, running_default=running_default)
    return await users.find(database, str(user_id))


# Identities


async def keep_identity(
    database: Database | Connection, user_id: UserId, identity: Identity
) -> None:
    """Raises: InvalidRequest when it is somebody else's."""
    kept = await database.fetchval(
        """INSERT INTO identities (issuer, subject, user_id) VALUES ($1, $2, $3)
           ON CONFLICT (issuer, subject) DO UPDATE SET user_id = identities.user_id
           RETURNING user_id""",
        identity.issuer,
        identity.subject,
        user_id,
    )
    if UUID(int=kept.int) != user_id:
        message = "This login belongs to another account here."
        raise InvalidRequest(FieldError("identity", message))


async def by_identity(database: Database, identity: Identity) -> UserId | None:
    found = await database.fetchval(
        "SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2",
        identity.issuer,
        identity.subject,
    )
    return UserId(UUID(int=found.int)) if found else None


async def adopt(database: Database, email: str, identity: Identity) -> UserId | None:
    """The user with this verified address takes the identity on, if an operator made him and he has
    never been in: without a password and without another identity. None otherwise.

    Whoever registered here only said that the address is his: joined by it, he could have waited
    for its true owner, and both would be in one account.
    """
    async with database.transaction() as tx:
        row = await tx.fetchrow(
            """SELECT id FROM users WHERE lower(email) = lower($1)
                 AND NOT EXISTS (SELECT FROM passwords WHERE user_id = users.id)
                 AND NOT EXISTS (SELECT FROM identities WHERE user_id = users.id)
               FOR NO KEY UPDATE""",
            email,
        )
        if row is None:
            return None
        user_id = UserId(UUID(int=row["id"].int))
        await keep_identity(tx, user_id, identity)
    return user_id
