"""One provider fails in every way there is; whoever asks the other one does not notice."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime
from uuid import UUID

import asyncpg
import httpx2
import pytest

from tests.fakes.lab_api import Weather
from tests.faults.checks import wait_until_all_ended
from tests.faults.conftest import eventually
from tests.faults.customers import open_accounts, open_clients, picture, submit
from tests.faults.harness import Fleet
from tests.faults.schedule import LONG

SOMEBODY = UUID(int=1)
FINE = Weather(latency_s=0.2, jitter=0.3)
OUTAGES = {
    "hangs": Weather(hang=1.0),
    "fails": Weather(server_error=1.0),
    "busy": Weather(busy=1.0, retry_after_s=1.0),
}
if LONG:
    OUTAGES["drops"] = Weather(drop_before=1.0)
FOR_S = 120.0 if LONG else 5.0
TIMEOUT_S = 2.0
OPEN_S = 10.0 if LONG else 2.0  # how long a breaker stays open
PER_S = 8  # orders a second at each provider
# On a busy machine a job takes its time, whoever it is for. Who waits for a starved pool waits for
# a timeout.
TOLERANCE_S = 0.25 if LONG else 0.5


@pytest.mark.timing
async def test_an_outage_stays_with_its_provider(database_url: str, lab_url: str) -> None:
    await open_accounts(database_url, [SOMEBODY])
    settings = {"breaker_open_s": f"{OPEN_S}", "attempts_max": "20"}
    async with (
        Fleet.running(database_url, lab_url, workers=2, timeout_s=TIMEOUT_S, **settings) as fleet,
        open_clients([fleet.url], 16) as (client,),
    ):
        await fleet.weather(lab=FINE, snap=FINE)
        await _order(client, "snap", 1.0)  # whatever is slow the first time
        baseline = await _p95_while(database_url, client, FOR_S / 2)
        for how in OUTAGES:
            await _outage(how, database_url, fleet, client, baseline)


async def _outage(
    how: str, database_url: str, fleet: Fleet, client: httpx2.AsyncClient, baseline: float
) -> None:
    ((began,),) = await _fetch(database_url, "SELECT clock_timestamp()")
    await fleet.weather(lab=OUTAGES[how])
    asked_before = await _asked(fleet)
    during = await _p95_while(database_url, client, FOR_S)
    asked = await _asked(fleet) - asked_before

    if how != "busy":  # that only pauses
        await eventually(lambda: _is_open(database_url), 30, "the breaker did not open")
    await fleet.weather(lab=FINE)
    healed_at = time.monotonic()
    await eventually(lambda: _is_closed(database_url), OPEN_S + 60, "it did not close")
    closed_s = time.monotonic() - healed_at
    await wait_until_all_ended(database_url, 90)
    statuses = await _statuses(database_url, began)

    print(
        f"{how}: p95 {baseline:.2f} s, then {during:.2f} s; asked {asked} times for"
        f" {FOR_S * PER_S:.0f} orders; closed after {closed_s:.1f} s; {statuses}"
    )
    assert during <= 1.2 * baseline + TOLERANCE_S, how
    assert statuses["snap"] == {"completed"}, how
    if how != "busy":
        assert asked < FOR_S * PER_S, f"{how}: everybody went on asking"
    if how in ("fails", "busy"):  # what may have cost money is tried twice only
        assert statuses["lab"] == {"completed"}, how


async def _p95_while(database_url: str, client: httpx2.AsyncClient, seconds: float) -> float:
    """Order at both providers for a while; the time snap's jobs took, 95 % of them."""
    ordering = asyncio.create_task(_order(client, "lab", seconds))
    ids = await _order(client, "snap", seconds)
    await ordering

    async def all_ended() -> bool:
        return not await _fetch(
            database_url, "SELECT id FROM jobs WHERE id = ANY($1) AND finished_at IS NULL", ids
        )

    with contextlib.suppress(AssertionError):  # then they took that long
        await eventually(all_ended, 30)
    rows = await _fetch(
        database_url,
        """SELECT extract(epoch FROM coalesce(finished_at, now()) - created_at)::float8 AS took
           FROM jobs WHERE id = ANY($1) ORDER BY took""",
        ids,
    )
    return float(rows[int(len(rows) * 0.95)]["took"])


async def _order(client: httpx2.AsyncClient, model: str, seconds: float) -> list[UUID]:
    ids = []
    for number in range(int(seconds * PER_S)):
        answer = await submit(client, SOMEBODY, picture(number, model=model))
        assert answer.status_code == 202, answer.text
        ids.append(UUID(answer.json()["id"]))
        await asyncio.sleep(1 / PER_S)
    return ids


async def _asked(fleet: Fleet) -> int:
    return sum(line["asked"] for line in (await fleet.books())["lab"].values())


async def _is_open(database_url: str) -> bool:
    return bool(
        await _fetch(
            database_url, "SELECT name FROM lanes WHERE name = 'lab' AND opened_at IS NOT NULL"
        )
    )


async def _is_closed(database_url: str) -> bool:
    return not await _is_open(database_url)


async def _statuses(database_url: str, since: datetime) -> dict[str, set[str]]:
    rows = await _fetch(
        database_url,
        """SELECT provider, array_agg(DISTINCT status) AS s FROM jobs
           WHERE created_at >= $1 GROUP BY 1""",
        since,
    )
    return {row["provider"]: set(row["s"]) for row in rows}


async def _fetch(database_url: str, sql: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetch(sql, *values)
    finally:
        await connection.close()
