"""Five times as many orders as can be carried out: what is taken is done as fast as ever, the rest
is told at once when to come again, and afterwards everything is as before."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import httpx2
import pytest

from tests.fakes.lab_api import Weather
from tests.faults.customers import open_accounts, open_clients, picture, submit
from tests.faults.harness import Fleet
from tests.faults.schedule import LONG

PLACES, LATENCY_S = 8, 0.4
CAPACITY_PER_S = PLACES / LATENCY_S
QUEUE_MAX = 60
OVERLOAD_S = 300.0 if LONG else 12.0
MEASURE_S = 10.0 if LONG else 6.0
NORMAL_WITHIN_S = 30.0
GOODPUT_MIN = 0.9 if LONG else 0.8  # of the peak, which is measured for a few seconds only
SOMEBODY = UUID(int=1)


@dataclass
class Crowd:
    """Orders that come whether or not earlier ones were answered."""

    client: httpx2.AsyncClient
    answers: Counter[int] = field(default_factory=Counter)
    refusals_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    number: int = 0

    async def come(self, per_s: float, seconds: float) -> None:
        end = time.monotonic() + seconds
        coming = set()
        while time.monotonic() < end:
            coming.add(asyncio.create_task(self._one()))
            await asyncio.sleep(random.expovariate(per_s))
        await asyncio.gather(*coming)

    async def _one(self) -> None:
        self.number += 1
        words = picture(self.number, model="words", type="text")
        del words["parameters"]
        begin = time.perf_counter()
        answer = await submit(self.client, SOMEBODY, words)
        took_s = time.perf_counter() - begin
        self.answers[answer.status_code] += 1
        if answer.status_code in (429, 503):
            self.refusals_s.append(took_s)
            if int(answer.headers.get("retry-after", "0")) < 1:
                self.wrong.append(f"{answer.status_code} without Retry-After")
        elif answer.status_code != 202:
            self.wrong.append(answer.text[:300])


@pytest.mark.timing
async def test_overload_is_refused_at_once_and_costs_nobody_who_was_taken(
    database_url: str, lab_url: str
) -> None:
    await open_accounts(database_url, [SOMEBODY])
    settings = {"queue_max": f"{QUEUE_MAX}", "jobs_at_once": f"{PLACES}"}
    async with (
        Fleet.running(database_url, lab_url, workers=1, **settings) as fleet,
        open_clients([fleet.url], 64) as (client,),
    ):
        await fleet.weather(words=Weather(latency_s=LATENCY_S, jitter=0))
        crowd = Crowd(client)
        await crowd.come(CAPACITY_PER_S * 1.5, MEASURE_S)  # enough to keep every place taken
        peak = await _rate(database_url, MEASURE_S / 2)
        await _drained(database_url)
        usual_s = await _one_job_s(database_url, client)

        await crowd.come(CAPACITY_PER_S * 5, OVERLOAD_S)
        goodput = await _rate(database_url, OVERLOAD_S * 0.8)
        ended_at = time.monotonic()
        while (now_s := await _one_job_s(database_url, client)) > 1.5 * usual_s + 0.25:
            assert time.monotonic() < ended_at + NORMAL_WITHIN_S, f"{now_s:.1f} s for a job"
        normal_after_s = time.monotonic() - ended_at

    refusals = sorted(crowd.refusals_s)
    median_s, slow_s = refusals[len(refusals) // 2], refusals[int(len(refusals) * 0.95)]
    print(
        f"peak {peak:.1f} jobs/s, under overload {goodput:.1f}; {dict(crowd.answers)};"
        f" refused in {median_s * 1000:.0f} ms, 95 % in {slow_s * 1000:.0f} ms;"
        f" as usual after {normal_after_s:.1f} s"
    )
    assert crowd.wrong == []
    assert set(crowd.answers) == {202, 503}
    assert goodput >= GOODPUT_MIN * peak
    assert median_s < 0.05


async def _one_job_s(database_url: str, client: httpx2.AsyncClient) -> float:
    """The whole time of one job, through the front door."""
    begin = time.monotonic()
    while True:
        answer = await submit(client, SOMEBODY, picture(1))
        if answer.status_code == 202:
            break
        await asyncio.sleep(0.1)
    job = answer.json()
    while job["finished_at"] is None:
        url = f"/api/jobs/{job['id']}"
        headers = {"x-lab-user": str(SOMEBODY)}
        job = (await client.get(url, params={"wait": 5}, headers=headers)).json()
    return time.monotonic() - begin


async def _rate(database_url: str, last_s: float) -> float:
    """Jobs completed a second, lately."""
    connection = await asyncpg.connect(database_url)
    count: int = await connection.fetchval(
        """SELECT count(*) FROM jobs WHERE status = 'completed'
           AND finished_at > now() - make_interval(secs => $1)""",
        last_s,
    )
    await connection.close()
    return count / last_s


async def _drained(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    while await connection.fetchval("SELECT EXISTS (SELECT FROM queue.pgqueuer)"):
        await asyncio.sleep(0.1)
    await connection.close()
