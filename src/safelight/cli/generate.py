"""`safelight generate`: one job, watched, its outputs written to files."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx2
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from safelight.cli.client import call, connect
from safelight.cli.stop import Stop

_WORDS = {
    "understanding": "Understanding",
    "refining_prompt": "Refining the prompt",
    "generating": "Generating",
    "uploading": "Uploading",
    "finalizing": "Finishing",
}
_ENDS = ("completed", "failed", "cancelled")


def generate(
    prompt: str,
    *,
    output: Path | None,
    model: str,
    size: str | None,
    seed: int | None,
    count: int,
    enhance: bool,
    style: str | None,
    job_type: Literal["image", "text"],
    server: str | None,
    data_dir: Path | None,
) -> None:
    """Order, watch and write. Raises: Stop with the reason when there is no result."""
    body: dict[str, Any] = {
        "prompt": prompt,
        "type": job_type,
        "model": model,
        "count": count,
        "enhance": enhance,
        "parameters": _size(size),
    }
    if style:
        body["style"] = style
    if seed is not None:
        body["parameters"]["seed"] = seed
    if output and output.suffix.lower() in _FORMATS and job_type == "image":
        body["parameters"]["format"] = _FORMATS[output.suffix.lower()]
    if output and not output.parent.is_dir():
        raise Stop(f"There is no folder {output.parent} to write {output.name} into.")
    with connect(server, data_dir) as client:
        job = call(client, "POST", "/api/jobs", json=body)
        for warning in job["warnings"]:
            print(warning, file=sys.stderr)
        try:
            job = _watch(client, job)
        except KeyboardInterrupt:
            call(client, "DELETE", f"/api/jobs/{job['id']}")
            raise Stop("Cancelled.") from None
        if job["error"]:
            raise Stop(f"{job['error']['title']}. {job['error']['detail']}")
        _write(client, job, output)


_FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}


def _size(size: str | None) -> dict[str, Any]:
    if size is None:
        return {}
    if found := re.fullmatch(r"(\d+)[x×](\d+)", size):
        return {"width": int(found[1]), "height": int(found[2])}
    return {"aspect_ratio": size}


def _watch(client: httpx2.Client, job: dict[str, Any]) -> dict[str, Any]:
    """Follow the job's stream with a progress bar until it has ended."""
    columns = (TextColumn("{task.description:<20}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Waiting", total=None)
        while job["status"] not in _ENDS:
            for event in _events(client, f"/api/jobs/{job['id']}/stream"):
                stage = event["job"]["stage"] if "job" in event else event.get("stage")
                if stage:
                    bar.update(task, description=_WORDS[stage], total=None)
                elif event["type"] == "progress":
                    bar.update(task, completed=event["progress"], total=1.0)
            # It waits for news itself: there may be no place for another stream.
            job = call(client, "GET", f"/api/jobs/{job['id']}?wait=10")
    return job


def _events(client: httpx2.Client, path: str) -> Iterator[dict[str, Any]]:
    try:
        with client.stream("GET", path) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line[6:])
    except httpx2.HTTPError:
        return  # the caller looks at the job and, if it goes on, at a new stream


def _write(client: httpx2.Client, job: dict[str, Any], output: Path | None) -> None:
    done = [made for made in job["outputs"] if made["status"] == "completed"]
    for made in done:
        if made["text"] is not None and output is None:
            print(made["text"])
            continue
        if made["text"] is not None:
            path, data = output or Path(), made["text"].encode()
        else:
            ending = made["asset"]["url"].partition("?")[0].rpartition(".")[2]
            path, data = output or Path(f"{job['id']}.{ending}"), _picture(client, made["asset"])
        if len(done) > 1:
            path = path.with_stem(f"{path.stem}-{made['index'] + 1}")
        try:
            path.write_bytes(data)
        except OSError as error:
            raise Stop(f"{path} cannot be written: {error.strerror}.") from None
        print(path)


def _picture(client: httpx2.Client, asset: dict[str, Any]) -> bytes:
    try:
        # As a download it comes from the server itself: no bucket is told who we are.
        return client.get(f"{asset['url']}&download=true").raise_for_status().content
    except httpx2.HTTPError as error:
        raise Stop(f"The picture could not be fetched: {error}") from None
