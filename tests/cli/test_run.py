"""Starting, stopping, and what is left behind: nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.studio import ServerProcess

ORDER = {"prompt": "a heron", "model": "sketch", "parameters": {"width": 128, "height": 128}}


def processes_with(text: str) -> list[str]:
    """The command lines of all living processes that mention `text`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if text in command and int(folder.name) != os.getpid():
            found.append(command)
    return found


def until(happened: Callable[[], Any], within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def client(server: ServerProcess) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, trust_env=False, timeout=30)


def ended(http: httpx2.Client, job: dict[str, Any], within_s: float = 30) -> dict[str, Any]:
    deadline = time.monotonic() + within_s
    while job["status"] in ("pending", "processing"):
        assert time.monotonic() < deadline, job
        job = http.get(f"/api/jobs/{job['id']}?wait=2").json()
    return job


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.timing
def test_a_signal_stops_everything_with_its_own_database(
    data_dir: Path, number: signal.Signals
) -> None:
    server = ServerProcess(None, data_dir)
    server.start()
    assert server.process
    assert any("postgres" in command for command in processes_with(str(data_dir)))
    with client(server) as http:
        assert ended(http, http.post("/api/jobs", json=ORDER).json())["status"] == "completed"
    begin = time.monotonic()

    server.process.send_signal(number)

    assert server.process.wait(30) == 0
    assert time.monotonic() - begin < 8
    assert processes_with(str(data_dir)) == []
    assert not (data_dir / "postgres" / "cluster" / "postmaster.pid").exists()
    assert "Traceback" not in server.log.read_text()

    if number == signal.SIGINT:
        return
    # The second start finds everything there and answers soon.
    begin = time.monotonic()
    server.start()
    with client(server) as http:
        assert http.get("/api/jobs").json()["total_estimate"] == 1
        assert "server" not in http.get("/api/me").headers
    took_s = time.monotonic() - begin
    # Where four programs share two cores, three seconds of work take six, and more beside a build.
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert took_s < 5 * busy, (took_s, busy)
    assert server.stop() == 0
    assert processes_with(str(data_dir)) == []


@pytest.mark.parametrize(
    ("number", "started_by"),
    [
        (signal.SIGINT, ()),
        (signal.SIGTERM, ()),
        (signal.SIGTERM, ("sh", "-c", 'trap "" INT; exec "$@"', "sh")),
    ],
    ids=["SIGINT", "SIGTERM", "SIGTERM to one in the background"],
)
def test_a_signal_during_the_first_start_leaves_no_database_running(
    data_dir: Path, number: signal.Signals, started_by: tuple[str, ...]
) -> None:
    server = ServerProcess(None, data_dir)
    command = [*started_by, sys.executable, "-m", "safelight", "serve"]
    command += ["--port", str(server.port)]
    with server.log.open("wb") as log:
        process = subprocess.Popen([*command, "--data-dir", str(data_dir)], stdout=log, stderr=log)
    until((data_dir / "postgres" / "cluster" / "postmaster.pid").exists)

    process.send_signal(number)

    try:
        process.wait(30)
    finally:
        process.kill()
    assert processes_with(str(data_dir)) == []
    assert "Traceback" not in server.log.read_text()


def test_a_stopping_server_tells_its_readers_and_gives_unfinished_work_back(
    server_process: ServerProcess, provider_api: Any
) -> None:
    server_process.environment |= {
        "SAFELIGHT_OPENAI_API_KEY": provider_api.key,
        "SAFELIGHT_OPENAI_BASE_URL": provider_api.base_url,
        "SAFELIGHT_OPENAI_IMAGE_MODELS": '["flux-schnell"]',
        "SAFELIGHT_GRACEFUL_STOP_S": "0.2",
    }
    provider_api.plan = type(provider_api.plan)(fault="hang")
    server_process.start()
    with client(server_process) as http:
        order = {"prompt": "a heron", "model": "openai/flux-schnell"}
        job = http.post("/api/jobs", json=order).json()
        until(lambda: provider_api.counts["POST /v1/images/generations"])
        with http.stream("GET", f"/api/jobs/{job['id']}/stream") as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("id: ")

            assert server_process.process
            server_process.process.terminate()

            told = list(lines)
    assert [line for line in told if line.startswith("event: ")][-1] == "event: reconnect"
    assert server_process.stop() == 0
    provider_api.plan = type(provider_api.plan)()
    server_process.start()
    with client(server_process) as http:
        done = ended(http, http.get(f"/api/jobs/{job['id']}").json())
    assert done["status"] == "completed"


def test_a_server_that_still_answers_somebody_takes_no_new_jobs_after_the_signal(
    server_process: ServerProcess, provider_api: Any
) -> None:
    server_process.environment |= {
        "SAFELIGHT_OPENAI_API_KEY": provider_api.key,
        "SAFELIGHT_OPENAI_BASE_URL": provider_api.base_url,
        "SAFELIGHT_OPENAI_IMAGE_MODELS": '["flux-schnell"]',
        "SAFELIGHT_JOBS_AT_ONCE": "2",
    }
    provider_api.plan = type(provider_api.plan)(latency_s=0.5)
    server_process.start()
    order = {"prompt": "a heron", "model": "openai/flux-schnell", "reuse": "never"}
    with (
        client(server_process) as http,
        socket.create_connection(("127.0.0.1", server_process.port)) as slow,
    ):
        slow.sendall(b"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n")
        for _ in range(20):
            http.post("/api/jobs", json=order)
        until(lambda: provider_api.counts["POST /v1/images/generations"] >= 2)

        assert server_process.stop() == 0

    assert provider_api.counts["POST /v1/images/generations"] <= 6


def test_what_is_served_keeps_the_bounds_of_a_requests_head(server_process: ServerProcess) -> None:
    server_process.start("--no-worker")

    with client(server_process) as http:
        statuses = [
            http.get("/healthz", headers={"X-Much": "x" * size}).status_code
            for size in (16_000, 17_000)
        ]
        statuses.append(http.get("/healthz?" + "x" * 8200).status_code)

    assert statuses == [200, 431, 414]


def test_a_worker_alone_does_the_work_of_a_server_without_one(
    server_process: ServerProcess, tmp_path: Path
) -> None:
    server_process.start("--no-worker")
    with client(server_process) as http:
        job = http.post("/api/jobs", json=ORDER).json()
        assert http.get("/readyz").json()["worker"] == "elsewhere"
        assert http.get(f"/api/jobs/{job['id']}?wait=0.5").json()["status"] == "pending"

        worker = subprocess.Popen(
            [sys.executable, "-m", "safelight", "worker", "--data-dir", str(tmp_path)],
            env=os.environ | server_process.environment,
            stderr=subprocess.DEVNULL,
        )
        try:
            done = ended(http, job)
        finally:
            worker.send_signal(signal.SIGINT)

        assert worker.wait(30) == 0
        assert done["status"] == "completed"
        picture = http.get(done["outputs"][0]["asset"]["url"])
        assert picture.status_code == 200


def test_several_workers_start_and_stop_with_the_server(server_process: ServerProcess) -> None:
    server_process.start("--workers", "2")
    mark = f"worker --data-dir {server_process.data_dir}"
    until(lambda: len(processes_with(mark)) == 1)

    assert server_process.stop() == 0

    assert processes_with(mark) == []
