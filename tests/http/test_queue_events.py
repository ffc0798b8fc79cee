"""What streams say between the stored lines: where a job stands, and what the account has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from safelight.jobs import board
from safelight.jobs.admit import Wish
from safelight.queueing import roll
from safelight.values.ids import LOCAL_OWNER, OwnerId, new_id
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.http.test_stream import FLUX, Watcher, story
from tests.studio import Studio

NEW = FLUX | {"reuse": "never"}


@pytest.fixture
async def counter(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """Takes orders; nobody carries them out."""
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as made:
        yield made


def places(events: list[dict[str, Any]], job: dict[str, Any]) -> list[int]:
    return [
        event["data"]["position"]
        for event in events
        if event.get("event") == "queue" and event["data"]["job_id"] == job["id"]
    ]


def of_kind(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event.get("event") == kind]


async def watch(studio: Studio, path: str = "/api/events", **options: Any) -> Watcher:
    """A stream that has begun."""
    watcher = Watcher(studio, path, everything=True, **options)
    await watcher.until(lambda events: events)
    return watcher


async def test_a_waiting_job_is_told_where_it_stands_and_when_that_changes(
    counter: Studio,
) -> None:
    first, second, third = [await counter.submit(f"heron {n}", **NEW) for n in range(3)]
    watcher = await watch(counter, f"/api/jobs/{third['id']}/stream")
    await watcher.until(lambda events: places(events, third) == [3])

    await counter.client.delete(f"/api/jobs/{first['id']}")
    await watcher.until(lambda events: places(events, third) == [3, 2])
    await counter.submit("a fox", **NEW, priority="high")
    events = await watcher.until(lambda events: places(events, third) == [3, 2, 3])
    await watcher.close()

    told = of_kind(events, "queue")[-1]["data"]
    assert told == {
        "type": "queue",
        "job_id": third["id"],
        "status": "pending",
        "position": 3,
        "eta_seconds": None,
    }
    assert (await counter.get(third["id"]))["queue"] == {"position": 3, "eta_seconds": None}
    assert places(events, second) == []


async def test_the_time_left_is_told_and_shown(counter: Studio) -> None:
    database, worker = counter.database, new_id()
    await roll.sign_in(database, worker, [("openai", 2)])
    lock = await database.connect_alone()
    await lock.execute("SELECT pg_advisory_lock(hashtextextended($1::text, 0))", str(worker))
    done = await counter.submit("a heron", **NEW)
    await database.execute(
        """UPDATE jobs SET status = 'completed', started_at = now() - interval '10 s',
                  finished_at = now() WHERE id = $1""",
        done["id"],
    )
    await database.execute("DELETE FROM queue.pgqueuer")

    job = await counter.submit("a fox", **NEW)
    watcher = await watch(counter)
    events = await watcher.until(lambda events: places(events, job))
    await watcher.close()

    assert of_kind(events, "queue")[0]["data"]["eta_seconds"] == 5.0
    assert (await counter.get(job["id"]))["queue"] == {"position": 1, "eta_seconds": 5.0}
    await lock.close()


async def test_one_stream_tells_of_all_jobs_of_its_owner_and_of_nobody_elses(
    counter: Studio,
) -> None:
    stranger = OwnerId(new_id())
    await counter.database.execute(
        "INSERT INTO accounts (id, unlimited) VALUES ($1, true)", stranger
    )
    watcher = await watch(counter)

    jobs = [await counter.submit(f"heron {n}", **NEW) for n in range(4)]
    await counter.shop.admission.submit(stranger, Wish("a fox", model="openai/flux-schnell"))
    events = await watcher.until(lambda events: all(places(events, job) for job in jobs))
    await watcher.close()

    told = {event["data"]["job_id"] for event in of_kind(events, "queue")}
    assert told == {job["id"] for job in jobs}
    assert places(events, jobs[0])[0] == 1


async def test_the_id_of_a_queue_event_repeats_the_last_line(counter: Studio) -> None:
    first, second = [await counter.submit(f"heron {n}", **NEW) for n in range(2)]
    path = f"/api/jobs/{second['id']}/stream"
    watcher = await watch(counter, path)
    await watcher.until(lambda events: places(events, second) == [2])
    await counter.client.delete(f"/api/jobs/{first['id']}")
    await watcher.until(lambda events: places(events, second) == [2, 1])
    await counter.client.delete(f"/api/jobs/{second['id']}")
    events = await watcher.ended()

    ids = [event["id"] for event in events]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    again = await Watcher(counter, path, params={"after": ids[2]}).ended()
    assert [event["id"] for event in again] == [ids[3]]
    assert ids[3] == (await story(counter, second["id"]))[-1]


async def test_a_stream_that_resumes_is_told_too(counter: Studio) -> None:
    job = await counter.submit("a heron", **NEW)
    last = (await story(counter, job["id"]))[-1]

    watcher = await watch(counter, params={"after": f"{last}c"})
    events = await watcher.until(lambda events: places(events, job) == [1])
    await watcher.close()

    assert [(event["event"], event["id"]) for event in events] == [("queue", f"{last}c")]


async def test_what_has_left_the_queue_is_not_said_to_wait(studio: Studio) -> None:
    watcher = await watch(studio)

    for number in range(12):
        await studio.generate(f"heron {number}", **NEW)
    events = await watcher.until(lambda events: len(of_kind(events, "completed")) == 12)
    await watcher.close()

    left = set()
    for event in events[1:]:
        job, status = event["data"]["job_id"], event["data"]["status"]
        if event["event"] == "queue":
            assert job not in left
        if status != "pending":
            left.add(job)


async def test_a_look_that_is_older_than_the_lines_is_not_told(
    counter: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await counter.submit("a heron", **NEW)
    looking, go_on = asyncio.Event(), asyncio.Event()
    forecast = counter.shop.forecast
    asked = forecast.standing

    async def late(*ids: Any) -> Any:
        known = await asked(*ids)
        looking.set()
        await go_on.wait()
        return known

    monkeypatch.setattr(forecast, "standing", late)
    watcher = await watch(counter, f"/api/jobs/{job['id']}/stream")
    await looking.wait()

    await counter.database.execute(
        """WITH started AS (UPDATE jobs SET status = 'processing', attempt = 1 WHERE id = $1
                            RETURNING owner_id)
           INSERT INTO events (owner_id, job_id, status, kind, data)
           SELECT owner_id, $1, 'processing', 'stage', '{"stage": "understanding"}' FROM started""",
        job["id"],
    )
    counter.shop.feed.announce()
    await watcher.until(lambda events: of_kind(events, "stage"))
    go_on.set()
    await asyncio.sleep(0.3)
    await watcher.close()

    assert of_kind(watcher.events, "queue") == []


async def test_nothing_is_asked_while_nothing_waits(studio: Studio) -> None:
    job = await studio.generate("a heron", **NEW)
    watcher = await watch(studio)
    await studio.client.get(f"/api/jobs/{job['id']}/stream")

    await asyncio.sleep(1.3)  # that nothing happens is what is tested

    assert studio.shop.board.looks == 0
    await watcher.close()


async def test_a_job_is_told_of_at_most_once_a_second(
    counter: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [await counter.submit(f"heron {n}", **NEW) for n in range(12)]
    watcher = await watch(counter, f"/api/jobs/{jobs[-1]['id']}/stream")
    loop = asyncio.get_running_loop()
    begin = loop.time()

    for job in jobs[:-1]:
        await counter.client.delete(f"/api/jobs/{job['id']}")
        await asyncio.sleep(0.2)
    await watcher.until(lambda events: places(events, jobs[-1])[-1:] == [1])
    took_s = loop.time() - begin
    await watcher.close()

    assert board.EVERY_S == 1.0
    assert 2 <= len(places(watcher.events, jobs[-1])) <= took_s + 2


@pytest.mark.parametrize("unlimited", [False, True])
async def test_the_account_is_told_whenever_a_job_moves_it(studio: Studio, unlimited: bool) -> None:
    await _budget(studio, 10, unlimited=unlimited)
    watcher = await watch(studio)

    job = await studio.generate("a heron", **NEW, count=2)
    studio.provider_api.plan = Plan(fault="refused", times=1)
    failed = await studio.generate("a fox", **NEW)
    events = await watcher.until(lambda events: len(of_kind(events, "credits")) == 4)
    await watcher.close()

    told = [event["data"] for event in of_kind(events, "credits")]
    assert [(one["job_id"], one["status"]) for one in told] == [
        (job["id"], "pending"),
        (job["id"], "completed"),
        (failed["id"], "pending"),
        (failed["id"], "failed"),
    ]
    left = [0, 0, 0, 0] if unlimited else [8, 8, 7, 8]
    assert [one["available"] for one in told] == left
    assert [one["held"] for one in told] == [2, 0, 1, 0]
    for place, event in enumerate(events):
        if event.get("event") == "credits":
            assert event["id"] == events[place - 1]["id"] + "c", "it belongs to the line before"
    ids = [event["id"] for event in events if event.get("event") != "queue"]
    assert len(ids) == len(set(ids))


async def test_who_is_cut_off_before_the_credits_is_told_them_first_and_once(
    studio: Studio,
) -> None:
    job = await studio.generate("a heron", **NEW)
    lines = await story(studio, job["id"])

    async def resumed(after: str) -> list[tuple[str, str]]:
        watcher = Watcher(studio, "/api/events", everything=True, params={"after": after})
        other = await studio.generate(f"a fox after {after}", **NEW)
        events = await watcher.until(
            lambda events: any(
                event["data"]["job_id"] == other["id"] and event["event"] == "completed"
                for event in events
            )
        )
        await watcher.close()
        own = [event for event in events if event["data"]["job_id"] == job["id"]]
        return [(event["event"], event["id"]) for event in own if event["event"] != "queue"]

    assert await resumed(lines[-1]) == [("credits", f"{lines[-1]}c")]
    assert await resumed(f"{lines[-1]}c") == []
    assert (await resumed(lines[0]))[0] == ("credits", f"{lines[0]}c")
    whole = await resumed(f"{lines[0]}c")
    assert [event_id for kind, event_id in whole if kind != "credits"] == lines[1:]
    assert whole[-1] == ("credits", f"{lines[-1]}c")


async def test_the_stream_of_one_job_has_no_credits(studio: Studio) -> None:
    job = await studio.submit("a heron", **NEW)
    events = await (await watch(studio, f"/api/jobs/{job['id']}/stream")).ended()
    last = (await story(studio, job["id"]))[-1]

    assert of_kind(events, "completed")
    assert of_kind(events, "credits") == []
    ended = await Watcher(
        studio, f"/api/jobs/{job['id']}/stream", everything=True, params={"after": last}
    ).ended()
    assert [event["event"] for event in ended] == ["snapshot"]


@pytest.mark.parametrize(
    "after", ["c", "1c", "1-1cc", "1-1d", "-c", "1-1 c", "1-" + "1" * 50 + "c"]
)
async def test_an_id_that_is_not_ours_is_refused(counter: Studio, after: str) -> None:
    for path in ("/api/events", f"/api/jobs/{(await counter.submit())['id']}/stream"):
        answer = await counter.client.get(path, params={"after": after})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "after"


async def _budget(studio: Studio, credits_: int, *, unlimited: bool) -> None:
    await studio.database.execute(
        """UPDATE accounts SET unlimited = $3, granted = granted - available + $2, available = $2
           WHERE id = $1""",
        LOCAL_OWNER,
        0 if unlimited else credits_,
        unlimited,
    )
