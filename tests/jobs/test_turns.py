"""Whose turn it is: between owners by tags, within one owner's jobs by urgency, and never more of
one owner's at a time than he may have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from safelight.database.pool import Database, Row
from safelight.jobs import attempts, endings, intake, turns
from safelight.jobs.admit import Wish
from safelight.jobs.attempts import HELD_UP, Claim, Delivered, Delivery
from safelight.jobs.model import Attempt, Order
from safelight.values.ids import JobId, OwnerId, new_id
from tests.fakes.openai_server import FakeOpenAI
from tests.studio import Studio

LANE = "openai"


@pytest.fixture
async def idle_studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """Takes orders; nobody carries them out, and nobody sweeps."""
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as made:
        await made.database.execute("INSERT INTO lanes (name) VALUES ($1)", LANE)
        yield made


async def new_owner(database: Database, **columns: Any) -> OwnerId:
    owner = OwnerId(new_id())
    await database.execute("INSERT INTO accounts (id, unlimited) VALUES ($1, true)", owner)
    return owner


def order(studio: Studio, owner: OwnerId, number: int = 0, **more: Any) -> Order:
    shares = {name: more.pop(name) for name in ("open_max", "running_max") if name in more}
    more["count"] = more.pop("variants", 1)
    wish = Wish(f"heron {number}", model="openai/flux-schnell", reuse="never", **more)
    return replace(studio.shop.admission.order(owner, wish), **shares)


async def admit(studio: Studio, owner: OwnerId, count: int, **more: Any) -> list[JobId]:
    orders = [order(studio, owner, number, **more) for number in range(count)]
    admitted = await intake.insert_once(studio.database, orders)
    assert [one.outcome for one in admitted] == ["new"] * count
    return [one.id for one in orders]


async def pick(database: Database) -> tuple[JobId, int] | None:
    """The entry a worker would be given next, taken out of the queue."""
    row = await database.fetchrow(
        """UPDATE queue.pgqueuer SET status = 'picked' WHERE id = (
               SELECT id FROM queue.pgqueuer WHERE entrypoint = $1 AND status = 'queued'
               ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED)
           RETURNING payload, priority""",
        LANE,
    )
    return (JobId(UUID(bytes=row["payload"])), -row["priority"]) if row else None


async def start_next(database: Database) -> Attempt | None:
    """What a worker does with it, and with those of jobs that have ended meanwhile."""
    while picked := await pick(database):
        job_id, tag = picked
        (started,) = await attempts.start_attempts(database, [Claim(job_id, tag)])
        if started == HELD_UP:
            job_id = await turns.trade(database, job_id, tag)
            (started,) = await attempts.start_attempts(database, [Claim(job_id, tag, False)])
        if isinstance(started, Attempt):
            return started
        await database.execute("DELETE FROM queue.pgqueuer WHERE payload = uuid_send($1)", job_id)
    return None


async def finish(database: Database, attempt: Attempt) -> None:
    failed: dict[str, Any] = {"code": "content_policy"}
    (done,) = await attempts.deliver(
        database, [Delivery(attempt, (), (), "failed", failed, charged=0)]
    )
    await database.execute(
        "DELETE FROM queue.pgqueuer WHERE payload = uuid_send($1)", attempt.job_id
    )
    if done is Delivered.FREED:
        await turns.unpark(database, attempt.owner_id)


async def account(database: Database, owner: OwnerId) -> Row:
    row = await database.fetchrow("SELECT * FROM accounts WHERE id = $1", owner)
    assert row
    return row


async def in_order(database: Database) -> list[JobId]:
    """Carry out everything, one after the other; the jobs in the order of their starts."""
    done = []
    while attempt := await start_next(database):
        done.append(attempt.job_id)
        await finish(database, attempt)
    return done


async def test_who_comes_late_with_one_job_is_next(idle_studio: Studio) -> None:
    database = idle_studio.database
    many, one = await new_owner(database), await new_owner(database)
    await admit(idle_studio, many, 200)
    for _ in range(50):
        assert await start_next(database)

    (late,) = await admit(idle_studio, one, 1)

    following = [await start_next(database) for _ in range(2)]
    assert late in {attempt.job_id for attempt in following if attempt}


async def test_an_idle_time_saves_nothing_up(idle_studio: Studio) -> None:
    """Who had nothing to do for long is served like everybody, not before everybody."""
    database = idle_studio.database
    busy, idle = await new_owner(database), await new_owner(database)
    await admit(idle_studio, busy, 100)
    await in_order(database)

    of_idle = await admit(idle_studio, idle, 20)
    of_busy = await admit(idle_studio, busy, 20)

    order_of_starts = await in_order(database)
    first_half = set(order_of_starts[:20])
    assert 8 <= len(first_half & set(of_idle)) <= 12
    assert 8 <= len(first_half & set(of_busy)) <= 12


async def test_ten_owners_share_evenly_however_many_submits_are_under_way(
    idle_studio: Studio,
) -> None:
    database = idle_studio.database
    owners = [await new_owner(database) for _ in range(10)]
    await asyncio.gather(
        *(admit(idle_studio, owner, 5 + 3 * index) for index, owner in enumerate(owners)),
        *(admit(idle_studio, owner, 5) for owner in owners),
        *(admit(idle_studio, owner, 10) for owner in owners),
    )

    starts = [await start_next(database) for _ in range(100)]

    shares = [sum(a is not None and a.owner_id == owner for a in starts) for owner in owners]
    assert sum(shares) ** 2 / (10 * sum(share**2 for share in shares)) >= 0.95, shares


async def test_many_variants_count_as_many_turns(idle_studio: Studio) -> None:
    database = idle_studio.database
    wide, narrow = await new_owner(database), await new_owner(database)
    await admit(idle_studio, wide, 20, variants=4)
    await admit(idle_studio, narrow, 20)

    starts = [await start_next(database) for _ in range(15)]

    of_wide = sum(a is not None and a.owner_id == wide for a in starts)
    assert 2 <= of_wide <= 4


async def test_the_urgent_overtakes_its_owners_own_jobs_and_nobody_elses(
    idle_studio: Studio,
) -> None:
    database = idle_studio.database
    mine, other = await new_owner(database), await new_owner(database)
    normal = await admit(idle_studio, mine, 5)
    theirs = await admit(idle_studio, other, 5)
    (urgent,) = await admit(idle_studio, mine, 1, priority="high")

    starts = await in_order(database)

    assert [job for job in starts if job not in theirs] == [urgent, *normal]
    assert [job in theirs for job in starts][:6] == [False, True] * 3


async def test_what_has_waited_long_enough_is_overtaken_no_more(idle_studio: Studio) -> None:
    database = idle_studio.database
    mine = await new_owner(database)
    (low,) = await admit(idle_studio, mine, 1, priority="low")
    await admit(idle_studio, mine, 3, priority="high")
    await database.execute(
        "UPDATE jobs SET created_at = now() - interval '11 minutes' WHERE id = $1", low
    )

    assert (await in_order(database))[0] == low


async def test_every_waiting_job_keeps_exactly_one_entry_while_they_trade_places(
    idle_studio: Studio,
) -> None:
    database = idle_studio.database
    mine = await new_owner(database)
    for priority in ("low", "normal", "high") * 8:
        await admit(idle_studio, mine, 1, priority=priority)

    async def work() -> list[Attempt]:
        started = []
        while attempt := await start_next(database):
            started.append(attempt)
            await asyncio.sleep(0)
        return started

    started = [a for some in await asyncio.gather(*(work() for _ in range(4))) for a in some]

    assert len({attempt.job_id for attempt in started}) == 24
    rows = await database.fetch(
        """SELECT j.id FROM jobs j LEFT JOIN queue.pgqueuer e ON e.payload = uuid_send(j.id)
           WHERE e.id IS DISTINCT FROM j.entry"""
    )
    assert rows == []


async def test_no_more_of_an_owner_are_in_the_queue_than_may_run(idle_studio: Studio) -> None:
    database = idle_studio.database
    capped = await new_owner(database)
    jobs = await admit(idle_studio, capped, 10, running_max=4)

    running = [await start_next(database) for _ in range(5)]

    assert [attempt.job_id for attempt in running if attempt] == jobs[:4]
    assert (await account(database, capped))["parked_jobs"] == 6
    assert running[0]
    await finish(database, running[0])
    assert [a.job_id for a in [await start_next(database)] if a] == [jobs[4]]
    assert await start_next(database) is None


async def test_the_most_urgent_of_the_parked_goes_first(idle_studio: Studio) -> None:
    database = idle_studio.database
    capped = await new_owner(database)
    await admit(idle_studio, capped, 3, running_max=1)
    (urgent,) = await admit(idle_studio, capped, 1, running_max=1, priority="high")
    first = await start_next(database)
    assert first

    # It traded places with the one that was in the queue when it came.
    assert first.job_id == urgent
    await finish(database, first)
    assert (await account(database, capped))["parked_jobs"] == 2


async def test_all_parked_jobs_come_to_an_end_however_the_others_end(
    idle_studio: Studio,
) -> None:
    database = idle_studio.database
    capped = await new_owner(database)
    jobs = await admit(idle_studio, capped, 30, running_max=3)

    async def work() -> None:
        while True:
            attempt = await start_next(database)
            if attempt is None:
                if not (await account(database, capped))["open_jobs"]:
                    return
                await turns.unpark_forgotten(database)
                continue
            await finish(database, attempt)

    async def cancel_some() -> None:
        for job in jobs[::3]:
            if await endings.cancel(database, capped, job):
                await turns.unpark(database, capped)

    await asyncio.wait_for(asyncio.gather(work(), work(), cancel_some()), 30)

    row = await account(database, capped)
    assert (row["open_jobs"], row["parked_jobs"], row["held"]) == (0, 0, 0)
    assert await database.fetchval("SELECT count(*) FROM jobs WHERE finished_at IS NULL") == 0
    assert await database.fetchval("SELECT count(*) FROM queue.pgqueuer") == 0


async def test_a_sweep_lets_go_what_a_death_left_parked(idle_studio: Studio) -> None:
    database = idle_studio.database
    capped = await new_owner(database)
    await admit(idle_studio, capped, 3, running_max=1)
    first = await start_next(database)
    assert first
    done = await attempts.deliver(
        database, [Delivery(first, (), (), "failed", {"code": "internal"}, charged=0)]
    )
    assert done == [Delivered.FREED]  # and here the process dies

    assert await start_next(database) is None
    assert await turns.unpark_forgotten(database) == 1
    assert await start_next(database)


async def test_a_hold_that_outlived_its_job_is_settled_by_the_sweep(idle_studio: Studio) -> None:
    database = idle_studio.database
    owner = await new_owner(database)
    (job,) = await admit(idle_studio, owner, 1)
    await database.execute(  # as a version without credits ends it
        """UPDATE jobs SET status = 'failed', charged = 0,
                  finished_at = now() - interval '2 minutes' WHERE id = $1""",
        job,
    )

    assert await endings.settle_stale(database) == 1
    assert await endings.settle_stale(database) == 0

    row = await account(database, owner)
    assert (row["held"], row["used"], row["open_jobs"]) == (0, 0, 0)


async def test_a_job_past_its_deadline_ends_and_gives_everything_back(
    idle_studio: Studio,
) -> None:
    database = idle_studio.database
    owner = await new_owner(database)
    await database.execute("UPDATE accounts SET unlimited = false WHERE id = $1", owner)
    await database.execute("UPDATE accounts SET granted = 10, available = 10 WHERE id = $1", owner)
    (late, parked) = await admit(idle_studio, owner, 2, running_max=1)
    await database.execute("UPDATE jobs SET deadline_at = now() - interval '1 second'")

    ended = await endings.expire(database)

    assert {job for job, _ in ended} == {late, parked}
    row = await account(database, owner)
    assert (row["available"], row["held"], row["used"]) == (10, 0, 0)
    assert (row["open_jobs"], row["parked_jobs"]) == (0, 0)
    kinds = await database.fetch("SELECT kind FROM postings WHERE line = 1 ORDER BY id")
    assert [one["kind"] for one in kinds] == ["hold", "hold", "expire", "expire"]
    assert await database.fetchval("SELECT count(*) FROM dead_letters WHERE code = 'timeout'") == 2
    assert await database.fetchval("SELECT count(*) FROM queue.pgqueuer") == 0


async def test_starting_a_job_does_not_look_at_all_that_its_owner_has_in_the_queue(
    idle_studio: Studio,
) -> None:
    database, ann = idle_studio.database, await new_owner(idle_studio.database)
    await database.execute(
        """INSERT INTO jobs (id, owner_id, type, model, provider, prompt, request, count, digest,
                             price, status, started_at, finished_at)
           SELECT ('0190' || lpad(to_hex(n), 8, '0') || '70008000' || repeat('0', 12))::uuid, $1,
                  'image', 'm', $2, 'a heron', '{}', 1, '', 0, 'completed', now(), now()
           FROM generate_series(1, 20000) AS n""",
        ann,
        LANE,
    )
    waiting = [job for _ in range(10) for job in await admit(idle_studio, ann, 100)]
    await database.execute("VACUUM ANALYZE jobs")

    async with database.transaction() as tx:
        asked = [{"id": str(waiting[0]), "tag": 1, "overtakable": True}]
        told = await tx.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {attempts._START}", asked, 600.0)

    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(json.loads(told)[0]["Plan"])
        if node.get("Relation Name") == "jobs"
    )
    assert read <= 10


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
