"""Where pictures are kept: the data folder, or any object storage that obstore speaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname
from uuid import UUID, uuid4

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, MemoryStore, from_url

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PAGE = 500


class StorageUnusable(Exception):
    """The storage cannot be reached or written; the message is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object in the storage. modified_at: by the storage's own clock."""

    key: str
    bytes: int
    modified_at: datetime


class PictureStore(Protocol):
    """What the rest of Safelight needs of a storage."""

    async def check(self) -> None: ...
    async def put(self, key: str, data: bytes) -> None: ...
    async def get(self, key: str) -> bytes: ...
    async def size(self, key: str) -> int | None: ...
    def stream(self, key: str, start: int, end: int) -> AsyncIterator[bytes]: ...
    async def delete(self, keys: list[str]) -> None: ...
    async def remove(self, asset_id: UUID) -> None: ...
    def pages(self, prefix: str | None = None) -> AsyncIterator[list[Stored]]: ...
    async def clock(self) -> datetime: ...


class ObjectPictureStore:
    """S3, GCS, Azure and the local disk behind one face. A put is whole or not there."""

    def __init__(self, store: ObjectStore, place: str, folder: Path | None = None) -> None:
        """folder: of a store on this disk."""
        self._store = store
        self.place = place
        self._folder = folder

    @classmethod
    def open(cls, storage_url: str | None, data_dir: Path) -> ObjectPictureStore:
        """Raises: StorageUnusable."""
        try:
            if storage_url is None:
                folder = data_dir / "pictures"
                folder.mkdir(parents=True, exist_ok=True)
                return cls(LocalStore(folder), str(folder), folder)
            if storage_url.startswith("memory://"):
                return cls(MemoryStore(), storage_url)
            if storage_url.startswith("file:///"):
                folder = Path(url2pathname(urlsplit(storage_url).path))
                folder.mkdir(parents=True, exist_ok=True)
                return cls(LocalStore(folder), storage_url, folder)
            # A MinIO at home speaks plain HTTP; whoever writes http:// into the endpoint means it.
            return cls(from_url(storage_url, client_options={"allow_http": True}), storage_url)
        except (BaseError, ValueError, OSError) as error:
            raise _unusable(storage_url or str(data_dir), error) from None

    async def check(self) -> None:
        """Write and remove a small object. Raises: StorageUnusable."""
        key = f"check-{uuid4()}"  # others may be looking at the same moment
        try:
            await obstore.put_async(self._store, key, b"safelight")
            await obstore.delete_async(self._store, key)
        except (BaseError, OSError) as error:
            raise _unusable(self.place, error) from None

    async def put(self, key: str, data: bytes) -> None:
        await obstore.put_async(self._store, key, data)

    async def get(self, key: str) -> bytes:
        """Raises: KeyError when there is no such object."""
        try:
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())
        except (NotFoundError, FileNotFoundError):
            raise KeyError(key) from None

    async def size(self, key: str) -> int | None:
        """Bytes, or None when there is no such object."""
        try:
            return int((await obstore.head_async(self._store, key))["size"])
        except (NotFoundError, FileNotFoundError):
            return None

    async def stream(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes start..end-1, in pieces. Raises: KeyError when there is no such object."""
        try:
            result = await obstore.get_async(self._store, key, options={"range": (start, end)})
        except (NotFoundError, FileNotFoundError):
            raise KeyError(key) from None
        async for piece in result.stream(min_chunk_size=256 * 1024):
            yield bytes(piece)

    async def delete(self, keys: list[str]) -> None:
        """Missing objects are no error."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, key)
            except (NotFoundError, FileNotFoundError):
                continue

    async def remove(self, asset_id: UUID) -> None:
        """Everything of a picture, whatever kinds of files there are of it. May be repeated."""
        place = folder_of(asset_id)
        async for page in self.pages(place):
            await self.delete([found.key for found in page])
        if self._folder:
            # The picture's own folder only: a put into the one above may be on its way.
            with suppress(OSError):
                await asyncio.to_thread((self._folder / place).rmdir)

    async def pages(self, prefix: str | None = None) -> AsyncIterator[list[Stored]]:
        """All objects, or those in one folder, some hundred at a time and in no order.

        Raises: StorageUnusable."""
        try:
            async for page in obstore.list(self._store, prefix, chunk_size=_PAGE):
                yield [Stored(one["path"], int(one["size"]), one["last_modified"]) for one in page]
        except (BaseError, OSError) as error:
            raise _unusable(self.place, error) from None

    async def clock(self) -> datetime:
        """What time it is where the objects are."""
        key = f"check-{uuid4()}"
        await obstore.put_async(self._store, key, b"safelight")
        try:
            return (await obstore.head_async(self._store, key))["last_modified"]
        finally:
            await obstore.delete_async(self._store, key)


def _unusable(place: str, error: Exception) -> StorageUnusable:
    # obstore adds pages for its own developers below the first line.
    sentence = (str(error).splitlines() or [repr(error)])[0].strip()
    return StorageUnusable(f"The storage {place} cannot be used: {sentence}")


def original_key(asset_id: UUID, image_format: str) -> str:
    return f"{folder_of(asset_id)}/original.{image_format}"


def preview_key(asset_id: UUID, side: int) -> str:
    return f"{folder_of(asset_id)}/{side}.webp"


def folder_of(asset_id: UUID) -> str:
    """Where everything of a picture is. The last two digits spread the folders; the first ones of a
    time-ordered id would not."""
    return f"{asset_id.hex[-2:]}/{asset_id}"


def asset_of(key: str) -> UUID | None:
    """Whose file this is; None for what none of the functions above has named."""
    parts = key.split("/")
    try:
        asset_id = UUID(parts[1]) if len(parts) == 3 else None
    except ValueError:
        return None
    return asset_id if asset_id and key.startswith(f"{folder_of(asset_id)}/") else None
