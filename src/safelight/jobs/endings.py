"""Ends of jobs that no attempt brings about: cancelled by their owner, or never done in time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from safelight.credits.ledger import SETTLE
from safelight.database.pool import Database
from safelight.values.ids import JobId, OwnerId

# Whoever works on the job is fenced from this moment on. What was delivered before stays delivered,
# and is what it costs. An entry that nobody has taken goes with its job; one that somebody holds
# is his to put away. A job whose entries were traded meanwhile is not taken for the other one.
_END = """
WITH old AS MATERIALIZED (
    SELECT id, entry, parked, status FROM jobs
    WHERE {which} AND status IN ('pending', 'processing')
    FOR NO KEY UPDATE {skip}
), job AS (
    UPDATE jobs SET status = $1, stage = NULL, progress = NULL, parked = false,
           revision = revision + 1, finished_at = now(), error = $2,
           charged = price / count * (SELECT count(*) FROM outputs
                                      WHERE job_id = jobs.id AND status = 'completed')
    FROM old
    WHERE jobs.id = old.id
    RETURNING jobs.id, owner_id, charged, price, provider, model, old.entry,
              old.parked AS was_parked, old.status AS old_status
), ended AS MATERIALIZED (
    SELECT *, $3::text AS release_kind FROM job
), {settle}, entry AS (
    DELETE FROM queue.pgqueuer AS entries USING ended
    WHERE entries.id = ended.entry AND entries.status = 'queued'
      AND entries.payload = uuid_send(ended.id)
), letter AS (
    INSERT INTO dead_letters (job_id, code, provider, model)
    SELECT id, $2::jsonb ->> 'code', provider, model FROM ended WHERE $1 = 'failed'
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind, data)
    SELECT owner_id, ended.id, $1, $1,
           CASE WHEN price > 0 THEN jsonb_build_object('available', paid.available,
                                                       'held', paid.held) ELSE '{}' END
    FROM ended LEFT JOIN paid ON paid.id = ended.owner_id
)
SELECT ended.id, owner_id, old_status, coalesce(paid.parked_jobs > 0, false) AS freed
FROM ended LEFT JOIN paid ON paid.id = ended.owner_id
"""


def _ending(which: str, skip: str = "") -> str:
    return (
        _END.replace("{which}", which).replace("{skip}", skip).replace("{settle}", SETTLE.strip())
    )


_CANCEL = _ending("id = $4 AND owner_id = $5")
_CANCEL_CLOSED = _ending(
    """id IN (SELECT jobs.id FROM jobs JOIN accounts ON accounts.id = jobs.owner_id
              WHERE jobs.owner_id = $4 AND jobs.finished_at IS NULL
                AND accounts.closed_at IS NOT NULL
              ORDER BY jobs.id LIMIT 200)""",
    "SKIP LOCKED",
)
_EXPIRE = _ending(
    """id IN (SELECT id FROM jobs WHERE finished_at IS NULL AND deadline_at < now()
              ORDER BY deadline_at LIMIT 200)""",
    "SKIP LOCKED",
)


async def cancel(database: Database, owner_id: OwnerId, job_id: JobId) -> bool | None:
    """End a job that has not ended. Returns whether a parked job of the owner has room now; None
    when the job has ended before, or is not the owner's."""
    error = _error("cancelled", "Cancelled", "Cancelled before it was finished.")
    row = await database.fetchrow(_CANCEL, "cancelled", error, "release", job_id, owner_id)
    return row["freed"] if row else None


async def cancel_closed(database: Database, account_id: UUID) -> list[UUID]:
    """End jobs of an account that was closed, some at a time; those that were ended."""
    error = _error("cancelled", "Cancelled", "Cancelled because the account was deleted.")
    rows = await database.fetch(_CANCEL_CLOSED, "cancelled", error, "release", account_id)
    return [UUID(int=row["id"].int) for row in rows]


async def expire(database: Database) -> list[tuple[JobId, OwnerId]]:
    """End the jobs whose deadline is over: nobody is made to wait, or to pay, for ever."""
    error = _error("timeout", "This took too long", "It was not finished before its deadline.")
    rows = await database.fetch(_EXPIRE, "failed", error, "expire")
    return [
        (JobId(UUID(int=row["id"].int)), OwnerId(UUID(int=row["owner_id"].int))) for row in rows
    ]


_STALE = """
WITH ended AS MATERIALIZED (
    SELECT jobs.id, jobs.owner_id, coalesce(jobs.charged, 0) AS charged, false AS was_parked,
           'release' AS release_kind
    FROM holds JOIN jobs ON jobs.id = holds.job_id
    WHERE holds.ended_at IS NULL AND jobs.finished_at < now() - make_interval(secs => $1)
    LIMIT 200 FOR NO KEY UPDATE OF holds SKIP LOCKED
), {settle}
SELECT count(*) FROM settled
""".replace("{settle}", SETTLE.strip())


async def settle_stale(database: Database, *, older_than_s: float = 60.0) -> int:
    """End the holds of jobs that have ended without them. There should never be one; an older
    version that ran beside this one during an upgrade leaves some. Returns how many there were."""
    count: int = await database.fetchval(_STALE, older_than_s)
    return count


def _error(code: str, title: str, detail: str) -> dict[str, Any]:
    return {
        "code": code,
        "title": title,
        "detail": detail,
        "retryable": True,
        "charged": False,
        "provider_message": None,
    }
