"""A database with the queue in it, and jobs in any state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest

from safelight.database.pool import Database
from safelight.values.ids import LOCAL_OWNER, new_id

AddJob = Callable[..., Awaitable[UUID]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = await Database.connect(database_url, connections_max=6)
    yield made
    await made.close()


@pytest.fixture
def add_job(database: Database) -> AddJob:
    """Insert a job as it would be found: its status, its age, and the state of its queue entry."""

    async def add(
        status: str = "pending",
        *,
        age_s: float = 0,
        entry: str | None = "queued",
        manager: UUID | None = None,
    ) -> UUID:
        job_id = new_id()
        await database.execute(
            """INSERT INTO jobs (id, owner_id, type, status, model, provider, prompt, request,
                                 count, digest, price, created_at, finished_at)
               SELECT $1, $2, 'image', $3, 'm', 'openai', 'a heron', '{}', 1, '', 1, at,
                      CASE WHEN $3 IN ('pending', 'processing') THEN NULL ELSE at END
               FROM (SELECT now() - make_interval(secs => $4) AS at) AS made""",
            job_id,
            LOCAL_OWNER,
            status,
            age_s,
        )
        if entry:
            await database.execute(
                """INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status,
                                               queue_manager_id, execute_after)
                   VALUES (5, 'openai', uuid_send($1), $2::text::queue.pgqueuer_status, $3,
                           now())""",
                job_id,
                entry,
                manager,
            )
        return job_id

    return add
