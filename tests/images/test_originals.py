"""What a provider answered is kept as it came."""

from __future__ import annotations

import hashlib

from safelight.images.store import original_key
from tests.studio import Studio


async def test_the_original_is_kept_byte_for_byte(studio: Studio) -> None:
    job = await studio.generate("a heron", model="openai/flux-schnell")

    asset = job["outputs"][0]["asset"]
    served = (await studio.client.get(asset["url"])).content
    row = await studio.database.fetchrow("SELECT id, sha256, bytes FROM assets")
    kept = await studio.shop.store.get(original_key(row["id"], "png"))
    assert served == kept
    assert hashlib.sha256(served).digest() == row["sha256"]
    assert len(served) == row["bytes"]
