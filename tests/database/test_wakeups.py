"""Bells after the commit: few of them, and heard again after the line was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from safelight.database.pool import Database
from safelight.database.wakeups import COALESCE_S, Wakeups

CHANNEL = "test_bell"


class Ear:
    """A LISTEN of its own: hears each notification that is really sent."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, *about: object) -> None:
        self.heard.append(str(about[-1]))
        self._news.set()

    async def until(self, enough: Callable[[], bool], within_s: float = 10) -> None:
        async with asyncio.timeout(within_s):
            while not enough():
                self._news.clear()
                await self._news.wait()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = await Database.connect(database_url, connections_max=4)
    yield made
    await made.close()


@pytest.fixture
async def ear(database_url: str) -> AsyncIterator[Ear]:
    made = Ear()
    connection = await asyncpg.connect(database_url)
    await connection.add_listener(CHANNEL, made)
    yield made
    await connection.close()


@pytest.fixture
async def wakeups(database: Database) -> AsyncIterator[Wakeups]:
    made = Wakeups(database)
    yield made
    await made.stop()


async def cut_the_line(database: Database) -> None:
    """End the backend that listens, and wait until it has gone."""
    cut = await database.fetchval(
        """SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
           WHERE datname = current_database() AND query LIKE 'LISTEN %only_ours%'"""
    )
    assert cut == 1


async def test_bells_of_the_same_moment_leave_as_one(wakeups: Wakeups, ear: Ear) -> None:
    await wakeups.start()

    for _ in range(500):
        wakeups.ring(CHANNEL)
    wakeups.ring(CHANNEL, "last")
    await ear.until(lambda: "last" in ear.heard)

    assert ear.heard == ["", "last"]


async def test_a_busy_process_notifies_once_an_interval(wakeups: Wakeups, ear: Ear) -> None:
    loop = asyncio.get_running_loop()
    await wakeups.start()

    begin, rung = loop.time(), 0
    while loop.time() - begin < 40 * COALESCE_S:
        wakeups.ring(CHANNEL)
        rung += 1
        await asyncio.sleep(0)
    wakeups.ring(CHANNEL, "last")
    await ear.until(lambda: "last" in ear.heard)

    intervals = (loop.time() - begin) / COALESCE_S
    assert rung > 500
    assert len(ear.heard) <= intervals + 2


async def test_different_payloads_all_arrive_in_order(wakeups: Wakeups, ear: Ear) -> None:
    await wakeups.start()
    rung = [str(number) for number in range(200)]

    for payload in rung:
        wakeups.ring(CHANNEL, payload)
    await ear.until(lambda: len(ear.heard) >= 200)

    assert ear.heard == rung


async def test_every_process_hears(wakeups: Wakeups, database: Database) -> None:
    other, here, there = Wakeups(database), Ear(), Ear()
    await wakeups.hear(CHANNEL, here)
    await other.hear(CHANNEL, there)
    await wakeups.start()
    await other.start()

    wakeups.ring(CHANNEL, "now")
    await here.until(lambda: here.heard == ["now"])
    await there.until(lambda: there.heard == ["now"])

    await other.stop()


async def test_who_only_listens_notices_the_lost_line_and_hears_again(
    wakeups: Wakeups, database: Database
) -> None:
    ear = Ear()
    await wakeups.hear("only_ours", ear)
    await wakeups.start()

    await cut_the_line(database)
    # What was rung meanwhile is lost, so the listener is called once to look for itself.
    await ear.until(lambda: ear.heard == [""])
    await database.execute("SELECT pg_notify('only_ours', 'after')")
    await ear.until(lambda: len(ear.heard) == 2)

    assert ear.heard == ["", "after"]


async def test_bells_rung_while_the_line_is_lost_are_sent_once_it_is_back(
    wakeups: Wakeups, database: Database, ear: Ear
) -> None:
    own = Ear()
    await wakeups.hear("only_ours", own)
    await wakeups.start()
    await cut_the_line(database)

    wakeups.ring(CHANNEL, "kept")
    await ear.until(lambda: "kept" in ear.heard)
    await own.until(lambda: bool(own.heard))

    assert own.heard == [""], "called once after the line was back, not more"


async def test_a_listener_is_not_called_for_nothing(
    wakeups: Wakeups, database: Database, ear: Ear
) -> None:
    own = Ear()
    await wakeups.hear("only_ours", own)
    await wakeups.start()

    wakeups.ring(CHANNEL, "somebody else's")
    await ear.until(lambda: bool(ear.heard))
    await database.execute("SELECT pg_notify('only_ours', 'mine')")
    await own.until(lambda: bool(own.heard))

    assert own.heard == ["mine"]


async def test_an_own_bell_that_arrives_after_the_line_is_gone_is_known_as_such(
    wakeups: Wakeups,
) -> None:
    heard: list[str] = []
    await wakeups.hear(CHANNEL, heard.append)
    await wakeups.start()
    connection = wakeups._connection
    assert connection
    own = connection.get_server_pid()
    connection.terminate()

    wakeups._heard(connection, own, CHANNEL, "own")
    wakeups._heard(connection, own + 1, CHANNEL, "another's")

    assert heard == ["another's"]
