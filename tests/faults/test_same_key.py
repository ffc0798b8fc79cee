"""An order repeated with its key is one order, whoever dies between its commit and its answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import UUID

import asyncpg
import httpx2

from tests.faults.customers import open_accounts, open_clients, picture, submit
from tests.faults.harness import Fleet
from tests.faults.lab import PRICE
from tests.faults.schedule import LONG

KEYS = 100 if LONG else 10
AT_ONCE = 100
OTHER = UUID(int=KEYS + 1)


async def test_a_hundred_clients_with_one_key_get_one_job(database_url: str, lab_url: str) -> None:
    """One of two servers dies between the commit and the answer, for every key anew. Each is
    somebody else's. Every other can pay for one only: who repeats his order must not be told that
    he is short. The rest could pay for all of them."""
    users = [UUID(int=number + 1) for number in range(KEYS)]
    budget = {number: (AT_ONCE if number % 2 else 1) * PRICE for number in range(KEYS)}
    await open_accounts(database_url, users, budget=budget)
    await open_accounts(database_url, [OTHER], budget=KEYS * PRICE)

    async with (
        Fleet.running(database_url, lab_url, apis=2, workers=0) as fleet,
        open_clients(fleet.urls, AT_ONCE) as clients,
    ):
        unanswered = 0
        for number, user in enumerate(users):
            key, body = f"key-{number}", picture(number)
            await fleet.crash_at("api-1", "after_admission")
            asked = [_insist(clients[n % 2], user, body, key) for n in range(AT_ONCE)]
            answers = await asyncio.gather(*asked)
            unanswered += sum(times for _, times in answers)

            assert Counter(answer.status_code for answer, _ in answers) == {202: AT_ONCE}
            (job_id,) = {answer.json()["id"] for answer, _ in answers}
            other_body = await submit(clients[1], user, picture(number, count=2), key)
            assert other_body.status_code == 422
            assert other_body.json()["code"] == "idempotency_mismatch"
            other_user = await submit(clients[1], OTHER, body, key)
            assert other_user.status_code == 202
            assert other_user.json()["id"] != job_id
            await fleet.ready("api-1")
        killed = sum(death.name == "api-1" for death in fleet.deaths)

    assert await _jobs(database_url) == dict.fromkeys(users, 1) | {OTHER: KEYS}
    assert killed >= KEYS / 2, "the server was to die between commit and answer"
    assert unanswered >= killed


async def test_the_repetition_of_an_order_that_took_the_last_credits_is_not_refused(
    database_url: str, lab_url: str
) -> None:
    """Asked of two servers at the same moment: one of them waits for the account, and finds it
    empty when its turn comes."""
    users = [UUID(int=number + 1) for number in range(4 * KEYS)]
    await open_accounts(database_url, users, budget=PRICE)

    async with (
        Fleet.running(database_url, lab_url, apis=2, workers=0) as fleet,
        open_clients(fleet.urls, 4) as clients,
    ):
        for user in users:
            answers = await asyncio.gather(
                *(submit(client, user, picture(), "last") for client in clients * 2)
            )

            assert {answer.status_code for answer in answers} == {202}
            assert len({answer.json()["id"] for answer in answers}) == 1


async def _insist(
    client: httpx2.AsyncClient, user: UUID, body: dict[str, object], key: str
) -> tuple[httpx2.Response, int]:
    """The answer, and how often there was none before."""
    times = 0
    while True:
        try:
            answer = await submit(client, user, body, key)
        except httpx2.HTTPError:
            times += 1
            await asyncio.sleep(0.1)
            continue
        if answer.status_code != 503:
            return answer, times
        await asyncio.sleep(0.1)


async def _jobs(database_url: str) -> dict[UUID, int]:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("SELECT owner_id, count(*) FROM jobs GROUP BY 1 ORDER BY 1")
    held = await connection.fetchval("SELECT sum(held) FROM accounts")
    await connection.close()
    assert held == 2 * KEYS * PRICE
    return {UUID(int=row["owner_id"].int): row["count"] for row in rows}
