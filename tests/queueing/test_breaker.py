"""When a provider counts as broken, and how many find out that it works again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from safelight.database.pool import Database
from safelight.queueing import breaker
from safelight.queueing.breaker import Lately, Rules, Trouble, is_broken
from safelight.values.errors import (
    OutcomeUnknown,
    ProviderAuth,
    ProviderError,
    ProviderFailed,
    ProviderUnreachable,
)
from safelight.values.ids import new_id
from tests.queueing.conftest import AddJob

RULES = Rules()
FAILED = ProviderFailed("OpenAI failed (status 500).")


async def answered(database: Database, add_job: AddJob, count: int, *, ago_s: float = 0.0) -> None:
    """As the pipeline writes calls that succeeded."""
    job_id = await add_job("processing")
    await database.execute(
        """INSERT INTO predictions (job_id, index, attempt, provider, model, state, ended_at)
           SELECT $1, 0, (random() * 1e9)::int, 'openai', 'm', 'answered',
                  clock_timestamp() - make_interval(secs => $3)
           FROM generate_series(1, $2)""",
        job_id,
        count,
        ago_s,
    )


async def fail(
    database: Database, times: int = 1, error: ProviderError = FAILED, rules: Rules = RULES
) -> Trouble | None:
    """What the last failure led to."""
    trouble = None
    for _ in range(times):
        trouble = await breaker.count_failure(database, "openai", error, rules)
    return trouble


async def opened(database: Database, rules: Rules = RULES) -> Trouble:
    trouble = await fail(database, rules.row_max, rules=rules)
    assert trouble
    return trouble


# Opening


async def test_five_failures_in_a_row_open_it_and_four_do_not(database: Database) -> None:
    assert await fail(database, 4) is None
    trouble = await fail(database)

    assert trouble
    assert trouble.open_s == pytest.approx(RULES.open_s, abs=1)
    assert trouble.opened_why == "OpenAI failed (status 500)."
    assert list(await breaker.read_troubles(database)) == ["openai"]


async def test_failures_at_the_same_moment_are_all_counted(database: Database) -> None:
    found = await asyncio.gather(*(fail(database) for _ in range(5)))

    assert sum(1 for trouble in found if trouble) == 1


async def test_a_success_between_begins_the_row_anew(database: Database, add_job: AddJob) -> None:
    await fail(database, 4)
    await answered(database, add_job, 1)

    assert await fail(database, 4) is None
    assert await fail(database)


async def test_the_success_of_another_provider_does_not(
    database: Database, add_job: AddJob
) -> None:
    await fail(database, 4)
    await answered(database, add_job, 1)
    await database.execute("UPDATE predictions SET provider = 'sketch'")

    assert await fail(database)


async def test_failures_of_long_ago_do_not_count(database: Database) -> None:
    await fail(database, 4)
    await database.execute("UPDATE lane_failures SET at = at - interval '11 minutes'")

    assert await fail(database, 4) is None

    await breaker.forget_failures(database, RULES)
    assert await database.fetchval("SELECT count(*) FROM lane_failures") == 4


async def test_half_of_twenty_calls_open_it_though_never_five_in_a_row(
    database: Database, add_job: AddJob
) -> None:
    for _ in range(9):
        await answered(database, add_job, 1)
        assert await fail(database) is None
    await answered(database, add_job, 1)

    assert await fail(database)


async def test_calls_outside_the_window_are_no_half(database: Database, add_job: AddJob) -> None:
    for _ in range(9):
        await answered(database, add_job, 1, ago_s=31)
        await fail(database)
        await answered(database, add_job, 1)
    await database.execute("UPDATE lane_failures SET at = at - interval '31 s'")

    assert await fail(database) is None


@pytest.mark.parametrize(
    ("failed", "succeeded", "is_open"),
    [(10, 10, True), (9, 10, False), (10, 11, False), (19, 0, False), (100, 101, False)],
)
def test_the_half_is_exact(failed: int, succeeded: int, is_open: bool) -> None:
    lately = Lately(in_a_row=1, failed=failed, answered=succeeded)

    assert is_broken(lately, FAILED, RULES) is is_open


async def test_a_key_that_is_refused_opens_it_at_once(database: Database) -> None:
    trouble = await fail(database, error=ProviderAuth("OpenAI does not accept the API key."))

    assert trouble
    assert trouble.opened_why == "OpenAI does not accept the API key."


async def test_a_key_that_just_worked_is_not_the_trouble(
    database: Database, add_job: AddJob
) -> None:
    """One model may be forbidden to a key that others accept."""
    await answered(database, add_job, 1)

    assert await fail(database, error=ProviderAuth("Not allowed with this key.")) is None


async def test_it_opens_for_whatever_is_the_providers_fault(database: Database) -> None:
    for error in (ProviderUnreachable("no route"), OutcomeUnknown("lost"), FAILED, FAILED):
        assert await fail(database, error=error) is None

    assert await fail(database, error=ProviderUnreachable("no route"))


# Probing

QUICK = Rules(open_s=0.15, probe_s=0.3)


async def test_nobody_probes_before_the_time_and_then_only_one(database: Database) -> None:
    await opened(database, QUICK)
    assert await breaker.begin_probe(database, "openai", QUICK) is None
    await asyncio.sleep(0.2)

    tried = await asyncio.gather(
        *(breaker.begin_probe(database, "openai", QUICK) for _ in range(20))
    )

    assert sum(1 for trouble in tried if trouble) == 1


async def test_a_probe_that_is_answered_closes_it_and_forgives(database: Database) -> None:
    probe = await _probe(database)

    trouble = await breaker.close(database, probe)

    assert trouble and trouble.is_over
    assert await breaker.read_troubles(database) == {}
    assert await fail(database, 4) is None, "what failed before the probe still counts"


async def test_a_probe_that_fails_opens_it_for_as_long_again(database: Database) -> None:
    probe = await _probe(database)

    trouble = await breaker.open_again(
        database, "openai", probe, ProviderFailed("still down"), QUICK
    )

    assert trouble and trouble.opened_why == "still down"
    assert await breaker.begin_probe(database, "openai", QUICK) is None
    await asyncio.sleep(0.2)
    assert await breaker.begin_probe(database, "openai", QUICK)


async def test_a_probe_of_a_silent_worker_is_anybodys_and_its_late_end_nobodys(
    database: Database,
) -> None:
    late = await _probe(database)
    await asyncio.sleep(QUICK.probe_s + 0.05)

    trouble = await breaker.begin_probe(database, "openai", QUICK)

    assert trouble
    assert await breaker.close(database, late) is None
    assert await breaker.open_again(database, "openai", late, FAILED, QUICK) is None
    assert await breaker.drop_probe(database, late) is None
    assert (await breaker.read_troubles(database))["openai"].probe == trouble.probe


async def test_a_probe_that_lasts_is_kept(database: Database) -> None:
    probe = await _probe(database)
    for _ in range(4):
        await asyncio.sleep(0.15)
        assert await breaker.keep_probes(database, [probe, new_id()], QUICK) == {probe}

    assert await breaker.begin_probe(database, "openai", QUICK) is None
    await breaker.drop_probe(database, probe)
    assert await breaker.begin_probe(database, "openai", QUICK)


async def _probe(database: Database) -> UUID:
    await opened(database, QUICK)
    await asyncio.sleep(0.2)
    trouble = await breaker.begin_probe(database, "openai", QUICK)
    assert trouble and trouble.probe
    return trouble.probe


# Pausing


async def test_a_pause_lasts_as_long_as_was_asked_for(database: Database) -> None:
    trouble = await breaker.pause_for(database, "openai", 7.5, "Slow down.", RULES)

    assert trouble and trouble.paused_s == pytest.approx(7.5, abs=0.3)
    assert trouble.paused_why == "Slow down."
    assert trouble.open_s is None, "being busy is no failure"


async def test_a_shorter_pause_ends_no_longer_one(database: Database) -> None:
    await breaker.pause_for(database, "openai", 60, "long", RULES)
    trouble = await breaker.pause_for(database, "openai", 1, "short", RULES)

    assert trouble and trouble.paused_s == pytest.approx(60, abs=1)
    assert trouble.paused_why == "long"


async def test_pauses_of_unknown_length_grow_while_they_follow_each_other(
    database: Database,
) -> None:
    rules = Rules(busy_first_s=2, busy_max_s=10)
    lengths = []
    for _ in range(5):
        # Several calls hear the same at the same time: that is one pause.
        trouble = await breaker.pause_for(database, "openai", None, "busy", rules)
        trouble = await breaker.pause_for(database, "openai", None, "busy", rules)
        assert trouble and trouble.paused_s is not None
        lengths.append(round(trouble.paused_s))
        await database.execute("UPDATE lanes SET paused_until = now() - interval '0.1 s'")
    await database.execute("UPDATE lanes SET paused_until = now() - interval '5 minutes'")
    calm = await breaker.pause_for(database, "openai", None, "busy", rules)

    assert lengths == [2, 4, 8, 10, 10]
    assert calm and calm.paused_s == pytest.approx(2, abs=0.3)


async def test_nobody_probes_during_a_pause(database: Database) -> None:
    await opened(database, QUICK)
    await breaker.pause_for(database, "openai", 0.5, "busy", RULES)
    await asyncio.sleep(0.2)

    assert await breaker.begin_probe(database, "openai", QUICK) is None


async def test_an_operator_can_pause_and_resume(database: Database) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    trouble = await breaker.pause_until(database, "openai", until, "new key")
    assert trouble and trouble.paused_s == pytest.approx(3600, abs=5)

    resumed = await breaker.resume(database, "openai")

    assert resumed and resumed.is_over


async def test_resuming_a_broken_lane_lets_it_be_probed_now(database: Database) -> None:
    await opened(database)
    assert await breaker.begin_probe(database, "openai", RULES) is None

    await breaker.resume(database, "openai")

    assert await breaker.begin_probe(database, "openai", RULES)
