"""Ends of jobs that no attempt brings about: cancelled by their owner, or never done in time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from safelight.credits.ledger import SETTLE
from safelight.database.pool import Database, Row
from safelight.values.ids import JobId, OwnerId, acting_for

# Whoever works on the job is fenced from this moment on. What was delivered before stays delivered,
# and is what it costs. An entry that nobody has taken goes with its job; one that somebody holds
# is his to put away. A job whose entries were traded meanwhile is not taken for the other one.
#
# $4: jobs whose rows this transaction has locked in a statement before. One statement alone would
# count the outputs as they were before it waited, and give away what was delivered meanwhile.
_END = """
WITH old AS MATERIALIZED (
    SELECT id, entry, parked,
           (SELECT count(*) FROM outputs
            WHERE job_id = jobs.id AND outputs.status = 'completed') AS delivered
    FROM jobs WHERE id = ANY($4) AND status IN ('pending', 'processing')
), job AS (
    UPDATE jobs SET status = $1, stage = NULL, progress = NULL, parked = false,
           revision = revision + 1, finished_at = now(), charged = price / count * old.delivered,
           error = jsonb_set($2, '{charged}', to_jsonb(price > 0 AND old.delivered > 0))
    FROM old
    WHERE jobs.id = old.id
    RETURNING jobs.id, owner_id, charged, price, provider, model, old.entry,
              old.parked AS was_parked
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
SELECT ended.id, owner_id, coalesce(paid.parked_jobs > 0, false) AS freed
FROM ended LEFT JOIN paid ON paid.id = ended.owner_id
"""


_END = _END.replace("{settle}", SETTLE.strip())

_ONE = "SELECT id FROM jobs WHERE id = $1 AND owner_id = $2 FOR NO KEY UPDATE"
_CLOSED = """
SELECT jobs.id FROM jobs JOIN accounts ON accounts.id = jobs.owner_id
WHERE jobs.owner_id = $1 AND jobs.finished_at IS NULL AND accounts.closed_at IS NOT NULL
ORDER BY jobs.id LIMIT 200 FOR NO KEY UPDATE OF jobs SKIP LOCKED
"""
_OVERDUE = """
SELECT id FROM jobs WHERE finished_at IS NULL AND deadline_at < now()
ORDER BY deadline_at LIMIT 200 FOR NO KEY UPDATE SKIP LOCKED
"""


async def _end(
    database: Database,
    which: str,
    *of: UUID,
    status: str,
    error: dict[str, Any],
    release_kind: str = "release",
) -> list[Row]:
    """End the jobs that `which` selects and locks, if they have not ended yet."""
    async with database.transaction() as tx:
        locked = [row["id"] for row in await tx.fetch(which, *of)]
        return await tx.fetch(_END, status, error, release_kind, locked) if locked else []


async def cancel(database: Database, owner_id: OwnerId, job_id: JobId) -> bool | None:
    """End a job that has not ended. Returns whether a parked job of the owner has room now; None
    when the job has ended before, or is not the owner's."""
    error = _error("cancelled", "Cancelled", "Cancelled before it was finished.")
    rows = await _end(database, _ONE, job_id, owner_id, status="cancelled", error=error)
    return rows[0]["freed"] if rows else None


async def cancel_closed(database: Database, account_id: UUID) -> list[UUID]:
    """End jobs of an account that was closed, some at a time; those that were ended."""
    error = _error("cancelled", "Cancelled", "Cancelled because the account was deleted.")
    rows = await _end(database, _CLOSED, account_id, status="cancelled", error=error)
    return [UUID(int=row["id"].int) for row in rows]


async def expire(database: Database) -> list[tuple[JobId, OwnerId]]:
    """End the jobs whose deadline is over: nobody is made to wait, or to pay, for ever."""
    error = _error("timeout", "This took too long", "It was not finished before its deadline.")
    rows = await _end(database, _OVERDUE, status="failed", error=error, release_kind="expire")
    return [(JobId(UUID(int=row["id"].int)), acting_for(row["owner_id"])) for row in rows]


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
