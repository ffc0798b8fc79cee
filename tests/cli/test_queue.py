"""Looking after the queue from a terminal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.conftest import Finished, Run
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.studio import Studio

FLUX = {"model": "openai/flux-schnell", "parameters": {"width": 64, "height": 64}}


@pytest.fixture
async def studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """One failure ends a job."""
    async with Studio.open(
        database_url, tmp_path, provider_api, attempts_max=1, breaker_open_s=0.05
    ) as made:
        yield made


async def say(studio: Studio, run: Run, *words: str) -> Finished:
    return await asyncio.to_thread(run, *words, SAFELIGHT_URL=studio.url, COLUMNS="160")


async def dead(studio: Studio, prompt: str) -> str:
    studio.provider_api.plan = Plan(fault="server_error")
    job = await studio.generate(prompt, **FLUX)
    studio.provider_api.plan = Plan()
    return str(job["id"])


async def test_the_queue_and_its_lanes_are_shown_paused_and_resumed(
    studio: Studio, run: Run
) -> None:
    paused = await say(studio, run, "lanes", "pause", "openai", "--why", "An [outage].")
    await studio.submit("a heron", **FLUX)

    queue = await say(studio, run, "queue")
    lanes = await say(studio, run, "lanes")
    resumed = await say(studio, run, "lanes", "resume", "openai")
    unknown = await say(studio, run, "lanes", "pause", "nobody")

    assert paused.stdout.strip() == "openai is paused until resumed: An [outage]."
    first, *_, last = queue.stdout.strip().splitlines()[1:]
    assert first.split()[:5] == ["openai", "1", "0", "0", "0"]
    assert last.split()[:2] == ["all", "1"]
    assert last.strip().endswith("0 dead letters")
    assert "paused until resumed: An [outage]." in lanes.stdout
    assert resumed.stdout.strip() == "openai is ok"
    assert (unknown.returncode, unknown.stderr.strip()) == (1, "safelight: There is no such lane.")


async def test_dead_letters_are_listed_shown_replayed_and_discarded(
    studio: Studio, run: Run
) -> None:
    first, second, third = [await dead(studio, f"heron [{n}]") for n in range(3)]

    listed = await say(studio, run, "dead-letters", "list")
    shown = await say(studio, run, "dead-letters", "show", first)
    replayed = await say(studio, run, "dead-letters", "replay", first, str(uuid4()))
    discarded = await say(
        studio, run, "dead-letters", "discard", "--provider", "openai", "--limit", "1"
    )
    left = await say(studio, run, "dead-letters", "list")

    assert [line.split()[-1] for line in listed.stdout.splitlines()[1:]] == [third, second, first]
    assert "heron [0]" in listed.stdout
    assert json.loads(shown.stdout)["predictions"][0]["state"] == "failed"
    own, unknown, total = replayed.stdout.strip().splitlines()
    assert (await studio.get(own.split()[1]))["retry_of"] == first
    assert unknown.endswith("not_found: There is no such dead letter.")
    assert total == "1 done, 1 refused"
    assert discarded.stdout.splitlines() == [f"{second}  discarded", "1 done, 0 refused"]
    assert [line.split()[-1] for line in left.stdout.splitlines()[1:]] == [third]


@pytest.mark.parametrize("act", ["replay", "discard"])
async def test_nothing_named_is_not_everything(studio: Studio, run: Run, act: str) -> None:
    await dead(studio, "a heron")

    said = await say(studio, run, "dead-letters", act)

    assert said.returncode == 1
    assert "at least one of code, provider and model" in said.stderr
    assert await studio.database.fetchval("SELECT discarded_at IS NULL FROM dead_letters")
