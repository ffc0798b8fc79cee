"""Named places where a test can kill this process, to show that nothing is lost there.

Unarmed, which is always but in the fault tests, a place costs one comparison.
"""

from __future__ import annotations

import os
import signal
from typing import Literal, get_args

Point = Literal[
    "before_admission",
    "after_admission",  # committed, not yet answered
    "after_claim",  # the entry is ours, the attempt has not begun
    "after_start",
    "after_refining",
    "after_intent",
    "after_provider_call",  # the answer is here, nothing of it written down
    "after_ticket",
    "after_original_stored",
    "after_render_recorded",
    "before_delivery",
    "after_delivery",  # the job has ended, its entry is still there
]
POINTS: tuple[Point, ...] = get_args(Point)

_armed: dict[Point, int] = {}


def arm(point: Point, times: int = 1) -> None:
    """Die when `point` is reached for the `times`-th time."""
    _armed[point] = times


def crash(point: Point) -> None:
    """Die here if armed: no goodbye, no cleaning up."""
    if _armed and point in _armed:
        _armed[point] -= 1
        if _armed[point] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
