"""Who has much to do waits for himself, not for others to wait for him."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import UUID

import asyncpg
import httpx2

from tests.fakes.lab_api import Weather
from tests.faults.conftest import eventually
from tests.faults.customers import open_accounts, open_clients, picture, submit
from tests.faults.harness import Fleet
from tests.faults.schedule import LONG

QUEUED = 10_000 if LONG else 1_000
PLACES = 4
SLOT_S = 0.2
EQUALS, EACH = 10, (120 if LONG else 30)
GREEDY, MODEST = UUID(int=1), UUID(int=2)


async def test_one_picture_behind_a_thousand_of_somebody_else_is_begun_at_once(
    database_url: str, lab_url: str
) -> None:
    await open_accounts(database_url, [GREEDY, MODEST])
    async with (
        Fleet.running(database_url, lab_url, workers=1, jobs_at_once=str(PLACES)) as fleet,
        open_clients([fleet.url], 32) as (client,),
    ):
        await fleet.weather(snap=Weather(latency_s=SLOT_S, jitter=0))
        await _submit_all(client, {GREEDY: [picture(n) for n in range(QUEUED)]})

        waits = []
        for number in range(5):
            answer = await submit(client, MODEST, picture(number))
            waits.append(await _wait_of(database_url, answer.json()["id"]))
        left = await _count(database_url, "status = 'pending'")

    print(f"waited {[round(wait, 2) for wait in waits]} s behind {left} others")
    assert max(waits) <= SLOT_S + 1
    assert left > QUEUED / 2, "there was nobody to wait behind"


async def test_ten_equal_users_get_equal_shares(database_url: str, lab_url: str) -> None:
    """Though they come one after the other, and half of them order three pictures at a time."""
    users = [UUID(int=number + 1) for number in range(EQUALS)]
    orders = {
        user: [picture(n, count=3) for n in range(EACH // 3)]
        if number % 2
        else [picture(n) for n in range(EACH)]
        for number, user in enumerate(users)
    }
    await open_accounts(database_url, users)
    async with (
        Fleet.running(database_url, lab_url, workers=0) as fleet,
        open_clients([fleet.url], 32) as (client,),
    ):
        await fleet.weather(snap=Weather(latency_s=0.05, jitter=0))
        await _submit_all(client, orders)
        fleet.add("worker-1", 0, "--worker-only", jobs_at_once=str(PLACES))
        await fleet.start("worker-1")

        async def half_done() -> bool:
            return await _count(database_url, "status = 'completed'") >= len(users) * EACH / 4

        await eventually(half_done, 120)
        shares = await _shares(database_url, EQUALS * EACH // 2)

    index = sum(shares) ** 2 / (len(users) * sum(share**2 for share in shares))
    print(f"shares of the first half {shares}, Jain's index {index:.3f}")
    assert len(shares) == EQUALS
    assert index >= 0.95


async def _submit_all(
    client: httpx2.AsyncClient, orders: dict[UUID, list[dict[str, object]]]
) -> None:
    """User after user, all orders of one at the same time."""
    for user, bodies in orders.items():
        answers = await asyncio.gather(*(submit(client, user, body) for body in bodies))
        assert {answer.status_code for answer in answers} == {202}


async def _wait_of(database_url: str, job_id: str) -> float:
    """How long the job waited, by the database's clock."""
    connection = await asyncpg.connect(database_url)
    try:
        while True:
            waited: float | None = await connection.fetchval(
                """SELECT extract(epoch FROM started_at - created_at)::float8
                   FROM jobs WHERE id = $1""",
                UUID(job_id),
            )
            if waited is not None:
                return waited
            await asyncio.sleep(0.02)
    finally:
        await connection.close()


async def _count(database_url: str, where: str) -> int:
    connection = await asyncpg.connect(database_url)
    count: int = await connection.fetchval(f"SELECT count(*) FROM jobs WHERE {where}")
    await connection.close()
    return count


async def _shares(database_url: str, first: int) -> list[int]:
    """Pictures of each user among the first that were made."""
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        """SELECT owner_id, count FROM jobs WHERE status = 'completed' ORDER BY finished_at"""
    )
    await connection.close()
    made: Counter[UUID] = Counter()
    for row in rows:
        if made.total() >= first:
            break
        made[row["owner_id"]] += row["count"]
    return sorted(made.values())
