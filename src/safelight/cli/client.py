"""Talking to a server from the command line: a running one, or one started for the occasion."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from safelight import settings
from safelight.cli.stop import Stop

DEFAULT_URL = "http://127.0.0.1:8000"
_START_S = 60


@contextlib.contextmanager
def connect(server: str | None, data_dir: Path | None = None) -> Iterator[httpx2.Client]:
    """A client of the given server, of the one on this machine, or of one that runs meanwhile.

    Raises: Stop when a server was named and does not answer.
    """
    url = server or DEFAULT_URL
    if is_there(url):
        with _client(url) as client:
            yield client
    elif server:
        raise Stop(f"Nothing answers at {server}.")
    else:
        with _own_server(data_dir) as own, _client(own) as client:
            yield client


def call(client: httpx2.Client, method: str, path: str, **options: Any) -> Any:
    """The JSON answer. Raises: Stop with the server's own sentence."""
    try:
        answer = client.request(method, path, **options)
    except httpx2.HTTPError as error:
        raise Stop(f"The server stopped answering: {error}") from None
    if answer.status_code >= 400:
        try:
            raise Stop(answer.json()["detail"])
        except (ValueError, KeyError):
            raise Stop(f"The server answered {answer.status_code}.") from None
    return answer.json()


def _client(url: str) -> httpx2.Client:
    key = settings.load().api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else None
    return httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False)


def is_there(url: str) -> bool:
    """Whether what answers at the address is a Safelight."""
    try:
        answer = httpx2.get(f"{url}/healthz", timeout=3, trust_env=False)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return False
    return answer.status_code == 200 and "alive" in answer.text


@contextlib.contextmanager
def _own_server(data_dir: Path | None) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "safelight", "serve", "--port", str(port)]
    if data_dir:
        command += ["--data-dir", str(data_dir)]
    process = subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + _START_S
        while not is_there(url):
            if process.poll() is not None:
                said = process.stderr.read() if process.stderr else ""
                raise Stop(said.strip().removeprefix("safelight: ") or "The server did not start.")
            if time.monotonic() > deadline:
                raise Stop("The server did not start within a minute.")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        # communicate(), not wait(): a full pipe would keep the process from ending.
        process.communicate()
