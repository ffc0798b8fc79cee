"""Who may call a provider, in every process at the same moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.queueing.breaker import Rules
from safelight.queueing.lanes import UNTIL_RESUMED, LanePaused, Lanes
from safelight.queueing.outcomes import Again, decide
from safelight.queueing.passes import Limit, declare
from safelight.values.errors import (
    InvalidOutput,
    NotAsked,
    OutcomeUnknown,
    ProviderAuth,
    ProviderBusy,
    ProviderError,
    ProviderFailed,
    ProviderRefused,
    ProviderRejected,
    ProviderUnreachable,
    TookTooLong,
)
from tests.queueing.test_worker import eventually

QUICK = Rules(open_s=0.3, probe_s=0.5, busy_first_s=0.3)
DOWN = ProviderFailed("OpenAI failed (status 500).")

Open = Callable[..., Awaitable[Lanes]]


@pytest.fixture
async def open_lanes(database_url: str) -> AsyncIterator[Open]:
    """Lanes as another process has them."""
    async with AsyncExitStack() as stack:

        async def opened(rules: Rules = QUICK, **how: Any) -> Lanes:
            database = await Database.connect(database_url, connections_max=3)
            stack.push_async_callback(database.close)
            wakeups = Wakeups(database)
            await wakeups.start()
            stack.push_async_callback(wakeups.stop)
            lanes = Lanes(database, wakeups, rules=rules, **how)
            await lanes.start()
            stack.push_async_callback(lanes.stop)
            return lanes

        yield opened


async def call(lanes: Lanes, error: ProviderError | None = None, lane: str = "openai") -> None:
    """One call, which fails with `error`."""
    async with lanes.enter(lane, f"{lane}/m"):
        if error:
            raise error


async def fails(lanes: Lanes, error: ProviderError = DOWN, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(type(error)):
            await call(lanes, error)


async def probe(lanes: Lanes, entry: int = 7) -> None:
    """Claim an entry for the probe, as soon as it is allowed."""

    async def begun() -> bool:
        return bool(lanes.may_probe(["openai"])) and await lanes.begin_probe("openai")

    await eventually(begun, within_s=3)
    await lanes.claimed("openai", entry)


# Trouble, and who sees it


async def test_after_five_failures_no_call_leaves_any_process(open_lanes: Open) -> None:
    here, there = await open_lanes(Rules()), await open_lanes(Rules())
    await fails(here, times=3)
    await fails(there, times=2)

    with pytest.raises(LanePaused) as caught:
        await call(there)
    await eventually(lambda: here.claimable(["openai", "sketch"]) == ["sketch"])
    with pytest.raises(LanePaused):
        await call(here)

    assert caught.value.wait_s == pytest.approx(30, abs=1)
    assert caught.value.retry_after_s == 6, "it would stay away though an operator resumes"
    assert "status 500" in str(caught.value)
    await call(here, lane="sketch")


@pytest.mark.parametrize("kind", [ProviderRefused, ProviderRejected, NotAsked, InvalidOutput])
async def test_what_is_not_the_providers_failure_opens_nothing(
    open_lanes: Open, kind: type[ProviderError]
) -> None:
    lanes = await open_lanes()

    await fails(lanes, kind("not this one"), times=30)

    await call(lanes)


async def test_a_bug_of_ours_and_a_cancelled_call_are_no_failures(open_lanes: Open) -> None:
    lanes = await open_lanes()

    async def broken() -> None:
        async with lanes.enter("openai", "m"):
            raise RuntimeError("a bug")

    async def long() -> None:
        async with lanes.enter("openai", "m"):
            await asyncio.sleep(600)

    for _ in range(10):
        with pytest.raises(RuntimeError):
            await broken()
        calling = asyncio.create_task(long())
        await asyncio.sleep(0)
        calling.cancel()
        with suppress(asyncio.CancelledError):
            await calling

    await call(lanes)


@pytest.mark.timing
async def test_a_busy_provider_is_not_asked_before_the_time_it_said(open_lanes: Open) -> None:
    here, there = await open_lanes(), await open_lanes()
    begin = time.monotonic()
    await fails(here, ProviderBusy("Slow down.", retry_after_s=0.6))

    for lanes in (here, there):
        await eventually(lambda lanes=lanes: not lanes.claimable(["openai"]), within_s=0.5)
        with pytest.raises(LanePaused) as caught:
            await call(lanes)
        assert caught.value.wait_s <= 0.6
    await eventually(lambda: there.claimable(["openai"]), within_s=3)

    assert 0.6 <= time.monotonic() - begin < 1.2
    await call(there)


async def test_any_number_of_busy_answers_opens_no_breaker(open_lanes: Open) -> None:
    lanes = await open_lanes()

    for _ in range(20):
        await fails(lanes, ProviderBusy("Slow down.", retry_after_s=0.01))
        await eventually(lambda: lanes.claimable(["openai"]), within_s=3)

    (state,) = await lanes.read()
    assert state.breaker == "closed"
    assert state.recent_failures == 0


async def test_those_in_line_for_a_pass_are_sent_away_when_the_lane_is_closed(
    database: Database, open_lanes: Open
) -> None:
    await declare(database, {"openai": Limit(at_once=1)}, known=["openai"])
    lanes = await open_lanes()

    async with lanes.enter("openai", "m"):
        waiting = [asyncio.create_task(call(lanes)) for _ in range(5)]
        await asyncio.sleep(0.1)
        await lanes.busy("openai", 60)
        done = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 3)

    assert {type(one) for one in done} == {LanePaused}


# Finding out


async def test_one_job_in_all_processes_finds_out_and_then_all_go_on(open_lanes: Open) -> None:
    workers = [await open_lanes() for _ in range(4)]
    await fails(workers[0], times=5)
    for lanes in workers:
        await eventually(lambda lanes=lanes: lanes.may_probe(["openai"]), within_s=3)

    chosen = [lanes for lanes in workers if await lanes.begin_probe("openai")]

    assert len(chosen) == 1
    others = [lanes for lanes in workers if lanes is not chosen[0]]
    for lanes in others:
        with pytest.raises(LanePaused):
            await call(lanes)
        assert lanes.claimable(["openai"]) == []
    await call(chosen[0])
    for lanes in workers:
        await eventually(lambda lanes=lanes: lanes.claimable(["openai"]), within_s=0.5)
        await call(lanes)


async def test_only_one_call_of_the_job_that_finds_out_is_let_through(open_lanes: Open) -> None:
    lanes = await open_lanes()
    await fails(lanes, times=5)
    await probe(lanes)
    begun = asyncio.Event()
    end = asyncio.Event()

    async def long() -> None:
        async with lanes.enter("openai", "m"):
            begun.set()
            await end.wait()

    variants = [asyncio.create_task(long()) for _ in range(4)]
    await begun.wait()
    await asyncio.sleep(0.05)

    assert [type(one.exception()) for one in variants if one.done()] == [LanePaused] * 3
    end.set()
    await asyncio.gather(*variants, return_exceptions=True)
    await call(lanes)


@pytest.mark.parametrize(
    "error", [DOWN, ProviderAuth("wrong key"), InvalidOutput("no picture at all")]
)
async def test_when_it_still_fails_it_is_left_alone_for_as_long_again(
    open_lanes: Open, error: ProviderError
) -> None:
    lanes = await open_lanes()
    await fails(lanes, times=5)
    await probe(lanes)

    with pytest.raises((type(error), LanePaused)):
        await call(lanes, error)

    assert lanes.may_probe(["openai"]) == []
    begin = time.monotonic()
    await probe(lanes)
    assert time.monotonic() - begin > QUICK.open_s * 0.8


@pytest.mark.parametrize("error", [DOWN, ProviderUnreachable("no route")])
async def test_a_probe_that_fails_costs_its_job_no_try_and_lets_another_go_next(
    open_lanes: Open, error: ProviderError
) -> None:
    lanes = await open_lanes()
    await fails(lanes, times=5)
    await probe(lanes)

    with pytest.raises(LanePaused) as caught:
        await call(lanes, error)

    decision = decide(caught.value, tries=5, attempts_max=5, backoff_max_s=60)
    assert isinstance(decision, Again)
    assert not decision.is_try
    assert decision.delay_s > QUICK.open_s


@pytest.mark.parametrize("error", [TookTooLong("silence"), OutcomeUnknown("lost")])
async def test_a_probe_that_may_have_cost_money_counts(
    open_lanes: Open, error: ProviderError
) -> None:
    lanes = await open_lanes()
    await fails(lanes, times=5)
    await probe(lanes)

    await fails(lanes, error)


async def test_a_request_that_is_refused_shows_that_the_provider_works(open_lanes: Open) -> None:
    lanes = await open_lanes()
    await fails(lanes, times=5)
    await probe(lanes)

    await fails(lanes, ProviderRefused("not this prompt"))

    await call(lanes)


async def test_a_call_that_was_not_made_shows_nothing_and_leaves_it_to_the_next(
    open_lanes: Open,
) -> None:
    lanes = await open_lanes()
    await fails(lanes, times=5)
    await probe(lanes)

    await fails(lanes, NotAsked("openai/m is not configured any more."))

    assert lanes.claimable(["openai"]) == []
    await probe(lanes)
    await call(lanes)
    assert lanes.claimable(["openai"]) == ["openai"]


@pytest.mark.timing
async def test_a_long_probe_stays_the_only_one(open_lanes: Open) -> None:
    here, there = await open_lanes(look_every_s=0.1), await open_lanes(look_every_s=0.1)
    await fails(here, times=5)
    await probe(here)

    async with here.enter("openai", "m"):
        until = time.monotonic() + 3 * QUICK.probe_s
        while time.monotonic() < until:
            assert not await there.begin_probe("openai")
            await asyncio.sleep(0.02)

    await eventually(lambda: there.claimable(["openai"]))


@pytest.mark.parametrize("ending", ["cancelled", "busy", "no call", "nothing to claim"])
@pytest.mark.timing
async def test_a_probe_that_found_out_nothing_leaves_it_to_the_next(
    open_lanes: Open, ending: str
) -> None:
    here, there = await open_lanes(), await open_lanes()
    await fails(here, times=5)
    await probe(here, entry=7)

    match ending:
        case "cancelled":
            with suppress(TimeoutError):
                async with asyncio.timeout(0.01), here.enter("openai", "m"):
                    await asyncio.sleep(600)
        case "busy":
            await fails(here, ProviderBusy("Slow down.", retry_after_s=0.1))
        case "no call":
            here.handled(6)
            here.handled(7)
        case "nothing to claim":
            await here.claimed("openai", None)

    begin = time.monotonic()
    await probe(there)
    assert time.monotonic() - begin < QUICK.probe_s, "the right to the probe had to expire"


@pytest.mark.timing
async def test_a_failure_known_already_keeps_nobody_waiting_longer(open_lanes: Open) -> None:
    """Calls that were under way when the breaker opened fail after it did."""
    lanes = await open_lanes(Rules(open_s=0.5))
    late = asyncio.Event()

    async def slow() -> None:
        async with lanes.enter("openai", "m"):
            await late.wait()
            raise DOWN

    slow_ones = [asyncio.create_task(slow()) for _ in range(10)]
    await asyncio.sleep(0.05)
    await fails(lanes, times=5)
    await asyncio.sleep(0.3)
    late.set()
    await asyncio.gather(*slow_ones, return_exceptions=True)

    begin = time.monotonic()
    await probe(lanes)
    assert time.monotonic() - begin < 0.4


# The operator


async def test_an_operator_pauses_a_lane_for_all_and_resumes_it(open_lanes: Open) -> None:
    here, there = await open_lanes(), await open_lanes()

    await here.pause("openai", None, "The key is being changed.")
    await eventually(lambda: not there.claimable(["openai"]), within_s=0.5)
    (state,) = await there.read()
    await there.resume("openai")
    await eventually(lambda: here.claimable(["openai"]), within_s=0.5)

    assert state.paused_until == UNTIL_RESUMED
    assert state.paused_why == "The key is being changed."
    assert (await here.read())[0].paused_until is None


async def test_an_operator_sees_how_the_lanes_are(database: Database, open_lanes: Open) -> None:
    limits = {"openai": Limit(20, 50), "openai/flux": Limit(at_once=4), "sketch": Limit(at_once=2)}
    await declare(database, limits, known=list(limits))
    lanes = await open_lanes()
    await fails(lanes, times=2)
    await fails(lanes, ProviderAuth("The key is not accepted."))
    await lanes.pause("replicate", datetime.now(UTC) + timedelta(hours=1), "no money")

    async with lanes.enter("sketch", "sketch"):
        openai, replicate, sketch = await lanes.read()

    assert (openai.lane, openai.breaker, openai.recent_failures) == ("openai", "open", 3)
    assert openai.why == openai.last_failure == "The key is not accepted."
    assert openai.since and openai.open_until and openai.since < openai.open_until
    assert [(one.name, one.at_once, one.per_minute) for one in openai.limits] == [
        ("openai", 20, 50),
        ("openai/flux", 4, None),
    ]
    assert [one.last_minute for one in openai.limits] == [3, 0]
    assert (replicate.breaker, replicate.paused_why) == ("closed", "no money")
    assert [(one.name, one.in_use) for one in sketch.limits] == [("sketch", 1)]


# The database away


async def test_a_lost_database_neither_stops_calls_nor_hides_what_they_raise(
    database: Database, open_lanes: Open
) -> None:
    lanes = await open_lanes()

    for _ in range(3):
        await database.execute(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()"""
        )
        await fails(lanes)
        await call(lanes)

    await eventually(lambda: _broken_again(lanes), within_s=10)


async def _broken_again(lanes: Lanes) -> bool:
    with suppress(ProviderFailed, LanePaused):
        await call(lanes, DOWN)
    return not lanes.claimable(["openai"])
