"""The SQL of jobs. Every statement that a worker runs carries its attempt number: no row back
means that it was fenced, and the caller stops."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from safelight.database.pool import Database, Row
from safelight.jobs.model import PRIORITY_NUMBERS, Attempt, Made, Order
from safelight.values.ids import JobId, OwnerId
from safelight.values.prompts import CleanText, UserPrompt

# One statement is one transaction and one round trip, for all orders that wait for it: each job,
# its queue entry, its first event and its idempotency key are durable together or not at all.
# An order whose key exists already is not `taken`, and nothing else is written for it. One whose
# digest is that of an earlier result (`found`) is completed at once, with that result's outputs.
# The entry is what PgQueuer's own enqueue writes, less its log line (tests/queueing compares them).
_ADMIT = """
WITH ordered AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1) AS ordered (
        id uuid, owner_id uuid, type text, prompt text, model text, provider text, request jsonb,
        count smallint, digest text, price int, priority smallint, session_id uuid, retry_of uuid,
        warnings text[], request_id text, key text, body_digest text, may_reuse boolean)
), claimed AS (
    INSERT INTO idempotency_keys (owner_id, key, body_digest, job_id)
    SELECT owner_id, key, decode(body_digest, 'hex'), id FROM ordered WHERE key IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING job_id
), taken AS MATERIALIZED (
    SELECT ordered.*, found.id AS found_id
    FROM ordered LEFT JOIN LATERAL (
        SELECT j.id FROM jobs j
        WHERE ordered.may_reuse AND j.owner_id = ordered.owner_id
          AND j.digest = decode(ordered.digest, 'hex') AND j.status = 'completed'
          AND {whole}
        ORDER BY j.id DESC LIMIT 1) AS found ON true
    WHERE ordered.key IS NULL OR ordered.id IN (SELECT job_id FROM claimed)
), job AS (
    INSERT INTO jobs (id, owner_id, type, prompt, model, provider, request, count, digest, price,
                      priority, session_id, retry_of, warnings, request_id,
                      status, reused, charged, started_at, finished_at)
    SELECT id, owner_id, type, prompt, model, provider, request, count, decode(digest, 'hex'),
           CASE WHEN found_id IS NULL THEN price ELSE 0 END,
           priority, session_id, retry_of, warnings, request_id,
           CASE WHEN found_id IS NULL THEN 'pending' ELSE 'completed' END,
           CASE WHEN found_id IS NOT NULL
                THEN jsonb_build_object('kind', 'exact', 'job_id', found_id) END,
           CASE WHEN found_id IS NOT NULL THEN 0 END,
           CASE WHEN found_id IS NOT NULL THEN now() END,
           CASE WHEN found_id IS NOT NULL THEN now() END
    FROM taken
), entry AS (
    INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status)
    SELECT priority, provider, uuid_send(id), 'queued' FROM taken WHERE found_id IS NULL
), kept AS (
    INSERT INTO outputs (job_id, index, status, asset_id, text, seed)
    SELECT taken.id, o.index, o.status, o.asset_id, o.text, o.seed
    FROM taken JOIN outputs o ON o.job_id = taken.found_id
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind)
    SELECT owner_id, id, CASE WHEN found_id IS NULL THEN 'pending' ELSE 'completed' END,
           CASE WHEN found_id IS NULL THEN 'snapshot' ELSE 'completed' END
    FROM taken
)
SELECT id, now() AS created_at, found_id IS NOT NULL AS reused FROM taken
"""

# All of a job's outputs are there, completed, and none was deleted from the gallery.
_WHOLE = """(SELECT count(*) = j.count AND bool_and(
                 o.status = 'completed' AND (o.asset_id IS NULL OR a.deleted_at IS NULL))
             FROM outputs o LEFT JOIN assets a ON a.id = o.asset_id WHERE o.job_id = j.id)"""

_ADMIT = _ADMIT.replace("{whole}", _WHOLE)


@dataclass(frozen=True, slots=True)
class Admitted:
    """created_at: of the job. reused: it was completed at once, with an earlier result."""

    created_at: datetime
    reused: bool


async def insert_once(database: Database, orders: list[Order]) -> list[Admitted | None]:
    """Record the orders, their queue entries and first events; one answer an order, None where
    its idempotency key was used before."""
    rows = await database.fetch(_ADMIT, [_ordered(order) for order in orders])
    admitted = {row["id"]: Admitted(row["created_at"], row["reused"]) for row in rows}
    return [admitted.get(order.id) for order in orders]


def _ordered(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "owner_id": order.owner_id,
        "type": order.type,
        "prompt": order.prompt.text,
        "model": order.card.id,
        "provider": order.card.provider,
        "request": order.request(),
        "count": order.count,
        "digest": order.digest().hex(),
        "price": order.price.amount,
        "priority": PRIORITY_NUMBERS[order.priority],
        "session_id": order.session_id,
        "retry_of": order.retry_of,
        "warnings": order.warnings,
        "request_id": order.request_id,
        "key": order.idempotency_key,
        "body_digest": order.body_digest.hex(),
        "may_reuse": order.reuse != "never",
    }


def fresh(order: Order, created_at: datetime) -> dict[str, Any]:
    """The row of a job that was admitted this moment, without reading it back."""
    return {
        "id": order.id,
        "owner_id": order.owner_id,
        "type": order.type,
        "status": "pending",
        "stage": None,
        "progress": None,
        "attempt": 0,
        "revision": 0,
        "priority": PRIORITY_NUMBERS[order.priority],
        "model": order.card.id,
        "provider": order.card.provider,
        "prompt": order.prompt.text,
        "optimized_prompt": None,
        "request": order.request(),
        "count": order.count,
        "session_id": order.session_id,
        "retry_of": order.retry_of,
        "reused": None,
        "adjustments": [],
        "warnings": list(order.warnings),
        "price": order.price.amount,
        "charged": None,
        "usd": None,
        "error": None,
        "created_at": created_at,
        "started_at": None,
        "finished_at": None,
        "outputs": None,
    }


async def find_key(database: Database, owner_id: OwnerId, key: str) -> Row | None:
    """(body_digest, job_id) of an idempotency key used within 24 hours."""
    return await database.fetchrow(
        "SELECT body_digest, job_id FROM idempotency_keys WHERE owner_id = $1 AND key = $2",
        owner_id,
        key,
    )


async def forget_old_key(database: Database, owner_id: OwnerId, key: str) -> bool:
    """Make a key of more than 24 hours ago usable again; the sweep may not have come by yet."""
    done = await database.execute(
        """DELETE FROM idempotency_keys
           WHERE owner_id = $1 AND key = $2 AND created_at < now() - interval '24 hours'""",
        owner_id,
        key,
    )
    return done != "DELETE 0"


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
    return await database.fetchrow(_SHOWN + "WHERE j.id = $1 AND j.owner_id = $2", job_id, owner_id)


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
        f"{_SHOWN} WHERE j.owner_id = $1 {where} ORDER BY j.id {order} LIMIT {limit:d}",
        owner_id,
        *values,
    )


async def position(database: Database, job_id: JobId | UUID, priority: int) -> int:
    """How many waiting jobs are before this one, plus one; counts at most 1,000."""
    count: int = await database.fetchval(
        """SELECT count(*) FROM (
               SELECT FROM jobs WHERE status = 'pending'
                 AND (priority > $2 OR (priority = $2 AND id < $1))
               LIMIT 999) AS before""",
        job_id,
        priority,
    )
    return count + 1


async def find_reusable(database: Database, owner_id: OwnerId, digest: bytes) -> Row | None:
    """The newest completed job of this owner with the digest, all of whose outputs still exist."""
    return await database.fetchrow(
        f"""SELECT j.id FROM jobs j
            WHERE j.owner_id = $1 AND j.digest = $2 AND j.status = 'completed' AND {_WHOLE}
            ORDER BY j.id DESC LIMIT 1""",  # noqa: S608
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
    WHERE id = ANY($1) AND status IN ('pending', 'processing')
    RETURNING id, owner_id, attempt, tries, crashes, type, prompt, model, provider, count, price,
              request, request_id
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind, data)
    SELECT owner_id, id, 'processing', 'stage', '{"stage": "understanding"}' FROM job
)
SELECT * FROM job
"""


async def start_attempts(database: Database, job_ids: list[JobId]) -> list[Attempt | None]:
    """Begin the next attempt of each job; None where the job has ended. A job that is asked for
    twice is given once: two holders of one number could not be told apart."""
    rows = await database.fetch(_START, job_ids)
    started = {row["id"]: _attempt(row) for row in rows}
    return [started.pop(job_id, None) for job_id in job_ids]


def _attempt(row: Row) -> Attempt:
    return Attempt(
        job_id=JobId(UUID(int=row["id"].int)),
        owner_id=OwnerId(UUID(int=row["owner_id"].int)),
        number=row["attempt"],
        tries=row["tries"],
        crashes=row["crashes"],
        type=row["type"],
        prompt=UserPrompt(CleanText(row["prompt"])),
        model=row["model"],
        provider=row["provider"],
        count=row["count"],
        price=row["price"],
        request=row["request"],
        request_id=row["request_id"],
    )


@dataclass(frozen=True, slots=True)
class Note:
    """What happened in the middle of an attempt: stage and progress, lines of the story, steps
    for the journal."""

    attempt: Attempt
    stage: str | None = None
    progress: float | None = None
    optimized_prompt: str | None = None
    events: tuple[tuple[str, dict[str, Any]], ...] = ()  # (kind, data)
    steps: tuple[tuple[str, str, Any], ...] = ()  # (name, state, result)


_NOTE = """
WITH noted AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1) AS noted (
        id uuid, attempt int, stage text, progress real, optimized_prompt text,
        events jsonb, steps jsonb)
), job AS (
    UPDATE jobs SET stage = coalesce(noted.stage, jobs.stage), progress = noted.progress,
           revision = revision + 1,
           optimized_prompt = coalesce(noted.optimized_prompt, jobs.optimized_prompt)
    FROM noted
    WHERE jobs.id = noted.id AND jobs.attempt = noted.attempt AND jobs.status = 'processing'
    RETURNING jobs.id, jobs.owner_id, noted.attempt, noted.events, noted.steps
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind, data)
    SELECT owner_id, id, 'processing', line ->> 0, line -> 1
    FROM job, jsonb_array_elements(events) WITH ORDINALITY AS told (line, place)
    ORDER BY id, place
), step AS (
    INSERT INTO steps (job_id, name, attempt, state, result)
    SELECT id, entry ->> 0, attempt, entry ->> 1, entry -> 2
    FROM job, jsonb_array_elements(steps) AS entry
    ON CONFLICT (job_id, name) DO UPDATE
    SET attempt = excluded.attempt, state = excluded.state, result = excluded.result, at = now()
)
SELECT id, attempt FROM job
"""


async def note(database: Database, notes: list[Note]) -> list[bool]:
    """Write what happened so far; False where the attempt was fenced."""
    rows = await database.fetch(
        _NOTE,
        [
            {
                "id": one.attempt.job_id,
                "attempt": one.attempt.number,
                "stage": one.stage,
                "progress": one.progress,
                "optimized_prompt": one.optimized_prompt,
                "events": one.events,
                "steps": one.steps,
            }
            for one in notes
        ],
    )
    return _written(rows, [one.attempt for one in notes])


def _written(rows: list[Row], attempts: list[Attempt]) -> list[bool]:
    """Which of the attempts a statement wrote for. Of two attempts at one job only one can be."""
    written = {(row["id"], row["attempt"]) for row in rows}
    return [(attempt.job_id, attempt.number) in written for attempt in attempts]


async def recorded_steps(database: Database, job_id: JobId) -> dict[str, tuple[str, Any]]:
    """What earlier attempts recorded: name to (state, result)."""
    rows = await database.fetch("SELECT name, state, result FROM steps WHERE job_id = $1", job_id)
    return {row["name"]: (row["state"], row["result"]) for row in rows}


async def delivered_indexes(database: Database, job_id: JobId) -> dict[int, str]:
    """Variants that are already delivered: index to status."""
    rows = await database.fetch("SELECT index, status FROM outputs WHERE job_id = $1", job_id)
    return {row["index"]: row["status"] for row in rows}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Finished variants and, unless status is `processing`, the end of the job."""

    attempt: Attempt
    made: tuple[Made, ...]
    events: tuple[tuple[str, dict[str, Any]], ...]  # (kind, data)
    status: str = "processing"
    error: dict[str, Any] | None = None
    charged: int | None = None


# Outputs and the end of their job are one statement, so that a reader sees a completed job with
# all its outputs or neither. An output is written once; the primary key (job_id, index) holds even
# if two attempts should ever meet here.
_DELIVER = """
WITH handed AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1) AS handed (
        id uuid, attempt int, status text, error jsonb, charged int, adjustments text[],
        usd numeric, made jsonb, events jsonb)
), job AS (
    UPDATE jobs SET status = handed.status, revision = revision + 1, error = handed.error,
           charged = handed.charged,
           stage = CASE WHEN handed.status = 'processing' THEN stage END,
           progress = CASE WHEN handed.status = 'processing' THEN progress END,
           finished_at = CASE WHEN handed.status = 'processing' THEN NULL ELSE now() END,
           adjustments = CASE WHEN handed.adjustments <@ jobs.adjustments THEN jobs.adjustments
                              ELSE jobs.adjustments || handed.adjustments END,
           usd = CASE WHEN handed.usd IS NULL THEN jobs.usd
                      ELSE coalesce(jobs.usd, 0) + handed.usd END
    FROM handed
    WHERE jobs.id = handed.id AND jobs.attempt = handed.attempt AND jobs.status = 'processing'
    RETURNING jobs.id, jobs.owner_id, jobs.attempt, jobs.prompt, jobs.model,
              handed.made, handed.events
), made AS MATERIALIZED (
    SELECT job.id AS job_id, job.owner_id, job.prompt, job.model, made.*
    FROM job, jsonb_to_recordset(job.made) AS made (
        index smallint, status text, asset_id uuid, width int, height int, format text,
        bytes bigint, sha256 text, seed bigint, thumbhash text, text text, error jsonb)
), asset AS (
    INSERT INTO assets (id, owner_id, job_id, index, width, height, format, bytes, sha256,
                        thumbhash, seed, prompt, model)
    SELECT asset_id, owner_id, job_id, index, width, height, format, bytes, decode(sha256, 'hex'),
           decode(thumbhash, 'hex'), seed, prompt, model
    FROM made WHERE asset_id IS NOT NULL
), output AS (
    INSERT INTO outputs (job_id, index, status, asset_id, text, seed, error)
    SELECT job_id, index, status, asset_id, text, seed, error FROM made
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind, data)
    SELECT owner_id, id, line ->> 0, line ->> 1, line -> 2
    FROM job, jsonb_array_elements(events) WITH ORDINALITY AS told (line, place)
    ORDER BY id, place
)
SELECT id, attempt FROM job
"""


async def deliver(database: Database, deliveries: list[Delivery]) -> list[bool]:
    """Store finished variants and ends of jobs. False: that attempt was fenced."""
    rows = await database.fetch(_DELIVER, [_handed(one) for one in deliveries])
    return _written(rows, [one.attempt for one in deliveries])


def _handed(delivery: Delivery) -> dict[str, Any]:
    lines = [("processing", kind, data) for kind, data in delivery.events]
    if delivery.status != "processing":
        lines.append((delivery.status, delivery.status, {}))
    usd = [Decimal(one.usd) for one in delivery.made if one.usd is not None]
    return {
        "id": delivery.attempt.job_id,
        "attempt": delivery.attempt.number,
        "status": delivery.status,
        "error": delivery.error,
        "charged": delivery.charged,
        "adjustments": list(dict.fromkeys(t for one in delivery.made for t in one.adjustments)),
        "usd": str(sum(usd)) if usd else None,
        "made": [_output_row(one) for one in delivery.made],
        "events": lines,
    }


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
