"""Deleting a user: kept out at once, his jobs cancelled; after a while everything of his is gone.

In one transaction his doors are closed and so is his account, whose row every order locks: an
order either came before, and is cancelled, or is refused. Until `kept_s` is over an administrator
can bring him back with all that is his. Then, in steps that a crash may interrupt anywhere, his
pictures are purged, his jobs with their prompts and stories deleted, and last his name. The ledger
keeps its postings: they name a number that nobody has any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

import structlog

from safelight.accounts import leaving
from safelight.accounts.leaving import Leaver
from safelight.credits.accounts import set_closed
from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.jobs import endings
from safelight.jobs.feed import Feed
from safelight.queueing.entries import CANCEL_CHANNEL

log = structlog.get_logger()

_BATCH = 500
_USERS_AT_ONCE = 20
_LOOK_AGAIN_S = (0, 0.05, 0.2, 0.5)
_ROUND_S = 2.0  # of every sweep

# Told the jobs that were cancelled, so that whoever works on them stops.
Cancelled = Callable[[list[UUID]], None]


async def delete_user(
    database: Database, user_id: UUID, *, kept_s: float, on_cancelled: Cancelled
) -> Leaver:
    """End a user's access and his jobs. Safe to repeat. Raises: NotFound, Forbidden."""
    async with database.transaction() as tx:
        leaver = await leaving.mark_deleted(tx, user_id, kept_s=kept_s)
        await set_closed(tx, user_id, closed=True)
    await cancel_jobs_of(database, user_id, on_cancelled)
    log.info("a user was deleted", user_id=str(user_id))
    return leaver


async def restore_user(database: Database, user_id: UUID) -> None:
    """Take a deletion back. What was cancelled stays so, and keys stay revoked.

    Raises: NotFound when the time for it is over."""
    async with database.transaction() as tx:
        await leaving.take_back(tx, user_id)
        await set_closed(tx, user_id, closed=False)
    log.info("a deleted user was brought back", user_id=str(user_id))


async def cancel_jobs_of(database: Database, user_id: UUID, on_cancelled: Cancelled) -> None:
    """Cancel what a closed account has under way. Jobs that somebody writes to at this moment are
    passed over and looked at again; what is left over even so is found by `carry_on`."""
    for pause_s in _LOOK_AGAIN_S:
        await asyncio.sleep(pause_s)
        while ended := await endings.cancel_closed(database, user_id):
            on_cancelled(ended)
        if not await database.fetchval("SELECT open_jobs FROM accounts WHERE id = $1", user_id):
            return


async def carry_on(database: Database, *, kept_s: float, on_cancelled: Cancelled) -> None:
    """A chore: finish what a deletion left open, and forget whose time is over."""
    rows = await database.fetch(
        "SELECT id FROM accounts WHERE closed_at IS NOT NULL AND open_jobs > 0 LIMIT 100"
    )
    for row in rows:
        await cancel_jobs_of(database, row["id"], on_cancelled)
    for user_id in await leaving.begin_forgetting(database, kept_s=kept_s, limit=_USERS_AT_ONCE):
        await _forget(database, user_id)


async def _forget(database: Database, user_id: UUID) -> None:
    """Some rounds for a user whose time is over. The pictures go first, by way of the trash,
    because only their rows say where they are; while some are left nothing else is touched."""
    if await _put_all_into_trash(database, user_id):
        return
    deadline = time.monotonic() + _ROUND_S
    for table, which in HIS.items():
        # Each batch for itself: a transaction that writes for long holds back every event reader.
        while await _delete_some(database, table, which, user_id):
            if time.monotonic() > deadline:
                return  # more of it in the next sweep
    async with database.transaction() as tx:
        await leaving.forget(tx, user_id)
    log.info("a deleted user was forgotten", user_id=str(user_id))


async def _put_all_into_trash(database: Database, user_id: UUID) -> bool:
    """Give all pictures of a user to the trash, as old as his own deletion; True while there are
    any that are not purged."""
    await database.execute(
        """UPDATE assets SET deleted_at = users.deleted_at FROM users
           WHERE users.id = $1 AND assets.id IN (
               SELECT assets.id FROM assets JOIN users ON users.id = owner_id
               WHERE owner_id = $1 AND purged_at IS NULL
                 AND (assets.deleted_at IS NULL OR assets.deleted_at > users.deleted_at)
               LIMIT 5000 FOR NO KEY UPDATE OF assets SKIP LOCKED)""",
        user_id,
    )
    return bool(
        await database.fetchval(
            "SELECT EXISTS (SELECT FROM assets WHERE owner_id = $1 AND purged_at IS NULL)", user_id
        )
    )


# In this order: a job takes its outputs, steps, predictions and dead letter with it, and only then
# nothing refers to the emptied rows of its pictures.
HIS = {
    "jobs": "owner_id = $1",
    "assets": "owner_id = $1 AND purged_at IS NOT NULL",
    "uploads": "owner_id = $1",
    "events": "owner_id = $1",
    "idempotency_keys": "owner_id = $1",
    "turns": "owner_id = $1",
}


async def _delete_some(database: Database, table: str, which: str, user_id: UUID) -> bool:
    """True when there was something to delete."""
    done = await database.execute(
        f"""DELETE FROM {table} WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM {table} WHERE {which} LIMIT {_BATCH}))""",  # noqa: S608
        user_id,
    )
    return done != "DELETE 0"


def ring_for(wakeups: Wakeups, feed: Feed) -> Cancelled:
    """Tell workers and watchers of this and every other process."""

    def ring(job_ids: list[UUID]) -> None:
        for job_id in job_ids:
            wakeups.ring(CANCEL_CHANNEL, str(job_id))
        feed.announce()

    return ring


async def notify(database: Database, job_ids: list[UUID]) -> None:
    """The same for a process that has nothing to listen with: a command."""
    await database.execute(
        "SELECT pg_notify($1, id::text) FROM unnest($2::uuid[]) AS cancelled (id)",
        CANCEL_CHANNEL,
        job_ids,
    )
