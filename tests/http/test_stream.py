"""Following jobs live: a snapshot first, then every line once, whatever breaks in between."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from safelight.http import stream
from safelight.http.app import create_app
from safelight.values.ids import LOCAL_OWNER
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.studio import Studio, parse_events

FLUX = {"model": "openai/flux-schnell", "parameters": {"width": 128, "height": 128}}
CHAT = {"type": "text", "model": "openai/tiny-chat"}
ENDS = {"completed", "failed"}
# What comes between the stored lines, when the moment is right for it (test_queue_events.py).
PASSING = ("queue", "credits")


class Watcher:
    """A stream that is read while the test does other things; `everything`: passing events too."""

    def __init__(
        self, studio: Studio, path: str, *, everything: bool = False, **options: Any
    ) -> None:
        self._everything = everything
        self.events: list[dict[str, Any]] = []
        self._came = asyncio.Condition()
        self._task = asyncio.create_task(self._read(studio, path, options))

    async def _read(self, studio: Studio, path: str, options: dict[str, Any]) -> None:
        async for event in studio.events(path, **options):
            if event.get("event") in PASSING and not self._everything:
                continue
            async with self._came:
                self.events.append(event)
                self._came.notify_all()

    async def until(self, wanted: Any, within_s: float = 20) -> list[dict[str, Any]]:
        """Every event so far, once `wanted(events)` is true."""
        async with asyncio.timeout(within_s), self._came:
            await self._came.wait_for(lambda: wanted(self.events))
        return self.events

    async def ended(self, within_s: float = 20) -> list[dict[str, Any]]:
        async with asyncio.timeout(within_s):
            await self._task
        return self.events

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event.get("event", "") for event in events]


async def story(studio: Studio, job_id: str) -> list[str]:
    """The ids of all stored lines of a job, in order, the many small ones included."""
    rows = await studio.database.fetch(
        "SELECT xid, number FROM events WHERE job_id = $1 ORDER BY xid, number", job_id
    )
    return [f"{row['xid']}-{row['number']}" for row in rows]


async def text_job(studio: Studio, words: int = 12) -> dict[str, Any]:
    """A job with many lines, that takes a while."""
    studio.provider_api.plan = Plan(step_s=0.06)
    return await studio.submit(" ".join(f"word{n}" for n in range(words)), **CHAT)


async def test_a_stream_begins_with_a_snapshot_and_ends_with_the_job(studio: Studio) -> None:
    job = await text_job(studio)

    events = await Watcher(studio, f"/api/jobs/{job['id']}/stream").ended()

    assert kinds(events)[0] == "snapshot"
    assert kinds(events).count("snapshot") == 1
    assert kinds(events)[-1] == "completed"
    assert {"stage", "delta"} <= set(kinds(events))
    assert all(event["data"]["type"] == event["event"] for event in events)
    assert all(event["data"]["job_id"] == job["id"] for event in events)
    assert all(event["data"]["status"] and event["id"] for event in events)
    assert events[-1]["data"]["job"] == await studio.get(job["id"])


@pytest.mark.parametrize("fault", [None, "refused", "server_error"])
@pytest.mark.parametrize("order", [FLUX, CHAT, {"model": "openai/gpt-image-2"}])
async def test_every_event_is_one_of_the_document(
    studio: Studio, order: dict[str, Any], fault: str | None
) -> None:
    document = create_app(None).openapi()
    allowed = Draft202012Validator(
        {"$ref": "#/components/schemas/StudioEvent", "components": document["components"]}
    )
    studio.provider_api.plan = Plan(fault=fault, times=1, step_s=0.02)
    watcher = Watcher(studio, "/api/events", everything=True)
    await watcher.until(lambda events: events)

    await studio.generate("a heron", **order)
    events = await watcher.until(
        lambda events: kinds(events)[-1:] == ["credits"] and ENDS & set(kinds(events))
    )
    await watcher.close()

    told = [event["data"] for event in events if "data" in event]
    assert len(told) > 3
    for data in told:
        allowed.validate(data)


async def test_a_stream_says_that_nothing_between_may_keep_or_change_it(studio: Studio) -> None:
    job = await studio.generate("a heron", **FLUX)

    answer = await studio.client.get(f"/api/jobs/{job['id']}/stream")

    assert answer.headers["content-type"].partition(";")[0] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in answer.headers


async def test_the_stream_of_a_finished_job_ends_after_its_snapshot(studio: Studio) -> None:
    job = await studio.generate("a heron", **FLUX)

    events = await Watcher(studio, f"/api/jobs/{job['id']}/stream").ended(within_s=5)

    assert kinds(events) == ["snapshot"]
    assert events[0]["data"]["status"] == "completed"
    assert events[0]["data"]["job"] == await studio.get(job["id"])


@pytest.mark.parametrize("by", ["Last-Event-ID", "after"])
async def test_a_stream_resumes_anywhere_without_gap_or_repeat(studio: Studio, by: str) -> None:
    job = await text_job(studio)
    await studio.ended(job)
    path, ids = f"/api/jobs/{job['id']}/stream", await story(studio, job["id"])

    assert len(ids) > 8
    for at, event_id in enumerate(ids[:-1]):
        options: dict[str, Any] = (
            {"params": {"after": event_id}} if by == "after" else {"headers": {by: event_id}}
        )
        events = await Watcher(studio, path, **options).ended(within_s=5)
        assert [event["id"] for event in events] == ids[at + 1 :]


async def test_a_stream_cut_again_and_again_tells_the_whole_text(studio: Studio) -> None:
    job = await text_job(studio, words=25)
    path, seen = f"/api/jobs/{job['id']}/stream", list[dict[str, Any]]()

    while not seen or seen[-1]["event"] not in ("completed", "failed"):
        headers = {"Last-Event-ID": seen[-1]["id"]} if seen else {}
        async with studio.client.stream("GET", path, headers=headers) as answer:
            count = 0
            async for event in parse_events(answer.aiter_bytes()):
                if event.get("event", "queue") not in PASSING:
                    seen.append(event)
                    count += 1
                if count == 2:
                    break  # the line is cut here

    lines = [event["id"] for event in seen if event["event"] != "snapshot"]
    everything = await story(studio, job["id"])
    assert len(lines) == len(set(lines))
    assert lines == everything[everything.index(lines[0]) :]
    told = "".join(event["data"]["text"] for event in seen if event["event"] == "delta")
    text = (await studio.get(job["id"]))["outputs"][0]["text"]
    assert text.endswith(told)
    assert len(told) > len(text) / 2


async def test_the_header_wins_over_the_address(studio: Studio) -> None:
    job = await text_job(studio)
    await studio.ended(job)
    ids = await story(studio, job["id"])

    # A browser keeps the address with its first `after` and adds the header when it reconnects.
    events = await Watcher(
        studio,
        f"/api/jobs/{job['id']}/stream?after={ids[0]}",
        headers={"Last-Event-ID": ids[-3]},
    ).ended()

    assert [event["id"] for event in events] == ids[-2:]


async def test_resuming_behind_the_end_says_so_once_more_and_ends(studio: Studio) -> None:
    job = await studio.generate("a heron", **FLUX)
    last = (await story(studio, job["id"]))[-1]

    events = await Watcher(studio, f"/api/jobs/{job['id']}/stream?after={last}").ended(within_s=5)

    assert kinds(events) == ["snapshot"]
    assert events[0]["data"]["status"] == "completed"


async def test_one_stream_shows_all_jobs_and_resumes_over_them(studio: Studio) -> None:
    waiting = await text_job(studio)
    watcher = Watcher(studio, "/api/events")
    await watcher.until(lambda events: events)
    jobs = [waiting] + [await studio.submit(f"a fox {n}", **FLUX) for n in range(3)]
    ids = {job["id"] for job in jobs}

    def all_ended(events: list[dict[str, Any]]) -> bool:
        return {e["data"]["job_id"] for e in events if e.get("event") == "completed"} == ids

    events = list(await watcher.until(all_ended))
    await watcher.close()
    assert events[0]["event"] == "snapshot"
    assert events[0]["data"]["job_id"] == waiting["id"], "what is live is shown first"
    lines = [event["id"] for event in events if event.get("event") != "snapshot"]
    assert len(lines) == len(set(lines))
    resumed = Watcher(studio, "/api/events", params={"after": lines[1]})
    await resumed.until(lambda events: any(e["id"] == lines[-1] for e in events))
    again = list(resumed.events)
    await resumed.close()
    tail = [e["id"] for e in again]
    assert tail == [e["id"] for e in events if "data" in e][-len(tail) :]
    assert tail[0] not in lines[:2]


async def test_a_quiet_stream_of_all_jobs_says_where_to_resume(studio: Studio) -> None:
    watcher = Watcher(studio, "/api/events")

    first = (await watcher.until(lambda events: events))[0]
    job = await studio.generate("a heron", **FLUX)
    await watcher.until(lambda events: kinds(events)[-1:] == ["completed"])
    await watcher.close()

    assert set(first) == {"id"}
    missed = Watcher(studio, "/api/events", params={"after": first["id"]})
    events = await missed.until(lambda events: kinds(events)[-1:] == ["completed"])
    await missed.close()
    assert [event["id"] for event in events] == await story(studio, job["id"])


async def test_two_readers_see_the_same_lines(studio: Studio) -> None:
    job = await text_job(studio)
    path = f"/api/jobs/{job['id']}/stream"
    readers = [Watcher(studio, path) for _ in range(5)]

    seen = [[event["id"] for event in (await reader.ended())[1:]] for reader in readers]

    longest = max(seen, key=len)
    assert all(longest[-len(one) :] == one for one in seen)


async def test_a_client_that_leaves_is_forgotten(studio: Studio) -> None:
    job = await text_job(studio, words=30)
    watchers = [Watcher(studio, f"/api/jobs/{job['id']}/stream") for _ in range(10)]
    for watcher in watchers:
        await watcher.until(lambda events: events)

    for watcher in watchers:
        await watcher.close()

    async with asyncio.timeout(5):
        while studio.shop.feed._by_job:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("path", ["/api/jobs/{}/stream", "/api/jobs/{}/stream?after=1-1"])
async def test_an_unknown_and_a_foreign_job_look_alike(studio: Studio, path: str) -> None:
    job = await studio.generate("a heron", **FLUX)
    await studio.database.execute(
        "UPDATE jobs SET owner_id = gen_random_uuid() WHERE id = $1", job["id"]
    )
    await studio.database.execute(
        "UPDATE events SET owner_id = (SELECT owner_id FROM jobs WHERE id = $1) WHERE job_id = $1",
        job["id"],
    )

    foreign = await studio.client.get(path.format(job["id"]))
    unknown = await studio.client.get(path.format(uuid4()))

    for answer in (foreign, unknown):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    own = {"request_id"}
    assert {k: v for k, v in foreign.json().items() if k not in own} == {
        k: v for k, v in unknown.json().items() if k not in own
    }


async def test_somebody_elses_lines_are_not_in_the_stream_of_all(studio: Studio) -> None:
    job = await studio.generate("a heron", **FLUX)
    first = (await story(studio, job["id"]))[0]
    await studio.database.execute("UPDATE events SET owner_id = gen_random_uuid()")
    mine = await studio.generate("a fox", **FLUX)

    watcher = Watcher(studio, "/api/events", params={"after": first})
    events = await watcher.until(lambda events: kinds(events)[-1:] == ["completed"])
    await watcher.close()

    assert {event["data"]["job_id"] for event in events} == {mine["id"]}


async def test_a_stopping_server_tells_its_readers_to_come_back(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    provider_api.plan = Plan(fault="hang")
    async with Studio.open(database_url, tmp_path, provider_api, graceful_stop_s=0.1) as studio:
        job = await studio.submit("a heron", **FLUX)
        one, all_of_them = (
            Watcher(studio, path) for path in (f"/api/jobs/{job['id']}/stream", "/api/events")
        )
        for watcher in (one, all_of_them):
            await watcher.until(lambda events: events)

        studio.shop.stopping = True

        for watcher in (one, all_of_them):
            last = (await watcher.ended(within_s=5))[-1]
            assert last["event"] == "reconnect"
            assert "id" not in last, "the browser keeps the id of the last line"
        unready = await studio.client.get("/readyz")
        assert (unready.status_code, unready.json()["server"]) == (503, "stopping")


async def test_a_stream_asked_of_a_stopping_server_is_refused(studio: Studio) -> None:
    studio.shop.stopping = True

    answer = await studio.client.get("/api/events")

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["code"] == "overloaded"


async def test_a_quiet_stream_is_kept_alive_by_comments(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_S", 0.1)
    monkeypatch.setattr(stream, "_LOOK_S", 0.05)

    async with (
        asyncio.timeout(5),
        studio.client.stream("GET", "/api/events") as answer,
    ):
        received = b""
        async for chunk in answer.aiter_bytes():
            received += chunk
            if received.count(b": ping\n\n") == 2:
                break


async def test_a_stream_that_has_lived_long_enough_asks_to_reconnect(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LIFE_S", 0.2)
    monkeypatch.setattr(stream, "_LOOK_S", 0.05)

    events = await Watcher(studio, "/api/events").ended(within_s=5)

    assert events[-1]["event"] == "reconnect"


async def test_an_id_of_another_life_of_the_database_is_answered_with_a_snapshot(
    studio: Studio,
) -> None:
    job = await studio.generate("a heron", model="openai/flux-schnell")

    ahead = f"/api/jobs/{job['id']}/stream?after={2**50}-1"
    events = [event async for event in studio.events(ahead)]

    assert [event["event"] for event in events] == ["snapshot"]
    assert events[0]["data"]["job"]["status"] == "completed"


async def test_a_client_ahead_of_this_process_is_told_nothing_twice(studio: Studio) -> None:
    # Somebody listens, so that the reader stands where it is until it is told of more.
    async with studio.shop.feed.subscribe(LOCAL_OWNER) as reader:
        job = await studio.submit("a heron", model="openai/flux-schnell")
        lines = []
        while not lines or lines[-1].kind != "completed":
            if line := await reader.next(5):
                lines.append(line)
        studio.shop.feed._bookmark = reader.since  # as a process would stand that lags behind
        later = lines[-3].bookmark

        stream = f"/api/jobs/{job['id']}/stream?after={later}"
        told = [event async for event in studio.events(stream) if "event" in event]

    assert [event["id"] for event in told] == [str(line.bookmark) for line in lines[-2:]]
