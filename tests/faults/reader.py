"""A client of the event stream that is cut off anywhere, and remembers what it has seen whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx2

from tests.faults.conftest import Ledger
from tests.studio import parse_events

# Passing lines may be thinned out before they are stored; what is stored is never left out.
STORED = """SELECT xid || '-' || number AS id, kind, job_id::text FROM events
            WHERE $1 IN ('', job_id::text) ORDER BY xid, number"""

# Not stored: what comes between the lines when the moment is right for it.
PASSING = ("queue", "credits")


class Reader:
    """A client that remembers what it has seen whole, and resumes behind it."""

    def __init__(
        self, url: str, path: str, *, after: str | None = "0-0", user: UUID | None = None
    ) -> None:
        self.seen: list[dict[str, Any]] = []
        self.cuts = 0
        self._url = url
        self._path = path
        self._after = after
        self._user = {"x-lab-user": str(user)} if user else {}

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.seen]

    async def read(
        self,
        *,
        bytes_max: int | None = None,
        until: Callable[[], Awaitable[bool]] | None = None,
        within_s: float = 30,
    ) -> None:
        """Connect, and read until the line is cut after `bytes_max`, the server ends the stream,
        or `until` says that it is enough."""
        headers = self._user | ({"Last-Event-ID": self._after} if self._after else {})
        async with (
            asyncio.timeout(within_s),
            httpx2.AsyncClient(base_url=self._url, trust_env=False, timeout=within_s) as client,
            client.stream("GET", self._path, headers=headers) as answer,
        ):
            assert answer.status_code == 200
            async for event in parse_events(_cut(answer.aiter_bytes(), bytes_max)):
                if "id" in event:
                    self._after = event["id"]
                if "id" in event and event.get("event", "queue") not in PASSING:
                    self.seen.append(event)
                if until and await until():
                    return
        if bytes_max is not None:
            self.cuts += 1


async def _cut(chunks: AsyncIterator[bytes], bytes_max: int | None) -> AsyncIterator[bytes]:
    left = bytes_max
    async for chunk in chunks:
        if left is None:
            yield chunk
            continue
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return


async def assert_saw_all(reader: Reader, ledger: Ledger, job_id: str = "") -> None:
    stored = await ledger.fetch(STORED, job_id)
    assert reader.ids == [row["id"] for row in stored]
    assert [event["event"] for event in reader.seen] == [row["kind"] for row in stored]
    assert [event["data"]["job_id"] for event in reader.seen] == [row["job_id"] for row in stored]
