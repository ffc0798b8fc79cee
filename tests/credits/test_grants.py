"""Credits from outside: once a reference, whole, and never more back than was paid."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from safelight.credits import accounts, grants
from safelight.credits.accounts import CREDITS_MAX
from safelight.credits.grants import grant, refund
from safelight.database.pool import Database
from safelight.jobs import endings
from safelight.values.credits import Credits
from safelight.values.errors import InvalidRequest, NotFound
from safelight.values.ids import LOCAL_OWNER, JobId, OwnerId, new_id
from tests.credits.books import account, finish, ordered, paid_job, pockets


async def postings(database: Database) -> int:
    count: int = await database.fetchval("SELECT count(*) FROM postings")
    return count


async def test_a_grant_is_available_at_once(database: Database) -> None:
    ada = await account(database)

    entry = await grant(database, ada, Credits(50), reference="order 7", note="Thank you")

    assert entry.is_new
    assert (entry.kind, entry.credits, entry.available_after) == ("grant", Credits(50), Credits(50))
    assert await pockets(database, ada) == (50, 50, 0, 0)


async def test_a_hundred_parallel_grants_with_one_reference_are_one(database: Database) -> None:
    ada = await account(database, 5)

    entries = await asyncio.gather(
        *(grant(database, ada, Credits(10), reference="order 7") for _ in range(100))
    )

    assert sum(entry.is_new for entry in entries) == 1
    assert len({entry.id for entry in entries}) == 1
    assert await pockets(database, ada) == (15, 15, 0, 0)


async def test_parallel_grants_to_different_accounts_with_one_reference_are_one(
    database: Database,
) -> None:
    users = [await account(database) for _ in range(20)]

    outcomes = await asyncio.gather(
        *(grant(database, user, Credits(10), reference="order 7") for user in users),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, grants.Granted) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, InvalidRequest) for outcome in outcomes) == 19
    assert sum([(await pockets(database, user))[1] for user in users]) == 10


async def test_parallel_grants_with_references_of_their_own_all_count(database: Database) -> None:
    ada = await account(database)

    await asyncio.gather(
        *(grant(database, ada, Credits(i), reference=f"order {i}") for i in range(1, 101))
    )

    assert await pockets(database, ada) == (5050, 5050, 0, 0)
    lines = await database.fetch(
        "SELECT available_after, -credits AS credits FROM postings WHERE line = 1 ORDER BY id"
    )
    total = 0
    for line in lines:
        total += line["credits"]
        assert line["available_after"] == total


@pytest.mark.parametrize(
    "other",
    [
        {"amount": Credits(51)},
        {"note": "Sorry"},
        {"note": None},
        {"account_id": LOCAL_OWNER},
    ],
)
async def test_a_reference_is_not_taken_for_something_else(
    database: Database, other: dict[str, Any]
) -> None:
    ada = await account(database)
    call: dict[str, Any] = {"account_id": ada, "amount": Credits(50), "note": "Thank you"}
    await grant(database, reference="order 7", **call)
    before = await postings(database)

    with pytest.raises(InvalidRequest, match=r"reference: Used on .* for 50 credits"):
        await grant(database, reference="order 7", **(call | other))

    assert await postings(database) == before
    assert await pockets(database, ada) == (50, 50, 0, 0)


async def test_white_space_around_a_reference_does_not_make_another_one(database: Database) -> None:
    ada = await account(database)
    await grant(database, ada, Credits(50), reference="order 7")

    assert not (await grant(database, ada, Credits(50), reference=" order 7\n")).is_new


@pytest.mark.parametrize("reference", ["", "   ", "\t\n", "\x00", "x" * 201])
async def test_a_grant_needs_a_reference(database: Database, reference: str) -> None:
    ada = await account(database)

    with pytest.raises(InvalidRequest, match="reference"):
        await grant(database, ada, Credits(50), reference=reference)

    assert await postings(database) == 0


@pytest.mark.parametrize(
    "amount", [0, CREDITS_MAX + 1, 2**63, 10**30, 1.5, float("nan"), float("inf"), True, "5", None]
)
async def test_only_whole_amounts_are_granted_or_refunded(database: Database, amount: Any) -> None:
    ada = await account(database, 5)
    job_id = await paid_job(database, ada)
    before = await postings(database)
    wrong = Credits(0)
    object.__setattr__(wrong, "amount", amount)

    with pytest.raises(InvalidRequest, match="A whole number from 1 to"):
        await grant(database, ada, wrong, reference="order 7")
    with pytest.raises(InvalidRequest, match="A whole number from 1 to"):
        await refund(database, job_id, wrong, reference="order 7")

    assert await postings(database) == before


async def test_nobody_is_granted_anything_without_an_account(database: Database) -> None:
    with pytest.raises(NotFound):
        await grant(database, OwnerId(new_id()), Credits(5), reference="order 7")

    assert await postings(database) == 0


async def test_a_refund_gives_back_what_a_job_had_cost(database: Database) -> None:
    ada = await account(database, 10)
    job_id = await paid_job(database, ada, each=2, count=3)

    entry = await refund(database, job_id, reference="ticket 1", note="It was blurred.")

    assert (entry.kind, entry.credits, entry.job_id) == ("refund", Credits(6), job_id)
    assert await pockets(database, ada) == (10, 10, 0, 0)


async def test_refunds_in_parts_never_exceed_what_was_paid(database: Database) -> None:
    ada = await account(database, 10)
    job_id = await paid_job(database, ada, each=2, count=3)

    outcomes = await asyncio.gather(
        *(refund(database, job_id, Credits(1), reference=f"ticket {i}") for i in range(30)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, grants.Granted) for outcome in outcomes) == 6
    assert sum(isinstance(outcome, InvalidRequest) for outcome in outcomes) == 24
    assert await pockets(database, ada) == (10, 10, 0, 0)
    with pytest.raises(InvalidRequest, match="cost 6, all of which was given back before"):
        await refund(database, job_id, reference="one more")


async def test_a_hundred_parallel_refunds_with_one_reference_are_one(database: Database) -> None:
    ada = await account(database, 10)
    job_id = await paid_job(database, ada, each=2, count=3)

    entries = await asyncio.gather(
        *(refund(database, job_id, Credits(2), reference="ticket 1") for _ in range(100))
    )

    assert sum(entry.is_new for entry in entries) == 1
    assert await pockets(database, ada) == (10, 6, 0, 4)


async def test_parallel_refunds_of_two_jobs_with_one_reference_are_one(database: Database) -> None:
    jobs = [await paid_job(database, await account(database, 10)) for _ in range(10)]

    outcomes = await asyncio.gather(
        *(refund(database, job_id, reference="ticket 1") for job_id in jobs), return_exceptions=True
    )

    assert sum(isinstance(outcome, grants.Granted) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, InvalidRequest) for outcome in outcomes) == 9


async def test_a_refund_is_not_taken_for_a_grant_of_the_same_reference(database: Database) -> None:
    ada = await account(database, 10)
    job_id = await paid_job(database, ada)
    await grant(database, ada, Credits(1), reference="7")

    assert (await refund(database, job_id, reference="7")).is_new


async def test_what_an_unlimited_account_used_is_given_back_to_nobody(database: Database) -> None:
    ada = await account(database, unlimited=True)
    job_id = await paid_job(database, ada, each=4)
    assert await pockets(database, ada) == (4, 0, 0, 4)

    await refund(database, job_id, Credits(3), reference="ticket 1")

    assert await pockets(database, ada) == (1, 0, 0, 1)


async def test_a_refund_goes_where_the_hold_came_from(database: Database) -> None:
    ada = await account(database, 10)
    bought = await paid_job(database, ada, each=4)
    async with database.transaction() as tx:
        await accounts.set_unlimited(tx, ada, True)
    free = await paid_job(database, ada, each=3)
    async with database.transaction() as tx:
        await accounts.set_unlimited(tx, ada, False)

    await refund(database, bought, reference="ticket 1")
    await refund(database, free, reference="ticket 2")

    assert await pockets(database, ada) == (10, 10, 0, 0)


async def test_there_is_nothing_to_refund_for_what_was_not_paid(database: Database) -> None:
    ada = await account(database, 10)
    waiting = await ordered(database, ada)
    failed = await ordered(database, ada)
    await finish(database, failed, delivered=0)
    cancelled = await ordered(database, ada)
    await endings.cancel(database, ada, cancelled)
    before = await postings(database)

    for job_id, why in [
        (waiting, "has not ended"),
        (failed, "has cost nothing"),
        (cancelled, "has cost nothing"),
    ]:
        with pytest.raises(InvalidRequest, match=why):
            await refund(database, job_id, reference="ticket 1")
    with pytest.raises(NotFound):
        await refund(database, JobId(new_id()), reference="ticket 1")

    assert await postings(database) == before


async def test_a_job_of_before_the_ledger_is_not_refunded(database: Database) -> None:
    job_id = new_id()
    await database.execute(
        """INSERT INTO jobs (id, owner_id, type, status, model, provider, prompt, request, count,
                             digest, price, charged, finished_at)
           SELECT $1, $2, 'image', 'completed', 'm', 'p', 'a heron', '{}', 1, '', 2, 2,
                  applied_at - interval '1 second'
           FROM migrations WHERE name = '0003_credits.sql'""",
        job_id,
        LOCAL_OWNER,
    )

    with pytest.raises(InvalidRequest, match="before there was a ledger"):
        await refund(database, JobId(job_id), reference="ticket 1")


async def test_more_than_is_left_is_refused_with_what_is_left(database: Database) -> None:
    ada = await account(database, 10)
    job_id = await paid_job(database, ada, each=5)
    await refund(database, job_id, Credits(2), reference="ticket 1")

    with pytest.raises(InvalidRequest, match="At most 3: the job cost 5, 2 were given back before"):
        await refund(database, job_id, Credits(4), reference="ticket 2")

    with pytest.raises(InvalidRequest, match="reference: Used on"):
        await refund(database, job_id, Credits(3), reference="ticket 1")
    assert not (await refund(database, job_id, reference="ticket 1")).is_new
