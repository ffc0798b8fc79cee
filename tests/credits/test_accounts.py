"""Accounts: opened once, without limit or not, filled up at the start of every period."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from safelight.credits import accounts
from safelight.credits.accounts import CREDITS_MAX, Allowance, apply_due
from safelight.credits.grants import grant
from safelight.database.pool import Database
from safelight.values.credits import Credits
from safelight.values.errors import InvalidRequest, NotFound
from safelight.values.ids import LOCAL_OWNER, OwnerId, new_id
from tests.credits.books import account, admit, finish, order, ordered, paid_job, pockets


async def give(database: Database, account_id: OwnerId, allowance: Allowance | None) -> None:
    async with database.transaction() as tx:
        await accounts.set_allowance(tx, account_id, allowance)


async def granted_earlier(database: Database, account_id: OwnerId, amount: int, ago: str) -> None:
    """An allowance a month whose next period began so long ago."""
    await database.execute(
        """UPDATE accounts SET allowance = $2, allowance_every = 'month',
                  allowance_due = now() - $3::text::interval WHERE id = $1""",
        account_id,
        amount,
        ago,
    )


async def available(database: Database, account_id: OwnerId) -> int:
    return (await pockets(database, account_id))[1]


async def test_an_account_is_opened_once(database: Database) -> None:
    ada = await account(database, 5)

    await accounts.open_account(database, ada)

    assert await available(database, ada) == 5


async def test_the_local_owner_has_an_account_without_limit(database: Database) -> None:
    found = await accounts.read(database, LOCAL_OWNER)

    assert found is not None
    assert found.unlimited
    assert found.available == Credits(0)


async def test_a_user_is_found_by_id_and_by_address_and_gets_an_account(database: Database) -> None:
    user_id = new_id()
    await database.execute(
        "INSERT INTO users (id, name, email) VALUES ($1, 'Ada', 'Ada@example.org')", user_id
    )

    assert await accounts.find(database, "ada@EXAMPLE.org") == user_id
    assert await accounts.find(database, str(user_id)) == user_id
    assert await pockets(database, OwnerId(user_id)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "user", ["bob@example.org", "", "7", "01a1fb2f-0c61-7c73-aa6b-a8e0242e180d"]
)
async def test_nobody_is_not_found(database: Database, user: str) -> None:
    with pytest.raises(NotFound):
        await accounts.find(database, user)


async def test_an_unlimited_account_keeps_what_it_has_for_later(database: Database) -> None:
    ada = await account(database, 5)
    async with database.transaction() as tx:
        await accounts.set_unlimited(tx, ada, True)

    job_id = await ordered(database, ada, each=100)
    assert await pockets(database, ada) == (105, 5, 100, 0)
    await finish(database, job_id, delivered=1)
    async with database.transaction() as tx:
        await accounts.set_unlimited(tx, ada, False)

    assert await pockets(database, ada) == (105, 5, 0, 100)
    assert (await admit(database, order(ada, each=6))).outcome == "short"


async def test_switched_off_while_a_job_runs_its_hold_still_goes_where_it_came_from(
    database: Database,
) -> None:
    ada = await account(database, 5)
    async with database.transaction() as tx:
        await accounts.set_unlimited(tx, ada, True)
    free = await ordered(database, ada, each=100)
    async with database.transaction() as tx:
        await accounts.set_unlimited(tx, ada, False)
    bought = await ordered(database, ada, each=5)
    async with database.transaction() as tx:
        await accounts.set_unlimited(tx, ada, True)

    await finish(database, free, delivered=0)
    await finish(database, bought, delivered=0)

    assert await pockets(database, ada) == (5, 5, 0, 0)


async def test_an_allowance_is_there_at_once(database: Database) -> None:
    ada = await account(database)

    await give(database, ada, Allowance(Credits(100), "month"))

    found = await accounts.read(database, ada)
    assert found is not None
    assert found.available == Credits(100)
    assert found.allowance == Allowance(Credits(100), "month")
    line = await database.fetchrow("SELECT * FROM postings WHERE line = 1")
    assert line is not None
    assert (line["kind"], line["note"]) == ("grant", "Allowance of 100 a month.")


@pytest.mark.parametrize("every", ["day", "week", "month"])
async def test_the_next_allowance_is_due_when_the_next_period_begins(
    database: Database, every: Any
) -> None:
    ada = await account(database)

    await give(database, ada, Allowance(Credits(100), every))

    now: datetime = await database.fetchval("SELECT now()")
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    due = await database.fetchval("SELECT allowance_due FROM accounts WHERE id = $1", ada)
    expected = {
        "day": today + timedelta(days=1),
        "week": today + timedelta(days=7 - today.weekday()),
        "month": (today.replace(day=1) + timedelta(days=32)).replace(day=1),
    }
    assert due == expected[every]


async def test_an_allowance_fills_up_and_never_above_itself(database: Database) -> None:
    rich, poor = await account(database, 500), await account(database, 30)

    for ada in (rich, poor):
        await give(database, ada, Allowance(Credits(100), "month"))

    assert await available(database, rich) == 500, "what was bought stays"
    assert await available(database, poor) == 100


async def test_credits_held_do_not_count_as_available(database: Database) -> None:
    ada = await account(database, 80)
    await ordered(database, ada, each=80)

    await give(database, ada, Allowance(Credits(100), "day"))

    assert await pockets(database, ada) == (180, 100, 80, 0)


async def test_the_same_allowance_again_gives_nothing(database: Database) -> None:
    ada = await account(database)
    await give(database, ada, Allowance(Credits(100), "month"))
    await paid_job(database, ada, each=60)

    for allowance in [
        Allowance(Credits(100), "month"),
        None,
        Allowance(Credits(100), "month"),
    ]:
        await give(database, ada, allowance)

    assert await available(database, ada) == 40


async def test_a_higher_allowance_is_there_at_once_and_going_to_and_fro_gives_nothing(
    database: Database,
) -> None:
    ada = await account(database)
    for amount in (100, 200, 100, 200):
        await give(database, ada, Allowance(Credits(amount), "month"))
        if left := await available(database, ada):
            await paid_job(database, ada, each=left)

    assert await pockets(database, ada) == (300, 0, 0, 300)


async def test_a_period_that_begins_fills_up_once_whoever_notices(database: Database) -> None:
    users = [await account(database, 30) for _ in range(20)]
    for ada in users:
        await granted_earlier(database, ada, 100, "1 second")

    done = await asyncio.gather(*(apply_due(database) for _ in range(10)))

    assert sum(done) == 20
    for ada in users:
        assert await pockets(database, ada) == (100, 100, 0, 0)
    assert await apply_due(database) == 0


async def test_after_months_of_downtime_an_account_is_filled_up_once(database: Database) -> None:
    ada = await account(database)
    await granted_earlier(database, ada, 100, "7 months")

    assert await apply_due(database) == 1
    assert await apply_due(database) == 0

    assert await available(database, ada) == 100
    due = await database.fetchval("SELECT allowance_due > now() FROM accounts WHERE id = $1", ada)
    assert due


async def test_a_full_account_is_given_nothing_and_posted_nothing(database: Database) -> None:
    ada = await account(database, 300)
    await granted_earlier(database, ada, 100, "1 second")
    before = await database.fetchval("SELECT count(*) FROM postings")

    assert await apply_due(database) == 1

    assert await available(database, ada) == 300
    assert await database.fetchval("SELECT count(*) FROM postings") == before


async def test_thousands_of_accounts_are_filled_up_in_a_few_statements(database: Database) -> None:
    await database.execute(
        """INSERT INTO accounts (id, allowance, allowance_every, allowance_due)
           SELECT gen_random_uuid(), 50, 'day', now() FROM generate_series(1, 2000)"""
    )

    assert await apply_due(database) == 2000

    assert await database.fetchval("SELECT sum(available) FROM accounts") == 100_000


async def test_filling_up_does_not_wait_for_an_account_in_use(database: Database) -> None:
    busy, idle = await account(database), await account(database)
    for ada in (busy, idle):
        await granted_earlier(database, ada, 100, "1 second")

    async with database.transaction() as tx:
        await tx.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", busy)
        assert await apply_due(database) == 1

    assert await apply_due(database) == 1
    assert await available(database, busy) == 100


async def test_filling_up_beside_orders_and_grants_loses_nothing(database: Database) -> None:
    ada = await account(database, 10)
    await granted_earlier(database, ada, 40, "1 second")

    async def fill() -> None:
        while not await apply_due(database):
            await asyncio.sleep(0)

    await asyncio.gather(
        fill(),
        *(grant(database, ada, Credits(1), reference=f"order {i}") for i in range(20)),
        *(admit(database, order(ada)) for _ in range(10)),
    )

    granted, left, held, _ = await pockets(database, ada)
    assert granted == left + held
    assert held == 10


@pytest.mark.parametrize("amount", [0, CREDITS_MAX + 1])
async def test_an_allowance_is_a_sensible_amount(database: Database, amount: int) -> None:
    ada = await account(database)

    with pytest.raises(InvalidRequest, match="allowance: From 1 to"):
        await give(database, ada, Allowance(Credits(amount), "day"))


async def test_nobody_without_an_account_is_changed(database: Database) -> None:
    nobody = OwnerId(new_id())

    for change in (
        lambda tx: accounts.set_unlimited(tx, nobody, True),
        lambda tx: accounts.set_allowance(tx, nobody, None),
    ):
        with pytest.raises(NotFound):
            async with database.transaction() as tx:
                await change(tx)
