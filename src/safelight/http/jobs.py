"""/api/jobs: submit, read, list, cancel, retry."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from safelight.database.pool import Row
from safelight.http import views, wire
from safelight.http.dependencies import CallerDep
from safelight.http.edge import JsonRoute, is_known
from safelight.http.errors import problems
from safelight.http.ordering import IdempotencyKey, order, refuse_long_waits
from safelight.http.shop import Shop, ShopDep
from safelight.jobs import endings, listing, repository, turns
from safelight.jobs.admit import Share, Shown, Wish, wish_of
from safelight.jobs.model import ENDED
from safelight.queueing.entries import CANCEL_CHANNEL, ring_for_entries
from safelight.values.errors import AlreadyFinished, NotFound
from safelight.values.ids import JobId, OwnerId

router = APIRouter(prefix="/api/jobs", tags=["jobs"], route_class=JsonRoute)

WAIT_S_MAX = 30.0


def answer(model: BaseModel, status: int = 200, **headers: str) -> Response:
    """The model as JSON. Built from our own rows, so it is not validated a second time."""
    return Response(
        model.__pydantic_serializer__.to_json(model),
        status_code=status,
        media_type="application/json",
        headers=headers,
    )


@router.post(
    "",
    status_code=202,
    response_model=wire.Job,
    responses=problems(402, 409, 413, 415, 429)
    | {200: {"model": wire.Quote, "description": "dry_run: nothing was stored or charged."}},
)
async def create_job(
    request: Request,
    body: wire.JobIn,
    caller: CallerDep,
    shop: ShopDep,
    dry_run: bool = False,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Order pictures or text. Answers at once; the work is done by the queue."""
    wish = _wish(body)
    if dry_run:
        quoted = await shop.admission.quote(caller.owner_id, wish)
        return answer(_quote(quoted))
    digest = _digest(await request.json()) if idempotency_key else b""

    async def submit() -> Shown:
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


@router.get("", response_model=wire.JobPage, responses=problems(422))
async def list_jobs(
    caller: CallerDep,
    shop: ShopDep,
    status: Annotated[list[wire.JobStatus] | None, Query()] = None,
    type_: Annotated[wire.JobType | None, Query(alias="type")] = None,
    model: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    session_id: UUID | None = None,
    q: Annotated[str | None, Query(max_length=500, pattern=r"^[^\x00]*$")] = None,
    from_: Annotated[datetime | None, Query(alias="from")] = None,
    to: datetime | None = None,
    sort: Literal["newest", "oldest"] = "newest",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """A page of jobs; `next_cursor` leads to the next one. `q` searches the prompts' words."""
    page = await listing.list_jobs(
        shop.database,
        caller.owner_id,
        status=list(status) if status else None,
        job_type=type_,
        model=model,
        session_id=session_id,
        q=q,
        since=from_,
        until=to,
        newest_first=sort == "newest",
        limit=limit,
        cursor=cursor,
    )
    return answer(
        wire.JobPage.model_construct(
            items=[views.job(row, shop.links) for row in page.rows],
            next_cursor=page.next_cursor,
            total_estimate=page.total_estimate,
        )
    )


@router.get("/{job_id}", response_model=wire.Job, responses=problems(404))
async def get_job(
    job_id: UUID,
    caller: CallerDep,
    shop: ShopDep,
    wait: Annotated[
        float | None,
        Query(ge=0, le=WAIT_S_MAX, description="Seconds to wait for a change before answering."),
    ] = None,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The job as it is now, or as soon as anything about it changes."""
    row = await _own_job(shop, caller.owner_id, job_id)
    standing = await _standing(shop, row)
    is_behind = if_none_match and not is_known(if_none_match, _etag(row, standing, shop))
    if wait and row["status"] not in ENDED and not is_behind:
        row = await _changed(shop, caller.owner_id, row, wait)
        standing = await _standing(shop, row)
    etag = _etag(row, standing, shop)
    if is_known(if_none_match, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return answer(views.job(row, shop.links, standing), ETag=etag)


@router.delete("/{job_id}", response_model=wire.Job, responses=problems(404, 409))
async def cancel_job(job_id: UUID, caller: CallerDep, shop: ShopDep) -> Response:
    """Cancel a job that has not ended; what was finished before stays."""
    freed = await endings.cancel(shop.database, caller.owner_id, JobId(job_id))
    if freed is None:
        row = await _own_job(shop, caller.owner_id, job_id)
        raise AlreadyFinished(f"The job is {row['status']} already.")
    shop.feed.announce()
    shop.wakeups.ring(CANCEL_CHANNEL, str(job_id))
    if freed and await turns.unpark(shop.database, caller.owner_id):
        ring_for_entries(shop.wakeups)
    row = await _own_job(shop, caller.owner_id, job_id)
    return answer(views.job(row, shop.links))


@router.post(
    "/{job_id}/retry",
    status_code=202,
    response_model=wire.Job,
    responses=problems(402, 404, 409, 429),
)
async def retry_job(
    request: Request,
    job_id: UUID,
    caller: CallerDep,
    shop: ShopDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A new job with the same request; only from failed or cancelled."""
    digest = hashlib.sha256(f"retry of {job_id}".encode()).digest()

    async def submit() -> Shown:
        await refuse_long_waits(
            shop, caller, wish_of(await _own_job(shop, caller.owner_id, job_id))
        )
        return await shop.admission.retry(
            caller.owner_id,
            JobId(job_id),
            request_id=caller.request_id,
            idempotency_key=idempotency_key,
            body_digest=digest,
            share=Share(caller.open_max, caller.running_max),
        )

    row = await order(request, caller, shop, submit, key=idempotency_key, digest=digest)
    return answer(views.job(row, shop.links), 202, Location=f"/api/jobs/{row['id']}")


@router.get("/{job_id}/events", response_model=list[wire.JobEventLog], responses=problems(404))
async def list_job_events(job_id: UUID, caller: CallerDep, shop: ShopDep) -> list[Any]:
    """The job's story so far: stages, outputs, attempts and its end, without progress lines."""
    await _own_job(shop, caller.owner_id, job_id)
    lines = await repository.story(shop.database, caller.owner_id, job_id)
    return [views.story_line(line) for line in lines]


async def _own_job(shop: Shop, owner_id: OwnerId, job_id: UUID) -> Row:
    row = await repository.read(shop.database, owner_id, job_id)
    if row is None:
        raise NotFound("job")
    return row


async def _changed(shop: Shop, owner_id: OwnerId, row: Row, wait_s: float) -> Row:
    """The job after its next change, or as it is when the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    async with shop.feed.subscribe(owner_id, row["id"]) as subscription:
        while True:
            # Read after subscribing: a change in between is seen here, a later one wakes us.
            now = await _own_job(shop, owner_id, row["id"])
            left_s = deadline - loop.time()
            if now["revision"] != row["revision"] or left_s <= 0:
                return now
            await subscription.next(left_s)


async def _standing(shop: Shop, row: Row) -> wire.Queue | None:
    """Where it stands while it waits."""
    if row["status"] != "pending":
        return None
    found = await shop.forecast.of_job(row["id"])
    return wire.Queue(position=found.position, eta_seconds=found.eta_s) if found else None


def _etag(row: Row, standing: wire.Queue | None, shop: Shop) -> str:
    """Changes with the job, where it stands, the deletion of one of its pictures for now or for
    good, and its links when they are renewed."""
    stands = f"{standing.position}-{standing.eta_seconds}" if standing else None
    removed = "".join((output["removed"] or "-")[0] for output in row["outputs"] or ())
    return f'"{row["revision"]}-{stands}-{removed}-{int(shop.links.expires_at().timestamp())}"'


def _digest(body: Any) -> bytes:
    """Of the body's meaning: the order of its keys and its white space do not matter."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()


def _wish(body: wire.JobIn) -> Wish:
    return Wish(
        prompt=body.prompt,
        type=body.type,
        model=body.model,
        style=body.style,
        enhance=body.enhance,
        negative_prompt=body.negative_prompt,
        priority=body.priority,
        count=body.count,
        parameters=body.parameters.model_dump(exclude_none=True),
        references=tuple(body.references),
        mask=body.mask,
        reuse=body.reuse,
        session_id=body.session_id,
        webhook_url=body.webhook_url,
        metadata=body.metadata,
    )


def _quote(quoted: Any) -> wire.Quote:
    found = quoted.reused_assets
    return wire.Quote(
        model=quoted.model,
        price=wire.PriceView(credits=quoted.credits),
        reuse=None if found is None else wire.ReuseFound(kind="exact", asset_ids=found),
        warnings=list(quoted.warnings),
    )
