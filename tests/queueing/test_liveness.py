"""Who died is noticed within seconds; who lives keeps what it holds."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from safelight.database.pool import Database
from safelight.queueing.liveness import Liveness
from safelight.values.ids import new_id
from tests.queueing.conftest import AddJob


class Watcher:
    """A worker's liveness, and how often it took something over."""

    def __init__(self, database: Database) -> None:
        self.reclaims = 0
        self.news = asyncio.Event()
        self.liveness = Liveness(database, on_reclaim=self._count)

    def _count(self) -> None:
        self.reclaims += 1
        self.news.set()

    async def __aenter__(self) -> Watcher:
        await self.liveness.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.liveness.stop()


async def manager_of(database: Database, job_id: UUID) -> UUID | None:
    found: UUID | None = await database.fetchval(
        "SELECT queue_manager_id FROM queue.pgqueuer WHERE payload = uuid_send($1)", job_id
    )
    return found


async def status_of(database: Database, job_id: UUID) -> str:
    return str(
        await database.fetchval(
            "SELECT status::text FROM queue.pgqueuer WHERE payload = uuid_send($1)", job_id
        )
    )


@pytest.mark.timing
async def test_a_dead_workers_entries_come_back_within_seconds_and_all_others_stay(
    database: Database, add_job: AddJob
) -> None:
    async with Watcher(database) as watcher, Watcher(database) as live, AsyncExitStack() as stack:
        dying = await stack.enter_async_context(Watcher(database))
        left = await add_job("processing", entry="picked", manager=dying.liveness.manager_id)
        theirs = await add_job("processing", entry="picked", manager=live.liveness.manager_id)
        own = await add_job("processing", entry="picked", manager=watcher.liveness.manager_id)
        waiting = await add_job("pending", entry="queued")
        held = await add_job("pending", entry="failed")
        begin = time.monotonic()

        await dying.liveness.stop()  # what the kernel does for a process that is killed
        await asyncio.wait_for(watcher.news.wait(), 15)

        assert time.monotonic() - begin < 10, "no faster than a short lease would have been"
        assert await manager_of(database, left) is None
        assert await status_of(database, left) == "queued"
        # They were looked at as often as the dead one's.
        assert await manager_of(database, theirs) == live.liveness.manager_id
        assert await manager_of(database, own) == watcher.liveness.manager_id
        assert await status_of(database, waiting) == "queued"
        assert await status_of(database, held) == "failed"


async def test_a_short_loss_of_the_connection_costs_no_entry(
    database: Database, add_job: AddJob
) -> None:
    async with Watcher(database) as watcher, Watcher(database) as cut:
        held = await add_job("processing", entry="picked", manager=cut.liveness.manager_id)
        lock_holders = """SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_locks
            WHERE locktype = 'advisory' AND database = (
                SELECT oid FROM pg_database WHERE datname = current_database())"""
        assert await database.fetchval(lock_holders) == 2
        # Both hold a lock again; a dead worker's entry shows when they have looked often enough.
        left = await add_job("processing", entry="picked", manager=new_id())

        async with asyncio.timeout(20):
            while await manager_of(database, left):
                watcher.news.clear()
                cut.news.clear()
                waits = [asyncio.ensure_future(one.news.wait()) for one in (watcher, cut)]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)

        assert await manager_of(database, held) == cut.liveness.manager_id


async def test_a_lock_that_was_lost_unnoticed_is_taken_again(
    database: Database, add_job: AddJob
) -> None:
    async with Watcher(database) as worker, Watcher(database):
        manager_id = worker.liveness.manager_id
        job_id = await add_job("processing", entry="picked", manager=manager_id)
        connection = worker.liveness._connection
        assert connection
        await connection.execute("SELECT pg_advisory_unlock_all()")

        async with asyncio.timeout(10):
            while worker.liveness._connection is connection:
                await asyncio.sleep(0.05)

        assert await manager_of(database, job_id) == manager_id


async def test_a_look_that_fails_is_not_the_last_one(database: Database, add_job: AddJob) -> None:
    async with Watcher(database) as watcher:
        left = await add_job("processing", entry="picked", manager=new_id())
        with capture_logs() as told:
            await database.execute("ALTER TABLE queue.pgqueuer RENAME TO elsewhere")
            async with asyncio.timeout(10):
                while not told:
                    await asyncio.sleep(0.05)
        await database.execute("ALTER TABLE queue.elsewhere RENAME TO pgqueuer")

        await asyncio.wait_for(watcher.news.wait(), 15)

        assert await status_of(database, left) == "queued"


async def test_a_connection_that_does_not_get_the_lock_is_not_left_open(
    database: Database, database_url: str
) -> None:
    there = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    waiting = f"{there} AND wait_event_type = 'Lock'"
    liveness = Liveness(database, on_reclaim=lambda: None)
    before = await database.fetchval(there)
    other = await asyncpg.connect(database_url)
    lock = "SELECT pg_advisory_lock(hashtextextended($1::text, 0))"
    await other.execute(lock, str(liveness.manager_id))

    starting = asyncio.create_task(liveness.start())
    async with asyncio.timeout(10):
        while not await database.fetchval(waiting):
            await asyncio.sleep(0.01)
        starting.cancel()
        await asyncio.wait([starting])
        await other.close()

        while await database.fetchval(there) > before:
            await asyncio.sleep(0.01)
