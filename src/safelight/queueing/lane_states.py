"""How the lanes are, for the operator to read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from safelight.database.pool import Database, Row
from safelight.queueing.breaker import Rules

_RATE_SHOWN_S = 60.0


@dataclass(frozen=True, slots=True)
class LimitState:
    """A limit, and how much of it is used. name: a provider or a model's id."""

    name: str
    at_once: int | None
    per_minute: int | None
    in_use: int
    last_minute: int


@dataclass(frozen=True, slots=True)
class LaneState:
    """One lane. limits: the provider's own and its models'; calls are counted only where there is
    one. since, why: of the breaker, when it is not closed. recent_failures: of the last minutes
    that the breaker still counts."""

    lane: str
    limits: tuple[LimitState, ...]
    paused_until: datetime | None
    paused_why: str | None
    breaker: Literal["closed", "open", "probing"]
    since: datetime | None
    open_until: datetime | None
    why: str | None
    recent_failures: int
    last_failure: str | None


_LIMITS = """
SELECT name, at_once, per_minute,
       (SELECT count(*) FROM passes WHERE passes.name = limits.name
            AND ended_at IS NULL AND expires_at > now()) AS in_use,
       (SELECT count(*) FROM passes WHERE passes.name = limits.name
            AND taken_at > now() - make_interval(secs => $1)) AS last_minute
FROM limits ORDER BY name
"""

_LANES = """
SELECT name, opened_at, opened_why, open_until,
       CASE WHEN paused_until > now() THEN paused_until END AS paused_until,
       CASE WHEN paused_until > now() THEN paused_why END AS paused_why,
       CASE WHEN opened_at IS NULL THEN 'closed'
            WHEN probe_until > now() THEN 'probing' ELSE 'open' END AS breaker,
       lately.failures, lately.last
FROM lanes, LATERAL (
    SELECT count(*) AS failures, (array_agg(why ORDER BY at DESC))[1] AS last
    FROM lane_failures WHERE lane = name AND at > now() - make_interval(secs => $1)
        AND (closed_at IS NULL OR at > closed_at)
) AS lately
ORDER BY name
"""


async def read_lane_states(database: Database, rules: Rules) -> list[LaneState]:
    """Every lane that ever had a job, was paused, or has a limit."""
    limits: defaultdict[str, list[LimitState]] = defaultdict(list)
    for row in await database.fetch(_LIMITS, _RATE_SHOWN_S):
        # A model's id begins with its provider's name.
        limits[row["name"].partition("/")[0]].append(LimitState(**row))
    rows = {row["name"]: row for row in await database.fetch(_LANES, rules.lately_s)}
    return [
        _state(lane, rows.get(lane), tuple(limits[lane])) for lane in sorted(rows | dict(limits))
    ]


def _state(lane: str, row: Row | None, limits: tuple[LimitState, ...]) -> LaneState:
    if row is None:
        return LaneState(lane, limits, None, None, "closed", None, None, None, 0, None)
    return LaneState(
        lane=lane,
        limits=limits,
        paused_until=row["paused_until"],
        paused_why=row["paused_why"],
        breaker=row["breaker"],
        since=row["opened_at"],
        open_until=row["open_until"],
        why=row["opened_why"],
        recent_failures=row["failures"],
        last_failure=row["last"],
    )
