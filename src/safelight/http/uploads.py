"""POST /api/assets: a picture somebody brings along. Its pixels are kept, nothing else of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Request, UploadFile
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from safelight.http import views, wire
from safelight.http.caller import Caller
from safelight.http.errors import problems
from safelight.http.jobs import answer
from safelight.http.shop import Shop, ShopDep
from safelight.values.errors import FieldError, InvalidRequest, UnsupportedMedia

PATH = "/api/assets"
FRAME_BYTES = 64 * 1024  # what a form may have around its file
_FILES_MAX, _FIELDS_MAX = 1, 10


class UploadRoute(APIRoute):
    """A route whose body is a form with a file. Nobody who is not let in is listened to: the caller
    is known before the first byte of the body is read."""

    def get_route_handler(self) -> Any:
        handle = super().get_route_handler()

        async def handle_form(request: Request) -> Any:
            shop: Shop = request.app.state.shop
            caller = request.state.caller = await shop.access.who(request)
            kind = request.headers.get("content-type", "")
            if kind.partition(";")[0].strip().lower() != "multipart/form-data":
                raise UnsupportedMedia(
                    "Send the picture as multipart/form-data, in the field file."
                )
            await shop.access.count_upload(request, caller)
            try:
                # Here, because inside the framework every failure is a 400 without a reason.
                await request.form(
                    max_files=_FILES_MAX, max_fields=_FIELDS_MAX, max_part_size=FRAME_BYTES
                )
            except HTTPException as error:
                message = f"Not a form with one picture: {error.detail}"
                raise InvalidRequest(FieldError("body", message)) from None
            return await handle(request)

        return handle_form


async def known_caller(request: Request) -> Caller:
    """Whoever the route found. Asked again, a new visitor would be somebody else."""
    caller: Caller = request.state.caller
    return caller


router = APIRouter(tags=["assets"], route_class=UploadRoute)


@router.post(
    PATH,
    status_code=201,
    response_model=wire.Asset,
    responses=problems(413, 415, 429)
    | {200: {"model": wire.Asset, "description": "The same file was uploaded before."}},
)
async def upload_asset(
    file: Annotated[UploadFile, File(description="PNG, JPEG, WebP, or GIF (its first frame).")],
    caller: Annotated[Caller, Depends(known_caller)],
    shop: ShopDep,
) -> Response:
    """Keep a picture, to start others from. It is written anew from its pixels: upright, in sRGB,
    without anything else that was in the file. The same file again answers the same asset."""
    kept = await shop.uploads.keep(
        caller.owner_id, file, quota_bytes=caller.quota_bytes, counted_as=caller.counted_as
    )
    status = 201 if kept.is_new else 200
    return answer(views.asset(kept.row, shop.links), status, Location=f"{PATH}/{kept.row['id']}")
