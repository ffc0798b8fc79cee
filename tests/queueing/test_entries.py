"""Our queue entries are those PgQueuer would have written, and none is ever missing for long."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries

from safelight.database.migrate import QUEUE
from safelight.database.pool import Database
from safelight.queueing.entries import restore_missing
from tests.fakes.openai_server import FakeOpenAI
from tests.queueing.conftest import AddJob
from tests.studio import Studio

PASSING = ("id", "created", "updated", "heartbeat", "execute_after")


async def test_an_entry_is_what_pgqueuer_itself_would_write(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as studio:
        job = await studio.submit("a heron", model="openai/flux-schnell", priority="high")
    connection = await asyncpg.connect(database_url)
    theirs = Queries(
        AsyncpgDriver(connection),
        QueryBuilderEnvironment(QUEUE),
        QueryQueueBuilder(QUEUE),
        QuerySchedulerBuilder(QUEUE),
    )
    await theirs.enqueue("openai", UUID(job["id"]).bytes, priority=-1)

    rows = await connection.fetch("SELECT * FROM queue.pgqueuer ORDER BY id")
    ready = await connection.fetchval("SELECT bool_and(execute_after <= now()) FROM queue.pgqueuer")
    await connection.close()

    assert len(rows) == 2
    for column in set(rows[0].keys()) - set(PASSING):
        ours, other = rows[0][column], rows[1][column]
        # No headers are NULL here and JSON's null there; both are read as none.
        assert ours == (None if other == "null" else other), column
    for column in PASSING:
        assert type(rows[0][column]) is type(rows[1][column]), column
    assert ready


async def test_no_trigger_makes_a_submit_wait_for_all_others(database: Database) -> None:
    triggers = await database.fetch(
        """SELECT tgname FROM pg_trigger
           WHERE tgrelid = 'queue.pgqueuer'::regclass AND NOT tgisinternal"""
    )
    notifying = await database.fetch(
        """SELECT proname FROM pg_proc WHERE pronamespace IN ('queue'::regnamespace,
           'public'::regnamespace) AND prosrc ILIKE '%pg_notify%'"""
    )

    assert triggers == []
    assert notifying == []


async def test_what_must_survive_a_crash_is_logged_and_what_need_not_is_not(
    database: Database,
) -> None:
    rows = await database.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relpersistence = 'u'"
    )

    assert not {row["relname"] for row in rows} & {"pgqueuer", "jobs", "events", "outputs", "steps"}


async def test_a_job_without_an_entry_is_queued_again_once(
    database: Database, add_job: AddJob
) -> None:
    lost = {await add_job("pending", age_s=90, entry=None)}
    lost.add(await add_job("processing", age_s=90, entry=None))
    lost.add(await add_job("pending", age_s=90, entry="failed"))

    assert await restore_missing(database) == 3
    assert await restore_missing(database) == 0

    rows = await database.fetch(
        "SELECT payload, entrypoint, priority FROM queue.pgqueuer WHERE status = 'queued'"
    )
    assert {UUID(bytes=row["payload"]) for row in rows} == lost
    assert {(row["entrypoint"], row["priority"]) for row in rows} == {("openai", 0)}


async def test_jobs_that_have_an_entry_have_ended_or_are_new_are_left_alone(
    database: Database, add_job: AddJob
) -> None:
    await add_job("pending", age_s=90)
    await add_job("processing", age_s=90, entry="picked")
    await add_job("completed", age_s=90, entry=None)
    await add_job("failed", age_s=90, entry=None)
    await add_job("cancelled", age_s=90, entry=None)
    await add_job("pending", age_s=5, entry=None)

    assert await restore_missing(database) == 0


async def test_a_restored_job_is_carried_out(
    database_url: str, database: Database, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as studio:
        job = await studio.submit("a heron", model="openai/flux-schnell")
    await database.execute("DELETE FROM queue.pgqueuer")

    await restore_missing(database, older_than_s=0)

    async with Studio.open(database_url, tmp_path, provider_api) as studio:
        assert (await studio.ended(job))["status"] == "completed"


async def test_many_submits_at_once_have_one_entry_each(studio: Studio) -> None:
    jobs = await asyncio.gather(
        *(studio.submit(f"heron {n}", model="openai/flux-schnell") for n in range(50))
    )

    ended = await asyncio.gather(*(studio.ended(job) for job in jobs))

    assert {job["status"] for job in ended} == {"completed"}
    assert [job["attempts"] for job in ended] == [1] * 50
