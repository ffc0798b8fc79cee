"""`safelight db`: whether the ledger is right, asked of the database itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safelight.cli.stop import Stop

if TYPE_CHECKING:
    from safelight.credits.invariants import Violation
    from safelight.settings import Settings

app = typer.Typer(help="Look after the database.", no_args_is_help=True)

DataDir = Annotated[Path | None, typer.Option(help="Folder of the database; default: per user.")]


@app.callback()
def _group() -> None:
    """With one command only, typer would leave its name out."""


@app.command()
def check(data_dir: DataDir = None) -> None:
    """Check everything that must be true of the credits; a server may be running. Exit status 1
    when something is wrong."""
    from safelight import settings  # noqa: PLC0415

    known = settings.load(data_dir=data_dir)
    _refuse_to_make_one(known)
    found = asyncio.run(_check(known))
    _print(found)
    if found:
        names = dict.fromkeys(one.invariant for one in found)
        raise Stop(f"The ledger violates {', '.join(names)}.")


def _refuse_to_make_one(known: Settings) -> None:
    """Opening an embedded database that is not there would make one, and find it faultless."""
    made = known.data_dir / "postgres" / "cluster" / "PG_VERSION"
    if known.database_url is None and not made.exists():
        raise Stop(f"There is no database in {known.data_dir}. Name the right --data-dir.")


async def _check(known: Settings) -> list[Violation]:
    """Nothing is changed, not even the schema: this may be a newer version than the server's."""
    import asyncpg  # noqa: PLC0415

    from safelight.credits import invariants  # noqa: PLC0415
    from safelight.wiring import open_database  # noqa: PLC0415

    async with open_database(known, bring_up_to_date=False) as database:
        try:
            return await invariants.check(database)
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
            raise Stop(
                "The database is older than this Safelight. Starting the server brings it up to "
                "date."
            ) from None


def _print(found: list[Violation]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from safelight.credits.invariants import INVARIANTS  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    for one in INVARIANTS:
        wrong = [violation for violation in found if violation.invariant == one.name]
        mark = Text("violated", "bold red") if wrong else Text("ok", "green")
        console.print(Text(f"{one.name:<4}"), one.promise, "…", mark)
        for violation in wrong:
            console.print(Text(f"     {violation.sentence}"))
