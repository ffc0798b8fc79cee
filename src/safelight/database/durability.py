"""Whether the database keeps what it has said it keeps."""

from __future__ import annotations

from safelight.database.embedded import DatabaseUnusable
from safelight.database.pool import Database

_SWITCHES = ("fsync", "synchronous_commit", "full_page_writes")


async def check_durable(database: Database) -> None:
    """Raises: DatabaseUnusable when a crash could lose what was committed: accepted jobs, and
    credits that were paid."""
    for name in _SWITCHES:
        if await database.fetchval("SELECT current_setting($1)", name) == "off":
            raise DatabaseUnusable(
                f"The database has {name} = off: after a crash, jobs and credits that it had "
                "confirmed would be missing. Switch it on where it was switched off "
                "(postgresql.conf, ALTER SYSTEM, ALTER DATABASE or ALTER ROLE), and start again."
            )
