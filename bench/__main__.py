"""`make bench`: measures this checkout on this machine and prints tables.

Every figure stands beside a reference from the same run, because machines differ and change their
speed. The reference is the rate of raw durable inserts by asyncpg on the same database.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import time
from uuid import uuid4

import asyncpg

from bench.credits import fairness, overspending, reserve_and_submit
from bench.load import Result, get, load, read_answer
from bench.pictures import pictures
from bench.process import Server, running
from bench.report import order, raw_inserts, row
from safelight.jobs.listing import cursor_of

SECONDS = 4.0


async def submits() -> None:
    """Submits while nobody works on them."""
    print("\n## Submits, worker stopped\n")
    row(
        "connections",
        "submits/s",
        "p50 ms",
        "p99 ms",
        "raw inserts/s",
        "share",
        "CPU ms: server",
        "database",
    )
    row(*["---"] * 8)
    async with running("--no-worker") as server:
        await load(server.port, 4, 1.0, lambda n: order(n, "warm"), b"202")
        for connections in (1, 8, 32):
            reference = await raw_inserts(server.database_url, connections, 2.0)
            before, run = server.cpu_s(), uuid4().hex
            result = await load(
                server.port, connections, SECONDS, lambda n, r=run: order(n, r), b"202"
            )
            after = server.cpu_s()
            assert not result.failures, f"{result.failures} submits failed"
            row(
                connections,
                f"{result.rate:.0f}",
                f"{result.ms(0.5):.1f}",
                f"{result.ms(0.99):.1f}",
                f"{reference:.0f}",
                f"{result.rate / reference:.2f}",
                *_cpu_ms(before, after, len(result.latencies)),
            )


async def end_to_end(server: Server) -> None:
    """From submit to completed, as fast as it goes."""
    print("\n## End to end, provider takes no time\n")
    row("job", "jobs", "jobs/s", "raw inserts/s (8)", "share", "CPU ms: server", "database")
    row(*["---"] * 7)
    picture = {
        "model": "instant-image",
        "type": "image",
        "parameters": {"width": 64, "height": 64},
    }
    for name, jobs, more in (("text", 3000, {}), ("image 64×64", 1000, picture)):
        reference = await raw_inserts(server.database_url, 8, 2.0)
        before, run, begin = server.cpu_s(), uuid4().hex, time.perf_counter()
        await _submit_all(server, jobs, run, more)
        await _all_ended(server, jobs, run)
        rate = jobs / (time.perf_counter() - begin)
        cpu = _cpu_ms(before, server.cpu_s(), jobs)
        row(name, jobs, f"{rate:.0f}", f"{reference:.0f}", f"{rate / reference:.3f}", *cpu)


def _cpu_ms(before: tuple[float, float], after: tuple[float, float], count: int) -> list[str]:
    """Milliseconds of processor time each, of the server and of the database."""
    return [f"{1000 * (b - a) / count:.2f}" for a, b in zip(before, after, strict=True)]


async def _submit_all(server: Server, jobs: int, run: str, more: dict[str, object]) -> None:
    numbers = iter(range(jobs))

    async def submit() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for number in numbers:
            writer.write(order(number, run, **more))
            assert await read_answer(reader) == b"202"
        writer.close()

    await asyncio.gather(*(submit() for _ in range(8)))


async def _all_ended(server: Server, jobs: int, run: str) -> None:
    connection = await asyncpg.connect(server.database_url)
    sql = "SELECT count(*) FROM jobs WHERE prompt LIKE $1 AND status = 'completed'"
    while await connection.fetchval(sql, f"heron {run} %") < jobs:
        await asyncio.sleep(0.05)
    await connection.close()


async def reaction(server: Server) -> None:
    """One job at a time: from its 202 to the provider's call, from its end to a stream's client."""
    print("\n## Reaction, one job at a time\n")
    run, answered, told = uuid4().hex, {}, {}
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    stream = asyncio.create_task(_listen(server, told))
    await asyncio.sleep(0.3)
    for number in range(200):
        writer.write(order(number, run))
        assert await read_answer(reader) == b"202"
        answered[f"heron {run} {number}"] = time.time()
        await asyncio.sleep(0.02)
    await _all_ended(server, 200, run)
    await asyncio.sleep(0.2)
    stream.cancel()
    writer.close()
    calls = dict(line.split("\t") for line in (server.folder / "calls").read_text().splitlines())
    picked = Result(1, [max(0, float(calls[p]) - at) for p, at in answered.items()])
    connection = await asyncpg.connect(server.database_url)
    rows = await connection.fetch(
        "SELECT id, finished_at FROM jobs WHERE prompt LIKE $1", f"heron {run} %"
    )
    await connection.close()
    heard = [
        told[str(r["id"])] - r["finished_at"].timestamp() for r in rows if str(r["id"]) in told
    ]
    row("what", "p50 ms", "p95 ms", "p99 ms", "samples")
    row(*["---"] * 5)
    for name, result in (("202 → provider's call", picked), ("end → SSE client", Result(1, heard))):
        row(
            name, *(f"{result.ms(share):.1f}" for share in (0.5, 0.95, 0.99)), len(result.latencies)
        )


async def _listen(server: Server, told: dict[str, float]) -> None:
    """Note when the end of each job arrives on the stream of all jobs."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    kind = b""
    try:
        while line := await reader.readline():
            if line.startswith(b"event: "):
                kind = line[7:].strip()
            elif line.startswith(b"data: ") and kind == b"completed":
                told[json.loads(line[6:])["job_id"]] = time.time()
    finally:
        writer.close()


async def pages() -> None:
    """Pages of a list of 100,000 jobs, at one connection."""
    print("\n## Pages of 20 of 100,000 jobs, one connection\n")
    row("page", "p50 ms", "p99 ms", "SELECT 1 over HTTP (/healthz) p50 ms")
    row(*["---"] * 4)
    async with running("--no-worker") as server:
        connection = await asyncpg.connect(server.database_url)
        await connection.execute(_MANY_JOBS)
        await connection.execute("ANALYZE")
        oldest = await connection.fetchval("SELECT id FROM jobs ORDER BY id OFFSET 25 LIMIT 1")
        await connection.close()
        reference = await load(server.port, 1, 1.0, lambda _: get("/healthz"), b"200")
        for name, query in (
            ("first", ""),
            ("last", f"&cursor={cursor_of(oldest)}"),
            ("filtered, first", "&status=completed&model=sketch"),
            ("a word 1 in 1,000 has", "&q=needle7"),
        ):
            result = await load(
                server.port, 1, 1.5, lambda _, q=query: get(f"/api/jobs?limit=20{q}"), b"200"
            )
            assert not result.failures
            row(name, f"{result.ms(0.5):.1f}", f"{result.ms(0.99):.1f}", f"{reference.ms(0.5):.2f}")


_MANY_JOBS = """
INSERT INTO jobs (id, owner_id, type, status, prompt, model, provider, request, count, digest,
                  price, charged, created_at, started_at, finished_at)
SELECT ('0190' || lpad(to_hex(n), 8, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
       '00000000-0000-7000-8000-000000000001', 'image', 'completed',
       'a heron over tin roofs ' || n || ' needle' || n % 1000, 'sketch', 'sketch',
       '{"requested_model": "auto", "model_reason": null, "style": null, "enhance": false,
         "negative_prompt": null, "parameters": {"width": 1024, "height": 1024}, "references": [],
         "mask": null, "reuse": "exact", "metadata": {}}',
       1, sha256(n::text::bytea), 1, 1, now(), now(), now()
FROM generate_series(1, 100000) AS n
"""


async def main() -> None:
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"# Safelight on {machine}, {time.strftime('%Y-%m-%d')}")
    await submits()
    async with running() as server:
        await end_to_end(server)
        await reaction(server)
    await pages()
    await pictures()
    await reserve_and_submit()
    await overspending()
    await fairness()


asyncio.run(main())
