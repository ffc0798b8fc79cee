"""The same statement again, while the database is away and not for anything else."""

from __future__ import annotations

import asyncpg
import pytest

from safelight.database.patience import patiently


class Flaky:
    """Fails as often as it is told, then answers."""

    def __init__(self, times: int, error: Exception) -> None:
        self.calls = 0
        self._times = times
        self._error = error

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._times:
            raise self._error
        return "answer"


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.AdminShutdownError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
        asyncpg.DeadlockDetectedError(),
        asyncpg.IdleInTransactionSessionTimeoutError(),
        asyncpg.InterfaceError("the connection is closed"),
        TimeoutError(),
    ],
)
async def test_a_database_that_comes_back_is_asked_again(error: Exception) -> None:
    flaky = Flaky(2, error)

    answer = await patiently(flaky)

    assert answer == "answer"
    assert flaky.calls == 3


async def test_patience_ends(database_url: str) -> None:
    flaky = Flaky(1000, ConnectionRefusedError("gone"))

    with pytest.raises(ConnectionRefusedError, match="gone"):
        await patiently(flaky, for_s=0.3)

    assert 2 <= flaky.calls < 20


@pytest.mark.parametrize("error", [asyncpg.UniqueViolationError("twice"), ValueError("wrong")])
async def test_a_mistake_is_not_repeated(error: Exception) -> None:
    flaky = Flaky(1000, error)

    with pytest.raises(type(error)):
        await patiently(flaky)

    assert flaky.calls == 1
