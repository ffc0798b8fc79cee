"""A client of the event stream that is cut off anywhere, and remembers what it has seen whole."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx2

from tests.faults.conftest import Ledger
from tests.studio import parse_events

# Passing lines may be thinned out before they are stored; what is stored is never left out.
# $1: a job, an owner, or '' for all.
STORED = """SELECT xid || '-' || number AS id, kind, job_id::text FROM events
            WHERE $1 IN ('', job_id::text, owner_id::text) ORDER BY xid, number"""
ENDS = ("completed", "failed", "cancelled")

# Not stored: what comes between the lines when the moment is right for it.
PASSING = ("queue", "credits")
# Stored, and deleted after some minutes.
FORGOTTEN_SOON = {"progress", "delta"}


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
            if answer.status_code == 503:
                raise Unanswered
            assert answer.status_code == 200, answer.status_code
            async for event in parse_events(_cut(answer.aiter_bytes(), bytes_max)):
                if "id" in event:
                    self._after = event["id"]
                if "id" in event and event.get("event", "queue") not in PASSING:
                    self.seen.append(event)
                if until and await until():
                    return
        if bytes_max is not None:
            self.cuts += 1

    async def follow(
        self, is_enough: Callable[[], bool], *, cut_at: Callable[[], int | None] = lambda: None
    ) -> None:
        """Read until it is enough, and come again whenever the line is cut: by `cut_at` after so
        many bytes, or by a server that dies."""
        while not is_enough():
            with contextlib.suppress(httpx2.HTTPError, TimeoutError, Unanswered):
                await self.read(bytes_max=cut_at(), until=_async(is_enough), within_s=60)
            await asyncio.sleep(0.02)


class Unanswered(Exception):
    """The server was there, but not for us."""


def _async(is_enough: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return is_enough()

    return enough


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


async def assert_saw_all(reader: Reader, ledger: Ledger, whose: str = "") -> None:
    """Every stored line once and in order. whose: a job or an owner; '' for everything.

    In a long run lines of the kinds that are forgotten soon were seen and are stored no more."""
    stored = await ledger.fetch(STORED, whose)
    kept = {row["id"] for row in stored}
    places = [tuple(map(int, bookmark.split("-"))) for bookmark in reader.ids]
    assert all(one < other for one, other in itertools.pairwise(places)), "repeated or mixed up"
    seen = [event for event in reader.seen if event["id"] in kept]
    assert {event["event"] for event in reader.seen if event["id"] not in kept} <= FORGOTTEN_SOON
    assert [event["id"] for event in seen] == [row["id"] for row in stored]
    assert [event["event"] for event in seen] == [row["kind"] for row in stored]
    assert [event["data"]["job_id"] for event in seen] == [row["job_id"] for row in stored]
