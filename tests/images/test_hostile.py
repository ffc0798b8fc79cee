"""T14: hostile pictures, each through HTTP to a real server, cost little and break nothing."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from safelight.images.headers import Undecodable, read_header
from tests.conftest import Cluster
from tests.images.hostile import SCRIPT, SECRET, Hostile, bomb_13000, corpus, mutated
from tests.images.parts import strangers
from tests.images.pictures import opened
from tests.studio import ServerProcess

LONG = bool(os.environ.get("TORTURE"))
MEBIBYTE = 1 << 20
CHILD_BYTES_MAX = 512 * MEBIBYTE
LIMITS = (
    rf"Max address space +{CHILD_BYTES_MAX} ",
    r"Max file size +0 ",
    r"Max open files +[0-9] ",
    r"Max cpu time +[0-9]+ ",
)
AT_ONCE = 4


@pytest.fixture(scope="module")
def server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without a worker: only uploads are decoded in it."""
    url = asyncio.run(cluster.clone())
    process = ServerProcess(url, tmp_path_factory.mktemp("server"))
    process.start("--no-worker")
    yield process
    assert process.process is not None
    assert process.process.poll() is None, "the server has died"
    process.stop()
    asyncio.run(cluster.drop(url))


def memory(pid: int, what: str = "VmRSS") -> int:
    """Bytes, as the kernel says it. Raises: OSError when the process is gone."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


def darkrooms(server: ServerProcess) -> list[int]:
    """The decoding processes that run at this moment."""
    assert server.process is not None
    tasks = Path(f"/proc/{server.process.pid}/task").iterdir()
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    return [
        int(child)
        for child in children
        if b"darkroom_child" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@dataclass
class Seen:
    """What became of all the files."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    peak: int = 0  # bytes of memory a decoding process ever had
    at_once: int = 0  # decoding processes that lived at a time
    limited: dict[int, bool] = field(default_factory=dict)  # by process, as it was seen last


async def watch(server: ServerProcess, seen: Seen) -> None:
    """Look at the decoding processes, again and again."""
    while True:
        try:
            living = darkrooms(server)
            seen.at_once = max(seen.at_once, len(living))
            for child in living:
                seen.peak = max(seen.peak, memory(child, "VmPeak"))
                limits = Path(f"/proc/{child}/limits").read_text()
                seen.limited[child] = all(re.search(limit, limits) for limit in LIMITS)
        except (OSError, ProcessLookupError):
            pass  # it ended while it was looked at
        await asyncio.sleep(0.02)


async def send_all(server: ServerProcess, files: list[Hostile]) -> Seen:
    seen = Seen()
    waiting = iter(files)
    watching = asyncio.create_task(watch(server, seen))
    async with httpx2.AsyncClient(base_url=server.url, timeout=120, trust_env=False) as client:

        async def sender() -> None:
            for hostile in waiting:
                await send(client, hostile, seen)

        await asyncio.gather(*(sender() for _ in range(AT_ONCE)))
    watching.cancel()
    return seen


async def send(client: httpx2.AsyncClient, hostile: Hostile, seen: Seen) -> None:
    file = {"file": ("holiday.png", hostile.data, "image/png")}
    answer = await client.post("/api/assets", files=file)
    seen.statuses[answer.status_code] += 1
    if answer.status_code in (200, 201):
        asset = answer.json()
        for url in (asset["url"], asset["thumbnails"]["640"]):
            shown = await client.get(url)
            seen.wrong += [f"{hostile.name}: {fault}" for fault in faults(shown)]
    elif answer.status_code in (413, 415):
        problem = answer.json()
        if not problem["detail"].endswith((".", ")")) or "Traceback" in answer.text:
            seen.wrong.append(f"{hostile.name}: {problem['detail']}")
    else:
        seen.wrong.append(f"{hostile.name}: {answer.status_code} {answer.text[:200]}")


def faults(shown: httpx2.Response) -> Iterator[str]:
    """What is wrong with a picture as it is given to others."""
    data = shown.content
    image = opened(data)
    if shown.headers["content-type"] != f"image/{(image.format or '').lower()}":
        yield f"{shown.headers['content-type']} is {image.format}"
    if found := strangers(data):
        yield f"has {found}"
    if SECRET in data or SCRIPT in data or len(image.getexif()):
        yield "says more than its pixels"
    if "sandbox" not in shown.headers["content-security-policy"]:
        yield "may run scripts"


async def test_hostile_pictures_cost_little_and_what_is_kept_is_clean(
    server: ServerProcess,
) -> None:
    files = corpus() + (list(mutated(20_000, seed=14)) if LONG else [])
    assert len(files) >= 300

    seen = await send_all(server, files)

    print(f"{len(files)} files: {dict(seen.statuses)}, {seen.at_once} processes at a time,"
          f" at most {seen.peak / MEBIBYTE:.0f} MiB")  # fmt: skip
    assert seen.wrong == []
    assert set(seen.statuses) <= {200, 201, 413, 415}
    assert seen.statuses[201] >= 40, "good ones among them are kept"
    assert seen.statuses[415] >= 150
    assert 0 < seen.peak <= CHILD_BYTES_MAX
    assert seen.at_once <= 2
    assert all(seen.limited.values())
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "a request broke" not in log
    assert httpx2.get(f"{server.url}/readyz", trust_env=False).status_code == 200


@pytest.mark.timing
async def test_a_bomb_is_refused_for_its_header_and_needs_no_memory(server: ServerProcess) -> None:
    bomb = bomb_13000()
    nothing = bytes(
        len(bomb)
    )  # refused at its first byte: what an upload of that size costs anyway
    assert 400_000 < len(bomb) < 700_000
    assert server.process is not None
    took: dict[bytes, list[float]] = {bomb: [], nothing: []}
    async with httpx2.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client:
        for round_ in range(25):
            for data, times in took.items():
                begin = time.perf_counter()
                answer = await client.post("/api/assets", files={"file": ("a.png", data)})
                times.append(time.perf_counter() - begin)
                assert answer.status_code == (413 if data is bomb else 415), answer.text
                assert ("13000×13000" in answer.text) == (data is bomb)
            if round_ == 5:
                before = memory(server.process.pid, "VmHWM")
        after = memory(server.process.pid, "VmHWM")

    ours, theirs = (statistics.median(times) for times in took.values())
    print(f"refused in {1000 * ours:.1f} ms; nothing in {1000 * theirs:.1f} ms;"
          f" memory grew by {(after - before) / MEBIBYTE:.1f} MiB")  # fmt: skip
    assert ours < 2 * theirs + 0.005
    assert after - before < 16 * MEBIBYTE


@pytest.mark.timing
def test_reading_a_header_costs_less_than_reading_the_file() -> None:
    """Every file, however it is made: against the time its SHA-256 takes, and a millisecond."""
    slow = []
    for hostile in corpus():
        begin = time.perf_counter()
        hashlib.sha256(hostile.data).digest()
        once = time.perf_counter() - begin
        best = min(_read(hostile.data) for _ in range(3))
        if best > once + 0.005:
            slow.append((hostile.name, best, once))

    assert slow == []


def _read(data: bytes) -> float:
    begin = time.perf_counter()
    with contextlib.suppress(Undecodable):
        read_header(data, gif=True)
    return time.perf_counter() - begin


def test_what_a_header_says_is_what_pillow_sees() -> None:
    """The reader in plain Python against a library, wherever that opens the file at all."""
    different = []
    for hostile in [*corpus(), *mutated(500, seed=3)]:
        try:
            header = read_header(hostile.data, gif=True)
            image = opened(hostile.data) if header.width * header.height < 10_000 else None
        except (Undecodable, OSError, ValueError, SyntaxError, EOFError):
            continue
        except Image.DecompressionBombError:
            continue
        if image and image.size != (header.width, header.height):
            different.append((hostile.name, header, image.size))

    assert different == []
