"""The only table from what went wrong to what happens next."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, assert_never

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

BACKOFF_FIRST_S = 1.0
RETRY_AFTER_MAX_S = 600.0
# Nobody said how long: the lane is paused meanwhile, this only spreads those who come back.
_BUSY_S = (1.0, 3.0)
# Answers of one variant that may be lost and looked for in vain, each at the operator's expense.
LOST_MAX = 1

Rule = Literal["fail", "retry", "wait", "look"]

# fail: at once, another try would end the same way. retry: as often as the setting says.
# wait: it was not this job's turn, so no try is counted; its deadline is the end of it.
# look: the call may have cost the operator money. The next try begins by asking the provider what
# became of it (jobs/rendering.py). What failed before in a way that is known does not matter for
# that; a second answer that is lost is the end.
_TABLE: dict[type[ProviderError], Rule] = {
    ProviderRefused: "fail",
    ProviderRejected: "fail",
    ProviderAuth: "fail",
    ProviderBusy: "wait",
    ProviderUnreachable: "retry",
    ProviderFailed: "retry",
    InvalidOutput: "retry",
    TargetRefused: "fail",
    OutcomeUnknown: "look",
    AnswersLost: "fail",
    TookTooLong: "look",
}


@dataclass(frozen=True, slots=True)
class Again:
    """Once more in `delay_s` seconds. is_try: this one counts against the number of tries."""

    delay_s: float
    is_try: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The failure is final."""


def rule(error: Exception) -> Rule:
    """What the table says. A failure of our own is retried; kinds of errors inherit their rule."""
    for kind in type(error).__mro__:
        if found := _TABLE.get(kind):
            return found
    return "retry"


def decide(
    error: Exception, *, tries: int, attempts_max: int, backoff_max_s: float, lost: int = 0
) -> Again | GiveUp:
    """What follows from the failure of try number `tries` (the first is 1). lost: answers to the
    same question that were lost before and looked for in vain."""
    asked_s = error.retry_after_s if isinstance(error, ProviderError) else None
    if asked_s is not None:
        asked_s = min(asked_s, RETRY_AFTER_MAX_S)
    match rule(error):
        case "fail":
            return GiveUp()
        case "wait":
            return Again(random.uniform(*_BUSY_S) if asked_s is None else asked_s, is_try=False)  # noqa: S311
        case "look":
            may_repeat = lost < LOST_MAX
        case "retry":
            may_repeat = True
        case never:
            assert_never(never)
    if tries >= attempts_max or not may_repeat:
        return GiveUp()
    if asked_s is not None:
        return Again(asked_s)
    # Full jitter: many jobs that failed together do not come back together.
    ceiling = min(BACKOFF_FIRST_S * 2 ** (tries - 1), backoff_max_s)
    return Again(random.uniform(0, ceiling))  # noqa: S311
