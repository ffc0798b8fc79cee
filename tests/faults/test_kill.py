"""Processes that are really killed: nothing accepted is lost, and nothing happens twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.faults.conftest import CALL, MODEL, Ledger, database_of, eventually, submit_many
from tests.studio import ServerProcess

Serve = Callable[..., ServerProcess]

RUNNING, WAITING = 20, 100
JOBS = RUNNING + WAITING
HANGING = Plan(latency_s=600)
QUICK = Plan(latency_s=0.05)
# The lease is 60 s: what is faster was noticed by the lock that died with the process.
RECLAIMED_WITHIN_S = 15


async def all_places_taken(ledger: Ledger, provider_api: FakeOpenAI) -> bool:
    statuses = await ledger.statuses()
    return statuses.get("processing") == RUNNING and provider_api.counts[CALL] == RUNNING


async def kill_in_full_swing(
    server: ServerProcess, ledger: Ledger, provider_api: FakeOpenAI
) -> None:
    """20 jobs at the provider, 100 waiting, SIGKILL."""
    provider_api.plan = HANGING
    await submit_many(server.url, JOBS)
    await eventually(lambda: all_places_taken(ledger, provider_api))
    assert await ledger.statuses() == {"processing": RUNNING, "pending": WAITING}
    server.kill()
    provider_api.plan = QUICK


async def everything_is_made_once(ledger: Ledger, provider_api: FakeOpenAI) -> None:
    reclaimed = "SELECT count(*) FROM jobs WHERE crashes = 1 AND attempt = 2"

    async def all_reclaimed() -> bool:
        return bool(await ledger.value(reclaimed) == RUNNING)

    await eventually(all_reclaimed, RECLAIMED_WITHIN_S, "running jobs were not taken over")
    await eventually(lambda: ledger.all_completed(JOBS), 30)

    await ledger.assert_exactly_once(JOBS)
    assert provider_api.counts[CALL] <= JOBS + RUNNING
    assert await ledger.value("SELECT max(attempt) FROM jobs") == 2
    entries = "SELECT count(*) FROM queue.pgqueuer"
    await eventually(lambda: _is_zero(ledger, entries), 10, "entries were left in the queue")


async def _is_zero(ledger: Ledger, sql: str) -> bool:
    return bool(await ledger.value(sql) == 0)


async def test_kill_9_of_a_server_in_full_swing_loses_and_repeats_nothing(
    serve: Serve, database_url: str, tmp_path: Path, provider_api: FakeOpenAI
) -> None:
    server, ledger = serve(database_url, tmp_path), Ledger(database_url)
    server.start()
    await kill_in_full_swing(server, ledger, provider_api)

    server.start()

    await everything_is_made_once(ledger, provider_api)


async def test_kill_9_of_a_server_with_its_embedded_database(
    serve: Serve, open_folder: Path, provider_api: FakeOpenAI
) -> None:
    server = serve(None, open_folder)
    server.start()
    ledger = Ledger(database_of(open_folder))
    await kill_in_full_swing(server, ledger, provider_api)

    server.start()

    await everything_is_made_once(ledger, provider_api)
    assert server.stop() == 0
    assert not (open_folder / "postgres" / "cluster" / "postmaster.pid").exists()


async def test_kill_9_at_random_moments_again_and_again(
    serve: Serve, database_url: str, tmp_path: Path, provider_api: FakeOpenAI
) -> None:
    chance, kills, jobs = random.Random(5), 3, 60
    provider_api.plan = Plan(latency_s=0.15)
    server = serve(database_url, tmp_path, SAFELIGHT_CRASHES_MAX="20")
    ledger, running = Ledger(database_url), 0
    server.start()
    ids = await submit_many(server.url, jobs)

    for kill in range(kills):
        # After some more have been finished, then anywhere within the time that one takes.
        done = kill * jobs // (kills + 2)
        await eventually(lambda done=done: _completed(ledger, done), 30)
        await asyncio.sleep(chance.random() * 0.3)
        server.kill()
        running += (await ledger.statuses()).get("processing", 0)
        server.start()
    await eventually(lambda: ledger.all_completed(jobs), 40)

    await ledger.assert_exactly_once(jobs)
    assert provider_api.counts[CALL] <= jobs + running
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as client:
        for job_id in chance.sample(ids, 10):
            asset = (await client.get(f"/api/jobs/{job_id}")).json()["outputs"][0]["asset"]
            for url in (asset["url"], *asset["thumbnails"].values()):
                assert (await client.get(url)).status_code == 200


async def _completed(ledger: Ledger, count: int) -> bool:
    return (await ledger.statuses()).get("completed", 0) >= count


@pytest.mark.parametrize(
    ("crashes_max", "reason"),
    [("2", "died 2 times"), ("3", "answer was lost more than once")],
)
async def test_a_job_over_which_workers_die_is_failed_with_the_reason(
    serve: Serve,
    database_url: str,
    tmp_path: Path,
    provider_api: FakeOpenAI,
    crashes_max: str,
    reason: str,
) -> None:
    """After the second death; the provider keeps no record that could be asked for its answers."""
    provider_api.plan = HANGING
    server = serve(database_url, tmp_path, SAFELIGHT_CRASHES_MAX=crashes_max)
    ledger = Ledger(database_url)
    server.start()
    (job_id,) = await submit_many(server.url, 1)
    for death in range(1, 3):
        await eventually(lambda death=death: provider_api.counts[CALL] == death)
        server.kill()
        server.start()

    await eventually(lambda: _failed(ledger), RECLAIMED_WITHIN_S)

    job = httpx2.get(f"{server.url}/api/jobs/{job_id}", trust_env=False).json()
    assert job["status"] == "failed"
    assert reason in job["error"]["detail"]
    assert job["charged"]["credits"] == 0
    assert provider_api.counts[CALL] == 2, "asked once more although it was given up"
    assert [output["status"] for output in job["outputs"]] == ["failed"]


async def _failed(ledger: Ledger) -> bool:
    return await ledger.statuses() == {"failed": 1}


async def test_a_worker_that_hung_past_its_lease_writes_nothing_when_it_wakes(
    serve: Serve, database_url: str, tmp_path: Path, provider_api: FakeOpenAI
) -> None:
    provider_api.plan = Plan(latency_s=1.5)
    hung = serve(database_url, tmp_path / "a", SAFELIGHT_LEASE_S="2")
    other = serve(database_url, tmp_path / "b", SAFELIGHT_LEASE_S="2")
    ledger = Ledger(database_url)
    hung.start()
    await submit_many(hung.url, 5)
    await eventually(lambda: provider_api.counts[CALL] == 5)
    assert hung.process
    hung.process.send_signal(signal.SIGSTOP)
    provider_api.plan = QUICK

    other.start()
    await eventually(lambda: ledger.all_completed(5), 20, "the lease did not run out")
    before = await ledger.fetch("SELECT * FROM jobs ORDER BY id")
    hung.process.send_signal(signal.SIGCONT)  # its answers from the provider are there by now
    assert hung.stop() == 0

    await ledger.assert_exactly_once(5)
    assert await ledger.fetch("SELECT * FROM jobs ORDER BY id") == before
    assert provider_api.counts[CALL] == 10


async def test_a_worker_that_wakes_up_leaves_the_entries_of_its_jobs_to_who_has_them_now(
    serve: Serve, database_url: str, tmp_path: Path, provider_api: FakeOpenAI
) -> None:
    """Or nobody would look at the jobs again when that one dies or has to try once more."""
    provider_api.plan = Plan(latency_s=1.5)
    hung = serve(database_url, tmp_path / "a", SAFELIGHT_LEASE_S="2")
    other = serve(database_url, tmp_path / "b", SAFELIGHT_LEASE_S="2")
    ledger = Ledger(database_url)
    hung.start()
    await submit_many(hung.url, 5)
    await eventually(lambda: provider_api.counts[CALL] == 5)
    assert hung.process
    hung.process.send_signal(signal.SIGSTOP)
    provider_api.plan = HANGING
    other.start()
    await eventually(lambda: provider_api.counts[CALL] == 10, 20, "the lease did not run out")

    hung.process.send_signal(signal.SIGCONT)
    assert hung.stop() == 0

    picked = "SELECT count(*) FROM queue.pgqueuer WHERE status = 'picked'"
    assert await ledger.value(picked) == 5
    other.kill()
    provider_api.plan = QUICK
    hung.start()
    # Completed or failed: their answers were lost twice by then.
    ended = "SELECT count(*) = 5 FROM jobs WHERE finished_at IS NOT NULL"
    await eventually(lambda: ledger.value(ended), RECLAIMED_WITHIN_S, "nobody looked at them again")


async def test_sigterm_finishes_what_is_nearly_done_and_gives_the_rest_back(
    serve: Serve, database_url: str, tmp_path: Path, provider_api: FakeOpenAI
) -> None:
    provider_api.plan = Plan(latency_s=1.0)
    server, ledger = serve(database_url, tmp_path), Ledger(database_url)
    server.start()
    await submit_many(server.url, 30)
    await eventually(lambda: provider_api.counts[CALL] == RUNNING)

    assert server.stop() == 0

    assert await ledger.statuses() == {"completed": RUNNING, "pending": 10}
    assert await ledger.value("SELECT sum(attempt) FROM jobs") == RUNNING
    server.start()
    await eventually(lambda: ledger.all_completed(30))
    await ledger.assert_exactly_once(30)
    assert provider_api.counts[CALL] == 30, "something was made twice"


@pytest.mark.timing
async def test_sigterm_under_jobs_that_take_too_long_burns_no_attempt(
    serve: Serve, database_url: str, tmp_path: Path, provider_api: FakeOpenAI
) -> None:
    provider_api.plan = HANGING
    server = serve(database_url, tmp_path, SAFELIGHT_GRACEFUL_STOP_S="0.3")
    ledger = Ledger(database_url)
    server.start()
    await submit_many(server.url, 30)
    await eventually(lambda: provider_api.counts[CALL] == RUNNING)

    begin = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begin < 8

    assert await ledger.statuses() == {"pending": 30}
    assert await ledger.value("SELECT sum(crashes) + sum(tries) FROM jobs") == 0
    waiting = (
        "SELECT count(*) FROM queue.pgqueuer WHERE status = 'queued' AND execute_after <= now()"
    )
    assert await ledger.value(waiting) == 30, "they have to be there for whoever comes next"
    provider_api.plan = QUICK
    begin = time.monotonic()
    server.start()
    await eventually(lambda: ledger.all_completed(30))
    assert time.monotonic() - begin < RECLAIMED_WITHIN_S
    await ledger.assert_exactly_once(30)
    assert await ledger.value("SELECT sum(crashes) + sum(tries) FROM jobs") == 0


# The database dies under a living server.


def kill_postmaster(folder: Path) -> None:
    pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)


async def test_after_a_restart_of_the_database_a_long_job_keeps_no_others_waiting(
    serve: Serve, open_folder: Path, provider_api: FakeOpenAI
) -> None:
    provider_api.plan = HANGING
    server = serve(None, open_folder, SAFELIGHT_GRACEFUL_STOP_S="1")
    server.start()
    (long_one,) = await submit_many(server.url, 1)
    await eventually(lambda: provider_api.counts[CALL] == 1)
    provider_api.plan = Plan()

    kill_postmaster(open_folder)
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=40) as client:
        order = {"prompt": "a quick one", "model": MODEL, "reuse": "never"}

        async def taken() -> bool:
            return (await client.post("/api/jobs", json=order)).status_code == 202

        await eventually(taken, within_s=30)
        await eventually(lambda: provider_api.counts[CALL] >= 2, within_s=30)
        running = (await client.get("/api/jobs?status=processing")).json()["items"]

    assert long_one in [job["id"] for job in running], "it goes on"


@pytest.mark.parametrize("how", ["kill -9 of the postmaster"])
async def test_the_embedded_database_dies_and_comes_back_under_a_living_server(
    how: str, serve: Serve, open_folder: Path, provider_api: FakeOpenAI
) -> None:
    provider_api.plan = Plan(latency_s=0.5)
    server = serve(None, open_folder)
    server.start()
    ledger = Ledger(database_of(open_folder))
    ids = await submit_many(server.url, 60)
    await eventually(lambda: provider_api.counts[CALL] >= RUNNING)

    kill_postmaster(open_folder)

    seen: list[int] = []
    back = time.monotonic() + 40
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=40) as client:
        while seen[-3:] != [200, 202, 200]:
            assert time.monotonic() < back, f"the database stayed away: {seen[-9:]}"
            for answer in (
                await client.get(f"/api/jobs/{ids[0]}"),
                await client.post("/api/jobs", json={"prompt": "more", "model": MODEL}),
                await client.get("/readyz"),
            ):
                seen.append(answer.status_code)
                assert answer.status_code in (200, 202, 503), answer.text
                if answer.status_code == 503 and "problem" in answer.headers["content-type"]:
                    assert int(answer.headers["retry-after"]) >= 1
                    assert "traceback" not in answer.text.lower()
            await asyncio.sleep(0.05)
    assert 503 in seen, "the database was never away"

    async def all_done() -> bool:
        return set(await ledger.statuses()) == {"completed"}

    await eventually(all_done, 40, "jobs were left behind")
    rows = await ledger.fetch("SELECT id::text FROM jobs")
    assert set(ids) <= {row["id"] for row in rows}
    doubled = "SELECT count(*) FROM (SELECT FROM assets GROUP BY job_id, index HAVING count(*) > 1)"
    assert await ledger.value(doubled) == 0
    ends = "SELECT count(*) = count(DISTINCT job_id) FROM events WHERE kind = 'completed'"
    assert await ledger.value(ends)
