"""/api/models, /api/styles, /api/stats, /api/me."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from safelight.http import wire
from safelight.http.dependencies import CallerDep
from safelight.http.errors import problems
from safelight.http.shop import ShopDep
from safelight.jobs import stats
from safelight.jobs.uploads import used_bytes
from safelight.prompts import styles
from safelight.providers.checks import resolutions
from safelight.providers.protocol import ModelCard

router = APIRouter(prefix="/api", tags=["catalogue"])

_RATIOS = ("1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9")


@router.get("/models", response_model=list[wire.Model], responses=problems())
async def list_models(caller: CallerDep, shop: ShopDep) -> list[wire.Model]:
    """Every model: those that can be used, best first, then those that are switched off."""
    speeds = await stats.speeds(shop.database)
    usable = [_model(card, speeds.get(card.id)) for card in shop.registry.cards()]
    off = [_model(entry.card, None, entry.reason) for entry in shop.registry.unavailable()]
    return usable + off


@router.get("/styles", response_model=list[wire.Style], responses=problems())
async def list_styles(caller: CallerDep) -> list[wire.Style]:
    return [
        wire.Style(
            id=style.id,
            name=style.name,
            guidance=style.guidance,
            keywords=list(style.keywords),
            examples=list(style.examples),
        )
        for style in styles.BUILT_IN
    ]


@router.get("/stats", response_model=wire.Stats, responses=problems())
async def get_stats(
    caller: CallerDep, shop: ShopDep, days: Literal["7", "30", "90"] = "30"
) -> wire.Stats:
    """Counts, spend and durations of the caller's jobs."""
    figures = await stats.figures(shop.database, caller.owner_id, int(days))
    counts = {name: figures.by_status.get(name, 0) for name in _STATUSES}
    ended = counts["completed"] + counts["failed"]
    return wire.Stats(
        days=_DAYS[days],
        by_status={status: counts[status] for status in _STATUSES},
        images=figures.images,
        credits=figures.credits,
        success_rate=counts["completed"] / ended if ended else None,
        models=[
            wire.ModelStats(
                model=row["model"],
                jobs=row["jobs"],
                p50_seconds=row["p50"],
                p95_seconds=row["p95"],
            )
            for row in figures.models
        ],
    )


@router.get("/me", response_model=wire.Me, responses=problems())
async def get_me(caller: CallerDep, shop: ShopDep) -> wire.Me:
    """Who is asking. Without accounts: the one local owner, who may do everything."""
    return wire.Me(
        id=caller.owner_id,
        email=caller.email,
        name=caller.name,
        role="admin" if caller.is_admin else "user",
        kind=caller.kind,
        accounts=shop.access.accounts,
        storage=wire.Storage(
            used_bytes=await used_bytes(shop.database, caller.owner_id),
            max_bytes=caller.quota_bytes,
        ),
    )


_STATUSES: tuple[wire.JobStatus, ...] = (
    "pending",
    "processing",
    "completed",
    "failed",
    "cancelled",
)
_DAYS: dict[str, Literal[7, 30, 90]] = {"7": 7, "30": 30, "90": 90}


def _model(card: ModelCard, speed: tuple[float, int] | None, off: str | None = None) -> wire.Model:
    can = card.capabilities
    return wire.Model(
        id=card.id,
        provider=card.provider,
        name=card.name,
        description=card.description,
        kind=card.kind,
        available=off is None,
        unavailable_reason=off,
        capabilities=wire.CapabilitiesView(
            sizes=[wire.SizePair(width=w, height=h) for w, h in can.sizes] or None,
            side_min=can.side_min,
            side_max=can.side_max,
            size_multiple=can.size_multiple,
            aspect_ratios=_ratios(card),
            resolutions=list(resolutions(card)) if card.kind == "image" else [],
            seed=can.seed,
            negative_prompt=can.negative_prompt,
            steps=can.steps,
            guidance=can.guidance,
            quality=can.quality,
            references_max=can.references_max,
            mask=can.mask,
            count_max=can.count_max,
            formats=list(can.formats),
            progress=can.progress,
            cancel=can.cancel,
        ),
        price=[
            wire.ModelPrice(when=price.when, credits=price.credits, usd=price.usd)
            for price in card.price
        ],
        speed=wire.ModelSpeed(
            p50_seconds=speed[0] if speed else None, samples=speed[1] if speed else 0
        ),
        prompt_max=card.prompt_max,
    )


def _ratios(card: ModelCard) -> list[str]:
    if card.kind == "text":
        return []

    def long_by_short(ratio: str) -> float:
        width, height = (int(part) for part in ratio.split(":"))
        return max(width, height) / min(width, height)

    return [ratio for ratio in _RATIOS if long_by_short(ratio) <= card.capabilities.aspect_max]
