"""Who is let in, with what, and how often they may order."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeVar

from fastapi import Request

from safelight.accounts import own_limits
from safelight.accounts.addresses import Proxies, bucket_of, parse
from safelight.accounts.keys import PREFIX, Holder, Keyring, Scope
from safelight.accounts.limits import Limit, Limiter
from safelight.accounts.logins import LoggedIn, Logins
from safelight.accounts.own_limits import OwnLimits
from safelight.accounts.users import Role
from safelight.accounts.visitors import KEPT_S, Visitors
from safelight.http.caller import Caller, Kind
from safelight.http.cookies import Cookie
from safelight.http.edge import SAFE_METHODS, add_answer_header, host_name
from safelight.values.credits import Credits
from safelight.values.errors import CreditsShort, Forbidden, RateLimited, Unauthenticated
from safelight.values.ids import LOCAL_OWNER, OwnerId, UserId, new_id

T = TypeVar("T")

_MINUTE_S = 60.0
UPLOADS_PER_ORDER = 8
_FORWARDING = ("x-forwarded-for", "forwarded", "x-real-ip")


@dataclass(frozen=True, slots=True)
class Terms:
    """How much one kind of caller may ask for; None: any number."""

    submits_per_minute: int | None = None
    open_max: int | None = None
    running_max: int | None = None
    quota_bytes: int | None = None
    streams_max: int | None = None

    def instead(self, own: OwnLimits) -> Terms:
        """With what was set for one user instead."""
        if own == own_limits.NONE:
            return self
        return replace(
            self, **{name: value for name, value in asdict(own).items() if value is not None}
        )


class Access:
    """Decides who is asking. accounts: False while whoever gets here is the owner."""

    def __init__(
        self,
        *,
        accounts: bool,
        anonymous: bool,
        https: bool,
        keyring: Keyring,
        logins: Logins,
        session_cookie: Cookie,
        limiter: Limiter,
        proxies: Proxies,
        visitors: Visitors,
        terms: Mapping[Kind, Terms],
    ) -> None:
        self.accounts = accounts
        self.limiter = limiter
        self._anonymous = anonymous
        self._keyring = keyring
        self._proxies = proxies
        self._visitors = visitors
        self._terms = terms
        self._logins = logins
        self._session_cookie = session_cookie
        self._visitor_cookie = Cookie("visitor", https=https, lasts_s=KEPT_S)

    async def who(self, request: Request, *, uses: bool = True) -> Caller:
        """Whoever sent this request: by its key, else its session, else as a visitor. What is shown
        must be good: a wrong key beside a good cookie is refused, and so is an ended session of
        somebody who would be let in as a visitor. uses: whether this counts as using the session.

        Raises: Unauthenticated, Forbidden."""
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        key = said.strip() if scheme.lower() == "bearer" else None
        # Without accounts any other token means nothing: OpenAI's clients always send one.
        if key is not None and (self.accounts or key.startswith(PREFIX)):
            return await self._holder(request, key)
        if not self.accounts:
            return Caller(LOCAL_OWNER, request.state.request_id, is_admin=True)
        if token := self._session_cookie.read(request):
            return await self._logged_in(request, token, uses=uses)
        if self._anonymous:
            return self._visitor(request)
        raise _unknown(
            request, "Log in, or send an API key: “Authorization: Bearer sl_…”.", "Bearer"
        )

    async def _holder(self, request: Request, key: str) -> Caller:
        holder = await self._keyring.holder(key)
        if holder is None:
            raise _unknown(
                request,
                "This key is not valid: it was mistyped, has expired, or was revoked.",
                'Bearer error="invalid_token"',
            )
        _refuse_disabled(holder)
        _require(holder, needed_scope(request.method, request.scope["path"]))
        may_administrate = "admin" in (holder.scopes or ())
        return self._user(request, holder, role=holder.role if may_administrate else "user")

    async def _logged_in(self, request: Request, token: str, *, uses: bool) -> Caller:
        holder = await self._logins.holder(token, uses=uses)
        if holder is None:
            self._session_cookie.clear(request)
            raise _unknown(request, "You are logged out; log in again.", "Bearer")
        _refuse_disabled(holder)
        return self._user(
            request,
            holder,
            role=holder.role,
            login_id=holder.login_id,
            is_confirmed=holder.is_confirmed,
        )

    def _user(
        self, request: Request, holder: Holder | LoggedIn, *, role: Role, **more: Any
    ) -> Caller:
        kind = _kind(holder.user_id)
        terms = self._terms[kind].instead(holder.limits)
        return Caller(
            holder.user_id,
            request.state.request_id,
            kind=kind,
            is_admin=role == "admin",
            open_max=terms.open_max,
            running_max=terms.running_max,
            submits_per_minute=terms.submits_per_minute,
            quota_bytes=terms.quota_bytes,
            counted_as=f"user:{holder.user_id}",
            name=holder.name,
            email=holder.email,
            **more,
        )

    def _visitor(self, request: Request) -> Caller:
        known = self._visitors.read(self._visitor_cookie.read(request))
        visitor = known or OwnerId(UserId(new_id()))
        if known is None and request.scope["path"] == "/api/events":
            # A stream stays its opener's: a visitor without a name would not see there what he
            # orders next.
            self._name(request, visitor)
        terms = self._terms["visitor"]
        return Caller(
            visitor,
            request.state.request_id,
            kind="visitor",
            open_max=terms.open_max,
            running_max=terms.running_max,
            submits_per_minute=terms.submits_per_minute,
            quota_bytes=terms.quota_bytes,
            counted_as=f"ip:{self.where(request)}",
            name="Visitor",
        )

    def where(self, request: Request) -> str:
        """The address a request comes from, as it is counted."""
        peer = request.client.host if request.client else None
        return bucket_of(self._proxies.client(peer, request.headers.getlist("x-forwarded-for")))

    async def count_order(self, request: Request, caller: Caller) -> None:
        """One order more. A visitor's first one gives him his cookie. Raises: RateLimited."""
        most = caller.submits_per_minute
        if most and caller.counted_as:
            limit = Limit(most, _MINUTE_S)
            taken = await self.limiter.take(caller.counted_as, limit)
            again_s = math.ceil(taken.wait_s)
            add_answer_header(request, "RateLimit-Policy", f'"orders";q={most};w={_MINUTE_S:.0f}')
            add_answer_header(request, "RateLimit", f'"orders";r={taken.left_over};t={again_s}')
            if not taken.granted:
                raise RateLimited(
                    f"You may order {most} times a minute; the next order is taken in {again_s} s.",
                    retry_after_s=again_s,
                )
        if caller.kind == "visitor":
            await self._visitors.welcome(caller.owner_id)
            if self._visitors.read(self._visitor_cookie.read(request)) is None:
                self._name(request, caller.owner_id)

    def terms(self, user_id: OwnerId | UserId, own: OwnLimits = own_limits.NONE) -> Terms:
        """What a user with these limits of his own may ask for."""
        return self._terms[_kind(user_id)].instead(own)

    def streams_max(self, caller: Caller) -> int | None:
        """How many event streams this caller may have open; None: any number."""
        return self._terms[caller.kind].streams_max

    async def is_still(self, request: Request, caller: Caller) -> bool:
        """Whether a request that is not over yet would be let in again as the same caller. A page
        that is only open keeps nobody logged in."""
        if caller.kind == "visitor":
            return True
        try:
            return (await self.who(request, uses=False)).owner_id == caller.owner_id
        except (Unauthenticated, Forbidden):
            return False

    async def count_upload(self, request: Request, caller: Caller) -> None:
        """One upload more; a minute has as many as orders with the pictures each may have.

        Raises: RateLimited."""
        most = caller.submits_per_minute
        if most and caller.counted_as:
            limit = Limit(most * UPLOADS_PER_ORDER, _MINUTE_S)
            taken = await self.limiter.take(f"uploads {caller.counted_as}", limit)
            if not taken.granted:
                again_s = math.ceil(taken.wait_s)
                raise RateLimited(
                    f"You may upload {limit.most} pictures a minute; the next one is taken in "
                    f"{again_s} s.",
                    retry_after_s=again_s,
                )
        if caller.kind == "visitor":
            await self._visitors.welcome(caller.owner_id)
            if self._visitors.read(self._visitor_cookie.read(request)) is None:
                self._name(request, caller.owner_id)

    async def with_allowance(self, caller: Caller, order: Callable[[], Awaitable[T]]) -> T:
        """Order; a visitor who is short of credits once more with his address's allowance."""
        try:
            return await order()
        except CreditsShort as short:
            if caller.kind != "visitor" or not caller.counted_as:
                raise
            missing = Credits(max(0, short.needed.amount - short.available.amount))
            if not await self._visitors.give(caller.owner_id, caller.counted_as, missing):
                raise
        return await order()

    async def allowance_left(self, caller: Caller) -> Credits:
        """What a visitor could be given besides what is on his account; nothing for others."""
        if caller.kind != "visitor" or not caller.counted_as:
            return Credits(0)
        return await self._visitors.left(caller.counted_as)

    async def check_watcher(self, request: Request) -> None:
        """Metrics are for administrators and for whoever is on this machine.

        Raises: Unauthenticated, Forbidden."""
        if self.accounts and not _is_from_this_machine(request):
            caller = await self.who(request)
            if not caller.is_admin:
                raise Forbidden("This is for administrators.")

    def _name(self, request: Request, visitor: OwnerId) -> None:
        self._visitor_cookie.send(request, self._visitors.cookie(visitor))


def _kind(user_id: OwnerId | UserId) -> Kind:
    return "local" if user_id == LOCAL_OWNER else "user"


def _refuse_disabled(holder: Holder | LoggedIn) -> None:
    """Raises: Forbidden."""
    if holder.is_disabled:
        raise Forbidden("This account is disabled; ask the administrator.")


def needed_scope(method: str, path: str) -> Scope | Literal["all"] | None:
    """What a key must be good for to do this; `all`: only one that is not limited to scopes.

    What is not named here needs a scope of jobs, so that a new route is never open to every key.
    """
    reads = method in SAFE_METHODS
    match path.split("/")[1:]:
        case ["api", "admin", *_] | ["metrics", *_]:
            return "admin"
        case ["api", "keys" | "auth", *_] | ["api", "me", "export"]:
            return "all"
        case ["api", "me"] if not reads:
            return "all"
        case ["api", "me" | "models" | "styles", *_] | ["v1", "models", *_] if reads:
            return None
        case ["api", "assets", *_] if reads:
            return "assets:read"
    return "jobs:read" if reads else "jobs:write"


def _require(holder: Holder, needed: Scope | Literal["all"] | None) -> None:
    """Raises: Forbidden when the key is not for this."""
    if holder.scopes is None:
        if needed == "admin":
            raise Forbidden("This needs a key with the scope “admin”.")
    elif needed == "all":
        raise Forbidden("A key that is limited to scopes cannot do this; use one that is not.")
    elif needed is not None and needed not in holder.scopes:
        raise Forbidden(f"This key does not have the scope “{needed}”.")


def _unknown(request: Request, sentence: str, challenge: str) -> Unauthenticated:
    add_answer_header(request, "WWW-Authenticate", challenge)
    return Unauthenticated(sentence)


def _is_from_this_machine(request: Request) -> bool:
    """Asked here, under this machine's own name, by nobody in between: behind a proxy on the same
    host everybody seems to be local, and so does a page that points its own name at 127.0.0.1."""
    peer = parse(request.client.host if request.client else "")
    name = host_name(request.headers.get("host", "").encode("latin-1"))
    address = parse(name)
    return (
        peer is not None
        and peer.is_loopback
        and (name == "localhost" or (address is not None and address.is_loopback))
        and not any(header in request.headers for header in _FORWARDING)
    )
