"""/api/auth: registering, logging in and out, passwords, and one's own sessions."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from safelight.accounts import joining, logins
from safelight.accounts.users import Role, User
from safelight.http import wire_auth as wire
from safelight.http.caller import Caller
from safelight.http.dependencies import CallerDep
from safelight.http.edge import JsonRoute
from safelight.http.errors import problems
from safelight.http.jobs import answer
from safelight.http.shop import Shop, ShopDep
from safelight.values.errors import Forbidden, NotFound

router = APIRouter(prefix="/api/auth", tags=["access"], route_class=JsonRoute)

_TRIES = problems(413, 415, 429)


@router.get("/options", response_model=wire.Options, responses=problems())
async def read_login_options(shop: ShopDep) -> Response:
    """What the login page offers; whether this server still needs its first administrator."""
    rules, is_first = shop.reception.rules, False
    if rules.accounts:
        is_first = not await joining.has_admin(shop.database)
    return answer(
        wire.Options(
            accounts=rules.accounts,
            registration="first" if is_first else rules.registration,
            code_needed=is_first or rules.registration != "open",
            anonymous=rules.anonymous,
            oidc=shop.oidc.names if rules.accounts else [],
        )
    )


@router.post("/register", status_code=201, response_model=wire.User, responses=_TRIES)
async def register(body: wire.RegisterIn, request: Request, shop: ShopDep) -> Response:
    """Become a user, and be logged in. Whoever has the set-up code becomes the administrator."""
    user = await shop.reception.register(
        request,
        shop.access.where(request),
        email=body.email,
        password=body.password,
        name=body.name,
        code=body.code,
    )
    return answer(_shown(user), 201)


@router.post("/login", response_model=wire.User, responses=_TRIES)
async def log_in(body: wire.LoginIn, request: Request, shop: ShopDep) -> Response:
    """Log in; the answer sets the session cookie."""
    where = shop.access.where(request)
    user = await shop.reception.log_in(request, where, email=body.email, password=body.password)
    return answer(_shown(user))


@router.post("/reset", response_model=wire.User, responses=_TRIES)
async def reset_password(body: wire.ResetIn, request: Request, shop: ShopDep) -> Response:
    """Choose a new password with the code that an administrator made, and be logged in."""
    where = shop.access.where(request)
    user = await shop.reception.reset(request, where, code=body.code, password=body.password)
    return answer(_shown(user))


@router.post("/logout", response_model=wire.Ended, responses=problems())
async def log_out(request: Request, shop: ShopDep) -> Response:
    """End this browser's session, if there is one."""
    return answer(wire.Ended(ended=int(await shop.reception.leave(request))))


@router.post("/confirm", response_model=wire.User, responses=_TRIES)
async def confirm(
    body: wire.ConfirmIn, request: Request, caller: CallerDep, shop: ShopDep
) -> Response:
    """Prove anew who you are: for 15 minutes the session may touch money, keys and roles."""
    login_id = _session(shop, caller)
    await shop.reception.confirm(
        request, shop.access.where(request), caller.owner_id, login_id, body.password
    )
    return answer(_caller_shown(caller))


@router.post("/password", response_model=wire.User, responses=_TRIES)
async def change_password(
    body: wire.PasswordIn, request: Request, caller: CallerDep, shop: ShopDep
) -> Response:
    """Choose another password. All other sessions end."""
    _person(shop, caller)
    await shop.reception.change_password(
        request,
        shop.access.where(request),
        (caller.owner_id, caller.login_id, caller.email),
        old=body.password,
        new=body.new_password,
    )
    return answer(_caller_shown(caller))


@router.get("/sessions", response_model=list[wire.Session], responses=problems())
async def list_sessions(caller: CallerDep, shop: ShopDep) -> list[wire.Session]:
    """Where the caller is logged in, the latest login first."""
    _person(shop, caller)
    found = await logins.list_logins(shop.database, caller.owner_id)
    return [wire.Session(**asdict(one), current=one.id == caller.login_id) for one in found]


@router.delete("/sessions", response_model=wire.Ended, responses=problems())
async def end_sessions(request: Request, caller: CallerDep, shop: ShopDep) -> Response:
    """Log out everywhere, here too."""
    _person(shop, caller)
    ended = await logins.end_all(shop.database, caller.owner_id)
    await shop.reception.leave(request)
    return answer(wire.Ended(ended=ended))


@router.delete("/sessions/{session_id}", response_model=wire.Ended, responses=problems(404))
async def end_session(
    session_id: UUID, request: Request, caller: CallerDep, shop: ShopDep
) -> Response:
    """End one session; within a second it opens nothing any more."""
    _person(shop, caller)
    if not await logins.end(shop.database, caller.owner_id, session_id):
        raise NotFound("session")
    if session_id == caller.login_id:
        await shop.reception.leave(request)
    return answer(wire.Ended(ended=1))


def _person(shop: Shop, caller: Caller) -> None:
    """Raises: Forbidden for who has no login: visitors, and everybody while accounts are off."""
    shop.reception.need_accounts()
    if caller.kind == "visitor":
        raise Forbidden("This is for people with an account.")


def _session(shop: Shop, caller: Caller) -> UUID:
    _person(shop, caller)
    if caller.login_id is None:
        raise Forbidden("A key needs no confirming; this is for somebody who is logged in.")
    return caller.login_id


def _shown(user: User) -> wire.User:
    return wire.User(id=user.id, email=user.email, name=user.name, role=user.role)


def _caller_shown(caller: Caller) -> wire.User:
    role: Role = "admin" if caller.is_admin else "user"
    return wire.User(id=caller.owner_id, email=caller.email, name=caller.name, role=role)
