"""Queue entries from the outside: how to wake workers, and how to find entries that are missing.

The entry itself is inserted by the statement that inserts its job (jobs/intake.py), so that
neither can exist without the other.
"""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from safelight.database.migrate import QUEUE
from safelight.database.pool import Connection, Database
from safelight.database.wakeups import Wakeups

CANCEL_CHANNEL = "safelight_cancel"


def ring_for_entries(wakeups: Wakeups) -> None:
    """Say that there are new entries, in the words PgQueuer's own listener understands."""
    wakeups.ring(QUEUE.channel, BELL)


# The time is that of the import: nobody reads it, and equal bells coalesce into one.
BELL = orjson.dumps(
    {
        "channel": QUEUE.channel,
        "operation": "insert",
        "sent_at": datetime.now(UTC),
        "table": QUEUE.queue_table,
        "type": "table_changed_event",
    }
).decode()


async def restore_missing(database: Database | Connection, *, older_than_s: float = 60.0) -> int:
    """Queue jobs that wait but have no entry. There should never be one; a bug, or a database
    restored from two backups, must not leave a job waiting for ever. Returns how many there were.
    """
    rows = await database.fetch(
        """WITH missing AS MATERIALIZED (
               SELECT id, provider, parked FROM jobs
               WHERE finished_at IS NULL AND created_at < now() - make_interval(secs => $1)
                 AND NOT EXISTS (SELECT FROM queue.pgqueuer entry
                                 WHERE entry.payload = uuid_send(jobs.id)
                                   AND entry.status IN ('queued', 'picked'))
               FOR NO KEY UPDATE SKIP LOCKED
           ), entry AS (
               INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status)
               SELECT -coalesce(lanes.virtual, 0), CASE WHEN parked THEN 'parked' ELSE provider END,
                      uuid_send(missing.id), 'queued'
               FROM missing LEFT JOIN lanes ON lanes.name = missing.provider
               RETURNING id, payload, priority
           )
           UPDATE jobs SET entry = entry.id, tag = -entry.priority FROM entry, missing
           WHERE jobs.id = missing.id AND entry.payload = uuid_send(missing.id)
           RETURNING jobs.id""",
        older_than_s,
    )
    return len(rows)
