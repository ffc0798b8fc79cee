"""What will happen in a run, all of it decided by one seed: who orders what when, who dies when
and where, and what the providers do with each call."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import Any, get_args

from safelight.crashpoints import Point
from tests.fakes.lab_api import Weather

# `make torture` sets it: the same tests, longer.
LONG = bool(os.environ.get("TORTURE"))
SEED = int(os.environ.get("TORTURE_SEED", "1"))

POINTS: tuple[Point, ...] = get_args(Point)
BURST_EVERY_S = 5.0
OF_THE_SERVER = ("before_admission", "after_admission")  # the others are a worker's


@dataclass(frozen=True)
class Order:
    """One submit. key: its Idempotency-Key; user: a number; running_max: of the user."""

    at_s: float
    user: int
    key: str
    body: dict[str, Any]
    cancel_after_s: float | None = None
    running_max: int | None = None


@dataclass(frozen=True)
class Kill:
    """One death. point: where, and at which time of coming there; without it at once, wherever
    the victim happens to be. stop_s: it is not killed but stopped that long."""

    at_s: float
    victim: str
    point: Point | None = None
    times: int = 1
    stop_s: float = 0.0


@dataclass(frozen=True)
class Schedule:
    seed: int
    orders: tuple[Order, ...]
    kills: tuple[Kill, ...]

    @classmethod
    def of(
        cls,
        seed: int,
        *,
        jobs: int,
        users: int,
        kills: int,
        stops: int,
        over_s: float,
        lease_s: float,
    ) -> Schedule:
        chance = random.Random(seed)
        return cls(
            seed,
            tuple(_orders(chance, jobs, users, over_s)),
            tuple(_kills(chance, kills, stops, over_s, lease_s)),
        )

    def weather(self, *, latency_s: float) -> dict[str, Weather]:
        """Days on which a bit of everything goes wrong."""
        rough = {"drop_before": 0.02, "server_error": 0.03, "busy": 0.03, "refused": 0.01}
        rough |= {"drip": 0.05, "jitter": 0.8, "latency_s": latency_s}
        lab = Weather(
            self.seed, **rough, drop_after=0.02, doubled=0.01, status_error=0.03, status_drop=0.02
        )
        others = Weather(self.seed, **rough, drop_after=0.02)
        return {"lab": lab, "snap": others, "words": others}


def _orders(chance: random.Random, jobs: int, users: int, over_s: float) -> list[Order]:
    found = []
    for number in range(jobs):
        kind = chance.choices(["lab", "snap", "words"], [6, 3, 2])[0]
        body: dict[str, Any] = {"prompt": f"heron {number}", "model": kind, "reuse": "never"}
        if kind == "words":
            body["type"] = "text"
        else:
            body["parameters"] = {"width": 64, "height": 64}
        body["count"] = chance.choices([1, 2, 3], [8, 2, 1])[0]
        body["priority"] = chance.choice(["low", "normal", "normal", "high"])
        user = chance.choices(range(users), [1 if _is_capped(n) else 2 for n in range(users)])[0]
        at_s = chance.uniform(0, over_s)
        if _is_capped(user):  # in bursts, so that some of them must wait for the others
            at_s = at_s // BURST_EVERY_S * BURST_EVERY_S + at_s % 0.2
        found.append(
            Order(
                at_s=at_s,
                user=user,
                key=f"{number}",
                body=body,
                cancel_after_s=chance.uniform(0, 3) if chance.random() < 0.04 else None,
                running_max=3 if _is_capped(user) else None,
            )
        )
    return sorted(found, key=lambda order: order.at_s)


def _is_capped(user: int) -> bool:
    return user % 3 == 1


def _kills(
    chance: random.Random, kills: int, stops: int, over_s: float, lease_s: float
) -> list[Kill]:
    """Every point at least once, if there are as many kills; then half at points, half anywhere.
    They end before the orders do, so that there is still somebody's work to die over."""
    points: list[Point | None] = list(POINTS[:kills])
    while len(points) < kills:
        points.append(chance.choice(POINTS) if chance.random() < 0.5 else None)
    chance.shuffle(points)
    found = []
    for number, point in enumerate(points):
        victim = "worker" if chance.random() < 0.85 else "api"
        if point:
            victim = "api" if point in OF_THE_SERVER else "worker"
        if victim == "worker":
            victim = f"worker-{chance.randint(1, 3)}"
        at_s = (number + chance.random()) * 0.7 * over_s / kills
        found.append(Kill(at_s, victim, point, chance.randint(1, 3)))
    for _ in range(stops):
        at_s, stop_s = chance.uniform(0, 0.7 * over_s), lease_s * chance.uniform(1.5, 3)
        found.append(Kill(at_s, f"worker-{chance.randint(1, 3)}", stop_s=stop_s))
    return sorted(found, key=lambda kill: kill.at_s)
