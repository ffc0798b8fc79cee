"""The pictures a job starts from: looked up among their owner's, and read when they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from safelight.database.patience import patiently
from safelight.database.pool import Database, Row
from safelight.images.store import PictureStore, original_key
from safelight.jobs.model import Attempt
from safelight.providers.protocol import PictureBytes
from safelight.values.errors import FieldError, ProviderRejected
from safelight.values.ids import OwnerId

BYTES_MAX = 50 * 1024 * 1024  # of all of them: a worker holds them while it asks the provider
_NOT_YOURS = "Not among your pictures: it may have been deleted."


class SourceGone(ProviderRejected):
    """A picture that a job should start from was deleted before the job got that far."""

    code = "invalid_request"
    title = "A picture it starts from is gone"


@dataclass(frozen=True, slots=True)
class Sources:
    """What was found of a wish's pictures. digests: SHA-256 of the contents in the order they were
    named, the mask's last. errors: why some cannot be used; somebody else's, an unknown and a
    deleted one all read alike."""

    digests: tuple[str, ...] = ()
    mask_digest: str | None = None
    errors: tuple[FieldError, ...] = ()


NONE = Sources()


async def find(
    database: Database, owner_id: OwnerId, references: tuple[UUID, ...], mask: UUID | None
) -> Sources:
    """Look the named pictures up among those of this owner."""
    if not references and mask is None:
        return NONE
    found = await _own(database, owner_id, [*references, *([mask] if mask else [])])
    chosen = [found[asset_id] for asset_id in references if asset_id in found]
    cover = found.get(mask) if mask else None
    errors = tuple(_faults(references, mask, chosen, cover))
    return Sources(
        tuple(row["sha256"].hex() for row in chosen),
        cover["sha256"].hex() if cover else None,
        errors,
    )


def _faults(
    references: tuple[UUID, ...], mask: UUID | None, chosen: list[Row], cover: Row | None
) -> Iterator[FieldError]:
    if len(chosen) < len(references):
        yield FieldError("references", _NOT_YOURS)
    elif (total := sum(row["bytes"] for row in chosen)) > BYTES_MAX:
        yield FieldError(
            "references",
            f"Together they have {total / 1e6:.0f} MB; {BYTES_MAX / 1e6:.0f} MB go with one job.",
        )
    if mask is None:
        return
    if cover is None:
        yield FieldError("mask", _NOT_YOURS)
    elif cover["format"] != "png":
        yield FieldError("mask", "Must be a PNG: what is transparent in it is changed.")
    elif chosen and _size(cover) != _size(chosen[0]):
        yield FieldError(
            "mask", f"It is {_size(cover)}, the picture {_size(chosen[0])}; make them alike."
        )


def _size(row: Row) -> str:
    return f"{row['width']}×{row['height']}"


async def _own(database: Database, owner_id: OwnerId, asset_ids: list[UUID]) -> dict[UUID, Row]:
    rows = await database.fetch(
        """SELECT id, sha256, format, bytes, width, height FROM assets
           WHERE owner_id = $1 AND id = ANY($2) AND deleted_at IS NULL""",
        owner_id,
        asset_ids,
    )
    return {UUID(int=row["id"].int): row for row in rows}


@dataclass(frozen=True, slots=True)
class Pictures:
    """The bytes, as an adapter takes them."""

    references: tuple[PictureBytes, ...] = ()
    mask: PictureBytes | None = None


class Shelf:
    """The pictures one attempt starts from, read once for all its variants, and only if one of
    them still asks the provider."""

    def __init__(self, database: Database, store: PictureStore, attempt: Attempt) -> None:
        self._database = database
        self._store = store
        self._attempt = attempt
        self._lock = asyncio.Lock()
        self._pictures: Pictures | None = None

    async def take(self) -> Pictures:
        """Raises: SourceGone."""
        async with self._lock:
            if self._pictures is None:
                self._pictures = await self._read()
            return self._pictures

    async def _read(self) -> Pictures:
        request = self._attempt.request
        references = [UUID(asset_id) for asset_id in request["references"]]
        mask = UUID(request["mask"]) if request["mask"] else None
        if not references and mask is None:
            return Pictures()
        named = [*references, *([mask] if mask else [])]
        # Asked again, by owner: what was deleted since is not sent to anybody any more.
        found = await patiently(lambda: _own(self._database, self._attempt.owner_id, named))
        read = {
            asset_id: await self._bytes(found.get(asset_id)) for asset_id in dict.fromkeys(named)
        }
        return Pictures(
            tuple(read[asset_id] for asset_id in references), read[mask] if mask else None
        )

    async def _bytes(self, row: Row | None) -> PictureBytes:
        if row is None:
            raise SourceGone("A picture this starts from was deleted.")
        try:
            data = await self._store.get(original_key(row["id"], row["format"]))
        except KeyError:
            raise SourceGone("A picture this starts from is not in the storage any more.") from None
        return PictureBytes(data, row["format"])
