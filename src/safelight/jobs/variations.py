"""Another picture like this one: the wish that a variation is made from."""

from __future__ import annotations

import secrets
from dataclasses import replace
from uuid import UUID

from safelight.database.pool import Database, Row
from safelight.jobs import assets, repository
from safelight.jobs.admit import Wish, wish_of
from safelight.providers.protocol import ModelCard
from safelight.providers.registry import Registry
from safelight.values.errors import NotFound, RequestRefused
from safelight.values.ids import OwnerId

_PROMPT = "A variation of this picture."
_RATIOS = ((1, 1), (3, 2), (2, 3), (4, 3), (3, 4), (16, 9), (9, 16), (21, 9))


async def variation_of(
    database: Database, registry: Registry, owner_id: OwnerId, asset_id: UUID
) -> Wish:
    """The picture as reference where the model that made it takes one, with its prompt and options;
    else the same request with another seed, and a warning that says so. An upload goes to the best
    model that takes pictures.

    Raises: NotFound."""
    asset = await assets.read_asset(database, owner_id, asset_id)
    if asset is None or asset["deleted_at"] is not None:
        raise NotFound("picture")
    job = None
    if asset["job_id"]:
        job = await repository.read(database, owner_id, asset["job_id"])
    if job is None:
        return _of_upload(asset, asset_id)
    return _of_output(job, asset_id, _card(registry, job["model"]))


def _of_upload(asset: Row, asset_id: UUID) -> Wish:
    shape = asset["width"] / asset["height"]
    across, down = min(_RATIOS, key=lambda ratio: abs(ratio[0] / ratio[1] - shape))
    return Wish(
        prompt=asset["prompt"] or _PROMPT,
        parameters={"aspect_ratio": f"{across}:{down}"},
        references=(asset_id,),
        reuse="never",
    )


def _of_output(job: Row, asset_id: UUID, card: ModelCard | None) -> Wish:
    wish = replace(
        wish_of(job), model=job["model"] if card else "auto", count=1, mask=None, reuse="never"
    )
    options = {name: value for name, value in wish.parameters.items() if name != "seed"}
    if card is None:
        return replace(wish, parameters=options, references=())
    if card.capabilities.seed:
        options["seed"] = secrets.randbelow(2**31)
    if card.capabilities.references_max:
        return replace(wish, parameters=options, references=(asset_id,))
    options.pop("strength", None)
    note = f"{card.name} starts from no picture: this is the same prompt with another seed."
    return replace(wish, parameters=options, references=(), notes=(note,))


def _card(registry: Registry, model: str) -> ModelCard | None:
    """None when it was switched off since."""
    try:
        return registry.card(model)
    except RequestRefused:
        return None
