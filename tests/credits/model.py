"""The ledger's rules in plain Python: what the database must agree with after every step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass
class Job:
    """What one order costs and has become. source: where its credits came from."""

    each: int
    count: int
    source: Literal["available", "granted"]
    delivered: int = 0
    open: bool = True
    charged: int = 0
    refunded: int = 0

    @property
    def price(self) -> int:
        return self.each * self.count


@dataclass
class Model:
    """One account. entries: what was posted under a reference, so that it is posted once."""

    unlimited: bool = False
    granted: int = 0
    available: int = 0
    held: int = 0
    used: int = 0
    allowance: tuple[int, str] | None = None
    due: bool = False
    filled: set[tuple[int, str]] = field(default_factory=set)
    jobs: list[Job] = field(default_factory=list)
    entries: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def grant(self, amount: int) -> None:
        self.granted += amount
        self.available += amount

    def order(self, each: int, count: int) -> Job | None:
        """None: not enough credits."""
        job = Job(each, count, "granted" if self.unlimited else "available")
        if not self.unlimited and job.price > self.available:
            return None
        self._move(job, -job.price)
        self.held += job.price
        self.jobs.append(job)
        return job

    def end(self, job: Job) -> None:
        """What was delivered is paid, the rest is given back."""
        job.open, job.charged = False, job.each * job.delivered
        self.held -= job.price
        self.used += job.charged
        self._move(job, job.price - job.charged)

    def refund(self, job: Job, amount: int) -> None:
        job.refunded += amount
        self.used -= amount
        self._move(job, amount)

    def set_allowance(self, allowance: tuple[int, str] | None) -> None:
        if allowance != self.allowance:
            self.allowance, self.due = allowance, allowance is not None
            self.fill()

    def fill(self) -> None:
        """Once a period, though it may be due more often."""
        if self.due and self.allowance and self.allowance not in self.filled:
            missing = max(0, self.allowance[0] - self.available)
            self.grant(missing)
            self.filled |= {self.allowance} if missing else set()
        self.due = False

    def _move(self, job: Job, amount: int) -> None:
        """Credits that come back (or, if negative, go) from where the job's come from."""
        if job.source == "available":
            self.available += amount
        else:
            self.granted -= amount
