"""Jobs that were accepted under other settings."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.openai_server import FakeOpenAI
from tests.studio import Studio


async def test_a_job_whose_model_is_gone_fails_with_a_sentence(
    database_url: str, tmp_path: Path, provider_api: FakeOpenAI
) -> None:
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as before:
        job = await before.submit("a heron", model="openai/flux-schnell")

    models = ["gpt-image-2"]
    async with Studio.open(
        database_url, tmp_path, provider_api, openai_image_models=models
    ) as after:
        job = await after.ended(job)

    assert job["status"] == "failed"
    assert job["error"]["code"] == "provider_failure"
    assert "openai/flux-schnell" in job["error"]["detail"]
    assert job["charged"] == {"credits": 0, "released": 1}
    assert job["attempts"] == 1
