"""Streams that are cut anywhere and resumed: every stored line once, in order, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from tests.fakes.lab_api import Weather
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.faults.conftest import Ledger, eventually, server_settings, submit_many
from tests.faults.customers import open_accounts, open_clients, picture, submit
from tests.faults.harness import API, Fleet
from tests.faults.reader import ENDS, STORED, Reader, assert_saw_all
from tests.faults.schedule import LONG, SEED
from tests.studio import ServerProcess, Studio


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_stream_of_everything_cut_ten_times_misses_and_repeats_nothing(
    studio: Studio, database_url: str, seed: int
) -> None:
    chance, jobs = random.Random(seed), 12
    studio.provider_api.plan = Plan(latency_s=0.1, step_s=0.05)
    reader, ledger = Reader(studio.url, "/api/events"), Ledger(database_url)

    async def order_slowly() -> None:
        for number in range(jobs):
            if number % 3:
                await submit_many(studio.url, 1)
            else:
                await submit_many(studio.url, 1, type="text", model="openai/tiny-chat")
            await asyncio.sleep(chance.random() * 0.1)

    async def all_seen() -> bool:
        ends = sum(event["event"] in ("completed", "failed") for event in reader.seen)
        return ends == jobs and ordering.done()

    ordering = asyncio.create_task(order_slowly())
    while reader.cuts < 10:
        # Now and then in the first bytes, in the middle of a line or far behind.
        await reader.read(
            bytes_max=chance.choice([1, 30, 400, 3_000, 9_000]) + chance.randrange(90)
        )
    await ordering
    await reader.read(until=all_seen)

    await assert_saw_all(reader, ledger)
    assert await ledger.all_completed(jobs)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_stream_of_one_job_resumes_at_any_byte(
    studio: Studio, database_url: str, seed: int
) -> None:
    chance = random.Random(seed)
    studio.provider_api.plan = Plan(latency_s=0.05, step_s=0.15)
    neighbour = asyncio.create_task(submit_many(studio.url, 5))
    (job_id,) = await submit_many(studio.url, 1, type="text", model="openai/tiny-chat")
    reader = Reader(studio.url, f"/api/jobs/{job_id}/stream")

    while reader.cuts < 25:
        await reader.read(bytes_max=40 + chance.randrange(900))
    if not reader.seen or reader.seen[-1]["event"] != "completed":
        await reader.read()
    await neighbour

    await assert_saw_all(reader, Ledger(database_url), job_id)
    told = "".join(e["data"]["text"] for e in reader.seen if e["event"] == "delta")
    assert told == reader.seen[-1]["data"]["job"]["outputs"][0]["text"]


async def test_a_finished_story_can_be_read_from_every_line_on(
    studio: Studio, database_url: str
) -> None:
    job = await studio.generate("a heron", model="openai/flux-schnell")
    path, ledger = f"/api/jobs/{job['id']}/stream", Ledger(database_url)
    stored = [row["id"] for row in await ledger.fetch(STORED, job["id"])]

    for place, after in enumerate(stored[:-1]):
        reader = Reader(studio.url, path, after=after)
        await reader.read()
        assert reader.ids == stored[place + 1 :]
    at_the_end = Reader(studio.url, path, after=stored[-1])
    await at_the_end.read(within_s=5)

    assert [event["event"] for event in at_the_end.seen] == ["snapshot"], "it would wait for ever"
    assert at_the_end.seen[0]["data"]["job"]["status"] == "completed"


async def test_who_comes_without_a_bookmark_gets_a_snapshot_and_then_all_that_follows(
    studio: Studio, database_url: str
) -> None:
    studio.provider_api.plan = Plan(latency_s=0.3)
    job = await studio.submit("a heron", model="openai/flux-schnell")
    reader = Reader(studio.url, f"/api/jobs/{job['id']}/stream", after=None)

    await reader.read()

    first, *following = reader.seen
    assert first["event"] == "snapshot"
    stored = [row["id"] for row in await Ledger(database_url).fetch(STORED, job["id"])]
    assert following
    assert [event["id"] for event in following] == stored[-len(following) :]
    shown = first["data"]["job"]
    assert len(stored) - len(following) >= (1 if shown["status"] == "pending" else 2)


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
async def test_a_stream_survives_the_restart_of_its_server(
    how: str, database_url: str, tmp_path: Path, provider_api: FakeOpenAI
) -> None:
    provider_api.plan = Plan(latency_s=0.4)
    server = ServerProcess(database_url, tmp_path, **server_settings(provider_api))
    ledger, jobs = Ledger(database_url), 40
    server.start()
    reader = Reader(server.url, "/api/events")

    async def half_seen() -> bool:
        return sum(event["event"] == "completed" for event in reader.seen) >= 20

    async def all_seen() -> bool:
        return sum(event["event"] == "completed" for event in reader.seen) == jobs

    await submit_many(server.url, jobs)
    reading = asyncio.create_task(reader.read(until=half_seen))
    await eventually(reading.done)
    await reading
    broken = asyncio.create_task(reader.read(until=all_seen))
    await asyncio.sleep(0.1)  # anywhere in the middle of the second half
    if how == "SIGKILL":
        server.kill()
    else:
        assert await asyncio.to_thread(server.stop) == 0
    with contextlib.suppress(httpx2.HTTPError):  # cut off, or told to come again
        await broken
    server.start()
    if not await all_seen():
        await reader.read(until=all_seen)

    assert server.stop() == 0
    await assert_saw_all(reader, ledger)
    await ledger.assert_exactly_once(jobs)


STREAMS, CUTS, RESTARTS = (1_000, 10, 5) if LONG else (60, 6, 2)
AT_A_TIME = 50
SOMEBODY = UUID(int=1)


async def test_many_streams_cut_at_random_while_their_server_is_restarted(
    database_url: str, lab_url: str
) -> None:
    chance, ledger = random.Random(SEED), Ledger(database_url)
    await open_accounts(database_url, [SOMEBODY])
    readers: dict[str, Reader] = {}

    async def follow(job_id: str) -> None:
        reader = readers[job_id] = Reader(fleet.url, f"/api/jobs/{job_id}/stream", user=SOMEBODY)

        def cut_at() -> int | None:
            return 30 + chance.randrange(600) if reader.cuts < CUTS else None

        await reader.follow(
            lambda: bool(reader.seen) and reader.seen[-1]["event"] in ENDS, cut_at=cut_at
        )

    async def order_and_follow(numbers: range) -> None:
        answers = [await _insist(client, number) for number in numbers]
        await asyncio.gather(*(follow(answer.json()["id"]) for answer in answers))

    async with (
        Fleet.running(database_url, lab_url, workers=1) as fleet,
        open_clients([fleet.url], 8) as (client,),
    ):
        await fleet.weather(lab=Weather(latency_s=1.0))
        rounds = [
            range(first, min(first + AT_A_TIME, STREAMS)) for first in range(0, STREAMS, AT_A_TIME)
        ]
        restarts = 0
        for number, numbers in enumerate(rounds):
            following = asyncio.create_task(order_and_follow(numbers))
            while restarts * len(rounds) < RESTARTS * (number + 1):
                await asyncio.sleep(0.5 + chance.random())
                await fleet.kill(API)
                await fleet.ready(API)
                restarts += 1
            await asyncio.wait_for(following, 60)

    assert len(readers) == STREAMS
    for job_id, reader in readers.items():
        await assert_saw_all(reader, ledger, job_id)
    cuts = sorted(reader.cuts for reader in readers.values())
    print(f"{restarts} restarts, {sum(cuts)} cuts")
    assert cuts[len(cuts) // 2] >= CUTS / 2


async def _insist(client: httpx2.AsyncClient, number: int) -> httpx2.Response:
    while True:
        with contextlib.suppress(httpx2.HTTPError):
            answer = await submit(client, SOMEBODY, picture(number, model="lab"), f"{number}")
            if answer.status_code == 202:
                return answer
        await asyncio.sleep(0.1)
