"""Credits at a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from safelight.values.ids import LOCAL_OWNER
from tests.cli.conftest import Finished, Run
from tests.fakes.openai_server import FakeOpenAI
from tests.studio import Studio

ME = str(LOCAL_OWNER)
FLUX = {"model": "openai/flux-schnell", "parameters": {"width": 64, "height": 64}}


@pytest.fixture
async def studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    async with Studio.open(database_url, tmp_path, provider_api, sketch=False) as made:
        yield made


async def say(studio: Studio, run: Run, *words: str) -> Finished:
    return await asyncio.to_thread(run, "credits", *words, SAFELIGHT_URL=studio.url, COLUMNS="160")


async def test_credits_are_granted_spent_refunded_and_shown(studio: Studio, run: Run) -> None:
    await say(studio, run, "unlimited", ME, "--off")
    granted = await say(studio, run, "grant", ME, "50", "--reference", "order 7", "--note", "[b]!")
    again = await say(studio, run, "grant", ME, "50", "--reference", "order 7", "--note", "[b]!")
    job = await studio.generate("a heron", **FLUX, count=3)
    refunded = await say(
        studio, run, "refund", job["id"], "--amount", "2", "--reference", "ticket 1"
    )

    shown = await say(studio, run, "show")
    ledger = await say(studio, run, "ledger")

    assert granted.stdout.startswith(f"grant of 50 to {ME} on ")
    assert again.stdout == granted.stdout
    assert refunded.stdout.startswith("refund of 2 ")
    assert shown.stdout.split() == ["available", "49", "held", "0"]
    lines = [line.split() for line in ledger.stdout.strip().splitlines()[1:]]
    assert [line[2:5] for line in lines] == [
        ["refund", "2", "49"],
        ["confirm", "3", "47"],
        ["hold", "3", "47"],
        ["grant", "50", "50"],
    ]
    assert lines[0][-1] == job["id"]
    assert lines[3][-1] == "[b]!"


async def test_an_allowance_is_given_and_taken(studio: Studio, run: Run) -> None:
    await say(studio, run, "unlimited", ME, "--off")
    given = await say(studio, run, "allowance", ME, "30", "--every", "week")
    shown = await say(studio, run, "show")
    everybody = await say(studio, run, "show", "--all")
    taken = await say(studio, run, "allowance", ME, "0")

    assert "30 a week" in given.stdout
    assert "allowance  30 a week, next " in shown.stdout
    assert everybody.stdout == given.stdout
    assert "a week" not in taken.stdout
    assert taken.stdout.splitlines()[1].split()[:3] == [ME, "You", "30"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("grant", "bob", "5", "--reference", "r"), "There is no such user."),
        (("grant", ME, "5", "--reference", " "), "reference"),
        (("refund", ME, "--reference", "r"), "There is no such job."),
        (("refund", "7", "--reference", "r"), "job"),
        (("allowance", "a b?c%", "5"), "There is no such user."),
    ],
)
async def test_what_is_refused_is_a_sentence(
    studio: Studio, run: Run, words: tuple[str, ...], said: str
) -> None:
    refused = await say(studio, run, *words)

    assert refused.returncode == 1
    assert refused.stderr.startswith("safelight: ")
    assert said in refused.stderr
