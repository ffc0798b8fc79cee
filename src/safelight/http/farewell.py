"""/api/me and /api/admin/users: taking one's things along, and leaving."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from safelight.accounts import users
from safelight.accounts.leaving import Leaver
from safelight.accounts.limits import Limit
from safelight.http import wire_farewell as wire
from safelight.http.caller import Caller
from safelight.http.dependencies import AdminDep, CallerDep, ConfirmedAdminDep, ConfirmedDep
from safelight.http.edge import JsonRoute
from safelight.http.errors import problems
from safelight.http.jobs import answer
from safelight.http.shop import Shop, ShopDep
from safelight.jobs import farewell
from safelight.jobs.export import Export
from safelight.values.errors import FieldError, Forbidden, InvalidRequest, RateLimited
from safelight.values.ids import OwnerId, acting_for

router = APIRouter(prefix="/api", tags=["access"], route_class=JsonRoute)

_EXPORTS = Limit(10, 3600.0)
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {}}, "description": "The archive, while it is made."}
}


@router.delete("/me", response_model=wire.DeletedUser, responses=problems(413, 415))
async def delete_me(body: wire.Confirmation, caller: ConfirmedDep, shop: ShopDep) -> Response:
    """Delete the caller's account: nobody gets in any more and what runs is cancelled, at once;
    pictures, prompts and the name go after some days, until when an administrator can undo it."""
    if caller.kind == "visitor":
        raise Forbidden("Visitors have no account; delete your pictures in the gallery.")
    if caller.kind == "user" and not _is_confirmed(body.confirm, caller):
        said = caller.email or caller.name
        raise InvalidRequest(FieldError("confirm", f"Write “{said}” to confirm."))
    return answer(_deleted(await _delete(shop, caller.owner_id)))


@router.get("/me/export", response_class=StreamingResponse, responses=problems(429) | _ZIP)
async def export_me(caller: CallerDep, shop: ShopDep) -> Response:
    """Everything that is kept about the caller, as a zip: jobs, pictures, ledger, keys, profile."""
    if caller.counted_as:
        # Not by the owner: a visitor without a cookie is somebody new every time.
        taken = await shop.access.limiter.take(f"export:{caller.counted_as}", _EXPORTS)
        if not taken.granted:
            raise RateLimited(
                f"{_EXPORTS.most} exports an hour are made.", retry_after_s=math.ceil(taken.wait_s)
            )
    return _archive(shop, caller.owner_id)


@router.delete("/admin/users/{user_id}", response_model=wire.DeletedUser, responses=problems(404))
async def delete_user(user_id: UUID, _: ConfirmedAdminDep, shop: ShopDep) -> Response:
    """Delete a user, as he could himself. Repeated it changes nothing."""
    return answer(_deleted(await _delete(shop, user_id)))


@router.post(
    "/admin/users/{user_id}/restore", response_model=wire.RestoredUser, responses=problems(404)
)
async def restore_user(user_id: UUID, _: ConfirmedAdminDep, shop: ShopDep) -> Response:
    """Bring back a user who was deleted, with all that is his. Keys have to be made anew."""
    await farewell.restore_user(shop.database, user_id)
    user = await users.find(shop.database, str(user_id))
    return answer(wire.RestoredUser(id=user.id, name=user.name, email=user.email))


@router.get(
    "/admin/users/{user_id}/export",
    response_class=StreamingResponse,
    responses=problems(404) | _ZIP,
)
async def export_user(user_id: UUID, _: AdminDep, shop: ShopDep) -> Response:
    """What `GET /api/me/export` gives the user himself."""
    user = await users.find(shop.database, str(user_id))
    return _archive(shop, acting_for(user.id))


def _is_confirmed(said: str, caller: Caller) -> bool:
    said = said.strip().casefold()
    return said in {caller.name.strip().casefold(), (caller.email or caller.name).casefold()}


async def _delete(shop: Shop, user_id: UUID) -> Leaver:
    return await farewell.delete_user(
        shop.database,
        user_id,
        kept_s=shop.trash_kept_s,
        on_cancelled=farewell.ring_for(shop.wakeups, shop.feed),
    )


def _deleted(leaver: Leaver) -> wire.DeletedUser:
    return wire.DeletedUser(
        id=leaver.id,
        name=leaver.name,
        deleted_at=leaver.deleted_at,
        restorable_until=leaver.restorable_until,
    )


def _archive(shop: Shop, owner_id: OwnerId) -> Response:
    export = Export(shop.database, shop.store, owner_id)
    name = f"safelight-{datetime.now(UTC):%Y-%m-%d}.zip"
    return StreamingResponse(
        export.pieces(),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
