"""The SQL of attempts. Every statement carries the attempt's number: no row back means that it was
fenced, and the caller stops."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from safelight.database.pool import Database, Row
from safelight.jobs.model import Attempt, Made
from safelight.values.ids import JobId, OwnerId
from safelight.values.prompts import CleanText, UserPrompt

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
