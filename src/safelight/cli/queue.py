"""`safelight queue`, `lanes …` and `dead-letters …`: what waits, who works, and what failed."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

lanes = typer.Typer(help="How the lanes are; pause and resume them.")
letters = typer.Typer(
    help="Jobs that failed through no fault of their owners.", no_args_is_help=True
)

Server = Annotated[
    str | None,
    typer.Option(envvar="SAFELIGHT_URL", help="A running server; default: http://127.0.0.1:8000."),
]
Lane = Annotated[str, typer.Argument(help="A provider; see `safelight lanes`.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of jobs; or use the options.")]
Code = Annotated[str | None, typer.Option(help="Why they failed, such as provider_failure.")]
Provider = Annotated[str | None, typer.Option(help="Of this provider.")]
Model = Annotated[str | None, typer.Option(help="Of this model.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="At most so many, the oldest first.")]

LETTERS = "/api/admin/dead-letters"


def show_queue(server: Server = None) -> None:
    """Show what waits and runs, lane by lane, and who works on it."""
    view = _ask(server, "GET", "/api/admin/queue")
    rows = [
        [lane["lane"], *_figures(lane), _health(lane)] for lane in sorted(view["lanes"], key=_busy)
    ]
    totals = view["totals"]
    rows.append(["all", *_figures(totals), f"{totals['dead_letters']} dead letters"])
    names = ("lane", "waiting", "parked", "delayed", "running", "oldest", "a minute", "places")
    _print_table((*names, ""), rows)


@lanes.callback(invoke_without_command=True)
def show_lanes(context: typer.Context, server: Server = None) -> None:
    """How the lanes are; pause and resume them."""
    if context.invoked_subcommand:
        return
    providers = _ask(server, "GET", "/api/admin/providers")
    rows = [
        [
            one["name"],
            _health(one),
            str(one["answered_last_hour"]),
            str(one["failed_last_hour"]),
            "" if one["p50_seconds"] is None else f"{one['p50_seconds']:.1f} s",
            one["usd_today"],
            " ".join(map(_limit, one["limits"])),
        ]
        for one in providers
    ]
    _print_table(("lane", "is", "answered", "failed", "usual", "USD today", "limits"), rows)


@lanes.command()
def pause(
    lane: Lane,
    seconds: Annotated[
        int | None, typer.Option("--for", min=1, help="Seconds; default: until it is resumed.")
    ] = None,
    why: Annotated[str | None, typer.Option(help="Told to whoever asks what is wrong.")] = None,
    server: Server = None,
) -> None:
    """Take no more jobs of a lane; those that run go on."""
    path = f"/api/admin/queue/{quote(lane, safe='')}/pause"
    view = _ask(server, "POST", path, json={"seconds": seconds, "why": why})
    print(f"{lane} is {_health(view)}")


@lanes.command()
def resume(lane: Lane, server: Server = None) -> None:
    """End a pause; a provider that failed too often is tried at once."""
    view = _ask(server, "POST", f"/api/admin/queue/{quote(lane, safe='')}/resume")
    print(f"{lane} is {_health(view)}")


@letters.command("list")
def list_letters(
    state: Literal["open", "replayed", "discarded", "all"] = "open",
    code: Code = None,
    provider: Provider = None,
    model: Model = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    server: Server = None,
) -> None:
    """List them, newest first."""
    asked = {"state": state, "code": code, "provider": provider, "model": model, "limit": limit}
    page = _ask(server, "GET", LETTERS, params={k: v for k, v in asked.items() if v is not None})
    rows = [
        [
            one["at"][:19].replace("T", " "),
            one["state"],
            one["code"],
            one["model"],
            one["prompt"][:40],
            one["job_id"],
        ]
        for one in page["items"]
    ]
    _print_table(("failed", "state", "code", "model", "prompt", "id"), rows)


@letters.command()
def show(job: Annotated[str, typer.Argument(help="The job's id.")], server: Server = None) -> None:
    """Show all that is known about one, as JSON."""
    import json  # noqa: PLC0415

    found = _ask(server, "GET", f"{LETTERS}/{quote(job, safe='')}")
    print(json.dumps(found, indent=1, ensure_ascii=False))


@letters.command()
def replay(
    ids: Ids = None,
    code: Code = None,
    provider: Provider = None,
    model: Model = None,
    limit: Limit = 100,
    server: Server = None,
) -> None:
    """Order them again, for their owners and at their price; each is replayed once."""
    _deal(server, "replay", _which(ids, code, provider, model, limit))


@letters.command()
def discard(
    ids: Ids = None,
    code: Code = None,
    provider: Provider = None,
    model: Model = None,
    limit: Limit = 100,
    server: Server = None,
) -> None:
    """Close them for good: nothing more becomes of them."""
    _deal(server, "discard", _which(ids, code, provider, model, limit))


def _which(
    ids: list[str] | None, code: str | None, provider: str | None, model: str | None, limit: int
) -> dict[str, Any]:
    """The body that names the letters; whether it makes sense, the server says."""
    if ids and not (code or provider or model):
        return {"ids": ids}
    chosen = {"ids": ids or None, "code": code, "provider": provider, "model": model}
    return {"limit": limit} | {name: value for name, value in chosen.items() if value}


def _deal(server: str | None, act: str, body: dict[str, Any]) -> None:
    outcomes = _ask(server, "POST", f"{LETTERS}/{act}", json=body)
    for one in outcomes["items"]:
        if one["code"]:
            print(f"{one['job_id']}  {one['code']}: {one['detail']}")
        else:
            print(f"{one['job_id']}  {one['replayed_as'] or 'discarded'}")
    print(f"{outcomes['done']} done, {outcomes['refused']} refused")


def _ask(server: str | None, method: str, path: str, **options: Any) -> Any:
    from safelight.cli.client import call, connect  # noqa: PLC0415

    with connect(server) as client:
        return call(client, method, path, **options)


def _figures(lane: dict[str, Any]) -> list[str]:
    return [
        *(str(lane[name]) for name in ("waiting", "parked", "delayed", "running")),
        f"{lane['oldest_waiting_seconds']:.0f} s",
        str(lane["ended_last_minute"]),
        str(lane["places"]),
    ]


def _busy(lane: dict[str, Any]) -> tuple[int, str]:
    return -lane["waiting"] - lane["running"], lane["lane"]


def _health(lane: dict[str, Any]) -> str:
    if lane["paused_until"]:
        forever = lane["paused_until"].startswith("9999")
        until = "resumed" if forever else lane["paused_until"][:19].replace("T", " ")
        return f"paused until {until}: {lane['paused_why']}"
    if lane["breaker"] != "closed":
        return f"left alone, it fails: {lane['open_why']}"
    return "ok" if lane["workers"] else "without a worker"


def _limit(limit: dict[str, Any]) -> str:
    shown = [
        f"{limit['in_use']}/{limit['at_once']} at once" if limit["at_once"] else "",
        f"{limit['last_minute']}/{limit['per_minute']} a minute" if limit["per_minute"] else "",
    ]
    return f"{limit['name']}: {', '.join(filter(None, shown))}"


def _print_table(names: tuple[str, ...], rows: list[list[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Column, Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    # Ids are shown whole, so that they can be copied.
    columns = [Column(name, min_width=36 if name == "id" else None) for name in names]
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # as it is: square brackets would be markup
    Console().print(table)
