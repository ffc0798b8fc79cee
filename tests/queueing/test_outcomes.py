"""What follows from each way in which a provider can fail."""

from __future__ import annotations

from statistics import mean

import pytest

from safelight.queueing.lanes import LanePaused
from safelight.queueing.outcomes import RETRY_AFTER_MAX_S, Again, GiveUp, decide, rule
from safelight.values.errors import (
    AnswersLost,
    InvalidOutput,
    OutcomeUnknown,
    ProviderAuth,
    ProviderBusy,
    ProviderError,
    ProviderFailed,
    ProviderRefused,
    ProviderRejected,
    ProviderUnreachable,
    TargetRefused,
    TookTooLong,
)

ATTEMPTS = 5

# How often a job is tried that fails in the same way every time; None: until its deadline.
TRIES: dict[type[ProviderError], int | None] = {
    ProviderRefused: 1,
    ProviderRejected: 1,
    ProviderAuth: 1,
    ProviderBusy: None,
    ProviderUnreachable: ATTEMPTS,
    ProviderFailed: ATTEMPTS,
    InvalidOutput: ATTEMPTS,
    TargetRefused: 1,
    # They may have cost the operator money: one more try, not four.
    OutcomeUnknown: 2,
    AnswersLost: 1,
    TookTooLong: 2,
}


def decided(
    error: Exception, tries: int, attempts_max: int = ATTEMPTS, lost: int = 0
) -> Again | GiveUp:
    return decide(error, tries=tries, attempts_max=attempts_max, backoff_max_s=60, lost=lost)


def test_no_failure_was_forgotten() -> None:
    assert set(TRIES) >= set(ProviderError.__subclasses__())


COUNTED = [kind for kind, tries in TRIES.items() if tries is not None]


@pytest.mark.parametrize("kind", COUNTED)
def test_each_failure_is_tried_as_often_as_it_makes_sense(kind: type[ProviderError]) -> None:
    tries = 1
    while isinstance(decision := decided(kind("it failed"), tries, lost=tries - 1), Again):
        assert decision.is_try
        tries += 1

    assert tries == TRIES[kind]


@pytest.mark.parametrize("kind", TRIES)
def test_what_a_user_may_repeat_is_what_we_repeat(kind: type[ProviderError]) -> None:
    assert kind.retryable == (TRIES[kind] != 1)


@pytest.mark.parametrize("kind", COUNTED)
def test_no_failure_is_tried_more_often_than_the_setting_says(kind: type[ProviderError]) -> None:
    assert isinstance(decided(kind("it failed"), 1, attempts_max=1), GiveUp)


@pytest.mark.parametrize(
    "error",
    [
        ProviderBusy("Slow down."),
        ProviderBusy("Slow down.", retry_after_s=3),
        LanePaused("openai", 3, "It failed five times."),
    ],
)
def test_waiting_for_a_provider_costs_no_try_and_never_ends_a_job(error: ProviderError) -> None:
    for tries in (1, ATTEMPTS, 1000):
        decision = decided(error, tries)

        assert isinstance(decision, Again)
        assert not decision.is_try
        assert 1 <= decision.delay_s <= 3


@pytest.mark.parametrize("kind", [OutcomeUnknown, TookTooLong])
def test_where_money_may_be_lost_the_next_try_looks_first(kind: type[ProviderError]) -> None:
    assert rule(kind("lost")) == "look"


@pytest.mark.parametrize("kind", [OutcomeUnknown, TookTooLong])
def test_what_failed_before_does_not_keep_us_from_looking(kind: type[ProviderError]) -> None:
    assert isinstance(decided(kind("lost"), ATTEMPTS - 1), Again)
    assert isinstance(decided(kind("lost"), ATTEMPTS), GiveUp)
    assert isinstance(decided(kind("lost"), 2, lost=1), GiveUp)


def test_a_failure_of_our_own_is_tried_as_often_as_the_setting_says() -> None:
    assert isinstance(decided(RuntimeError("a bug"), ATTEMPTS - 1), Again)
    assert isinstance(decided(RuntimeError("a bug"), ATTEMPTS), GiveUp)


def test_the_wait_that_a_provider_asks_for_is_kept_to_the_second() -> None:
    decision = decided(ProviderBusy("busy", retry_after_s=7.5), 1)

    assert decision == Again(7.5, is_try=False)
    assert decided(ProviderFailed("it failed", retry_after_s=7.5), 1) == Again(7.5)


def test_nobody_can_make_us_wait_for_a_day() -> None:
    decision = decided(ProviderBusy("busy", retry_after_s=86_400), 1)

    assert decision == Again(RETRY_AFTER_MAX_S, is_try=False)


def test_waits_grow_up_to_a_ceiling_and_are_spread_below_it() -> None:
    for tries, ceiling in ((1, 1), (2, 2), (3, 4), (4, 8), (9, 60)):
        delays = []
        for _ in range(400):
            decision = decided(ProviderFailed("it failed"), tries, attempts_max=100)
            assert isinstance(decision, Again)
            delays.append(decision.delay_s)

        assert 0 <= min(delays) < ceiling / 10
        assert ceiling * 0.9 < max(delays) <= ceiling
        assert mean(delays) == pytest.approx(ceiling / 2, rel=0.2)
