"""/api/admin: the queue and its lanes, providers and models. For operators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from safelight.http import wire_admin
from safelight.http.dependencies import AdminDep
from safelight.http.edge import JsonRoute
from safelight.http.errors import problems
from safelight.http.jobs import answer
from safelight.http.shop import Shop, ShopDep
from safelight.jobs import overview
from safelight.jobs.overview import Calls, LaneFigures, ProviderFigures
from safelight.queueing.lane_states import LaneState, LimitState
from safelight.values.errors import NotFound

router = APIRouter(prefix="/api/admin", tags=["admin"], route_class=JsonRoute)

LaneName = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]+$")]


# The queue


@router.get("/queue", response_model=wire_admin.QueueView, responses=problems())
async def read_queue(_: AdminDep, shop: ShopDep) -> Response:
    """What waits and runs, lane by lane, and who works on it."""
    states = {state.lane: state for state in await shop.lanes.read()}
    figures = await overview.lanes(shop.database, [*states, *_providers(shop)])
    letters = await overview.dead_letters_open(shop.database)
    return answer(
        wire_admin.QueueView.model_construct(
            lanes=[_lane(lane, states.get(lane.lane)) for lane in figures],
            totals=_totals(figures, letters),
        )
    )


@router.post(
    "/queue/{lane}/pause",
    response_model=wire_admin.LaneView,
    responses=problems(404, 413, 415),
)
async def pause_lane(
    lane: LaneName, body: wire_admin.PauseIn, _: AdminDep, shop: ShopDep
) -> Response:
    """Take no more jobs of a lane; those that run go on."""
    await _known_lane(shop, lane)
    await shop.lanes.pause(lane, await _in(shop, body.seconds), body.why or "An operator said so.")
    return answer(await _read_lane(shop, lane))


@router.post("/queue/{lane}/resume", response_model=wire_admin.LaneView, responses=problems(404))
async def resume_lane(lane: LaneName, _: AdminDep, shop: ShopDep) -> Response:
    """End a pause; a provider that failed too often is tried at once."""
    await _known_lane(shop, lane)
    await shop.lanes.resume(lane)
    return answer(await _read_lane(shop, lane))


async def _known_lane(shop: Shop, lane: str) -> None:
    """Raises: NotFound, or a slip of the pen would pause a lane nobody has."""
    if lane not in _providers(shop) and all(s.lane != lane for s in await shop.lanes.read()):
        raise NotFound("lane")


async def _in(shop: Shop, seconds: int | None) -> datetime | None:
    """That moment, by the database's clock."""
    if seconds is None:
        return None
    moment: datetime = await shop.database.fetchval(
        "SELECT now() + make_interval(secs => $1)", seconds
    )
    return moment


async def _read_lane(shop: Shop, lane: str) -> wire_admin.LaneView:
    states = {state.lane: state for state in await shop.lanes.read()}
    figures = {found.lane: found for found in await overview.lanes(shop.database, [lane])}
    return _lane(figures[lane], states.get(lane))


def _providers(shop: Shop) -> list[str]:
    return sorted({card.provider for card in shop.registry.cards()})


def _lane(lane: LaneFigures, state: LaneState | None) -> wire_admin.LaneView:
    return wire_admin.LaneView.model_construct(
        **_health(state),
        lane=lane.lane,
        waiting=lane.waiting,
        parked=lane.parked,
        delayed=lane.delayed,
        running=lane.running,
        oldest_waiting_seconds=lane.oldest_s,
        ended_last_minute=lane.lately,
        workers=len(lane.staff.workers),
        places=lane.staff.places,
    )


def _totals(lanes: list[LaneFigures], letters: int) -> wire_admin.QueueTotals:
    return wire_admin.QueueTotals.model_construct(
        waiting=sum(lane.waiting for lane in lanes),
        parked=sum(lane.parked for lane in lanes),
        delayed=sum(lane.delayed for lane in lanes),
        running=sum(lane.running for lane in lanes),
        oldest_waiting_seconds=max((lane.oldest_s for lane in lanes), default=0.0),
        ended_last_minute=sum(lane.lately for lane in lanes),
        workers=len({worker for lane in lanes for worker in lane.staff.workers}),
        places=sum(lane.staff.places for lane in lanes),
        dead_letters=letters,
    )


def _health(state: LaneState | None) -> dict[str, Any]:
    """The fields of wire_admin.Health."""
    if state is None:
        return wire_admin.Health().model_dump()
    return {
        "paused_until": state.paused_until,
        "paused_why": state.paused_why,
        "breaker": state.breaker,
        "open_since": state.since,
        "open_until": state.open_until,
        "open_why": state.why,
    }


# Providers and models


@router.get("/providers", response_model=list[wire_admin.ProviderView], responses=problems())
async def list_providers(_: AdminDep, shop: ShopDep) -> list[wire_admin.ProviderView]:
    """How every provider does: its health, limits, latest errors, and what it took today."""
    states = {state.lane: state for state in await shop.lanes.read()}
    names = sorted({*states, *_providers(shop)})
    lanes = {lane.lane: lane for lane in await overview.lanes(shop.database, names)}
    figures = await overview.providers(shop.database, names)
    cards = [card.provider for card in shop.registry.cards()]
    return [
        _provider(lanes[name], states.get(name), figures[name], cards.count(name)) for name in names
    ]


@router.get("/models", response_model=list[wire_admin.ModelView], responses=problems())
async def list_model_figures(_: AdminDep, shop: ShopDep) -> list[wire_admin.ModelView]:
    """How every model does; those that are switched off, and why, last."""
    names = _providers(shop)
    figures = await overview.providers(shop.database, names)
    limits = {limit.name: limit for state in await shop.lanes.read() for limit in state.limits}
    on = [(card, None) for card in shop.registry.cards()]
    off = [(entry.card, entry.reason) for entry in shop.registry.unavailable()]
    return [
        wire_admin.ModelView.model_construct(
            **_calls(figures.get(card.provider, ProviderFigures()).models.get(card.id, Calls())),
            id=card.id,
            provider=card.provider,
            kind=card.kind,
            available=reason is None,
            unavailable_reason=reason,
            limits=[_limit(limits[card.id])] if card.id in limits else [],
        )
        for card, reason in [*on, *off]
    ]


def _provider(
    lane: LaneFigures, state: LaneState | None, figures: ProviderFigures, models: int
) -> wire_admin.ProviderView:
    return wire_admin.ProviderView.model_construct(
        **_health(state),
        **_calls(figures.calls),
        name=lane.lane,
        models=models,
        workers=len(lane.staff.workers),
        places=lane.staff.places,
        running=lane.running,
        waiting=lane.waiting,
        limits=[_limit(limit) for limit in state.limits] if state else [],
        recent_failures=state.recent_failures if state else 0,
        last_errors=[
            wire_admin.MishapView(model=one.model, code=one.code, message=one.message, at=one.at)
            for one in figures.mishaps
        ],
    )


def _calls(calls: Calls) -> dict[str, Any]:
    """The fields of wire_admin.CallsView."""
    return {
        "answered_last_hour": calls.answered,
        "failed_last_hour": calls.failed,
        "p50_seconds": calls.p50_s,
        "usd_today": calls.usd_today,
    }


def _limit(limit: LimitState) -> wire_admin.LimitView:
    return wire_admin.LimitView(
        name=limit.name,
        at_once=limit.at_once,
        per_minute=limit.per_minute,
        in_use=limit.in_use,
        last_minute=limit.last_minute,
    )
