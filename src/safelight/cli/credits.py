"""`safelight credits …`: what there is, what happened to it, and what an administrator gives."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

app = typer.Typer(help="Read, grant and refund credits.", no_args_is_help=True)

Server = Annotated[
    str | None,
    typer.Option(envvar="SAFELIGHT_URL", help="A running server; default: http://127.0.0.1:8000."),
]
User = Annotated[str, typer.Argument(help="Id or e-mail address.")]
Reference = Annotated[
    str, typer.Option(help="Names this one, such as an order's number: again is no second one.")
]
Note = Annotated[str | None, typer.Option(help="The user reads it in the ledger.")]


@app.command()
def show(
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's (administrators).")] = False,
    server: Server = None,
) -> None:
    """What there is to pay with."""
    if everybody:
        _print_accounts(_all(server, "/api/admin/accounts"))
        return
    balance = _ask(server, "GET", "/api/credits")
    print("available  unlimited" if balance["unlimited"] else f"available  {balance['available']}")
    print(f"held       {balance['held']}")
    if balance["allowance"]:
        print(f"allowance  {_allowance(balance)}, next {_when(balance['allowance']['next_at'])}")


@app.command()
def ledger(limit: Annotated[int, typer.Option(min=1, max=200)] = 20, server: Server = None) -> None:
    """What happened to your credits, newest first."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Column, Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    page = _ask(server, "GET", "/api/credits/ledger", params={"limit": limit})
    job = Column("job", min_width=36)  # whole, so that it can be copied
    table = Table("at", "kind", "credits", "available", "note", job, box=None)
    for line in page["items"]:
        table.add_row(
            _when(line["at"]),
            line["kind"],
            str(line["credits"]),
            str(line["available_after"]),
            Text(line["note"] or ""),
            line["job_id"] or "",
        )
    Console().print(table)


@app.command()
def grant(
    user: User,
    amount: Annotated[int, typer.Argument(min=1, help="Whole credits.")],
    reference: Reference,
    note: Note = None,
    server: Server = None,
) -> None:
    """Give a user credits. Safe to repeat with the same reference."""
    body = {"user": user, "credits": amount, "reference": reference, "note": note}
    _print_entry(_ask(server, "POST", "/api/admin/grants", json=body))


@app.command()
def refund(
    job: Annotated[str, typer.Argument(help="The job's id.")],
    reference: Reference,
    amount: Annotated[int, typer.Option(min=0, help="0: all that it has cost.")] = 0,
    note: Note = None,
    server: Server = None,
) -> None:
    """Give back what a job has cost. Safe to repeat with the same reference."""
    body = {"job": job, "credits": amount or None, "reference": reference, "note": note}
    _print_entry(_ask(server, "POST", "/api/admin/refunds", json=body))


@app.command()
def allowance(
    user: User,
    amount: Annotated[int, typer.Argument(min=0, help="Whole credits; 0: none any more.")],
    every: Annotated[
        Literal["day", "week", "month"], typer.Option(help="How often it is filled up.")
    ] = "month",
    server: Server = None,
) -> None:
    """Fill a user's account up to an amount every day, week or month, and now."""
    body = (
        {"allowance": amount, "allowance_every": every}
        if amount
        else {"allowance": None, "allowance_every": None}
    )
    _change(user, body, server)


@app.command()
def unlimited(
    user: User,
    off: Annotated[bool, typer.Option("--off", help="Only what is available any more.")] = False,
    server: Server = None,
) -> None:
    """Let a user order without having the credits; what is used is counted all the same."""
    _change(user, {"unlimited": not off}, server)


def _change(user: str, body: dict[str, Any], server: str | None) -> None:
    path = f"/api/admin/accounts/{quote(user, safe='')}"
    _print_accounts([_ask(server, "PUT", path, json=body)])


def _ask(server: str | None, method: str, path: str, **options: Any) -> Any:
    from safelight.cli.client import call, connect  # noqa: PLC0415

    with connect(server) as client:
        return call(client, method, path, **options)


def _all(server: str | None, path: str) -> list[dict[str, Any]]:
    """The items of all pages."""
    from safelight.cli.client import call, connect  # noqa: PLC0415

    items: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": 200}
    with connect(server) as client:
        while True:
            page = call(client, "GET", path, params=asked)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            asked["cursor"] = page["next_cursor"]


def _print_accounts(accounts: list[dict[str, Any]]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Column, Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    user = Column("user", min_width=36)  # whole, so that it can be copied
    table = Table(user, "name", "available", "held", "used", "allowance", box=None)
    for account in accounts:
        table.add_row(
            account["user"],
            Text(account["name"] or ""),
            "unlimited" if account["unlimited"] else str(account["available"]),
            str(account["held"]),
            str(account["used"]),
            _allowance(account),
        )
    Console().print(table)


def _print_entry(entry: dict[str, Any]) -> None:
    print(
        f"{entry['kind']} of {entry['credits']} to {entry['user']} on {_when(entry['at'])}, "
        f"{entry['available_after']} available then"
    )


def _allowance(account: dict[str, Any]) -> str:
    given = account["allowance"]
    return f"{given['credits']} a {given['every']}" if given else ""


def _when(at: str) -> str:
    return at[:19].replace("T", " ")
