"""Pauses and circuit breakers: when a lane is left alone, and how it comes back.

Everything here is one row of `lanes`, the same for all workers, and on the database's clock. A call
that succeeds in a lane without trouble writes nothing to it: other statements want that row.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from safelight.database.pool import Connection, Database, Row
from safelight.values.errors import (
    OutcomeUnknown,
    ProviderAuth,
    ProviderError,
    ProviderFailed,
    ProviderUnreachable,
    TookTooLong,
)
from safelight.values.ids import new_id

# Their fault, or nobody can tell. That they are busy only pauses; what they refuse is the request.
FAILURES = (ProviderUnreachable, ProviderFailed, OutcomeUnknown, TookTooLong, ProviderAuth)


@dataclass(frozen=True, slots=True)
class Rules:
    """When a provider counts as broken, and how long it is left alone.

    row_max failures in a row, or half of at least sample_min calls within window_s, open the
    breaker for open_s. A probe whose worker is silent for probe_s is anybody's. A pause nobody
    gave a length for lasts busy_first_s, twice as long when it comes again at once, up to
    busy_max_s. Failures older than lately_s are forgotten.
    """

    row_max: int = 5
    sample_min: int = 20
    window_s: float = 30.0
    open_s: float = 30.0
    probe_s: float = 10.0
    busy_first_s: float = 2.0
    busy_max_s: float = 60.0
    lately_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a lane is left alone. All times are seconds from the moment it was read.

    probe: the one that is under way, of some worker, and for how long it is waited for.
    """

    paused_s: float | None = None
    paused_why: str = ""
    open_s: float | None = None
    opened_why: str = ""
    probe: UUID | None = None
    probe_s: float = 0.0

    @property
    def is_over(self) -> bool:
        return self.open_s is None and (self.paused_s is None or self.paused_s <= 0)


_COLUMNS = """name, paused_why, opened_why, probe,
    extract(epoch FROM paused_until - clock_timestamp())::float8 AS paused_s,
    extract(epoch FROM open_until - clock_timestamp())::float8 AS open_s,
    extract(epoch FROM probe_until - clock_timestamp())::float8 AS probe_s"""


def _trouble(row: Row) -> Trouble:
    return Trouble(
        paused_s=row["paused_s"],
        paused_why=row["paused_why"] or "",
        open_s=row["open_s"],
        opened_why=row["opened_why"] or "",
        probe=row["probe"] and UUID(int=row["probe"].int),
        probe_s=row["probe_s"] or 0.0,
    )


async def read_troubles(database: Database) -> dict[str, Trouble]:
    """The lanes that are left alone, by name."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM lanes WHERE paused_until > now() OR opened_at IS NOT NULL"  # noqa: S608
    )
    return {row["name"]: _trouble(row) for row in rows}


async def _changed(database: Database | Connection, sql: str, *values: object) -> Trouble | None:
    row = await database.fetchrow(f"{sql} RETURNING {_COLUMNS}", *values)
    return _trouble(row) if row else None


# Pausing


async def pause_until(database: Database, lane: str, until: datetime, why: str) -> Trouble | None:
    return await _changed(
        database,
        """INSERT INTO lanes (name, paused_until, paused_why) VALUES ($1, $2, $3)
           ON CONFLICT (name) DO UPDATE
           SET paused_until = excluded.paused_until, paused_why = excluded.paused_why""",
        lane,
        until,
        why,
    )


async def pause_for(
    database: Database, lane: str, asked_s: float | None, why: str, rules: Rules
) -> Trouble | None:
    """Pause as long as the provider asked for. It never ends a longer pause. When it did not say
    how long, and this pause follows the last one at once, it is twice as long as that."""
    return await _changed(
        database,
        """INSERT INTO lanes (name, paused_until, paused_why, pause_s)
           VALUES ($1, now() + make_interval(secs => coalesce($2::float8, $4)), $3, $4)
           ON CONFLICT (name) DO UPDATE
           SET (pause_s, paused_until, paused_why) = (
               SELECT length_s, greatest(lanes.paused_until, until),
                      CASE WHEN lanes.paused_until >= until THEN lanes.paused_why ELSE $3 END
               FROM (SELECT CASE
                         WHEN lanes.paused_until > now() THEN coalesce(lanes.pause_s, $4)
                         WHEN lanes.paused_until > now() - make_interval(secs => 2 * lanes.pause_s)
                             THEN least(2 * lanes.pause_s, $5)
                         ELSE $4 END AS length_s) AS next,
                    LATERAL (SELECT now() + make_interval(secs => coalesce($2, length_s)) AS until)
                        AS asked)""",
        lane,
        asked_s,
        why,
        rules.busy_first_s,
        rules.busy_max_s,
    )


async def resume(database: Database, lane: str) -> Trouble | None:
    """End a pause, and let a broken lane be probed now."""
    return await _changed(
        database,
        """UPDATE lanes SET paused_until = NULL, paused_why = NULL,
                  open_until = CASE WHEN opened_at IS NOT NULL THEN now() END
           WHERE name = $1""",
        lane,
    )


# Opening

_LATELY = """
WITH since AS (
    SELECT greatest(closed_at, now() - make_interval(secs => $2)) AS start,
           greatest(closed_at, now() - make_interval(secs => $3)) AS window_start
    FROM lanes WHERE name = $1
), success AS (
    SELECT max(ended_at) AS last, count(*) FILTER (WHERE ended_at > window_start) AS answered
    FROM predictions, since WHERE provider = $1 AND state = 'answered' AND ended_at > start
)
SELECT answered,
       (SELECT count(*) FROM lane_failures WHERE lane = $1 AND at > window_start) AS failed,
       (SELECT count(*) FROM lane_failures
        WHERE lane = $1 AND at > greatest(start, last)) AS in_a_row
FROM since, success
"""


@dataclass(frozen=True, slots=True)
class Lately:
    """How a lane did: failures since the last success, and both within the window."""

    in_a_row: int
    failed: int
    answered: int


def is_broken(lately: Lately, error: ProviderError, rules: Rules) -> bool:
    if lately.in_a_row >= rules.row_max:
        return True
    if isinstance(error, ProviderAuth) and not lately.answered:
        return True  # no call will succeed; one that is forbidden to our key says less about others
    calls = lately.failed + lately.answered
    return calls >= rules.sample_min and 2 * lately.failed >= calls


async def count_failure(
    database: Database, lane: str, error: ProviderError, rules: Rules
) -> Trouble | None:
    """Write the failure down, and open the breaker when it was one too many."""
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO lanes (name) VALUES ($1) ON CONFLICT DO NOTHING", lane)
        # Failures of one lane are counted one after the other, or five at once would see one each.
        await tx.execute("SELECT FROM lanes WHERE name = $1 FOR NO KEY UPDATE", lane)
        await _note(tx, lane, error)
        row = await tx.fetchrow(_LATELY, lane, rules.lately_s, rules.window_s)
        assert row is not None
        if not is_broken(Lately(row["in_a_row"], row["failed"], row["answered"]), error, rules):
            return None
        return await _changed(
            tx,
            """UPDATE lanes SET opened_at = now(), opened_why = $2,
                      open_until = clock_timestamp() + make_interval(secs => $3)
               WHERE name = $1 AND opened_at IS NULL""",
            lane,
            str(error),
            rules.open_s,
        )


async def _note(tx: Connection, lane: str, error: ProviderError) -> None:
    await tx.execute("INSERT INTO lane_failures (lane, why) VALUES ($1, $2)", lane, str(error))


async def forget_failures(database: Database, rules: Rules) -> None:
    await database.execute(
        "DELETE FROM lane_failures WHERE at < now() - make_interval(secs => $1)", rules.lately_s
    )


# Probing


async def begin_probe(database: Database, lane: str, rules: Rules) -> Trouble | None:
    """The right to make the one call that finds out; None when it is somebody else's."""
    return await _changed(
        database,
        """UPDATE lanes SET probe = $2,
                  probe_until = clock_timestamp() + make_interval(secs => $3)
           WHERE name = $1 AND opened_at IS NOT NULL AND open_until <= clock_timestamp()
             AND (paused_until IS NULL OR paused_until <= clock_timestamp())
             AND (probe IS NULL OR probe_until < clock_timestamp())""",
        lane,
        new_id(),
        rules.probe_s,
    )


async def keep_probes(database: Database, probes: Collection[UUID], rules: Rules) -> set[UUID]:
    """Say that the workers of these probes live. Returns those that are still theirs."""
    rows = await database.fetch(
        """UPDATE lanes SET probe_until = now() + make_interval(secs => $2)
           WHERE probe = ANY($1) RETURNING probe""",
        list(probes),
        rules.probe_s,
    )
    return {UUID(int=row["probe"].int) for row in rows}


async def drop_probe(database: Database, probe: UUID) -> Trouble | None:
    """It found out nothing: the next one may."""
    return await _changed(
        database, "UPDATE lanes SET probe = NULL, probe_until = NULL WHERE probe = $1", probe
    )


async def close(database: Database, probe: UUID) -> Trouble | None:
    """The probe was answered: the lane is served again, what failed before is forgiven."""
    return await _changed(
        database,
        """UPDATE lanes SET opened_at = NULL, opened_why = NULL, open_until = NULL, probe = NULL,
                  probe_until = NULL, closed_at = clock_timestamp()
           WHERE probe = $1""",
        probe,
    )


async def open_again(
    database: Database, lane: str, probe: UUID, error: ProviderError, rules: Rules
) -> Trouble | None:
    """The probe failed."""
    async with database.transaction() as tx:
        trouble = await _changed(
            tx,
            """UPDATE lanes SET opened_why = $2, probe = NULL, probe_until = NULL,
                      open_until = clock_timestamp() + make_interval(secs => $3)
               WHERE probe = $1""",
            probe,
            str(error),
            rules.open_s,
        )
        await _note(tx, lane, error)
        return trouble
