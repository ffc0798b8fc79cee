"""PgQueuer, asked only for what may be carried out: nothing of a lane in trouble is touched."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job as Entry
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId

from safelight.database.migrate import QUEUE
from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.queueing.breaker import Rules
from safelight.queueing.claims import Claims
from safelight.queueing.entries import ring_for_entries
from safelight.queueing.lanes import Lanes
from safelight.queueing.outcomes import Again, decide
from safelight.queueing.passes import Limit, declare
from safelight.queueing.worker import _Driver
from safelight.values.errors import ProviderBusy, ProviderError, ProviderFailed
from safelight.values.ids import new_id
from tests.queueing.test_worker import eventually

POLL_S = 2.0
QUICK = Rules(open_s=0.4, probe_s=1.0)


class Company:
    """The provider behind a lane. wrong: what every call ends with. poison: what calls for these
    entries end with. done: ends calls early."""

    def __init__(self, works_s: float = 0.0) -> None:
        self.works_s = works_s
        self.wrong: ProviderError | None = None
        self.poison: dict[int, ProviderError] = {}
        self.done = asyncio.Event()
        self.calls: list[float] = []
        self.failed = 0
        self.now = 0
        self.most = 0

    async def call(self, entry: int) -> None:
        self.calls.append(time.monotonic())
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.works_s):
                    await self.done.wait()
            if wrong := self.wrong or self.poison.get(entry):
                self.failed += 1
                raise wrong
        finally:
            self.now -= 1


class Hand:
    """A worker: PgQueuer's loop over `Claims`, whose jobs are one call each."""

    def __init__(self, companies: dict[str, Company], lanes: Lanes, claims: Claims) -> None:
        self.companies = companies
        self.lanes = lanes
        self.ends: Counter[str] = Counter()
        self.tries = 0
        self.manager = QueueManager(claims)
        self.manager.queue_manager_id = QueueManagerId(uuid4())
        self.manager.min_dequeue_poll_interval = timedelta(seconds=0.02)
        for lane in companies:
            self.manager.entrypoint(lane, on_failure="hold")(self.handle)

    async def handle(self, entry: Entry) -> None:
        try:
            async with self.lanes.enter(entry.entrypoint, "m"):
                await self.companies[entry.entrypoint].call(entry.id)
        except ProviderError as error:
            decision = decide(error, tries=1, attempts_max=99, backoff_max_s=0.05)
            assert isinstance(decision, Again)
            self.tries += decision.is_try
            raise RetryRequested(timedelta(seconds=decision.delay_s)) from error
        finally:
            self.lanes.handled(entry.id)
        self.ends[entry.entrypoint] += 1


class CountedClaims(Claims):
    """Knows how often the queue was looked at."""

    looked = 0

    async def dequeue(self, *given: Any, **named: Any) -> list[Entry]:
        self.looked += 1
        return await super().dequeue(*given, **named)


Hire = Callable[..., Awaitable[Hand]]


@pytest.fixture
async def hire(database_url: str) -> AsyncIterator[Hire]:
    async with AsyncExitStack() as stack:

        async def hired(
            companies: dict[str, Company], *, places: int = 16, rules: Rules = QUICK
        ) -> Hand:
            database = await Database.connect(database_url, connections_max=4)
            stack.push_async_callback(database.close)
            pool = await asyncpg.create_pool(database_url, min_size=1, max_size=3)
            stack.push_async_callback(pool.close)
            wakeups = Wakeups(database)
            await wakeups.start()
            stack.push_async_callback(wakeups.stop)
            lanes = Lanes(database, wakeups, rules=rules)
            await lanes.start()
            stack.push_async_callback(lanes.stop)
            claims = CountedClaims(
                _Driver(pool, wakeups),
                QueryBuilderEnvironment(QUEUE),
                QueryQueueBuilder(QUEUE),
                QuerySchedulerBuilder(QUEUE),
                lanes=lanes,
                manager_id=new_id(),
            )
            hand = Hand(companies, lanes, claims)
            hand.manager.queue_manager_id = claims.manager_id  # type: ignore[assignment]
            running = asyncio.create_task(
                hand.manager.run(
                    dequeue_timeout=timedelta(seconds=POLL_S),
                    batch_size=places // 2,
                    max_concurrent_tasks=places,
                    heartbeat_timeout=timedelta(seconds=30),
                    log_aggregation_interval=timedelta(0),
                )
            )

            async def dismiss() -> None:
                hand.manager.shutdown.set()
                await asyncio.wait_for(running, 10)

            stack.push_async_callback(dismiss)
            return hand

        yield hired


@pytest.fixture
async def wakeups(database: Database) -> AsyncIterator[Wakeups]:
    made = Wakeups(database)
    await made.start()
    yield made
    await made.stop()


Queue = Callable[[str, int], Awaitable[None]]


@pytest.fixture
def queue(database: Database, wakeups: Wakeups) -> Queue:
    """Put entries into a lane, as a submit does."""

    async def queued(lane: str, count: int) -> None:
        await database.execute(
            """INSERT INTO queue.pgqueuer (priority, entrypoint, status)
               SELECT 0, $1, 'queued' FROM generate_series(1, $2)""",
            lane,
            count,
        )
        ring_for_entries(wakeups)

    return queued


async def picks(database: Database, lane: str) -> int:
    """How often an entry of the lane was ever claimed."""
    sql = "SELECT count(*) FROM queue.pgqueuer_log WHERE entrypoint = $1 AND status = 'picked'"
    return int(await database.fetchval(sql, lane))


@pytest.mark.timing
async def test_entries_of_a_paused_lane_are_left_alone_and_other_lanes_are_served(
    database: Database, hire: Hire, queue: Queue
) -> None:
    companies = {"openai": Company(), "sketch": Company()}
    hand = await hire(companies)
    await hand.lanes.pause("openai", datetime.now(UTC) + timedelta(seconds=1.5), "busy")
    resumes_at = time.monotonic() + 1.5

    await queue("openai", 20)
    await queue("sketch", 20)
    await eventually(lambda: hand.ends["sketch"] == 20, within_s=1)
    assert await picks(database, "openai") == 0
    await eventually(lambda: hand.ends["openai"] == 20)

    assert min(companies["openai"].calls) >= resumes_at - 0.05
    assert min(companies["openai"].calls) - resumes_at < POLL_S / 4, "woken by the poll only"
    assert hand.tries == 0


@pytest.mark.timing
async def test_a_worker_whose_lanes_are_all_closed_sleeps(hire: Hire, queue: Queue) -> None:
    hand = await hire({"openai": Company()})
    await hand.lanes.pause("openai", None, "closed")
    await queue("openai", 50)
    claims = hand.manager.queries
    assert isinstance(claims, CountedClaims)
    await asyncio.sleep(0.3)

    before = claims.looked
    await asyncio.sleep(1.5)

    assert claims.looked - before <= 2


@pytest.mark.timing
async def test_a_worker_sleeps_while_a_broken_lane_has_nothing_to_try(hire: Hire) -> None:
    hand = await hire({"openai": Company()})
    for _ in range(5):
        await hand.lanes.failed("openai", ProviderFailed("down"))
    claims = hand.manager.queries
    assert isinstance(claims, CountedClaims)
    await eventually(lambda: hand.lanes.may_probe(["openai"]) == ["openai"])
    await asyncio.sleep(0.3)

    before = claims.looked
    await asyncio.sleep(1.5)

    assert claims.looked - before <= 2


@pytest.mark.timing
async def test_what_becomes_due_is_claimed_then_without_another_bell(
    database: Database, wakeups: Wakeups, hire: Hire
) -> None:
    """A try that is to be made again: nobody rings when its time has come."""
    companies = {"openai": Company()}
    hand = await hire(companies)
    await database.execute(
        """INSERT INTO queue.pgqueuer (priority, entrypoint, status, execute_after)
           VALUES (0, 'openai', 'queued', now() + interval '0.5 seconds')"""
    )
    ring_for_entries(wakeups)
    due_at = time.monotonic() + 0.5

    await eventually(lambda: hand.ends["openai"] == 1)

    assert -0.05 <= companies["openai"].calls[0] - due_at < POLL_S / 4


@pytest.mark.timing
async def test_an_outage_burns_a_handful_of_tries_and_ends_soon_after_it_is_over(
    database: Database, hire: Hire, queue: Queue
) -> None:
    companies = {"openai": Company(works_s=0.01), "sketch": Company(works_s=0.01)}
    hands = [await hire(companies, places=4) for _ in range(3)]
    companies["openai"].wrong = ProviderFailed("OpenAI failed (status 500).")

    await queue("openai", 60)
    await asyncio.sleep(2.2)
    during = list(companies["openai"].calls)
    begin = time.monotonic()
    await queue("sketch", 30)
    await eventually(lambda: sum(hand.ends["sketch"] for hand in hands) == 30, within_s=2)
    sketch_s = time.monotonic() - begin
    companies["openai"].wrong = None
    healed_at = time.monotonic()
    await eventually(lambda: sum(hand.ends["openai"] for hand in hands) == 60)

    # Five open it, and those that were under way then; after that one call every open_s.
    opening = [at for at in during if at < during[0] + QUICK.open_s]
    assert len(opening) <= 5 + 3 * 4
    probes = during[len(opening) :]
    assert 2 <= len(probes) <= 5
    assert all(after - before >= QUICK.open_s for before, after in pairwise(probes))
    assert sum(hand.tries for hand in hands) == len(opening), "a probe costs no try"
    assert await picks(database, "openai") <= len(companies["openai"].calls) + 3 * 4
    assert time.monotonic() - healed_at < QUICK.open_s + 1.5
    assert sketch_s < 1


async def test_nobody_asks_a_busy_provider_before_its_time_and_no_try_is_counted(
    hire: Hire, queue: Queue
) -> None:
    company = Company(works_s=0.02)
    hands = [await hire({"openai": company}, places=4) for _ in range(2)]
    company.wrong = ProviderBusy("Slow down.", retry_after_s=1.0)

    await queue("openai", 40)
    await eventually(lambda: len(company.calls) > 0)
    await asyncio.sleep(0.3)
    asked, last = len(company.calls), max(company.calls)
    company.wrong = None
    await eventually(lambda: sum(hand.ends["openai"] for hand in hands) == 40)

    assert asked <= 2 * 4, "only what was under way when it said so"
    assert min(company.calls[asked:]) >= last + 1.0
    assert min(company.calls[asked:]) < last + 1.0 + POLL_S / 4
    assert sum(hand.tries for hand in hands) == 0


async def test_a_job_the_provider_stumbles_over_keeps_no_lane_closed(
    database: Database, hire: Hire, queue: Queue
) -> None:
    company = Company()
    hand = await hire({"openai": company})
    company.wrong = ProviderFailed("down")
    await queue("openai", 10)
    await eventually(lambda: not hand.lanes.claimable(["openai"]))
    first = await database.fetchval("SELECT min(id) FROM queue.pgqueuer")
    await database.execute("UPDATE queue.pgqueuer SET priority = 9 WHERE id = $1", first)

    company.poison[first] = ProviderFailed("not this one")
    company.wrong = None
    await eventually(lambda: hand.ends["openai"] == 9, within_s=10 * QUICK.open_s)


@pytest.mark.timing
async def test_a_job_that_comes_long_after_the_outage_finds_out_at_once(
    hire: Hire, queue: Queue
) -> None:
    company = Company()
    hands = [await hire({"openai": company}) for _ in range(3)]
    for _ in range(5):
        await hands[0].lanes.failed("openai", ProviderFailed("down"))
    await asyncio.sleep(QUICK.open_s + 1.2)  # nobody was there to be the probe

    begin = time.monotonic()
    await queue("openai", 10)
    await eventually(lambda: sum(hand.ends["openai"] for hand in hands) == 10)

    assert time.monotonic() - begin < 1


async def test_a_closed_lane_frees_no_places_that_are_taken(hire: Hire, queue: Queue) -> None:
    companies = {"openai": Company(works_s=600), "sketch": Company(works_s=600)}
    hand = await hire(companies, places=6)
    await queue("openai", 4)
    await eventually(lambda: companies["openai"].now == 4)

    await hand.lanes.pause("openai", None, "closed")
    await queue("sketch", 10)
    await eventually(lambda: companies["sketch"].now == 2)
    await asyncio.sleep(0.3)

    assert companies["sketch"].now == 2
    for company in companies.values():
        company.done.set()


async def test_the_limit_of_a_lane_is_that_of_all_workers_and_can_be_changed(
    database: Database, hire: Hire, queue: Queue
) -> None:
    await declare(database, {"openai": Limit(at_once=3)}, known=["openai"])
    company = Company(works_s=0.05)
    hands = [await hire({"openai": company}) for _ in range(3)]
    most = 0

    async def watch() -> None:
        nonlocal most
        sql = "SELECT count(*) FROM queue.pgqueuer WHERE status = 'picked'"
        while True:
            most = max(most, await database.fetchval(sql))
            await asyncio.sleep(0.005)

    watching = asyncio.create_task(watch())
    await queue("openai", 40)
    await eventually(lambda: sum(hand.ends["openai"] for hand in hands) == 40)

    assert company.most == 3
    # An entry whose job has ended is still there for a moment, but counts as taken.
    assert most == 3
    watching.cancel()

    await declare(database, {"openai": Limit(at_once=8)}, known=["openai"])
    await asyncio.sleep(1.2)
    await queue("openai", 60)
    await eventually(lambda: sum(hand.ends["openai"] for hand in hands) == 100)
    assert 3 < company.most <= 8


async def test_a_question_whose_answer_was_lost_ends_no_loop(
    database: Database, hire: Hire
) -> None:
    hand, lanes = await hire({"openai": Company()}), [QueueEntrypoint("openai")]

    async def cut() -> bool:
        """End the connections that wait, until there is an answer."""
        await database.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'"""
        )
        return asked.done()

    async with database.transaction() as tx:
        await tx.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await tx.execute("LOCK TABLE queue.pgqueuer")
        asked = asyncio.create_task(hand.manager.queries.eligible_queued_work(lanes))
        await eventually(cut)

    assert await asked == 1, "there may be something: look again soon"


async def test_a_database_that_stays_away_ends_no_loop(
    database: Database, hire: Hire, queue: Queue
) -> None:
    """It is asked again and again, and at first for what it may have handed out meanwhile."""
    hand = await hire({"openai": Company()})
    claims = hand.manager.queries
    assert isinstance(claims, CountedClaims)
    away = [ConnectionRefusedError("not up yet")] * 3

    async def give_back_dropped() -> None:
        if away:
            raise away.pop()

    claims.give_back_dropped = give_back_dropped
    claims._went_away = True

    await queue("openai", 1)
    await eventually(lambda: hand.ends["openai"] == 1)

    assert not away
