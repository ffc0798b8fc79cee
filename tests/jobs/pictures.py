"""Pictures in the gallery, as their rows and their objects, without a job that made them."""

from __future__ import annotations

import asyncio
from uuid import UUID

from safelight.database.pool import Database
from safelight.images.store import ObjectPictureStore, original_key, preview_key
from safelight.values.ids import LOCAL_OWNER, new_id
from safelight.values.images import PREVIEW_SIDES

FILES = 1 + len(PREVIEW_SIDES)


async def add_picture(
    database: Database,
    store: ObjectPictureStore,
    *,
    owner: UUID = LOCAL_OWNER,
    deleted_ago_s: float | None = None,
    size: int = 1000,
    job_id: UUID | None = None,
) -> UUID:
    """One picture; deleted that long ago, or not."""
    asset_id = new_id()
    data = (asset_id.bytes * (size // 16 + 1))[:size]
    await put_objects(store, asset_id, data)
    await database.execute(
        """INSERT INTO assets (id, owner_id, job_id, index, width, height, format, bytes, sha256,
                               thumbhash, seed, prompt, model, tags, deleted_at)
           VALUES ($1, $2, $5, 0, 64, 64, 'png', $3, sha256($6), '\\x01', 7,
                   'a heron over tin roofs', 'sketch', '{birds}',
                   now() - make_interval(secs => $4))""",
        asset_id,
        owner,
        size,
        deleted_ago_s,
        job_id,
        data,
    )
    return asset_id


async def put_objects(store: ObjectPictureStore, asset_id: UUID, data: bytes = b"picture") -> None:
    keys = [original_key(asset_id, "png"), *(preview_key(asset_id, s) for s in PREVIEW_SIDES)]
    await asyncio.gather(*(store.put(key, data) for key in keys))


async def objects(store: ObjectPictureStore) -> set[str]:
    """All keys there are."""
    return {found.key async for page in store.pages() for found in page}
