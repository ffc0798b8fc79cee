"""A provider in trouble, seen from outside: jobs wait for it, and nobody else notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.queueing.test_passes import most_within
from tests.queueing.test_worker import CALL, MODEL, all_ended, eventually, many
from tests.studio import Studio

pytestmark = pytest.mark.timing

OPEN_S = 0.5
LATENCY_S = 0.15
PLACES = 4
SMALL = {"model": "sketch", "parameters": {"width": 64, "height": 64}, "reuse": "never"}


@pytest.fixture
async def studios(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[list[Studio]]:
    """Two servers with a worker each, on one database."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                Studio.open(
                    database_url,
                    tmp_path,
                    provider_api,
                    breaker_open_s=OPEN_S,
                    jobs_at_once=PLACES,
                )
            )
            for _ in range(2)
        ]


async def breaker_of(studio: Studio, lane: str = "openai") -> str:
    states = {state.lane: state for state in await studio.shop.lanes.read()}
    return states[lane].breaker


async def is_open(studio: Studio) -> bool:
    return await breaker_of(studio) == "open"


async def is_closed(studio: Studio) -> bool:
    return await breaker_of(studio) == "closed"


async def tries(studio: Studio) -> list[int]:
    rows = await studio.database.fetch("SELECT tries FROM jobs WHERE provider = 'openai'")
    return [row["tries"] for row in rows]


async def call_times(studio: Studio) -> list[float]:
    rows = await studio.database.fetch(
        "SELECT extract(epoch FROM at)::float8 AS at FROM predictions ORDER BY at"
    )
    return [row["at"] for row in rows]


async def none_runs(studio: Studio) -> bool:
    sql = "SELECT count(*) FROM jobs WHERE status = 'processing'"
    return await studio.database.fetchval(sql) == 0


async def has_called(studio: Studio, times: int) -> bool:
    return len(await call_times(studio)) >= times


async def test_while_a_provider_fails_everything_jobs_wait_and_then_all_are_done(
    studios: list[Studio], provider_api: FakeOpenAI
) -> None:
    here, _ = studios
    provider_api.plan = Plan(fault="server_error", latency_s=0.02)

    jobs = await many(here, 30)
    await eventually(lambda: is_open(here))
    await asyncio.sleep(OPEN_S / 2)
    opening = provider_api.counts[CALL]
    await asyncio.sleep(4 * OPEN_S)
    during = provider_api.counts[CALL]
    burnt = await tries(here)
    provider_api.plan = Plan()
    await eventually(lambda: is_closed(here), within_s=OPEN_S + 5)
    ended = await all_ended(here, jobs)

    assert opening <= 5 + 2 * PLACES, "five, and those that were under way"
    assert 1 <= during - opening <= 5, "one call every open_s"
    assert sum(burnt) <= opening, "a probe costs no try"
    assert {job["status"] for job in ended} == {"completed"}


async def test_calls_during_an_outage_are_as_far_apart_as_the_setting_says(
    studios: list[Studio], provider_api: FakeOpenAI
) -> None:
    here, _ = studios
    provider_api.plan = Plan(fault="server_error")

    jobs = await many(here, 12)
    await eventually(lambda: is_open(here))
    # What was under way by then is no probe.
    await eventually(lambda: none_runs(here))
    begun = len(await call_times(here))
    await eventually(lambda: has_called(here, begun + 3), within_s=30)
    probes = (await call_times(here))[begun:]
    provider_api.plan = Plan()
    await all_ended(here, jobs)

    assert all(after - before >= OPEN_S for before, after in pairwise(probes))


async def test_a_key_that_stops_working_fails_one_job_at_a_time_and_not_the_whole_queue(
    studios: list[Studio], provider_api: FakeOpenAI
) -> None:
    here, _ = studios
    provider_api.plan = Plan(fault="bad_key", latency_s=0.02)

    jobs = await many(here, 40)
    await eventually(lambda: is_open(here))
    await asyncio.sleep(2 * OPEN_S)
    provider_api.plan = Plan()
    ended = await all_ended(here, jobs)

    failed = [job for job in ended if job["status"] == "failed"]
    assert {job["error"]["code"] for job in failed} == {"provider_auth"}
    assert 1 <= len(failed) <= 2 * PLACES + 4


async def test_a_busy_provider_is_called_by_nobody_before_its_time_and_costs_no_try(
    studios: list[Studio], provider_api: FakeOpenAI
) -> None:
    here, _ = studios
    provider_api.plan = Plan(fault="busy_ms", latency_s=0.02)  # "come back in 1.5 s"

    jobs = await many(here, 20)
    await eventually(lambda: provider_api.counts[CALL])
    await asyncio.sleep(0.5)
    asked = provider_api.counts[CALL]
    last = max(await call_times(here))
    provider_api.plan = Plan()
    ended = await all_ended(here, jobs)

    assert asked <= 2 * PLACES, "those that were under way when it first said so"
    assert {job["status"] for job in ended} == {"completed"}
    assert await tries(here) == [0] * 20
    after = [at for at in await call_times(here) if at > last]
    assert len(after) == 20
    assert 1.5 <= min(after) - last < 3


@pytest.mark.parametrize("fault", ["hang", "server_error", "busy_seconds"])
async def test_another_provider_is_as_fast_as_ever(
    studios: list[Studio], provider_api: FakeOpenAI, fault: str
) -> None:
    here, _ = studios
    calm_s = await _median_s(here)
    provider_api.plan = Plan(fault=fault)
    stuck = await many(here, 40)
    await eventually(lambda: provider_api.counts[CALL] >= 1)

    under_s = await _median_s(here)

    assert under_s < 1.2 * calm_s + 0.3
    for job in stuck:
        await here.client.delete(f"/api/jobs/{job['id']}")
    provider_api.plan = Plan()


async def _median_s(studio: Studio) -> float:
    async def one(number: int) -> float:
        begin = time.monotonic()
        job: dict[str, Any] = await studio.generate(f"heron {number}", **SMALL)
        assert job["status"] == "completed"
        return time.monotonic() - begin

    return median([await one(number) for number in range(12)])


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        ({"openai": {"at_once": 3}}, 3),
        ({"openai": {"at_once": 5}, "openai/flux-schnell": {"at_once": 2}}, 2),
    ],
)
async def test_a_limit_in_the_settings_is_kept_by_all_servers(
    database_url: str,
    provider_api: FakeOpenAI,
    tmp_path: Path,
    limits: dict[str, dict[str, int]],
    most: int,
) -> None:
    provider_api.plan = Plan(latency_s=LATENCY_S)
    async with (
        Studio.open(database_url, tmp_path, provider_api, provider_limits=limits) as here,
        Studio.open(database_url, tmp_path, provider_api, provider_limits=limits),
    ):
        order = {"model": MODEL, "reuse": "never", "count": 2}
        jobs = [await here.submit(f"heron {number}", **order) for number in range(8)]
        ended = await all_ended(here, jobs)
        times = await call_times(here)

    assert {job["status"] for job in ended} == {"completed"}
    assert len(times) == 16
    # Each call lasts at least so long, so those that begin within it are under way together.
    assert most_within(times, LATENCY_S) == most
