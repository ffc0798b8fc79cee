"""A fleet: one server for HTTP and some workers on one PostgreSQL, as processes that really die.

Whoever dies is replaced, as a service manager would do it. The fake providers are a process of
their own, so that they outlive everybody and remember what was asked of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.lab_api import Weather

ROOT = Path(__file__).parents[2]
CLOCKS = Path(__file__).parent / "clocks"
API = "api"
READY_WITHIN_S = 60.0


@dataclass
class Member:
    """One place in the fleet and the process that fills it now."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    folder: Path
    lives: int = 0
    ready_life: int = 0
    pid: int | None = None
    wanted: bool = False
    expected: bool = False  # its next death is one we brought about
    died: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.{self.lives}.log"

    @property
    def clock(self) -> Path:
        """By how many seconds its clock is wrong; for fleets with `clocks`."""
        return self.folder / f"{self.name}.clock"

    @property
    def orders(self) -> Path:
        return self.folder / f"{self.name}.orders"

    @property
    def is_ready(self) -> bool:
        if self.pid is None or not self.log.exists():
            return False
        if self.ready_life != self.lives and b"ready\n" in self.log.read_bytes():
            self.ready_life = self.lives
        return self.ready_life == self.lives

    def signal(self, number: signal.Signals) -> None:
        assert self.pid
        os.kill(self.pid, number)


@dataclass(frozen=True)
class Death:
    name: str
    at: float  # time.time()
    code: int
    expected: bool
    last_words: str


class Fleet:
    """Use `running`. settings: the environment of every member, without SAFELIGHT_. clocks: that
    of every member can be set; environment: what all of them are started in besides."""

    def __init__(
        self,
        database_url: str,
        folder: Path,
        lab_url: str,
        *,
        timeout_s: float = 10.0,
        clocks: bool = False,
        environment: dict[str, str] | None = None,
        **settings: str,
    ) -> None:
        self.folder = folder
        self.database_url = database_url
        self.lab_url = lab_url
        self.deaths: list[Death] = []
        self.members: dict[str, Member] = {}
        self._settings = {
            "LAB_URL": lab_url,
            "LAB_TIMEOUT_S": f"{timeout_s:g}",
            "SAFELIGHT_DATABASE_URL": database_url,
            "SAFELIGHT_BACKOFF_MAX_S": "0.3",
            "SAFELIGHT_JOBS_AT_ONCE": "20",
            "SAFELIGHT_LOG_LEVEL": "warning",
        } | {f"SAFELIGHT_{name.upper()}": value for name, value in settings.items()}
        self._environment = environment or {}
        if clocks:
            paths = [str(CLOCKS), *filter(None, [os.environ.get("PYTHONPATH")])]
            self._environment["PYTHONPATH"] = os.pathsep.join(paths)
        self._nursery: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._births: list[asyncio.Task[None]] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls, database_url: str, lab_url: str, *, apis: int = 1, workers: int = 3, **settings: Any
    ) -> AsyncIterator[Fleet]:
        """All of it, ready; afterwards nothing of it is left."""
        folder = Path(tempfile.mkdtemp(prefix="safelight-fleet-"))
        folder.chmod(0o755)
        fleet = cls(database_url, folder, lab_url, **settings)
        try:
            await fleet._open()
            for number in range(apis):
                fleet._add_api(API if apis == 1 else f"{API}-{number + 1}")
            for number in range(workers):
                fleet.add(f"worker-{number + 1}", 0, "--worker-only")
            for member in fleet.members.values():
                await fleet.start(member.name)
            await fleet.all_ready()
            yield fleet
            for death in fleet.deaths:
                assert death.expected, f"{death.name} died: {death.code}\n{death.last_words}"
        finally:
            await fleet._close()
            if kept := os.environ.get("TORTURE_KEEP"):
                shutil.copytree(folder, kept, dirs_exist_ok=True)
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return self.url_of(API)

    def url_of(self, name: str) -> str:
        return f"http://127.0.0.1:{self.members[name].arguments[0]}"

    @property
    def urls(self) -> list[str]:
        """Of all servers."""
        return [self.url_of(name) for name in self.members if name.startswith(API)]

    @property
    def workers(self) -> list[str]:
        return [name for name in self.members if not name.startswith(API)]

    def add(self, name: str, port: int, *arguments: str, **settings: str) -> None:
        """A place that is not yet filled."""
        environment = self._settings | {
            f"SAFELIGHT_{key.upper()}": value for key, value in settings.items()
        }
        member = Member(name, [], environment, self.folder)
        member.arguments = [str(port), str(self.folder / "data"), *arguments]
        member.arguments += ["--orders", str(member.orders)]
        member.clock.write_bytes(struct.pack("d", 0))
        environment["CLOCK_FILE"] = str(member.clock)
        self.members[name] = member

    async def start(self, name: str) -> None:
        """Fill the place, and keep it filled."""
        member = self.members[name]
        member.wanted = True
        await self._bear(member)

    async def all_ready(self) -> None:
        for name in self.members:
            await self.ready(name)

    async def ready(self, name: str) -> Member:
        """The member once it works."""
        member = self.members[name]
        lives, deadline = member.lives, time.monotonic() + READY_WITHIN_S
        while not member.is_ready:
            assert member.lives < lives + 5, f"{name} does not start\n{self.last_words(name)}"
            assert time.monotonic() < deadline, f"{name} is not ready\n{self.last_words(name)}"
            await asyncio.sleep(0.02)
        return member

    async def kill(self, name: str, *, again: bool = True) -> None:
        """SIGKILL, and wait until it is gone. again: somebody takes its place at once."""
        member = self.members[name]
        member.wanted, member.expected = again, True
        member.died.clear()
        member.signal(signal.SIGKILL)
        await asyncio.wait_for(member.died.wait(), 30)

    async def stop(self, name: str) -> int:
        """SIGTERM, and wait. Returns its exit code."""
        member = self.members[name]
        member.wanted, member.expected = False, True
        member.died.clear()
        member.signal(signal.SIGTERM)
        await asyncio.wait_for(member.died.wait(), 60)
        return next(death.code for death in reversed(self.deaths) if death.name == name)

    async def crash_at(self, name: str, point: str, times: int = 1) -> None:
        """Let it die when it comes to `point` for the `times`-th time from now on."""
        member = await self.ready(name)
        member.expected = True
        member.died.clear()
        member.orders.write_text(f"{point} {times}\n")
        member.signal(signal.SIGUSR1)

    def set_clock(self, name: str, wrong_by_s: float) -> None:
        """Let its clock jump: from now on it is that much ahead of the true time, or behind."""
        with self.members[name].clock.open("r+b") as file:
            file.write(struct.pack("d", wrong_by_s))

    def last_words(self, name: str) -> str:
        """The end of the log of its last few lives."""
        logs = sorted(self.folder.glob(f"{name}.*.log"), key=lambda path: path.stat().st_mtime)
        return "\n".join(f"--- {log.name}\n{log.read_text()[-2000:]}" for log in logs[-2:])

    def complaints(self, *but: str) -> list[str]:
        """Lines of all logs that tell of something broken, but for events that begin so."""
        found = []
        for log in sorted(self.folder.glob("*.log")):
            for line in log.read_text(errors="replace").splitlines():
                with contextlib.suppress(ValueError, AttributeError):
                    said = json.loads(line)
                    expected = str(said.get("event", "")).startswith(but)
                    if said.get("level") in ("error", "critical") and not expected:
                        found.append(f"{log.name}: {_ends_of(line)}")
        return found

    async def weather(self, **of: Weather) -> None:
        """What the providers' next calls meet: `lab=Weather(…)`, `snap=Weather(…)`."""
        body = {name: vars(weather) for name, weather in of.items()}
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self.lab_url}/_weather", json=body)
            assert answer.status_code == 200, answer.text

    async def books(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What the providers counted: provider → key → line."""
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
            return dict((await client.get(f"{self.lab_url}/_books")).json())

    def _add_api(self, name: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.add(name, port, "--no-worker")

    async def _open(self) -> None:
        (self.folder / "data").mkdir()
        self._nursery = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.nursery",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=os.environ
            | {"OPENBLAS_NUM_THREADS": "1", "VIPS_CONCURRENCY": "1"}
            | self._environment,
        )
        self._listening = asyncio.create_task(self._listen())

    async def _close(self) -> None:
        for member in self.members.values():
            member.wanted, member.expected = False, True
        if self._nursery:
            assert self._nursery.stdin
            self._nursery.stdin.close()
            await self._nursery.wait()
        if self._listening:
            await self._listening

    async def _bear(self, member: Member) -> None:
        assert self._nursery and self._nursery.stdin
        member.lives += 1
        member.log.touch()
        order = {
            "name": member.name,
            "arguments": member.arguments,
            "environment": member.environment,
            "log": str(member.log),
        }
        with contextlib.suppress(ConnectionError):  # everything is being closed
            self._nursery.stdin.write(json.dumps(order).encode() + b"\n")
            await self._nursery.stdin.drain()

    async def _listen(self) -> None:
        assert self._nursery and self._nursery.stdout
        async for line in self._nursery.stdout:
            news = json.loads(line)
            if "name" in news:
                self.members[news["name"]].pid = news["pid"]
                continue
            member = next(one for one in self.members.values() if one.pid == news["pid"])
            words = "" if member.expected else member.log.read_text(errors="replace")[-3000:]
            self.deaths.append(
                Death(member.name, time.time(), news["code"], member.expected, words)
            )
            member.pid, member.expected = None, False
            member.died.set()
            if member.wanted:
                self._births.append(asyncio.create_task(self._replace(member, news["code"])))

    async def _replace(self, member: Member, code: int) -> None:
        if code != -signal.SIGKILL:
            await asyncio.sleep(0.3)  # it could not start: the database may be away
        if member.wanted:
            await self._bear(member)


@contextlib.asynccontextmanager
async def lab_process() -> AsyncIterator[str]:
    """The fake providers as a process; their address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.fakes.lab_api",
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout
    try:
        yield (await process.stdout.readline()).decode().split()[1]
    finally:
        process.terminate()
        await process.wait()


def _ends_of(line: str) -> str:
    """What happened stands at the begin of a line, and why, behind a long traceback, at its end."""
    return line if len(line) <= 2000 else f"{line[:400]} … {line[-1600:]}"
