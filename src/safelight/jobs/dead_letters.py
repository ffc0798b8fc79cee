"""Jobs that failed for a reason that is not their owner's: looked at, replayed or discarded.

A replay is a new job of the same owner, admitted like any other. It happens once: letters are dealt
with one after the other, each under a lock of its own, and the new job's idempotency key is made of
the letter, so that a process that dies before it has written down which job it was admits no second
one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import structlog

from safelight.database.pool import Connection, Database, Row
from safelight.jobs import repository
from safelight.jobs.admit import Admission, Share
from safelight.jobs.listing import cursor_of, read_cursor
from safelight.values.errors import (
    AlreadyFinished,
    ErrorCode,
    NotFound,
    Overloaded,
    RequestRefused,
)
from safelight.values.ids import JobId, acting_for

log = structlog.get_logger()

State = Literal["open", "replayed", "discarded", "all"]

# Each holds a connection while another one admits its job: together they must not hold them all.
_AT_ONCE = 2

_STATES: dict[State, str] = {
    "open": "letter.replayed_as IS NULL AND letter.discarded_at IS NULL",
    "replayed": "letter.replayed_as IS NOT NULL",
    "discarded": "letter.discarded_at IS NOT NULL",
    "all": "true",
}

_LETTERS = """
SELECT letter.job_id, letter.code, letter.provider, letter.model, letter.at, letter.replayed_as,
       letter.discarded_at, jobs.owner_id, jobs.type, jobs.prompt, jobs.price, jobs.attempt,
       jobs.error, jobs.created_at, jobs.finished_at
FROM dead_letters letter JOIN jobs ON jobs.id = letter.job_id
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters. None: whatever it is."""

    state: State = "open"
    code: str | None = None
    provider: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Inspected:
    """All that is known about a letter. row, job: of the letter, and of its job as it is shown."""

    row: Row
    job: Row
    predictions: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one letter of many. code: why nothing did."""

    job_id: UUID
    replayed_as: UUID | None = None
    code: ErrorCode | None = None
    detail: str | None = None


class AlreadyReplayed(AlreadyFinished):
    """It was replayed before, as another job."""

    title = "Already replayed"

    def __init__(self, replayed_as: UUID) -> None:
        self.replayed_as = replayed_as
        super().__init__(f"It was replayed already, as job {replayed_as}.")


class Discarded(AlreadyFinished):
    """Nothing more becomes of it."""

    title = "Discarded"

    def __init__(self) -> None:
        super().__init__("It was discarded; submit its request again if you want it after all.")


class DeadLetters:
    """What an operator does with them."""

    def __init__(self, database: Database, admission: Admission) -> None:
        self._database = database
        self._admission = admission
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def page(self, wanted: Filter, *, limit: int, cursor: str | None) -> Page:
        """Newest first. Raises: InvalidRequest (cursor)."""
        rows = await self._database.fetch(
            f"""{_LETTERS} WHERE {_STATES[wanted.state]}
                AND ($1::text IS NULL OR letter.code = $1)
                AND ($2::text IS NULL OR letter.provider = $2)
                AND ($3::text IS NULL OR letter.model = $3)
                AND ($4::uuid IS NULL OR letter.job_id < $4)
                ORDER BY letter.job_id DESC LIMIT $5""",
            wanted.code,
            wanted.provider,
            wanted.model,
            read_cursor(cursor),
            limit + 1,
        )
        shown = rows[:limit]
        return Page(shown, cursor_of(shown[-1]["job_id"]) if len(rows) > limit else None)

    async def inspect(self, job_id: UUID) -> Inspected:
        """Raises: NotFound."""
        row = await self._database.fetchrow(f"{_LETTERS} WHERE letter.job_id = $1", job_id)
        if row is None:
            raise NotFound("dead letter")
        owner_id = acting_for(row["owner_id"])
        job, predictions, steps, events = await asyncio.gather(
            repository.read_many(self._database, owner_id, [job_id]),
            self._database.fetch(
                """SELECT index, attempt, provider, model, state, provider_id, code, message, usd,
                          at, ended_at
                   FROM predictions WHERE job_id = $1 ORDER BY at, index LIMIT 500""",
                job_id,
            ),
            self._database.fetch(
                """SELECT name, attempt, state, result, at FROM steps
                   WHERE job_id = $1 ORDER BY at, name LIMIT 500""",
                job_id,
            ),
            repository.story(self._database, owner_id, job_id),
        )
        return Inspected(row, job[0], predictions, steps, events)

    async def replay(self, job_id: UUID, *, request_id: str | None) -> UUID:
        """Order it again, for its owner and at his price. Returns the new job.

        Raises: NotFound, AlreadyReplayed, Discarded, and what `Admission.submit` raises; then the
        letter stays open."""
        async with self._alone_with(job_id) as tx:
            row = await self._open_letter(tx, job_id)
            new = await self._admission.retry(
                acting_for(row["owner_id"]),
                JobId(job_id),
                request_id=request_id,
                idempotency_key=replay_key(job_id),
                share=Share(running_max=row["running_max"]),
            )
            await tx.execute(
                "UPDATE dead_letters SET replayed_as = $2 WHERE job_id = $1", job_id, new["id"]
            )
        log.info("a dead letter was replayed", letter=str(job_id), replayed_as=str(new["id"]))
        return UUID(int=new["id"].int)

    async def discard(self, job_id: UUID) -> None:
        """Nothing more is to become of it. Safe to repeat. Raises: NotFound, AlreadyReplayed."""
        async with self._alone_with(job_id) as tx:
            try:
                await self._open_letter(tx, job_id)
            except Discarded:
                return
            await tx.execute(
                "UPDATE dead_letters SET discarded_at = now() WHERE job_id = $1", job_id
            )

    @asynccontextmanager
    async def _alone_with(self, job_id: UUID) -> AsyncIterator[Connection]:
        """Nobody else, in no process, does anything to the letter meanwhile."""
        async with self._places, self._database.transaction() as tx:
            # Not the row's lock: a transaction that has one holds back every reader of the feed,
            # here until the new job is admitted.
            await tx.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('dead letter ' || $1::text, 0))",
                str(job_id),
            )
            yield tx

    async def _open_letter(self, tx: Connection, job_id: UUID) -> Row:
        """The owner_id, and his running_max. Raises: NotFound, AlreadyReplayed, Discarded."""
        row = await tx.fetchrow(
            """SELECT jobs.owner_id, accounts.running_max, letter.discarded_at,
                      coalesce(letter.replayed_as, used.job_id) AS replayed_as
               FROM dead_letters letter JOIN jobs ON jobs.id = letter.job_id
               LEFT JOIN accounts ON accounts.id = jobs.owner_id
               LEFT JOIN idempotency_keys used ON used.owner_id = jobs.owner_id AND used.key = $2
               WHERE letter.job_id = $1""",
            job_id,
            replay_key(job_id),
        )
        if row is None:
            raise NotFound("dead letter")
        if row["replayed_as"]:
            raise AlreadyReplayed(UUID(int=row["replayed_as"].int))
        if row["discarded_at"]:
            raise Discarded
        return row

    async def matching(self, wanted: Filter, limit: int) -> list[UUID]:
        """The letters, oldest first: who has waited longest goes first."""
        rows = await self._database.fetch(
            f"""SELECT letter.job_id FROM dead_letters letter WHERE {_STATES[wanted.state]}
                AND ($1::text IS NULL OR letter.code = $1)
                AND ($2::text IS NULL OR letter.provider = $2)
                AND ($3::text IS NULL OR letter.model = $3)
                ORDER BY letter.job_id LIMIT $4""",  # noqa: S608
            wanted.code,
            wanted.provider,
            wanted.model,
            limit,
        )
        return [UUID(int=row["job_id"].int) for row in rows]

    async def replay_all(self, job_ids: Sequence[UUID], *, request_id: str | None) -> list[Outcome]:
        """Each for itself: one that is refused does not keep the others."""

        async def replay(job_id: UUID) -> UUID | None:
            return await self.replay(job_id, request_id=request_id)

        return [await _outcome(job_id, replay) for job_id in dict.fromkeys(job_ids)]

    async def discard_all(self, job_ids: Sequence[UUID]) -> list[Outcome]:
        return [await _outcome(job_id, self.discard) for job_id in dict.fromkeys(job_ids)]


async def _outcome(job_id: UUID, act: Callable[[UUID], Awaitable[UUID | None]]) -> Outcome:
    try:
        return Outcome(job_id, await act(job_id))
    except AlreadyReplayed as error:
        return Outcome(job_id, error.replayed_as, error.code, error.detail)
    except (RequestRefused, Overloaded) as error:
        return Outcome(job_id, None, error.code, error.detail)


def replay_key(job_id: UUID) -> str:
    """The idempotency key of its replay. The blank keeps it apart from every key that can be sent
    from outside."""
    return f"dead-letter: {job_id}"


async def settle(database: Database) -> None:
    """Write down the replays whose process died before it could. Keys are kept for a day only:
    after that nothing would be known of them, and a second replay would be a second job."""
    await database.execute(
        """UPDATE dead_letters letter SET replayed_as = used.job_id
           FROM jobs, idempotency_keys used
           WHERE letter.replayed_as IS NULL AND letter.discarded_at IS NULL
             AND jobs.id = letter.job_id AND used.owner_id = jobs.owner_id
             AND used.key = 'dead-letter: ' || letter.job_id
             AND used.created_at < now() - interval '1 minute'"""
    )
