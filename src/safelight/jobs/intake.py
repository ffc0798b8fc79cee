"""The SQL of admission: jobs, their holds, entries, first events and idempotency keys; reuse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from safelight.credits.ledger import HOLD
from safelight.database.pool import Database, Row
from safelight.jobs.model import PRIORITY_NUMBERS, Order
from safelight.values.ids import OwnerId

# One statement is one transaction and one round trip, for all orders that wait for it: each job,
# the credits held for it, its queue entry, its first event and its idempotency key are durable
# together or not at all. The owners' accounts are locked first; then, in the order of places,
#
#   weighed     what each order would cost and open, summed up with those of the owner before it
#   affordable  those that fit into what is available and into the number of open jobs
#   taken       those of them whose idempotency key is new; for the others nothing is written
#   queued      taken, less what an earlier result (`found`) completes at once, with their tags
#
# An order that does not fit beside others may fit alone: `insert_once` asks again.
# The entry is what PgQueuer's own enqueue writes, less its log line (tests/queueing compares them).
_ADMIT = """
WITH ordered AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1) AS ordered (
        place int, id uuid, owner_id uuid, type text, prompt text, model text, provider text,
        request jsonb, count smallint, digest text, price int, priority smallint, session_id uuid,
        retry_of uuid, warnings text[], request_id text, key text, body_digest text,
        may_reuse boolean, open_max int, running_max int, deadline_s float8, hold_s float8,
        sources jsonb)
), payer AS MATERIALIZED (
    SELECT id, unlimited, granted, available, held, used, open_jobs, parked_jobs FROM accounts
    WHERE id IN (SELECT owner_id FROM ordered) AND closed_at IS NULL
    ORDER BY id FOR NO KEY UPDATE
), weighed AS MATERIALIZED (
    SELECT *, sum(cost) OVER mine AS spent, count(*) FILTER (WHERE opens) OVER mine AS opened
    FROM (SELECT ordered.*, found.id AS found_id, found.id IS NULL AS opens,
                 CASE WHEN found.id IS NULL THEN price ELSE 0 END AS cost,
                 payer.unlimited, payer.available, payer.held, payer.open_jobs, payer.parked_jobs
          FROM ordered JOIN payer ON payer.id = ordered.owner_id
          LEFT JOIN LATERAL (
              SELECT j.id FROM jobs j
              WHERE ordered.may_reuse AND j.owner_id = ordered.owner_id
                AND j.digest = decode(ordered.digest, 'hex') AND j.status = 'completed'
                AND {whole}
              ORDER BY j.id DESC LIMIT 1) AS found ON true
          WHERE NOT EXISTS (SELECT FROM idempotency_keys used
                            WHERE used.owner_id = ordered.owner_id AND used.key = ordered.key)
         ) AS priced
    WINDOW mine AS (PARTITION BY owner_id ORDER BY place)
), affordable AS MATERIALIZED (
    SELECT * FROM weighed
    WHERE (unlimited OR spent <= available)
      AND (open_max IS NULL OR NOT opens OR open_jobs + opened <= open_max)
), claimed AS (
    INSERT INTO idempotency_keys (owner_id, key, body_digest, job_id)
    SELECT owner_id, key, decode(body_digest, 'hex'), id FROM affordable
    WHERE key IS NOT NULL ORDER BY place
    ON CONFLICT DO NOTHING
    RETURNING job_id
), taken AS MATERIALIZED (
    SELECT *, CASE WHEN unlimited THEN available ELSE available - sum(cost) OVER mine END
              AS left_after,
           held + sum(cost) OVER mine AS held_after,
           opens AND coalesce(open_jobs - parked_jobs + count(*) FILTER (WHERE opens) OVER mine
                              > running_max, false) AS parked
    FROM affordable
    WHERE key IS NULL OR id IN (SELECT job_id FROM claimed)
    WINDOW mine AS (PARTITION BY owner_id ORDER BY place)
), {hold}, turn AS (
    INSERT INTO turns (lane, owner_id, tag, added)
    SELECT provider, owner_id, coalesce(lanes.virtual, 0) + sum(count), sum(count)
    FROM taken LEFT JOIN lanes ON lanes.name = taken.provider
    WHERE opens
    GROUP BY provider, owner_id, lanes.virtual ORDER BY provider, owner_id
    ON CONFLICT (lane, owner_id) DO UPDATE
    SET tag = GREATEST(turns.tag + excluded.added, excluded.tag), added = excluded.added
    RETURNING lane, owner_id, tag
), queued AS MATERIALIZED (
    SELECT taken.*, turn.tag + taken.count - sum(taken.count) OVER (
               PARTITION BY taken.owner_id, taken.provider ORDER BY place DESC) AS tag
    FROM taken JOIN turn ON turn.owner_id = taken.owner_id AND turn.lane = taken.provider
    WHERE opens
), entry AS (
    INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status)
    SELECT -tag, CASE WHEN parked THEN 'parked' ELSE provider END, uuid_send(id), 'queued'
    FROM queued ORDER BY place
    RETURNING id, priority, payload
), job AS (
    INSERT INTO jobs (id, owner_id, type, prompt, model, provider, request, count, digest, price,
                      priority, session_id, retry_of, warnings, request_id, deadline_at, entry,
                      tag, parked, status, reused, charged, started_at, finished_at)
    SELECT taken.id, owner_id, type, prompt, model, provider, request, count,
           decode(digest, 'hex'), cost, taken.priority, session_id, retry_of, warnings, request_id,
           now() + make_interval(secs => deadline_s), entry.id, coalesce(-entry.priority, 0),
           parked,
           CASE WHEN opens THEN 'pending' ELSE 'completed' END,
           CASE WHEN NOT opens THEN jsonb_build_object('kind', 'exact', 'job_id', found_id) END,
           CASE WHEN NOT opens THEN 0 END,
           CASE WHEN NOT opens THEN now() END,
           CASE WHEN NOT opens THEN now() END
    FROM taken LEFT JOIN entry ON entry.payload = uuid_send(taken.id)
), kept AS (
    INSERT INTO outputs (job_id, index, status, asset_id, text, seed)
    SELECT taken.id, o.index, o.status, o.asset_id, o.text, o.seed
    FROM taken JOIN outputs o ON o.job_id = taken.found_id
), event AS (
    INSERT INTO events (owner_id, job_id, status, kind, data)
    SELECT owner_id, id, CASE WHEN opens THEN 'pending' ELSE 'completed' END,
           CASE WHEN opens THEN 'snapshot' ELSE 'completed' END,
           CASE WHEN cost > 0 THEN jsonb_build_object('available', left_after, 'held', held_after)
                ELSE '{}' END
    FROM taken ORDER BY place
)
SELECT ordered.id, now() AS created_at, payer.available, payer.open_jobs,
       CASE WHEN taken.id IS NOT NULL THEN CASE WHEN taken.opens THEN 'new' ELSE 'reused' END
            WHEN payer.id IS NULL THEN 'nobody'
            WHEN weighed.id IS NULL OR affordable.id IS NOT NULL THEN 'known'
            WHEN weighed.unlimited OR weighed.spent <= weighed.available THEN 'full'
            ELSE 'short' END AS outcome
FROM ordered
LEFT JOIN payer ON payer.id = ordered.owner_id
LEFT JOIN weighed ON weighed.id = ordered.id
LEFT JOIN affordable ON affordable.id = ordered.id
LEFT JOIN taken ON taken.id = ordered.id
"""

# All of a job's outputs are there, completed, and none was deleted from the gallery.
_WHOLE = """(SELECT count(*) = j.count AND bool_and(
                 o.status = 'completed' AND (o.asset_id IS NULL OR a.deleted_at IS NULL))
             FROM outputs o LEFT JOIN assets a ON a.id = o.asset_id WHERE o.job_id = j.id)"""

_ADMIT = _ADMIT.replace("{whole}", _WHOLE).replace("{hold}", HOLD.strip())

# A statement of its own for orders that start from pictures: the others do not pay for it.
_ADMIT_WITH_SOURCES = _ADMIT.replace(
    "), event AS (",
    """), source AS (
    INSERT INTO sources (job_id, place, asset_id)
    SELECT taken.id, named.place, named.asset_id
    FROM taken, jsonb_to_recordset(taken.sources) AS named (place smallint, asset_id uuid)
), event AS (""",
)

HOLD_OUTLIVES_S = 600.0  # a hold must not expire before its job, whatever is slow


@dataclass(frozen=True, slots=True)
class Admitted:
    """What became of an order.

    outcome: `new` it waits in the queue; `reused` it was completed at once with an earlier result;
    `known` its idempotency key was used before; `short` of credits; `full` the owner has as many
    open jobs as allowed; `nobody` the owner has no account, or it was closed. For the
    last four nothing was written.
    available, open_jobs: of the account, before the order.
    """

    outcome: Literal["new", "reused", "known", "short", "full", "nobody"]
    created_at: datetime
    available: int
    open_jobs: int


async def insert_once(database: Database, orders: list[Order]) -> list[Admitted]:
    """Record the orders with all that belongs to them; one answer an order."""
    admitted = await _insert(database, orders)
    if len(orders) == 1:
        return admitted
    # Beside others an order may not have fitted only because of one that was not taken either.
    return [
        (await _insert(database, [order]))[0] if one.outcome in ("short", "full") else one
        for order, one in zip(orders, admitted, strict=True)
    ]


async def _insert(database: Database, orders: list[Order]) -> list[Admitted]:
    has_sources = any(order.references or order.mask for order in orders)
    rows = await database.fetch(
        _ADMIT_WITH_SOURCES if has_sources else _ADMIT,
        [_ordered(order) | {"place": place} for place, order in enumerate(orders)],
    )
    found = {row["id"]: row for row in rows}
    return [
        Admitted(row["outcome"], row["created_at"], row["available"] or 0, row["open_jobs"] or 0)
        for row in (found[order.id] for order in orders)
    ]


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
        "open_max": order.open_max,
        "running_max": order.running_max,
        "deadline_s": order.deadline_s,
        "hold_s": order.deadline_s + HOLD_OUTLIVES_S,
        "sources": _sources(order),
    }


def _sources(order: Order) -> list[dict[str, Any]]:
    named = list(enumerate(order.references)) + ([(-1, order.mask)] if order.mask else [])
    return [{"place": place, "asset_id": asset_id} for place, asset_id in named]


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
        """SELECT body_digest, job_id FROM idempotency_keys
           WHERE owner_id = $1 AND key = $2 AND created_at >= now() - interval '24 hours'""",
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


async def asset_ids(database: Database, owner_id: OwnerId, job_id: UUID) -> list[UUID]:
    """The pictures that a job of the owner shows."""
    rows = await database.fetch(
        """SELECT asset_id FROM outputs JOIN jobs ON jobs.id = job_id
           WHERE job_id = $2 AND owner_id = $1 AND asset_id IS NOT NULL ORDER BY index""",
        owner_id,
        job_id,
    )
    return [row["asset_id"] for row in rows]
