"""Servers that can be killed, with a provider that is slow on purpose."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.fakes.openai_server import KEY, FakeOpenAI
from tests.faults.harness import lab_process
from tests.studio import ServerProcess

CALL = "POST /v1/images/generations"
MODEL = "openai/flux-schnell"


def server_settings(provider_api: FakeOpenAI, **more: str) -> dict[str, str]:
    """The environment of a server that asks the fake provider."""
    return {
        "SAFELIGHT_OPENAI_API_KEY": KEY,
        "SAFELIGHT_OPENAI_BASE_URL": f"{provider_api.url}/v1",
        "SAFELIGHT_OPENAI_IMAGE_MODELS": json.dumps(["flux-schnell"]),
        "SAFELIGHT_OPENAI_TEXT_MODELS": json.dumps(["tiny-chat"]),
        "SAFELIGHT_OPENAI_DIALECT": json.dumps({"seed": True, "negative_prompt": True}),
        "SAFELIGHT_SKETCH": "false",
        "SAFELIGHT_BACKOFF_MAX_S": "0.05",
        "SAFELIGHT_JOBS_AT_ONCE": "20",
    } | more


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A data folder that root's PostgreSQL, which is another user, can reach."""
    folder = Path(tempfile.mkdtemp(prefix="safelight-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def serve(
    provider_api: FakeOpenAI,
    open_folder: Path,  # so that servers are stopped before their folder is removed
) -> Iterator[Callable[..., ServerProcess]]:
    """Make servers, not yet started; those that still run afterwards are stopped."""
    made: list[ServerProcess] = []

    def make(database_url: str | None, data_dir: Path, **more: str) -> ServerProcess:
        data_dir.mkdir(exist_ok=True)
        made.append(ServerProcess(database_url, data_dir, **server_settings(provider_api, **more)))
        return made[-1]

    yield make
    for server in made:
        if server.process and server.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                server.process.send_signal(signal.SIGCONT)
        server.stop()


async def eventually(true: Callable[[], Any], within_s: float = 20, why: str = "") -> Any:
    """The first true answer of `true`, which may be async."""
    import asyncio  # noqa: PLC0415

    deadline = time.monotonic() + within_s
    while True:
        answer = true()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < deadline, why or "it did not come true"
        await asyncio.sleep(0.02)


async def submit_many(url: str, count: int, **order: Any) -> list[str]:
    """Distinct small pictures, never reused. Returns the jobs' ids."""
    small = {"parameters": {"width": 64, "height": 64}} if "type" not in order else {}
    body: dict[str, Any] = {"model": MODEL, "reuse": "never"} | small | order
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        ids = []
        for number in range(count):
            answer = await client.post("/api/jobs", json=body | {"prompt": f"heron {number}"})
            assert answer.status_code == 202, answer.text
            ids.append(answer.json()["id"])
        return ids


def database_of(folder: Path) -> str:
    """Where the embedded database of that data folder listens."""
    socket_dir = (folder / "postgres" / "socket_dir").read_text().strip()
    return f"postgresql://postgres@/postgres?host={socket_dir}"


class Ledger:
    """What the database says, whichever server is alive."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._url)
        try:
            return await connection.fetch(sql, *values)
        finally:
            await connection.close()

    async def value(self, sql: str, *values: Any) -> Any:
        return (await self.fetch(sql, *values))[0][0]

    async def statuses(self) -> dict[str, int]:
        rows = await self.fetch("SELECT status, count(*) FROM jobs GROUP BY status")
        return {row["status"]: row["count"] for row in rows}

    async def all_completed(self, count: int) -> bool:
        return await self.statuses() == {"completed": count}

    async def assert_exactly_once(self, count: int) -> None:
        """Each of `count` one-picture jobs has one output, one asset, one end, and no leftovers."""
        assert await self.statuses() == {"completed": count}
        for wrong, sql in {
            "outputs": "SELECT id FROM jobs LEFT JOIN outputs ON job_id = id"
            " WHERE outputs.status = 'completed' GROUP BY id HAVING count(*) <> 1",
            "no outputs": "SELECT id FROM jobs WHERE id NOT IN (SELECT job_id FROM outputs)",
            "assets": "SELECT job_id FROM assets GROUP BY job_id, index HAVING count(*) > 1",
            "ends": "SELECT job_id FROM events WHERE kind IN ('completed', 'failed', 'cancelled')"
            " GROUP BY job_id HAVING count(*) <> 1",
            "charges": "SELECT id FROM jobs WHERE charged IS DISTINCT FROM price",
        }.items():
            assert await self.fetch(sql) == [], wrong
        assert await self.value("SELECT count(*) FROM assets") == count
        assert await self.value("SELECT count(*) FROM events WHERE kind = 'completed'") == count


@pytest.fixture
async def lab_url() -> AsyncIterator[str]:
    """The fake providers, as a process that outlives the servers."""
    async with lab_process() as url:
        yield url
