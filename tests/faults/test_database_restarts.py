"""The database is restarted under everybody, without a goodbye: nothing is lost, nobody dies."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx2
import pytest

from tests.conftest import Cluster
from tests.faults.checks import wait_until_all_ended, what_is_wrong
from tests.faults.conftest import eventually
from tests.faults.customers import Customers, open_accounts, picture, submit
from tests.faults.harness import Fleet
from tests.faults.schedule import LONG, SEED, Schedule

RESTARTS, JOBS, AT_ONCE = (20, 5_000, "16") if LONG else (4, 120, "6")
APART_S = (5.0, 40.0) if LONG else (4.0, 7.0)
OVER_S = RESTARTS * sum(APART_S) / 2
RESUME_WITHIN_S = 10.0
USERS = [UUID(int=n) for n in range(1, 5)]


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A PostgreSQL nobody else minds losing."""
    folder = Path(tempfile.mkdtemp(prefix="safelight-own-"))
    folder.chmod(0o755)
    made = Cluster(folder)
    yield made
    made.embedded.stop()
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Prober:
    """Somebody who asks all the time and has no key: he must be told when to come again."""

    url: str
    answers: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)

    async def run(self) -> None:
        async with httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as client:
            while True:
                self._judge(await client.get("/api/jobs", params={"limit": 1}))
                answer = await submit(client, USERS[0], picture(model="lab"))
                self._judge(answer)
                if answer.status_code == 202:
                    self.accepted.append(answer.json()["id"])
                await asyncio.sleep(0.2)

    def _judge(self, answer: httpx2.Response) -> None:
        self.answers[answer.status_code] += 1
        if answer.status_code == 503:
            if answer.headers["content-type"] != "application/problem+json":
                self.wrong.append(f"503 as {answer.headers['content-type']}")
            if int(answer.headers.get("retry-after", "0")) < 1:
                self.wrong.append("503 without Retry-After")
        elif answer.status_code not in (200, 202):
            self.wrong.append(f"{answer.status_code} {answer.text[:600]}")


async def test_restarts_of_the_database_lose_nothing_and_are_told_as_503(
    own_cluster: Cluster, lab_url: str
) -> None:
    chance = random.Random(SEED)
    database_url = await own_cluster.clone()
    await open_accounts(database_url, USERS, budget=1_000_000)
    schedule = Schedule.of(
        SEED, jobs=JOBS, users=len(USERS), kills=0, stops=0, over_s=OVER_S, lease_s=60
    )

    async with Fleet.running(
        database_url, lab_url, workers=2, crashes_max="20", attempts_max="15", jobs_at_once=AT_ONCE
    ) as fleet:
        # Slow enough for jobs to be waiting at every restart.
        await fleet.weather(**schedule.weather(latency_s=1.0))
        customers, prober = Customers([fleet.url]), Prober(fleet.url)
        probing = asyncio.create_task(prober.run())
        placing = asyncio.create_task(customers.place_all(list(schedule.orders), USERS))
        back_at = []
        for number in range(RESTARTS):
            await asyncio.sleep(chance.uniform(*APART_S))
            down_s = chance.uniform(0, 2)
            back_at.append(await asyncio.to_thread(_restart, own_cluster, number % 2 == 1, down_s))
        # The last one, too, must be followed by a job that shows how soon work went on.
        told = len(prober.accepted)
        await eventually(lambda: _more_than(prober.accepted, told), 30, "nothing was accepted")
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)
        await placing
        await wait_until_all_ended(database_url, 300)
        # PgQueuer's word for what it will write when the database is back.
        complaints = fleet.complaints("Flush failed, requeuing")

    customers.accepted |= {f"probe {job_id}": job_id for job_id in prober.accepted}
    resumed = await _resumed(database_url, back_at)
    print(f"answers {dict(prober.answers)}, resumed after {[round(s, 1) for s in resumed]} s")
    assert prober.wrong == []
    assert prober.answers[503] > 0, "the database was never away"
    wrong = await what_is_wrong(database_url, customers)
    assert [one for one in wrong if "order probe" not in one and "nobody was told" not in one] == []
    assert await _all_there(database_url, prober.accepted)
    assert max(resumed) <= RESUME_WITHIN_S
    assert complaints == []


def _restart(cluster: Cluster, killing: bool, down_s: float) -> float:
    """Immediate mode, or SIGKILL to the postmaster. Returns when it accepted connections again."""
    embedded = cluster.embedded
    if killing:
        pid_file = embedded.cluster / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
    else:
        embedded._pg_ctl(embedded._reachable_programs(), "stop", "-m", "immediate")
    time.sleep(down_s)
    deadline = time.monotonic() + 60
    while not embedded.revive():
        assert time.monotonic() < deadline, "it would not die"
        time.sleep(0.02)
    return time.time()


async def _resumed(database_url: str, back_at: list[float]) -> list[float]:
    """How long after each return the first job was started."""
    connection = await asyncpg.connect(database_url)
    starts = await connection.fetch(
        """SELECT extract(epoch FROM at)::float8 AS at FROM events
           WHERE kind = 'stage' AND data ->> 'stage' = 'understanding' ORDER BY at"""
    )
    await connection.close()
    return [next(row["at"] for row in starts if row["at"] > back) - back for back in back_at]


async def _more_than(accepted: list[str], count: int) -> bool:
    return len(accepted) > count


async def _all_there(database_url: str, job_ids: list[str]) -> bool:
    connection = await asyncpg.connect(database_url)
    count = await connection.fetchval(
        "SELECT count(*) FROM jobs WHERE id = ANY($1::uuid[])", [UUID(one) for one in job_ids]
    )
    await connection.close()
    return bool(count == len(job_ids))
