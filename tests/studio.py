"""A Safelight to test against: in this process, or as one that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from safelight.database.pool import Database
from safelight.http.protocol import server_config
from safelight.http.shop import Shop
from safelight.settings import Settings
from safelight.wiring import build_app, open_shop
from tests.fakes.openai_server import KEY, FakeOpenAI

ENDED = ("completed", "failed", "cancelled")


class _QuietServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:  # the test run keeps its own
        yield


@dataclass
class Studio:
    """What a test does: through HTTP as a user would, and a look into the database."""

    client: httpx2.AsyncClient
    shop: Shop
    provider_api: FakeOpenAI
    url: str

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, database_url: str, folder: Path, provider_api: FakeOpenAI, **settings: Any
    ) -> AsyncIterator[Studio]:
        """settings: any of `Settings`; `with_worker=False` leaves the queue alone."""
        with_worker = settings.pop("with_worker", True)
        given: dict[str, Any] = {
            "database_url": database_url,
            "data_dir": folder,
            "openai_api_key": KEY,
            "openai_base_url": f"{provider_api.url}/v1",
            "openai_image_models": ["gpt-image-2", "flux-schnell"],
            "openai_text_models": ["gpt-6-luna", "tiny-chat"],
            "openai_dialect": {"seed": True, "negative_prompt": True},
            "backoff_max_s": 0.05,
            "painters": 1,
        }
        known = Settings(**(given | settings))
        async with open_shop(known, with_worker=with_worker) as shop:
            server = _QuietServer(server_config(build_app(known, shop)))
            # The protocol is named so that asyncio turns Nagle's delay off: 40 ms an answer.
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listener.bind(("127.0.0.1", 0))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
                yield cls(client, shop, provider_api, url)
            shop.stopping = True
            server.should_exit = True
            await serving

    @property
    def database(self) -> Database:
        return self.shop.database

    async def submit(self, prompt: str = "a red bicycle", **order: Any) -> dict[str, Any]:
        """POST /api/jobs, which must be accepted. Returns the job."""
        headers = {}
        if key := order.pop("idempotency_key", None):
            headers["Idempotency-Key"] = key
        body = {"prompt": prompt} | order
        answer = await self.client.post("/api/jobs", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    async def get(self, job_id: str, **query: Any) -> dict[str, Any]:
        answer = await self.client.get(f"/api/jobs/{job_id}", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def ended(self, job: dict[str, Any], within_s: float = 30) -> dict[str, Any]:
        """The job once it has ended."""
        deadline = time.monotonic() + within_s
        while job["status"] not in ENDED:
            assert time.monotonic() < deadline, f"still {job['status']}, {job['stage']}"
            job = await self.get(job["id"], wait=2)
        return job

    async def generate(self, prompt: str = "a red bicycle", **order: Any) -> dict[str, Any]:
        """Submit and wait for the end."""
        return await self.ended(await self.submit(prompt, **order))

    async def events(self, path: str, **options: Any) -> AsyncIterator[dict[str, Any]]:
        """The stream's events: {"id", "event", "data"}, until the server ends it."""
        async with self.client.stream("GET", path, **options) as answer:
            assert answer.status_code == 200
            async for event in parse_events(answer.aiter_bytes()):
                yield event


async def parse_events(chunks: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """Events of a stream, whole ones only: what a cut leaves unfinished is dropped, as a browser
    does it."""
    buffer = b""
    async for chunk in chunks:
        buffer += chunk
        while b"\n\n" in buffer:
            block, _, buffer = buffer.partition(b"\n\n")
            event: dict[str, Any] = {}
            for line in block.decode().split("\n"):
                name, _, value = line.partition(": ")
                if name:
                    event[name] = value
            if "data" in event:
                event["data"] = json.loads(event["data"])
            if event:
                yield event


class ServerProcess:
    """`safelight serve` on a database of its own, in a process that can be killed."""

    def __init__(self, database_url: str | None, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.environment = environment
        if database_url:
            self.environment["SAFELIGHT_DATABASE_URL"] = database_url
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.log = data_dir / "server.log"

    def start(self, *arguments: str) -> None:
        """Start it and wait until it is ready."""
        command = [sys.executable, "-m", "safelight", "serve", "--port", str(self.port)]
        command += ["--data-dir", str(self.data_dir), *arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stderr=log, stdout=log, env=os.environ | self.environment
            )
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            with contextlib.suppress(httpx2.HTTPError):
                if httpx2.get(f"{self.url}/readyz", trust_env=False).status_code == 200:
                    return
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL: no goodbye of any kind."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> int | None:
        """SIGTERM, and wait. Returns the exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.terminate()
        code = self.process.wait(timeout=60)
        self.process = None
        return code
