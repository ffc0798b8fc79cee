"""Where the attempts of one worker hand in what they write: many jobs, one statement."""

from __future__ import annotations

from safelight.database.patience import patiently
from safelight.database.pool import Database
from safelight.database.together import Together
from safelight.jobs import attempts
from safelight.jobs.attempts import Claim, Delivered, Delivery, Note, Started


class Desk:
    """Starts, notes and deliveries of all running attempts. Outlives a restart of the database.

    patience_s: how long a job may be overtaken by more urgent ones of its owner.
    """

    def __init__(self, database: Database, *, patience_s: float) -> None:
        self._starts: Together[Claim, Started] = Together(
            lambda claims: patiently(
                lambda: attempts.start_attempts(database, claims, patience_s=patience_s)
            )
        )
        self._notes: Together[Note, bool] = Together(
            lambda notes: patiently(lambda: attempts.note(database, notes))
        )
        self._deliveries: Together[Delivery, Delivered] = Together(
            lambda deliveries: patiently(lambda: attempts.deliver(database, deliveries))
        )

    async def start(self, claim: Claim) -> Started:
        """The job's next attempt; None when the job has ended, HELD_UP when another of its owner
        should go first."""
        return await self._starts.add(claim)

    async def note(self, note: Note) -> bool:
        """False: fenced."""
        return await self._notes.add(note)

    async def deliver(self, delivery: Delivery) -> Delivered:
        return await self._deliveries.add(delivery)
