"""A user's own limits: what an administrator set for him instead of what holds for all.

They come along with whoever finds out who asks (keys.py, logins.py), so that no request pays for
them. What holds where nothing is set, the settings say (http/access.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safelight.database.pool import Connection, Row
from safelight.values.errors import FieldError, InvalidRequest
from safelight.values.ids import UserId

# More is a slip of the finger. Zero is refused: among the settings it means any number, and whoever
# types it here might mean none; for that there is keeping somebody out.
MOST = {
    "submits_per_minute": 10_000,
    "open_max": 1_000_000,
    "running_max": 1_000_000,
    "quota_bytes": 2**50,
}
COLUMNS = ", ".join(MOST)


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """None: what the settings say. The names are the settings' own."""

    submits_per_minute: int | None = None
    open_max: int | None = None
    running_max: int | None = None
    quota_bytes: int | None = None


NONE = OwnLimits()


def own_limits_of(row: Row | Mapping[str, Any]) -> OwnLimits:
    return OwnLimits(**{name: row[name] for name in MOST})


def checked(name: str, value: object) -> int:
    """The limit as it is kept. Raises: InvalidRequest."""
    if type(value) is not int or not 1 <= value <= MOST[name]:
        raise InvalidRequest(FieldError(name, f"A whole number, 1 to {MOST[name]:,}."))
    return value


async def change(
    tx: Connection,
    user_id: UserId,
    given: Mapping[str, int | None],
    *,
    running_default: int | None,
) -> None:
    """Set those limits of a user that are named; None takes one back. Those of orders hold from the
    next one on; parked jobs are let in as the new number allows at the next sweep.

    running_default: what the settings say about running jobs. The account keeps the number that
    holds, because turns are given long after an order (jobs/turns.py)."""
    values = [value if value is None else checked(name, value) for name, value in given.items()]
    settings = ", ".join(f"{name} = ${place}" for place, name in enumerate(given, 2))
    await tx.execute(f"UPDATE users SET {settings} WHERE id = $1", user_id, *values)  # noqa: S608
    if "running_max" in given:
        await tx.execute(
            "UPDATE accounts SET running_max = $2 WHERE id = $1",
            user_id,
            given["running_max"] or running_default,
        )
