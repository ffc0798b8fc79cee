"""Where a waiting job stands, and when it will start, as far as anybody can know.

A position is an estimate: how many jobs of its lane start before this one, plus one. It is counted
over the entries that may be taken now, in the order in which they are taken (by tag), so it already
knows about fair turns. On top of that:

- Urgent jobs of one owner overtake his others at their start (turns.py). So his jobs of a lane are
  put in the order of their priority, and the first one is promised his first entry, and so on.
- A parked job stands where its tag is, behind its owner's other parked jobs of the lane.
- A job that waits for another try stands where it will be when that time has come.

Nobody counts further than 1,000: that many rows of a lane are read, however many wait in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from safelight.database.pool import Database, Row
from safelight.jobs import stats
from safelight.queueing import roll
from safelight.queueing.roll import Staff

POSITION_MAX = 1000
OF_AN_OWNER_MAX = 200  # his newest
_PACE_KEPT_S = 10.0
_FOREVER_S = 10 * 365 * 86_400.0  # a pause until somebody ends it

# front    the first entries of each lane that is asked about
# place    where an entry stands: one of the front, or one that is asked about and not yet in it
# seat     the entries in the front of an owner who asks, in the order in which they will be taken;
#          not those of jobs that were tried before, which keep their own
# ranked   as many of his jobs as he has seats, in the order in which they will start; all of them
#          where parked ones are asked about. Who comes after the last seat waits behind it until
#          one of his others has ended.
_STANDING = f"""
WITH asked AS (
    SELECT id FROM jobs WHERE id = ANY($1) AND status = 'pending'
    UNION
    SELECT newest.id FROM unnest($2::uuid[]) AS owner (id) CROSS JOIN LATERAL (
        SELECT jobs.id FROM jobs WHERE owner_id = owner.id AND status = 'pending'
        ORDER BY jobs.id DESC LIMIT {OF_AN_OWNER_MAX}) AS newest
), wanted AS MATERIALIZED (
    SELECT jobs.id, jobs.owner_id, jobs.provider AS lane, jobs.model, jobs.parked, jobs.entry,
           entries.priority AS turn, entries.status AS state,
           extract(epoch FROM entries.execute_after - now())::float8 AS delay_s
    FROM asked JOIN jobs ON jobs.id = asked.id
         LEFT JOIN queue.pgqueuer entries ON entries.id = jobs.entry
), front AS MATERIALIZED (
    SELECT served.lane, taken.*
    FROM (SELECT DISTINCT lane FROM wanted) AS served CROSS JOIN LATERAL (
        SELECT id AS entry, priority AS turn, payload FROM queue.pgqueuer
        WHERE entrypoint = served.lane AND status = 'queued' AND execute_after < now()
        ORDER BY priority DESC, id LIMIT {POSITION_MAX}) AS taken
), place AS MATERIALIZED (
    SELECT lane, entry, payload,
           count(*) FILTER (WHERE payload IS NOT NULL) OVER (PARTITION BY lane
                                                             ORDER BY turn DESC, entry)
           + CASE WHEN payload IS NULL THEN 1 ELSE 0 END AS place
    FROM (SELECT lane, entry, turn, payload FROM front
          UNION ALL
          SELECT lane, entry, turn, NULL FROM wanted
          WHERE state = 'queued' AND (parked OR delay_s >= 0)) AS standing
), asking AS MATERIALIZED (
    SELECT owner_id, lane, bool_or(parked) AS parked FROM wanted GROUP BY owner_id, lane
), holder AS MATERIALIZED (
    SELECT place.lane, place.place, job.owner_id FROM place CROSS JOIN LATERAL (
        SELECT owner_id FROM jobs WHERE id = encode(place.payload, 'hex')::uuid AND attempt = 0
        LIMIT 1) AS job
), seat AS MATERIALIZED (
    SELECT lane, owner_id, place,
           row_number() OVER (PARTITION BY lane, owner_id ORDER BY place) AS rank
    FROM holder WHERE (owner_id, lane) IN (SELECT owner_id, lane FROM asking)
), seated AS MATERIALIZED (
    SELECT asking.*, coalesce(max(seat.rank), 0) AS seats, max(seat.place) AS last
    FROM asking LEFT JOIN seat USING (owner_id, lane)
    GROUP BY asking.owner_id, asking.lane, asking.parked
), ranked AS (
    SELECT seated.*, his.id, row_number() OVER (PARTITION BY seated.owner_id, seated.lane
                                                ORDER BY his.priority DESC, his.id) AS rank
    FROM seated CROSS JOIN LATERAL (
        SELECT id, priority FROM jobs
        WHERE owner_id = seated.owner_id AND provider = seated.lane AND status = 'pending'
          AND attempt = 0
        ORDER BY priority DESC, id
        LIMIT CASE WHEN seated.parked THEN {POSITION_MAX} ELSE seated.seats END) AS his
)
SELECT wanted.id, wanted.owner_id, wanted.lane, wanted.model, wanted.parked,
       greatest(wanted.delay_s, 0) AS delay_s, accounts.running_max,
       extract(epoch FROM greatest(lanes.paused_until, lanes.open_until) - now())::float8
       AS pause_s,
       ranked.rank - ranked.seats AS behind,
       CASE WHEN wanted.state = 'picked' THEN 1
            ELSE least({POSITION_MAX},
                       coalesce(seat.place,
                                greatest(place.place - 1, ranked.last)
                                + greatest(ranked.rank - ranked.seats, 1),
                                {POSITION_MAX})) END::int AS position
FROM wanted
LEFT JOIN place ON place.lane = wanted.lane AND place.entry = wanted.entry
LEFT JOIN ranked ON ranked.id = wanted.id
LEFT JOIN seat ON seat.lane = wanted.lane AND seat.owner_id = wanted.owner_id
              AND seat.rank = ranked.rank
LEFT JOIN accounts ON accounts.id = wanted.owner_id
LEFT JOIN lanes ON lanes.name = wanted.lane
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job stands. eta_s: seconds until it starts; None where nobody can know."""

    job_id: UUID
    owner_id: UUID
    position: int
    eta_s: float | None

    def is_news(self, told: Standing | None) -> bool:
        """Whether somebody who was told `told` should hear of this."""
        if told is None or told.position != self.position:
            return True
        if told.eta_s is None or self.eta_s is None:
            return told.eta_s is not self.eta_s
        return abs(self.eta_s - told.eta_s) > max(1.0, told.eta_s / 10)


@dataclass(frozen=True, slots=True)
class _Pace:
    """How fast jobs start: seconds a job takes, by model; who carries them, by lane."""

    speeds: dict[str, tuple[float, int]]
    staff: dict[str, Staff]
    known_at: float


class Forecast:
    """Answers where jobs stand and when they will start. How long jobs take, and who works, is
    looked up once in ten seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pace: _Pace | None = None
        self._looking = asyncio.Lock()

    async def of_job(self, job_id: UUID) -> Standing | None:
        """None when it does not wait."""
        return next(iter(await self.standing([job_id], [])), None)

    async def standing(self, job_ids: Sequence[UUID], owner_ids: Sequence[UUID]) -> list[Standing]:
        """Those of the jobs that wait, and the newest waiting ones of the owners."""
        rows = await self._database.fetch(_STANDING, list(job_ids), list(owner_ids))
        if not rows:
            return []
        pace = await self._known_pace()
        return [
            Standing(
                UUID(int=row["id"].int),
                UUID(int=row["owner_id"].int),
                row["position"],
                _eta_s(row, pace),
            )
            for row in rows
        ]

    async def of_next(self, lane: str, model: str) -> float | None:
        """Seconds until a job would start that somebody without any in this lane ordered now; None
        when nobody can tell."""
        before: int = await self._database.fetchval(
            """SELECT count(*) FROM (
                   SELECT FROM queue.pgqueuer
                   WHERE entrypoint = $1 AND status = 'queued' AND execute_after < now()
                     AND priority >= -1 - coalesce((SELECT virtual FROM lanes WHERE name = $1), 0)
                   LIMIT 100000) AS counted""",
            lane,
        )
        pace = await self._known_pace()
        speed, staff = pace.speeds.get(model), pace.staff.get(lane)
        return None if speed is None or staff is None else before * speed[0] / staff.places

    async def _known_pace(self) -> _Pace:
        loop = asyncio.get_running_loop()
        async with self._looking:
            if self._pace is None or loop.time() - self._pace.known_at > _PACE_KEPT_S:
                self._pace = _Pace(
                    await stats.speeds(self._database),
                    await roll.staff(self._database),
                    loop.time(),
                )
            return self._pace


def _eta_s(row: Row, pace: _Pace) -> float | None:
    """Every place takes one job of the usual length after the other; so does, for a parked job,
    every one its owner may have."""
    speed, staff = pace.speeds.get(row["model"]), pace.staff.get(row["lane"])
    pause_s: float = max(row["pause_s"] or 0.0, 0.0)
    if speed is None or staff is None or pause_s > _FOREVER_S:
        return None
    eta_s: float = row["position"] * speed[0] / staff.places
    if row["parked"] and row["running_max"]:
        eta_s = max(eta_s, (row["behind"] or 1) * speed[0] / row["running_max"])
    return round(max(pause_s + eta_s, row["delay_s"] or 0.0), 1)
