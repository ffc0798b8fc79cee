"""What one stream has been told of where its jobs stand, and what would be news to it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from safelight.database.pool import Row
from safelight.jobs.board import Board
from safelight.jobs.feed import Subscription
from safelight.jobs.waiting import Standing


class QueueNews:
    """What one stream has not been told yet of where its jobs stand.

    A look at the queue may be older than the lines that were told: what has left the queue by them
    is not said to wait.
    """

    def __init__(self, board: Board, subscription: Subscription) -> None:
        self.watch = board.watch(subscription.owner_id, subscription.job_id, subscription.nudge)
        self._look = 0
        self._told: dict[UUID, Standing] = {}
        self._left: dict[UUID, int] = {}  # job: the last look that may not know it yet

    def begin(self, rows: Sequence[Row], *, are_all: bool) -> None:
        """The stream begins with these jobs, which may not be all that there are."""
        for row in rows:
            self.note(UUID(int=row["id"].int), row["status"])
        if not are_all:
            self.watch.stir()

    def note(self, job_id: UUID, status: str) -> None:
        """The client is told that the job is in this status."""
        if status == "pending":
            self._left.pop(job_id, None)
            self._told.pop(job_id, None)
            self.watch.stir()
        else:
            self._left[job_id] = self.watch.looking

    def take(self) -> list[Standing]:
        """What is news since the last time."""
        watch = self.watch
        if watch.look == self._look:
            return []
        self._look = watch.look
        self._left = {job: look for job, look in self._left.items() if look >= watch.look}
        waiting = [one for id_, one in watch.standings.items() if id_ not in self._left]
        news = [one for one in waiting if one.is_news(self._told.get(one.job_id))]
        self._told = {job: told for job, told in self._told.items() if job in watch.standings} | {
            one.job_id: one for one in news
        }
        return news
