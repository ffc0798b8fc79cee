"""The operator's doors: the queue and its lanes, providers, dead letters; and what Prometheus
reads."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from safelight.http import metrics
from safelight.jobs.overview import Ends
from safelight.queueing import roll
from safelight.values.ids import new_id
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.http.people import join
from tests.studio import Studio

NEW = {"model": "openai/flux-schnell", "parameters": {"width": 64, "height": 64}, "reuse": "never"}
LETTERS = "/api/admin/dead-letters"
ONE = [("GET", ""), ("POST", "/replay"), ("DELETE", "")]


@pytest.fixture
async def counter(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """Takes orders; nobody carries them out."""
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as made:
        yield made


@pytest.fixture
async def studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """One failure ends a job."""
    async with Studio.open(
        database_url, tmp_path, provider_api, attempts_max=1, breaker_open_s=0.05
    ) as made:
        yield made


async def get(studio: Studio, path: str, **query: Any) -> Any:
    answer = await studio.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def lane(studio: Studio, name: str = "openai") -> dict[str, Any]:
    view = await get(studio, "/api/admin/queue")
    return next(one for one in view["lanes"] if one["lane"] == name)


async def dead(studio: Studio, prompt: str = "a red bicycle") -> dict[str, Any]:
    """A job that failed because its provider did."""
    studio.provider_api.plan = Plan(fault="server_error")
    job = await studio.generate(prompt, **NEW)
    studio.provider_api.plan = Plan()
    return job


async def test_the_queue_is_told_lane_by_lane(counter: Studio) -> None:
    database = counter.database
    jobs = [await counter.submit(f"heron {n}", **NEW) for n in range(6)]
    await counter.submit("a fox", model="sketch")
    await database.execute(
        """WITH numbered AS (SELECT id, entry, row_number() OVER (ORDER BY id) AS n FROM jobs
                             WHERE provider = 'openai'),
           started AS (UPDATE jobs SET parked = n = 1,
                              status = CASE n WHEN 3 THEN 'processing' ELSE status END
                       FROM numbered WHERE numbered.id = jobs.id)
           UPDATE queue.pgqueuer e
           SET entrypoint = CASE n WHEN 1 THEN 'parked' ELSE entrypoint END,
               execute_after = CASE n WHEN 2 THEN now() + interval '1 hour'
                                      ELSE execute_after END,
               status = CASE n WHEN 3 THEN 'picked' ELSE status END,
               created = CASE n WHEN 4 THEN now() - interval '90 s' ELSE created END
           FROM numbered WHERE numbered.entry = e.id"""
    )
    worker, dead_worker = new_id(), new_id()
    for one in (worker, dead_worker):
        await roll.sign_in(database, one, [("openai", 5), ("sketch", 2)])
    lock = await database.connect_alone()
    await lock.execute("SELECT pg_advisory_lock(hashtextextended($1::text, 0))", str(worker))

    view = await get(counter, "/api/admin/queue")
    await lock.close()

    openai = next(one for one in view["lanes"] if one["lane"] == "openai")
    assert {name: openai[name] for name in ("waiting", "parked", "delayed", "running")} == {
        "waiting": 3,
        "parked": 1,
        "delayed": 1,
        "running": 1,
    }
    assert openai["oldest_waiting_seconds"] == pytest.approx(90, abs=10)
    assert (openai["workers"], openai["places"], openai["breaker"]) == (1, 5, "closed")
    assert (view["totals"]["waiting"], view["totals"]["parked"]) == (4, 1)
    assert (view["totals"]["workers"], view["totals"]["places"]) == (1, 7)
    assert len(jobs) == 6


async def test_a_real_worker_is_on_the_roll_and_what_it_ends_is_counted(studio: Studio) -> None:
    for number in range(3):
        await studio.generate(f"heron {number}", **NEW)
    await studio.generate("heron 0", **(NEW | {"reuse": "exact"}))  # ended, but not by a worker

    found = await lane(studio)

    assert (found["workers"], found["places"]) == (1, 64)
    assert (found["ended_last_minute"], found["waiting"], found["running"]) == (3, 0, 0)
    assert found["oldest_waiting_seconds"] == 0
    assert (await lane(studio, "sketch"))["workers"] == 1


async def test_a_paused_lane_is_left_alone_until_it_is_resumed(studio: Studio) -> None:
    paused = await studio.client.post("/api/admin/queue/openai/pause", json={"why": "An outage."})
    job = await studio.submit("a heron", **NEW)
    await asyncio.sleep(0.5)  # that nothing happens is what is tested

    waiting, found = await studio.get(job["id"]), await lane(studio)
    resumed = await studio.client.post("/api/admin/queue/openai/resume")

    assert paused.status_code == resumed.status_code == 200
    assert paused.json()["paused_until"].startswith("9999")
    assert (waiting["status"], waiting["queue"]["eta_seconds"]) == ("pending", None)
    assert (found["paused_why"], found["waiting"]) == ("An outage.", 1)
    assert (resumed.json()["paused_until"], resumed.json()["paused_why"]) == (None, None)
    assert (await studio.ended(job))["status"] == "completed"


async def test_a_pause_with_a_length_ends_by_itself(studio: Studio) -> None:
    answer = await studio.client.post("/api/admin/queue/openai/pause", json={"seconds": 1})
    job = await studio.submit("a heron", **NEW)

    ended = await studio.ended(job)

    assert answer.json()["paused_why"] == "An operator said so."
    assert ended["status"] == "completed"
    assert (await lane(studio))["paused_until"] is None


async def test_a_pause_that_makes_no_sense_changes_nothing(counter: Studio) -> None:
    before = await lane(counter)
    wrong: list[Any] = [
        *({"seconds": value} for value in (0, -1, 2_592_001, 1.5, "60", True, 10**30, [])),
        *({"why": value} for value in (5, "x" * 501, [])),
        *({"until": "tomorrow"}, [], "pause", 5, None),
    ]

    for body in wrong:
        answer = await counter.client.post("/api/admin/queue/openai/pause", json=body)
        assert answer.status_code == 422, body
        assert answer.json()["code"] == "invalid_request"

    assert await lane(counter) == before


async def test_a_lane_that_is_not_there_is_not_made(counter: Studio) -> None:
    for name in ("nobody", "parked", "openai ", "%00", "x" * 101, "OPENAI"):
        path = f"/api/admin/queue/{name}"
        for answer in (
            await counter.client.post(f"{path}/pause", json={}),
            await counter.client.post(f"{path}/resume"),
        ):
            assert answer.status_code in (404, 422), name

    assert await counter.database.fetchval("SELECT count(*) FROM lanes") == 0


async def test_providers_and_models_say_how_they_do(studio: Studio) -> None:
    await studio.generate("a heron", **NEW, count=2)
    await dead(studio)
    await studio.database.execute("""UPDATE predictions SET usd = 0.04 WHERE state = 'answered'""")
    job = await studio.generate("an old one", **NEW)
    await studio.database.execute(
        """UPDATE predictions SET usd = 5, at = at - interval '2 days',
                  ended_at = ended_at - interval '2 days' WHERE job_id = $1""",
        job["id"],
    )

    providers = {one["name"]: one for one in await get(studio, "/api/admin/providers")}
    models = {one["id"]: one for one in await get(studio, "/api/admin/models")}

    for found in (providers["openai"], models["openai/flux-schnell"]):
        assert (found["answered_last_hour"], found["failed_last_hour"]) == (2, 1)
        assert 0 <= found["p50_seconds"] < 30
        assert Decimal(found["usd_today"]) == Decimal("0.08")
    [error] = providers["openai"]["last_errors"]
    assert (error["model"], error["code"]) == ("openai/flux-schnell", "provider_failure")
    assert "500" in error["message"]
    assert (providers["openai"]["models"], providers["openai"]["workers"]) == (4, 1)
    assert providers["sketch"]["last_errors"] == []
    assert Decimal(models["sketch"]["usd_today"]) == 0
    assert models["sketch"]["available"] is True
    off = [one for one in models.values() if not one["available"]]
    assert all(one["unavailable_reason"] for one in off)


async def test_limits_are_shown_with_how_much_of_them_is_used(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    limits = {"openai": {"at_once": 3}, "openai/flux-schnell": {"per_minute": 60}}
    async with Studio.open(database_url, tmp_path, provider_api, provider_limits=limits) as studio:
        await studio.generate("a heron", **NEW)

        providers = {one["name"]: one for one in await get(studio, "/api/admin/providers")}
        models = {one["id"]: one for one in await get(studio, "/api/admin/models")}

    assert [
        (one["name"], one["at_once"], one["per_minute"]) for one in providers["openai"]["limits"]
    ] == [
        ("openai", 3, None),
        ("openai/flux-schnell", None, 60),
    ]
    assert [one["last_minute"] for one in models["openai/flux-schnell"]["limits"]] == [1]
    assert models["sketch"]["limits"] == []


async def test_a_dead_letter_is_listed_looked_at_replayed_and_then_told_as_what(
    studio: Studio,
) -> None:
    job = await dead(studio)
    path = f"{LETTERS}/{job['id']}"

    [listed] = (await get(studio, LETTERS))["items"]
    seen = await get(studio, path)
    replayed = await studio.client.post(f"{path}/replay")
    new = await studio.ended(await studio.get(replayed.json()["replayed_as"]))
    again = await studio.client.post(f"{path}/replay")

    assert (listed["state"], listed["code"], listed["prompt"]) == (
        "open",
        "provider_failure",
        "a red bicycle",
    )
    assert listed["error"]["detail"] == job["error"]["detail"]
    assert seen["job"]["parameters"]["width"] == 64
    assert [one["state"] for one in seen["predictions"]] == ["failed"]
    assert [one["type"] for one in seen["events"]][-1] == "failed"
    assert {"name", "state", "attempt"} <= set(seen["steps"][0])
    assert replayed.status_code == 202
    assert replayed.headers["location"] == f"/api/jobs/{new['id']}"
    assert (new["status"], new["retry_of"]) == ("completed", job["id"])
    assert (again.status_code, again.json()["code"]) == (409, "already_finished")
    assert new["id"] in again.json()["detail"]
    assert (await get(studio, LETTERS))["items"] == []
    [gone] = (await get(studio, LETTERS, state="replayed"))["items"]
    assert (gone["state"], gone["replayed_as"]) == ("replayed", new["id"])


async def test_a_discarded_letter_is_gone_and_its_job_stays(studio: Studio) -> None:
    job = await dead(studio)
    path = f"{LETTERS}/{job['id']}"

    discarded = await studio.client.delete(path)
    again = await studio.client.delete(path)
    replayed = await studio.client.post(f"{path}/replay")

    assert discarded.status_code == again.status_code == 200
    assert discarded.json()["state"] == "discarded"
    assert discarded.json()["discarded_at"] == again.json()["discarded_at"]
    assert (replayed.status_code, replayed.json()["code"]) == (409, "already_finished")
    assert (await get(studio, LETTERS))["items"] == []
    assert await studio.database.fetchval("SELECT count(*) FROM jobs") == 1
    assert (await studio.get(job["id"]))["status"] == "failed"


async def test_many_are_dealt_with_at_once_and_each_is_told_of(studio: Studio) -> None:
    jobs = [await dead(studio, f"heron {n}") for n in range(4)]
    unknown = str(uuid4())

    by_ids = await studio.client.post(
        f"{LETTERS}/replay", json={"ids": [jobs[0]["id"], unknown, jobs[0]["id"]]}
    )
    by_filter = await studio.client.post(
        f"{LETTERS}/discard", json={"provider": "openai", "limit": 2}
    )
    rest = await studio.client.post(f"{LETTERS}/replay", json={"code": "provider_failure"})

    assert [answer.status_code for answer in (by_ids, by_filter, rest)] == [200] * 3
    first, second = by_ids.json()["items"]
    assert (first["job_id"], first["code"]) == (jobs[0]["id"], None)
    assert (await studio.get(first["replayed_as"]))["retry_of"] == jobs[0]["id"]
    assert (second["job_id"], second["code"]) == (unknown, "not_found")
    assert (by_ids.json()["done"], by_ids.json()["refused"]) == (1, 1)
    assert [one["job_id"] for one in by_filter.json()["items"]] == [jobs[1]["id"], jobs[2]["id"]]
    assert [one["job_id"] for one in rest.json()["items"]] == [jobs[3]["id"]]
    nothing = await studio.client.post(f"{LETTERS}/replay", json={"model": "no-such"})
    assert nothing.json() == {"items": [], "done": 0, "refused": 0}


async def test_a_bulk_that_does_not_say_which_is_refused(counter: Studio) -> None:
    job = await counter.submit("a heron", **NEW)
    await counter.database.execute(
        """WITH failed AS (UPDATE jobs SET status = 'failed', finished_at = now() WHERE id = $1)
           INSERT INTO dead_letters (job_id, code, provider, model)
           VALUES ($1, 'timeout', 'openai', 'm')""",
        job["id"],
    )
    one = str(uuid4())
    wrong: list[Any] = [
        *({}, {"limit": 5}, {"ids": []}, {"ids": ["x"]}, {"ids": None}, {"ids": "x"}, [], None),
        *({"ids": [one], "code": "timeout"}, {"ids": [one] * 501}),
        *({"code": value} for value in ("", 5, "\0", "x" * 201, ["timeout"])),
        *({"model": "m", "limit": value} for value in (0, 501, -1, "5", 1.5, True)),
        {"provider": "openai", "all": True},
    ]

    for body in wrong:
        for act in ("replay", "discard"):
            answer = await counter.client.post(f"{LETTERS}/{act}", json=body)
            assert answer.status_code == 422, (body, answer.text)
            assert answer.json()["code"] == "invalid_request"

    row = await counter.database.fetchrow("SELECT replayed_as, discarded_at FROM dead_letters")
    assert tuple(row or ()) == (None, None)


async def test_what_is_not_there_or_not_understood_is_said(counter: Studio) -> None:
    asked = [
        *((method, f"{LETTERS}/{uuid4()}{path}", 404) for method, path in ONE),
        *((method, f"{LETTERS}/no-id{path}", 422) for method, path in ONE),
        *(
            ("GET", f"{LETTERS}?{query}", 422)
            for query in (
                *("state=closed", "limit=0", "limit=101", "limit=x", "cursor=!!", "code=%00"),
                f"cursor={'x' * 101}",
            )
        ),
    ]

    for method, path, status in asked:
        answer = await counter.client.request(method, path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_nothing_of_it_is_for_users(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with Studio.open(
        database_url, tmp_path, provider_api, with_worker=False, accounts="on"
    ) as studio:
        user = await join(studio)
        admin = await (await join(studio, "Grace", role="admin")).with_key("admin")
        letter = str(uuid4())
        routes = [
            *(("GET", "/api/admin/queue"), ("GET", "/api/admin/providers")),
            *(("GET", "/api/admin/models"), ("GET", LETTERS), ("GET", f"{LETTERS}/{letter}")),
            *(("POST", f"{LETTERS}/{letter}/replay"), ("DELETE", f"{LETTERS}/{letter}")),
            *(("POST", f"{LETTERS}/replay"), ("POST", f"{LETTERS}/discard")),
            ("POST", "/api/admin/queue/openai/pause"),
            ("POST", "/api/admin/queue/openai/resume"),
        ]

        for method, path in routes:
            body = {"json": {"model": "m"} if LETTERS in path else {}} if method == "POST" else {}
            assert (await user.ask(method, path, **body)).status_code == 403, path
            assert (await studio.client.request(method, path)).status_code == 401, path
            assert (await admin.ask(method, path, **body)).status_code in (200, 404), path


def samples(text: str) -> dict[str, float]:
    """name{labels} to value, of what is ours."""
    found = re.findall(r"^(safelight_\S+?) ([-0-9.e+]+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


async def test_prometheus_reads_the_queue_the_letters_and_the_ledger(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_KEPT_S", 0.0)
    await studio.generate("a heron", **NEW)
    await dead(studio)
    await studio.client.post("/api/admin/queue/openai/pause", json={})
    await studio.submit("a fox", **NEW)

    for _ in range(2):  # what was counted once is not counted again
        answer = await studio.client.get("/metrics")
        found = samples(answer.text)

    assert answer.headers["content-type"].startswith("text/plain")
    assert "process_cpu_seconds_total" in answer.text
    assert (
        found
        | {
            'safelight_jobs{lane="openai",state="waiting"}': 1,
            'safelight_jobs{lane="openai",state="running"}': 0,
            'safelight_jobs_ended_total{lane="openai",status="completed"}': 1,
            'safelight_jobs_ended_total{lane="openai",status="failed"}': 1,
            'safelight_workers{lane="openai"}': 1,
            'safelight_places{lane="openai"}': 64,
            'safelight_lane_paused{lane="openai"}': 1,
            'safelight_lane_broken{lane="openai"}': 0,
            "safelight_dead_letters_open": 1,
            "safelight_ledger_violations": 0,
            "safelight_database_up": 1,
        }
        == found
    )
    assert 0 <= found['safelight_oldest_waiting_seconds{lane="openai"}'] < 30


async def test_the_figures_are_looked_up_at_most_every_five_seconds(counter: Studio) -> None:
    first = (await counter.client.get("/metrics")).text
    await counter.submit("a heron", **NEW)

    again = (await counter.client.get("/metrics")).text

    assert "safelight_jobs{" not in samples(first)
    assert samples(again) == samples(first)


async def test_no_end_of_a_job_is_counted_twice_or_missed_however_they_commit(
    counter: Studio,
) -> None:
    database = counter.database
    jobs = [await counter.submit(f"heron {n}", **NEW) for n in range(40)]
    ends = Ends(database)
    await ends.start()

    async def end(job: dict[str, Any], after_s: float) -> None:
        async with database.transaction() as tx:
            await tx.execute(
                """INSERT INTO events (owner_id, job_id, status, kind)
                   SELECT owner_id, id, 'completed', 'completed' FROM jobs WHERE id = $1""",
                job["id"],
            )
            await asyncio.sleep(after_s)  # a later transaction may commit before

    ending = asyncio.gather(*(end(job, (7 * n % 10) / 50) for n, job in enumerate(jobs)))
    while not ending.done():
        await ends.count()
        await asyncio.sleep(0.005)

    assert await ends.count() == {("openai", "completed"): 40}
