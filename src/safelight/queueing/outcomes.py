"""The only table from what went wrong to what happens next."""

from __future__ import annotations

import random
from dataclasses import dataclass

from safelight.values.errors import (
    InvalidOutput,
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

BACKOFF_FIRST_S = 1.0
RETRY_AFTER_MAX_S = 600.0

# How many times one job may end this way before it has failed; None: as often as the setting says.
# OutcomeUnknown and TookTooLong may have cost the operator money, so they get one more try only.
_TRIES: dict[type[ProviderError], int | None] = {
    ProviderRefused: 1,
    ProviderRejected: 1,
    ProviderAuth: 1,
    ProviderBusy: None,
    ProviderUnreachable: None,
    ProviderFailed: None,
    InvalidOutput: None,
    OutcomeUnknown: 2,
    TookTooLong: 2,
}


@dataclass(frozen=True, slots=True)
class Again:
    """Try once more in `delay_s` seconds."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The failure is final."""


def decide(
    error: Exception, *, tries: int, attempts_max: int, backoff_max_s: float
) -> Again | GiveUp:
    """What follows from the failure of try number `tries` (the first is 1)."""
    allowed = attempts_max
    asked_s: float | None = None
    if isinstance(error, ProviderError):
        allowed = min(_TRIES.get(type(error)) or attempts_max, attempts_max)
        asked_s = error.retry_after_s
    if tries >= allowed:
        return GiveUp()
    if asked_s is not None:
        return Again(min(asked_s, RETRY_AFTER_MAX_S))
    # Full jitter: many jobs that failed together do not come back together.
    ceiling = min(BACKOFF_FIRST_S * 2 ** (tries - 1), backoff_max_s)
    return Again(random.uniform(0, ceiling))  # noqa: S311
