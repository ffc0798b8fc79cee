"""What credits and fairness cost, and whether they hold: submits with the ledger and without, on
one account and on a thousand, and how ten users share the same places."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from uuid import uuid4

import asyncpg

from bench.load import Result, load, read_answer
from bench.process import Server, running
from bench.report import order, raw_inserts, row
from safelight.accounts import keys, users
from safelight.credits.grants import grant
from safelight.database.pool import Database
from safelight.values.credits import Credits

# The limits of users are what stops a load test; here they are not what is measured.
NO_LIMITS = {
    "SAFELIGHT_USER_SUBMITS_PER_MINUTE": "0",
    "SAFELIGHT_USER_OPEN_MAX": "0",
    "SAFELIGHT_USER_RUNNING_MAX": "0",
    "SAFELIGHT_QUEUE_MAX": "1000000",
}
SECONDS = 4.0


async def make_users(server: Server, count: int, credits_: int) -> list[str]:
    """Users with this many credits; a key of each."""
    database = await Database.connect(server.database_url, connections_max=4)
    made = []
    for number in range(count):
        user = await users.create(database, f"user {number}", email=None, role="user")
        await grant(database, user.id, Credits(credits_), reference=f"bench {user.id}", note=None)
        made.append((await keys.create(database, user.id, name="bench"))[1])
    await database.close()
    return made


async def reserve_and_submit() -> None:
    """Submits that hold credits: what the ledger costs, and what one hot account allows."""
    print("\n## Submits that hold credits, worker stopped, 32 connections\n")
    row("who pays", "submits/s", "p50 ms", "p99 ms", "raw inserts/s", "share")
    row(*["---"] * 6)
    async with running("--no-worker", **NO_LIMITS) as server:
        (hot,) = await make_users(server, 1, 10**9)
        many = await make_users(server, 1000, 10**6)
        await load(server.port, 4, 1.0, lambda n: order(n, "warm"), b"202")

        def one(run: str, **more: object) -> Callable[[int], bytes]:
            return lambda n: order(n, run, hot, **more)

        def thousand(run: str) -> Callable[[int], bytes]:
            return lambda n: order(n, run, many[n % 1000])

        for name, connections, request in (
            ("nobody: a free model, one account", 32, one(uuid4().hex, model="free-text")),
            ("one account", 32, one(uuid4().hex)),
            ("one account, one connection", 1, one(uuid4().hex)),
            ("1,000 accounts in turn", 32, thousand(uuid4().hex)),
        ):
            reference = await raw_inserts(server.database_url, connections, 2.0)
            result = await load(server.port, connections, SECONDS, request, b"202")
            assert not result.failures, f"{result.failures} submits failed"
            row(
                name,
                f"{result.rate:.0f}",
                f"{result.ms(0.5):.1f}",
                f"{result.ms(0.99):.1f}",
                f"{reference:.0f}",
                f"{result.rate / reference:.2f}",
            )


async def overspending() -> None:
    """Many submits for few credits, all at once, round after round."""
    print("\n## 200 submits at once with credits for 10, 50 rounds\n")
    row("accepted in each round", "refused", "left over", "rounds")
    row(*["---"] * 4)
    rounds: Counter[tuple[int, int]] = Counter()
    async with running("--no-worker", **NO_LIMITS) as server:
        for user_key in await make_users(server, 50, 10):
            counts = Counter(await _at_once(server, user_key, 200))
            rounds[counts[b"202"], counts[b"402"]] += 1
        connection = await asyncpg.connect(server.database_url)
        left = await connection.fetchval("SELECT sum(available) FROM accounts WHERE NOT unlimited")
        await connection.close()
    for (accepted, refused), count in rounds.items():
        row(accepted, refused, left, count)


async def _at_once(server: Server, user_key: str, count: int) -> list[bytes]:
    async def one(number: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(order(number, user_key, user_key))
        status = await read_answer(reader)
        writer.close()
        return status

    return list(await asyncio.gather(*(one(number) for number in range(count))))


async def fairness() -> None:
    """Ten users who order different numbers of jobs, and one who comes last."""
    print("\n## Sharing 8 places, 10 users, a job takes 20 ms\n")
    row("what", "figure")
    row(*["---"] * 2)
    settings = NO_LIMITS | {"SAFELIGHT_JOBS_AT_ONCE": "8", "BENCH_TAKES_S": "0.02"}
    async with running(**settings) as server:
        *ten, late = await make_users(server, 11, 10**6)
        await asyncio.gather(
            *(_submit(server, key, 300 + 40 * index) for index, key in enumerate(ten))
        )
        connection = await asyncpg.connect(server.database_url)
        shares = await connection.fetch(
            """SELECT count(*) AS jobs FROM (
                   SELECT owner_id FROM jobs WHERE started_at IS NOT NULL
                   ORDER BY started_at LIMIT 2000) AS started GROUP BY owner_id"""
        )
        while await connection.fetchval(
            "SELECT count(*) < 2000 FROM jobs WHERE started_at IS NOT NULL"
        ):
            await asyncio.sleep(0.05)
        await _submit(server, late, 1)
        waited = None
        while waited is None:
            waited = await connection.fetchval(
                """SELECT extract(epoch FROM started_at - created_at)::float8 FROM jobs
                   WHERE owner_id <> ALL(SELECT owner_id FROM jobs GROUP BY owner_id
                                         HAVING count(*) > 1)"""
            )
            await asyncio.sleep(0.02)
        shares = await connection.fetch(
            """SELECT count(*) AS jobs FROM (
                   SELECT owner_id FROM jobs WHERE started_at IS NOT NULL
                   ORDER BY started_at LIMIT 2000) AS started GROUP BY owner_id"""
        )
        ahead = await connection.fetchval("SELECT count(*) FROM jobs WHERE started_at IS NULL")
        await connection.close()
    counts = [share["jobs"] for share in shares]
    row("Jain's index of the first 2,000 starts", f"{jain(counts):.3f}")
    row("one job of an eleventh user behind them", f"started after {waited * 1000:.0f} ms")
    row("jobs that still waited then", ahead)


def jain(shares: list[int]) -> float:
    """1 when all are equal, 1/n when one has everything."""
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))


async def _submit(server: Server, user_key: str, count: int) -> Result:
    result, begin = Result(), time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for number in range(count):
        writer.write(order(number, user_key, user_key))
        assert await read_answer(reader) == b"202"
    writer.close()
    result.seconds = time.perf_counter() - begin
    return result
