"""Each invariant holds for what the server does, and finds what somebody else did."""

from __future__ import annotations

import asyncio

import pytest

from safelight.credits.grants import grant, refund
from safelight.credits.invariants import INVARIANTS, check
from safelight.credits.watch import LedgerWatch
from safelight.database.pool import Database
from safelight.jobs import endings
from safelight.values.credits import Credits
from safelight.values.ids import LOCAL_OWNER, JobId, OwnerId, new_id
from tests.credits.books import account, admit, finish, order, ordered, paid_job


async def a_day(database: Database) -> None:
    """An account with a bit of everything, a job in every state, and another account."""
    ada = await account(database, 100)
    await ordered(database, ada, each=2, count=3)
    await finish(database, await ordered(database, ada, each=2, count=3), delivered=1)
    await finish(database, await ordered(database, ada, count=2), delivered=0)
    await refund(database, await paid_job(database, ada, each=7), Credits(3), reference="ticket")
    await endings.cancel(database, ada, await ordered(database, ada, each=4))
    await admit(database, order(ada, each=0))
    await ordered(database, await account(database, unlimited=True), each=3)


async def without_refusing(database: Database, sql: str) -> None:
    """Change something as nobody could who obeys the triggers and constraints."""
    async with database.transaction() as tx:
        await tx.execute("SET LOCAL session_replication_role = replica")
        await tx.execute(sql)


async def names(database: Database, *, lately: bool = False) -> set[str]:
    return {found.invariant for found in await check(database, lately=lately)}


async def test_a_day_of_orders_grants_and_refunds_violates_nothing(database: Database) -> None:
    await a_day(database)

    assert await check(database) == []
    assert await check(database, lately=True) == []


# What is done behind the server's back, what finds it, and whether the look of every minute does.
SPOILT = {
    "a posting is raised": (
        "UPDATE postings SET credits = credits + 1 WHERE kind = 'confirm' AND line = 2",
        {"I1", "I2"},
        {"I1"},
    ),
    "half an entry is lost": (
        "DELETE FROM postings WHERE kind = 'grant' AND line = 1",
        {"I1", "I2"},
        {"I1"},
    ),
    "the halves of an entry are of two accounts": (
        f"UPDATE postings SET account_id = '{LOCAL_OWNER}' WHERE kind = 'refund' AND line = 2",
        {"I1", "I2", "I11"},
        {"I1"},
    ),
    "a whole entry is lost": (
        "DELETE FROM postings WHERE kind = 'refund'",
        {"I2", "I11"},
        {"I11"},
    ),
    "an account is given credits without an entry": (
        "UPDATE accounts SET available = available + 5, granted = granted + 5 WHERE available > 0",
        {"I2"},
        {"I2"},
    ),
    "what was used is forgotten": (
        "UPDATE accounts SET used = used - 1, granted = granted - 1 WHERE used > 0",
        {"I2"},
        set(),
    ),
    "something is held that no hold holds": (
        "UPDATE accounts SET held = held + 1, granted = granted + 1 WHERE held > 0",
        {"I2", "I4"},
        {"I4"},
    ),
    "a hold is lost": (
        "DELETE FROM holds WHERE ended_at IS NULL",
        {"I4", "I5", "I10"},
        {"I4", "I5", "I10"},
    ),
    "a hold was forgotten": (
        "UPDATE holds SET expires_at = now() - interval '61 seconds' WHERE ended_at IS NULL",
        {"I5"},
        {"I5"},
    ),
    "a job is paid twice": (
        """INSERT INTO postings (entry, line, account_id, pocket, credits, kind, available_after,
                                 job_id)
           SELECT 'again ' || entry, line, account_id, pocket, credits, kind, available_after,
                  job_id FROM postings WHERE kind = 'confirm' AND line IN (1, 2)""",
        {"I2", "I5", "I11"},
        {"I2", "I5", "I11"},
    ),
    "a hold says that more was paid": (
        "UPDATE holds SET confirmed = confirmed + 1, released = released - 1 WHERE released > 0",
        {"I5", "I6"},
        {"I5", "I6"},
    ),
    "a job has ended and its hold has not": (
        "UPDATE jobs SET status = 'failed', finished_at = now(), charged = 0 WHERE price > 0 AND "
        "finished_at IS NULL",
        {"I6", "I9"},
        {"I6", "I9"},
    ),
    "a job goes on without its hold": (
        "UPDATE jobs SET status = 'pending', finished_at = NULL, charged = NULL "
        "WHERE status = 'completed' AND price > 0",
        {"I6", "I9"},
        {"I6", "I9"},
    ),
    "a job says another price": (
        "UPDATE jobs SET charged = charged - 1 WHERE charged > 0",
        {"I6"},
        {"I6"},
    ),
    "open jobs are miscounted": (
        "UPDATE accounts SET open_jobs = open_jobs + 1",
        {"I9"},
        {"I9"},
    ),
    "parked jobs are miscounted": (
        "UPDATE accounts SET parked_jobs = 1 WHERE open_jobs > 0",
        {"I9"},
        {"I9"},
    ),
    "a job belongs to nobody who pays": (
        f"UPDATE jobs SET owner_id = '{new_id()}' WHERE finished_at IS NULL AND price = 0",
        {"I9"},
        {"I9"},
    ),
    "postings may be changed": (
        "ALTER TABLE postings DISABLE TRIGGER postings_are_append_only",
        {"I8"},
        {"I8"},
    ),
    "postings may be emptied": (
        "DROP TRIGGER postings_are_kept ON postings",
        {"I8"},
        {"I8"},
    ),
    "credits may become negative": (
        "ALTER TABLE accounts DROP CONSTRAINT accounts_available_check",
        {"I3"},
        {"I3"},
    ),
    "credits are negative": (
        """ALTER TABLE accounts DROP CONSTRAINT accounts_available_check;
           UPDATE accounts SET available = -5, granted = granted - available - 5
           WHERE available > 0""",
        {"I2", "I3"},
        {"I2", "I3"},
    ),
    "more is given back than was paid": (
        """UPDATE postings SET credits = credits * 3 WHERE kind = 'refund'""",
        {"I2", "I7", "I11"},
        {"I7", "I11"},
    ),
}


@pytest.mark.parametrize("what", SPOILT)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_wrong_is_found(spoilt: Database, what: str) -> None:
    sql, found_by_all, found_lately = SPOILT[what]
    await a_day(spoilt)

    await without_refusing(spoilt, sql)

    assert await names(spoilt) == found_by_all
    assert await names(spoilt, lately=True) == found_lately


async def test_every_invariant_has_been_seen_violated() -> None:
    seen = {name for _, by_all, _ in SPOILT.values() for name in by_all}

    assert seen == {one.name for one in INVARIANTS}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_violation_is_told_in_a_sentence(spoilt: Database) -> None:
    ada = await account(spoilt, 7)

    await without_refusing(
        spoilt, "UPDATE accounts SET available = 9, granted = 9 WHERE available = 7"
    )

    (found,) = await check(spoilt)
    assert found.sentence == (
        f"The account {ada} has granted 9, available 9, held 0, used 0; "
        "its postings say 7, 7, 0, 0."
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_thousands_of_violations_do_not_fill_the_log(spoilt: Database) -> None:
    await spoilt.execute(
        """INSERT INTO accounts (id, open_jobs)
           SELECT gen_random_uuid(), 1 FROM generate_series(1, 999)"""
    )

    assert len(await check(spoilt)) == 50


@pytest.mark.parametrize("sql", ["UPDATE postings SET note = 'x'", "DELETE FROM postings"])
async def test_the_database_refuses_to_change_postings(database: Database, sql: str) -> None:
    await account(database, 7)

    with pytest.raises(Exception, match="postings are never changed"):
        await database.execute(sql)
    with pytest.raises(Exception, match="postings are never changed"):
        await database.execute("TRUNCATE postings")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_hold_is_not_overdue_within_its_last_minute(spoilt: Database) -> None:
    ada = await account(spoilt, 7)
    await ordered(spoilt, ada)

    await spoilt.execute("UPDATE holds SET expires_at = now() - interval '50 seconds'")

    assert await check(spoilt) == []


async def test_jobs_of_before_the_ledger_are_no_violation(database: Database) -> None:
    await database.execute(
        """INSERT INTO jobs (id, owner_id, type, status, model, provider, prompt, request, count,
                             digest, price, charged, finished_at)
           SELECT gen_random_uuid(), $1, 'image', status, 'm', 'p', 'a heron', '{}', 1, '', 2,
                  charged, applied_at - interval '1 second'
           FROM migrations, (VALUES ('completed', 2), ('failed', 0), ('cancelled', 1))
                            AS ended (status, charged)
           WHERE name = '0003_credits.sql'""",
        LOCAL_OWNER,
    )

    assert await check(database) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_job_that_ended_since_without_a_hold_is_one(spoilt: Database) -> None:
    await spoilt.execute(
        """INSERT INTO jobs (id, owner_id, type, status, model, provider, prompt, request, count,
                             digest, price, charged, finished_at)
           VALUES (gen_random_uuid(), $1, 'image', 'completed', 'm', 'p', 'a heron', '{}', 1, '',
                   2, 2, now() + interval '1 second')""",
        LOCAL_OWNER,
    )

    assert await names(spoilt) == {"I10"}


async def test_a_check_is_right_while_everybody_writes(database: Database) -> None:
    users = [await account(database, 1000) for _ in range(4)]
    done = asyncio.Event()

    async def live(ada: OwnerId, number: int) -> None:
        for turn in range(12):
            job_id: JobId = await ordered(database, ada, each=2, count=2)
            if turn % 3 == 0:
                await endings.cancel(database, ada, job_id)
            else:
                await finish(database, job_id, delivered=turn % 3)
                if turn % 3 == 2:
                    await refund(database, job_id, reference=f"ticket {number} {turn}")
            await grant(database, ada, Credits(1), reference=f"order {number} {turn}")

    async def look() -> int:
        looks = 0
        while not done.is_set():
            assert await check(database, lately=bool(looks % 2)) == []
            looks += 1
        return looks

    looking = [asyncio.create_task(look()) for _ in range(2)]
    await asyncio.gather(
        *(live(ada, 2 * place + copy) for place, ada in enumerate(users) for copy in (0, 1))
    )
    done.set()

    assert min(await asyncio.gather(*looking)) > 2


@pytest.mark.asyncio(loop_scope="module")
async def test_the_watch_says_what_is_wrong_until_it_is_right_again(spoilt: Database) -> None:
    ada = await account(spoilt, 7)
    watch = LedgerWatch(spoilt, every_s=0.01)
    assert watch.state == "checking"
    await watch.once()
    assert watch.state == "ok"

    await without_refusing(spoilt, "UPDATE accounts SET open_jobs = 1, available = 9, granted = 9")
    await watch.once()
    assert watch.state == "violated: I2, I9"

    await without_refusing(
        spoilt,
        f"""UPDATE accounts SET open_jobs = 0, available = 7, granted = 7 WHERE id = '{ada}';
            UPDATE accounts SET open_jobs = 0, available = 0, granted = 0 WHERE id <> '{ada}'""",
    )
    await watch.once()
    assert watch.state == "ok"


@pytest.mark.asyncio(loop_scope="module")
async def test_between_two_looks_at_everything_only_what_moved_is_looked_at(
    spoilt: Database,
) -> None:
    await a_day(spoilt)
    watch = LedgerWatch(spoilt, every_s=3600)
    await watch.once()

    await without_refusing(
        spoilt, "UPDATE accounts SET used = used - 1, granted = granted - 1 WHERE used > 0"
    )
    await watch.once()
    assert watch.state == "ok", "used is only compared when everything is"

    watch._all_at = 0
    await watch.once()
    assert watch.state == "violated: I2"
    await watch.once()
    assert watch.state == "violated: I2", "a smaller look does not take it back"


async def test_the_watch_looks_by_itself_and_outlives_a_failure(database: Database) -> None:
    watch = LedgerWatch(database, every_s=0.02)
    await database.execute("ALTER TABLE postings RENAME TO elsewhere")
    await watch.start()
    await asyncio.sleep(0.1)
    assert watch.state == "checking"

    await database.execute("ALTER TABLE elsewhere RENAME TO postings")
    async with asyncio.timeout(10):
        while watch.state != "ok":
            await asyncio.sleep(0.01)
    await watch.stop()


async def test_the_long_limit_of_a_check_is_for_nothing_else(database: Database) -> None:
    await check(database)

    limits = await asyncio.gather(*(database.fetchval("SHOW statement_timeout") for _ in range(10)))
    assert set(limits) == {"10s"}
