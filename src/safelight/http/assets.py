"""/api/assets: the gallery."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from safelight.database.pool import Row
from safelight.http import views, wire
from safelight.http.dependencies import CallerDep
from safelight.http.edge import JsonRoute
from safelight.http.errors import problems
from safelight.http.jobs import answer
from safelight.http.ordering import IdempotencyKey, order, refuse_long_waits
from safelight.http.shop import Shop, ShopDep
from safelight.jobs import assets
from safelight.jobs.admit import Share, Shown
from safelight.jobs.variations import variation_of
from safelight.values.errors import NotFound

router = APIRouter(prefix="/api/assets", tags=["assets"], route_class=JsonRoute)


@router.get("", response_model=wire.AssetPage, responses=problems(422))
async def list_assets(
    caller: CallerDep,
    shop: ShopDep,
    kind: Annotated[
        Literal["image", "upload"], Query(description="Made here (the default), or brought along.")
    ] = "image",
    q: Annotated[str | None, Query(max_length=500, pattern=r"^[^\x00]*$")] = None,
    model: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    from_: Annotated[datetime | None, Query(alias="from")] = None,
    to: datetime | None = None,
    starred: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """A page of pictures, newest first."""
    page = await assets.list_assets(
        shop.database,
        caller.owner_id,
        kind=kind,
        q=q,
        model=model,
        since=from_,
        until=to,
        starred=starred,
        limit=limit,
        cursor=cursor,
    )
    return answer(
        wire.AssetPage.model_construct(
            items=[views.asset(row, shop.links) for row in page.rows],
            next_cursor=page.next_cursor,
            total_estimate=page.total_estimate,
        )
    )


@router.get("/{asset_id}", response_model=wire.AssetDetail, responses=problems(404))
async def get_asset(asset_id: UUID, caller: CallerDep, shop: ShopDep) -> Response:
    """A picture, with what it was made from and what was made from it."""
    row = await assets.read_asset(shop.database, caller.owner_id, asset_id)
    if row is None:
        raise NotFound("picture")
    parents, children = await assets.read_relatives(shop.database, caller.owner_id, asset_id)
    shown = dict(views.asset(row, shop.links))
    return answer(wire.AssetDetail.model_construct(**shown, parents=parents, children=children))


@router.patch("/{asset_id}", response_model=wire.Asset, responses=problems(404, 413, 415))
async def change_asset(
    asset_id: UUID, body: wire.AssetPatch, caller: CallerDep, shop: ShopDep
) -> Response:
    """Set the star or the tags; what is not given stays."""
    changes = body.model_dump(exclude_none=True)
    row = await assets.change_asset(shop.database, caller.owner_id, asset_id, changes)
    return _answer(row, shop)


@router.delete("/{asset_id}", response_model=wire.Asset, responses=problems(404))
async def delete_asset(asset_id: UUID, caller: CallerDep, shop: ShopDep) -> Response:
    """Delete softly: its links stop working at once, `restore` takes it back."""
    row = await assets.set_deleted(shop.database, caller.owner_id, asset_id, deleted=True)
    return _answer(row, shop)


@router.post("/{asset_id}/restore", response_model=wire.Asset, responses=problems(404))
async def restore_asset(asset_id: UUID, caller: CallerDep, shop: ShopDep) -> Response:
    row = await assets.set_deleted(shop.database, caller.owner_id, asset_id, deleted=False)
    return _answer(row, shop)


@router.post(
    "/{asset_id}/variations",
    status_code=202,
    response_model=wire.Job,
    responses=problems(402, 404, 429),
)
async def create_variation(
    request: Request,
    asset_id: UUID,
    caller: CallerDep,
    shop: ShopDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Order another picture like this one: with it as reference where its model takes one, else
    with the same prompt and another seed (`warnings` then says so)."""
    digest = hashlib.sha256(f"variation of {asset_id}".encode()).digest()

    async def submit() -> Shown:
        wish = await variation_of(shop.database, shop.registry, caller.owner_id, asset_id)
        await refuse_long_waits(shop, caller, wish)
        return await shop.admission.submit(
            caller.owner_id,
            wish,
            idempotency_key=idempotency_key,
            body_digest=digest,
            request_id=caller.request_id,
            share=Share(caller.open_max, caller.running_max),
        )

    row = await order(request, caller, shop, submit, key=idempotency_key, digest=digest)
    return answer(views.job(row, shop.links), 202, Location=f"/api/jobs/{row['id']}")


def _answer(row: Row | None, shop: Shop) -> Response:
    if row is None:
        raise NotFound("picture")
    return answer(views.asset(row, shop.links))
