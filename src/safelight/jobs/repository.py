"""The SQL of jobs. Every statement that a worker runs carries its attempt number: no row back
means that it was fenced, and the caller stops."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from safelight.database.pool import Database, Row
from safelight.jobs.model import PRIORITY_NUMBERS, Attempt, Made, Order
from safelight.values.ids import JobId, OwnerId
from safelight.values.prompts import CleanText, UserPrompt

# One statement is one transaction and one round trip: the job, its queue entry, its first event
# and its idempotency key are durable together or not at all. With a key that exists already,
# `claimed` is empty and nothing else is written.
# The entry is what PgQueuer's own enqueue writes, less its log line (tests/queueing compares them).
ADMIT = """
WITH claimed AS (
    INSERT INTO idempotency_keys (owner_id, key, body_digest, job_id)
    SELECT $2, $20::text, $21::bytea, $1 WHERE $20::text IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING job_id
), job AS (
    INSERT INTO jobs (id, owner_id, type, prompt, model, provider, request, count, digest, price,
                      priority, session_id, retry_of, warnings, request_id,
                      status, reused, charged, started_at, finished_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
           CASE WHEN $16::jsonb IS NULL THEN 'pending' ELSE 'completed' END, $16,
           CASE WHEN $16 IS NULL THEN NULL ELSE 0 END,
           CASE WHEN $16 IS NULL THEN NULL ELSE now() END,
           CASE WHEN $16 IS NULL THEN NULL ELSE now() END
    WHERE $20::text IS NULL OR EXISTS (SELECT FROM claimed)
    RETURNING id, created_at
), entry AS (
    INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status)
    SELECT $17, $18, $19, 'queued' FROM job WHERE $16 IS NULL
), kept AS (
    INSERT INTO outputs (job_id, index, status, asset_id, text, seed)
    SELECT $1, index, status, asset_id, text, seed FROM outputs
    WHERE $16 IS NOT NULL AND job_id = ($16 ->> 'job_id')::uuid AND EXISTS (SELECT FROM job)
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind)
    SELECT $2, $1, CASE WHEN $16 IS NULL THEN 'pending' ELSE 'completed' END,
           CASE WHEN $16 IS NULL THEN 'snapshot' ELSE 'completed' END
    FROM job
)
SELECT created_at FROM job
"""


async def insert_once(database: Database, order: Order, reused: Row | None) -> datetime | None:
    """Record the order, its queue entry and its first event. Returns when it was created, or None
    when its idempotency key was used before. `reused` is the job whose outputs are served."""
    created: datetime | None = await database.fetchval(
        ADMIT,
        order.id,
        order.owner_id,
        order.type,
        order.prompt.text,
        order.card.id,
        order.card.provider,
        order.request(),
        order.count,
        order.digest(),
        0 if reused else order.price.amount,
        PRIORITY_NUMBERS[order.priority],
        order.session_id,
        order.retry_of,
        list(order.warnings),
        order.request_id,
        {"kind": "exact", "job_id": str(reused["id"])} if reused else None,
        PRIORITY_NUMBERS[order.priority],
        order.card.provider,
        order.id.bytes,
        order.idempotency_key,
        order.body_digest,
    )
    return created


async def find_key(database: Database, owner_id: OwnerId, key: str) -> Row | None:
    """(body_digest, job_id) of an idempotency key used within 24 hours."""
    return await database.fetchrow(
        "SELECT body_digest, job_id FROM idempotency_keys WHERE owner_id = $1 AND key = $2",
        owner_id,
        key,
    )


async def forget_old_key(database: Database, owner_id: OwnerId, key: str) -> None:
    """Make a key of more than 24 hours ago usable again; the sweep may not have come by yet."""
    await database.execute(
        """DELETE FROM idempotency_keys
           WHERE owner_id = $1 AND key = $2 AND created_at < now() - interval '24 hours'""",
        owner_id,
        key,
    )


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
                   'thumbhash', encode(a.thumbhash, 'base64'), 'deleted', a.deleted_at IS NOT NULL)
               ORDER BY o.index)
        FROM outputs o LEFT JOIN assets a ON a.id = o.asset_id
        WHERE o.job_id = j.id) AS outputs
FROM jobs j
"""


async def read(database: Database, owner_id: OwnerId, job_id: JobId | UUID) -> Row | None:
    """The job as it is shown, or None when it is unknown or somebody else's."""
    return await database.fetchrow(
        _SHOWN + "WHERE j.id = $1 AND j.owner_id = $2", job_id, owner_id
    )


async def read_many(database: Database, job_ids: list[UUID]) -> list[Row]:
    """Several jobs at once, for streams that have already checked whose they are."""
    return await database.fetch(_SHOWN + "WHERE j.id = ANY($1)", job_ids)


async def read_live(database: Database, owner_id: OwnerId) -> list[Row]:
    """The newest jobs that have not ended, oldest first, at most 200."""
    rows = await database.fetch(
        _SHOWN
        + """WHERE j.owner_id = $1 AND j.status IN ('pending', 'processing')
             ORDER BY j.id DESC LIMIT 200""",
        owner_id,
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
        f"{_SHOWN} WHERE j.owner_id = $1 {where} ORDER BY j.id {order} LIMIT {limit:d}",  # noqa: S608
        owner_id,
        *values,
    )


async def position(database: Database, job_id: JobId | UUID, priority: int) -> int:
    """How many waiting jobs are before this one, plus one; counts at most 1,000."""
    count: int = await database.fetchval(
        """SELECT count(*) FROM (
               SELECT FROM jobs WHERE status = 'pending' AND (priority > $2 OR (priority = $2 AND id < $1))
               LIMIT 999) AS before""",
        job_id,
        priority,
    )
    return count + 1


async def find_reusable(database: Database, owner_id: OwnerId, digest: bytes) -> Row | None:
    """The newest completed job of this owner with the digest, all of whose outputs still exist."""
    return await database.fetchrow(
        """SELECT j.id, j.count FROM jobs j
           WHERE j.owner_id = $1 AND j.digest = $2 AND j.status = 'completed'
             AND (SELECT count(*) = j.count AND bool_and(
                      o.status = 'completed' AND (o.asset_id IS NULL OR a.deleted_at IS NULL))
                  FROM outputs o LEFT JOIN assets a ON a.id = o.asset_id WHERE o.job_id = j.id)
           ORDER BY j.id DESC LIMIT 1""",
        owner_id,
        digest,
    )


async def asset_ids(database: Database, job_id: UUID) -> list[UUID]:
    rows = await database.fetch(
        "SELECT asset_id FROM outputs WHERE job_id = $1 AND asset_id IS NOT NULL ORDER BY index",
        job_id,
    )
    return [row["asset_id"] for row in rows]


# The next attempt: one number higher, so that whoever held the job before can write nothing more.
# An attempt that never ended (the row still says processing) counts as a crash.
_START = """
WITH job AS (
    UPDATE jobs SET status = 'processing', stage = 'understanding', progress = NULL,
           attempt = attempt + 1, revision = revision + 1,
           crashes = crashes + (status = 'processing')::int,
           started_at = coalesce(started_at, now())
    WHERE id = $1 AND status IN ('pending', 'processing')
    RETURNING id, owner_id, attempt, tries, crashes, type, prompt, model, provider, count, price,
              request, request_id
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind, data)
    SELECT owner_id, id, 'processing', 'stage', '{"stage": "understanding"}' FROM job
)
SELECT * FROM job
"""


async def start_attempt(database: Database, job_id: JobId) -> tuple[Attempt, int] | None:
    """Begin the next attempt and return it with the number of crashes so far, or None when the
    job has ended."""
    row = await database.fetchrow(_START, job_id)
    if row is None:
        return None
    attempt = Attempt(
        job_id=JobId(row["id"]),
        owner_id=OwnerId(row["owner_id"]),
        number=row["attempt"],
        tries=row["tries"],
        type=row["type"],
        prompt=UserPrompt(CleanText(row["prompt"])),
        model=row["model"],
        provider=row["provider"],
        count=row["count"],
        price=row["price"],
        request=row["request"],
        request_id=row["request_id"],
    )
    return attempt, row["crashes"]


# Everything that happens in the middle of an attempt, in one statement: stage and progress, the
# lines of the story, and what the journal records.
_NOTE = """
WITH job AS (
    UPDATE jobs SET stage = coalesce($3, stage), progress = $4, revision = revision + 1,
           optimized_prompt = coalesce($5, optimized_prompt)
    WHERE id = $1 AND attempt = $2 AND status = 'processing'
    RETURNING id, owner_id
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind, data)
    SELECT owner_id, id, 'processing', line.kind, line.data
    FROM job, unnest($6::text[], $7::jsonb[]) WITH ORDINALITY AS line (kind, data, place)
    ORDER BY place
), step AS (
    INSERT INTO steps (job_id, name, attempt, state, result)
    SELECT id, entry.name, $2, entry.state, entry.result
    FROM job, unnest($8::text[], $9::text[], $10::jsonb[]) AS entry (name, state, result)
    ON CONFLICT (job_id, name) DO UPDATE
    SET attempt = excluded.attempt, state = excluded.state, result = excluded.result, at = now()
)
SELECT true FROM job
"""


async def note(
    database: Database,
    attempt: Attempt,
    *,
    stage: str | None,
    progress: float | None,
    optimized_prompt: str | None,
    events: list[tuple[str, dict[str, Any]]],
    steps: list[tuple[str, str, Any]],
) -> bool:
    """Write what happened so far; False when the attempt was fenced."""
    row = await database.fetchval(
        _NOTE,
        attempt.job_id,
        attempt.number,
        stage,
        progress,
        optimized_prompt,
        [kind for kind, _ in events],
        [data for _, data in events],
        [name for name, _, _ in steps],
        [state for _, state, _ in steps],
        [result for _, _, result in steps],
    )
    return row is not None


async def recorded_steps(database: Database, job_id: JobId) -> dict[str, tuple[str, Any]]:
    """What earlier attempts recorded: name to (state, result)."""
    rows = await database.fetch("SELECT name, state, result FROM steps WHERE job_id = $1", job_id)
    return {row["name"]: (row["state"], row["result"]) for row in rows}


async def delivered_indexes(database: Database, job_id: JobId) -> dict[int, str]:
    """Variants that are already delivered: index to status."""
    rows = await database.fetch("SELECT index, status FROM outputs WHERE job_id = $1", job_id)
    return {row["index"]: row["status"] for row in rows}


# Outputs and, with $3 other than 'processing', the end of the job: one statement, so that a
# reader sees a completed job with all its outputs or neither. An output is written once; the
# primary key (job_id, index) holds even if two attempts should ever meet here.
_DELIVER = """
WITH job AS (
    UPDATE jobs SET status = $3, revision = revision + 1, error = $4, charged = $5,
           stage = CASE WHEN $3 = 'processing' THEN stage END,
           progress = CASE WHEN $3 = 'processing' THEN progress END,
           finished_at = CASE WHEN $3 = 'processing' THEN NULL ELSE now() END,
           adjustments = (SELECT coalesce(array_agg(DISTINCT note), '{}')
                          FROM unnest(adjustments || $8::text[]) AS note),
           usd = CASE WHEN $9::numeric IS NULL THEN usd ELSE coalesce(usd, 0) + $9 END
    WHERE id = $1 AND attempt = $2 AND status = 'processing'
    RETURNING id, owner_id, prompt, model
), made AS (
    SELECT * FROM jsonb_to_recordset($6) AS made (
        index smallint, status text, asset_id uuid, width int, height int, format text,
        bytes bigint, sha256 text, seed bigint, thumbhash text, text text, error jsonb)
), asset AS (
    INSERT INTO assets (id, owner_id, job_id, index, width, height, format, bytes, sha256,
                        thumbhash, seed, prompt, model)
    SELECT asset_id, owner_id, job.id, index, width, height, format, bytes, decode(sha256, 'hex'),
           decode(thumbhash, 'hex'), seed, prompt, model
    FROM job, made WHERE asset_id IS NOT NULL
), output AS (
    INSERT INTO outputs (job_id, index, status, asset_id, text, seed, error)
    SELECT job.id, index, status, asset_id, text, seed, error FROM job, made
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind, data)
    SELECT owner_id, id, line.status, line.kind, line.data
    FROM job, jsonb_to_recordset($7) AS line (status text, kind text, data jsonb)
)
SELECT true FROM job
"""


async def deliver(
    database: Database,
    attempt: Attempt,
    *,
    made: list[Made],
    events: list[tuple[str, dict[str, Any]]],
    status: str = "processing",
    error: dict[str, Any] | None = None,
    charged: int | None = None,
) -> bool:
    """Store finished variants and, unless status is `processing`, end the job. False: fenced."""
    usd = [one.usd for one in made if one.usd is not None]
    lines = [{"status": "processing", "kind": kind, "data": data} for kind, data in events]
    if status != "processing":
        lines.append({"status": status, "kind": status, "data": {}})
    row = await database.fetchval(
        _DELIVER,
        attempt.job_id,
        attempt.number,
        status,
        error,
        charged,
        [_output_row(one) for one in made],
        lines,
        [text for one in made for text in one.adjustments],
        sum(map(_decimal, usd)) if usd else None,
    )
    return row is not None


def _decimal(text: str) -> Any:
    from decimal import Decimal  # noqa: PLC0415

    return Decimal(text)


def _output_row(one: Made) -> dict[str, Any]:
    row: dict[str, Any] = {"index": one.index, "text": one.text, "error": one.error}
    row["status"] = "completed" if one.delivered else "failed"
    if one.picture:
        row |= asdict(one.picture)
        row["thumbhash"] = one.thumbhash.hex() if one.thumbhash else None
    return row


async def wait_again(database: Database, attempt: Attempt, *, is_try: bool) -> bool:
    """Back to pending until the next attempt. `is_try`: this one counts against the limit."""
    row = await database.fetchval(
        """WITH job AS (
               UPDATE jobs SET status = 'pending', stage = NULL, progress = NULL,
                      revision = revision + 1, tries = tries + $3::int
               WHERE id = $1 AND attempt = $2 AND status = 'processing'
               RETURNING id, owner_id
           ), event AS (
               INSERT INTO events (owner_id, job_id, status, kind)
               SELECT owner_id, id, 'pending', 'snapshot' FROM job
           )
           SELECT true FROM job""",
        attempt.job_id,
        attempt.number,
        int(is_try),
    )
    return row is not None


async def cancel(database: Database, owner_id: OwnerId, job_id: JobId) -> bool:
    """End a job that has not ended. Whoever works on it is fenced from this moment on.

    What was delivered before stays delivered, and is what it costs. Returns False when the job
    has ended (or is not the owner's)."""
    row = await database.fetchval(
        """WITH job AS (
               UPDATE jobs SET status = 'cancelled', stage = NULL, progress = NULL,
                      revision = revision + 1, finished_at = now(), error = $3,
                      charged = price / count * (SELECT count(*) FROM outputs
                                                 WHERE job_id = $1 AND status = 'completed')
               WHERE id = $1 AND owner_id = $2 AND status IN ('pending', 'processing')
               RETURNING id, owner_id
           ), event AS (
               INSERT INTO events (owner_id, job_id, status, kind)
               SELECT owner_id, id, 'cancelled', 'cancelled' FROM job
           )
           SELECT true FROM job""",
        job_id,
        owner_id,
        {
            "code": "cancelled",
            "title": "Cancelled",
            "detail": "Cancelled before it was finished.",
            "retryable": True,
            "charged": False,
            "provider_message": None,
        },
    )
    return row is not None


async def story(database: Database, owner_id: OwnerId, job_id: UUID) -> list[Row]:
    """The stored lines of a job, oldest first, without the many small progress lines."""
    return await database.fetch(
        """SELECT xid, number, at, kind, status, data FROM events
           WHERE job_id = $2 AND owner_id = $1 AND kind NOT IN ('progress', 'delta')
           ORDER BY xid, number LIMIT 500""",
        owner_id,
        job_id,
    )
