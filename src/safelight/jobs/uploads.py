"""Pictures that people bring along: checked, written anew, counted and kept once."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from safelight.database.pool import Connection, Database, Row
from safelight.images.darkroom import Copied, Darkroom
from safelight.images.headers import TooBig, Undecodable, WrongKind, read_header
from safelight.images.store import PictureStore, original_key, preview_key
from safelight.jobs import assets
from safelight.values.errors import Overloaded, RateLimited, TooLarge, UnsupportedMedia
from safelight.values.ids import OwnerId, new_id

# Fewer than the darkroom has seats would leave one for what providers answer; but a seat is 10 s at
# most, so that one may wait. Whoever comes when this many wait is sent away.
_AT_ONCE = 2
_WAITING_MAX = 32
_OF_ONE_MAX = _AT_ONCE + 4  # served and waiting, so that nobody fills the room alone


@dataclass(frozen=True, slots=True)
class Kept:
    """An upload's asset; is_new is False when the same file was brought before."""

    row: Row
    is_new: bool


class File(Protocol):
    """What was sent, perhaps kept on disk until somebody has time for it."""

    size: int | None

    async def read(self, size: int = -1) -> bytes: ...


class Uploads:
    """Takes pictures in. bytes_max: of one file."""

    def __init__(
        self,
        database: Database,
        store: PictureStore,
        darkroom: Darkroom,
        *,
        bytes_max: int,
    ) -> None:
        self._database = database
        self._store = store
        self._darkroom = darkroom
        self._bytes_max = bytes_max
        self._seats = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._of: Counter[str] = Counter()

    async def keep(
        self,
        owner_id: OwnerId,
        file: File,
        *,
        quota_bytes: int | None = None,
        counted_as: str | None = None,
    ) -> Kept:
        """Keep a picture of this owner. The same file again answers the same asset. quota_bytes:
        what he may have stored; None: any amount. counted_as: whose pictures wait together; None:
        they may take all places.

        Raises: UnsupportedMedia, TooLarge (the picture, or the owner's storage), Overloaded,
        RateLimited."""
        if counted_as and self._of[counted_as] >= _OF_ONE_MAX:
            raise RateLimited(
                f"{_OF_ONE_MAX} of your pictures are being taken in; send this one again when one "
                "of them is done.",
                retry_after_s=2,
            )
        if self._waiting >= _WAITING_MAX:
            raise Overloaded("Many pictures are being uploaded; send this one again in a moment.")
        self._count(counted_as, 1)
        try:
            async with self._seats:  # from here on it is in memory
                data = await file.read(self._bytes_max + 1)
                return await self._keep(owner_id, data, quota_bytes)
        finally:
            self._count(counted_as, -1)

    def _count(self, counted_as: str | None, more: int) -> None:
        self._waiting += more
        if counted_as:
            self._of[counted_as] += more
            if not self._of[counted_as]:
                del self._of[counted_as]

    async def _keep(self, owner_id: OwnerId, data: bytes, quota: int | None) -> Kept:
        if len(data) > self._bytes_max:
            raise TooLarge(f"A picture may have at most {self._bytes_max:,} bytes.")
        sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).digest())
        known = await _find(self._database, owner_id, sha256)
        if known and known["deleted_at"] is None:
            return Kept(known, is_new=False)
        if known and (
            row := await assets.set_deleted(self._database, owner_id, known["id"], deleted=False)
        ):
            return Kept(row, is_new=False)  # it was in the trash, with all its files
        if quota is not None:
            _refuse_beyond(quota, await used_bytes(self._database, owner_id), len(data))
        copied = await self._copy(data)
        asset_id = new_id()
        await self._write(asset_id, copied)
        try:
            async with self._database.transaction() as tx:
                row = await _insert(tx, owner_id, sha256, asset_id, copied, quota=quota)
        except TooLarge:
            await self._forget(asset_id, copied)
            raise
        if row["id"] != asset_id:  # the same file came twice at once, and the other one won
            await self._forget(asset_id, copied)
            return Kept(row, is_new=False)
        return Kept(row, is_new=True)

    async def _copy(self, data: bytes) -> Copied:
        try:
            return await self._darkroom.copy(data, read_header(data, gif=True))
        except TooBig as error:
            raise TooLarge(str(error)) from None
        except WrongKind as error:
            raise UnsupportedMedia(str(error)) from None
        except Undecodable as error:
            raise UnsupportedMedia(f"This picture cannot be used. {error}") from None

    async def _write(self, asset_id: UUID, copied: Copied) -> None:
        previews = copied.derived.previews
        await asyncio.gather(
            self._store.put(original_key(asset_id, copied.format), copied.data),
            *(self._store.put(preview_key(asset_id, side), previews[side]) for side in previews),
        )

    async def _forget(self, asset_id: UUID, copied: Copied) -> None:
        previews = [preview_key(asset_id, side) for side in copied.derived.previews]
        await self._store.delete([original_key(asset_id, copied.format), *previews])


async def used_bytes(database: Database | Connection, owner_id: OwnerId) -> int:
    """What an owner has stored: originals of uploads and outputs, deleted ones too until they are
    removed for good."""
    used: int = await database.fetchval(
        """SELECT coalesce(sum(bytes), 0)::bigint FROM assets
           WHERE owner_id = $1 AND purged_at IS NULL""",
        owner_id,
    )
    return used


def _refuse_beyond(quota: int, used: int, more: int) -> None:
    """Raises: TooLarge."""
    if used + more > quota:
        raise TooLarge(
            f"Your pictures take {used / 1e6:,.1f} MB of {quota / 1e6:,.1f} MB; this one would add "
            f"{more / 1e6:,.1f} MB. Delete some first."
        )


async def _find(database: Database, owner_id: OwnerId, sha256: bytes) -> Row | None:
    return await database.fetchrow(
        f"""SELECT {assets.SHOWN} FROM uploads u JOIN assets j ON j.id = u.asset_id
            WHERE u.owner_id = $1 AND u.sha256 = $2 AND j.owner_id = $1""",  # noqa: S608
        owner_id,
        sha256,
    )


async def _insert(
    tx: Connection,
    owner_id: OwnerId,
    sha256: bytes,
    asset_id: UUID,
    copied: Copied,
    *,
    quota: int | None,
) -> Row:
    """The asset's row; of two of the same file, the first one's. Raises: TooLarge."""
    # One upload of an owner at a time, or two could both fit into what is left.
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('uploads ' || $1, 0))", str(owner_id)
    )
    # Locked, so that one in the trash is either brought back or purged: it is no winner then.
    winner: UUID | None = await tx.fetchval(
        """SELECT a.id FROM uploads u JOIN assets a ON a.id = u.asset_id
           WHERE u.owner_id = $1 AND u.sha256 = $2 AND a.purging_since IS NULL
           FOR NO KEY UPDATE OF a""",
        owner_id,
        sha256,
    )
    if winner is None:
        if quota is not None:
            _refuse_beyond(quota, await used_bytes(tx, owner_id), len(copied.data))
        await tx.execute(
            """WITH asset AS (
                   INSERT INTO assets (id, owner_id, kind, width, height, format, bytes, sha256,
                                       thumbhash)
                   VALUES ($1, $2, 'upload', $4, $5, $6, $7, $8, $9)
                   RETURNING id, owner_id)
               INSERT INTO uploads (owner_id, sha256, asset_id)
               SELECT owner_id, $3, id FROM asset""",
            asset_id,
            owner_id,
            sha256,
            copied.width,
            copied.height,
            copied.format,
            len(copied.data),
            hashlib.sha256(copied.data).digest(),
            copied.derived.thumbhash,
        )
    # What was written just now may differ from what was there before, if libvips is another one.
    row = await tx.fetchrow(
        f"""UPDATE assets j SET deleted_at = NULL, bytes = CASE WHEN id = $3 THEN $4 ELSE bytes END,
                   sha256 = CASE WHEN id = $3 THEN $5 ELSE sha256 END
            WHERE id = $1 AND owner_id = $2 RETURNING {assets.SHOWN}""",  # noqa: S608
        winner or asset_id,
        owner_id,
        asset_id,
        len(copied.data),
        hashlib.sha256(copied.data).digest(),
    )
    assert row is not None
    return row
