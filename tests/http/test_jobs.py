"""Jobs that are worked on: cancelled while they run, tried again, told about, and counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fakes.server import Plan
from tests.studio import Studio

FLUX = {"model": "openai/flux-schnell", "parameters": {"width": 128, "height": 128}}
GENERATIONS = "POST /v1/images/generations"


async def until(happened: Callable[[], bool | Awaitable[bool]], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while True:
        known = happened()
        if known if isinstance(known, bool) else await known:
            return
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def running(studio: Studio, **order: Any) -> dict[str, Any]:
    """A job whose request the provider has and never answers."""
    studio.provider_api.plan = Plan(fault="hang")
    asked = studio.provider_api.counts[GENERATIONS] + order.get("count", 1)
    job = await studio.submit("a heron", **(FLUX | order))
    await until(lambda: studio.provider_api.counts[GENERATIONS] == asked)
    return job


@pytest.mark.timing
async def test_a_running_job_is_cancelled_within_a_second_also_at_the_provider(
    studio: Studio,
) -> None:
    job = await running(studio, count=2)
    events: list[dict[str, Any]] = []
    watching = asyncio.create_task(collect(studio, f"/api/jobs/{job['id']}/stream", events))
    await until(lambda: bool(events))
    begin = time.monotonic()

    answer = await studio.client.delete(f"/api/jobs/{job['id']}")

    assert answer.status_code == 200
    assert answer.json()["status"] == "cancelled"
    await until(lambda: studio.provider_api.abandoned == 2)  # its connections were closed
    await watching
    assert events[-1]["event"] == "cancelled"
    assert time.monotonic() - begin < 1
    shown = await studio.get(job["id"])
    assert shown["status"] == "cancelled"
    assert shown["charged"] == {"credits": 0, "released": 2}
    again = await studio.client.delete(f"/api/jobs/{job['id']}")
    assert (again.status_code, again.json()["code"]) == (409, "already_finished")


async def test_what_was_finished_before_the_cancel_stays_and_is_paid(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="hang", times=1)
    job = await studio.submit("a heron", **FLUX, count=2)
    while not any(output["asset"] for output in job["outputs"]):
        job = await studio.get(job["id"], wait=5)

    answer = await studio.client.delete(f"/api/jobs/{job['id']}")

    cancelled = answer.json()
    assert sorted(output["status"] for output in cancelled["outputs"]) == ["completed", "failed"]
    assert cancelled["charged"] == {"credits": 1, "released": 1}
    kept = next(output["asset"] for output in cancelled["outputs"] if output["asset"])
    assert (await studio.client.get(kept["url"])).status_code == 200


async def test_the_worker_goes_on_after_a_cancel(studio: Studio) -> None:
    job = await running(studio)
    await studio.client.delete(f"/api/jobs/{job['id']}")
    studio.provider_api.plan = Plan()

    other = await studio.generate("a fox", **FLUX)

    assert other["status"] == "completed"
    await until(lambda: queue_is_empty(studio))


async def test_only_a_failed_or_cancelled_job_is_tried_again(studio: Studio) -> None:
    completed = await studio.generate("a heron", **FLUX)
    studio.provider_api.plan = Plan(fault="refused", times=1)
    failed = await studio.generate("a fox", **FLUX)

    refused = await studio.client.post(f"/api/jobs/{completed['id']}/retry")
    accepted = await studio.client.post(f"/api/jobs/{failed['id']}/retry")

    assert (refused.status_code, refused.json()["code"]) == (409, "already_finished")
    assert accepted.status_code == 202
    new = await studio.ended(accepted.json())
    assert (new["status"], new["retry_of"], new["prompt"]) == ("completed", failed["id"], "a fox")
    assert (await studio.get(failed["id"]))["status"] == "failed", "the first one stays"


async def test_a_job_is_tried_again_once_however_often_it_is_asked_for(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="refused", times=1)
    failed = await studio.generate("a fox", **FLUX)
    path = f"/api/jobs/{failed['id']}/retry"

    answers = [
        await studio.client.post(path, headers={"Idempotency-Key": key})
        for key in ("one", "one", "two")
    ]

    assert {answer.status_code for answer in answers} == {202}
    ids = [answer.json()["id"] for answer in answers]
    assert ids[0] == ids[1] != ids[2]


async def test_a_finished_job_is_read_whole_and_its_charge_is_final(studio: Studio) -> None:
    job = await studio.generate("a heron", **FLUX)

    assert job["queue"] is None
    assert job["stage"] is None
    assert job["progress"] is None
    assert job["started_at"] <= job["finished_at"]
    assert job["duration_ms"] >= 0
    assert job["charged"] == {"credits": job["price"]["credits"], "released": 0}
    assert job["optimized_prompt"] == "a heron"


async def test_a_deleted_picture_leaves_the_job_and_its_etag_changes(studio: Studio) -> None:
    job = await studio.generate("a heron", **FLUX)
    asset, path = job["outputs"][0]["asset"], f"/api/jobs/{job['id']}"
    etag = (await studio.client.get(path)).headers["etag"]

    await studio.client.delete(f"/api/assets/{asset['id']}")
    after = await studio.client.get(path, headers={"If-None-Match": etag})
    await studio.client.post(f"/api/assets/{asset['id']}/restore")
    restored = await studio.client.get(path)

    assert after.status_code == 200
    assert after.json()["outputs"][0]["asset"] is None
    assert restored.json()["outputs"][0]["asset"]["id"] == asset["id"]


async def test_a_deleted_picture_is_not_served_to_the_same_order(studio: Studio) -> None:
    first = await studio.generate("a heron", **FLUX)
    quoted = await studio.client.post("/api/jobs?dry_run=true", json={"prompt": "a heron", **FLUX})
    asset = first["outputs"][0]["asset"]["id"]

    await studio.client.delete(f"/api/assets/{asset}")
    unquoted = await studio.client.post(
        "/api/jobs?dry_run=true", json={"prompt": "a heron", **FLUX}
    )
    second = await studio.generate("a heron", **FLUX)

    assert quoted.json()["reuse"] == {"kind": "exact", "asset_ids": [asset]}
    assert quoted.json()["price"]["credits"] == 0
    assert unquoted.json()["reuse"] is None
    assert second["reused"] is None


async def test_the_story_of_a_job_is_kept_in_order(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="server_error", times=1)
    job = await studio.generate("a heron", **FLUX)

    answer = await studio.client.get(f"/api/jobs/{job['id']}/events")

    lines = answer.json()
    kinds = [line["type"] for line in lines]
    assert answer.status_code == 200
    assert kinds[0] == "snapshot"
    assert kinds[-2:] == ["output", "completed"]
    assert kinds.count("snapshot") == 2, "it waited again after the first attempt"
    assert not {"progress", "delta"} & set(kinds)
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert len({line["id"] for line in lines}) == len(lines)
    assert lines[0]["data"]["status"] == "pending"
    assert lines[-1]["data"]["status"] == "completed"


async def test_the_statistics_count_what_happened(studio: Studio) -> None:
    await studio.generate("a heron", **FLUX, count=3)
    await studio.generate("a heron", **FLUX, count=3)  # served again, for nothing
    studio.provider_api.plan = Plan(fault="refused", times=1)
    await studio.generate("a fox", **FLUX)
    studio.provider_api.plan = Plan()
    await studio.generate("Say a word", type="text", model="openai/tiny-chat")
    cancelled = await running(studio, parameters={"width": 64, "height": 64})
    await studio.client.delete(f"/api/jobs/{cancelled['id']}")

    stats = (await studio.client.get("/api/stats?days=7")).json()

    assert stats["days"] == 7
    assert stats["by_status"] == {
        "pending": 0,
        "processing": 0,
        "completed": 3,
        "failed": 1,
        "cancelled": 1,
    }
    assert stats["images"] == 3
    assert stats["credits"] == 3 + 1
    assert stats["success_rate"] == 3 / 4
    models = {model["model"]: model for model in stats["models"]}
    assert models["openai/flux-schnell"]["jobs"] == 4
    assert 0 < models["openai/flux-schnell"]["p50_seconds"] < 60
    assert (
        models["openai/flux-schnell"]["p95_seconds"] >= models["openai/flux-schnell"]["p50_seconds"]
    )
    default = (await studio.client.get("/api/stats")).json()
    assert default["days"] == 30


async def test_old_jobs_are_not_in_the_statistics_of_a_week(studio: Studio) -> None:
    job = await studio.generate("a heron", **FLUX)
    await studio.database.execute(
        "UPDATE jobs SET created_at = now() - interval '8 days' WHERE id = $1", job["id"]
    )

    week, month = [
        (await studio.client.get(f"/api/stats?days={days}")).json()["by_status"]["completed"]
        for days in (7, 30)
    ]

    assert (week, month) == (0, 1)


async def test_the_speed_of_a_model_is_measured(studio: Studio) -> None:
    await studio.generate("a heron", **FLUX)

    models = (await studio.client.get("/api/models")).json()

    speed = next(m["speed"] for m in models if m["id"] == "openai/flux-schnell")
    assert speed["samples"] == 1
    assert 0 < speed["p50_seconds"] < 60


async def test_a_failure_is_told_without_the_operators_key(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="echoes_key")

    job = await studio.generate("a heron", **FLUX)

    assert job["status"] == "failed"
    assert job["error"]["title"]
    assert "sk-fake" not in str(job)
    assert "sk-fake" not in (await studio.client.get(f"/api/jobs/{job['id']}/events")).text


async def collect(studio: Studio, path: str, events: list[dict[str, Any]]) -> None:
    async for event in studio.events(path):
        events.append(event)  # noqa: PERF401  (seen while they come)


async def queue_is_empty(studio: Studio) -> bool:
    return not await studio.database.fetchval("SELECT count(*) FROM queue.pgqueuer")
