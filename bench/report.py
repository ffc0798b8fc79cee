"""What every measurement needs: an order, a reference, and a row of a table."""

from __future__ import annotations

import asyncio
import json
import time

import asyncpg

from bench.load import post


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def order(number: int, run: str, key: str = "", /, **more: object) -> bytes:
    """A submit of a text nobody ordered before. key: of the user who asks."""
    body = {"prompt": f"heron {run} {number}", "model": "instant-text", "type": "text"} | more
    return post("/api/jobs", json.dumps(body).encode(), key)


async def raw_inserts(url: str, connections: int, seconds: float) -> float:
    """Durable single-row inserts a second: what the database gives at best."""
    pool = [await asyncpg.connect(url) for _ in range(connections)]
    await pool[0].execute(
        "CREATE TABLE IF NOT EXISTS raw (id bigserial PRIMARY KEY, a text, b jsonb)"
    )
    stop_at = time.perf_counter() + seconds
    done = 0

    async def insert(connection: asyncpg.Connection) -> None:
        nonlocal done
        while time.perf_counter() < stop_at:
            await connection.execute("INSERT INTO raw (a, b) VALUES ($1, $2)", "x" * 100, '{"a":1}')
            done += 1

    begin = time.perf_counter()
    await asyncio.gather(*(insert(connection) for connection in pool))
    rate = done / (time.perf_counter() - begin)
    for connection in pool:
        await connection.close()
    return rate
