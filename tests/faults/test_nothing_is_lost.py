"""Jobs, a bit of everything going wrong at the providers, and processes that die all the time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from signal import SIGCONT, SIGSTOP
from uuid import UUID

import asyncpg

from tests.faults.checks import (
    accepted_calls,
    called_too_often,
    wait_until_all_ended,
    what_is_wrong,
)
from tests.faults.conftest import Ledger
from tests.faults.customers import Customers, open_accounts
from tests.faults.harness import Fleet
from tests.faults.reader import Reader, assert_saw_all
from tests.faults.schedule import LONG, POINTS, SEED, Kill, Schedule

JOBS, KILLS, STOPS, OVER_S = (10_000, 300, 20, 900.0) if LONG else (500, 40, 0, 50.0)
LEASE_S = 6.0 if LONG else 60.0
POINT_WITHIN_S = 20.0
STREAMS_WITHIN_S = 5.0  # whoever was cut off when the last job ended knows it by then
USERS = [UUID(int=n) for n in range(1, 7)]
SHORT_OF_CREDITS = 5  # this user can pay for a third of what he wants

# An orphan: an attempt that began although the one before never ended. Its worker died after the
# earlier attempt's last line; the first death behind that line is the one that counts.
_ORPHANS = """
SELECT e.job_id, extract(epoch FROM e.at)::float8 AS taken_over_at,
       (SELECT extract(epoch FROM max(before.at))::float8 FROM events before
        WHERE before.job_id = e.job_id AND (before.xid, before.number) < (e.xid, e.number)
       ) AS last_sign_at,
       (SELECT before.status FROM events before
        WHERE before.job_id = e.job_id AND (before.xid, before.number) < (e.xid, e.number)
        ORDER BY before.xid DESC, before.number DESC LIMIT 1) AS status_before
FROM events e WHERE e.kind = 'stage' AND e.data ->> 'stage' = 'understanding'
"""


@dataclass
class Executioner:
    """Carries out the kills of a schedule: those of one victim one after the other, those of
    different ones at the same time."""

    fleet: Fleet
    unreached: list[Kill] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)

    async def carry_out(self, kills: tuple[Kill, ...]) -> None:
        begin = time.monotonic()
        victims = {kill.victim for kill in kills}
        await asyncio.gather(
            *(
                self._pursue([kill for kill in kills if kill.victim == one], begin)
                for one in victims
            )
        )

    async def _pursue(self, kills: list[Kill], begin: float) -> None:
        for kill in kills:
            await asyncio.sleep(max(0.0, begin + kill.at_s - time.monotonic()))
            member = await self.fleet.ready(kill.victim)
            if kill.stop_s:
                member.signal(SIGSTOP)
                await asyncio.sleep(kill.stop_s)
                member.signal(SIGCONT)
            elif kill.point:
                await self._at_a_point(kill)
            else:
                await self.fleet.kill(kill.victim)

    async def _at_a_point(self, kill: Kill) -> None:
        assert kill.point
        member = self.fleet.members[kill.victim]
        await self.fleet.crash_at(kill.victim, kill.point, kill.times)
        try:
            await asyncio.wait_for(member.died.wait(), POINT_WITHIN_S)
        except TimeoutError:
            self.unreached.append(kill)
            await self.fleet.ready(kill.victim)  # it may just have come there after all
            await self.fleet.kill(kill.victim)
        else:
            self.reached.add(kill.point)


async def test_what_was_accepted_is_done_once_however_often_processes_die(
    database_url: str, lab_url: str
) -> None:
    schedule = Schedule.of(
        SEED, jobs=JOBS, users=len(USERS), kills=KILLS, stops=STOPS, over_s=OVER_S, lease_s=LEASE_S
    )
    budget = dict.fromkeys(range(5), 1_000_000) | {SHORT_OF_CREDITS: JOBS // 6 * 6 // 3}
    await open_accounts(database_url, USERS, budget=budget)
    print(f"seed {SEED}: {JOBS} jobs, {KILLS} kills, {STOPS} stops")

    settings = {"crashes_max": "20", "attempts_max": "15", "breaker_open_s": "1"}
    async with Fleet.running(
        database_url, lab_url, workers=3, lease_s=f"{LEASE_S}", **settings
    ) as fleet:
        await fleet.weather(**schedule.weather(latency_s=0.8))
        customers, executioner = Customers([fleet.url]), Executioner(fleet)
        readers = {user: Reader(fleet.url, "/api/events", user=user) for user in USERS}
        reading = [asyncio.create_task(one.follow(lambda: False)) for one in readers.values()]
        await asyncio.gather(
            customers.place_all(list(schedule.orders), USERS), executioner.carry_out(schedule.kills)
        )
        await wait_until_all_ended(database_url, 120)
        await asyncio.sleep(STREAMS_WITHIN_S)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        books, complaints, deaths = await fleet.books(), fleet.complaints(), fleet.deaths

    figures = await _figures(database_url, customers, [d.at for d in deaths if d.code == -9])
    twice = called_too_often(books)
    print(f"{figures}, calls {accepted_calls(books)}, twice {dict(twice)}")
    assert await what_is_wrong(database_url, customers) == []
    for user, reader in readers.items():
        await assert_saw_all(reader, Ledger(database_url), str(user))
    assert not executioner.unreached
    assert executioner.reached == set(POINTS)
    assert len(deaths) >= KILLS
    assert figures["refused"] > 0, "the one who is short of credits was never refused"
    assert complaints == []
    # Who can be asked what came of a key is never paid twice; the others at most once a kill.
    assert not {why: n for why, n in twice.items() if why.startswith("lab ")} or STOPS
    assert twice["snap unexplained"] + twice["words unexplained"] <= KILLS + STOPS
    assert figures["taken over p99 s"] <= 75


async def _figures(
    database_url: str, customers: Customers, deaths: list[float]
) -> dict[str, float]:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(_ORPHANS)
    statuses = await connection.fetch("SELECT status, count(*) FROM jobs GROUP BY status")
    await connection.close()
    delays = sorted(
        row["taken_over_at"] - death
        for row in rows
        if row["status_before"] == "processing"
        for death in [_first_after(deaths, row["last_sign_at"] - 0.01, row["taken_over_at"])]
        if death
    )
    found: dict[str, float] = {row["status"]: row["count"] for row in statuses}
    found |= {"refused": len(customers.refused), "no answer": customers.answers[0]}
    found |= {"taken over": len(delays), "taken over p50 s": 0, "taken over p99 s": 0}
    if delays:
        found["taken over p50 s"] = round(delays[len(delays) // 2], 1)
        found["taken over p99 s"] = round(delays[int(len(delays) * 0.99)], 1)
    return found


def _first_after(times: list[float], after: float, before: float) -> float | None:
    return next((at for at in sorted(times) if after <= at <= before), None)
