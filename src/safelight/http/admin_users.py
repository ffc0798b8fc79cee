"""/api/admin/users and /api/admin/invites: who may use this server. For administrators."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from safelight.accounts import codes, joining, users
from safelight.accounts.codes import Code
from safelight.accounts.own_limits import MOST
from safelight.accounts.users import Known
from safelight.http import wire_auth as wire
from safelight.http.dependencies import AdminDep, ConfirmedAdminDep
from safelight.http.edge import JsonRoute
from safelight.http.errors import problems
from safelight.http.jobs import answer
from safelight.http.shop import Shop, ShopDep
from safelight.values.errors import FieldError, InvalidRequest, NotFound

router = APIRouter(prefix="/api/admin", tags=["admin"], route_class=JsonRoute)

Who = Annotated[str, Path(max_length=320, pattern=r"^[^\x00]+$", description="Id or e-mail.")]


@router.get("/users", response_model=list[wire.UserView], responses=problems())
async def list_users(_: AdminDep, shop: ShopDep) -> list[wire.UserView]:
    """Everybody with a name here, the oldest first."""
    return [_shown(known, shop) for known in await users.list_known(shop.database)]


@router.patch("/users/{user}", response_model=wire.UserView, responses=problems(404, 413, 415))
async def change_user(
    user: Who, body: wire.UserChange, caller: ConfirmedAdminDep, shop: ShopDep
) -> Response:
    """Change a role, keep somebody out, or let him in again: his sessions end. Or set his own
    limits, which hold within a second."""
    found = await users.find(shop.database, user)
    decides_who_comes_in = body.role is not None or body.disabled is not None
    if decides_who_comes_in and found.id == caller.owner_id:
        raise InvalidRequest(FieldError("user", "Another administrator can do that to you."))
    await joining.change_user(
        shop.database,
        found.id,
        role=body.role,
        disabled=body.disabled,
        limits=body.own_limits(),
        running_default=shop.access.terms(found.id).running_max,
    )
    return answer(_shown((await users.list_known(shop.database, found.id))[0], shop))


@router.post(
    "/users/{user}/reset", status_code=201, response_model=wire.NewReset, responses=problems(404)
)
async def make_reset(user: Who, request: Request, _: ConfirmedAdminDep, shop: ShopDep) -> Response:
    """A code with which a user chooses a new password, once, within a day. No e-mail is sent: give
    it to him."""
    found = await users.find(shop.database, user)
    code, text = await codes.make_reset(shop.database, found.id)
    url = shop.reception.link(request, "reset", text)
    return answer(wire.NewReset(code=text, url=url, expires_at=code.expires_at), 201)


@router.get("/invites", response_model=list[wire.Invite], responses=problems())
async def list_invites(_: AdminDep, shop: ShopDep) -> list[wire.Invite]:
    """Invites that nobody has used yet, the newest first."""
    return [wire.Invite(**_facts(code)) for code in await codes.list_invites(shop.database)]


@router.post(
    "/invites", status_code=201, response_model=wire.NewInvite, responses=problems(413, 415)
)
async def make_invite(
    body: wire.InviteIn, request: Request, _: ConfirmedAdminDep, shop: ShopDep
) -> Response:
    """Let somebody join, once. The code is in this answer and cannot be had again."""
    code, text = await codes.make(
        shop.database,
        "invite",
        role=body.role,
        note=body.note,
        lifetime=timedelta(days=body.days),
    )
    url = shop.reception.link(request, "register", text)
    return answer(wire.NewInvite(**_facts(code), code=text, url=url), 201)


@router.delete("/invites/{invite_id}", response_model=wire.Invite, responses=problems(404))
async def take_back_invite(invite_id: UUID, _: AdminDep, shop: ShopDep) -> Response:
    """End an invite that nobody has used yet."""
    code = await codes.take_back(shop.database, invite_id)
    if code is None:
        raise NotFound("invite")
    return answer(wire.Invite(**_facts(code)))


def _facts(code: Code) -> dict[str, object]:
    shown = ("id", "role", "note", "created_at", "expires_at")
    return {name: value for name, value in asdict(code).items() if name in shown}


def _shown(known: Known, shop: Shop) -> wire.UserView:
    allowed = asdict(shop.access.terms(known.user.id, known.limits))
    return wire.UserView(
        **asdict(known.user),
        limits=wire.LimitsView(**asdict(known.limits)),
        allowed=wire.LimitsView(**{name: allowed[name] for name in MOST}),
        has_password=known.has_password,
        logins=known.issuers,
        last_seen_at=known.last_seen_at,
    )
