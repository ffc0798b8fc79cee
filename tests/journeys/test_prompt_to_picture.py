"""From a prompt to a picture, and to text, through HTTP."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from tests.fakes.server import Plan
from tests.studio import Studio


async def test_a_prompt_becomes_a_picture_of_the_asked_size(studio: Studio) -> None:
    job = await studio.generate(
        "a red lighthouse in a storm at night, watercolor",
        model="sketch",
        parameters={"width": 320, "height": 192, "seed": 7},
    )

    assert job["status"] == "completed"
    asset = job["outputs"][0]["asset"]
    answer = await studio.client.get(asset["url"])
    picture = Image.open(io.BytesIO(answer.content))
    picture.load()
    assert picture.size == (320, 192) == (asset["width"], asset["height"])
    assert answer.headers["content-type"] == "image/png"
    assert len(answer.content) == asset["bytes"]
    assert asset["seed"] == 7
    for side in ("160", "320", "640"):
        preview = await studio.client.get(asset["thumbnails"][side])
        small = Image.open(io.BytesIO(preview.content))
        assert small.format == "WEBP"
        assert max(small.size) == min(int(side), 320)


async def test_every_stage_is_told_in_order_and_ends_with_the_job(studio: Studio) -> None:
    job = await studio.submit("a heron", model="sketch", parameters={"width": 256, "height": 256})

    events = [event async for event in studio.events(f"/api/jobs/{job['id']}/stream")]

    kinds = [event["event"] for event in events]
    assert kinds[0] == "snapshot"
    assert kinds[-1] == "completed"
    told = {e["data"]["stage"]: n for n, e in enumerate(events) if e["event"] == "stage"}
    stages = ["generating", "uploading", "finalizing"]
    assert [stage for stage in told if stage in stages] == stages
    assert all(e["data"]["job_id"] == job["id"] and e["data"]["status"] for e in events)
    assert events[-1]["data"]["job"]["outputs"][0]["asset"]["url"].startswith("/media/")


async def test_partial_pictures_of_a_provider_are_previews(studio: Studio) -> None:
    studio.provider_api.plan = Plan(step_s=0.3)
    job = await studio.submit("a heron", model="openai/gpt-image-2")

    events = [event async for event in studio.events(f"/api/jobs/{job['id']}/stream")]

    steps = [e["data"] for e in events if e["event"] == "progress"]
    assert events[-1]["event"] == "completed", events[-1]
    assert [step["progress"] for step in steps] == sorted(step["progress"] for step in steps)
    assert steps, "no preview arrived"
    assert studio.provider_api.counts["POST /v1/images/generations"] == 1


async def test_text_streams_while_it_is_written(studio: Studio) -> None:
    studio.provider_api.plan = Plan(step_s=0.15)
    job = await studio.submit("Say something about herons", type="text", model="openai/tiny-chat")

    events = [event async for event in studio.events(f"/api/jobs/{job['id']}/stream")]

    told = "".join(e["data"]["text"] for e in events if e["event"] == "delta")
    text = (await studio.get(job["id"]))["outputs"][0]["text"]
    assert text
    # The snapshot may have come after the first words; what came later is there word for word.
    assert text.endswith(told)
    assert events[-1]["data"]["job"]["outputs"][0]["text"] == text


async def test_variants_are_made_side_by_side_and_differ(studio: Studio) -> None:
    job = await studio.generate(
        "a fox in the snow", model="openai/flux-schnell", count=3, parameters={"seed": 10}
    )

    assert [output["asset"]["seed"] for output in job["outputs"]] == [10, 11, 12]
    assert job["price"] == {"credits": 3, "usd": None}
    assert job["charged"] == {"credits": 3, "released": 0}


async def test_one_failed_variant_does_not_take_the_others_with_it(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="refused", times=1)

    job = await studio.generate("a fox", model="openai/flux-schnell", count=3)

    assert job["status"] == "completed"
    assert sorted(output["status"] for output in job["outputs"]) == [
        "completed",
        "completed",
        "failed",
    ]
    assert job["charged"] == {"credits": 2, "released": 1}


async def test_what_was_refused_is_not_asked_again_when_another_variant_is(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="refused_then_broken", times=4)

    job = await studio.generate("a fox", model="openai/flux-schnell", count=2)

    assert sorted(output["status"] for output in job["outputs"]) == ["completed", "failed"]
    assert job["charged"] == {"credits": 1, "released": 1}
    assert studio.provider_api.counts["POST /v1/images/generations"] == 1 + 4


async def test_a_picture_whose_pixels_are_damaged_is_asked_for_anew(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="torn_picture", times=1)

    job = await studio.generate("a fox", model="openai/flux-schnell")

    assert job["status"] == "completed"
    assert studio.provider_api.counts["POST /v1/images/generations"] == 2


@pytest.mark.parametrize(
    ("fault", "order", "call"),
    [
        ("absurd_usage", {"model": "openai/gpt-image-2"}, "POST /v1/images/generations"),
        (
            "chat_absurd_usage",
            {"model": "openai/gpt-6-luna", "type": "text"},
            "POST /v1/chat/completions",
        ),
    ],
)
async def test_what_somebody_says_to_have_used_without_measure_is_delivered_and_asked_for_once(
    studio: Studio, fault: str, order: dict[str, Any], call: str
) -> None:
    studio.provider_api.plan = Plan(fault=fault, times=1)

    job = await studio.generate("a fox", **order)

    assert job["status"] == "completed"
    assert studio.provider_api.counts[call] == 1
    assert await studio.database.fetchval("SELECT usd FROM predictions") is None


async def test_the_same_order_is_served_again_for_nothing(studio: Studio) -> None:
    order = {"model": "openai/flux-schnell", "parameters": {"width": 256, "height": 256}}
    first = await studio.generate("a fox", **order)

    second = await studio.submit("a fox", **order)
    third = await studio.generate("a fox", reuse="never", **order)

    assert second["status"] == "completed"
    assert second["reused"] == {"kind": "exact", "job_id": first["id"], "similarity": None}
    assert second["price"]["credits"] == 0
    assert second["outputs"][0]["asset"]["id"] == first["outputs"][0]["asset"]["id"]
    assert third["reused"] is None
    assert studio.provider_api.counts["POST /v1/images/generations"] == 2


async def test_a_busy_provider_is_asked_again(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="server_error", times=2)

    job = await studio.generate("a fox", model="openai/flux-schnell")

    assert job["status"] == "completed"
    assert job["attempts"] == 3


async def test_an_answer_that_is_lost_after_a_failure_is_still_asked_for_once_more(
    studio: Studio,
) -> None:
    studio.provider_api.plan = Plan(fault="broken_then_lost", times=2)

    job = await studio.generate("a fox", model="openai/flux-schnell")

    assert job["status"] == "completed"
    assert job["attempts"] == 3


async def test_a_second_answer_that_is_lost_is_the_end_whatever_happened_in_between(
    studio: Studio,
) -> None:
    studio.provider_api.plan = Plan(fault="broken_then_lost")

    job = await studio.generate("a fox", model="openai/flux-schnell")

    assert job["status"] == "failed"
    assert job["error"]["title"] == "The provider's answer was lost"
    # It failed, was lost, failed, and was lost again.
    assert studio.provider_api.counts["POST /v1/images/generations"] == 4


async def test_a_refusal_is_final_free_and_explained(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="refused")

    job = await studio.generate("a fox", model="openai/flux-schnell")

    assert job["status"] == "failed"
    assert job["error"]["code"] == "content_policy"
    assert job["charged"] == {"credits": 0, "released": 1}
    assert studio.provider_api.counts["POST /v1/images/generations"] == 1


async def test_a_picture_where_nothing_is_fetched_is_paid_for_once(studio: Studio) -> None:
    studio.provider_api.plan = Plan(fault="http_link")

    job = await studio.generate("a fox", model="openai/flux-schnell")

    assert job["status"] == "failed"
    assert job["error"]["code"] == "invalid_output"
    assert "pointed to an address that is not fetched" in job["error"]["detail"]
    assert job["charged"] == {"credits": 0, "released": 1}
    assert studio.provider_api.counts["POST /v1/images/generations"] == 1


async def test_every_log_line_of_a_job_names_it_and_its_request(
    studio: Studio, capfd: pytest.CaptureFixture[str]
) -> None:
    studio.provider_api.plan = Plan(fault="server_error", times=1)
    answer = await studio.client.post(
        "/api/jobs",
        json={"prompt": "a fox", "model": "openai/flux-schnell"},
        headers={"X-Request-ID": "build-7"},
    )
    job = await studio.ended(answer.json())

    out, err = capfd.readouterr()
    lines = [
        line for line in (out + err).splitlines() if "variant failed" in line or "job ended" in line
    ]
    assert len(lines) == 2
    assert all(job["id"] in line and "build-7" in line for line in lines)


async def test_how_long_a_text_may_be_is_told_to_the_provider(studio: Studio) -> None:
    job = await studio.generate(
        "Say one two three", type="text", model="openai/tiny-chat", parameters={"max_tokens": 2}
    )

    assert studio.provider_api.calls[-1].json["max_tokens"] == 2
    assert job["parameters"]["max_tokens"] == 2
    assert len(job["outputs"][0]["text"].split()) == 2
