"""Whether the database and the storage can be used, for /readyz."""

from __future__ import annotations

import asyncio

from safelight.database.patience import GONE
from safelight.database.pool import Database
from safelight.images.store import PictureStore, StorageUnusable

_KEPT_S = 2.0


class Readiness:
    """Looked up when somebody asks, at most every two seconds: everybody may ask, and a look takes
    a connection and writes to the storage."""

    def __init__(self, database: Database, store: PictureStore) -> None:
        self._database = database
        self._store = store
        self._looking = asyncio.Lock()
        self._parts: dict[str, str] = {}
        self._known_at = float("-inf")

    async def parts(self) -> dict[str, str]:
        """What of them is “ok”, and what is in the way of the others."""
        loop = asyncio.get_running_loop()
        async with self._looking:
            if loop.time() - self._known_at > _KEPT_S:
                self._parts = {"database": await self._ask(), "storage": await self._write()}
                self._known_at = loop.time()
            return self._parts

    async def _ask(self) -> str:
        try:
            await self._database.fetchval("SELECT 1")
        except GONE:
            return "not answering"
        return "ok"

    async def _write(self) -> str:
        try:
            await self._store.check()
        except StorageUnusable:
            return "cannot be written"
        return "ok"
