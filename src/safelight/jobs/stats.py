"""Counts and durations of one owner's jobs over the last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from safelight.database.pool import Database, Row
from safelight.jobs.listing import first_id_at
from safelight.values.ids import OwnerId

# Ids are in the order of time, by the clocks of the processes that made them.
_CLOCKS_DIFFER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Figures:
    by_status: dict[str, int]
    images: int
    credits: int
    models: list[Row]  # model, jobs, p50, p95 (seconds; null without a completed job)


async def figures(database: Database, owner_id: OwnerId, days: int) -> Figures:
    """Jobs created within the last `days` days, and the pictures they made."""
    # The id leads to them by the index of the owner's jobs, so that older ones are not read. Of one
    # owner 100,000 within the days take 0.2 s.
    since = "jobs.id >= $3 AND jobs.created_at > now() - make_interval(days => $2)"
    first = first_id_at(datetime.now(UTC) - timedelta(days=days) - _CLOCKS_DIFFER)
    statuses = await database.fetch(
        f"""SELECT status, count(*) AS jobs, coalesce(sum(charged), 0)::bigint AS credits
            FROM jobs WHERE owner_id = $1 AND {since} GROUP BY status""",  # noqa: S608
        owner_id,
        days,
        first,
    )
    images = await database.fetchval(
        f"""SELECT count(*) FROM jobs JOIN outputs ON outputs.job_id = jobs.id
            WHERE owner_id = $1 AND {since} AND reused IS NULL AND asset_id IS NOT NULL""",  # noqa: S608
        owner_id,
        days,
        first,
    )
    models = await database.fetch(
        f"""SELECT model, count(*) AS jobs,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
                   percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95
            FROM (SELECT model, CASE WHEN status = 'completed' AND reused IS NULL
                                THEN extract(epoch FROM finished_at - started_at)::float8 END
                                AS seconds
                  FROM jobs WHERE owner_id = $1 AND {since}) AS timed
            GROUP BY model ORDER BY jobs DESC LIMIT 50""",  # noqa: S608
        owner_id,
        days,
        first,
    )
    return Figures(
        {row["status"]: row["jobs"] for row in statuses},
        images,
        sum(row["credits"] for row in statuses),
        models,
    )


async def speeds(database: Database) -> dict[str, tuple[float, int]]:
    """Median seconds and number of samples of each model's latest jobs, all owners together."""
    rows = await database.fetch(
        """SELECT model, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
                  count(*) AS samples
           FROM (SELECT model, extract(epoch FROM finished_at - started_at)::float8 AS seconds
                 FROM jobs WHERE status = 'completed' AND reused IS NULL
                 ORDER BY id DESC LIMIT 500) AS latest
           GROUP BY model"""
    )
    return {row["model"]: (row["p50"], row["samples"]) for row in rows}
