"""So many in so long, exactly: a sliding window over what was granted, shared by all processes.

A bucket keeps the times of what it granted within the window, and grants while there are fewer than
its limit; what it refuses is not counted. A fixed window, or one estimated from two counters, would
grant up to twice the limit around its boundary.
"""

from __future__ import annotations

from dataclasses import dataclass

from safelight.database.pool import Database
from safelight.database.together import Together

# Every row is decided while it is locked: after ON CONFLICT has waited for it, by the clock as it
# is then. That is why the clock is asked in a subquery about the row (`kept.hits`): now() would be
# the time before the wait, and a subquery about no row is asked once for all of them. A hit of the
# future, after the database's clock was set back, counts as one of now.
#
# Two statements lock their buckets in the same order, so neither can wait for the other in turn.
_TAKE = """
INSERT INTO windows AS kept (bucket, asked, cost, most, window_s, granted, clock, hits)
SELECT bucket, asked, cost, most, window_s, granted, clock_timestamp(),
       array_fill(clock_timestamp(), ARRAY[granted * cost])
FROM (SELECT *, least(asked, most / cost) AS granted
      FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::float8[])
               AS given (bucket, asked, cost, most, window_s)
      ORDER BY bucket) AS first
ON CONFLICT (bucket) DO UPDATE
SET asked = excluded.asked, cost = excluded.cost, most = excluded.most,
    window_s = excluded.window_s,
    (granted, clock, hits) = (
        SELECT counted.granted, this.clock,
               recent.hits || array_fill(this.clock, ARRAY[counted.granted * excluded.cost])
        FROM (SELECT clock_timestamp() AS clock, kept.hits AS hits) AS this
        CROSS JOIN LATERAL (
            SELECT ARRAY(SELECT least(hit, this.clock) FROM unnest(this.hits) AS hit
                         WHERE hit > this.clock - make_interval(secs => excluded.window_s)) AS hits
        ) AS recent
        CROSS JOIN LATERAL (
            SELECT least(excluded.asked,
                         greatest(excluded.most - cardinality(recent.hits), 0) / excluded.cost)
                   AS granted
        ) AS counted)
RETURNING bucket, granted, greatest(most - cardinality(hits), 0) AS left_over,
          CASE WHEN cardinality(hits) + cost > most
               THEN window_s + extract(epoch FROM hits[cardinality(hits) + cost - most] - clock)
               ELSE 0 END::float8 AS wait_s
"""

_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` within any `window_s` seconds."""

    most: int
    window_s: float


@dataclass(frozen=True, slots=True)
class Taken:
    """granted: it may be done. left_over: how much more at this moment. wait_s: when the same would
    be granted (again), 0 for at once."""

    granted: bool
    left_over: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class _Question:
    bucket: str
    limit: Limit
    cost: int


class Limiter:
    """Asks for everybody in this process who waits, in one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asking: Together[_Question, Taken] = Together(self._ask, at_once=2)

    async def take(self, bucket: str, limit: Limit, *, cost: int = 1) -> Taken:
        """Count `cost` against the bucket, all of it or nothing."""
        if not 0 < cost <= limit.most:
            raise ValueError(f"{cost} can never be taken from {limit}")
        return await self._asking.add(_Question(bucket, limit, cost))

    async def left_over(self, bucket: str, limit: Limit) -> int:
        """How much could be taken at this moment. Takes nothing."""
        left: int = await self._database.fetchval(
            """SELECT greatest($2 - count(*), 0) FROM windows CROSS JOIN unnest(hits) AS hit
               WHERE bucket = $1 AND hit > clock_timestamp() - make_interval(secs => $3)""",
            bucket,
            limit.most,
            limit.window_s,
        )
        return left

    async def _ask(self, questions: list[_Question]) -> list[Taken]:
        answers: dict[int, Taken] = {}
        waiting = dict(enumerate(questions))
        while waiting:
            now = _alike(waiting)
            answers |= await self._ask_once(now)
            waiting = {place: one for place, one in waiting.items() if place not in answers}
        return [answers[place] for place in range(len(questions))]

    async def _ask_once(self, places: dict[_Question, list[int]]) -> dict[int, Taken]:
        rows = await self._database.fetch(
            _TAKE,
            [question.bucket for question in places],
            [len(same) for same in places.values()],
            [question.cost for question in places],
            [question.limit.most for question in places],
            [question.limit.window_s for question in places],
        )
        found = {row["bucket"]: row for row in rows}
        return {
            place: Taken(
                granted=nth < found[question.bucket]["granted"],
                left_over=found[question.bucket]["left_over"],
                wait_s=found[question.bucket]["wait_s"],
            )
            for question, same in places.items()
            for nth, place in enumerate(same)
        }


def _alike(waiting: dict[int, _Question]) -> dict[_Question, list[int]]:
    """The places of equal questions, one question a bucket: a statement decides a row once."""
    chosen: dict[str, _Question] = {}
    places: dict[_Question, list[int]] = {}
    for place, question in waiting.items():
        if chosen.setdefault(question.bucket, question) == question:
            places.setdefault(question, []).append(place)
    return places


async def forget_old(database: Database) -> None:
    """Delete buckets that nobody asked within their window."""
    # The condition stands twice: a bucket that is asked meanwhile must not go.
    old = "clock < now() - make_interval(secs => window_s)"
    some = f"SELECT ctid FROM windows WHERE {old} LIMIT {_BATCH}"  # noqa: S608
    await database.execute(f"DELETE FROM windows WHERE {old} AND ctid = ANY(ARRAY({some}))")  # noqa: S608
