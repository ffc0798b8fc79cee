"""Nobody spends what he does not have, however many orders come at the same moment."""

from __future__ import annotations

import asyncio
import random
import re
from uuid import UUID

import asyncpg
import httpx2

from tests.faults.customers import open_accounts, open_clients, picture, submit
from tests.faults.harness import Fleet
from tests.faults.lab import PRICE
from tests.faults.schedule import LONG, SEED

ROUNDS = 50 if LONG else 5
AT_ONCE = 200
FIT = 10

_NEEDED = re.compile(r"This needs (\d+), you have (\d+)")


async def test_of_two_hundred_orders_at_once_exactly_those_are_taken_that_are_paid_for(
    database_url: str, lab_url: str
) -> None:
    users = [UUID(int=number + 1) for number in range(ROUNDS)]
    await open_accounts(database_url, users, budget=FIT * PRICE)

    async with (
        Fleet.running(database_url, lab_url, apis=2, workers=0) as fleet,
        open_clients(fleet.urls, AT_ONCE) as clients,
    ):
        for user in users:
            answers = await asyncio.gather(
                *(submit(clients[n % 2], user, picture(n)) for n in range(AT_ONCE))
            )

            statuses = [answer.status_code for answer in answers]
            assert statuses.count(202) == FIT
            assert statuses.count(402) == AT_ONCE - FIT
            for refused in (answer for answer in answers if answer.status_code == 402):
                _assert_says_why(refused)

    assert await _balances(database_url) == [(0, FIT * PRICE, FIT)] * ROUNDS


async def test_orders_of_different_prices_never_spend_more_than_there_is(
    database_url: str, lab_url: str
) -> None:
    """And none is refused that would have fitted into what was left in the end."""
    chance = random.Random(SEED)
    users = [UUID(int=number + 1) for number in range(ROUNDS)]
    budget = 41 * PRICE
    await open_accounts(database_url, users, budget=budget)

    async with (
        Fleet.running(database_url, lab_url, apis=2, workers=0) as fleet,
        open_clients(fleet.urls, AT_ONCE) as clients,
    ):
        for user in users:
            counts = [chance.randint(1, 4) for _ in range(AT_ONCE // 2)]
            answers = await asyncio.gather(
                *(
                    submit(clients[n % 2], user, picture(n, count=count))
                    for n, count in enumerate(counts)
                )
            )

            taken = [a.json()["price"]["credits"] for a in answers if a.status_code == 202]
            refused = [c for c, a in zip(counts, answers, strict=True) if a.status_code == 402]
            assert len(taken) + len(refused) == len(counts)
            left = budget - sum(taken)
            assert left >= 0
            assert not refused or left < min(refused) * PRICE

    for available, held, _ in await _balances(database_url):
        assert available + held == budget


def _assert_says_why(refused: httpx2.Response) -> None:
    problem = refused.json()
    assert problem["code"] == "insufficient_credits"
    assert problem["charged"] is False
    said = _NEEDED.search(problem["detail"])
    assert said, problem["detail"]
    needed, available = int(said[1]), int(said[2])
    assert needed == PRICE
    assert available < needed


async def _balances(database_url: str) -> list[tuple[int, int, int]]:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        """SELECT available, held, open_jobs FROM accounts
           WHERE NOT unlimited ORDER BY id"""
    )
    holds = await connection.fetchval("SELECT sum(credits) FROM holds")
    await connection.close()
    assert holds == sum(row["held"] for row in rows)
    return [tuple(row) for row in rows]
