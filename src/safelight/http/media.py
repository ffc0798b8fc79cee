"""/media: the bytes of pictures, for whoever holds a signed link."""

from __future__ import annotations

import re
import time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from safelight.http.edge import is_known
from safelight.http.errors import problem, problems
from safelight.http.shop import ShopDep
from safelight.images.store import original_key, preview_key
from safelight.jobs import assets
from safelight.values.errors import NotFound
from safelight.values.images import CONTENT_TYPES, FILE_ENDINGS, PREVIEW_SIDES

router = APIRouter(tags=["media"])

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PREVIEWS = {f"{side}.webp": side for side in PREVIEW_SIDES}


@router.get("/media/{asset_id}/{name}", responses=problems(404, 416))
async def get_media(
    request: Request,
    asset_id: UUID,
    name: str,
    shop: ShopDep,
    exp: Annotated[str, Query(max_length=20)] = "",
    sig: Annotated[str, Query(max_length=100)] = "",
    range_: Annotated[str | None, Header(alias="range", max_length=100)] = None,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
    download: bool = False,
) -> Response:
    """A picture or one of its previews. Needs no login: the signature is the permission."""
    verdict = shop.links.check(f"/media/{asset_id}/{name}", exp, sig)
    facts = await assets.media_facts(shop.database, asset_id) if verdict == "ok" else None
    if facts is None:
        raise NotFound("picture, or its link has expired")
    image_format = facts["format"]
    if name == f"original.{FILE_ENDINGS[image_format]}":
        key, kind, size = original_key(asset_id, image_format), image_format, facts["bytes"]
    elif name in _PREVIEWS:
        key, kind = preview_key(asset_id, _PREVIEWS[name]), "webp"
        size = await shop.store.size(key)
    else:
        raise NotFound("picture")
    if size is None:
        raise NotFound("picture")
    etag = f'"{facts["sha256"].hex()[:32]}-{name}"'
    headers = _headers(asset_id, kind, etag, int(exp), download=download)
    if is_known(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    asked = _asked(range_)
    part = _part(asked, size)
    if part is None:
        answer = problem(
            request,
            416,
            "invalid_request",
            "No such part",
            f"The file has {size} bytes.",
        )
        answer.headers["Content-Range"] = f"bytes */{size}"
        return answer
    start, end = part
    headers["Content-Length"] = str(end - start)
    if asked:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return StreamingResponse(
        shop.store.stream(key, start, end),
        status_code=206 if asked else 200,
        headers=headers,
        media_type=CONTENT_TYPES[kind],
    )


def _headers(
    asset_id: UUID, kind: str, etag: str, expires: int, *, download: bool
) -> dict[str, str]:
    place = "attachment" if download else "inline"
    ending = FILE_ENDINGS["webp" if kind == "webp" else "png" if kind == "png" else "jpeg"]
    return {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'{place}; filename="{asset_id}.{ending}"',
        "Cache-Control": f"private, max-age={max(0, expires - int(time.time()))}, immutable",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Robots-Tag": "noindex",
    }


def _asked(range_: str | None) -> tuple[str, str] | None:
    """(first, last) of a header that asks for one part. None for one that asks for several, or is
    not understood: it is then answered with the whole, as RFC 9110 has it."""
    found = _RANGE.fullmatch(range_ or "")
    if found is None or found.group(0) == "bytes=-":
        return None
    return found[1], found[2]


def _part(asked: tuple[str, str] | None, size: int) -> tuple[int, int] | None:
    """(start, end) of the bytes asked for; None when there is no such part."""
    if asked is None:
        return 0, size
    first, last = asked
    if not first:  # the last n bytes
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1 if last else size, size)
    return (start, end) if start < end else None
