"""Guessing at passwords: seldom from one address, never at the expense of the others, and without
locking anybody out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from safelight.accounts import keys, users
from safelight.accounts.limits import Limit
from safelight.database.pool import Database
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.faults.schedule import LONG
from tests.http.logins import Browser, opened, with_password
from tests.studio import ServerProcess, Studio


@pytest.fixture
async def house(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    known: dict[str, Any] = {"trusted_proxies": ["127.0.0.1"]}
    async with opened(cluster, _fake_openai, tmp_path, **known) as made:
        yield made


async def guess(studio: Studio, email: str, address: str, *, times: int = 1) -> list[int]:
    """The statuses of so many guesses from one address, all at once."""
    async with Browser(studio, address) as eve:
        answers = await asyncio.gather(*(eve.log_in(email, f"guess {n}") for n in range(times)))
    return [answer.status_code for answer in answers]


async def let_time_pass(studio: Studio, seconds: float) -> None:
    await studio.database.execute(
        """UPDATE windows SET hits = ARRAY(SELECT hit - make_interval(secs => $1)
                                           FROM unnest(hits) AS hit)""",
        seconds,
    )
    studio.shop.reception._refused.clear()


async def test_an_account_is_guessed_at_ten_times_from_an_address_and_its_owner_gets_in(
    house: Studio,
) -> None:
    await with_password(house, "ada@example.org")

    statuses = await guess(house, "ada@example.org", "203.0.113.1", times=14)
    other_spelling = await guess(house, " ADA@example.org", "203.0.113.1")
    another_account = await guess(house, "bob@example.org", "203.0.113.1")
    async with Browser(house, "203.0.113.2") as ada:
        hers = await ada.log_in("ada@example.org")

    assert Counter(statuses) == {401: 10, 429: 4}
    assert other_spelling == [429]
    assert another_account == [401]
    assert hers.status_code == 200, "what others try locks nobody out"


async def test_the_addresses_of_a_house_are_one(house: Studio) -> None:
    statuses = [
        (await guess(house, "ada@example.org", f"2001:db8:1:2::{n:x}"))[0] for n in range(1, 14)
    ]
    neighbours = await guess(house, "ada@example.org", "2001:db8:1:3::1")

    assert Counter(statuses) == {401: 10, 429: 3}
    assert neighbours == [401]


async def test_an_address_guesses_at_all_accounts_together_a_hundred_times(house: Studio) -> None:
    limiter = house.shop.reception._limiter
    await limiter.take("login:203.0.113.1", Limit(100, 900.0), cost=95)  # earlier ones

    async with Browser(house, "203.0.113.1") as eve:
        answers = await asyncio.gather(
            *(eve.log_in(f"p{n}@example.org", "a guess") for n in range(9))
        )

    assert Counter(answer.status_code for answer in answers) == {401: 5, 429: 4}


async def test_a_refused_address_leaves_nothing_behind_for_the_names_it_tries(
    house: Studio,
) -> None:
    limiter = house.shop.reception._limiter
    await limiter.take("login:203.0.113.1", Limit(100, 900.0), cost=95)  # earlier ones

    async with Browser(house, "203.0.113.1") as eve:
        statuses = [
            (await eve.log_in(f"p{n}@example.org", "a guess")).status_code for n in range(30)
        ]

    assert Counter(statuses) == {401: 5, 429: 25}
    buckets = await house.database.fetchval(
        "SELECT count(*) FROM windows WHERE bucket LIKE 'login:%'"
    )
    assert buckets == 1 + 5 + 1, "the address, five names, and the one that filled it"


@pytest.mark.timing
async def test_who_comes_back_when_told_may_guess_again_and_not_before(house: Studio) -> None:
    await guess(house, "ada@example.org", "203.0.113.1", times=10)
    await let_time_pass(house, 897)
    async with Browser(house, "203.0.113.1") as eve:
        refused = await eve.log_in("ada@example.org", "a guess")
        told_s, told_at = int(refused.headers["retry-after"]), time.monotonic()
        while (await eve.log_in("ada@example.org", "a guess")).status_code == 429:
            assert time.monotonic() < told_at + 10
            await asyncio.sleep(0.05)
        waited_s = time.monotonic() - told_at

    assert refused.json()["retry_after"] == told_s
    assert told_s - 1.1 <= waited_s
    assert waited_s <= told_s + 1.5


async def test_four_servers_count_guesses_together(
    database_url: str, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    known: dict[str, Any] = {"accounts": "on", "with_worker": False}
    async with contextlib.AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(
                Studio.open(database_url, tmp_path, _fake_openai, **known)
            )
            for _ in range(4)
        ]
        answers = await asyncio.gather(
            *(guess(each, "ada@example.org", "203.0.113.1", times=8) for each in servers)
        )

    assert Counter(status for statuses in answers for status in statuses) == {401: 10, 429: 22}


async def test_registering_and_codes_are_counted_too(house: Studio) -> None:
    async with Browser(house, "203.0.113.1") as eve:
        joined = [await eve.register("nonsense") for _ in range(22)]
        codes = [
            await eve.post("/api/auth/reset", code="x" * 32, password="a heron over roofs")
            for _ in range(22)
        ]

    assert Counter(answer.status_code for answer in joined) == {422: 20, 429: 2}
    assert Counter(answer.status_code for answer in codes) == {403: 20, 429: 2}


async def test_only_so_many_wait_for_the_one_who_compares(house: Studio) -> None:
    await with_password(house, "ada@example.org")
    guesses = await asyncio.gather(
        *(guess(house, "ada@example.org", f"203.0.113.{n}", times=8) for n in range(1, 21))
    )
    async with Browser(house, "198.51.100.1") as ada:
        hers = await ada.log_in("ada@example.org")

    statuses = Counter(status for some in guesses for status in some)
    assert statuses.keys() == {401, 503}
    assert statuses[401] >= 40
    assert hers.status_code == 200


@pytest.mark.timing
async def test_an_unknown_address_takes_as_long_as_a_wrong_password(house: Studio) -> None:
    user = await with_password(house, "ada@example.org")
    took: dict[str, list[float]] = {"ada@example.org": [], "nobody@example.org": []}
    async with Browser(house) as eve:
        for n in range(25):
            for email, times in took.items():
                # Each from a new address, and none of them refused.
                headers = {"X-Forwarded-For": f"203.0.113.{n}"}
                begin = time.perf_counter()
                answer = await eve.ask(
                    "POST",
                    "/api/auth/login",
                    json={"email": email, "password": "a wrong guess"},
                    headers=headers,
                )
                times.append(time.perf_counter() - begin)
                assert answer.status_code == 401

    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.7 < known / unknown < 1.4, (user.id, known, unknown)


# A flood, from other machines: a process that steps back, so that it is only its requests that the
# server feels.
_FLOOD = """
import asyncio, json, os, random, sys, httpx2

os.nice(15)

async def main(url, rate, together):
    chance, statuses, go = random.Random(7), {}, asyncio.Event()

    async def guesser(client):
        while True:
            await go.wait()
            address = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
            body = {"email": f"p{chance.randrange(50)}@example.org", "password": "a wrong guess"}
            answer = await client.post(
                f"{url}/api/auth/login", json=body, headers={"X-Forwarded-For": address}
            )
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            await asyncio.sleep(together / rate)

    async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
        tasks = [asyncio.create_task(guesser(client)) for _ in range(together)]
        while (line := await asyncio.to_thread(sys.stdin.readline)).strip() != "end":
            go.set() if line.strip() == "go" else go.clear()
        for task in tasks:
            task.cancel()
    print(json.dumps(statuses))

asyncio.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
"""


@pytest.mark.timing
async def test_a_flood_of_guesses_does_not_slow_the_others(
    database_url: str, tmp_path: Path
) -> None:
    rounds, each_s, rate = (125, 2.0, 150) if LONG else (4, 1.0, 100)
    # A second has too few requests for its 99th percentile to be still beside other tests.
    ratio_max = 1.5 if LONG else 3.0
    key = await a_key(database_url)
    process = ServerProcess(
        database_url,
        tmp_path,
        SAFELIGHT_ACCOUNTS="on",
        SAFELIGHT_TRUSTED_PROXIES='["127.0.0.1"]',
        SAFELIGHT_LOG_LEVEL="warning",
    )
    try:
        await asyncio.to_thread(process.start, "--no-worker")
        for _ in range(3):  # others use this machine too
            quiet, flooded, statuses = await measure(process.url, key, rounds, each_s, rate)
            ratio = p99(flooded) / p99(quiet)
            took_ms = [round(p99(took) * 1000, 1) for took in (quiet, flooded)]
            print(f"guesses {statuses}; p99 of others quiet, flooded {took_ms} ms: {ratio:.2f}")
            if ratio <= ratio_max:
                break
    finally:
        process.stop()

    assert ratio <= ratio_max
    assert set(statuses) <= {"401", "429", "503"}
    assert statuses["401"] > 10, "passwords were compared"


async def a_key(database_url: str) -> str:
    database = await Database.connect(database_url, connections_max=4)
    user = await users.create(database, "Ada", email="p1@example.org")
    _, text = await keys.create(database, user.id, name="k")
    await database.close()
    return text


async def measure(
    url: str, key: str, rounds: int, each_s: float, rate: float
) -> tuple[list[float], list[float], dict[str, int]]:
    """How long others' requests take, in turns without a flood and within it; what the guesses came
    to."""
    flood = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _FLOOD, url, str(rate), "24"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=dict(os.environ),
    )
    assert flood.stdin

    def tell(word: str) -> None:
        assert flood.stdin
        flood.stdin.write(f"{word}\n".encode())

    quiet: list[float] = []
    flooded: list[float] = []
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        await probe(client, each_s)
        for _ in range(rounds):
            quiet += await probe(client, each_s)
            tell("go")
            await asyncio.sleep(0.2)
            flooded += await probe(client, each_s)
            tell("stop")
            await asyncio.sleep(0.8)  # what waits is answered
    tell("end")
    said, _ = await flood.communicate()
    return quiet, flooded, json.loads(said)


async def probe(client: httpx2.AsyncClient, for_s: float) -> list[float]:
    took = []
    until = time.perf_counter() + for_s
    while (begin := time.perf_counter()) < until:
        answer = await client.get("/api/jobs?limit=1")
        took.append(time.perf_counter() - begin)
        assert answer.status_code == 200
        await asyncio.sleep(0.004)
    return took


def p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]
