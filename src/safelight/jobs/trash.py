"""Purging what was deleted long enough ago: claim the row, remove the objects, empty the row.

Each step may be repeated, and the row is there until its objects are not: a process that dies in
between leaves a claim, which another one takes over (docs/decisions/0012-retention.md).
"""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import structlog

from safelight.database.pool import Database
from safelight.images.store import PictureStore

log = structlog.get_logger()

CLAIM_S = 600.0  # a claim that is older is a dead process's
_BATCH = 64
_AT_ONCE = 8
_ROUND_S = 4.0  # of every sweep; what is left waits for the next
_PATIENCE_S = 30.0  # a storage that hangs must not keep the sweep from ending jobs

# From here on the deletion cannot be taken back. `deleted_at` is looked at again when the row is
# locked, so that one that is being restored at this moment is left alone. An upload is forgotten as
# such: the same file brought once more is a new picture.
_CLAIM = """
WITH claimed AS (
    UPDATE assets SET purging_since = now()
    WHERE id IN (SELECT id FROM assets
                 WHERE deleted_at < now() - make_interval(secs => $1) AND purged_at IS NULL
                   AND (purging_since IS NULL OR purging_since < now() - make_interval(secs => $2))
                 ORDER BY deleted_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING id
), upload AS (
    DELETE FROM uploads USING claimed WHERE uploads.asset_id = claimed.id
)
SELECT id FROM claimed
"""

# What is left is that there was a picture, of which job, and how large.
_EMPTY = """
UPDATE assets SET purged_at = now(), prompt = NULL, tags = '{}', starred = false, thumbhash = NULL,
       seed = NULL, sha256 = ''
WHERE id = ANY($1) AND purging_since IS NOT NULL
"""


async def purge(
    database: Database, store: PictureStore, *, kept_s: float, claim_s: float = CLAIM_S
) -> int:
    """A chore: purge pictures that were deleted more than `kept_s` ago, for a few seconds. Returns
    how many. Several processes at once share them."""
    purged = 0
    deadline = time.monotonic() + _ROUND_S
    while time.monotonic() < deadline:
        rows = await database.fetch(_CLAIM, kept_s, claim_s, _BATCH)
        claimed = [UUID(int=row["id"].int) for row in rows]
        removed = await _remove(store, claimed)
        await database.execute(_EMPTY, removed)
        purged += len(removed)
        if len(removed) < _BATCH:
            break
    if purged:
        log.info("deleted pictures were purged", pictures=purged)
    return purged


async def _remove(store: PictureStore, asset_ids: list[UUID]) -> list[UUID]:
    """Those whose objects are all gone. For the others the claim stands until it is too old."""
    places = asyncio.Semaphore(_AT_ONCE)
    until = asyncio.get_running_loop().time() + _PATIENCE_S

    async def remove(asset_id: UUID) -> None:
        async with asyncio.timeout_at(until), places:
            await store.remove(asset_id)

    outcomes = await asyncio.gather(
        *(remove(asset_id) for asset_id in asset_ids), return_exceptions=True
    )
    failed = [error for error in outcomes if isinstance(error, Exception)]
    if failed:
        log.warning("pictures could not be purged", pictures=len(failed), error=str(failed[0]))
    return [asset_id for asset_id, error in zip(asset_ids, outcomes, strict=True) if error is None]
