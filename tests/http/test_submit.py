"""Submitting and reading a job: at once, once, and without a stale answer."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from safelight.providers.catalog import TEXT_TOKENS_DEFAULT
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def jobs_of(desk: Studio, *job_ids: str) -> int:
    ids = [UUID(job_id) for job_id in job_ids]
    return int(await desk.database.fetchval("SELECT count(*) FROM jobs WHERE id = ANY($1)", ids))


async def everything(desk: Studio) -> int:
    return int(
        await desk.database.fetchval(
            "SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM events)"
            " + (SELECT count(*) FROM queue.pgqueuer) + (SELECT count(*) FROM idempotency_keys)"
        )
    )


async def test_a_submit_answers_at_once_with_the_job_and_where_it_is(desk: Studio) -> None:
    answer = await desk.client.post("/api/jobs", json={"prompt": "a heron"})

    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/jobs/{job['id']}"
    assert job["status"] == "pending"
    assert UUID(job["id"]).version == 7
    assert job["requested_model"] == "auto"
    assert job["model_reason"]
    assert (await desk.client.get(answer.headers["location"])).json()["id"] == job["id"]


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"count": 3, "model": "openai/flux-schnell", "negative_prompt": "rain", "priority": "low"},
        {"type": "text", "parameters": {"max_tokens": 9}},
        {"style": "risograph", "enhance": True, "reuse": "similar", "metadata": {"a": [1]}},
        {"parameters": {"aspect_ratio": "3:2", "resolution": "2K", "format": "webp"}},
    ],
)
async def test_the_answer_to_a_submit_is_what_a_read_shows(
    desk: Studio, order: dict[str, Any]
) -> None:
    submitted = await desk.submit("a heron", **order)

    shown = await desk.get(submitted["id"])
    assert shown.pop("queue")["position"] >= 1
    submitted.pop("queue")
    assert shown == submitted


async def test_a_dry_run_says_model_and_price_and_stores_nothing(desk: Studio) -> None:
    before = await everything(desk)

    order = {"prompt": "a heron", "model": "openai/flux-schnell", "count": 3, "enhance": True}
    answer = await desk.client.post(
        "/api/jobs?dry_run=true", json=order, headers={"Idempotency-Key": "dry"}
    )

    assert answer.status_code == 200
    quote = answer.json()
    assert set(quote) == {"model", "price", "reuse", "warnings"}
    assert (quote["model"], quote["price"]["credits"]) == ("openai/flux-schnell", 3)
    assert quote["reuse"] is None
    assert quote["warnings"]
    assert await everything(desk) == before


async def test_the_same_key_and_body_is_the_same_job(desk: Studio) -> None:
    order = {"prompt": "a heron", "parameters": {"width": 512, "height": 256}, "metadata": {"a": 1}}
    key = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}

    first = await desk.client.post("/api/jobs", json=order, headers=key)
    before = await everything(desk)
    again = await desk.client.post("/api/jobs", json=order, headers=key)
    reordered = await desk.client.post(
        "/api/jobs",
        content=b' {"metadata" :{"a":1}, "parameters":\t{"height":256,"width":512},\n'
        b'"prompt":"a h\\u0065ron"} ',
        headers=key,
    )

    assert {answer.status_code for answer in (first, again, reordered)} == {202}
    assert first.json()["id"] == again.json()["id"] == reordered.json()["id"]
    assert again.headers["location"] == first.headers["location"]
    assert await everything(desk) == before


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "a heron."},
        {"count": 2},
        {"count": None},
        {"metadata": {"a": 2}},
        {"metadata": {"a": [1]}},
        {"parameters": {"seed": 1}},
    ],
)
async def test_the_same_key_with_another_body_is_a_mismatch(
    desk: Studio, other: dict[str, Any]
) -> None:
    order = {"prompt": "a heron", "model": "sketch", "count": 1, "metadata": {"a": 1}}
    key = {"Idempotency-Key": str(uuid4())}
    await desk.client.post("/api/jobs", json=order, headers=key)
    before = await everything(desk)

    changed = {name: value for name, value in (order | other).items() if value is not None}
    answer = await desk.client.post("/api/jobs", json=changed, headers=key)

    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_mismatch"
    assert await everything(desk) == before


async def test_fifty_simultaneous_repeats_are_one_job(desk: Studio) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    before = await desk.database.fetchval("SELECT count(*) FROM jobs")

    answers = await asyncio.gather(
        *(desk.client.post("/api/jobs", json={"prompt": "one"}, headers=key) for _ in range(50))
    )

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await desk.database.fetchval("SELECT count(*) FROM jobs") == before + 1
    entries = await desk.database.fetchval(
        "SELECT count(*) FROM queue.pgqueuer WHERE payload = uuid_send($1)",
        UUID(answers[0].json()["id"]),
    )
    assert entries == 1


async def test_of_simultaneous_different_bodies_with_one_key_one_wins(desk: Studio) -> None:
    key = {"Idempotency-Key": str(uuid4())}

    answers = await asyncio.gather(
        *(
            desk.client.post("/api/jobs", json={"prompt": f"body {n % 5}"}, headers=key)
            for n in range(40)
        )
    )

    accepted = [answer.json() for answer in answers if answer.status_code == 202]
    refused = [answer.json() for answer in answers if answer.status_code != 202]
    assert len(accepted) == 8
    assert len({job["id"] for job in accepted}) == 1
    assert {problem["code"] for problem in refused} == {"idempotency_mismatch"}


async def test_different_keys_are_different_jobs(desk: Studio) -> None:
    answers = await asyncio.gather(
        *(
            desk.client.post(
                "/api/jobs", json={"prompt": "many"}, headers={"Idempotency-Key": f"many-{n}"}
            )
            for n in range(50)
        )
    )

    ids = {answer.json()["id"] for answer in answers}
    assert len(ids) == 50
    assert await jobs_of(desk, *ids) == 50


async def test_a_key_is_forgotten_after_24_hours(desk: Studio) -> None:
    key = str(uuid4())
    first = await desk.submit("old", idempotency_key=key)
    age = "UPDATE idempotency_keys SET created_at = created_at - $2::interval WHERE key = $1"

    await desk.database.execute(age.replace("$2", "'23 hours 59 minutes'"), key)
    kept = await desk.submit("old", idempotency_key=key)
    await desk.database.execute(age.replace("$2", "'2 minutes'"), key)
    new = await desk.submit("another body", idempotency_key=key)
    again = await desk.submit("another body", idempotency_key=key)

    assert kept["id"] == first["id"]
    assert new["id"] != first["id"]
    assert again["id"] == new["id"]


async def test_a_refused_order_does_not_use_up_its_key(desk: Studio) -> None:
    key = {"Idempotency-Key": str(uuid4())}

    wrong = await desk.client.post("/api/jobs", json={"prompt": "x", "count": 9}, headers=key)
    right = await desk.client.post("/api/jobs", json={"prompt": "x", "count": 1}, headers=key)

    assert (wrong.status_code, right.status_code) == (422, 202)


async def test_an_unchanged_job_is_not_sent_again(desk: Studio) -> None:
    job = await desk.submit()
    path = f"/api/jobs/{job['id']}"
    first = await desk.client.get(path)

    same = await desk.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    await desk.client.delete(path)
    changed = await desk.client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == first.headers["etag"]
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]
    assert changed.json()["status"] == "cancelled"


async def test_another_place_in_the_queue_is_a_change(desk: Studio) -> None:
    job = await desk.submit(priority="low")
    path = f"/api/jobs/{job['id']}"
    first = await desk.client.get(path)

    urgent = await desk.submit(priority="high")
    later = await desk.client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert later.status_code == 200
    places = [answer.json()["queue"]["position"] for answer in (first, later)]
    assert places[1] == places[0] + 1
    assert (await desk.get(urgent["id"]))["queue"]["position"] < places[0]


async def test_wait_answers_as_soon_as_something_changes(desk: Studio) -> None:
    job = await desk.submit()
    begin = time.monotonic()
    waiting = asyncio.create_task(desk.get(job["id"], wait=25))
    others = [asyncio.create_task(desk.get(job["id"], wait=25)) for _ in range(5)]
    await asyncio.sleep(0.2)  # whether they wait is part of what is tested
    assert not waiting.done()

    await desk.client.delete(f"/api/jobs/{job['id']}")

    assert (await waiting)["status"] == "cancelled"
    assert {(await other)["status"] for other in others} == {"cancelled"}
    assert time.monotonic() - begin < 5


async def test_wait_ends_with_the_job_as_it_is_when_nothing_changes(desk: Studio) -> None:
    job = await desk.submit()
    etag = (await desk.client.get(f"/api/jobs/{job['id']}")).headers["etag"]

    begin = time.monotonic()
    waited = await desk.get(job["id"], wait=0.4)
    took_s = time.monotonic() - begin
    unchanged = await desk.client.get(
        f"/api/jobs/{job['id']}?wait=0.1", headers={"If-None-Match": etag}
    )

    assert waited["status"] == "pending"
    assert 0.4 <= took_s < 3
    assert unchanged.status_code == 304


async def test_wait_does_not_wait_when_the_caller_is_behind_or_the_job_has_ended(
    desk: Studio,
) -> None:
    job = await desk.submit()
    behind = {"If-None-Match": '"something-older"'}

    begin = time.monotonic()
    answer = await desk.client.get(f"/api/jobs/{job['id']}?wait=20", headers=behind)
    await desk.client.delete(f"/api/jobs/{job['id']}")
    ended = await desk.get(job["id"], wait=20)

    assert answer.status_code == 200
    assert ended["status"] == "cancelled"
    assert time.monotonic() - begin < 5


async def test_a_waiting_job_is_cancelled_and_never_worked_on(desk: Studio) -> None:
    job = await desk.submit(count=2, model="openai/flux-schnell")

    answer = await desk.client.delete(f"/api/jobs/{job['id']}")
    again = await desk.client.delete(f"/api/jobs/{job['id']}")

    cancelled = answer.json()
    assert answer.status_code == 200
    assert (cancelled["status"], cancelled["error"]["code"]) == ("cancelled", "cancelled")
    assert cancelled["charged"] == {"credits": 0, "released": 2}
    assert cancelled["finished_at"]
    assert [output["status"] for output in cancelled["outputs"]] == ["failed", "failed"]
    assert again.status_code == 409
    assert again.json()["code"] == "already_finished"


async def test_a_cancelled_job_can_be_ordered_again(desk: Studio) -> None:
    order = {
        *(("priority", "high"), ("count", 2), ("model", "openai/flux-schnell")),
        *(("negative_prompt", "rain"), ("style", "cartoon"), ("reuse", "never")),
    }
    options = {"seed": 5, "aspect_ratio": "3:2", "format": "png"}
    job = await desk.submit(**dict(order), parameters=options, metadata={"a": 1})
    await desk.client.delete(f"/api/jobs/{job['id']}")

    answer = await desk.client.post(f"/api/jobs/{job['id']}/retry")

    new = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/jobs/{new['id']}"
    assert new["id"] != job["id"]
    assert (new["status"], new["retry_of"], new["attempts"]) == ("pending", job["id"], 0)
    own = {"id", "created_at", "retry_of", "queue"}
    assert {k: v for k, v in new.items() if k not in own} == {
        k: v for k, v in job.items() if k not in own
    }


async def test_a_job_that_goes_on_cannot_be_tried_again(desk: Studio) -> None:
    job = await desk.submit()

    answer = await desk.client.post(f"/api/jobs/{job['id']}/retry")

    assert answer.status_code == 409
    assert answer.json()["code"] == "already_finished"


async def test_the_models_are_listed_best_first_and_those_switched_off_last(desk: Studio) -> None:
    models = (await desk.client.get("/api/models")).json()

    usable = [model["id"] for model in models if model["available"]]
    assert set(usable) >= {"sketch", "openai/gpt-image-2", "openai/tiny-chat"}
    assert [model["available"] for model in models] == sorted(
        (model["available"] for model in models), reverse=True
    )
    assert all(model["unavailable_reason"] for model in models if not model["available"])
    assert all(model["price"] and model["prompt_max"] > 0 for model in models)
    sketch = next(model for model in models if model["id"] == "sketch")
    assert sketch["kind"] == "image"
    assert sketch["capabilities"]["seed"] is True
    assert sketch["capabilities"]["count_max"] == 8
    assert set(sketch["capabilities"]["formats"]) <= {"png", "jpeg", "webp"}


async def test_every_offered_ratio_and_resolution_is_really_taken(desk: Studio) -> None:
    models = (await desk.client.get("/api/models")).json()

    for model in models:
        if not model["available"] or model["kind"] != "image":
            continue
        can = model["capabilities"]
        for ratio in can["aspect_ratios"]:
            for resolution in can["resolutions"] or [None]:
                options = {"aspect_ratio": ratio, "resolution": resolution}
                answer = await desk.client.post(
                    "/api/jobs?dry_run=true",
                    json={"prompt": "x", "model": model["id"], "parameters": options},
                )
                assert answer.status_code == 200, (model["id"], options, answer.text)


async def test_every_style_there_is_can_be_ordered(desk: Studio) -> None:
    styles = (await desk.client.get("/api/styles")).json()

    assert {"realistic", "cartoon", "watercolor"} <= {style["id"] for style in styles}
    for style in styles:
        assert style["name"]
        assert style["guidance"]
        assert (await desk.submit(style=style["id"]))["style"] == style["id"]


async def test_without_accounts_one_local_owner_asks(desk: Studio) -> None:
    me = (await desk.client.get("/api/me")).json()

    assert me["accounts"] is False
    assert me["role"] == "admin"
    assert me["id"] == "00000000-0000-7000-8000-000000000001"


async def test_a_text_with_quotes_and_markup_is_kept_as_it_is(desk: Studio) -> None:
    prompt = """'; DROP TABLE jobs; -- <script>alert("x")</script> {{7*7}} %s $1 \\u0000 🖼️"""

    job = await desk.submit(prompt)

    assert job["prompt"] == prompt
    assert json.loads(json.dumps(await desk.get(job["id"])))["prompt"] == prompt


@pytest.mark.parametrize(
    ("model", "most"), [("openai/gpt-6-luna", TEXT_TOKENS_DEFAULT), ("openai/tiny-chat", 128_000)]
)
async def test_a_text_may_be_as_long_as_its_price_allows(
    desk: Studio, model: str, most: int
) -> None:
    async def order(tokens: int) -> httpx2.Response:
        body = {"prompt": "Say a word", "type": "text", "model": model}
        return await desk.client.post(
            "/api/jobs?dry_run=true", json=body | {"parameters": {"max_tokens": tokens}}
        )

    answers = [await order(tokens) for tokens in (1, most, most + 1)]

    assert [answer.status_code for answer in answers] == [200, 200, 422]
    assert [error["field"] for error in answers[2].json()["errors"]] == ["parameters.max_tokens"]
