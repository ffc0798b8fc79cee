"""How often one may order: exactly, shared by all processes, whatever headers and cookies say."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from safelight.queueing.roll import sign_in
from safelight.values.ids import LOCAL_OWNER, new_id
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.faults.schedule import LONG
from tests.http.people import join
from tests.isolation.world import plant_asset
from tests.studio import ServerProcess, Studio

OpenStudio = Callable[..., AbstractAsyncContextManager[Studio]]


@pytest.fixture
def opened(database_url: str, _fake_openai: FakeOpenAI, tmp_path: Path) -> OpenStudio:
    """`opened(visitor_open_max=0)`: a Safelight that lets visitors in and does no work. Opened
    twice, it is two servers on one database."""

    @asynccontextmanager
    async def opened(**settings: Any) -> AsyncIterator[Studio]:
        known: dict[str, Any] = {
            "accounts": "on",
            "anonymous": "on",
            "with_worker": False,
            "visitor_open_max": 0,
            "visitor_credits": 1000,
        }
        async with Studio.open(database_url, tmp_path, _fake_openai, **(known | settings)) as made:
            yield made

    return opened


async def order(studio: Studio, *, query: str = "", **headers: str) -> httpx2.Response:
    """Order something for one credit, as a visitor nobody has seen before."""
    studio.client.cookies.clear()
    return await studio.client.post(
        f"/api/jobs{query}", json={"prompt": "a heron", "model": "sketch"}, headers=headers
    )


async def let_time_pass(studio: Studio, seconds: float) -> None:
    """What was counted was counted so much earlier."""
    await studio.database.execute(
        """UPDATE windows SET hits = ARRAY(SELECT hit - make_interval(secs => $1)
                                           FROM unnest(hits) AS hit)""",
        seconds,
    )


async def test_a_visitors_ninth_order_within_a_minute_is_refused(opened: OpenStudio) -> None:
    async with opened() as studio:
        answers = [await order(studio) for _ in range(10)]

        assert [answer.status_code for answer in answers] == [202] * 8 + [429] * 2
        refused = answers[-1]
        assert refused.json()["code"] == "rate_limited"
        assert refused.json()["retry_after"] == int(refused.headers["retry-after"])
        assert 55 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit-policy"] == '"orders";q=8;w=60'
        assert refused.headers["ratelimit"].startswith('"orders";r=0;t=')
        assert answers[0].headers["ratelimit"] == '"orders";r=7;t=0'
        assert "set-cookie" not in refused.headers
        jobs = await studio.database.fetchval("SELECT count(*) FROM jobs")
        assert jobs == 8


async def test_who_comes_back_when_told_is_served_and_not_before(opened: OpenStudio) -> None:
    async with opened(visitor_submits_per_minute=3) as studio:
        await order(studio)
        await let_time_pass(studio, 30)
        for _ in range(2):
            await order(studio)
        await let_time_pass(studio, 28)

        refused = await order(studio)
        wait_s = int(refused.headers["retry-after"])
        await asyncio.sleep(wait_s - 1.2)
        early = await order(studio)
        await asyncio.sleep(1.2)
        answers = [(await order(studio)).status_code for _ in range(2)]

        assert wait_s in (1, 2)
        assert (refused.status_code, early.status_code) == (429, 429)
        assert answers == [202, 429], "one was a minute ago, two are younger"


async def test_a_question_for_the_price_is_not_counted(opened: OpenStudio) -> None:
    async with opened() as studio:
        quoted = [(await order(studio, query="?dry_run=true")).status_code for _ in range(20)]
        invalid = await studio.client.post("/api/jobs", json={"prompt": ""})
        served = [(await order(studio)).status_code for _ in range(8)]

        assert set(quoted) == {200}
        assert invalid.status_code == 422
        assert set(served) == {202}


async def test_invented_forwarded_headers_gain_nothing(opened: OpenStudio) -> None:
    chance = random.Random(7)

    def anybody() -> str:
        return ", ".join(
            ".".join(str(chance.randrange(256)) for _ in range(4))
            for _ in range(chance.randrange(4))
        )

    async with opened() as studio:
        begin = time.monotonic()
        headers = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP")
        statuses: Counter[int] = Counter()
        requests = 10_000 if LONG else 1000
        for _ in range(requests // 50):
            answers = await asyncio.gather(
                *(order(studio, **{name: anybody() for name in headers}) for _ in range(50))
            )
            statuses.update(answer.status_code for answer in answers)

        minutes = 1 + (time.monotonic() - begin) // 60
        assert statuses.keys() == {202, 429}
        assert statuses.total() == requests
        assert 8 <= statuses[202] <= 8 * minutes
        assert await studio.database.fetchval("SELECT count(*) FROM windows") == 2, (
            "its orders and its credits"
        )


def test_the_server_itself_does_not_believe_them_either(database_url: str, tmp_path: Path) -> None:
    process = ServerProcess(
        database_url,
        tmp_path,
        SAFELIGHT_ACCOUNTS="on",
        SAFELIGHT_ANONYMOUS="on",
        SAFELIGHT_PUBLIC_URL="https://pictures.example.org",
    )
    body = {"prompt": "a heron", "model": "sketch", "reuse": "never"}
    try:
        process.start("--no-worker", "--host", "0.0.0.0")
        statuses = [
            httpx2.post(
                f"{process.url}/api/jobs",
                json=body,
                headers={"X-Forwarded-For": f"203.0.113.{n}"},
                trust_env=False,
            ).status_code
            for n in range(10)
        ]
    finally:
        process.stop()

    assert statuses == [202] * 8 + [429] * 2


async def test_a_trusted_proxys_clients_are_counted_one_by_one(opened: OpenStudio) -> None:
    async with opened(
        trusted_proxies=["127.0.0.0/8"], visitor_submits_per_minute=2, visitor_credits=4
    ) as studio:

        async def statuses(*forwarded_for: str) -> list[int]:
            return [
                (await order(studio, **{"X-Forwarded-For": each})).status_code
                for each in forwarded_for
            ]

        assert await statuses(*["203.0.113.9"] * 3) == [202, 202, 429]
        assert await statuses(*["203.0.113.10"] * 3) == [202, 202, 429]
        assert await statuses("6.6.6.6, 203.0.113.9") == [429], "what a client writes is before it"
        assert await statuses(*(f"2001:db8:1:2::{n}" for n in range(3))) == [202, 202, 429]
        assert await statuses("2001:db8:1:3::1") == [202]
        assert await statuses("nonsense", "") == [202, 202], "the proxy itself"


async def test_two_servers_count_together(opened: OpenStudio) -> None:
    async with opened() as first, opened() as second:
        answers = await asyncio.gather(
            *(order(studio) for _ in range(20) for studio in (first, second))
        )

        assert Counter(answer.status_code for answer in answers) == {202: 8, 429: 32}


async def test_a_user_is_counted_over_all_his_keys_and_not_with_others(
    opened: OpenStudio,
) -> None:
    async with opened(user_submits_per_minute=5) as studio:
        ada, eve = await join(studio, "Ada"), await join(studio, "Eve")
        ways = [ada, await ada.with_key("jobs:write")]

        adas = await asyncio.gather(*(way.order() for _ in range(4) for way in ways))
        eves = [(await eve.order()).status_code for _ in range(5)]
        visitors = await order(studio)

        assert Counter(answer.status_code for answer in adas) == {202: 5, 429: 3}
        assert eves == [202] * 5
        assert visitors.status_code == 202


async def test_trying_again_is_an_order(opened: OpenStudio) -> None:
    async with opened(user_submits_per_minute=2) as studio:
        ada = await join(studio)
        job = (await ada.order()).json()["id"]
        await ada.ask("DELETE", f"/api/jobs/{job}")

        answers = [await ada.ask("POST", f"/api/jobs/{job}/retry") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [202, 429]


async def test_a_repetition_is_answered_though_no_more_orders_are_taken(
    opened: OpenStudio,
) -> None:
    async with opened(visitor_submits_per_minute=1) as studio:
        first = await order(studio, **{"Idempotency-Key": "lost"})
        cookie = {"Cookie": first.headers["set-cookie"].partition(";")[0]}

        again = await order(studio, **{"Idempotency-Key": "lost"}, **cookie)
        other = await order(studio, **{"Idempotency-Key": "new"}, **cookie)

        assert (first.status_code, again.status_code, other.status_code) == (202, 202, 429)
        assert again.json()["id"] == first.json()["id"]


async def test_the_local_owner_is_not_counted(opened: OpenStudio) -> None:
    async with opened(
        accounts="off", anonymous="off", user_submits_per_minute=1, visitor_submits_per_minute=1
    ) as studio:
        statuses = [(await order(studio)).status_code for _ in range(5)]

        assert statuses == [202] * 5
        assert await studio.database.fetchval("SELECT count(*) FROM windows") == 0


async def test_without_limits_nobody_is_counted(opened: OpenStudio) -> None:
    async with opened(user_submits_per_minute=0, user_open_max=0, user_running_max=0) as studio:
        ada = await join(studio)

        statuses = {(await ada.order()).status_code for _ in range(70)}

        assert statuses == {202}


async def test_a_visitor_has_two_jobs_under_way(opened: OpenStudio) -> None:
    async with opened(visitor_open_max=2) as studio:
        cookie = (await order(studio)).headers["set-cookie"].partition(";")[0]

        second = await order(studio, Cookie=cookie)
        third = await order(studio, Cookie=cookie)

        assert (second.status_code, third.status_code) == (202, 429)
        assert third.json()["code"] == "rate_limited"
        assert "unfinished" in third.json()["detail"]


async def test_throwing_the_cookie_away_brings_no_new_credits(opened: OpenStudio) -> None:
    async with opened(visitor_credits=3, visitor_submits_per_minute=0) as studio:
        answers = [await order(studio) for _ in range(5)]
        await let_time_pass(studio, 24 * 3600 + 1)
        tomorrow = await order(studio)

        assert [answer.status_code for answer in answers] == [202] * 3 + [402] * 2
        assert answers[-1].json()["code"] == "insufficient_credits"
        assert tomorrow.status_code == 202
        granted = await studio.database.fetchval(
            "SELECT sum(granted) FROM accounts WHERE id <> $1", LOCAL_OWNER
        )
        assert granted == 4


async def test_what_a_failed_job_gives_back_is_the_visitors(
    opened: OpenStudio, _fake_openai: FakeOpenAI
) -> None:
    async with opened(visitor_credits=1, with_worker=True) as studio:
        _fake_openai.plan = Plan(fault="refused", times=1)
        flux = {"model": "openai/flux-schnell", "parameters": {"width": 128, "height": 128}}
        first = await studio.submit("a heron", **flux)  # its client keeps the cookie
        failed = await studio.ended(first)

        second = await studio.ended(await studio.submit("a fox", **flux))
        third = await studio.client.post("/api/jobs", json={"prompt": "an owl"} | flux)

        assert failed["status"] == "failed"
        assert second["status"] == "completed"
        assert third.status_code == 402


async def test_nobody_can_be_given_more_than_was_allowed_by_ordering_at_once(
    opened: OpenStudio,
) -> None:
    async with opened(visitor_credits=7, visitor_submits_per_minute=0) as studio:
        cookie = (await order(studio)).headers["set-cookie"].partition(";")[0]

        answers = await asyncio.gather(*(order(studio, Cookie=cookie) for _ in range(30)))

        served = sum(answer.status_code == 202 for answer in answers)
        granted = await studio.database.fetchval(
            "SELECT sum(granted) FROM accounts WHERE id <> $1", LOCAL_OWNER
        )
        assert granted <= 7
        assert 1 <= served <= 6
        assert {answer.status_code for answer in answers} == {202, 402}


async def test_a_visitor_is_told_when_it_would_take_too_long(opened: OpenStudio) -> None:
    async with opened() as studio:
        earlier = await order(studio, **{"Idempotency-Key": "earlier"})
        path = f"/api/jobs/{earlier.json()['id']}"
        cookie = {"Cookie": earlier.headers["set-cookie"].partition(";")[0]}
        await studio.client.delete(path, headers=cookie)
        visitor = await studio.database.fetchval("SELECT owner_id FROM jobs")
        asset_id = await plant_asset(studio, visitor)
        await studio.database.execute("UPDATE assets SET job_id = (SELECT id FROM jobs)")
        await busy_for_hours(studio)
        studio.shop.forecast._pace = None  # it is looked up every ten seconds

        refused = await order(studio)
        others = [
            await studio.client.post(way, headers=cookie)
            for way in (f"{path}/retry", f"/api/assets/{asset_id}/variations")
        ]
        repeated = await order(studio, **{"Idempotency-Key": "earlier"}, **cookie)

        for answer in (refused, *others):
            assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert (repeated.status_code, repeated.json()["id"]) == (202, earlier.json()["id"])
        # 20 owners wait, an hour each, at two places: ten hours, less the ten minutes one may wait.
        assert int(refused.headers["Retry-After"]) == pytest.approx(10 * 3600 - 600, abs=5)


async def busy_for_hours(studio: Studio) -> None:
    """A worker with two places, jobs that took an hour, and 20 owners with one in the lane."""
    card = studio.shop.registry.card("sketch")
    worker = new_id()
    await sign_in(studio.database, worker, [(card.provider, 2)])
    lock = "SELECT pg_advisory_lock(hashtextextended($1::text, 0))"  # it lives
    await studio.database.execute(lock, str(worker))
    await studio.database.execute(
        """INSERT INTO jobs (id, owner_id, type, status, model, provider, prompt, request, count,
                             digest, price, started_at, finished_at)
           SELECT gen_random_uuid(), $1, 'image', 'completed', $2, $3, 'a heron', '{}', 1, '', 0,
                  now() - interval '1 hour', now() FROM generate_series(1, 5)""",
        LOCAL_OWNER,
        card.id,
        card.provider,
    )
    await studio.database.execute(
        """INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status)
           SELECT -1, $1, uuid_send(gen_random_uuid()), 'queued' FROM generate_series(1, 20)""",
        card.provider,
    )
