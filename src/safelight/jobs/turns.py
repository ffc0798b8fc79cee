"""Whose turn it is among the jobs of one owner: parked ones go when another has ended, urgent ones
overtake. Between owners the tags decide (migration 0004)."""

from __future__ import annotations

from uuid import UUID

from safelight.database.pool import Database
from safelight.values.ids import JobId, OwnerId, acting_for

# In three statements, because one would look at the owner's jobs as they were before it waited for
# the lock. Jobs that somebody is cancelling at this moment are left out: he holds their row and
# wants the account.
_UNPARK = """
WITH chosen AS (
    SELECT id, entry, provider FROM jobs
    WHERE owner_id = $1 AND status = 'pending' AND parked
    ORDER BY priority DESC, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
), job AS (
    UPDATE jobs SET parked = false FROM chosen WHERE jobs.id = chosen.id RETURNING jobs.id
), entry AS (
    UPDATE queue.pgqueuer AS entries SET entrypoint = chosen.provider, updated = now()
    FROM chosen WHERE entries.id = chosen.entry AND entries.entrypoint = 'parked'
)
UPDATE accounts SET parked_jobs = parked_jobs - (SELECT count(*) FROM job)
WHERE id = $1 AND EXISTS (SELECT FROM job)
RETURNING (SELECT count(*) FROM job)
"""


async def unpark(database: Database, owner_id: OwnerId) -> int:
    """Let as many of the owner's parked jobs into the queue as there is room for now. Returns how
    many. Safe to repeat, and to forget: the sweep does it too."""
    async with database.transaction() as tx:
        free: int | None = await tx.fetchval(
            """SELECT least(parked_jobs, coalesce(running_max - (open_jobs - parked_jobs),
                                                  parked_jobs))
               FROM accounts WHERE id = $1 FOR NO KEY UPDATE""",
            owner_id,
        )
        if not free or free < 0:
            return 0
        return await tx.fetchval(_UNPARK, owner_id, free) or 0


async def unpark_forgotten(database: Database) -> int:
    """`unpark` for everybody who has room and parked jobs: a process may die between the end of a
    job and the turn of the next."""
    rows = await database.fetch(
        """SELECT id FROM accounts
           WHERE parked_jobs > 0 AND (running_max IS NULL OR open_jobs - parked_jobs < running_max)
           LIMIT 1000"""
    )
    return sum([await unpark(database, acting_for(row["id"])) for row in rows])


# The entry in hand goes to the more urgent job, which leaves its own to the one that waits longer.
# Only an entry that still lies in the queue can be traded; `SKIP LOCKED`: nobody is taking it now.
_TRADE = """
WITH mine AS (
    SELECT id, owner_id, provider, priority, entry, tag FROM jobs
    WHERE id = $1 AND tag = $2 AND status = 'pending'
), best AS MATERIALIZED (
    SELECT other.id, other.entry, other.tag, other.parked
    FROM mine
    JOIN jobs other ON other.owner_id = mine.owner_id AND other.provider = mine.provider
                   AND other.status = 'pending' AND other.attempt = 0
                   AND other.priority >= mine.priority
                   AND (other.priority > mine.priority
                        OR (other.id < mine.id AND other.tag > mine.tag))
    JOIN queue.pgqueuer entries ON entries.id = other.entry AND entries.status = 'queued'
    ORDER BY other.priority DESC, other.id
    LIMIT 1
    FOR NO KEY UPDATE OF entries, other SKIP LOCKED
), entry AS (
    UPDATE queue.pgqueuer AS entries
    SET payload = uuid_send(CASE entries.id WHEN mine.entry THEN best.id ELSE mine.id END)
    FROM mine, best WHERE entries.id IN (mine.entry, best.entry)
), job AS (
    UPDATE jobs SET entry = CASE jobs.id WHEN best.id THEN mine.entry ELSE best.entry END,
           tag = CASE jobs.id WHEN best.id THEN mine.tag ELSE best.tag END,
           parked = jobs.id <> best.id AND best.parked
    FROM mine, best WHERE jobs.id IN (mine.id, best.id)
)
SELECT id FROM best
"""


async def trade(database: Database, job_id: JobId, tag: int) -> JobId:
    """The job to start instead of this one with the entry in hand: a more urgent one of the same
    owner in the same lane, or itself when there is none to be had. tag: of that entry; a job that
    has another one by now was traded already, by somebody who has the entry too."""
    found = await database.fetchval(_TRADE, job_id, tag)
    return JobId(UUID(int=found.int)) if found else job_id
