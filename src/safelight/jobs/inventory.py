"""Taking stock: objects in the storage that no row knows, and rows whose objects are missing.

There should be neither. An object without a row is left when a process dies between storing a
picture and writing that down, or when its job was cancelled in between; a row without its object
when somebody lost a disk, or put back a backup of only one of the two.

The listing comes in pages, and which objects were seen is kept in a temporary table, so that
neither a hundred thousand objects nor ten million are ever in this process's memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from safelight.database.pool import Database
from safelight.images.store import (
    PictureStore,
    Stored,
    asset_of,
    original_key,
    preview_key,
)
from safelight.values.images import PREVIEW_SIDES

# A picture is written down seconds after it was stored. What is younger may be somebody's who is
# about to; a day is beyond every timeout there is.
GUARD_S = 86_400.0
_EXAMPLES = 10
_PROBE = "check-"  # what `PictureStore.check` leaves when it is killed


@dataclass(slots=True)
class Finding:
    """How many of a kind there are, the bytes they take up, and the first of them."""

    count: int = 0
    bytes: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, key: str, size: int = 0) -> None:
        self.count += 1
        self.bytes += size
        if len(self.examples) < _EXAMPLES:
            self.examples.append(key)


@dataclass(slots=True)
class Stock:
    """What was found.

    known: objects some row speaks of. young: objects without a row that may still get one.
    orphans: without one, for good. foreign: not named as ours are; never touched. missing:
    originals that should be there; previews: small ones that should, whose picture is there.
    """

    known: Finding = field(default_factory=Finding)
    young: Finding = field(default_factory=Finding)
    orphans: Finding = field(default_factory=Finding)
    foreign: Finding = field(default_factory=Finding)
    missing: Finding = field(default_factory=Finding)
    previews: Finding = field(default_factory=Finding)
    deleted: int = 0


async def take_stock(
    database: Database,
    store: PictureStore,
    *,
    delete_orphans: bool = False,
    guard_s: float = GUARD_S,
) -> Stock:
    """Look at everything that is stored; with `delete_orphans` remove what no row knows. Safe
    beside running servers and workers."""
    stock = Stock()
    begin = await database.fetchval("SELECT now()")
    # By the storage's own clock: this machine's may be wrong, or another time zone's.
    old = await store.clock() - timedelta(seconds=guard_s)
    connection = await database.connect_alone()
    try:
        await connection.execute("SET statement_timeout = '10min'")
        await connection.execute("CREATE TEMP TABLE seen (asset_id uuid, name text)")
        async for page in store.pages():
            orphans = await _look_at(connection, page, old, stock)
            if delete_orphans and orphans:
                await store.delete(orphans)
                stock.deleted += len(orphans)
        await connection.execute("CREATE INDEX ON seen (asset_id)")
        await connection.execute("ANALYZE seen")
        await _look_for_missing(connection, store, begin, stock)
    finally:
        await connection.close()
    return stock


async def _look_at(
    connection: asyncpg.Connection, page: list[Stored], old: datetime, stock: Stock
) -> list[str]:
    """Sort one page of objects; the keys of its orphans."""
    owners = {one.key: asset_of(one.key) for one in page}
    ids = [asset_id for asset_id in owners.values() if asset_id]
    known = await _known(connection, ids)
    orphans = []
    for one in page:
        asset_id = owners[one.key]
        if asset_id is None and not one.key.startswith(_PROBE):
            stock.foreign.add(one.key, one.bytes)
        elif asset_id in known:
            stock.known.add(one.key, one.bytes)
        elif one.modified_at >= old:
            stock.young.add(one.key, one.bytes)
        else:
            stock.orphans.add(one.key, one.bytes)
            orphans.append(one.key)
    seen = [(owners[one.key], one.key.rpartition("/")[2]) for one in page if owners[one.key]]
    await connection.copy_records_to_table("seen", records=seen)
    return orphans


async def _known(connection: asyncpg.Connection, ids: list[UUID]) -> set[UUID]:
    """Those of the pictures that somebody knows: a row that is not purged, or the journal of a job
    that has not ended, which delivers them from there however long it waits."""
    rows = await connection.fetch(
        """SELECT id FROM assets WHERE id = ANY($1) AND purged_at IS NULL
           UNION ALL
           SELECT (result ->> 'asset_id')::uuid
           FROM jobs JOIN steps ON steps.job_id = jobs.id
           WHERE jobs.finished_at IS NULL AND steps.state = 'done'
             AND result ->> 'asset_id' = ANY($2)""",
        ids,
        [str(asset_id) for asset_id in ids],
    )
    return {UUID(int=row["id"].int) for row in rows}


_MISSING = """
SELECT a.id, a.format, bool_or(seen.name = 'original.' || a.format) IS TRUE AS has_original
FROM assets a LEFT JOIN seen ON seen.asset_id = a.id
WHERE a.purging_since IS NULL AND a.created_at < $1
GROUP BY a.id
HAVING bool_or(seen.name = 'original.' || a.format) IS NOT TRUE
    OR count(*) FILTER (WHERE seen.name = ANY($2)) < $3
"""


async def _look_for_missing(
    connection: asyncpg.Connection, store: PictureStore, begin: datetime, stock: Stock
) -> None:
    """Rows from before the listing whose objects were not in it. Each is looked at once more: it
    may have been purged meanwhile."""
    names = [f"{side}.webp" for side in PREVIEW_SIDES]
    async with connection.transaction():
        # The store may take its time for each; no row is locked meanwhile.
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        async for row in connection.cursor(_MISSING, begin, names, len(names), prefetch=500):
            asset_id = UUID(int=row["id"].int)
            original = original_key(asset_id, row["format"])
            if not row["has_original"]:
                if await store.size(original) is None:
                    stock.missing.add(original)
                continue
            for side in PREVIEW_SIDES:
                key = preview_key(asset_id, side)
                if await store.size(key) is None:
                    stock.previews.add(key)
