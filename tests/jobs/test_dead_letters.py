"""Jobs that failed through no fault of their owners: told, replayed once, or discarded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from safelight.database.pool import Database
from safelight.jobs import dead_letters
from safelight.jobs.admit import Admission
from safelight.jobs.dead_letters import (
    AlreadyReplayed,
    DeadLetters,
    Discarded,
    Filter,
    replay_key,
    settle,
)
from safelight.values.errors import CreditsShort, InvalidRequest, NotFound, UnknownModel
from safelight.values.ids import LOCAL_OWNER, JobId
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.studio import Studio

FLUX = {"model": "openai/flux-schnell", "parameters": {"width": 64, "height": 64}}
OUTAGE = Plan(fault="server_error")


@pytest.fixture
async def studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """One failure is enough, and a provider is never left alone for it."""
    async with Studio.open(
        database_url,
        tmp_path,
        provider_api,
        attempts_max=1,
        breaker_open_s=0.05,
    ) as made:
        yield made


@pytest.fixture
async def counter(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """Takes orders; nobody carries them out."""
    async with Studio.open(
        database_url, tmp_path, provider_api, with_worker=False, db_connections=4
    ) as made:
        yield made


async def dead(studio: Studio, **order: Any) -> UUID:
    """A job that failed because its provider did."""
    plan, studio.provider_api.plan = studio.provider_api.plan, OUTAGE
    job = await studio.generate(**(FLUX | order))
    studio.provider_api.plan = plan
    assert job["status"] == "failed"
    return UUID(job["id"])


async def buried(
    studio: Studio, count: int = 1, *, code: str = "provider_failure", **order: Any
) -> list[UUID]:
    """Dead jobs that nobody had to carry out."""
    jobs = [UUID((await studio.submit(f"heron {n}", **(FLUX | order)))["id"]) for n in range(count)]
    await studio.database.execute(
        """WITH job AS (
               UPDATE jobs SET status = 'failed', finished_at = now(), charged = 0,
                      error = jsonb_build_object('code', $2::text, 'title', 't', 'detail', 'd',
                          'retryable', true, 'charged', false, 'provider_message', null)
               WHERE id = ANY($1) RETURNING id, provider, model),
           entry AS (DELETE FROM queue.pgqueuer WHERE payload IN (SELECT uuid_send(id) FROM job)),
           open AS (UPDATE accounts SET open_jobs = 0)
           INSERT INTO dead_letters (job_id, code, provider, model)
           SELECT id, $2, provider, model FROM job""",
        jobs,
        code,
    )
    return jobs


async def replays_of(database: Database, job_id: UUID) -> list[UUID]:
    rows = await database.fetch("SELECT id FROM jobs WHERE retry_of = $1", job_id)
    return [UUID(int=row["id"].int) for row in rows]


async def letter(database: Database, job_id: UUID) -> Any:
    return await database.fetchrow("SELECT * FROM dead_letters WHERE job_id = $1", job_id)


async def everything(database: Database) -> list[Any]:
    return [
        await database.fetch(f"SELECT * FROM {table} ORDER BY 1")
        for table in ("dead_letters", "jobs", "accounts", "postings", "queue.pgqueuer")
    ]


async def test_a_failure_of_the_provider_is_kept_and_one_of_the_user_is_not(
    studio: Studio,
) -> None:
    died = await dead(studio)
    studio.provider_api.plan = Plan(fault="refused")
    refused = await studio.generate("a fox", **FLUX)

    page = await studio.shop.letters.page(Filter(), limit=10, cursor=None)

    assert refused["error"]["code"] == "content_policy"
    assert [UUID(int=row["job_id"].int) for row in page.rows] == [died]
    row = page.rows[0]
    assert (row["code"], row["provider"], row["model"], row["prompt"]) == (
        "provider_failure",
        "openai",
        "openai/flux-schnell",
        "a red bicycle",
    )
    assert (row["replayed_as"], row["discarded_at"], page.next_cursor) == (None, None, None)


async def test_all_that_happened_can_be_looked_at(studio: Studio) -> None:
    job_id = await dead(studio, count=2)

    found = await studio.shop.letters.inspect(job_id)

    assert found.job["request"]["parameters"]["width"] == 64
    assert {(one["index"], one["attempt"], one["state"]) for one in found.predictions} == {
        (0, 1, "failed"),
        (1, 1, "failed"),
    }
    assert all(one["code"] and one["message"] and one["ended_at"] for one in found.predictions)
    assert [line["kind"] for line in found.events][-1] == "failed"
    with pytest.raises(NotFound):
        await studio.shop.letters.inspect(uuid4())


async def test_a_replay_is_a_new_job_of_the_same_owner_at_its_price(studio: Studio) -> None:
    await studio.database.execute(
        "UPDATE accounts SET unlimited = false, granted = used + 5, available = 5"
    )
    job_id = await dead(studio)

    new = await studio.shop.letters.replay(job_id, request_id="r")
    job = await studio.ended(await studio.get(str(new)))

    assert (job["status"], job["retry_of"], job["prompt"]) == (
        "completed",
        str(job_id),
        "a red bicycle",
    )
    assert job["charged"] == {"credits": 1, "released": 0}
    assert await studio.database.fetchval("SELECT available FROM accounts") == 4
    assert (await letter(studio.database, job_id))["replayed_as"] == new
    assert (await studio.get(str(job_id)))["status"] == "failed", "the first one stays"


async def test_a_hundred_replays_at_once_by_two_processes_order_one_job(
    counter: Studio, database_url: str
) -> None:
    [job_id] = await buried(counter)
    shop = counter.shop
    other = await Database.connect(database_url, connections_max=4)
    admission = Admission(
        other, shop.registry, shop.feed, shop.wakeups, shop.admission._bound, deadline_s=60
    )
    desks = [shop.letters, DeadLetters(other, admission)]

    answers = await asyncio.gather(
        *(desks[n % 2].replay(job_id, request_id=None) for n in range(100)),
        return_exceptions=True,
    )

    [new] = await replays_of(counter.database, job_id)
    assert [one for one in answers if one == new] == [new]
    told = [one for one in answers if isinstance(one, AlreadyReplayed)]
    assert len(told) == 99
    assert {one.replayed_as for one in told} == {new}
    assert await counter.database.fetchval("SELECT count(*) FROM queue.pgqueuer") == 1
    await other.close()


class Dying(Admission):
    """Its process ends when the new job is durable and nobody was told of it."""

    async def retry(self, *what: Any, **more: Any) -> Any:
        await super().retry(*what, **more)
        raise SystemError("killed")


async def test_a_process_that_dies_in_the_middle_leaves_one_job(counter: Studio) -> None:
    [job_id] = await buried(counter)
    shop, database = counter.shop, counter.database
    dying = Dying(
        database, shop.registry, shop.feed, shop.wakeups, shop.admission._bound, deadline_s=60
    )
    with pytest.raises(SystemError):
        await DeadLetters(database, dying).replay(job_id, request_id=None)
    [new] = await replays_of(database, job_id)
    assert (await letter(database, job_id))["replayed_as"] is None

    for act in (shop.letters.replay(job_id, request_id=None), shop.letters.discard(job_id)):
        with pytest.raises(AlreadyReplayed) as told:
            await act
        assert told.value.replayed_as == new

    await settle(database)
    assert (await letter(database, job_id))["replayed_as"] is None, "it may still be under way"
    await database.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    async with asyncio.timeout(30):  # the sweep does it by itself
        while (await letter(database, job_id))["replayed_as"] is None:
            await asyncio.sleep(0.2)
    await database.execute("DELETE FROM idempotency_keys")
    assert (await letter(database, job_id))["replayed_as"] == new
    with pytest.raises(AlreadyReplayed):
        await shop.letters.replay(job_id, request_id=None)
    assert await replays_of(database, job_id) == [new]


async def test_no_key_from_outside_can_be_that_of_a_replay(counter: Studio) -> None:
    [job_id] = await buried(counter)
    for key in (replay_key(job_id), f"dead-letter:{job_id}", f"dead-letter:%20{job_id}"):
        await counter.client.post(
            "/api/jobs", json={"prompt": "mine"} | FLUX, headers={"Idempotency-Key": key}
        )

    new = await counter.shop.letters.replay(job_id, request_id=None)

    assert await replays_of(counter.database, job_id) == [new]


async def test_what_was_discarded_stays_so_and_nothing_changes(counter: Studio) -> None:
    [job_id] = await buried(counter)
    letters, database = counter.shop.letters, counter.database
    await letters.discard(job_id)
    before = await everything(database)

    await letters.discard(job_id)
    with pytest.raises(Discarded):
        await letters.replay(job_id, request_id=None)

    assert await everything(database) == before


async def test_what_was_replayed_is_not_discarded(counter: Studio) -> None:
    [job_id] = await buried(counter)
    new = await counter.shop.letters.replay(job_id, request_id=None)
    before = await everything(counter.database)

    with pytest.raises(AlreadyReplayed) as told:
        await counter.shop.letters.discard(job_id)

    assert told.value.replayed_as == new
    assert await everything(counter.database) == before


async def test_a_letter_is_replayed_or_discarded_and_never_both(counter: Studio) -> None:
    jobs = await buried(counter, 30)
    letters, database = counter.shop.letters, counter.database

    await asyncio.gather(
        *(letters.replay(job_id, request_id=None) for job_id in jobs),
        *(letters.discard(job_id) for job_id in reversed(jobs)),
        return_exceptions=True,
    )

    for job_id in jobs:
        row, new = await letter(database, job_id), await replays_of(database, job_id)
        assert (row["discarded_at"] is None) == (len(new) == 1), "a job for each that was not"
        assert [row["replayed_as"]] == (new or [None])


async def test_many_at_once_do_not_use_up_the_connections(counter: Studio) -> None:
    jobs = await buried(counter, 40)

    async with asyncio.timeout(30):
        new = await asyncio.gather(
            *(counter.shop.letters.replay(job_id, request_id=None) for job_id in jobs)
        )

    assert len(set(new)) == 40


async def test_an_owner_who_cannot_pay_keeps_the_letter_open(counter: Studio) -> None:
    rich, poor = await buried(counter, 2)
    await counter.database.execute(
        "UPDATE accounts SET unlimited = false, granted = used + held + 1, available = 1"
    )

    outcomes = await counter.shop.letters.replay_all([rich, poor, rich], request_id=None)

    assert [(one.job_id, one.code) for one in outcomes] == [
        (rich, None),
        (poor, "insufficient_credits"),
    ]
    assert outcomes[1].detail == "This needs 1, you have 0."
    assert (await letter(counter.database, poor))["replayed_as"] is None
    with pytest.raises(CreditsShort):
        await counter.shop.letters.replay(poor, request_id=None)
    await counter.database.execute(
        "UPDATE accounts SET granted = granted + 1, available = available + 1"
    )
    assert await counter.shop.letters.replay(poor, request_id=None)


async def test_a_model_that_is_gone_keeps_the_letter_open(counter: Studio) -> None:
    [job_id] = await buried(counter)
    await counter.database.execute(
        """UPDATE jobs SET request = jsonb_set(request, '{requested_model}', '"openai/gone"')"""
    )

    with pytest.raises(UnknownModel):
        await counter.shop.letters.replay(job_id, request_id=None)

    assert (await letter(counter.database, job_id))["replayed_as"] is None


async def test_a_replay_leaves_its_owners_share_of_the_queue_as_it_is(counter: Studio) -> None:
    jobs = await buried(counter, 2)
    await counter.database.execute("UPDATE accounts SET running_max = 1")

    for job_id in jobs:
        await counter.shop.letters.replay(job_id, request_id=None)

    row = await counter.database.fetchrow(
        "SELECT running_max, open_jobs, parked_jobs FROM accounts WHERE id = $1", LOCAL_OWNER
    )
    assert tuple(row or ()) == (1, 2, 1)


async def test_of_many_each_is_dealt_with_for_itself(counter: Studio) -> None:
    fresh, done, away = await buried(counter, 3)
    new = await counter.shop.letters.replay(done, request_id=None)
    await counter.shop.letters.discard(away)
    unknown = uuid4()

    outcomes = await counter.shop.letters.replay_all([done, unknown, away, fresh], request_id=None)
    discards = await counter.shop.letters.discard_all([done, unknown, away])

    assert [(one.job_id, one.code, one.replayed_as is not None) for one in outcomes] == [
        (done, "already_finished", True),
        (unknown, "not_found", False),
        (away, "already_finished", False),
        (fresh, None, True),
    ]
    assert outcomes[0].replayed_as == new
    assert [(one.job_id, one.code) for one in discards] == [
        (done, "already_finished"),
        (unknown, "not_found"),
        (away, None),
    ]


async def test_letters_are_listed_newest_first_page_by_page_and_by_what_they_are(
    counter: Studio,
) -> None:
    letters = counter.shop.letters
    timeouts = await buried(counter, 2, code="timeout")
    failures = await buried(counter, 3)
    chats = await buried(counter, 1, type="text", model="openai/tiny-chat", parameters={})
    await letters.discard(failures[0])
    new = await letters.replay(failures[1], request_id=None)

    async def listed(wanted: Filter, limit: int = 2) -> list[UUID]:
        found, cursor = [], None
        while True:
            page = await letters.page(wanted, limit=limit, cursor=cursor)
            assert len(page.rows) <= limit
            found += [UUID(int=row["job_id"].int) for row in page.rows]
            if (cursor := page.next_cursor) is None:
                return found

    everybody = [*timeouts, *failures, *chats][::-1]
    assert await listed(Filter("all")) == everybody
    assert await listed(Filter()) == [chats[0], failures[2], *timeouts[::-1]]
    assert await listed(Filter("discarded")) == [failures[0]]
    assert await listed(Filter("replayed")) == [failures[1]]
    assert await listed(Filter(code="timeout")) == timeouts[::-1]
    assert await listed(Filter("all", model="openai/tiny-chat")) == chats
    assert await listed(Filter("all", provider="sketch")) == []
    assert await letters.matching(Filter(code="timeout"), 1) == timeouts[:1]
    assert await letters.matching(Filter(provider="openai"), 100) == [
        *timeouts,
        failures[2],
        *chats,
    ]
    assert new not in everybody
    with pytest.raises(InvalidRequest):
        await letters.page(Filter(), limit=2, cursor="!!")


async def test_a_letter_whose_lock_is_held_elsewhere_waits_its_turn(
    counter: Studio, database_url: str
) -> None:
    [job_id] = await buried(counter)
    other = await Database.connect(database_url, connections_max=2)
    elsewhere = DeadLetters(other, counter.shop.admission)
    async with elsewhere._alone_with(job_id) as tx:
        waiting = asyncio.create_task(counter.shop.letters.replay(job_id, request_id=None))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await tx.execute(
            "UPDATE dead_letters SET discarded_at = now() WHERE job_id = $1", JobId(job_id)
        )

    with pytest.raises(Discarded):
        await waiting
    assert await replays_of(counter.database, job_id) == []
    assert dead_letters._AT_ONCE < 4, "the smallest pool has room for the admission"
    await other.close()
