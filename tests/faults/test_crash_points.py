"""Every named place to die, each once: whoever looks at the job next knows how far it had come."""

from __future__ import annotations

import asyncio
from uuid import UUID

from tests.fakes.lab_api import Weather
from tests.faults.checks import (
    accepted_calls,
    called_too_often,
    wait_until_all_ended,
    what_is_wrong,
)
from tests.faults.customers import Customers, open_accounts, picture
from tests.faults.harness import API, Fleet
from tests.faults.schedule import OF_THE_SERVER, POINTS, Order

SOMEBODY = UUID(int=1)
OF_A_WORKER = [point for point in POINTS if point not in OF_THE_SERVER]
JOBS = 40


async def test_a_death_at_any_named_place_loses_nothing_and_pays_nothing_twice(
    database_url: str, lab_url: str
) -> None:
    """At a provider that can be asked what came of a call, so that not even it is repeated, though
    the answers to some are lost."""
    await open_accounts(database_url, [SOMEBODY], budget=10_000)
    orders = [
        Order(at_s=number * 0.05, user=0, key=f"{number}", body=picture(number, model="lab"))
        for number in range(JOBS)
    ]
    async with Fleet.running(
        database_url, lab_url, workers=len(OF_A_WORKER), jobs_at_once="2"
    ) as fleet:
        await fleet.weather(lab=Weather(latency_s=0.3, drop_after=0.2))
        for name, point in zip(fleet.workers, OF_A_WORKER, strict=True):
            await fleet.crash_at(name, point)
        await fleet.crash_at(API, "before_admission", 3)
        customers = Customers([fleet.url])

        placing = asyncio.create_task(customers.place_all(orders, [SOMEBODY]))
        await asyncio.wait_for(fleet.members[API].died.wait(), 30)
        await fleet.crash_at(API, "after_admission", 2)
        await placing
        await wait_until_all_ended(database_url, 60)
        died = {death.name for death in fleet.deaths}
        books, complaints = await fleet.books(), fleet.complaints()

    assert await what_is_wrong(database_url, customers) == []
    assert len(customers.accepted) == JOBS
    assert died == set(fleet.workers) | {API}
    assert sum(death.name == API for death in fleet.deaths) == 2
    assert called_too_often(books) == {}
    assert complaints == []


async def test_a_picture_that_cannot_be_asked_about_for_a_while_is_not_ordered_again(
    database_url: str, lab_url: str
) -> None:
    await open_accounts(database_url, [SOMEBODY], budget=10_000)
    orders = [
        Order(at_s=0, user=0, key=f"{number}", body=picture(number, model="lab"))
        for number in range(JOBS)
    ]
    settings = {"attempts_max": "20", "breaker_open_s": "0.5"}
    async with Fleet.running(database_url, lab_url, workers=1, **settings) as fleet:
        await fleet.weather(lab=Weather(latency_s=0.1, status_error=0.4, status_drop=0.1))
        customers = Customers([fleet.url])
        await customers.place_all(orders, [SOMEBODY])
        await wait_until_all_ended(database_url, 60)
        books = await fleet.books()

    assert await what_is_wrong(database_url, customers) == []
    assert accepted_calls(books) == JOBS
    assert sum(line["looks"] for line in books["lab"].values()) > JOBS
