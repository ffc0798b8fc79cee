"""Pages of jobs and assets by keyset: row 20 and row 1,000,000 cost the same."""

from __future__ import annotations

import asyncio
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from safelight.database.pool import Database, Row
from safelight.jobs import repository
from safelight.values.errors import FieldError, InvalidRequest
from safelight.values.ids import OwnerId

# Up to here rows are counted; beyond, the planner's estimate is good enough for a page number.
_COUNT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    next_cursor: str | None
    total_estimate: int


class Where:
    """Conditions made of fixed pieces of SQL and values that stay values. $1 is the owner."""

    def __init__(self, owner_id: OwnerId) -> None:
        self.values: list[Any] = [owner_id]
        self._pieces: list[str] = []

    def add(self, piece: str, value: Any) -> None:
        """`piece` has one `{}` where the value goes; a value of None adds nothing."""
        if value is not None:
            self.values.append(value)
            self._pieces.append(piece.format(f"${len(self.values)}"))

    def copy(self) -> Where:
        """The conditions so far; what is added to one is not added to the other."""
        twin = Where(self.values[0])
        twin.values, twin._pieces = list(self.values), list(self._pieces)
        return twin

    @property
    def sql(self) -> str:
        return "".join(f" AND {piece}" for piece in self._pieces)


def cursor_of(row_id: UUID) -> str:
    return urlsafe_b64encode(row_id.bytes).decode().rstrip("=")


def read_cursor(cursor: str | None) -> UUID | None:
    """Raises: InvalidRequest for anything that is not a cursor of ours."""
    if cursor is None:
        return None
    try:
        return UUID(bytes=urlsafe_b64decode(cursor + "=="))
    except ValueError:
        raise InvalidRequest(
            FieldError("cursor", "Not a cursor. Use next_cursor of the page before, unchanged.")
        ) from None


def words_query(q: str | None) -> str | None:
    """A full-text query that finds every word, the last one already while it is typed."""
    words = re.findall(r"\w+", q or "")[:20]
    return " & ".join(f"{word}:*" for word in words) or None


def first_id_at(moment: datetime | None) -> UUID | None:
    """The smallest id made at that moment (UTC if it has no zone) or later: ids are in order."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    milliseconds = max(0, int(moment.timestamp() * 1000)) & 0xFFFFFFFFFFFF
    return UUID(int=milliseconds << 80)


async def list_jobs(
    database: Database,
    owner_id: OwnerId,
    *,
    status: list[str] | None = None,
    job_type: str | None = None,
    model: str | None = None,
    session_id: UUID | None = None,
    q: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    newest_first: bool = True,
    limit: int = 20,
    cursor: str | None = None,
) -> Page:
    """A page of the owner's jobs. Raises: InvalidRequest (cursor)."""
    where = Where(owner_id)
    if status and len(status) == 1:
        where.add("j.status = {}", status[0])
    else:
        where.add("j.status = ANY({})", status or None)
    where.add("j.type = {}", job_type)
    where.add("j.model = {}", model)
    where.add("j.session_id = {}", session_id)
    where.add("j.id >= {}", first_id_at(since))
    where.add("j.id < {}", first_id_at(until))
    start = read_cursor(cursor)

    async def rows(matching: Where) -> list[Row]:
        matching.add("j.id < {}" if newest_first else "j.id > {}", start)
        return await repository.read_page(
            database,
            owner_id,
            where=matching.sql,
            values=matching.values[1:],
            newest_first=newest_first,
            limit=limit + 1,
        )

    total, found = await count_and_read(database, "jobs", where, words_query(q), rows)
    return page_of(found, limit, total)


async def count_and_read(
    database: Database,
    table: Literal["jobs", "assets"],
    where: Where,
    words: str | None,
    rows: Callable[[Where], Awaitable[list[Row]]],
) -> tuple[int, list[Row]]:
    """How many rows match, about, and those of the page, which `rows` reads.

    A search must count first. A page of common words is read from the newest row on until it is
    full; for rare words that would read the whole table, so they are looked up in their index.
    """
    if words is None:
        return await asyncio.gather(estimate(database, table, where.copy()), rows(where))
    common = where.copy()
    common.add("j.words @@ to_tsquery('simple', {})", words)
    total = await estimate(database, table, common)
    if total > _COUNT_MAX:
        return total, await rows(common)
    where.add(
        f"""j.id IN (WITH found AS MATERIALIZED (
                         SELECT id FROM {table}
                         WHERE owner_id = $1 AND words @@ to_tsquery('simple', {{}}))
                     SELECT id FROM found)""",  # noqa: S608
        words,
    )
    return total, await rows(where)


def page_of(rows: list[Row], limit: int, total: int) -> Page:
    """A page out of `limit` + 1 rows: the one too many says that there is a next page."""
    shown = rows[:limit]
    return Page(shown, cursor_of(shown[-1]["id"]) if len(rows) > limit else None, total)


async def estimate(database: Database, table: str, where: Where) -> int:
    """How many rows match: counted up to a thousand, else what the planner believes."""
    sql = f"SELECT FROM {table} j WHERE j.owner_id = $1{where.sql}"
    count: int = await database.fetchval(
        f"SELECT count(*) FROM ({sql} LIMIT {_COUNT_MAX + 1}) AS counted",  # noqa: S608
        *where.values,
    )
    if count <= _COUNT_MAX:
        return count
    plan = await database.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *where.values)
    believed = int(orjson.loads(plan)[0]["Plan"]["Plan Rows"])
    return max(believed, _COUNT_MAX + 1)
