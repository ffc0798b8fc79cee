"""Sliding windows: exact, across processes, and honest about when to come back."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter

import pytest

from safelight.accounts.limits import Limit, Limiter, forget_old
from safelight.database.pool import Database
from tests.faults.schedule import LONG

# (when it was asked, when it was answered, whether it was granted), by the clock that all processes
# of a machine share.
Asked = tuple[float, float, bool]

_HAMMER = """
import asyncio, json, sys, time
from safelight.accounts.limits import Limit, Limiter
from safelight.database.pool import Database

async def main(url, most, window_s, for_s, tasks):
    database = await Database.connect(url, connections_max=4)
    limiter, seen = Limiter(database), []
    async def ask():
        while time.monotonic() < until:
            begin = time.monotonic()
            taken = await limiter.take("hot", Limit(most, window_s))
            seen.append((begin, time.monotonic(), taken.granted))
            await asyncio.sleep(0.002)
    until = time.monotonic() + for_s
    await asyncio.gather(*(ask() for _ in range(tasks)))
    await database.close()
    print(json.dumps(seen))

asyncio.run(main(sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:5]), int(sys.argv[5])))
"""


async def take(limiter: Limiter, limit: Limit, times: int, bucket: str = "b") -> int:
    """How many of so many questions at once are granted."""
    answers = await asyncio.gather(*(limiter.take(bucket, limit) for _ in range(times)))
    return sum(answer.granted for answer in answers)


def most_within(window_s: float, asked: list[Asked]) -> int:
    """The largest number granted for certain within a window: asked and answered inside it."""
    granted = sorted((begin, end) for begin, end, was_granted in asked if was_granted)
    return max(
        sum(begin >= first and end <= first + window_s for begin, end in granted)
        for first, _ in granted
    )


async def test_no_more_than_the_limit_is_granted(database: Database) -> None:
    limiter = Limiter(database)

    first = await take(limiter, Limit(8, 60), 30)
    more = await take(limiter, Limit(8, 60), 5)
    others = await take(limiter, Limit(8, 60), 5, bucket="another")

    assert (first, more, others) == (8, 0, 5)


@pytest.mark.timing
async def test_the_window_slides_instead_of_starting_anew(database: Database) -> None:
    limiter, limit, begin = Limiter(database), Limit(10, 1.0), time.monotonic()

    async def at(after_s: float, times: int) -> int:
        await asyncio.sleep(begin + after_s - time.monotonic())
        return await take(limiter, limit, times)

    first = await at(0, 1)
    late = await at(0.7, 15)
    after = await at(1.2, 15)

    assert first == 1
    assert late == 9
    assert after == 1, "only the first one is more than a window ago"


@pytest.mark.timing
async def test_four_processes_together_never_exceed_it_in_any_window(database_url: str) -> None:
    most, window_s, for_s = (100, 5.0, 60.0) if LONG else (20, 0.5, 3.0)
    arguments = [database_url, str(most), str(window_s), str(for_s), "3"]
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _HAMMER, *arguments, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    said = [(await process.communicate())[0] for process in processes]

    each: list[list[Asked]] = [json.loads(text) for text in said]
    asked = [one for part in each for one in part]
    granted = sum(was_granted for _, _, was_granted in asked)
    lasted_s = max(end for _, end, _ in asked) - min(begin for begin, _, _ in asked)

    assert most_within(window_s, asked) <= most
    assert granted <= most * (lasted_s / window_s + 1)
    assert granted >= most * (lasted_s / window_s - 1.5), "what may be granted is granted"
    assert len(asked) > 10 * granted, "there was a crowd"


@pytest.mark.timing
async def test_who_waits_as_long_as_told_is_served_and_not_before(database: Database) -> None:
    limiter, limit = Limiter(database), Limit(3, 1.0)
    await limiter.take("b", limit)
    await asyncio.sleep(0.3)
    await take(limiter, limit, 2)

    refused = await limiter.take("b", limit)
    await asyncio.sleep(refused.wait_s - 0.1)
    early = await limiter.take("b", limit)
    await asyncio.sleep(early.wait_s)
    served = await limiter.take("b", limit)

    assert not refused.granted
    assert 0.5 < refused.wait_s < 0.72
    assert not early.granted
    assert early.wait_s == pytest.approx(0.1, abs=0.09)
    assert served.granted


async def test_what_is_left_is_told(database: Database) -> None:
    limiter, limit = Limiter(database), Limit(3, 60)

    answers = [await limiter.take("b", limit) for _ in range(4)]

    assert [answer.left_over for answer in answers] == [2, 1, 0, 0]
    assert [answer.wait_s for answer in answers[:2]] == [0, 0]
    assert 59 < answers[2].wait_s <= 60


async def test_a_cost_is_taken_whole_or_not_at_all(database: Database) -> None:
    limiter, limit = Limiter(database), Limit(20, 60)

    answers = [(await limiter.take("b", limit, cost=cost)).granted for cost in (12, 9, 8, 1)]

    assert answers == [True, False, True, False]


async def test_different_costs_of_one_bucket_may_come_together(database: Database) -> None:
    limiter, limit = Limiter(database), Limit(20, 60)
    costs = [7, 3, 7, 3, 7, 3, 1]

    answers = await asyncio.gather(*(limiter.take("b", limit, cost=cost) for cost in costs))

    spent = sum(cost for cost, answer in zip(costs, answers, strict=True) if answer.granted)
    assert spent <= 20
    assert spent >= 17
    assert await database.fetchval("SELECT cardinality(hits) FROM windows") == spent


async def test_when_a_cost_fits_again_is_told(database: Database) -> None:
    limiter, limit = Limiter(database), Limit(10, 0.6)
    await limiter.take("b", limit, cost=4)
    await asyncio.sleep(0.2)
    await limiter.take("b", limit, cost=6)

    small = await limiter.take("b", limit, cost=4)
    large = await limiter.take("b", limit, cost=5)
    await asyncio.sleep(small.wait_s)
    after_small = await limiter.take("b", limit, cost=4)

    assert large.wait_s > small.wait_s + 0.1
    assert after_small.granted


async def test_what_can_never_be_granted_is_no_question(database: Database) -> None:
    with pytest.raises(ValueError, match="never"):
        await Limiter(database).take("b", Limit(5, 60), cost=6)


async def test_a_grant_counts_from_when_it_was_given_not_from_when_it_was_asked(
    database: Database,
) -> None:
    limiter, limit = Limiter(database), Limit(5, 60)
    await limiter.take("b", limit)
    async with database.transaction() as tx:
        await tx.execute("SELECT FROM windows WHERE bucket = 'b' FOR UPDATE")
        waiting = asyncio.create_task(limiter.take("b", limit))
        await asyncio.sleep(0.3)
        let_go = await tx.fetchval("SELECT clock_timestamp()")
    await waiting

    hits = await database.fetchval("SELECT hits FROM windows WHERE bucket = 'b'")

    assert hits[-1] >= let_go


async def test_a_lowered_limit_holds_for_what_was_granted_before(database: Database) -> None:
    limiter = Limiter(database)
    await take(limiter, Limit(10, 0.4), 10)

    refused = await limiter.take("b", Limit(2, 0.4))
    await asyncio.sleep(refused.wait_s)
    served = await take(limiter, Limit(2, 0.4), 5)

    assert not refused.granted
    assert served == 2


async def test_a_clock_set_back_keeps_nobody_out_for_longer_than_the_window(
    database: Database,
) -> None:
    limiter, limit = Limiter(database), Limit(2, 0.3)
    await take(limiter, limit, 2)
    await database.execute(
        "UPDATE windows SET hits = ARRAY(SELECT hit + interval '1 hour' FROM unnest(hits) AS hit)"
    )

    refused = await limiter.take("b", limit)
    await asyncio.sleep(refused.wait_s + 0.01)
    served = await limiter.take("b", limit)

    assert not refused.granted
    assert refused.wait_s <= 0.3
    assert served.granted


async def test_processes_that_ask_for_the_same_buckets_do_not_block_each_other(
    database_url: str,
) -> None:
    buckets = [f"b{n}" for n in range(50)]
    databases = [await Database.connect(database_url, connections_max=4) for _ in range(2)]
    granted: Counter[str] = Counter()

    async def ask(limiter: Limiter, bucket: str) -> None:
        taken = await limiter.take(bucket, Limit(30, 60))
        granted[bucket] += taken.granted

    first, second = [Limiter(database) for database in databases]
    for _ in range(20):
        await asyncio.gather(
            *(ask(first, bucket) for bucket in buckets),
            *(ask(second, bucket) for bucket in reversed(buckets)),
        )
    for database in databases:
        await database.close()

    assert set(granted.values()) == {30}


async def test_old_buckets_are_forgotten(database: Database) -> None:
    limiter = Limiter(database)
    await limiter.take("old", Limit(5, 0.1))
    await limiter.take("young", Limit(5, 60))
    await asyncio.sleep(0.15)

    await forget_old(database)

    rows = await database.fetch("SELECT bucket FROM windows")
    assert [row["bucket"] for row in rows] == ["young"]
