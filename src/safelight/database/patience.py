"""Outliving a database restart, and neighbours that stand still: the same statement again, for as
long as makes sense.

Only for statements that may run twice without harm: those guarded by an attempt number, and reads.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

T = TypeVar("T")

# What is said of a statement that did nothing, through no fault of its own: the server went away,
# restarts, or is not up yet; somebody kept a lock for too long; we stood still in a transaction,
# which was given up for the sake of those who waited.
GONE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says that was cut in the middle of something
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    TimeoutError,
)


async def patiently(act: Callable[[], Awaitable[T]], *, for_s: float = 30.0) -> T:
    """Run `act`, again while the database is away, for at most `for_s` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + for_s
    wait_s = 0.05
    while True:
        try:
            return await act()
        except GONE:
            if loop.time() + wait_s > deadline:
                raise
        await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311
        wait_s = min(wait_s * 2, 2.0)
