"""The attempt number is the fence: who has lost a job writes nothing more."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from safelight.database.pool import Database
from safelight.images.store import original_key, preview_key
from safelight.jobs import attempts, endings
from safelight.jobs.attempts import Claim, Delivered, Delivery, Note
from safelight.jobs.desk import Desk
from safelight.jobs.feed import Feed
from safelight.jobs.journal import Fenced, Journal
from safelight.jobs.model import Attempt, Made, StoredPicture
from safelight.values.ids import LOCAL_OWNER, JobId, new_id
from safelight.values.images import PREVIEW_SIDES
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.pictures import picture
from tests.studio import Studio

CALL = "POST /v1/images/generations"
PIXELS = picture("png", 64, 64, bytes(6))


@pytest.fixture
async def idle_studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """Takes orders; nobody carries them out."""
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as made:
        yield made


async def order(studio: Studio, count: int = 1) -> JobId:
    job = await studio.submit("a heron", model="openai/flux-schnell", count=count, reuse="never")
    return JobId(UUID(job["id"]))


async def claim(studio: Studio, job_id: JobId) -> Attempt:
    """What a worker does first."""
    (attempt,) = await attempts.start_attempts(studio.database, [Claim(job_id, 0)])
    assert isinstance(attempt, Attempt)
    return attempt


def made(index: int = 0) -> Made:
    stored = StoredPicture(
        asset_id=new_id(),
        format="png",
        width=64,
        height=64,
        bytes=len(PIXELS),
        sha256=hashlib.sha256(PIXELS).hexdigest(),
        seed=1,
    )
    return Made(index=index, picture=stored)


# The writes an attempt makes. Each says whether it was allowed.


async def progress(database: Database, attempt: Attempt) -> bool:
    note = Note(
        attempt,
        stage="generating",
        progress=0.5,
        optimized_prompt="of this attempt",
        events=(("stage", {"stage": "generating"}),),
        steps=(("render:0", "done", {"of": "this attempt"}),),
    )
    return (await attempts.note(database, [note]))[0]


async def hand_over(database: Database, delivery: Delivery) -> bool:
    return (await attempts.deliver(database, [delivery]))[0] is not Delivered.FENCED


async def one_picture(database: Database, attempt: Attempt) -> bool:
    return await hand_over(database, Delivery(attempt, (made(),), (("output", {"index": 0}),)))


async def the_end(database: Database, attempt: Attempt) -> bool:
    return await hand_over(database, Delivery(attempt, (made(),), (), "completed", charged=1))


async def failure(database: Database, attempt: Attempt) -> bool:
    error = {"code": "internal"}
    return await hand_over(database, Delivery(attempt, (), (), "failed", error, charged=0))


async def another_try(database: Database, attempt: Attempt) -> bool:
    return await attempts.wait_again(database, attempt, is_try=True)


WRITES = (progress, one_picture, the_end, failure, another_try)


async def everything(database: Database) -> dict[str, list[Any]]:
    """All that is stored about jobs."""
    tables = ("jobs", "events", "steps", "outputs", "assets", "queue.pgqueuer", "accounts", "holds")
    tables += ("postings", "predictions", "dead_letters")
    return {
        name: [tuple(row) for row in await database.fetch(f"SELECT * FROM {name} t ORDER BY t")]
        for name in tables
    }


async def assert_writes_nothing(database: Database, attempt: Attempt) -> None:
    before = await everything(database)
    for write in WRITES:
        assert not await write(database, attempt), write.__name__
        assert await everything(database) == before, write.__name__


async def test_an_old_attempt_can_write_nothing(idle_studio: Studio) -> None:
    database, job_id = idle_studio.database, await order(idle_studio)
    old = await claim(idle_studio, job_id)
    new = await claim(idle_studio, job_id)

    await assert_writes_nothing(database, old)

    assert await progress(database, new), "the newest attempt must be able to do the same"
    assert await the_end(database, new)


async def test_every_write_is_allowed_to_the_attempt_that_holds_the_job(
    idle_studio: Studio,
) -> None:
    for write in WRITES:
        attempt = await claim(idle_studio, await order(idle_studio))
        before = await everything(idle_studio.database)

        assert await write(idle_studio.database, attempt)

        assert await everything(idle_studio.database) != before, write.__name__


async def test_a_cancelled_job_takes_nothing_more(idle_studio: Studio) -> None:
    database, job_id = idle_studio.database, await order(idle_studio)
    attempt = await claim(idle_studio, job_id)

    assert await endings.cancel(database, LOCAL_OWNER, job_id) is not None

    await assert_writes_nothing(database, attempt)
    assert await attempts.start_attempts(database, [Claim(job_id, 0)]) == [None]


async def test_a_job_that_waits_for_its_next_attempt_takes_nothing_from_the_last_one(
    idle_studio: Studio,
) -> None:
    attempt = await claim(idle_studio, await order(idle_studio))

    assert await attempts.wait_again(idle_studio.database, attempt, is_try=True)

    await assert_writes_nothing(idle_studio.database, attempt)


async def test_a_finished_job_takes_nothing_more(idle_studio: Studio) -> None:
    database, job_id = idle_studio.database, await order(idle_studio)
    attempt = await claim(idle_studio, job_id)

    assert await the_end(database, attempt)

    await assert_writes_nothing(database, attempt)
    assert await endings.cancel(database, LOCAL_OWNER, job_id) is None


async def test_two_attempts_that_deliver_at_the_same_moment_leave_one_set_of_outputs(
    idle_studio: Studio,
) -> None:
    database = idle_studio.database
    for _ in range(20):
        job_id = await order(idle_studio)
        old = await claim(idle_studio, job_id)

        async def overtake(job_id: JobId = job_id) -> bool:
            return await the_end(database, await claim(idle_studio, job_id))

        results = await asyncio.gather(the_end(database, old), overtake(), return_exceptions=True)

        assert results.count(True) == 1
        rows = await database.fetchrow(
            """SELECT (SELECT count(*) FROM outputs WHERE job_id = $1) AS outputs,
                      (SELECT count(*) FROM assets WHERE job_id = $1) AS assets,
                      (SELECT count(*) FROM events
                       WHERE job_id = $1 AND kind = 'completed') AS ends""",
            job_id,
        )
        assert tuple(rows) == (1, 1, 1)


async def test_no_variant_can_be_delivered_twice_even_by_the_right_attempt(
    idle_studio: Studio,
) -> None:
    database, job_id = idle_studio.database, await order(idle_studio, count=2)
    attempt = await claim(idle_studio, job_id)
    assert await one_picture(database, attempt)
    before = await everything(database)

    with pytest.raises(asyncpg.UniqueViolationError):
        await one_picture(database, attempt)

    assert await everything(database) == before


async def test_every_claim_is_one_attempt_more_and_an_unfinished_one_is_a_crash(
    idle_studio: Studio,
) -> None:
    job_id = await order(idle_studio)

    first = await claim(idle_studio, job_id)
    second = await claim(idle_studio, job_id)
    assert await attempts.wait_again(idle_studio.database, second, is_try=True)
    third = await claim(idle_studio, job_id)

    assert [one.number for one in (first, second, third)] == [1, 2, 3]
    assert [one.crashes for one in (first, second, third)] == [0, 1, 1]
    assert [one.tries for one in (first, second, third)] == [0, 0, 1]


async def test_claims_at_the_same_moment_get_different_numbers(idle_studio: Studio) -> None:
    job_id = await order(idle_studio)

    started = await asyncio.gather(*(claim(idle_studio, job_id) for _ in range(10)))

    assert sorted(attempt.number for attempt in started) == list(range(1, 11))


async def test_a_job_claimed_twice_in_one_statement_has_one_holder(idle_studio: Studio) -> None:
    """Two entries of one job may be picked together, after an upkeep that restored one too many."""
    job_id = await order(idle_studio)

    twice = [Claim(job_id, 0), Claim(job_id, 0)]
    started = await attempts.start_attempts(idle_studio.database, twice)

    numbers = [attempt.number for attempt in started if isinstance(attempt, Attempt)]
    assert len(set(numbers)) == len(numbers), "two holders with the same fencing number"


async def test_an_old_attempt_is_fenced_even_beside_a_new_one_in_the_same_statement(
    idle_studio: Studio,
) -> None:
    database, job_id = idle_studio.database, await order(idle_studio)
    old, new = await claim(idle_studio, job_id), await claim(idle_studio, job_id)

    noted = await attempts.note(database, [Note(old, stage="uploading"), Note(new)])
    delivered = await attempts.deliver(
        database, [Delivery(old, (made(),), ()), Delivery(new, (made(),), ())]
    )

    assert noted == [False, True]
    assert delivered == [Delivered.FENCED, Delivered.WRITTEN]


async def test_a_fenced_journal_says_so_at_the_next_step(idle_studio: Studio, feed: Feed) -> None:
    database, job_id = idle_studio.database, await order(idle_studio)
    journal = Journal(Desk(database, patience_s=600), feed, await claim(idle_studio, job_id))
    await claim(idle_studio, job_id)
    before = await everything(database)

    for write in (journal.record("render:0", "intent", None), journal.deliver([made()])):
        with pytest.raises(Fenced):
            await write
    journal.enter("uploading")  # written in the background, so nobody to tell
    journal.text(0, "late words")
    await journal.close()

    assert await everything(database) == before


async def test_a_cancel_that_waits_behind_a_delivery_charges_what_was_delivered(
    idle_studio: Studio,
) -> None:
    database, job_id = idle_studio.database, await order(idle_studio, count=2)
    attempt = await claim(idle_studio, job_id)

    async with database.transaction() as tx:
        one = Database(_Single(tx), database.url)  # type: ignore[arg-type]
        assert await one_picture(one, attempt)
        cancelling = asyncio.create_task(endings.cancel(database, LOCAL_OWNER, job_id))
        await _waiting_for_a_lock(database)
    await cancelling

    row = await database.fetchrow("SELECT price, charged, error FROM jobs WHERE id = $1", job_id)
    assert row
    assert row["charged"] == row["price"] // 2
    assert row["error"]["charged"] is True


class _Single:
    """What `Database` asks of a pool, on one connection."""

    def __init__(self, connection: Any) -> None:
        self.fetch = connection.fetch


async def _waiting_for_a_lock(database: Database) -> None:
    sql = """SELECT EXISTS (SELECT FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock')"""
    async with asyncio.timeout(10):
        while not await database.fetchval(sql):
            await asyncio.sleep(0.01)


# What the next worker finds. The rows are left as a crash leaves them: by an attempt without end.


@contextlib.asynccontextmanager
async def next_worker(
    studio: Studio, database_url: str, folder: Path, **settings: Any
) -> AsyncIterator[Studio]:
    async with Studio.open(database_url, folder, studio.provider_api, **settings) as working:
        yield working


async def crash_after(attempt: Attempt, studio: Studio, *steps: tuple[str, str, Any]) -> None:
    assert await attempts.note(studio.database, [Note(attempt, "generating", steps=steps)])


async def keep_original(studio: Studio) -> tuple[UUID, dict[str, Any]]:
    """A paid picture in the storage, and what the journal says about it."""
    stored = made().picture
    assert stored
    await studio.shop.store.put(original_key(stored.asset_id, "png"), PIXELS)
    return stored.asset_id, asdict(stored) | {"asset_id": str(stored.asset_id)}


async def test_after_a_crash_behind_the_original_the_provider_is_not_asked_again(
    idle_studio: Studio, database_url: str, tmp_path: Path
) -> None:
    job_id = await order(idle_studio)
    asset_id, result = await keep_original(idle_studio)
    await crash_after(await claim(idle_studio, job_id), idle_studio, ("render:0", "done", result))

    async with next_worker(idle_studio, database_url, tmp_path) as studio:
        job = await studio.ended(await studio.get(str(job_id)))

        assert job["status"] == "completed"
        assert job["outputs"][0]["asset"]["id"] == str(asset_id)
        assert studio.provider_api.counts[CALL] == 0
        for side in PREVIEW_SIDES:
            assert await studio.shop.store.size(preview_key(asset_id, side)), "not made again"
        assert job["attempts"] == 2
        assert await studio.database.fetchval("SELECT crashes FROM jobs") == 1


async def test_an_intent_without_a_result_leads_to_a_second_call(
    idle_studio: Studio, database_url: str, tmp_path: Path
) -> None:
    job_id = await order(idle_studio)
    await crash_after(await claim(idle_studio, job_id), idle_studio, ("render:0", "intent", None))

    async with next_worker(idle_studio, database_url, tmp_path) as studio:
        job = await studio.ended(await studio.get(str(job_id)))

        assert job["status"] == "completed"
        assert studio.provider_api.counts[CALL] == 1


async def test_only_the_variants_that_are_missing_are_made(
    idle_studio: Studio, database_url: str, tmp_path: Path
) -> None:
    job_id = await order(idle_studio, count=4)
    attempt = await claim(idle_studio, job_id)
    assert await one_picture(idle_studio.database, attempt)
    asset_id, result = await keep_original(idle_studio)
    await crash_after(
        attempt, idle_studio, ("render:1", "done", result), ("render:2", "intent", None)
    )

    async with next_worker(idle_studio, database_url, tmp_path) as studio:
        job = await studio.ended(await studio.get(str(job_id)))

        assert job["status"] == "completed"
        assert job["charged"] == {"credits": job["price"]["credits"], "released": 0}
        assert [output["status"] for output in job["outputs"]] == ["completed"] * 4
        assert job["outputs"][1]["asset"]["id"] == str(asset_id)
        assert studio.provider_api.counts[CALL] == 2
        assert await studio.database.fetchval("SELECT count(*) FROM assets") == 4


async def test_a_crash_does_not_change_the_seed(
    idle_studio: Studio, database_url: str, tmp_path: Path
) -> None:
    job_id = await order(idle_studio)
    attempt = await claim(idle_studio, job_id)

    async with next_worker(idle_studio, database_url, tmp_path) as studio:
        job = await studio.ended(await studio.get(str(job_id)))

    assert job["outputs"][0]["asset"]["seed"] == attempt.seed(0)


async def test_an_original_that_is_lost_does_not_leave_the_job_hanging(
    idle_studio: Studio, database_url: str, tmp_path: Path
) -> None:
    job_id = await order(idle_studio)
    asset_id, result = await keep_original(idle_studio)
    await idle_studio.shop.store.delete([original_key(asset_id, "png")])
    await crash_after(await claim(idle_studio, job_id), idle_studio, ("render:0", "done", result))

    async with next_worker(idle_studio, database_url, tmp_path) as studio:
        job = await studio.ended(await studio.get(str(job_id)), within_s=20)

    assert job["status"] in ("completed", "failed")
    if job["status"] == "failed":
        assert job["charged"]["credits"] == 0
        assert job["error"]["code"] == "internal"


async def test_a_job_that_is_given_up_pays_for_no_variant_that_was_refused_before(
    idle_studio: Studio, database_url: str, tmp_path: Path
) -> None:
    job_id = await order(idle_studio, count=3)
    attempt = await claim(idle_studio, job_id)
    refused = Made(index=0, error={"code": "content_policy", "title": "Refused"})
    assert await hand_over(idle_studio.database, Delivery(attempt, (refused, made(1)), ()))
    for _ in range(3):  # workers that die over it
        await claim(idle_studio, job_id)

    async with next_worker(idle_studio, database_url, tmp_path) as studio:
        job = await studio.ended(await studio.get(str(job_id)))

    assert "died" in job["outputs"][2]["error"]["detail"]
    assert [output["status"] for output in job["outputs"]] == ["failed", "completed", "failed"]
    assert job["charged"] == {"credits": 1, "released": 2}


async def test_a_job_that_is_given_up_after_nothing_but_refusals_has_failed_and_costs_nothing(
    idle_studio: Studio, database_url: str, tmp_path: Path
) -> None:
    job_id = await order(idle_studio, count=2)
    attempt = await claim(idle_studio, job_id)
    refused = Made(index=0, error={"code": "content_policy", "title": "Refused"})
    assert await hand_over(idle_studio.database, Delivery(attempt, (refused,), ()))
    for _ in range(3):
        await claim(idle_studio, job_id)

    async with next_worker(idle_studio, database_url, tmp_path) as studio:
        job = await studio.ended(await studio.get(str(job_id)))

    assert job["status"] == "failed"
    assert job["charged"] == {"credits": 0, "released": 2}


async def test_a_worker_that_stops_while_it_reads_what_was_done_burns_no_attempt(
    idle_studio: Studio, database_url: str, tmp_path: Path
) -> None:
    database, job_id = idle_studio.database, await order(idle_studio)
    assert await attempts.wait_again(database, await claim(idle_studio, job_id), is_try=True)

    async with database.transaction() as tx:
        await tx.execute("LOCK TABLE steps")  # so that the next one cannot read them
        async with next_worker(idle_studio, database_url, tmp_path, graceful_stop_s=0):
            await _waiting_for_a_lock(database)

    row = await database.fetchrow("SELECT status, attempt, crashes FROM jobs")
    assert row
    assert (row["status"], row["attempt"], row["crashes"]) == ("pending", 2, 0)


async def test_cancelling_in_the_middle_keeps_and_charges_what_was_delivered(
    idle_studio: Studio,
) -> None:
    job_id = await order(idle_studio, count=3)
    attempt = await claim(idle_studio, job_id)
    assert await one_picture(idle_studio.database, attempt)

    answer = await idle_studio.client.delete(f"/api/jobs/{job_id}")

    job = answer.json()
    assert job["status"] == "cancelled"
    assert [output["status"] for output in job["outputs"]] == ["completed", "failed", "failed"]
    assert job["charged"] == {"credits": 1, "released": 2}
