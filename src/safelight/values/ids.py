"""Identifiers: time-ordered UUIDs (version 7), one type for each kind of thing."""

from __future__ import annotations

import os
import time
from typing import NewType
from uuid import UUID

JobId = NewType("JobId", UUID)
AssetId = NewType("AssetId", UUID)
# Somebody with an account here, named by anybody: an operator, a body, a row. Opens nothing.
UserId = NewType("UserId", UUID)

# Whose things may be read and changed now. That it is there is the proof that somebody found out
# who asks: it is made where a key, a login or a cookie was checked, and by `acting_for`. What is
# read and changed for a request takes this type, so that no other UUID gets past the type checker
# (docs/decisions/0011-isolation.md; tests/isolation looks at who makes them).
OwnerId = NewType("OwnerId", UserId)


# The one owner of everything while accounts are off. Fixed, so that every process, and every
# copy of the database, means the same person.
LOCAL_OWNER = OwnerId(UserId(UUID("00000000-0000-7000-8000-000000000001")))


def acting_for(user: UUID) -> OwnerId:
    """For workers, sweeps and operators, who act for whomever they look after. Never for a route
    that users call: whose things those touch is decided by who asks."""
    return OwnerId(UserId(UUID(int=user.int)))  # a plain one, not the driver's kind


def new_id() -> UUID:
    """A version 7 UUID (RFC 9562, method 3): milliseconds, their 4096ths, then random bits.

    The fraction keeps ids of one process in order unless two fall into the same 250 ns.
    """
    milliseconds, rest_ns = divmod(time.time_ns(), 1_000_000)
    fraction = rest_ns * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random)
