"""`safelight db`: whether the ledger is right, and all that is kept about a user, asked of the
database itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safelight.cli.stop import Stop

if TYPE_CHECKING:
    from safelight.credits.invariants import Violation
    from safelight.database.pool import Database
    from safelight.settings import Settings

app = typer.Typer(help="Look after the database.", no_args_is_help=True)

DataDir = Annotated[Path | None, typer.Option(help="Folder of the database; default: per user.")]


@app.command()
def check(data_dir: DataDir = None) -> None:
    """Check everything that must be true of the credits; a server may be running. Exit status 1
    when something is wrong."""
    from safelight import settings  # noqa: PLC0415

    known = settings.load(data_dir=data_dir)
    refuse_to_make_one(known)
    found = asyncio.run(_check(known))
    _print(found)
    if found:
        names = dict.fromkeys(one.invariant for one in found)
        raise Stop(f"The ledger violates {', '.join(names)}.")


def refuse_to_make_one(known: Settings) -> None:
    """Opening an embedded database that is not there would make one, and find it faultless."""
    made = known.data_dir / "postgres" / "cluster" / "PG_VERSION"
    if known.database_url is None and not made.exists():
        raise Stop(f"There is no database in {known.data_dir}. Name the right --data-dir.")


@app.command()
def export(
    user: Annotated[str, typer.Argument(help="Id, e-mail address, or a name only one has.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Zip to write; default: its id here.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write everything that is kept about a user into a zip; a server may be running."""
    from safelight import settings  # noqa: PLC0415
    from safelight.accounts import users  # noqa: PLC0415
    from safelight.cli.directly import on_database  # noqa: PLC0415
    from safelight.images.store import ObjectPictureStore  # noqa: PLC0415
    from safelight.jobs.export import Export  # noqa: PLC0415
    from safelight.values.ids import acting_for  # noqa: PLC0415

    known = settings.load(data_dir=data_dir)
    refuse_to_make_one(known)
    store = ObjectPictureStore.open(known.storage_url, known.data_dir)

    async def write(database: Database) -> Path:
        found = await users.find(database, user, by_name=True)
        path = output or Path(f"{found.id}.zip")
        await _write_whole(path, Export(database, store, acting_for(found.id)).pieces())
        return path

    print(on_database(data_dir, write))


async def _write_whole(path: Path, pieces: AsyncIterator[bytes]) -> None:
    """The file with that name is whole or not there, and nobody else may read it."""
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            async for piece in pieces:
                file.write(piece)
        part.replace(path)
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


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
