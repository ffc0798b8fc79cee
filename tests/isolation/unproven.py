"""Looked at by the type checker, never run: what is not the proof of an owner is refused.

`make types` fails when one of these lines stops being an error, because then its comment is one too
many (`warn_unused_ignores`).
"""

from __future__ import annotations

from uuid import UUID, uuid4

from safelight.accounts import keys, users
from safelight.credits import accounts, statements
from safelight.database.pool import Database
from safelight.jobs import assets, endings, repository
from safelight.jobs.feed import Feed
from safelight.values.ids import JobId, OwnerId, acting_for


async def by_anybody(database: Database, feed: Feed, thing: UUID, proven: OwnerId) -> None:
    named = (await users.find(database, "ada@example.org")).id

    await repository.read(database, uuid4(), thing)  # type: ignore[arg-type]
    await repository.read(database, named, thing)  # type: ignore[arg-type]
    await repository.read(database, thing, proven)  # type: ignore[arg-type]
    await assets.read_asset(database, named, thing)  # type: ignore[arg-type]
    await endings.cancel(database, named, JobId(thing))  # type: ignore[arg-type]
    await keys.list_keys(database, named)  # type: ignore[arg-type]
    await accounts.read(database, named)  # type: ignore[arg-type]
    await statements.read_receipt(database, named, thing)  # type: ignore[arg-type]
    feed.subscribe(named)  # type: ignore[arg-type]

    await repository.read(database, proven, thing)
    await repository.read(database, acting_for(named), thing)
