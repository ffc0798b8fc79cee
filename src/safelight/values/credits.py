"""The only type money has: whole credits, zero or more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Credits:
    """A whole number of credits, zero or more; no floats, no bare ints."""

    amount: int

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise ValueError(f"credits are never negative: {self.amount}")
