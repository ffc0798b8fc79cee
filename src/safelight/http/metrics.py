"""What /metrics says of the queue and the ledger, beside what the process says of itself.

The figures are the database's: every process says the same, so take one of them and do not add them
up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from safelight.credits.watch import LedgerWatch
from safelight.database.patience import GONE
from safelight.database.pool import Database
from safelight.jobs import overview
from safelight.jobs.overview import Ends, LaneFigures
from safelight.queueing.lane_states import LaneState
from safelight.queueing.lanes import Lanes

_KEPT_S = 5.0


class QueueMetrics:
    """Looked up when somebody asks, at most every five seconds."""

    def __init__(self, database: Database, lanes: Lanes, ledger: LedgerWatch) -> None:
        self._database = database
        self._lanes = lanes
        self._ledger = ledger
        self._ends = Ends(database)
        self._looking = asyncio.Lock()
        self._text = b""
        self._known_at = float("-inf")

    async def start(self) -> None:
        """Count the jobs that end from now on."""
        await self._ends.start()

    async def text(self) -> bytes:
        """In Prometheus's format. While the database is away, only that it is."""
        loop = asyncio.get_running_loop()
        async with self._looking:
            if loop.time() - self._known_at > _KEPT_S:
                try:
                    self._text = _render(await self._look())
                except GONE:
                    return _render([_gauge("database_up", "Whether it answers.", 0)])
                self._known_at = loop.time()
            return self._text

    async def _look(self) -> list[Metric]:
        states = await self._lanes.read()
        lanes = await overview.lanes(self._database, [state.lane for state in states])
        ended = CounterMetricFamily(
            "safelight_jobs_ended",
            "Jobs ended since this process started.",
            labels=["lane", "status"],
        )
        for (lane, status), jobs in (await self._ends.count()).items():
            ended.add_metric([lane, status], jobs)
        letters = await overview.dead_letters_open(self._database)
        return [
            _gauge("database_up", "Whether it answers.", 1),
            *_figures(lanes),
            *_health(states),
            ended,
            _gauge("dead_letters_open", "Dead letters nobody has dealt with.", letters),
            _gauge(
                "ledger_violations",
                "Violations of the ledger's invariants; there must be none.",
                self._ledger.violations,
            ),
        ]


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"safelight_{name}", says, value=value)


def _health(states: list[LaneState]) -> list[Metric]:
    paused = GaugeMetricFamily("safelight_lane_paused", "1 while it is paused.", labels=["lane"])
    broken = GaugeMetricFamily(
        "safelight_lane_broken", "1 while its provider fails too often.", labels=["lane"]
    )
    for state in states:
        paused.add_metric([state.lane], state.paused_until is not None)
        broken.add_metric([state.lane], state.breaker != "closed")
    return [paused, broken]


def _figures(lanes: list[LaneFigures]) -> list[Metric]:
    jobs = GaugeMetricFamily(
        "safelight_jobs", "Jobs that have not ended, by lane and state.", labels=["lane", "state"]
    )
    oldest = GaugeMetricFamily(
        "safelight_oldest_waiting_seconds",
        "How long the first one has waited that could be taken.",
        labels=["lane"],
    )
    places = GaugeMetricFamily(
        "safelight_places", "Jobs the workers together carry at a time.", labels=["lane"]
    )
    workers = GaugeMetricFamily("safelight_workers", "Living workers.", labels=["lane"])
    for lane in lanes:
        for state in ("waiting", "parked", "delayed", "running"):
            jobs.add_metric([lane.lane, state], getattr(lane, state))
        oldest.add_metric([lane.lane], lane.oldest_s)
        places.add_metric([lane.lane], lane.staff.places)
        workers.add_metric([lane.lane], len(lane.staff.workers))
    return [jobs, oldest, places, workers]


class _Looked:
    """What a registry wants to collect from."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return iter(self._metrics)


def _render(metrics: list[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Looked(metrics))
    return generate_latest(registry)
