"""Where the attempts of one worker hand in what they write: many jobs, one statement."""

from __future__ import annotations

from safelight.database.patience import patiently
from safelight.database.pool import Database
from safelight.database.together import Together
from safelight.jobs import attempts
from safelight.jobs.attempts import Delivery, Note
from safelight.jobs.model import Attempt
from safelight.values.ids import JobId


class Desk:
    """Starts, notes and deliveries of all running attempts. Outlives a restart of the database."""

    def __init__(self, database: Database) -> None:
        self._starts: Together[JobId, Attempt | None] = Together(
            lambda job_ids: patiently(lambda: attempts.start_attempts(database, job_ids))
        )
        self._notes: Together[Note, bool] = Together(
            lambda notes: patiently(lambda: attempts.note(database, notes))
        )
        self._deliveries: Together[Delivery, bool] = Together(
            lambda deliveries: patiently(lambda: attempts.deliver(database, deliveries))
        )

    async def start(self, job_id: JobId) -> Attempt | None:
        """The job's next attempt, or None when the job has ended."""
        return await self._starts.add(job_id)

    async def note(self, note: Note) -> bool:
        """False: fenced."""
        return await self._notes.add(note)

    async def deliver(self, delivery: Delivery) -> bool:
        """False: fenced."""
        return await self._deliveries.add(delivery)
