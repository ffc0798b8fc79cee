"""`safelight keys`: what programs show to be let in."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from safelight.cli.stop import Stop
from safelight.cli.users import DataDir, Who

if TYPE_CHECKING:
    from safelight.accounts.keys import Key, Scope
    from safelight.database.pool import Database

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


@app.command()
def create(
    user: Who,
    name: Annotated[str, typer.Option(help="What it is for.")] = "made by the operator",
    scopes: Annotated[
        str | None,
        typer.Option(help="jobs:write,jobs:read,assets:read,admin; default: all but admin."),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="90d, or a date: 2027-01-31.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key and print it. It is shown this once."""
    from safelight.accounts import keys, users  # noqa: PLC0415  (imports the world)
    from safelight.cli.directly import on_database  # noqa: PLC0415
    from safelight.values.ids import acting_for  # noqa: PLC0415

    wanted, expires_at = _scopes(scopes), _moment(expires)

    async def make(database: Database) -> str:
        found = await users.find(database, user, by_name=True)
        _, text = await keys.create(
            database, acting_for(found.id), name=name, scopes=wanted, expires_at=expires_at
        )
        return text

    print(on_database(data_dir, make))
    print("Keep it: it cannot be shown again.", file=sys.stderr)


@app.command("list")
def list_(user: Who, data_dir: DataDir = None) -> None:
    """List a user's keys, the newest first."""
    from rich.table import Column, Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from safelight.accounts import keys, users  # noqa: PLC0415
    from safelight.cli.directly import on_database, show  # noqa: PLC0415
    from safelight.values.ids import acting_for  # noqa: PLC0415

    async def read(database: Database) -> list[Key]:
        found = await users.find(database, user, by_name=True)
        return await keys.list_keys(database, acting_for(found.id))

    id_ = Column("id", min_width=36, no_wrap=True)  # whole, so that it can be copied
    table = Table(
        Column("begins with", no_wrap=True), "scopes", "last used", "expires", "name", id_, box=None
    )
    for key in on_database(data_dir, read):
        table.add_row(
            f"{key.hint}…",
            ", ".join(key.scopes) if key.scopes else "all but admin",
            f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
            f"{key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "never",
            Text(key.name),  # as it is: square brackets would be markup
            str(key.id),
        )
    show(table)


@app.command()
def revoke(
    key: Annotated[UUID, typer.Argument(help="The key's id.")], data_dir: DataDir = None
) -> None:
    """Revoke a key: within a second it opens nothing any more."""
    from safelight.accounts import keys  # noqa: PLC0415
    from safelight.cli.directly import on_database  # noqa: PLC0415

    async def end(database: Database) -> Key | None:
        return await keys.revoke_anybodys(database, key)

    if on_database(data_dir, end) is None:
        raise Stop("There is no such key, or it was revoked before.")


def _scopes(text: str | None) -> list[Scope] | None:
    from safelight.accounts.keys import SCOPES  # noqa: PLC0415

    if text is None:
        return None
    wanted = {part.strip() for part in text.split(",")}
    if unknown := sorted(wanted - set(SCOPES)):
        raise Stop(f"There is no scope “{unknown[0]}”; there are: {', '.join(SCOPES)}.")
    return [scope for scope in SCOPES if scope in wanted]


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        if days := re.fullmatch(r"(\d{1,6})d", text):
            return datetime.now(UTC) + timedelta(days=int(days[1]))
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Stop(f"“{text}” is neither a number of days (90d) nor a date (2027-01-31).") from None
