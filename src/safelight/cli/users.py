"""`safelight users`: who may use the server, when accounts are on."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from safelight.cli.stop import Stop

if TYPE_CHECKING:
    from safelight.accounts.users import Known, User
    from safelight.database.pool import Database
    from safelight.settings import Settings

app = typer.Typer(help="Make, list, disable and delete users.", no_args_is_help=True)

DataDir = Annotated[Path | None, typer.Option(help="Folder of the database; default: per user.")]
Who = Annotated[str, typer.Argument(help="Id, e-mail address, or a name only one has.")]
Own = Annotated[str | None, typer.Option(metavar="N|default", show_default=False)]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="How the user is called here.")],
    email: Annotated[str | None, typer.Option(help="No two users have the same.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="May run this server.")] = False,
    credits_: Annotated[int, typer.Option("--credits", min=0, help="Credits to begin with.")] = 0,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password to log in with.")
    ] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Make a user and print his id. `safelight keys create` then makes his key."""
    from safelight.accounts import joining, users  # noqa: PLC0415  (imports the world)
    from safelight.cli.directly import on_database  # noqa: PLC0415
    from safelight.credits.grants import grant  # noqa: PLC0415
    from safelight.values.credits import Credits  # noqa: PLC0415

    typed = _password(email, stdin=password_stdin) if password or password_stdin else None

    async def make(database: Database) -> User:
        kept = await _hash(typed, email or "") if typed is not None else None
        made = await users.create(database, name, email=email, role="admin" if admin else "user")
        if kept:
            await joining.keep_password(database, made.id, kept)
        if credits_:
            await grant(database, made.id, Credits(credits_), reference=f"opening:{made.id}")
        return made

    print(on_database(data_dir, make).id)


@app.command("reset-password")
def reset_password(user: Who, data_dir: DataDir = None) -> None:
    """Print a code with which a user chooses a new password, once, within a day."""
    from safelight.accounts import codes, users  # noqa: PLC0415
    from safelight.cli.directly import on_database  # noqa: PLC0415

    async def make(database: Database) -> str:
        found = await users.find(database, user, by_name=True)
        return (await codes.make_reset(database, found.id))[1]

    _print_code("reset", on_database(data_dir, make))


@app.command()
def invite(
    admin: Annotated[bool, typer.Option("--admin", help="He may run this server.")] = False,
    note: Annotated[str | None, typer.Option(help="For whom it is.")] = None,
    days: Annotated[int, typer.Option(min=1, max=90, help="How long it is good for.")] = 7,
    data_dir: DataDir = None,
) -> None:
    """Print a code with which somebody registers, once."""
    from datetime import timedelta  # noqa: PLC0415

    from safelight.accounts import codes  # noqa: PLC0415
    from safelight.cli.directly import on_database  # noqa: PLC0415

    async def make(database: Database) -> str:
        _, text = await codes.make(
            database,
            "invite",
            role="admin" if admin else "user",
            note=note,
            lifetime=timedelta(days=days),
        )
        return text

    _print_code("register", on_database(data_dir, make))


def _print_code(page: str, code: str) -> None:
    print(code)
    print(f"Good once, at /{page}?code={code}", file=sys.stderr)


def _password(email: str | None, *, stdin: bool) -> str:
    """Raises: Stop."""
    if not email:
        raise Stop("Whoever logs in with a password needs an e-mail address: --email.")
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Stop("There is no terminal to ask for the password at; use --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


async def _hash(typed: str, email: str) -> str:
    from safelight.accounts.passwords import Passwords, chosen  # noqa: PLC0415

    hasher = Passwords()
    try:
        return await hasher.make(chosen(typed, email))
    finally:
        hasher.stop()


@app.command("list")
def list_(data_dir: DataDir = None) -> None:
    """List the users, the oldest first."""
    from rich.table import Column, Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from safelight.accounts import users  # noqa: PLC0415
    from safelight.cli.directly import on_database, show  # noqa: PLC0415

    id_ = Column("id", min_width=36, no_wrap=True)  # whole, so that it can be copied
    table = Table("created", "role", "state", "name", "e-mail", id_, box=None)
    for user in on_database(data_dir, users.list_users):
        table.add_row(
            f"{user.created_at:%Y-%m-%d %H:%M}",
            user.role,
            _state(user),
            Text(user.name),  # as it is: square brackets would be markup
            Text(user.email or "–"),
            str(user.id),
        )
    show(table)


def _state(user: User) -> str:
    if user.deleted_at:
        return "deleted"
    return "disabled" if user.disabled_at else "active"


@app.command()
def limits(
    user: Who,
    submits_per_minute: Own = None,
    open_max: Own = None,
    running_max: Own = None,
    quota_bytes: Own = None,
    data_dir: DataDir = None,
) -> None:
    """Show how much a user may ask for at a time; set it, or take it back, where an option says
    so. `default` is what the settings say for all."""
    from safelight import settings  # noqa: PLC0415  (imports the world)
    from safelight.accounts import joining, users  # noqa: PLC0415
    from safelight.cli.directly import on_database  # noqa: PLC0415

    known = settings.load(data_dir=data_dir)
    options = {
        "submits_per_minute": submits_per_minute,
        "open_max": open_max,
        "running_max": running_max,
        "quota_bytes": quota_bytes,
    }

    async def change(database: Database) -> Known:
        given = {name: _limit(name, text) for name, text in options.items() if text is not None}
        found = await users.find(database, user, by_name=True)
        if given:
            await joining.change_user(
                database,
                found.id,
                limits=given,
                running_default=known.user_running_max or None,
            )
        return (await users.list_known(database, found.id))[0]

    _print_limits(on_database(data_dir, change), known)


def _limit(name: str, text: str) -> int | None:
    """Raises: InvalidRequest."""
    from safelight.accounts.own_limits import checked  # noqa: PLC0415

    if text == "default":
        return None
    return checked(name, int(text) if re.fullmatch(r"[0-9]{1,18}", text) else text)


def _print_limits(shown: Known, known: Settings) -> None:
    from rich.table import Table  # noqa: PLC0415

    from safelight.cli.directly import show  # noqa: PLC0415
    from safelight.values.ids import LOCAL_OWNER  # noqa: PLC0415

    of_all = {
        "submits_per_minute": known.user_submits_per_minute,
        "open_max": known.user_open_max,
        "running_max": known.user_running_max,
        "quota_bytes": known.quota_bytes,
    }
    table = Table("limit", "own", "holds", box=None)
    for name, default in of_all.items():
        own = getattr(shown.limits, name)
        holds = own or (0 if shown.user.id == LOCAL_OWNER else default)
        table.add_row(name, str(own or "default"), str(holds or "any number"))
    show(table)


@app.command()
def disable(user: Who, data_dir: DataDir = None) -> None:
    """Keep a user out: within a second no key and no login of his is let in. What is his
    stays."""
    _set_disabled(user, data_dir, disabled=True)


@app.command()
def enable(user: Who, data_dir: DataDir = None) -> None:
    """Let a disabled user in again."""
    _set_disabled(user, data_dir, disabled=False)


@app.command()
def delete(user: Who, data_dir: DataDir = None) -> None:
    """Delete a user: kept out at once, his jobs cancelled; his pictures, prompts and name go for
    good when the trash time is over. Until then `restore` brings him back."""
    from safelight import settings  # noqa: PLC0415  (imports the world)
    from safelight.accounts import users  # noqa: PLC0415
    from safelight.accounts.leaving import Leaver  # noqa: PLC0415
    from safelight.cli.directly import on_database  # noqa: PLC0415
    from safelight.jobs import farewell  # noqa: PLC0415

    kept_s = settings.load(data_dir=data_dir).trash_kept_s

    async def change(database: Database) -> Leaver:
        found = await users.find(database, user, by_name=True)
        cancelled: list[UUID] = []
        leaver = await farewell.delete_user(
            database, found.id, kept_s=kept_s, on_cancelled=cancelled.extend
        )
        await farewell.notify(database, cancelled)
        return leaver

    leaver = on_database(data_dir, change)
    print(f"{leaver.name} can be restored until {leaver.restorable_until:%Y-%m-%d %H:%M} UTC.")


@app.command()
def restore(user: Who, data_dir: DataDir = None) -> None:
    """Bring back a user who was deleted. His keys stay revoked: make him a new one."""
    from safelight.accounts import users  # noqa: PLC0415
    from safelight.cli.directly import on_database  # noqa: PLC0415
    from safelight.jobs import farewell  # noqa: PLC0415

    async def change(database: Database) -> None:
        found = await users.find(database, user, by_name=True)
        await farewell.restore_user(database, found.id)

    on_database(data_dir, change)


def _set_disabled(who: str, data_dir: Path | None, *, disabled: bool) -> None:
    from safelight.accounts import users  # noqa: PLC0415
    from safelight.cli.directly import on_database  # noqa: PLC0415

    async def change(database: Database) -> None:
        found = await users.find(database, who, by_name=True)
        await users.set_disabled(database, found.id, disabled=disabled)

    on_database(data_dir, change)
