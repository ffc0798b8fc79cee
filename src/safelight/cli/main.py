"""`safelight`: the commands, and one sentence for everything that can go wrong at the start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from safelight import __version__
from safelight.cli import credits as credits_
from safelight.cli import database, keys, queue, storage, users
from safelight.cli.stop import Stop

app = typer.Typer(
    name="safelight",
    help="Turn prompts into pictures and text, with jobs that are never lost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(credits_.app, name="credits")
app.add_typer(database.app, name="db")
app.add_typer(storage.app, name="storage")
app.command("queue")(queue.show_queue)
app.add_typer(queue.lanes, name="lanes")
app.add_typer(queue.letters, name="dead-letters")

DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the database and the pictures; default: per user.")
]
Server = Annotated[
    str | None,
    typer.Option(envvar="SAFELIGHT_URL", help="A running server; default: http://127.0.0.1:8000."),
]


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Only the API.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that do the work.")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Run the studio, the API and a worker."""
    from safelight.cli.serve import run_server  # noqa: PLC0415  (imports the world)

    run_server(host=host, port=port, workers=0 if no_worker else workers, data_dir=data_dir)


@app.command()
def worker(data_dir: DataDir = None) -> None:
    """Run a worker alone: the same queue, no HTTP."""
    from safelight.cli.serve import run_worker  # noqa: PLC0415

    run_worker(data_dir=data_dir)


@app.command()
def generate(
    prompt: Annotated[str, typer.Argument(help="What it should look like.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; default: its id here.")
    ] = None,
    model: Annotated[str, typer.Option(help="See `safelight models`.")] = "auto",
    size: Annotated[str | None, typer.Option(help="1024x768, or a ratio such as 3:2.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Same seed, same picture.")] = None,
    count: Annotated[int, typer.Option(min=1, max=8, help="Variants.")] = 1,
    enhance: Annotated[bool, typer.Option(help="Rewrite the prompt first.")] = False,
    style: Annotated[str | None, typer.Option(help="A style guide, such as watercolor.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Text instead of a picture.")] = False,
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Make a picture (or text) and write it to a file."""
    from safelight.cli.generate import generate as run  # noqa: PLC0415

    run(
        prompt,
        output=output,
        model=model,
        size=size,
        seed=seed,
        count=count,
        enhance=enhance,
        style=style,
        job_type="text" if text else "image",
        server=server,
        data_dir=data_dir,
    )


@app.command()
def jobs(
    status: Annotated[str | None, typer.Option(help="pending, processing, completed, …")] = None,
    q: Annotated[str | None, typer.Option("-q", help="Words of the prompt.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    server: Server = None,
) -> None:
    """List the latest jobs."""
    from safelight.cli.operate import list_jobs  # noqa: PLC0415

    list_jobs(status=status, q=q, limit=limit, server=server)


@app.command()
def models(server: Server = None) -> None:
    """List the models, those that are switched off too, and how to switch them on."""
    from safelight.cli.operate import list_models  # noqa: PLC0415

    list_models(server=server)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document (the studio's types are made from it)."""
    import json  # noqa: PLC0415

    from safelight.http.app import create_app  # noqa: PLC0415

    print(json.dumps(create_app(None).openapi(), indent=1, ensure_ascii=False))


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """Run a command. Whatever stops it is one sentence on stderr and exit status 1."""
    from safelight.database.embedded import DatabaseUnusable  # noqa: PLC0415
    from safelight.images.store import StorageUnusable  # noqa: PLC0415
    from safelight.settings import SettingsWrong  # noqa: PLC0415

    try:
        app()
    except (Stop, SettingsWrong, DatabaseUnusable, StorageUnusable) as error:
        print(f"safelight: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
