"""Clocks that are wrong and clocks that jump: only the database's decides anything."""

from __future__ import annotations

import asyncio
import os
import struct
import time
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from tests.fakes.lab_api import Weather
from tests.faults.checks import NEVER, wait_until_all_ended
from tests.faults.conftest import eventually
from tests.faults.customers import open_accounts, open_clients, picture, submit
from tests.faults.harness import Fleet
from tests.faults.schedule import LONG

HOUR_S, DAY_S = 3600.0, 86_400.0
LEASE_S = 5.0
WORK_S = 9.0  # of a slow picture: longer than a lease, so that only heartbeats keep it
DEADLINE_S = 60.0
SLOW, QUICK = (60, 200) if LONG else (12, 20)
RETRY_AFTER_S = 2.0
SOMEBODY = UUID(int=1)
LIBFAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")

_WAITS = """
SELECT extract(epoch FROM again.at - e.at)::float8 AS waited
FROM events e CROSS JOIN LATERAL (
    SELECT at FROM events later WHERE later.job_id = e.job_id AND later.kind = 'stage'
       AND (later.xid, later.number) > (e.xid, e.number)
    ORDER BY later.xid, later.number LIMIT 1) AS again
WHERE e.kind = 'snapshot' AND e.status = 'pending' AND e.job_id = ANY($1)
  AND EXISTS (SELECT FROM events before WHERE before.job_id = e.job_id
              AND (before.xid, before.number) < (e.xid, e.number))
"""


async def test_clocks_that_jump_rescue_nothing_early_and_let_nothing_expire(
    database_url: str, lab_url: str
) -> None:
    await open_accounts(database_url, [SOMEBODY], budget=10_000)
    settings = {"lease_s": f"{LEASE_S}", "job_deadline_s": f"{DEADLINE_S}"}
    async with (
        Fleet.running(database_url, lab_url, workers=3, clocks=True, **settings) as fleet,
        open_clients([fleet.url], 16) as (client,),
    ):
        await fleet.weather(
            lab=Weather(latency_s=WORK_S, jitter=0),
            snap=Weather(latency_s=0.1, busy=0.5, retry_after_s=RETRY_AFTER_S),
        )
        fleet.set_clock("worker-1", HOUR_S)
        fleet.set_clock("worker-2", -HOUR_S)
        slow = [
            await submit(client, SOMEBODY, picture(n, model="lab"), f"s{n}") for n in range(SLOW)
        ]
        quick = [await submit(client, SOMEBODY, picture(n), f"q{n}") for n in range(QUICK)]
        await eventually(lambda: _all_begun(database_url), 30)

        fleet.set_clock("worker-1", DAY_S)  # in the middle of their leases
        fleet.set_clock("worker-2", 0)
        fleet.set_clock("worker-3", -DAY_S)
        await asyncio.sleep(LEASE_S / 2)
        fleet.set_clock("api", DAY_S + 1)
        fleet.set_clock("worker-3", HOUR_S)
        again = await submit(client, SOMEBODY, picture(0), "q0")
        await asyncio.sleep(LEASE_S / 2)
        fleet.set_clock("api", -DAY_S)
        fleet.set_clock("worker-1", -HOUR_S)
        await wait_until_all_ended(database_url, 60)
        books, complaints = await fleet.books(), fleet.complaints()

    assert again.json()["id"] == quick[0].json()["id"], "a day is a day of the database's"
    await _assert_all_went_well(database_url, [UUID(answer.json()["id"]) for answer in slow])
    assert sum(line["accepted"] for line in books["lab"].values()) == SLOW
    assert complaints == []
    await _assert_waits_kept_their_length(
        database_url, [UUID(answer.json()["id"]) for answer in quick]
    )


@pytest.mark.skipif(not LIBFAKETIME.exists(), reason="libfaketime is not installed")
async def test_the_same_with_every_clock_of_the_process_wrong(
    database_url: str, lab_url: str, tmp_path: Path
) -> None:
    """Not only Python's: whatever a library in C asks. All processes jump together, away from the
    database."""
    clock = tmp_path / "clock"
    clock.write_text("+0")
    environment = {
        "LD_PRELOAD": str(LIBFAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    await open_accounts(database_url, [SOMEBODY], budget=10_000)
    settings = {"lease_s": f"{LEASE_S}", "job_deadline_s": f"{DEADLINE_S}"}
    async with (
        Fleet.running(
            database_url, lab_url, workers=2, environment=environment, **settings
        ) as fleet,
        open_clients([fleet.url], 16) as (client,),
    ):
        await fleet.weather(lab=Weather(latency_s=WORK_S, jitter=0))
        slow = [await submit(client, SOMEBODY, picture(n, model="lab")) for n in range(SLOW)]
        await eventually(lambda: _all_begun(database_url), 30)
        for jump in ("+1h", "-1h", "+1d", "-1d"):
            clock.write_text(jump)
            await asyncio.sleep(LEASE_S / 2)
        await wait_until_all_ended(database_url, 60)
        books = await fleet.books()

    await _assert_all_went_well(database_url, [UUID(answer.json()["id"]) for answer in slow])
    assert sum(line["accepted"] for line in books["lab"].values()) == SLOW


def test_the_clock_of_a_test_is_wrong_where_it_should_be(tmp_path: Path) -> None:
    """Or the tests above would show nothing."""
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("d", -DAY_S))
    said = os.popen(
        f"CLOCK_FILE={clock} PYTHONPATH={Path(__file__).parent / 'clocks'} python3 -c"
        " 'import time, datetime; print(time.time(), datetime.datetime.now().timestamp())'"
    )

    for wrong in said.read().split():
        assert float(wrong) == pytest.approx(time.time() - DAY_S, abs=30)


async def _all_begun(database_url: str) -> bool:
    connection = await asyncpg.connect(database_url)
    waiting = await connection.fetchval(
        "SELECT count(*) FROM jobs WHERE model = 'lab' AND attempt = 0"
    )
    await connection.close()
    return bool(waiting == 0)


async def _assert_all_went_well(database_url: str, slow: list[UUID]) -> None:
    connection = await asyncpg.connect(database_url)
    statuses = await connection.fetch("SELECT status, count(*) FROM jobs GROUP BY 1")
    assert [row["status"] for row in statuses] == ["completed"]
    tries = await connection.fetchrow(
        "SELECT max(attempt) AS attempt, max(crashes) AS crashes FROM jobs WHERE id = ANY($1)", slow
    )
    assert tries is not None
    assert tuple(tries) == (1, 0), "somebody was taken for dead"
    for what, sql in NEVER.items():
        assert await connection.fetch(sql) == [], what
    await connection.close()


async def _assert_waits_kept_their_length(database_url: str, quick: list[UUID]) -> None:
    connection = await asyncpg.connect(database_url)
    waits = sorted(row["waited"] for row in await connection.fetch(_WAITS, quick))
    await connection.close()
    print(f"{len(waits)} waits, from {waits[0]:.1f} to {waits[-1]:.1f} s")
    assert waits, "nobody had to wait"
    assert waits[-1] < 60
