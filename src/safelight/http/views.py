"""From rows to what is sent: the job, its outputs, assets, and lines of a stream."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Any
from uuid import UUID

from safelight.database.pool import Row
from safelight.http import wire
from safelight.images.links import Links
from safelight.jobs.feed import Bookmark, Event
from safelight.jobs.model import ENDED, PRIORITY_NAMES
from safelight.jobs.waiting import Standing
from safelight.values.images import CONTENT_TYPES, PREVIEW_SIDES


def job(row: Row | dict[str, Any], links: Links, queue: wire.Queue | None = None) -> wire.Job:
    """A job's row, as `repository.read` gives it, as it is shown."""
    request = row["request"]
    ended = row["status"] in ENDED
    charged = row["charged"]
    return wire.Job.model_construct(
        id=row["id"],
        type=row["type"],
        status=row["status"],
        stage=row["stage"],
        progress=row["progress"],
        prompt=row["prompt"],
        optimized_prompt=row["optimized_prompt"],
        negative_prompt=request["negative_prompt"],
        enhance=request["enhance"],
        style=request["style"],
        model=row["model"],
        requested_model=request["requested_model"],
        model_reason=request["model_reason"],
        provider=row["provider"],
        priority=PRIORITY_NAMES[row["priority"]],
        count=row["count"],
        parameters=wire.Parameters.model_construct(**request["parameters"]),
        references=[UUID(asset) for asset in request["references"]],
        mask=UUID(request["mask"]) if request["mask"] else None,
        reuse=request["reuse"],
        session_id=row["session_id"],
        metadata=request["metadata"],
        queue=queue,
        outputs=outputs(row, links),
        reused=_reused(row["reused"]),
        adjustments=row["adjustments"],
        warnings=row["warnings"],
        price=wire.PriceView.model_construct(credits=row["price"], usd=row["usd"]),
        charged=wire.Charged.model_construct(credits=charged, released=row["price"] - charged)
        if charged is not None
        else None,
        error=error(row["error"]),
        attempts=row["attempt"],
        retry_of=row["retry_of"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        duration_ms=_milliseconds(row["started_at"] or row["created_at"], row["finished_at"])
        if ended
        else None,
    )


def outputs(row: Row | dict[str, Any], links: Links) -> list[wire.Output]:
    """Every variant of the job, those still being made included."""
    made = {output["index"]: output for output in row["outputs"] or ()}
    return [_output(index, made.get(index), row, links) for index in range(row["count"])]


def _output(
    index: int, made: dict[str, Any] | None, row: Row | dict[str, Any], links: Links
) -> wire.Output:
    if made is None:
        # A job that ended without this variant (cancelled) has nothing to wait for.
        ended = row["status"] in ENDED
        why = error(row["error"]) if ended else None
        return wire.Output.model_construct(
            index=index,
            status="failed" if ended else "pending",
            asset=None,
            text=None,
            error=why,
            removed=None,
        )
    asset = _output_asset(made, links) if made["asset_id"] and not made["deleted"] else None
    return wire.Output.model_construct(
        index=index,
        status=made["status"],
        asset=asset,
        text=made["text"],
        error=error(made["error"]),
        removed=made["removed"],
    )


def _output_asset(made: dict[str, Any], links: Links) -> wire.OutputAsset:
    asset_id = UUID(made["asset_id"])
    thumbhash = made["thumbhash"]
    return wire.OutputAsset.model_construct(
        id=asset_id,
        kind="image",
        **_links(asset_id, made["format"], links),
        width=made["width"],
        height=made["height"],
        content_type=CONTENT_TYPES[made["format"]],
        bytes=made["bytes"],
        thumbhash=thumbhash.replace("\n", "") if thumbhash else None,
        seed=made["seed"],
    )


def asset(row: Row, links: Links) -> wire.Asset:
    return wire.Asset.model_construct(
        id=row["id"],
        kind=row["kind"],
        **_links(row["id"], row["format"], links),
        width=row["width"],
        height=row["height"],
        content_type=CONTENT_TYPES[row["format"]],
        bytes=row["bytes"],
        thumbhash=b64encode(row["thumbhash"]).decode() if row["thumbhash"] else None,
        seed=row["seed"],
        job_id=row["job_id"],
        index=row["index"],
        prompt=row["prompt"],
        model=row["model"],
        starred=row["starred"],
        tags=row["tags"],
        created_at=row["created_at"],
        deleted_at=row["deleted_at"],
    )


def _links(asset_id: UUID | str, image_format: str, links: Links) -> dict[str, Any]:
    return {
        "url": links.original(asset_id, image_format),
        "url_expires_at": links.expires_at(),
        "thumbnails": {str(side): links.preview(asset_id, side) for side in PREVIEW_SIDES},
    }


def _reused(reused: dict[str, Any] | None) -> wire.Reused | None:
    if reused is None:
        return None
    return wire.Reused.model_construct(
        kind=reused["kind"], job_id=UUID(reused["job_id"]), similarity=reused.get("similarity")
    )


def error(told: dict[str, Any] | None) -> wire.JobError | None:
    return None if told is None else wire.JobError.model_construct(**told)


def _milliseconds(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds() * 1000))


def story_line(line: Row) -> wire.JobEventLog:
    """A stored line as `repository.story` gives it."""
    return wire.JobEventLog(
        id=str(Bookmark(line["xid"], line["number"])),
        at=line["at"],
        type=line["kind"],
        data={"status": line["status"], **line["data"]},
    )


def event(line: Event, row: Row | None, links: Links) -> wire.Wire | None:  # noqa: PLR0911
    """A stored line as it is streamed; None when there is nothing (more) to show for it.

    row: the job as it is now, needed for the kinds that carry the job or one of its outputs.
    """
    told: dict[str, Any] = {"job_id": line.job_id, "status": line.status}
    data = line.data
    match line.kind:
        case "stage":
            return wire.StageEvent.model_construct(**told, stage=data["stage"])
        case "progress":
            return wire.ProgressEvent.model_construct(**told, **data)
        case "delta":
            return wire.DeltaEvent.model_construct(**told, **data)
    if row is None:
        return None
    match line.kind:
        case "output":
            made = outputs(row, links)[data["index"]]
            return wire.OutputEvent.model_construct(
                **told, index=made.index, asset=made.asset, text=made.text, error=made.error
            )
        case "snapshot":
            return wire.SnapshotEvent.model_construct(**told, job=job(row, links))
        case "completed":
            return wire.CompletedEvent.model_construct(**told, job=job(row, links))
        case "failed":
            return wire.FailedEvent.model_construct(**told, job=job(row, links))
        case "cancelled":
            return wire.CancelledEvent.model_construct(**told, job=job(row, links))
    return None


def credits_event(line: Event) -> wire.CreditsEvent | None:
    """What the account had after this line, where it changed."""
    data = line.data
    if "available" not in data:
        return None
    told: dict[str, Any] = {"job_id": line.job_id, "status": line.status}
    return wire.CreditsEvent.model_construct(**told, available=data["available"], held=data["held"])


def queue_event(standing: Standing) -> wire.QueueEvent:
    return wire.QueueEvent.model_construct(
        job_id=standing.job_id,
        status="pending",
        position=standing.position,
        eta_seconds=standing.eta_s,
    )


NEEDS_JOB = frozenset({"output", "snapshot", "completed", "failed", "cancelled"})
