"""/api/keys: the caller's keys for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from safelight.accounts import keys
from safelight.accounts.limits import Limit
from safelight.http import wire_access as wire
from safelight.http.caller import Caller
from safelight.http.dependencies import CallerDep, ConfirmedDep
from safelight.http.edge import JsonRoute
from safelight.http.errors import problems
from safelight.http.jobs import answer
from safelight.http.shop import ShopDep
from safelight.values.errors import Forbidden, NotFound, RateLimited

router = APIRouter(prefix="/api/keys", tags=["access"], route_class=JsonRoute)

_MADE = Limit(20, 3600.0)


@router.get("", response_model=list[wire.Key], responses=problems())
async def list_keys(caller: CallerDep, shop: ShopDep) -> list[wire.Key]:
    """The caller's keys, the newest first, without those that were revoked."""
    _refuse_visitors(caller)
    found = await keys.list_keys(shop.database, caller.owner_id)
    return [wire.Key(**asdict(key)) for key in found]


@router.post("", status_code=201, response_model=wire.NewKey, responses=problems(413, 415, 429))
async def create_key(body: wire.KeyIn, caller: ConfirmedDep, shop: ShopDep) -> Response:
    """Make a key. Its text is in this answer and cannot be had again."""
    _refuse_visitors(caller)
    if body.scopes and "admin" in body.scopes and not caller.is_admin:
        raise Forbidden("Only an administrator can make a key for administrators.")
    taken = await shop.access.limiter.take(f"keys:{caller.owner_id}", _MADE)
    if not taken.granted:
        raise RateLimited(
            f"{_MADE.most} keys an hour can be made.", retry_after_s=math.ceil(taken.wait_s)
        )
    key, text = await keys.create(
        shop.database,
        caller.owner_id,
        name=body.name,
        scopes=body.scopes,
        expires_at=body.expires_at,
    )
    return answer(wire.NewKey(**asdict(key), key=text), 201)


@router.delete("/{key_id}", response_model=wire.Key, responses=problems(404))
async def revoke_key(key_id: UUID, caller: CallerDep, shop: ShopDep) -> Response:
    """Revoke a key; within a second it opens nothing any more."""
    _refuse_visitors(caller)
    key = await keys.revoke(shop.database, caller.owner_id, key_id)
    if key is None:
        raise NotFound("key")
    return answer(wire.Key(**asdict(key)))


def _refuse_visitors(caller: Caller) -> None:
    if caller.kind == "visitor":
        raise Forbidden("Keys are for people with an account.")
