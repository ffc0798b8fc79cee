"""Everything that is kept about one owner, as a zip made while it is sent.

Rows come in pages and pictures in pieces, so that ten thousand pictures need no more memory than
ten. The zip is no single moment: what changes meanwhile is in it as it was when its turn came.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from safelight.accounts import leaving
from safelight.credits import accounts, statements
from safelight.database.pool import Database, Row
from safelight.images.store import PictureStore, original_key
from safelight.jobs.archive import LeavingZip
from safelight.values.ids import OwnerId
from safelight.values.images import FILE_ENDINGS

_JOBS_A_PAGE = 50  # a text job may have a hundred kilobytes
_ROWS_A_PAGE = 500
_PIECE_BYTES = 64 * 1024
_WORDS_BYTES_MAX = 120  # of a file's name; 255 is what most file systems take
_FIRST = UUID(int=0)

_JOBS = """
SELECT j.id, j.type, j.status, j.prompt, j.optimized_prompt, j.model, j.provider, j.request,
       j.count, j.session_id, j.retry_of, j.reused, j.adjustments, j.warnings, j.price, j.charged,
       j.error, j.created_at, j.started_at, j.finished_at,
       (SELECT jsonb_agg(jsonb_build_object('index', o.index, 'status', o.status, 'text', o.text,
                                            'seed', o.seed, 'error', o.error, 'asset', o.asset_id)
                         ORDER BY o.index) FROM outputs o WHERE o.job_id = j.id) AS outputs
FROM jobs j WHERE j.owner_id = $1 AND j.id > $2 ORDER BY j.id LIMIT $3
"""

_ASSETS = """
SELECT id, kind, job_id, index, width, height, format, bytes, encode(sha256, 'hex') AS sha256, seed,
       prompt, model, starred, tags, created_at, deleted_at
FROM assets
WHERE owner_id = $1 AND id > $2 AND purged_at IS NULL AND purging_since IS NULL
ORDER BY id LIMIT $3
"""


class Export:
    """One owner's zip. Use it once."""

    def __init__(self, database: Database, store: PictureStore, owner_id: OwnerId) -> None:
        self._database = database
        self._store = store
        self._owner_id = owner_id
        self._zip = LeavingZip()
        self._now = datetime.now(UTC)
        self._counts = {"jobs": 0, "pictures": 0}
        self._missing: list[str] = []

    async def pieces(self) -> AsyncIterator[bytes]:
        """The zip from its first byte to its last. If the storage or the database fails, it breaks
        off without its end, and no program takes it for whole."""
        for part in (self._facts, self._ledger, self._jobs, self._assets, self._pictures):
            async for _ in part():
                if self._zip.waiting_bytes >= _PIECE_BYTES:
                    yield self._zip.take()
        self._write("README.txt", self._readme().encode())
        self._zip.close()
        yield self._zip.take()

    # Each part writes, and yields wherever what was written may be taken.

    async def _facts(self) -> AsyncIterator[None]:
        user = await leaving.profile(self._database, self._owner_id)
        account = await accounts.read(self._database, self._owner_id)
        told: dict[str, Any] = dict(user) if user else {"id": self._owner_id}
        if account:
            told["credits"] = {
                "available": account.available.amount,
                "held": account.held.amount,
                "used": account.used.amount,
                "granted": account.granted.amount,
                "unlimited": account.unlimited,
            }
        self._write("profile.json", _json(told, indent=True))
        keys = await leaving.all_keys(self._database, self._owner_id)
        self._write("keys.jsonl", b"".join(_json(dict(key)) for key in keys))
        yield

    async def _ledger(self) -> AsyncIterator[None]:
        before = None
        with self._zip.file("ledger.csv", self._now) as file:
            file.write(_csv([["at", "kind", "credits", "available_after", "job_id", "note"]]))
            while lines := await statements.read_page(
                self._database, self._owner_id, before=before, limit=_ROWS_A_PAGE
            ):
                file.write(_csv(map(_ledger_line, lines)))
                before = lines[-1].id
                yield

    async def _jobs(self) -> AsyncIterator[None]:
        with self._zip.file("jobs.jsonl", self._now) as file:
            async for page in self._pages(_JOBS, _JOBS_A_PAGE):
                for row in page:
                    file.write(_json(dict(row) | {"outputs": row["outputs"] or []}))
                self._counts["jobs"] += len(page)
                yield

    async def _assets(self) -> AsyncIterator[None]:
        with self._zip.file("assets.jsonl", self._now) as file:
            async for page in self._pages(_ASSETS, _ROWS_A_PAGE):
                for row in page:
                    file.write(_json({"file": file_name(row)} | dict(row)))
                yield

    async def _pictures(self) -> AsyncIterator[None]:
        async for page in self._pages(_ASSETS, _ROWS_A_PAGE):
            for row in page:
                async for _ in self._picture(row):
                    yield

    async def _picture(self, row: Row) -> AsyncIterator[None]:
        name = file_name(row)
        pieces = self._store.stream(original_key(row["id"], row["format"]), 0, row["bytes"])
        try:
            piece = await anext(pieces)
        except KeyError:  # deleted for good since its row was read
            self._missing.append(name)
            return
        with self._zip.file(name, row["created_at"], is_packed=True) as file:
            file.write(piece)
            yield
            async for piece in pieces:
                file.write(piece)
                yield
        self._counts["pictures"] += 1

    async def _pages(self, sql: str, limit: int) -> AsyncIterator[list[Row]]:
        after = _FIRST
        while page := await self._database.fetch(sql, self._owner_id, after, limit):
            yield page
            after = page[-1]["id"]

    def _write(self, name: str, data: bytes) -> None:
        with self._zip.file(name, self._now) as file:
            file.write(data)

    def _readme(self) -> str:
        missing = "".join(f"  {name}\n" for name in self._missing[:1000])
        return _README.format(
            now=f"{self._now:%Y-%m-%d %H:%M} UTC",
            **self._counts,
            missing=f"\nNot found in the storage, {len(self._missing)} of them:\n{missing}"
            if missing
            else "",
        )


_README = """\
Everything Safelight keeps about you, as of {now}.

profile.json   who you are here, where you are logged in, and your credits
keys.jsonl     your API keys, one a line, revoked ones too; a key itself is not kept and not here
jobs.jsonl     the {jobs} jobs you ordered, one a line: prompt, options, what came of it, texts
assets.jsonl   your pictures' facts, one a line; "file" is where the picture is in this archive
ledger.csv     what happened to your credits, newest first
pictures/      the {pictures} pictures themselves, as they were made or uploaded
pictures/deleted/  those of them you have deleted and that are not gone yet
{missing}"""


def file_name(row: Row) -> str:
    """Where a picture is in the zip: its day, its first words, and what makes it unique."""
    folder = "pictures/deleted" if row["deleted_at"] else "pictures"
    words = "-".join(re.findall(r"\w+", unicodedata.normalize("NFC", row["prompt"] or "picture")))
    short = words.encode()[:_WORDS_BYTES_MAX].decode(errors="ignore").strip("-_") or "picture"
    ending = FILE_ENDINGS.get(row["format"], row["format"])
    return f"{folder}/{row['created_at']:%Y-%m-%d}-{short}-{row['id'].hex[-12:]}.{ending}"


def _json(value: dict[str, Any], *, indent: bool = False) -> bytes:
    options = orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0)
    return orjson.dumps(value, default=str, option=options)


def _ledger_line(line: statements.Line) -> list[Any]:
    note = line.note or ""
    if note.startswith(("=", "+", "-", "@")):
        note = f"'{note}"  # or a spreadsheet would calculate it
    job = line.job_id or ""
    at = line.at.isoformat()
    return [at, line.kind, line.credits.amount, line.available_after.amount, job, note]


def _csv(lines: Iterable[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()
