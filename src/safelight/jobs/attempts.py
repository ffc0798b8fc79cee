"""The SQL of attempts. Every statement carries the attempt's number: no row back means that it was
fenced, and the caller stops."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import Any, Literal
from uuid import UUID

from safelight.credits.ledger import SETTLE
from safelight.database.pool import Database, Row
from safelight.jobs.model import Attempt, Made
from safelight.values.ids import JobId, acting_for
from safelight.values.prompts import CleanText, UserPrompt

# The next attempt: one number higher, so that whoever held the job before can write nothing more.
# An attempt that never ended (the row still says processing) counts as a crash. The lane has come
# as far as the highest tag that was started in it.
#
# A job that another one of its owner should overtake, because that is more urgent or was overtaken
# itself, is not started but told of: the entries of the two then trade places (jobs/turns.py).
# After `patience` it is overtaken no more. The two questions are apart because each is one short
# walk along jobs_waiting; together they would walk along all that the owner has in the queue.
_START = """
WITH asked AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1) AS asked (id uuid, tag bigint, overtakable boolean)
), held_up AS MATERIALIZED (
    SELECT mine.id FROM asked JOIN jobs mine ON mine.id = asked.id
    WHERE asked.overtakable AND mine.status = 'pending' AND mine.attempt = 0
      AND mine.created_at > now() - make_interval(secs => $2)
      AND (EXISTS (SELECT FROM jobs other
                   WHERE other.owner_id = mine.owner_id AND other.provider = mine.provider
                     AND other.status = 'pending' AND other.attempt = 0
                     AND other.priority > mine.priority)
           OR EXISTS (SELECT FROM jobs other
                      WHERE other.owner_id = mine.owner_id AND other.provider = mine.provider
                        AND other.status = 'pending' AND other.attempt = 0
                        AND other.priority = mine.priority
                        AND other.id < mine.id AND other.tag > mine.tag))
), job AS (
    UPDATE jobs SET status = 'processing', stage = 'understanding', progress = NULL,
           attempt = attempt + 1, revision = revision + 1,
           crashes = crashes + (status = 'processing')::int,
           started_at = coalesce(started_at, now())
    FROM asked
    WHERE jobs.id = asked.id AND status IN ('pending', 'processing')
      AND jobs.id NOT IN (SELECT id FROM held_up)
    RETURNING jobs.id, owner_id, attempt, tries, crashes, type, prompt, model, provider, count,
              price, request, request_id, asked.tag, deadline_at < now() AS overdue
), lane AS (
    UPDATE lanes SET virtual = reached.tag
    FROM (SELECT locked.name, max(job.tag) AS tag
          FROM (SELECT name FROM lanes WHERE name IN (SELECT provider FROM job)
                ORDER BY name FOR NO KEY UPDATE) AS locked
          JOIN job ON job.provider = locked.name GROUP BY locked.name) AS reached
    WHERE lanes.name = reached.name AND lanes.virtual < reached.tag
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind, data)
    SELECT owner_id, id, 'processing', 'stage', '{"stage": "understanding"}' FROM job
)
SELECT asked.id AS claimed_id, job.*, held_up.id IS NOT NULL AS held_up
FROM asked LEFT JOIN job ON job.id = asked.id LEFT JOIN held_up ON held_up.id = asked.id
WHERE job.id IS NOT NULL OR held_up.id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """An entry of the queue in the hands of a worker. overtakable: a more urgent job of the same
    owner may go first."""

    job_id: JobId
    tag: int
    overtakable: bool = True


HELD_UP: Literal["held up"] = "held up"
Started = Attempt | Literal["held up"] | None


async def start_attempts(
    database: Database, claims: list[Claim], *, patience_s: float = 600.0
) -> list[Started]:
    """Begin the next attempt of each claimed job; None where the job has ended, HELD_UP where
    another one should go first. A job that is asked for twice is given once: two holders of one
    number could not be told apart."""
    rows = await database.fetch(
        _START,
        [{"id": c.job_id, "tag": c.tag, "overtakable": c.overtakable} for c in claims],
        patience_s,
    )
    started: dict[UUID, Started] = {
        row["claimed_id"]: HELD_UP if row["held_up"] else _attempt(row) for row in rows
    }
    return [started.pop(claim.job_id, None) for claim in claims]


def _attempt(row: Row) -> Attempt:
    return Attempt(
        job_id=JobId(UUID(int=row["id"].int)),
        owner_id=acting_for(row["owner_id"]),
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
        overdue=row["overdue"],
    )


@dataclass(frozen=True, slots=True)
class Prediction:
    """One request at the provider: that it is asked, or what came of it.

    attempt: the one that asked. provider_id: of the ticket. code, message: of the failure.
    """

    index: int
    attempt: int
    state: Literal["asked", "ticket", "answered", "failed", "unknown", "cancelled"]
    provider_id: str | None = None
    code: str | None = None
    message: str | None = None
    usd: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What happened in the middle of an attempt: stage and progress, lines of the story, steps
    for the journal, and what came of requests at the provider."""

    attempt: Attempt
    stage: str | None = None
    progress: float | None = None
    optimized_prompt: str | None = None
    events: tuple[tuple[str, dict[str, Any]], ...] = ()  # (kind, data)
    steps: tuple[tuple[str, str, Any], ...] = ()  # (name, state, result)
    predictions: tuple[Prediction, ...] = ()


_NOTE = """
WITH noted AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1) AS noted (
        id uuid, attempt int, stage text, progress real, optimized_prompt text,
        events jsonb, steps jsonb, predictions jsonb)
), job AS (
    UPDATE jobs SET stage = coalesce(noted.stage, jobs.stage), progress = noted.progress,
           revision = revision + 1,
           optimized_prompt = coalesce(noted.optimized_prompt, jobs.optimized_prompt)
    FROM noted
    WHERE jobs.id = noted.id AND jobs.attempt = noted.attempt AND jobs.status = 'processing'
    RETURNING jobs.id, jobs.owner_id, jobs.provider, jobs.model, noted.attempt, noted.events,
              noted.steps, noted.predictions
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
), prediction AS (
    INSERT INTO predictions (job_id, index, attempt, provider, model, state, provider_id, code,
                             message, usd, ended_at)
    SELECT id, told.index, told.attempt, provider, model, told.state, told.provider_id, told.code,
           told.message, told.usd, CASE WHEN told.state NOT IN ('asked', 'ticket') THEN now() END
    FROM job, jsonb_to_recordset(predictions) AS told (
        index smallint, attempt int, state text, provider_id text, code text, message text,
        usd numeric)
    ON CONFLICT (job_id, index, attempt) DO UPDATE
    SET state = excluded.state, ended_at = excluded.ended_at, code = excluded.code,
        message = excluded.message, usd = excluded.usd,
        provider_id = coalesce(excluded.provider_id, predictions.provider_id)
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
                "predictions": [asdict(told) for told in one.predictions],
            }
            for one in notes
        ],
    )
    # Of two attempts at one job only one can have been written for.
    written = {(row["id"], row["attempt"]) for row in rows}
    return [(one.attempt.job_id, one.attempt.number) in written for one in notes]


@dataclass(frozen=True, slots=True)
class Step:
    """A step as the journal has it. attempt: the one that wrote it."""

    state: Literal["", "intent", "ticket", "done", "failed"] = ""
    result: Any = None
    attempt: int = 0


async def recorded_steps(database: Database, job_id: JobId) -> dict[str, Step]:
    """What earlier attempts recorded, by name."""
    rows = await database.fetch(
        "SELECT name, state, result, attempt FROM steps WHERE job_id = $1", job_id
    )
    return {row["name"]: Step(row["state"], row["result"], row["attempt"]) for row in rows}


async def delivered_indexes(database: Database, job_id: JobId) -> dict[int, str]:
    """Variants that are already delivered: index to status."""
    rows = await database.fetch("SELECT index, status FROM outputs WHERE job_id = $1", job_id)
    return {row["index"]: row["status"] for row in rows}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Finished variants and, unless status is `processing`, the end of the job.

    dead: it failed for a reason that somebody should look at.
    """

    attempt: Attempt
    made: tuple[Made, ...]
    events: tuple[tuple[str, dict[str, Any]], ...]  # (kind, data)
    status: str = "processing"
    error: dict[str, Any] | None = None
    charged: int | None = None
    dead: bool = False


class Delivered(Enum):
    """What became of a delivery. FREED: its job has ended, and a parked one of its owner can go."""

    FENCED = auto()
    WRITTEN = auto()
    FREED = auto()


# Outputs, the end of their job and what it cost are one statement, so that a reader sees a
# completed job with all its outputs or neither. An output is written once; the primary key
# (job_id, index) holds even if two attempts should ever meet here.
_DELIVER = """
WITH handed AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1) AS handed (
        id uuid, attempt int, status text, error jsonb, charged int, adjustments text[],
        usd numeric, made jsonb, events jsonb, dead boolean)
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
    RETURNING jobs.id, jobs.owner_id, jobs.attempt, jobs.prompt, jobs.model, jobs.provider,
              jobs.status, jobs.charged, jobs.price, jobs.error, handed.made, handed.events,
              handed.dead
), ended AS MATERIALIZED (
    SELECT id, owner_id, charged, false AS was_parked, 'release' AS release_kind
    FROM job WHERE status <> 'processing'
), {settle}, made AS MATERIALIZED (
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
), letter AS (
    INSERT INTO dead_letters (job_id, code, provider, model)
    SELECT id, error ->> 'code', provider, model FROM job WHERE dead AND status = 'failed'
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind, data)
    SELECT job.owner_id, job.id, line ->> 0, line ->> 1,
           CASE WHEN line ->> 0 <> 'processing' AND price > 0
                THEN jsonb_build_object('available', paid.available, 'held', paid.held)
                ELSE line -> 2 END
    FROM job LEFT JOIN paid ON paid.id = job.owner_id,
         jsonb_array_elements(events) WITH ORDINALITY AS told (line, place)
    ORDER BY job.id, place
)
SELECT job.id, job.attempt, coalesce(paid.parked_jobs > 0, false) AS freed
FROM job LEFT JOIN paid ON paid.id = job.owner_id AND job.status <> 'processing'
"""

_DELIVER = _DELIVER.replace("{settle}", SETTLE.strip())


async def deliver(database: Database, deliveries: list[Delivery]) -> list[Delivered]:
    """Store finished variants and ends of jobs."""
    rows = await database.fetch(_DELIVER, [_handed(one) for one in deliveries])
    written = {
        (row["id"], row["attempt"]): Delivered.FREED if row["freed"] else Delivered.WRITTEN
        for row in rows
    }
    return [
        written.get((one.attempt.job_id, one.attempt.number), Delivered.FENCED)
        for one in deliveries
    ]


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
        "dead": delivery.dead,
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
