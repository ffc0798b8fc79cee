"""What is accepted and what is not, when everybody asks at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from safelight.database.pool import Database
from safelight.values.ids import LOCAL_OWNER
from tests.fakes.openai_server import FakeOpenAI
from tests.studio import Studio


@pytest.fixture
async def studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """Takes orders; nobody carries them out."""
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as made:
        yield made


async def budget(database: Database, credits_: int) -> None:
    """The local owner may spend only so much."""
    await database.execute(
        """UPDATE accounts SET unlimited = false, granted = granted - available + $2,
                  available = $2 WHERE id = $1""",
        LOCAL_OWNER,
        credits_,
    )


async def order(studio: Studio, prompt: str, key: str | None = None, **more: Any) -> Any:
    body = {"prompt": prompt, "model": "openai/flux-schnell", "reuse": "never"} | more
    headers = {"Idempotency-Key": key} if key else {}
    return await studio.client.post("/api/jobs", json=body, headers=headers)


async def test_exactly_as_many_are_accepted_as_can_be_paid(studio: Studio) -> None:
    await budget(studio.database, 10)

    answers = await asyncio.gather(*(order(studio, f"heron {n}") for n in range(200)))

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(202) == 10
    assert statuses.count(402) == 190
    row = await studio.database.fetchrow("SELECT * FROM accounts WHERE id = $1", LOCAL_OWNER)
    assert row and (row["available"], row["held"], row["open_jobs"]) == (0, 10, 10)
    assert await studio.database.fetchval("SELECT count(*) FROM jobs") == 10
    assert await studio.database.fetchval("SELECT count(*) FROM queue.pgqueuer") == 10


async def test_a_refusal_says_what_is_needed_and_stores_nothing(studio: Studio) -> None:
    await budget(studio.database, 3)

    answer = await order(studio, "a heron", count=4, key="once")

    problem = answer.json()
    assert answer.status_code == 402
    assert problem["code"] == "insufficient_credits"
    assert problem["detail"] == "This needs 4, you have 3."
    for table in ("jobs", "holds", "postings", "idempotency_keys", "queue.pgqueuer", "events"):
        assert await studio.database.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_a_small_order_is_not_refused_because_of_a_large_one_beside_it(
    studio: Studio,
) -> None:
    await budget(studio.database, 5)

    for _ in range(5):
        large, *small = await asyncio.gather(
            order(studio, "large", count=8), *(order(studio, f"small {n}") for n in range(1))
        )
        assert large.status_code == 402
        assert [answer.status_code for answer in small] == [202]


async def test_the_repetition_of_what_took_the_last_credit_is_no_refusal(studio: Studio) -> None:
    await budget(studio.database, 1)

    answers = await asyncio.gather(*(order(studio, "a heron", key="k") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_the_price_is_quoted_held_and_charged_alike(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with Studio.open(database_url, tmp_path, provider_api) as studio:
        wish = {"model": "openai/flux-schnell", "count": 3, "reuse": "never"}
        quote = await studio.client.post(
            "/api/jobs", params={"dry_run": True}, json={"prompt": "a heron"} | wish
        )
        job = await studio.submit("a heron", **wish)
        ended = await studio.ended(job)

        price = quote.json()["price"]["credits"]
        assert job["price"]["credits"] == price
        assert ended["charged"] == {"credits": price, "released": 0}
        row = await studio.database.fetchrow("SELECT * FROM holds")
        assert row and (row["credits"], row["confirmed"], row["released"]) == (price, price, 0)
        account = await studio.database.fetchrow("SELECT * FROM accounts")
        assert account and (account["used"], account["held"], account["open_jobs"]) == (price, 0, 0)


async def test_a_full_queue_refuses_with_a_time_to_come_back(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with Studio.open(
        database_url, tmp_path, provider_api, with_worker=False, queue_max=3
    ) as studio:
        answers = [await order(studio, f"heron {n}") for n in range(4)]

        assert [answer.status_code for answer in answers] == [202, 202, 202, 503]
        assert answers[3].json()["code"] == "overloaded"
        assert int(answers[3].headers["Retry-After"]) >= 1
