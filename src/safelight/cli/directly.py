"""For commands that work on the database itself, whether a server runs or not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from safelight import logs, settings
from safelight.cli.stop import Stop
from safelight.database.pool import Database
from safelight.values.errors import RequestRefused
from safelight.wiring import open_database

T = TypeVar("T")


def on_database(data_dir: Path | None, act: Callable[[Database], Awaitable[T]]) -> T:
    """What `act` returns, called with the configured database; an embedded one that is not running
    runs meanwhile. Raises: Stop with the sentence of what was refused."""
    known = settings.load(data_dir=data_dir)
    settings.prepare_data_dir(known)
    logs.set_up(known.log_format, known.log_level)

    async def run() -> T:
        async with open_database(known) as database:
            return await act(database)

    try:
        return asyncio.run(run())
    except RequestRefused as refused:
        raise Stop(refused.detail) from None


def show(table: Table) -> None:
    """Print it: as wide as the terminal, and on one line a row where a program reads it."""
    Console(width=None if sys.stdout.isatty() else 200).print(table)
