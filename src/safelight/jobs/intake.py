"""The SQL of admission: jobs, their queue entries, first events and idempotency keys; and reuse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from safelight.database.pool import Database, Row
from safelight.jobs.model import PRIORITY_NUMBERS, Order
from safelight.values.ids import OwnerId

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
