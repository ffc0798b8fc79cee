"""The SQL of jobs as their owners see them: read, listed, cancelled, told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from safelight.database.pool import Database, Row
from safelight.values.ids import JobId, OwnerId

# A job as it is shown: its row and its outputs with what their assets need for a link.
_SHOWN = """
SELECT j.id, j.owner_id, j.type, j.status, j.stage, j.progress, j.attempt, j.revision, j.priority,
       j.model, j.provider, j.prompt, j.optimized_prompt, j.request, j.count, j.session_id,
       j.retry_of, j.reused, j.adjustments, j.warnings, j.price, j.charged, j.usd, j.error,
       j.created_at, j.started_at, j.finished_at,
       (SELECT jsonb_agg(jsonb_build_object(
                   'index', o.index, 'status', o.status, 'text', o.text, 'seed', o.seed,
                   'error', o.error, 'asset_id', a.id, 'width', a.width, 'height', a.height,
                   'format', a.format, 'bytes', a.bytes,
                   'thumbhash', encode(a.thumbhash, 'base64'), 'deleted', a.deleted_at IS NOT NULL,
                   'removed', CASE WHEN a.purging_since IS NOT NULL THEN 'purged'
                                   WHEN a.deleted_at IS NOT NULL THEN 'deleted' END)
               ORDER BY o.index)
        FROM outputs o LEFT JOIN assets a ON a.id = o.asset_id
        WHERE o.job_id = j.id) AS outputs
FROM jobs j
"""


async def read(database: Database, owner_id: OwnerId, job_id: JobId | UUID) -> Row | None:
    """The job as it is shown, or None when it is unknown or somebody else's."""
    return await database.fetchrow(_SHOWN + "WHERE j.id = $1 AND j.owner_id = $2", job_id, owner_id)


async def read_many(database: Database, job_ids: list[UUID]) -> list[Row]:
    """Several jobs at once, for streams that have already checked whose they are."""
    return await database.fetch(_SHOWN + "WHERE j.id = ANY($1)", job_ids)


LIVE_MAX = 200


async def read_live(database: Database, owner_id: OwnerId) -> list[Row]:
    """The newest jobs that have not ended, oldest first, at most LIVE_MAX."""
    rows = await database.fetch(
        _SHOWN
        + """WHERE j.owner_id = $1 AND j.status IN ('pending', 'processing')
             ORDER BY j.id DESC LIMIT $2""",
        owner_id,
        LIVE_MAX,
    )
    return rows[::-1]


async def read_page(
    database: Database,
    owner_id: OwnerId,
    *,
    where: str,
    values: list[Any],
    newest_first: bool,
    limit: int,
) -> list[Row]:
    """A page of jobs. `where` is SQL made by `listing.py` from fixed pieces, never from input."""
    order = "DESC" if newest_first else "ASC"
    return await database.fetch(
        f"{_SHOWN} WHERE j.owner_id = $1 {where} ORDER BY j.id {order} LIMIT {limit:d}",
        owner_id,
        *values,
    )


async def story(database: Database, owner_id: OwnerId, job_id: UUID) -> list[Row]:
    """The stored lines of a job, oldest first, without the many small progress lines."""
    return await database.fetch(
        """SELECT xid, number, at, kind, status, data FROM events
           WHERE job_id = $2 AND owner_id = $1 AND kind NOT IN ('progress', 'delta')
           ORDER BY xid, number LIMIT 500""",
        owner_id,
        job_id,
    )
