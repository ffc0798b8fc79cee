"""Outliving a database restart: the same statement again, for as long as makes sense.

Only for statements that may run twice without harm: those guarded by an attempt number, and reads.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

T = TypeVar("T")

# What a connection says when the server went away, restarts, or is not up yet.
GONE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says that was cut in the middle of something
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
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
