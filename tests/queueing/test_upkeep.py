"""What is forgotten, what is found again, and what is left alone."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.jobs.feed import Feed
from safelight.jobs.upkeep import Upkeep
from safelight.values.ids import LOCAL_OWNER
from tests.queueing.conftest import AddJob


@pytest.fixture
def upkeep(database: Database) -> Upkeep:
    wakeups = Wakeups(database)
    return Upkeep(database, wakeups, Feed(database, wakeups), events_kept_days=30)


async def tell(database: Database, job_id: UUID, kind: str, age: str) -> None:
    await database.execute(
        """INSERT INTO events (owner_id, job_id, status, kind, data, at)
           VALUES ($1, $2, 'processing', $3, jsonb_build_object('age', $4::text),
                   now() - $4::text::interval)""",
        LOCAL_OWNER,
        job_id,
        kind,
        age,
    )


async def told(database: Database, job_id: UUID) -> set[tuple[str, str]]:
    rows = await database.fetch(
        "SELECT kind, data->>'age' AS age FROM events WHERE job_id = $1", job_id
    )
    return {(row["kind"], row["age"]) for row in rows}


async def test_passing_lines_of_ended_jobs_are_forgotten_soon(
    database: Database, add_job: AddJob, upkeep: Upkeep
) -> None:
    ended, live = await add_job("completed", entry=None), await add_job("processing")
    for job_id in (ended, live):
        for kind in ("progress", "delta", "stage", "completed"):
            for age in ("1 minute", "20 minutes"):
                await tell(database, job_id, kind, age)

    await upkeep.once()

    assert await told(database, ended) == {
        ("progress", "1 minute"),
        ("delta", "1 minute"),
        *((kind, age) for kind in ("stage", "completed") for age in ("1 minute", "20 minutes")),
    }
    assert len(await told(database, live)) == 8


async def test_a_story_is_kept_as_long_as_the_setting_says_and_its_job_for_ever(
    database: Database, add_job: AddJob, upkeep: Upkeep
) -> None:
    job_id = await add_job("completed", entry=None)
    await tell(database, job_id, "stage", "29 days")
    await tell(database, job_id, "stage", "31 days")

    await upkeep.once()

    assert await told(database, job_id) == {("stage", "29 days")}
    assert await database.fetchval("SELECT count(*) FROM jobs") == 1


async def test_idempotency_keys_are_kept_for_a_day(database: Database, upkeep: Upkeep) -> None:
    for key, age in {"young": "23 hours", "old": "25 hours"}.items():
        await database.execute(
            """INSERT INTO idempotency_keys (owner_id, key, body_digest, job_id, created_at)
               VALUES ($1, $2, '', $3, now() - $4::text::interval)""",
            LOCAL_OWNER,
            key,
            uuid4(),
            age,
        )

    await upkeep.once()

    keys = await database.fetch("SELECT key FROM idempotency_keys")
    assert [row["key"] for row in keys] == ["young"]


async def test_a_job_nobody_carries_gets_an_entry_again(
    database: Database, add_job: AddJob, upkeep: Upkeep
) -> None:
    without = await add_job("pending", age_s=90, entry=None)
    held = await add_job("pending", age_s=90, entry="failed")
    fine = await add_job("pending", age_s=90)

    await upkeep.once()
    await upkeep.once()

    rows = await database.fetch("SELECT payload, status::text AS status FROM queue.pgqueuer")
    assert sorted(UUID(bytes=row["payload"]) for row in rows) == sorted([without, held, fine])
    assert {row["status"] for row in rows} == {"queued"}


async def test_several_processes_at_once_do_it_once(
    database: Database, add_job: AddJob, upkeep: Upkeep
) -> None:
    for _ in range(20):
        await add_job("pending", age_s=90, entry=None)

    await asyncio.gather(*(upkeep.once() for _ in range(6)))

    assert await database.fetchval("SELECT count(*) FROM queue.pgqueuer") == 20


async def test_it_is_left_to_whoever_does_it_already(
    database: Database, add_job: AddJob, upkeep: Upkeep
) -> None:
    job_id = await add_job("completed", entry=None)
    await tell(database, job_id, "progress", "20 minutes")
    async with database.transaction() as busy:
        await busy.execute("SELECT pg_advisory_xact_lock($1)", 0x5AFE_0001)

        await asyncio.wait_for(upkeep.once(), 5)

        assert await told(database, job_id) == {("progress", "20 minutes")}
    await upkeep.once()
    assert await told(database, job_id) == set()


async def test_all_that_is_overdue_ends_in_one_sweep(database: Database, upkeep: Upkeep) -> None:
    await database.execute(
        """INSERT INTO jobs (id, owner_id, type, status, model, provider, prompt, request, count,
                             digest, price, deadline_at)
           SELECT gen_random_uuid(), $1, 'image', 'pending', 'm', 'openai', 'a heron', '{}', 1, '',
                  0, now() - interval '1 second'
           FROM generate_series(1, 450)""",
        LOCAL_OWNER,
    )
    await database.execute("UPDATE accounts SET open_jobs = 450 WHERE id = $1", LOCAL_OWNER)

    await upkeep.sweep()

    assert await database.fetchval("SELECT count(*) FROM jobs WHERE status = 'failed'") == 450


async def test_a_large_backlog_is_forgotten_in_bites(
    database: Database, add_job: AddJob, upkeep: Upkeep
) -> None:
    job_id = await add_job("completed", entry=None)
    await database.execute(
        """INSERT INTO events (owner_id, job_id, status, kind, at)
           SELECT $1, $2, 'processing', 'progress', now() - interval '1 hour'
           FROM generate_series(1, 12000)""",
        LOCAL_OWNER,
        job_id,
    )

    await upkeep.once()

    assert await database.fetchval("SELECT count(*) FROM events") == 0
