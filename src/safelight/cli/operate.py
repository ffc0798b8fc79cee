"""`safelight jobs` and `safelight models`: tables of what a server has."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from safelight.cli.client import call, connect


def list_jobs(*, status: str | None, q: str | None, limit: int, server: str | None) -> None:
    """The latest jobs, newest first."""
    asked = {"status": status, "q": q, "limit": limit}
    with connect(server) as client:
        page = call(client, "GET", "/api/jobs", params={k: v for k, v in asked.items() if v})
    table = Table("created", "status", "model", "credits", "prompt", "id", box=None)
    for job in page["items"]:
        credits_ = job["charged"]["credits"] if job["charged"] else job["price"]["credits"]
        table.add_row(
            job["created_at"][:19].replace("T", " "),
            job["status"],
            job["model"],
            str(credits_),
            Text(job["prompt"][:60]),  # as it is: square brackets would be markup
            job["id"],
        )
    Console().print(table)


def list_models(*, server: str | None) -> None:
    """All models; those that are off with how to switch them on."""
    with connect(server) as client:
        models = call(client, "GET", "/api/models")
    table = Table("model", "makes", "credits", "state", box=None)
    for model in models:
        state = "ready" if model["available"] else model["unavailable_reason"]
        table.add_row(Text(model["id"]), model["kind"], _price(model), Text(state))
    Console().print(table)


def _price(model: dict[str, Any]) -> str:
    prices = sorted({price["credits"] for price in model["price"]})
    return str(prices[0]) if len(prices) == 1 else f"{prices[0]}–{prices[-1]}"
