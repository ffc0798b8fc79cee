"""Where people log in: guesses are counted, passwords compared, cookies handed out."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request

from safelight.accounts import codes, joining, logins, users
from safelight.accounts.joining import Identity, Registration
from safelight.accounts.limits import Limit, Limiter
from safelight.accounts.logins import KEPT_S, Logins
from safelight.accounts.oidc_transactions import LASTS_S
from safelight.accounts.passwords import Passwords, as_typed, chosen
from safelight.accounts.users import User
from safelight.database.pool import Database
from safelight.http.cookies import Cookie
from safelight.values.errors import (
    FieldError,
    Forbidden,
    InvalidRequest,
    RateLimited,
    Unauthenticated,
)
from safelight.values.ids import UserId

_QUARTER_S = 900.0
# No address can guess at one account more often, and nobody is ever locked out of his own account
# by what others try from elsewhere.
_GUESSES = Limit(10, _QUARTER_S)
_OF_AN_ADDRESS = Limit(100, _QUARTER_S)
_JOINED = Limit(20, 3600.0)
_CODES = Limit(20, _QUARTER_S)
_REFUSED_MAX = 20_000

_WRONG = "The e-mail address or the password is wrong."
_DISABLED = "This account is disabled; ask the administrator."


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may come. accounts: False while whoever gets here is the owner."""

    accounts: bool
    registration: Registration
    anonymous: bool
    public_url: str | None


class Reception:
    """One a process. Raises for every caller who is not let in, with the sentence that says why."""

    def __init__(self, database: Database, limiter: Limiter, rules: Rules, *, https: bool) -> None:
        self.rules = rules
        self.cookie = Cookie("sid", https=https, lasts_s=KEPT_S)
        self.oidc_cookie = Cookie("oidc", https=https, lasts_s=LASTS_S)
        self.logins = Logins(database)
        self.passwords = Passwords()
        self._database = database
        self._limiter = limiter
        # Buckets that are full, until when: a flood of refused guesses does not reach the database.
        self._refused: dict[str, float] = {}

    # Coming in

    async def register(
        self,
        request: Request,
        where: str,
        *,
        email: str,
        password: str,
        name: str | None,
        code: str | None,
    ) -> User:
        """Raises: Forbidden, InvalidRequest, RateLimited, Overloaded."""
        self.need_accounts()
        await self._count(f"join:{where}", _JOINED)
        email = users.email_of(email)
        good = chosen(password, email)
        await joining.check(self._database, self.rules.registration, code)
        user = await joining.join(
            self._database,
            name=users.name_of(name or email.partition("@")[0]),
            email=email,
            mode=self.rules.registration,
            code=code,
            password_hash=await self.passwords.make(good),
        )
        await self.let_in(request, user.id, where)
        return user

    async def log_in(self, request: Request, where: str, *, email: str, password: str) -> User:
        """Raises: Unauthenticated, Forbidden, RateLimited, Overloaded."""
        self.need_accounts()
        await self._count_guess(where, email)
        found = await self._by_email(email)
        user, kept = found or (None, None)
        if not await self._fits(kept, password) or user is None:
            raise Unauthenticated(_WRONG)
        if user.disabled_at is not None:
            raise Forbidden(_DISABLED)
        await self.let_in(request, user.id, where)
        await self._keep_up_to_date(user.id, kept, password)
        return user

    async def reset(self, request: Request, where: str, *, code: str, password: str) -> User:
        """A new password for whom the code was made. Raises: Forbidden, InvalidRequest, …"""
        self.need_accounts()
        await self._count(f"code:{where}", _CODES)
        found = await codes.look(self._database, code, "reset")
        user = await users.find(self._database, str(found.user_id))
        good = chosen(password, user.email or "")
        if user.disabled_at is not None:
            raise Forbidden(_DISABLED)
        kept = await self.passwords.make(good)
        await joining.reset_password(self._database, code, kept)
        await self.let_in(request, user.id, where)
        return user

    async def let_in(self, request: Request, user_id: UserId, where: str) -> None:
        """A new session; one that this browser had before ends."""
        await self.leave(request)
        token = await logins.begin(
            self._database, user_id, agent=request.headers.get("user-agent"), address=where
        )
        self.cookie.send(request, token)

    async def leave(self, request: Request) -> bool:
        """End the session that this browser has, and take its cookie away. False: it has none."""
        token = self.cookie.read(request)
        if not token:
            return False
        ended = await logins.end_token(self._database, token)
        self.logins.forget(token)
        self.cookie.clear(request)
        return ended

    # Being in

    async def confirm(
        self, request: Request, where: str, user_id: UserId, login_id: UUID, password: str
    ) -> None:
        """Its user proves anew who he is. Raises: Unauthenticated, InvalidRequest, …"""
        await self._count_guess(where, str(user_id))
        kept = await joining.password_of(self._database, user_id)
        if kept is None:
            raise InvalidRequest(
                FieldError("password", "You have no password here; log in again instead.")
            )
        if not await self._fits(kept, password):
            raise InvalidRequest(FieldError("password", "The password is wrong."))
        await self._renew(request, login_id)

    async def change_password(
        self,
        request: Request,
        where: str,
        user: tuple[UserId, UUID | None, str | None],
        *,
        old: str,
        new: str,
    ) -> None:
        """All other sessions of the user end. user: his id, his session, his e-mail address."""
        user_id, login_id, email = user
        await self._count_guess(where, str(user_id))
        good = chosen(new, email or "", "new_password")
        kept = await joining.password_of(self._database, user_id)
        if kept is None:
            message = "You have no password yet; ask the administrator for a reset code."
            raise InvalidRequest(FieldError("password", message))
        wrong = InvalidRequest(FieldError("password", "The password is wrong."))
        if not await self._fits(kept, old):
            raise wrong
        hashed = await self.passwords.make(good)
        if not await joining.change_password(self._database, user_id, kept, hashed, but=login_id):
            raise wrong  # it is another one by now
        if login_id is not None:
            await self._renew(request, login_id)

    async def _renew(self, request: Request, login_id: UUID) -> None:
        old = self.cookie.read(request)
        token = await logins.confirm(self._database, login_id)
        if token is None:
            raise Unauthenticated("You were logged out meanwhile; log in again.")
        if old:
            self.logins.forget(old)
        self.cookie.send(request, token)

    def public_url(self, request: Request) -> str:
        """How browsers reach this server, without a slash at the end. Only on this machine is it
        what they call it themselves."""
        return (self.rules.public_url or f"http://{request.headers.get('host', '')}").rstrip("/")

    def link(self, request: Request, page: str, code: str) -> str:
        """The address of a page that takes a code."""
        return f"{self.public_url(request)}/{page}?code={code}"

    # With the word of another site

    async def count_departure(self, where: str) -> None:
        """Raises: RateLimited."""
        await self._count(f"oidc:{where}", _OF_AN_ADDRESS)

    async def arrive(
        self,
        request: Request,
        where: str,
        identity: Identity,
        *,
        email: str | None,
        name: str | None,
        code: str | None,
        as_user: UserId | None,
    ) -> UserId:
        """Let in whoever another site says it is. email: only one that the site has verified.
        as_user: who was logged in here when he left; the identity becomes his.

        Raises: Forbidden, InvalidRequest."""
        user_id = await joining.by_identity(self._database, identity)
        if as_user is not None:
            await joining.keep_identity(self._database, as_user, identity)
            user_id = as_user
        if user_id is None and email is not None:
            user_id = await joining.adopt(self._database, email, identity)
        if user_id is None:
            user_id = (await self._join_by(identity, email, name, code)).id
        user = await users.find(self._database, str(user_id))
        if user.disabled_at is not None:
            raise Forbidden(_DISABLED)
        await self.let_in(request, user.id, where)
        return user.id

    async def _join_by(
        self, identity: Identity, email: str | None, name: str | None, code: str | None
    ) -> User:
        if email is None:
            raise Forbidden(
                "That site did not say that your e-mail address is yours; verify it there first."
            )
        if await self._by_email(email):
            raise Forbidden(
                "There is an account with this e-mail address. Log in with its password first, "
                "then connect this login on your account page."
            )
        return await joining.join(
            self._database,
            name=users.name_of((name or email.partition("@")[0])[: users.NAME_CHARS_MAX]),
            email=users.email_of(email),
            mode=self.rules.registration,
            code=code,
            identity=identity,
        )

    # Counting and comparing

    def need_accounts(self) -> None:
        if not self.rules.accounts:
            raise Forbidden(
                "This server has one owner and no logins. SAFELIGHT_ACCOUNTS=on gives it some."
            )

    async def _by_email(self, email: str) -> tuple[User, str | None] | None:
        try:
            return await joining.by_email(self._database, users.email_of(email))
        except InvalidRequest:
            return None  # nobody's

    async def _fits(self, kept: str | None, password: str) -> bool:
        typed = as_typed(password)
        return typed is not None and await self.passwords.fits(kept, typed)

    async def _keep_up_to_date(self, user_id: UserId, kept: str | None, password: str) -> None:
        typed = as_typed(password)
        if kept and typed and self.passwords.is_outdated(kept):
            new = await self.passwords.make(typed)
            await joining.rehash(self._database, user_id, kept, new)

    async def _count_guess(self, where: str, account: str) -> None:
        # A digest: the bucket's name is stored, and somebody may type his password here.
        account = hashlib.sha256(account.strip().casefold().encode(errors="replace")).hexdigest()
        # Otherwise every new name that a refused address tries would get a bucket.
        self._refuse_known(f"login:{where}")
        await self._count(f"login:{where}:{account[:32]}", _GUESSES)
        await self._count(f"login:{where}", _OF_AN_ADDRESS)

    async def _count(self, bucket: str, limit: Limit) -> None:
        """Raises: RateLimited."""
        self._refuse_known(bucket)
        now = time.monotonic()
        taken = await self._limiter.take(bucket, limit)
        if not taken.granted:
            if len(self._refused) > _REFUSED_MAX:
                self._refused.clear()
            self._refused[bucket] = now + taken.wait_s
            raise _too_many(taken.wait_s)

    def _refuse_known(self, bucket: str) -> None:
        """What is full is known without the database. Raises: RateLimited."""
        wait_s = self._refused.get(bucket, 0.0) - time.monotonic()
        if wait_s > 0:
            raise _too_many(wait_s)
        self._refused.pop(bucket, None)


def _too_many(wait_s: float) -> RateLimited:
    again_s = max(1, math.ceil(wait_s))
    return RateLimited(
        f"Too many tries from here; the next one is taken in {_in_words(again_s)}.",
        retry_after_s=again_s,
    )


def _in_words(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
