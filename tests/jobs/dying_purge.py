"""A process that purges the trash and is killed in the middle: `python -m tests.jobs.dying_purge
DATABASE_URL FOLDER STEP`. STEP is how many objects it removes before it dies; `recording` is when
all objects are gone and no row says so yet."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from obstore.store import LocalStore

from safelight.database.pool import Database
from safelight.images.store import ObjectPictureStore
from safelight.jobs import trash


class DeadlyStore(ObjectPictureStore):
    """The storage of the data folder, in which somebody counts."""

    left = 0

    async def delete(self, keys: list[str]) -> None:
        for key in keys:
            if self.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            await super().delete([key])
            self.left -= 1


class DeadlyDatabase(Database):
    """Dies before it writes down that objects are gone."""

    async def execute(self, sql: str, *values: object) -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return await super().execute(sql, *values)


async def main(url: str, folder: str, step: str) -> None:
    kind = DeadlyDatabase if step == "recording" else Database
    database = await kind.connect(url, connections_max=2)
    store = DeadlyStore(LocalStore(Path(folder) / "pictures"), folder, Path(folder) / "pictures")
    store.left = 10**9 if step == "recording" else int(step)
    await trash.purge(database, store, kept_s=600)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
