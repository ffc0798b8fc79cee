"""What must be true when everything has ended, however it got there: SQL that finds what is not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import asyncpg

from tests.faults.customers import Customers

# Each finds what must not be.
NEVER = {
    "a job that has not ended": "SELECT id FROM jobs WHERE finished_at IS NULL",
    "an end that was told not exactly once": """
        SELECT j.id, j.status, count(e.job_id) FROM jobs j LEFT JOIN events e
            ON e.job_id = j.id AND e.kind IN ('completed', 'failed', 'cancelled')
        GROUP BY j.id HAVING count(e.job_id) <> 1""",
    "an end told differently from what it was": """
        SELECT j.id, j.status, e.kind FROM jobs j JOIN events e
            ON e.job_id = j.id AND e.kind IN ('completed', 'failed', 'cancelled')
        WHERE e.kind <> j.status OR e.status <> j.status""",
    "a line of the story after its end": """
        SELECT late.job_id, late.kind, late.data FROM events late JOIN events e
            ON e.job_id = late.job_id AND e.kind IN ('completed', 'failed', 'cancelled')
        WHERE (late.xid, late.number) > (e.xid, e.number)""",
    "a completed job without all its outputs": """
        SELECT j.id, j.status, j.count, count(o.job_id) FROM jobs j
        LEFT JOIN outputs o ON o.job_id = j.id
        GROUP BY j.id HAVING j.status = 'completed' AND count(o.job_id) <> j.count
                          OR count(o.job_id) > j.count""",
    "a picture stored twice": """
        SELECT job_id, index, count(*) FROM assets GROUP BY job_id, index HAVING count(*) > 1""",
    "a picture no output knows": """
        SELECT a.id FROM assets a LEFT JOIN outputs o ON o.asset_id = a.id
        WHERE o.job_id IS DISTINCT FROM a.job_id OR o.index <> a.index""",
    "a charge that is not what was delivered": """
        SELECT j.id, j.status, j.price, j.charged, count(o.job_id) FROM jobs j
        LEFT JOIN outputs o ON o.job_id = j.id AND o.status = 'completed'
        GROUP BY j.id HAVING j.charged <> j.price / j.count * count(o.job_id)
                          OR j.charged IS NULL""",
    "a hold that is open": "SELECT job_id FROM holds WHERE ended_at IS NULL",
    "a price without its hold": """
        SELECT j.id FROM jobs j LEFT JOIN holds h ON h.job_id = j.id
        WHERE j.price <> coalesce(h.credits, 0)""",
    "a hold that was not settled as charged": """
        SELECT job_id, credits, confirmed, released, charged FROM holds JOIN jobs ON id = job_id
        WHERE confirmed IS DISTINCT FROM charged OR confirmed + released <> credits""",
    "postings of a job that do not end its hold": """
        SELECT j.id, j.price, j.charged, sum(credits) FILTER (WHERE pocket = 'held') AS left_held,
               sum(credits) FILTER (WHERE pocket = 'used') AS used
        FROM jobs j JOIN postings p ON p.job_id = j.id AND p.kind <> 'refund'
        GROUP BY j.id HAVING sum(credits) FILTER (WHERE pocket = 'held') <> 0
           OR coalesce(sum(credits) FILTER (WHERE pocket = 'used'), 0) <> j.charged""",
    "an entry of the ledger that is not balanced": """
        SELECT entry FROM postings GROUP BY entry HAVING sum(credits) <> 0 OR count(*) <> 2""",
    "an account that is not the sum of its postings": """
        SELECT a.id, a.granted, a.available, a.held, a.used, p.* FROM accounts a LEFT JOIN (
            SELECT account_id, -coalesce(sum(credits) FILTER (WHERE pocket = 'granted'), 0) AS g,
                   coalesce(sum(credits) FILTER (WHERE pocket = 'available'), 0) AS a,
                   coalesce(sum(credits) FILTER (WHERE pocket = 'held'), 0) AS h,
                   coalesce(sum(credits) FILTER (WHERE pocket = 'used'), 0) AS u
            FROM postings GROUP BY account_id) AS p ON p.account_id = a.id
        WHERE (a.granted, a.available, a.held, a.used)
              <> (coalesce(g, 0), coalesce(p.a, 0), coalesce(h, 0), coalesce(u, 0))""",
    "an account that believes in open jobs": """
        SELECT id, open_jobs, parked_jobs FROM accounts WHERE open_jobs <> 0 OR parked_jobs <> 0""",
    "an entry left in the queue": """
        SELECT id, entrypoint, status, encode(payload, 'hex') FROM queue.pgqueuer""",
    "a prediction nobody knows the end of": """
        SELECT job_id, index, attempt, state FROM predictions
        WHERE ended_at IS NULL AND state = 'answered'""",
}


async def wait_until_all_ended(database_url: str, within_s: float) -> None:
    """Every job has ended and nothing is in the queue."""
    import asyncio  # noqa: PLC0415
    import time  # noqa: PLC0415

    deadline = time.monotonic() + within_s
    connection = await asyncpg.connect(database_url)
    try:
        while await connection.fetchval(
            """SELECT EXISTS (SELECT FROM jobs WHERE finished_at IS NULL)
                   OR EXISTS (SELECT FROM queue.pgqueuer)"""
        ):
            assert time.monotonic() < deadline, await _left_over(connection)
            await asyncio.sleep(0.2)
    finally:
        await connection.close()


async def _left_over(connection: asyncpg.Connection) -> str:
    jobs = await connection.fetch(
        """SELECT j.*, q.id AS entry_id, q.status AS entry_status, q.entrypoint, q.execute_after,
                  q.heartbeat, q.queue_manager_id, now() AS now
           FROM jobs j LEFT JOIN queue.pgqueuer q ON q.payload = uuid_send(j.id)
           WHERE finished_at IS NULL LIMIT 5"""
    )
    entries = await connection.fetch("SELECT * FROM queue.pgqueuer LIMIT 5")
    told = "\n".join(str(dict(row)) for row in (*jobs, *entries))
    return f"not all jobs have ended:\n{told}"


async def what_is_wrong(database_url: str, customers: Customers) -> list[str]:
    """Sentences; empty when every promise was kept."""
    connection = await asyncpg.connect(database_url)
    try:
        wrong = list(customers.wrong)
        for what, sql in NEVER.items():
            if rows := await connection.fetch(sql):
                wrong.append(f"{len(rows)} × {what}, for example {dict(rows[0])}")
        wrong += await _promises_broken(connection, customers)
        return wrong
    finally:
        await connection.close()


async def _promises_broken(connection: asyncpg.Connection, customers: Customers) -> list[str]:
    there = {str(row["id"]) for row in await connection.fetch("SELECT id FROM jobs")}
    keys = {
        row["key"]: str(row["job_id"])
        for row in await connection.fetch("SELECT key, job_id FROM idempotency_keys")
    }
    wrong = [
        f"order {key} was accepted as {job_id}, which is not there"
        for key, job_id in customers.accepted.items()
        if job_id not in there
    ]
    wrong += [
        f"order {key} was accepted as {job_id}, but its key belongs to {keys.get(key)}"
        for key, job_id in customers.accepted.items()
        if keys.get(key) != job_id
    ]
    wrong += [f"order {key} was refused and is there" for key in customers.refused if key in keys]
    if extra := there - set(customers.accepted.values()):
        wrong.append(f"{len(extra)} jobs nobody was told of, for example {min(extra)}")
    return wrong


def called_too_often(books: dict[str, dict[str, dict[str, Any]]]) -> Counter[str]:
    """How many calls were accepted beyond one a picture, by provider and by why it is explained.

    unexplained: the provider had told its answer and nobody had left before it.
    """
    found: Counter[str] = Counter()
    for name, lines in books.items():
        for line in lines.values():
            extra = line["accepted"] - 1
            if extra <= 0:
                continue
            for why in ("lost", "abandoned", "hung", "cancelled"):
                explained = min(extra, line[why])
                found[f"{name} {why}"] += explained
                extra -= explained
            found[f"{name} unexplained"] += extra
    return +found


def accepted_calls(books: dict[str, dict[str, dict[str, Any]]]) -> int:
    return sum(line["accepted"] for lines in books.values() for line in lines.values())
