"""Setting credits aside for a job, and settling it when the job ends: pieces of SQL.

They are pieces because they belong into the very statement that inserts or ends the job
(jobs/intake.py, jobs/attempts.py, jobs/endings.py): one statement is one transaction and one round
trip, for however many jobs there are in it. Every hold has one end: the guard is `ended_at IS
NULL`, the proof is the primary key of the postings.

The accounts are locked (`payer`) before anything is decided by what they hold. A statement that had
to wait for the lock sees the account as it is then, though everything else as it was before. New
values are computed from the locked row and never from the one that is updated: PostgreSQL first
tries an update on the row as the statement saw it at its start, and checks its constraints there.
"""

from __future__ import annotations

# Expects `payer`, the locked accounts, and `taken`: id, owner_id, place, cost, opens (a job, not a
# reused result), parked, running_max, hold_s, unlimited, and `left_after`, what is available in the
# account after this job.
HOLD = """
paid AS (
    UPDATE accounts
    SET available = payer.available - CASE WHEN payer.unlimited THEN 0 ELSE spent.credits END,
        granted = payer.granted + CASE WHEN payer.unlimited THEN spent.credits ELSE 0 END,
        held = payer.held + spent.credits,
        used = payer.used,
        open_jobs = payer.open_jobs + spent.jobs,
        parked_jobs = payer.parked_jobs + spent.parked,
        running_max = spent.running_max
    FROM payer, (SELECT owner_id, sum(cost)::bigint AS credits,
                 count(*) FILTER (WHERE opens) AS jobs,
                 count(*) FILTER (WHERE parked) AS parked, min(running_max) AS running_max
          FROM taken GROUP BY owner_id) AS spent
    WHERE payer.id = spent.owner_id AND accounts.id = payer.id
), hold AS (
    INSERT INTO holds (job_id, account_id, credits, source, expires_at)
    SELECT id, owner_id, cost, CASE WHEN unlimited THEN 'granted' ELSE 'available' END,
           now() + make_interval(secs => hold_s)
    FROM taken WHERE cost > 0
), held AS (
    INSERT INTO postings (entry, line, account_id, pocket, credits, kind, available_after, job_id)
    SELECT 'hold:' || id, line, owner_id,
           CASE WHEN line = 2 THEN 'held' WHEN unlimited THEN 'granted' ELSE 'available' END,
           CASE line WHEN 1 THEN -cost ELSE cost END, 'hold', left_after, id
    FROM taken CROSS JOIN (VALUES (1), (2)) AS lines (line)
    WHERE cost > 0
    ORDER BY place, line
)"""

# Expects `ended`: id, owner_id, charged, was_parked, release_kind ('release' or 'expire').
# Gives `paid`: the accounts as they are afterwards.
SETTLE = """
settled AS (
    UPDATE holds SET confirmed = ended.charged, released = holds.credits - ended.charged,
           ended_at = now()
    FROM ended
    WHERE holds.job_id = ended.id AND holds.ended_at IS NULL
    RETURNING holds.job_id, holds.account_id, holds.credits, holds.confirmed, holds.released,
              holds.source, ended.release_kind
), payer AS MATERIALIZED (
    SELECT id, granted, available, held, used, open_jobs, parked_jobs FROM accounts
    WHERE id IN (SELECT owner_id FROM ended) ORDER BY id FOR NO KEY UPDATE
), paid AS (
    UPDATE accounts
    SET held = payer.held - moved.credits,
        used = payer.used + moved.confirmed,
        available = payer.available + moved.returned,
        granted = payer.granted - moved.revoked,
        open_jobs = payer.open_jobs - moved.jobs,
        parked_jobs = payer.parked_jobs - moved.parked
    FROM payer, (SELECT ended.owner_id, count(*) AS jobs,
                 count(*) FILTER (WHERE was_parked) AS parked,
                 coalesce(sum(credits), 0)::bigint AS credits,
                 coalesce(sum(confirmed), 0)::bigint AS confirmed,
                 coalesce(sum(released) FILTER (WHERE source = 'available'), 0)::bigint AS returned,
                 coalesce(sum(released) FILTER (WHERE source = 'granted'), 0)::bigint AS revoked
          FROM ended LEFT JOIN settled ON settled.job_id = ended.id
          GROUP BY ended.owner_id) AS moved
    WHERE payer.id = moved.owner_id AND accounts.id = payer.id
    RETURNING accounts.id, accounts.available, accounts.held, accounts.parked_jobs
), posted AS (
    INSERT INTO postings (entry, line, account_id, pocket, credits, kind, available_after, job_id)
    SELECT lines.kind || ':' || job_id, line, account_id, pocket, lines.credits, lines.kind,
           available_after, job_id
    FROM (SELECT told.*, payer.available + sum(returned) OVER (PARTITION BY account_id
                                                               ORDER BY job_id) AS after
          FROM (SELECT settled.*, CASE source WHEN 'available' THEN released ELSE 0 END AS returned
                FROM settled) AS told JOIN payer ON payer.id = told.account_id) AS told
         CROSS JOIN LATERAL (VALUES
             ('confirm', 1, 'held', -confirmed, after - returned),
             ('confirm', 2, 'used', confirmed, after - returned),
             (release_kind, 1, source, released, after),
             (release_kind, 2, 'held', -released, after)
         ) AS lines (kind, line, pocket, credits, available_after)
    WHERE lines.credits <> 0
    ORDER BY job_id, lines.kind, line
)"""
