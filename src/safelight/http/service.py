"""/healthz, /readyz, /metrics: for whoever runs it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from safelight.http.shop import Shop, ShopDep

router = APIRouter(tags=["service"])

_READY = ("ok", "elsewhere", "checking")


@router.get("/healthz", response_model=dict[str, str])
async def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "alive"}


@router.get("/readyz", response_model=dict[str, str], responses={503: {"model": dict[str, str]}})
async def readyz(shop: ShopDep) -> Response:
    """Whether requests should be sent here, and if not, what is in the way."""
    parts = {
        **await shop.readiness.parts(),
        "worker": _worker(shop),
        "ledger": shop.ledger.state,
        "server": "stopping" if shop.stopping else "ok",
    }
    ready = all(state in _READY for state in parts.values())
    return JSONResponse(parts, status_code=200 if ready else 503)


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, shop: ShopDep) -> Response:
    await shop.access.check_watcher(request)
    text = generate_latest() + await shop.metrics.text()
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _worker(shop: Shop) -> str:
    if shop.worker is None:
        return "elsewhere"
    return "ok" if shop.worker.alive else "not taking jobs"
