"""/api/admin/dead-letters: look at jobs that failed through no fault of their owners, replay or
discard them. For operators."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from safelight.database.pool import Row
from safelight.http import views, wire_admin
from safelight.http.dependencies import AdminDep
from safelight.http.edge import JsonRoute
from safelight.http.errors import problems
from safelight.http.jobs import answer
from safelight.http.shop import Shop, ShopDep
from safelight.jobs.dead_letters import Filter, Inspected, Outcome, State

router = APIRouter(prefix="/api/admin/dead-letters", tags=["admin"], route_class=JsonRoute)

Word = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("", response_model=wire_admin.LetterPage, responses=problems(422))
async def list_dead_letters(
    _: AdminDep,
    shop: ShopDep,
    state: State = "open",
    code: Word = None,
    provider: Word = None,
    model: Word = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Jobs that failed for a reason that is not their owner's, newest first."""
    page = await shop.letters.page(Filter(state, code, provider, model), limit=limit, cursor=cursor)
    return answer(
        wire_admin.LetterPage.model_construct(
            items=[wire_admin.Letter.model_construct(**_letter(row)) for row in page.rows],
            next_cursor=page.next_cursor,
        )
    )


@router.post(
    "/replay",
    response_model=wire_admin.LetterOutcomes,
    responses=problems(413, 415),
)
async def replay_dead_letters(
    body: wire_admin.LettersIn, caller: AdminDep, shop: ShopDep
) -> Response:
    """Order many of them again, each for itself: one that is refused does not keep the others."""
    chosen = await _chosen(shop, body)
    return answer(_outcomes(await shop.letters.replay_all(chosen, request_id=caller.request_id)))


@router.post(
    "/discard",
    response_model=wire_admin.LetterOutcomes,
    responses=problems(413, 415),
)
async def discard_dead_letters(body: wire_admin.LettersIn, _: AdminDep, shop: ShopDep) -> Response:
    """Discard many of them."""
    return answer(_outcomes(await shop.letters.discard_all(await _chosen(shop, body))))


@router.get("/{job_id}", response_model=wire_admin.LetterDetail, responses=problems(404))
async def inspect_dead_letter(job_id: UUID, _: AdminDep, shop: ShopDep) -> Response:
    """The job with its request, what was asked of the provider, its journal and its story."""
    return answer(_detail(await shop.letters.inspect(job_id), shop))


@router.post(
    "/{job_id}/replay",
    status_code=202,
    response_model=wire_admin.Replayed,
    responses=problems(402, 404, 409, 429),
)
async def replay_dead_letter(job_id: UUID, caller: AdminDep, shop: ShopDep) -> Response:
    """Order it again, once, for its owner and at the owner's price."""
    new = await shop.letters.replay(job_id, request_id=caller.request_id)
    return answer(
        wire_admin.Replayed(job_id=job_id, replayed_as=new), 202, Location=f"/api/jobs/{new}"
    )


@router.delete("/{job_id}", response_model=wire_admin.LetterDetail, responses=problems(404, 409))
async def discard_dead_letter(job_id: UUID, _: AdminDep, shop: ShopDep) -> Response:
    """Nothing more is to become of it. The job itself stays in its owner's history."""
    await shop.letters.discard(job_id)
    return answer(_detail(await shop.letters.inspect(job_id), shop))


async def _chosen(shop: Shop, body: wire_admin.LettersIn) -> list[UUID]:
    if body.ids:
        return body.ids
    wanted = Filter("open", body.code, body.provider, body.model)
    return await shop.letters.matching(wanted, body.limit)


def _outcomes(outcomes: list[Outcome]) -> wire_admin.LetterOutcomes:
    refused = sum(outcome.code is not None for outcome in outcomes)
    return wire_admin.LetterOutcomes(
        items=[
            wire_admin.LetterOutcome(
                job_id=one.job_id, replayed_as=one.replayed_as, code=one.code, detail=one.detail
            )
            for one in outcomes
        ],
        done=len(outcomes) - refused,
        refused=refused,
    )


def _letter(row: Row) -> dict[str, Any]:
    """The fields of wire_admin.Letter."""
    state = "replayed" if row["replayed_as"] else "discarded" if row["discarded_at"] else "open"
    return {
        "job_id": row["job_id"],
        "owner_id": row["owner_id"],
        "state": state,
        "code": row["code"],
        "provider": row["provider"],
        "model": row["model"],
        "type": row["type"],
        "prompt": row["prompt"],
        "credits": row["price"],
        "attempts": row["attempt"],
        "error": views.error(row["error"]),
        "at": row["at"],
        "created_at": row["created_at"],
        "replayed_as": row["replayed_as"],
        "discarded_at": row["discarded_at"],
    }


def _detail(found: Inspected, shop: Shop) -> wire_admin.LetterDetail:
    return wire_admin.LetterDetail.model_construct(
        **_letter(found.row),
        job=views.job(found.job, shop.links),
        predictions=[wire_admin.PredictionView(**row) for row in found.predictions],
        steps=[wire_admin.StepView(**row) for row in found.steps],
        events=[views.story_line(line) for line in found.events],
    )
