"""/api/auth/oidc: to another site to log in there, and back."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from safelight.accounts import oidc_transactions
from safelight.accounts.oidc import LoginRefused
from safelight.http.caller import Caller
from safelight.http.errors import problems
from safelight.http.shop import Shop, ShopDep
from safelight.values.errors import ConfirmationNeeded, Forbidden, SafelightError, Unauthenticated
from safelight.values.ids import OwnerId

router = APIRouter(prefix="/api/auth/oidc", tags=["access"])

Name = Annotated[str, Path(max_length=30, pattern=r"^[a-z0-9-]+$")]
_AWAY: dict[int | str, dict[str, Any]] = {
    303: {"description": "To the other site, or back to a page of the studio."}
}
_PATH = r"^/([^\x00-\x20/\\][^\x00-\x20\\]*)?$"  # a page of ours: `//host` would be another site's


@router.get(
    "/{name}", status_code=303, response_class=RedirectResponse, responses=problems(404) | _AWAY
)
async def leave_for_login(
    name: Name,
    request: Request,
    shop: ShopDep,
    code: Annotated[
        str | None, Query(max_length=100, pattern=r"^[A-Za-z0-9_-]+$", description="An invite.")
    ] = None,
    next_: Annotated[
        str, Query(alias="next", max_length=500, pattern=_PATH, description="Where to go then.")
    ] = "/",
    connect: Annotated[
        bool, Query(description="Add this login to the account that is logged in now.")
    ] = False,
) -> Response:
    """Begin a login at another site."""
    shop.reception.need_accounts()
    provider = shop.oidc.provider(name)
    user_id = await _connecting(shop, request) if connect else None
    await shop.reception.count_departure(shop.access.where(request))
    begun, token = await oidc_transactions.begin(
        shop.database, name, code=code, next_=next_, user_id=user_id
    )
    place = await provider.departure(begun, _redirect_uri(shop, request, name))
    shop.reception.oidc_cookie.send(request, token)
    return RedirectResponse(place, 303)


@router.get(
    "/{name}/callback",
    status_code=303,
    response_class=RedirectResponse,
    responses=problems(404, 429) | _AWAY,
)
async def come_back_from_login(name: Name, request: Request, shop: ShopDep) -> Response:
    """Where the other site sends the browser back to. A browser that cannot be let in goes to the
    login page, with the code of what was wrong; a program is told as everywhere."""
    try:
        next_ = await _let_in(name, request, shop)
    except SafelightError as error:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return RedirectResponse(f"/login?{urlencode({'problem': error.code, 'with': name})}", 303)
    return RedirectResponse(next_, 303)


async def _let_in(name: str, request: Request, shop: Shop) -> str:
    shop.reception.need_accounts()
    provider = shop.oidc.provider(name)
    cookie = shop.reception.oidc_cookie
    token = cookie.read(request)
    cookie.clear(request)
    begun = await oidc_transactions.end(shop.database, token) if token else None
    if begun is None or begun.provider != name:
        raise LoginRefused
    if begun.user_id is not None:
        # Somebody may have logged out meanwhile, and somebody else be at the browser.
        caller = await shop.access.who(request)
        if caller.login_id is None or caller.owner_id != begun.user_id:
            raise LoginRefused
    person = await provider.arrival(begun, request.query_params, _redirect_uri(shop, request, name))
    await shop.reception.arrive(
        request,
        shop.access.where(request),
        person.identity,
        email=person.email,
        name=person.name,
        code=begun.code,
        as_user=begun.user_id,
    )
    return begun.next


async def _connecting(shop: Shop, request: Request) -> OwnerId:
    """Who wants to add a login to his account.

    Raises: Unauthenticated, ConfirmationNeeded, Forbidden when another site's page began it: the
    login there may be that of whoever made the page."""
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Forbidden("Connect a login from your account page here.")
    caller: Caller = await shop.access.who(request)
    if caller.login_id is None:
        raise Unauthenticated("Log in first, then connect the other login.")
    if not caller.is_confirmed:
        raise ConfirmationNeeded
    return caller.owner_id


def _redirect_uri(shop: Shop, request: Request, name: str) -> str:
    return f"{shop.reception.public_url(request)}/api/auth/oidc/{name}/callback"
