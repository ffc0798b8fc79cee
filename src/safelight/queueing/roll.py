"""Who works: which living workers serve which lanes, and with how many places.

A worker signs in when it starts and out when it stops. What is left of one that died is told apart
by its lock (liveness.py): it is ignored at once and swept later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from safelight.database.pool import Database

# Read once a statement: every row of the roll is then looked up in it.
_LIVING = """living AS MATERIALIZED (
    SELECT classid::bigint << 32 | objid::bigint AS lock FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)"""
_LIVES = "hashtextextended(workers.id::text, 0) IN (SELECT lock FROM living)"


@dataclass(frozen=True, slots=True)
class Staff:
    """Who serves a lane. places: how many of its jobs all of them together carry at a time."""

    workers: frozenset[UUID]
    places: int


async def sign_in(database: Database, worker_id: UUID, lanes: Iterable[tuple[str, int]]) -> None:
    """Write down that a worker serves these lanes, each with so many places. Safe to repeat: a
    worker that was cut off long enough to be swept must sign in again."""
    wanted = dict(lanes)
    await database.execute(
        """INSERT INTO workers (id, lane, places)
           SELECT $1, lane, places FROM unnest($2::text[], $3::int[]) AS served (lane, places)
           ON CONFLICT (id, lane) DO UPDATE SET places = excluded.places""",
        worker_id,
        list(wanted),
        list(wanted.values()),
    )


async def sign_out(database: Database, worker_id: UUID) -> None:
    """The worker takes nothing more."""
    await database.execute("DELETE FROM workers WHERE id = $1", worker_id)


async def staff(database: Database) -> dict[str, Staff]:
    """The living workers of each lane that has any."""
    rows = await database.fetch(
        f"""WITH {_LIVING}
            SELECT lane, array_agg(id) AS workers, sum(places)::int AS places
            FROM workers WHERE {_LIVES} GROUP BY lane"""  # noqa: S608
    )
    return {
        row["lane"]: Staff(frozenset(UUID(int=one.int) for one in row["workers"]), row["places"])
        for row in rows
    }


async def sweep(database: Database, absent: set[UUID]) -> set[UUID]:
    """Strike those off who were `absent` at the last look and still are. Returns who is absent now
    for the first time.

    Two looks, because after a restart of the database nobody holds a lock for a moment."""
    rows = await database.fetch(
        f"WITH {_LIVING} SELECT DISTINCT id FROM workers WHERE NOT {_LIVES}"  # noqa: S608
    )
    gone = {UUID(int=row["id"].int) for row in rows}
    if dead := gone & absent:
        await database.execute("DELETE FROM workers WHERE id = ANY($1)", list(dead))
    return gone - absent


def sweeper() -> Callable[[Database], Awaitable[None]]:
    """A chore that looks at every call and strikes off who was gone at the last one too."""
    absent: set[UUID] = set()

    async def look(database: Database) -> None:
        nonlocal absent
        absent = await sweep(database, absent)

    return look
