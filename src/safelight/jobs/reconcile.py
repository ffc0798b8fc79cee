"""Putting our record of what providers do for us in order: nobody waits for a prediction whose job
has ended."""

from __future__ import annotations

import structlog

from safelight.database.pool import Database, Row
from safelight.providers.protocol import Ticket
from safelight.providers.registry import Registry
from safelight.values.errors import SafelightError

log = structlog.get_logger()

# A worker that is told of a cancellation sees to it itself, within seconds.
_ABANDONED = """
SELECT p.job_id, p.index, p.attempt, p.provider, p.state, p.provider_id,
       s.result -> 'facts' AS facts
FROM predictions p
JOIN jobs j ON j.id = p.job_id
LEFT JOIN steps s ON s.job_id = p.job_id AND s.name = 'render:' || p.index AND s.state = 'ticket'
WHERE p.ended_at IS NULL AND j.finished_at < now() - make_interval(secs => $1)
LIMIT 50
"""


async def drop_abandoned(
    database: Database, registry: Registry, *, older_than_s: float = 30.0
) -> int:
    """Cancel tickets at their providers, where they can be, and write down that nobody knows what
    came of calls whose answer was lost. Returns how many predictions were closed."""
    rows = await database.fetch(_ABANDONED, older_than_s)
    for row in rows:
        state = await _drop(registry, row)
        await database.execute(
            """UPDATE predictions SET state = $4, ended_at = now()
               WHERE job_id = $1 AND index = $2 AND attempt = $3 AND ended_at IS NULL""",
            row["job_id"],
            row["index"],
            row["attempt"],
            state,
        )
    return len(rows)


async def _drop(registry: Registry, row: Row) -> str:
    if row["state"] != "ticket":
        return "unknown"
    try:
        provider = registry.image(row["provider"])
        await provider.cancel(Ticket(row["provider_id"], row["facts"] or {}))
    except SafelightError as error:
        log.warning(
            "a prediction could not be cancelled", provider=row["provider"], error=str(error)
        )
    return "cancelled"
