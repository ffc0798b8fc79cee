"""What the routes are handed: the rooms they call, built by wiring.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from safelight.accounts.oidc import Oidc
from safelight.credits.watch import LedgerWatch
from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.http.access import Access
from safelight.http.metrics import QueueMetrics
from safelight.http.readiness import Readiness
from safelight.http.reception import Reception
from safelight.http.stream_places import StreamPlaces
from safelight.images.links import Links
from safelight.images.store import DirectLinks, PictureStore
from safelight.jobs.admit import Admission
from safelight.jobs.board import Board
from safelight.jobs.dead_letters import DeadLetters
from safelight.jobs.feed import Feed
from safelight.jobs.uploads import Uploads
from safelight.jobs.waiting import Forecast
from safelight.providers.registry import Registry
from safelight.queueing.lanes import Lanes

if TYPE_CHECKING:
    from safelight.queueing.worker import Worker


@dataclass(slots=True)
class Shop:
    """The rooms behind the doors."""

    database: Database
    wakeups: Wakeups
    feed: Feed
    registry: Registry
    store: PictureStore
    links: Links
    admission: Admission
    uploads: Uploads
    ledger: LedgerWatch
    forecast: Forecast
    board: Board
    letters: DeadLetters
    metrics: QueueMetrics
    readiness: Readiness
    access: Access
    reception: Reception
    stream_places: StreamPlaces
    oidc: Oidc
    lanes: Lanes
    worker: Worker | None
    trash_kept_s: float  # how long what was deleted can be brought back
    direct: DirectLinks | None = None  # None: pictures are sent through this server
    stopping: bool = False


async def shop(request: Request) -> Shop:
    found: Shop = request.app.state.shop
    return found


ShopDep = Annotated[Shop, Depends(shop)]
