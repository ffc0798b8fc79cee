"""The feed: every committed line exactly once, in one order for all readers, and none too early."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.jobs.feed import CHANNEL, Bookmark, Event, Feed, Lagging, Subscription
from safelight.values.ids import OwnerId

OWNER = OwnerId(uuid4())
JOB = uuid4()

INSERT = """INSERT INTO events (owner_id, job_id, status, kind, data)
            VALUES ($1, $2, 'processing', 'stage', $3::text::jsonb) RETURNING number"""


@asynccontextmanager
async def writers(url: str, count: int) -> AsyncIterator[list[asyncpg.Connection]]:
    """Connections of processes that write on their own."""
    made = await asyncio.gather(*(asyncpg.connect(url) for _ in range(count)))
    yield made
    await asyncio.gather(*(connection.close() for connection in made))


async def write(
    connection: asyncpg.Connection, name: object, owner: UUID = OWNER, job: UUID = JOB
) -> int:
    number: int = await connection.fetchval(INSERT, owner, job, f'{{"name": "{name}"}}')
    return number


async def take(subscription: Subscription, count: int, within_s: float = 20) -> list[Event]:
    """The next `count` lines."""
    taken: list[Event] = []
    async with asyncio.timeout(within_s):
        while len(taken) < count:
            if event := await subscription.next(5):
                taken.append(event)
    return taken


def names(events: list[Event]) -> list[str]:
    return [event.data["name"] for event in events]


async def stored(database: Database) -> list[str]:
    rows = await database.fetch("SELECT data->>'name' AS name FROM events ORDER BY xid, number")
    return [row["name"] for row in rows]


async def nothing_comes(subscription: Subscription, feed: Feed) -> bool:
    """Whether a reader that was told to look has found nothing. Two looks, so that one which was
    under way does not count."""
    for _ in range(2):
        feed.announce()
        if await subscription.next(0.15):
            return False
    return True


async def test_a_later_transaction_that_commits_first_does_not_hide_the_earlier_one(
    feed: Feed, database: Database, database_url: str
) -> None:
    async with (
        writers(database_url, 2) as (slow, quick),
        feed.subscribe(OWNER) as live,
    ):
        slow_tx, quick_tx = slow.transaction(), quick.transaction()
        await slow_tx.start()
        first = await write(slow, "slow, first line")
        await quick_tx.start()
        second = await write(quick, "quick")
        await quick_tx.commit()
        assert first < second

        assert await nothing_comes(live, feed), "shown although an earlier line may still come"
        third = await write(slow, "slow, second line")
        assert second < third
        await slow_tx.commit()
        feed.announce()
        told = await take(live, 3)

    assert names(told) == ["slow, first line", "slow, second line", "quick"]
    assert names(told) == await stored(database)
    assert [event.bookmark for event in told] == sorted(event.bookmark for event in told)


async def test_what_is_rolled_back_is_never_shown_and_holds_nobody_up(
    feed: Feed, database_url: str
) -> None:
    async with (
        writers(database_url, 2) as (failing, quick),
        feed.subscribe(OWNER) as live,
    ):
        transaction = failing.transaction()
        await transaction.start()
        await write(failing, "never")
        await write(quick, "shown")
        assert await nothing_comes(live, feed)

        await transaction.rollback()
        feed.announce()
        told = await take(live, 1)

        assert names(told) == ["shown"]
        assert await nothing_comes(live, feed)


class CountedFeed(Feed):
    """Knows how often it has looked."""

    looked = 0

    async def _read_new(self) -> bool:
        self.looked += 1
        return await super()._read_new()


@pytest.fixture
async def counted(database: Database, wakeups: Wakeups) -> AsyncIterator[CountedFeed]:
    made = CountedFeed(database, wakeups)
    await made.start()
    await wakeups.start()
    yield made
    await made.stop()


async def look_again(feed: CountedFeed) -> None:
    before = feed.looked
    feed.announce()
    async with asyncio.timeout(10):
        while feed.looked == before:
            await asyncio.sleep(0.001)


@pytest.mark.timing
async def test_a_long_transaction_of_somebody_else_is_not_watched_without_pause(
    counted: CountedFeed, database_url: str
) -> None:
    async with writers(database_url, 2) as (slow, quick), counted.subscribe(OWNER) as live:
        transaction = slow.transaction()
        await transaction.start()
        await write(slow, "slow")
        await write(quick, "quick")
        await look_again(counted)

        before = counted.looked
        await asyncio.sleep(1)
        looks = counted.looked - before

        await transaction.rollback()
        assert names(await take(live, 1)) == ["quick"]
    assert looks <= 20


@pytest.mark.timing
async def test_what_was_held_back_for_a_moment_is_shown_at_once_also_after_a_quiet_time(
    counted: CountedFeed, database_url: str
) -> None:
    async with writers(database_url, 2) as (slow, quick), counted.subscribe(OWNER) as live:
        for _ in range(12):
            await look_again(counted)
        transaction = slow.transaction()
        await transaction.start()
        await write(slow, "slow")
        await write(quick, "quick")
        await look_again(counted)

        begin = time.perf_counter()
        await transaction.rollback()
        await take(live, 1)

        assert time.perf_counter() - begin < 0.1


@pytest.mark.parametrize("seed", [1, 2])
async def test_hundreds_of_writers_with_random_commits_reach_each_reader_once_and_in_order(
    feed: Feed, database: Database, database_url: str, seed: int
) -> None:
    chance = random.Random(seed)
    jobs = [uuid4() for _ in range(20)]
    plans = [
        (number, chance.randint(1, 4), chance.random() * 0.05, chance.random() < 0.1)
        for number in range(400)
    ]
    expected = sum(lines for _, lines, _, fails in plans if not fails)
    waiting = list(plans)

    async def keep_writing(connection: asyncpg.Connection) -> None:
        while waiting:
            number, lines, delay_s, fails = waiting.pop()
            transaction = connection.transaction()
            await transaction.start()
            for line in range(lines):
                await write(connection, f"{number}.{line}", job=jobs[number % len(jobs)])
                await asyncio.sleep(delay_s / lines)
            await (transaction.rollback() if fails else transaction.commit())
            feed.announce()

    async def read_late() -> list[str]:
        """A reader that comes in the middle: the past from the table, then live."""
        while len(waiting) > 200:
            await asyncio.sleep(0.005)
        async with feed.subscribe(OWNER) as late:
            past = await feed.replay(late, Bookmark(0, 0))
            assert past is not None
            return names(past + await take(late, expected - len(past)))

    async def read_one(job: UUID) -> list[str]:
        lines = sum(p[1] for p in plans if not p[3] and jobs[p[0] % len(jobs)] == job)
        async with feed.subscribe(OWNER, job) as live:
            ready.release()
            return names(await take(live, lines))

    ready = asyncio.Semaphore(0)
    async with (
        writers(database_url, 30) as connections,
        feed.subscribe(OWNER) as live,
        asyncio.TaskGroup() as group,
    ):
        alone = group.create_task(read_one(jobs[7]))
        await ready.acquire()
        late = group.create_task(read_late())
        whole = group.create_task(take(live, expected))
        for connection in connections:
            group.create_task(keep_writing(connection))

    order = await stored(database)
    assert len(order) == expected
    assert names(whole.result()) == order
    assert late.result() == order
    assert alone.result() == [n for n in order if int(n.partition(".")[0]) % 20 == 7]


async def test_many_readers_that_join_while_lines_come_miss_and_repeat_nothing(
    feed: Feed, database: Database, database_url: str
) -> None:
    total = 600

    async def read(seen_after: int) -> list[str]:
        while written < seen_after:
            await asyncio.sleep(0.001)
        async with feed.subscribe(OWNER, JOB) as live:
            past = await feed.replay(live, Bookmark(0, 0))
            assert past is not None
            return names(past + await take(live, total - len(past)))

    written = 0
    async with writers(database_url, 1) as (writer,), asyncio.TaskGroup() as group:
        readers = [group.create_task(read(number * 10)) for number in range(50)]
        for number in range(total):
            await write(writer, number)
            written += 1
            feed.announce()

    for reader in readers:
        assert reader.result() == [str(number) for number in range(total)]


async def test_a_reader_resumes_exactly_behind_the_bookmark_it_names(
    feed: Feed, database_url: str
) -> None:
    async with writers(database_url, 1) as (writer,):
        async with feed.subscribe(OWNER) as live:
            for number in range(10):
                await write(writer, number)
            feed.announce()
            seen = await take(live, 10)

        for stop in range(10):
            async with feed.subscribe(OWNER) as again:
                missed = await feed.replay(again, Bookmark.parse(str(seen[stop].bookmark)))  # type: ignore[arg-type]
                assert missed is not None
                assert names(missed) == [str(number) for number in range(stop + 1, 10)]


async def test_too_long_a_past_is_refused_rather_than_shortened(
    feed: Feed, database_url: str
) -> None:
    async with writers(database_url, 1) as (writer,), feed.subscribe(OWNER) as live:
        for number in range(12):
            await write(writer, number)
        feed.announce()
        await take(live, 12)
        async with feed.subscribe(OWNER) as late:
            assert await feed.replay(late, Bookmark(0, 0), limit=11) is None
            exactly = await feed.replay(late, Bookmark(0, 0), limit=12)
            assert exactly is not None
            assert len(exactly) == 12


async def test_lines_are_only_for_their_owner(feed: Feed, database_url: str) -> None:
    stranger = OwnerId(uuid4())
    async with (
        writers(database_url, 1) as (writer,),
        feed.subscribe(OWNER) as live,
        feed.subscribe(stranger) as other,
    ):
        await write(writer, "mine")
        await write(writer, "theirs", owner=stranger)
        feed.announce()

        assert names(await take(live, 1)) == ["mine"]
        assert names(await take(other, 1)) == ["theirs"]
        assert await nothing_comes(live, feed)


async def test_a_reader_that_does_not_keep_up_is_told_to_come_again(
    feed: Feed, database: Database
) -> None:
    fill = """INSERT INTO events (owner_id, job_id, status, kind)
              SELECT $1, $2, 'processing', 'stage' FROM generate_series(1, 1500)"""
    async with feed.subscribe(OWNER) as slow, feed.subscribe(OWNER) as quick:
        for _ in range(2):
            await database.execute(fill, OWNER, JOB)
            feed.announce()
            await take(quick, 1500)

        with pytest.raises(Lagging):
            await slow.next(0)


async def test_lines_of_other_processes_come_by_their_bell(feed: Feed, database_url: str) -> None:
    async with (
        writers(database_url, 1) as (elsewhere,),
        feed.subscribe(OWNER) as live,
    ):
        await write(elsewhere, "from afar")
        await elsewhere.execute("SELECT pg_notify($1, '')", CHANNEL)

        # Less than the two seconds after which it would have looked by itself.
        assert names(await take(live, 1, within_s=1.5)) == ["from afar"]


async def test_a_lost_bell_costs_a_moment_and_no_line(feed: Feed, database_url: str) -> None:
    async with writers(database_url, 1) as (elsewhere,), feed.subscribe(OWNER) as live:
        await write(elsewhere, "unannounced")

        assert names(await take(live, 1, within_s=5)) == ["unannounced"]


async def test_without_readers_the_database_is_left_alone(
    feed: Feed, database: Database, database_url: str
) -> None:
    asked: list[str] = []

    def log(query: Any) -> None:
        asked.append(query.query)

    connections = [await database.pool.acquire() for _ in range(8)]
    for connection in connections:
        connection.add_query_logger(log)
    for connection in connections:
        await database.pool.release(connection)

    async with feed.subscribe(OWNER) as live, writers(database_url, 1) as (writer,):
        await write(writer, "while somebody reads")
        feed.announce()
        await take(live, 1)
        assert asked, "the counter does not count"
    async with asyncio.timeout(5):
        while feed._reading.locked():
            await asyncio.sleep(0)
    asked.clear()
    for _ in range(20):
        feed.announce()
        await asyncio.sleep(0.005)
    await asyncio.sleep(2.2)  # longer than its own poll: what must not happen has no event

    assert asked == []


@pytest.mark.parametrize(
    "text",
    ["", "-", "1", "1-", "-1", "1-2-3", "a-b", "1.5-2", "²-1", "9" * 41, f"{2**63}-1", "1--2"],
)
def test_nonsense_is_no_bookmark(text: str) -> None:
    assert Bookmark.parse(text) is None


def test_a_bookmark_survives_being_text() -> None:
    bookmark = Bookmark(2**62, 2**63 - 1)

    assert Bookmark.parse(str(bookmark)) == bookmark
