"""`safelight generate` and the commands that look: what a person at a terminal sees."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image

from safelight import __version__
from tests.cli.conftest import Complaint, Run
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.studio import ServerProcess


@pytest.fixture(scope="module")
def server(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """One running server for all of this module."""
    url = asyncio.run(cluster.clone())
    server = ServerProcess(url, tmp_path_factory.mktemp("server"))
    server.environment |= {
        "SAFELIGHT_OPENAI_API_KEY": str(_fake_openai.key),
        "SAFELIGHT_OPENAI_BASE_URL": _fake_openai.base_url,
        "SAFELIGHT_OPENAI_IMAGE_MODELS": '["flux-schnell"]',
        "SAFELIGHT_OPENAI_TEXT_MODELS": '["tiny-chat"]',
    }
    server.start()
    yield server
    server.stop()
    asyncio.run(cluster.drop(url))


def test_a_picture_is_written_where_it_was_asked_and_the_place_printed(
    run: Run, server: ServerProcess, tmp_path: Path
) -> None:
    options = ("--model", "sketch", "--size", "192x128", "--seed", "7", "-o", "heron.png")

    finished = run("generate", "a heron", *options, SAFELIGHT_URL=server.url)

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "heron.png\n"
    with Image.open(tmp_path / "heron.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (192, 128))
    assert "Traceback" not in finished.stderr


def test_the_ending_decides_the_format_and_variants_are_numbered(
    run: Run, server: ServerProcess, tmp_path: Path
) -> None:
    options = ("--model", "sketch", "--size", "128x128", "--count", "2", "-o", "fox.webp")

    finished = run("generate", "a fox", *options, "--server", server.url)

    assert finished.stdout.split() == ["fox-1.webp", "fox-2.webp"], finished.stderr
    for name in finished.stdout.split():
        with Image.open(tmp_path / name) as picture:
            assert picture.format == "WEBP"


def test_without_a_name_the_picture_is_called_after_its_job(
    run: Run, server: ServerProcess, tmp_path: Path
) -> None:
    finished = run(
        "generate", "a fox", "--model", "sketch", "--size", "128x128", SAFELIGHT_URL=server.url
    )

    name = finished.stdout.strip()
    assert name.endswith(".png")
    assert (tmp_path / name).is_file()


def test_a_text_is_printed(run: Run, server: ServerProcess) -> None:
    finished = run("generate", "Say heron", "--text", SAFELIGHT_URL=server.url)

    assert finished.returncode == 0, finished.stderr
    assert "Say heron" in finished.stdout


def test_the_progress_is_shown_on_the_terminal_not_in_the_output(
    server: ServerProcess, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    provider_api.plan = Plan(latency_s=0.4)
    command = [sys.executable, "-m", "safelight", "generate", "a heron", "--server", server.url]
    command += ["--model", "openai/flux-schnell", "-o", "out.png"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
        assert process.stdout
        printed = process.stdout.read()
    os.close(ours)

    assert process.returncode == 0
    assert printed == "out.png\n"
    assert b"Generating" in shown


def test_without_a_place_for_a_stream_it_waits_and_does_not_ask_without_end(
    run: Run, database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    provider_api.plan = Plan(latency_s=1.5)
    crowded = ServerProcess(database_url, tmp_path, SAFELIGHT_STREAMS_MAX="1")
    crowded.environment |= {
        "SAFELIGHT_OPENAI_API_KEY": str(provider_api.key),
        "SAFELIGHT_OPENAI_BASE_URL": provider_api.base_url,
        "SAFELIGHT_OPENAI_IMAGE_MODELS": '["flux-schnell"]',
    }
    try:
        crowded.start()
        with httpx2.stream("GET", f"{crowded.url}/api/events", trust_env=False) as taken:
            assert taken.status_code == 200
            options = ("--model", "openai/flux-schnell", "-o", "heron.png")
            finished = run("generate", "a heron", *options, SAFELIGHT_URL=crowded.url)
    finally:
        crowded.stop()

    assert finished.returncode == 0, finished.stderr
    asked = [line for line in crowded.log.read_text().splitlines() if "/stream" in line]
    assert 1 <= len(asked) <= 20


def test_without_a_server_one_runs_meanwhile(run: Run, database_url: str, tmp_path: Path) -> None:
    try:
        urllib.request.urlopen("http://127.0.0.1:8000/healthz", timeout=1).close()
        pytest.skip("something runs at the default address")
    except (urllib.error.URLError, OSError):
        pass
    options = ("--model", "sketch", "--size", "128x128", "-o", "own.png")

    finished = run(
        *("generate", "a heron", *options, "--data-dir", str(tmp_path / "data")),
        SAFELIGHT_DATABASE_URL=database_url,
    )

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "own.png\n"
    assert (tmp_path / "own.png").stat().st_size > 100
    # And when that server cannot start, its sentence is passed on, once.
    failed = run(
        *("generate", "a heron", "--data-dir", str(tmp_path / "data")),
        SAFELIGHT_DATABASE_URL="postgresql://127.0.0.1:1/x",
    )
    assert failed.returncode == 1
    assert failed.stderr.count("safelight: ") == 1
    assert "127.0.0.1:1" in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1


def test_what_cannot_be_made_is_said_in_a_sentence(
    complaint: Complaint, server: ServerProcess, tmp_path: Path
) -> None:
    (tmp_path / "folder.png").mkdir()
    cases: list[tuple[tuple[str, ...], str]] = [
        (("",), "prompt"),
        (("x" * 8001,), "8,000"),
        (("a fox", "--model", "skecth"), "sketch"),
        (("a fox", "--style", "woodcut"), "watercolor"),
        (("a fox", "--size", "12x12"), "width"),
        (("a fox", "--size", "large"), "aspect_ratio"),
        (("a fox", "--model", "sketch", "--seed", "99999999999"), "seed"),
        (("a fox", "--text", "--model", "sketch"), "sketch"),
        (("a fox", "--model", "sketch", "-o", "no/such/folder/x.png"), "no/such/folder"),
        (("a fox", "--model", "sketch", "--size", "64x64", "-o", "folder.png"), "folder.png"),
    ]
    for arguments, expected in cases:
        assert expected in complaint("generate", *arguments, SAFELIGHT_URL=server.url), arguments


def test_a_text_that_cannot_be_written_is_said_in_a_sentence(
    complaint: Complaint, server: ServerProcess, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()

    said = complaint("generate", "Say x", "--text", "-o", "folder", SAFELIGHT_URL=server.url)

    assert "folder" in said


def test_a_failed_job_is_explained(
    complaint: Complaint, server: ServerProcess, provider_api: FakeOpenAI
) -> None:
    provider_api.plan = Plan(fault="refused")  # also for the server of the module

    said = complaint(
        "generate", "a fox", "--model", "openai/flux-schnell", SAFELIGHT_URL=server.url
    )

    assert "content rules" in said
    assert str(provider_api.key) not in said


@pytest.fixture
def s3() -> Iterator[str]:
    storage = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    storage.start()
    url = "http://{}:{}".format(*storage.get_host_and_port())
    assert httpx2.put(f"{url}/pictures", trust_env=False).status_code == 200
    yield url
    storage.stop()


def test_a_picture_that_the_storage_would_send_is_fetched_from_the_server(
    run: Run, server_process: ServerProcess, s3: str, tmp_path: Path
) -> None:
    """Its link has a query already, and without our word it leads to the storage."""
    server_process.environment |= {
        "SAFELIGHT_STORAGE_URL": "s3://pictures/here",
        "SAFELIGHT_MEDIA_DELIVERY": "direct",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "a storage secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3,
    }
    server_process.start()
    options = ("--model", "sketch", "--size", "64x64", "-o", "heron.png")

    finished = run("generate", "a heron", *options, SAFELIGHT_URL=server_process.url)

    assert finished.stdout == "heron.png\n", finished.stderr
    with Image.open(tmp_path / "heron.png") as picture:
        assert picture.size == (64, 64)


def test_a_job_whose_stream_there_is_no_place_for_is_waited_for_without_haste(
    run: Run, server_process: ServerProcess, provider_api: FakeOpenAI
) -> None:
    provider_api.plan = Plan(latency_s=1.5)
    server_process.environment |= {
        "SAFELIGHT_STREAMS_MAX": "1",
        "SAFELIGHT_OPENAI_API_KEY": str(provider_api.key),
        "SAFELIGHT_OPENAI_BASE_URL": provider_api.base_url,
        "SAFELIGHT_OPENAI_IMAGE_MODELS": '["flux-schnell"]',
    }
    server_process.start()
    url = server_process.url
    with (
        httpx2.Client(trust_env=False) as other,
        other.stream("GET", f"{url}/api/events") as taken,
    ):
        assert taken.status_code == 200
        finished = run(
            "generate", "a heron", "--model", "openai/flux-schnell", "-o", "h.png", "--server", url
        )

    assert finished.stdout == "h.png\n", finished.stderr
    looks = [line for line in server_process.log.read_text().splitlines() if "/stream" in line]
    assert looks
    assert all("503" in line for line in looks)
    # Each is followed by a question that is answered when something changes: the stage, or the end.
    assert len(looks) <= 12


def test_a_named_server_that_does_not_answer_is_not_replaced(complaint: Complaint) -> None:
    for url in ("http://127.0.0.1:1", "nonsense", "http://[::1", "ftp://127.0.0.1:1"):
        for command in (("generate", "a fox"), ("jobs",), ("models",)):
            assert url in complaint(*command, "--server", url)


def test_jobs_and_models_are_listed(run: Run, server: ServerProcess) -> None:
    run("generate", "a heron", "--model", "sketch", "--size", "128x128", SAFELIGHT_URL=server.url)

    jobs = run("jobs", SAFELIGHT_URL=server.url, COLUMNS="200")
    none = run("jobs", "--status", "failed", SAFELIGHT_URL=server.url, COLUMNS="200")
    found = run("jobs", "-q", "her", "--limit", "1", SAFELIGHT_URL=server.url, COLUMNS="200")
    models = run("models", SAFELIGHT_URL=server.url, COLUMNS="200")

    assert jobs.returncode == models.returncode == 0, jobs.stderr + models.stderr
    assert "a heron" in jobs.stdout
    assert "completed" in jobs.stdout
    assert "a heron" not in none.stdout
    assert "a heron" in found.stdout
    assert "sketch" in models.stdout
    assert "ready" in models.stdout
    assert "SAFELIGHT_" in models.stdout, "how to switch the others on"


def test_a_wrong_filter_is_said_in_a_sentence(complaint: Complaint, server: ServerProcess) -> None:
    said = complaint("jobs", "--status", "done", SAFELIGHT_URL=server.url)

    assert "status" in said


def test_a_prompt_with_markup_is_listed_as_it_is(run: Run, server: ServerProcess) -> None:
    prompt = "a [bold]fox[/bold] [/] [red"
    run("generate", prompt, "--model", "sketch", "--size", "128x128", SAFELIGHT_URL=server.url)

    jobs = run("jobs", SAFELIGHT_URL=server.url, COLUMNS="200")

    assert jobs.returncode == 0, jobs.stderr
    assert prompt in jobs.stdout


def test_the_openapi_document_and_the_version_need_no_server(run: Run) -> None:
    document: dict[str, Any] = json.loads(run("openapi").stdout)
    version = run("version")

    assert document["info"]["version"] == __version__ == version.stdout.strip()
    assert "/api/jobs" in document["paths"]


def test_without_a_command_there_is_help(run: Run) -> None:
    assert "generate" in run("--help").stdout
    unknown = run("paint")
    assert unknown.returncode == 2
    assert "Traceback" not in unknown.stderr
