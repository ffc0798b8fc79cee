"""The worker: on time, no more than it can carry, and through the loss of its connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from safelight.settings import Settings
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.studio import Studio

CALL = "POST /v1/images/generations"
MODEL = "openai/flux-schnell"


async def eventually(true: Callable[[], Awaitable[Any] | Any], within_s: float = 15) -> None:
    async with asyncio.timeout(within_s):
        while True:
            answer = true()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.01)


async def many(studio: Studio, count: int, **order: Any) -> list[dict[str, Any]]:
    order = {"model": MODEL, "reuse": "never"} | order
    return [await studio.submit(f"heron {number}", **order) for number in range(count)]


async def all_ended(studio: Studio, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(studio.ended(job) for job in jobs)))


async def cut_all_lines(studio: Studio) -> int:
    """End every connection of this process to the database but the one that says so."""
    return int(
        await studio.database.fetchval(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()"""
        )
    )


async def test_every_connection_has_our_time_limits_and_the_worker_few_of_its_own(
    studio: Studio,
) -> None:
    await all_ended(studio, await many(studio, 40))

    lines = await studio.database.fetch(
        """SELECT application_name FROM pg_stat_activity
           WHERE datname = current_database() AND backend_type = 'client backend'"""
    )

    # Their name comes with the limits (pool.SESSION).
    assert {line["application_name"] for line in lines} == {"safelight"}
    counters = {card.provider for card in studio.shop.registry.cards()}
    most: int = Settings.model_fields["db_connections"].default
    assert len(lines) <= most + 2 + 3 * len(counters)


async def test_a_worker_outlives_the_loss_of_all_its_connections(studio: Studio) -> None:
    studio.provider_api.plan = Plan(latency_s=1.0)
    jobs = await many(studio, 10)
    await eventually(lambda: studio.provider_api.counts[CALL] == 10)

    assert await cut_all_lines(studio) >= 5
    studio.provider_api.plan = Plan()
    ended = await all_ended(studio, jobs)
    later = await all_ended(studio, await many(studio, 3))

    assert {job["status"] for job in ended + later} == {"completed"}
    for table in ("outputs", "assets"):
        assert await studio.database.fetchval(f"SELECT count(*) FROM {table}") == 13
    assert studio.provider_api.counts[CALL] == 13, "a lost connection was paid for"


async def test_a_worker_takes_new_jobs_soon_after_its_idle_connections_were_lost(
    studio: Studio,
) -> None:
    loop = asyncio.get_running_loop()
    await studio.generate("a heron", model=MODEL)

    for _ in range(3):
        await cut_all_lines(studio)
        begin = loop.time()
        job = await studio.generate("another heron", model=MODEL, reuse="never")
        assert job["status"] == "completed"
        assert loop.time() - begin < 10


async def test_a_delayed_retry_happens_on_time(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="busy_ms", times=1)  # "come back in 1.5 s"

    job = await studio.generate("a heron", model=MODEL)

    assert job["status"] == "completed"
    assert job["attempts"] == 2
    rows = await studio.database.fetch(
        """SELECT at FROM events
           WHERE kind = 'snapshot' AND number > (SELECT min(number) FROM events)
              OR data->>'stage' = 'understanding' ORDER BY number"""
    )
    _, gave_up, began_again = (row["at"] for row in rows)
    waited_s = (began_again - gave_up).total_seconds()
    assert 1.4 < waited_s < 2.5


async def test_no_more_than_its_places_are_taken_at_once(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    provider_api.plan = Plan(latency_s=0.2)
    async with Studio.open(database_url, tmp_path, provider_api, jobs_at_once=3) as studio:
        most = 0

        async def watch() -> None:
            nonlocal most
            sql = "SELECT count(*) FROM jobs WHERE status = 'processing'"
            while True:
                most = max(most, await studio.database.fetchval(sql))
                await asyncio.sleep(0.01)

        watching = asyncio.create_task(watch())
        ended = await all_ended(studio, await many(studio, 12))
        watching.cancel()

    assert {job["status"] for job in ended} == {"completed"}
    assert most == 3


async def test_the_urgent_goes_first_and_then_who_came_first(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as studio:
        jobs = [
            (await many(studio, 1, priority=priority))[0]
            for priority in ("low", "normal", "high", "low", "normal", "high")
        ]

    provider_api.plan = Plan(latency_s=0.1)
    async with Studio.open(database_url, tmp_path, provider_api, jobs_at_once=2) as studio:
        await all_ended(studio, jobs)
        rows = await studio.database.fetch("SELECT id::text FROM jobs ORDER BY started_at, id")

    order = [row["id"] for row in rows]
    places = [[job["id"] for job in jobs].index(job_id) for job_id in order]
    assert [{2: 0, 5: 0, 1: 1, 4: 1, 0: 2, 3: 2}[place] for place in places] == [0, 0, 1, 1, 2, 2]


async def test_a_slow_provider_does_not_take_the_places_of_models_on_this_machine(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    provider_api.plan = Plan(latency_s=2)
    async with Studio.open(database_url, tmp_path, provider_api, jobs_at_once=4) as studio:
        slow = await many(studio, 12)
        await eventually(lambda: provider_api.counts[CALL] == 4)

        sketch = await studio.generate(
            "a heron", model="sketch", parameters={"width": 64, "height": 64}
        )

        assert sketch["status"] == "completed"
        assert (await studio.get(slow[-1]["id"]))["status"] == "pending"
        provider_api.plan = Plan()
        await all_ended(studio, slow)


async def test_a_cancelled_job_stops_at_the_provider_at_once(studio: Studio) -> None:
    studio.provider_api.plan = Plan(latency_s=600)
    (job,) = await many(studio, 1)
    await eventually(lambda: studio.provider_api.counts[CALL] == 1)

    answer = await studio.client.delete(f"/api/jobs/{job['id']}")

    assert answer.json()["status"] == "cancelled"
    await eventually(lambda: studio.provider_api.abandoned == 1)
    await eventually(lambda: _empty(studio))
    assert (await studio.get(job["id"]))["attempts"] == 1


async def test_a_job_can_be_cancelled_from_any_process(
    studio: Studio, database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    provider_api.plan = Plan(latency_s=600)
    (job,) = await many(studio, 1)
    await eventually(lambda: provider_api.counts[CALL] == 1)

    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as other:
        await other.client.delete(f"/api/jobs/{job['id']}")

        await eventually(lambda: provider_api.abandoned == 1)


async def _empty(studio: Studio) -> bool:
    return bool(await studio.database.fetchval("SELECT count(*) = 0 FROM queue.pgqueuer"))


async def test_ended_jobs_leave_nothing_in_the_queue(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="refused", times=2)

    jobs = await all_ended(studio, await many(studio, 6))

    assert sorted(job["status"] for job in jobs) == ["completed"] * 4 + ["failed"] * 2
    await eventually(lambda: _empty(studio))


async def test_a_worker_that_is_about_to_stop_begins_nothing_new(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    provider_api.plan = Plan(latency_s=0.3)
    async with Studio.open(database_url, tmp_path, provider_api, jobs_at_once=2) as studio:
        await many(studio, 10)
        await eventually(lambda: provider_api.counts[CALL] >= 2)

        assert studio.shop.worker
        studio.shop.worker.take_nothing_new()
        running = "SELECT count(*) FROM jobs WHERE status = 'processing'"

        async def is_idle() -> bool:
            return await studio.database.fetchval(running) == 0

        await eventually(is_idle)
        done = await studio.database.fetchval("SELECT count(*) FROM jobs WHERE attempt > 0")

        assert done <= 4, "two were at work, two had been taken"


async def test_a_job_is_tried_again_though_the_line_broke_when_its_entry_was_given_back(
    studio: Studio,
) -> None:
    studio.provider_api.plan = Plan(fault="server_error", times=1, latency_s=0.3)
    (job,) = await many(studio, 1)
    await eventually(lambda: studio.provider_api.counts[CALL] == 1)

    async def cut() -> bool:
        """End the connection that waits to write the entry back."""
        sql = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'
                   AND query LIKE 'UPDATE queue.pgqueuer%execute_after%'"""
        return bool(await studio.database.fetchval(sql))

    async with studio.database.transaction() as tx:
        await tx.execute("SELECT FROM queue.pgqueuer FOR UPDATE")
        await eventually(cut)

    assert (await studio.ended(job, within_s=15))["status"] == "completed"
    assert studio.provider_api.counts[CALL] == 2


async def test_an_entry_whose_claim_was_not_answered_is_taken_once_the_database_is_back(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with Studio.open(database_url, tmp_path, provider_api, sketch=False) as studio:
        worker = studio.shop.worker
        assert worker
        await eventually(lambda: worker.alive)
        await studio.shop.lanes.pause("openai", None, "not yet")
        (job,) = await many(studio, 1)

        async def cut() -> bool:
            """End the connection that waits to claim."""
            sql = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'
                       AND query LIKE '%pgqueuer%SKIP LOCKED%'"""
            return bool(await studio.database.fetchval(sql))

        async with studio.database.transaction() as tx:
            await tx.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await tx.execute("LOCK TABLE queue.pgqueuer")
            await studio.shop.lanes.resume("openai")
            await eventually(cut)
            # What it would have done, had only the answer been lost.
            await tx.execute(
                "UPDATE queue.pgqueuer SET status = 'picked', queue_manager_id = $1",
                worker._liveness.manager_id,
            )

        assert (await studio.ended(job, within_s=20))["status"] == "completed"
