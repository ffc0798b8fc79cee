"""Server-sent events, read from bytes as they arrive.

httpx2 has an `EventSource`; it drops a last event without a blank line after it, which servers
that simply close the connection do send, and it counts no bytes over the whole stream.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """`name` is empty where the server gave none."""

    name: str
    data: str


async def lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Lines without their ends (LF, CRLF or CR), wherever the chunks are cut."""
    parts: list[bytes] = []  # joined once a line: a 30 MB line arrives in 500 chunks
    after_cr = False
    async for chunk in chunks:
        data = chunk
        if after_cr and data.startswith(b"\n"):
            data = data[1:]
        after_cr = chunk.endswith(b"\r") if chunk else after_cr
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, rest = data.split(b"\n")
        for line in whole:
            parts.append(line)
            yield b"".join(parts)
            parts.clear()
        if rest:
            parts.append(rest)
    if parts:
        yield b"".join(parts)


async def events(chunks: AsyncIterable[bytes]) -> AsyncIterator[Event]:
    """Every event with data; comments, ids and retry hints are passed over."""
    name, data = "", list[bytes]()
    async for line in lines(chunks):
        if not line:
            if data:
                yield Event(name, b"\n".join(data).decode("utf-8", "replace"))
            name, data = "", []
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode("utf-8", "replace")
        elif field == b"data":
            data.append(value)
    if data:
        yield Event(name, b"\n".join(data).decode("utf-8", "replace"))
