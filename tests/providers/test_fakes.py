"""The fakes as processes of their own, which is how benches and fault tests use them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.fakes.openai_server import KEY
from tests.fakes.server import Fake, Plan

ROOT = Path(__file__).parents[2]


@pytest.fixture
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--picture", "64x64"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        yield process.stdout.readline().split()[1]
        process.terminate()


def test_another_process_says_what_goes_wrong_and_counts(url: str) -> None:
    asked = {"prompt": "a heron", "model": "gpt-image-2"}
    with httpx2.Client(base_url=url, headers={"authorization": f"Bearer {KEY}"}) as client:
        client.post("/_plan", json={"fault": "busy_seconds", "times": 1})

        answers = [client.post("/v1/images/generations", json=asked) for _ in range(2)]
        wrong = client.post("/_plan", json={"fault": "no such thing"})

        assert [answer.status_code for answer in answers] == [429, 200]
        assert wrong.status_code == 400
        assert client.get("/_calls").json()["counts"] == {"POST /v1/images/generations": 2}


def test_a_misspelt_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault 'flood'"):
        Fake().plan = Plan(fault="flood")
