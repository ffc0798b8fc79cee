"""A load generator that costs little itself: prepared bytes, kept connections, no HTTP library."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Result:
    """Latencies in seconds, and how long the whole took."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def ms(self, share: float) -> float:
        """The latency that `share` of the calls stayed below, in milliseconds."""
        ordered = sorted(self.latencies)
        if not ordered:
            return float("nan")
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


async def load(
    port: int, connections: int, seconds: float, request: Callable[[int], bytes], ok: bytes
) -> Result:
    """Send `request(n)` over `connections` kept connections for `seconds`; an answer counts when
    its status line begins with `ok`."""
    result = Result()
    numbers = iter(range(10**9))
    begin = time.perf_counter()
    stop_at = begin + seconds
    await asyncio.gather(
        *(
            _connection(
                port, stop_at=stop_at, numbers=numbers, request=request, ok=ok, result=result
            )
            for _ in range(connections)
        )
    )
    result.seconds = time.perf_counter() - begin
    return result


async def _connection(
    port: int,
    *,
    stop_at: float,
    numbers: Iterator[int],
    request: Callable[[int], bytes],
    ok: bytes,
    result: Result,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (sent_at := time.perf_counter()) < stop_at:
        writer.write(request(next(numbers)))
        status = await read_answer(reader)
        if status.startswith(ok):
            result.latencies.append(time.perf_counter() - sent_at)
        else:
            result.failures += 1
    writer.close()


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """The status line; the body is read and dropped."""
    head = await reader.readuntil(b"\r\n\r\n")
    found = head.lower().find(b"content-length: ")
    if found >= 0:
        length = int(head[found + 16 : head.index(b"\r\n", found)])
        await reader.readexactly(length)
    return head[9:12]


def post(path: str, body: bytes, key: str = "") -> bytes:
    """key: of the user who asks."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    if key:
        head += f"Authorization: Bearer {key}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
