"""The operator's view: what waits and runs in each lane, and how the providers do. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg

from safelight.database.pool import Database
from safelight.jobs.model import ENDED
from safelight.queueing import roll
from safelight.queueing.roll import Staff

NOBODY = Staff(frozenset(), 0)
_ERRORS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """One lane. delayed: jobs to be tried again later. oldest_s: how long the first one has waited.
    lately: jobs that workers ended within the last minute."""

    lane: str
    waiting: int = 0
    parked: int = 0
    delayed: int = 0
    running: int = 0
    oldest_s: float = 0.0
    lately: int = 0
    staff: Staff = NOBODY


_ENTRIES = """
SELECT entrypoint AS lane,
       count(*) FILTER (WHERE status = 'queued' AND execute_after <= now()) AS waiting,
       count(*) FILTER (WHERE status = 'queued' AND execute_after > now()) AS delayed,
       extract(epoch FROM now() - min(created)
               FILTER (WHERE status = 'queued' AND execute_after <= now()))::float8 AS oldest_s
FROM queue.pgqueuer WHERE entrypoint <> 'parked' GROUP BY entrypoint
"""

# By the jobs: the entry of one that has ended is put away a moment later.
_OPEN = """
SELECT provider AS lane, count(*) FILTER (WHERE parked) AS parked,
       count(*) FILTER (WHERE status = 'processing') AS running
FROM jobs WHERE finished_at IS NULL GROUP BY provider
"""

# By the events, which are found by their time; jobs are not.
_LATELY = """
SELECT jobs.provider AS lane, count(*) AS lately
FROM events JOIN jobs ON jobs.id = events.job_id
WHERE events.at > now() - interval '1 minute' AND events.kind IN ('completed', 'failed')
  AND jobs.reused IS NULL
GROUP BY jobs.provider
"""


async def lanes(database: Database, known: Sequence[str] = ()) -> list[LaneFigures]:
    """Every lane that is known, is served, or has jobs."""
    staff = await roll.staff(database)
    figures: dict[str, dict[str, Any]] = {lane: {} for lane in sorted({*known, *staff})}
    for sql in (_ENTRIES, _OPEN, _LATELY):
        for row in await database.fetch(sql):
            figures.setdefault(row["lane"], {}).update(row)
    return [
        LaneFigures(
            lane=lane,
            waiting=found.get("waiting", 0),
            parked=found.get("parked", 0),
            delayed=found.get("delayed", 0),
            running=found.get("running", 0),
            oldest_s=max(0.0, round(found.get("oldest_s") or 0.0, 1)),
            lately=found.get("lately", 0),
            staff=staff.get(lane, NOBODY),
        )
        for lane, found in sorted(figures.items())
    ]


async def dead_letters_open(database: Database) -> int:
    count: int = await database.fetchval(
        "SELECT count(*) FROM dead_letters WHERE replayed_as IS NULL AND discarded_at IS NULL"
    )
    return count


@dataclass(frozen=True, slots=True)
class Calls:
    """What was asked of a provider, or of one of its models. answered, failed, p50_s: within the
    last hour; usd_today: since midnight UTC, where the provider says what it took."""

    answered: int = 0
    failed: int = 0
    p50_s: float | None = None
    usd_today: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Mishap:
    """A call that failed, or whose answer was lost."""

    model: str
    code: str | None
    message: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ProviderFigures:
    """A provider's calls. mishaps: the latest of the last day, newest first."""

    calls: Calls = Calls()
    models: dict[str, Calls] = field(default_factory=dict)
    mishaps: tuple[Mishap, ...] = ()


# Provider by provider, which is how predictions are indexed. A row without a model is the sum.
_CALLS = """
SELECT predictions.provider, model,
       count(*) FILTER (WHERE lately AND state = 'answered') AS answered,
       count(*) FILTER (WHERE lately AND state IN ('failed', 'unknown')) AS failed,
       (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - at))
            FILTER (WHERE lately AND state = 'answered'))::float8 AS p50_s,
       coalesce(sum(usd) FILTER (WHERE ended_at >= date_trunc('day', now())), 0) AS usd_today
FROM unnest($1::text[]) AS asked (provider)
JOIN predictions ON predictions.provider = asked.provider
     AND ended_at > least(date_trunc('day', now()), now() - interval '1 hour')
CROSS JOIN LATERAL (SELECT ended_at > now() - interval '1 hour' AS lately) AS whether
GROUP BY GROUPING SETS ((predictions.provider), (predictions.provider, model))
"""

_MISHAPS = f"""
SELECT asked.provider, latest.*
FROM unnest($1::text[]) AS asked (provider) CROSS JOIN LATERAL (
    SELECT model, code, message, ended_at FROM predictions
    WHERE provider = asked.provider AND ended_at > now() - interval '1 day'
      AND state IN ('failed', 'unknown')
    ORDER BY ended_at DESC LIMIT {_ERRORS_SHOWN}) AS latest
"""  # noqa: S608


async def providers(database: Database, names: Sequence[str]) -> dict[str, ProviderFigures]:
    """How these providers do."""
    sums: dict[str, Calls] = {}
    models: dict[str, dict[str, Calls]] = {}
    for row in await database.fetch(_CALLS, list(names)):
        calls = Calls(row["answered"], row["failed"], row["p50_s"], row["usd_today"])
        if row["model"] is None:
            sums[row["provider"]] = calls
        else:
            models.setdefault(row["provider"], {})[row["model"]] = calls
    mishaps: dict[str, list[Mishap]] = {}
    for row in await database.fetch(_MISHAPS, list(names)):
        mishap = Mishap(row["model"], row["code"], row["message"], row["ended_at"])
        mishaps.setdefault(row["provider"], []).append(mishap)
    return {
        name: ProviderFigures(
            sums.get(name, Calls()), models.get(name, {}), tuple(mishaps.get(name, ()))
        )
        for name in names
    }


class Ends:
    """Counts the jobs that have ended since this process started, by lane and status.

    Every process counts those of all. A line is counted once, because only those are looked at that
    are below the oldest transaction still running (feed.py says why). One caller at a time.
    """

    def __init__(self, database: Database) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        self._database = database
        self._seen = 0

    async def start(self) -> None:
        """Count from now on."""
        self._seen = await self._database.fetchval(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        )

    async def count(self) -> dict[tuple[str, str], int]:
        """(lane, status) to how many. Who does not ask for hours may miss some."""
        try:
            await self._go_on()
        except (TimeoutError, asyncpg.QueryCanceledError):
            await self.start()  # too much came since; the next time must not fail as well
        return self.counts

    async def _go_on(self) -> None:
        rows = await self._database.fetch(
            """WITH horizon AS MATERIALIZED (
                   SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid),
               ended AS (
                   SELECT jobs.provider, events.kind, count(*) AS jobs
                   FROM events JOIN jobs ON jobs.id = events.job_id
                   WHERE events.xid >= $1 AND events.xid < (SELECT xid FROM horizon)
                     AND events.kind = ANY($2)
                   GROUP BY jobs.provider, events.kind)
               SELECT horizon.xid, ended.* FROM horizon LEFT JOIN ended ON true""",
            self._seen,
            list(ENDED),
        )
        self._seen = rows[0]["xid"]
        for row in rows:
            if row["jobs"]:
                key = (row["provider"], row["kind"])
                self.counts[key] = self.counts.get(key, 0) + row["jobs"]
