"""`safelight storage`: whether the stored pictures and their rows belong together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safelight.cli.stop import Stop

if TYPE_CHECKING:
    from safelight.database.pool import Database
    from safelight.jobs.inventory import Finding, Stock

app = typer.Typer(help="Look after the stored pictures.", no_args_is_help=True)

_ALL_RIGHT = ("known", "too young to tell")

DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the database and the pictures; default: per user.")
]


@app.callback()
def _group() -> None:
    """With one command only, typer would leave its name out."""


@app.command()
def check(
    delete_orphans: Annotated[
        bool, typer.Option("--delete-orphans", help="Remove what no row knows; else only look.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Look for stored objects that no row knows and for rows whose objects are missing; servers and
    workers may be running. Exit status 1 when a picture is missing."""
    from safelight import settings  # noqa: PLC0415  (imports the world)
    from safelight.cli.database import refuse_to_make_one  # noqa: PLC0415
    from safelight.cli.directly import on_database  # noqa: PLC0415
    from safelight.images.store import ObjectPictureStore  # noqa: PLC0415
    from safelight.jobs.inventory import take_stock  # noqa: PLC0415

    known = settings.load(data_dir=data_dir)
    refuse_to_make_one(known)
    store = ObjectPictureStore.open(known.storage_url, known.data_dir)

    async def look(database: Database) -> Stock:
        await store.check()
        return await take_stock(database, store, delete_orphans=delete_orphans)

    stock = on_database(data_dir, look)
    _print(stock, store.place)
    if stock.missing.count:
        raise Stop(
            f"{stock.missing.count} pictures are missing in the storage; put them back from a "
            "backup."
        )


def _print(stock: Stock, place: str) -> None:
    print(place)
    for what, found in {
        "known": stock.known,
        "too young to tell": stock.young,
        "orphans, which no row knows": stock.orphans,
        "not ours, left alone": stock.foreign,
        "missing pictures": stock.missing,
        "missing previews": stock.previews,
    }.items():
        _print_finding(what, found, shows=what not in _ALL_RIGHT)
    if stock.deleted:
        print(f"{stock.deleted:,} orphans were removed.")
    elif stock.orphans.count:
        print("Nothing was removed; --delete-orphans does that.")


def _print_finding(what: str, found: Finding, *, shows: bool) -> None:
    size = f", {_size(found.bytes)}" if found.bytes else ""
    print(f"{found.count:>9,}  {what}{size}")
    for key in found.examples if shows else ():
        print(f"           {key}")
    if shows and found.count > len(found.examples):
        print("           …")


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
