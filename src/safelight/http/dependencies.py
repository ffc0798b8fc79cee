"""Who may use a route: what routes ask for instead of finding it out themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from safelight.http.caller import Caller
from safelight.http.shop import ShopDep
from safelight.values.errors import ConfirmationNeeded, Forbidden


async def caller(request: Request, shop: ShopDep) -> Caller:
    """Raises: Unauthenticated, Forbidden."""
    return await shop.access.who(request)


async def onlooker(request: Request, shop: ShopDep) -> Caller:
    """The caller of a stream: a page that is only open opens one anew every few minutes, and keeps
    nobody logged in. Raises: Unauthenticated, Forbidden."""
    return await shop.access.who(request, uses=False)


CallerDep = Annotated[Caller, Depends(caller)]
OnlookerDep = Annotated[Caller, Depends(onlooker)]


async def admin(caller: CallerDep) -> Caller:
    """A caller who runs this server. Raises: Forbidden."""
    if not caller.is_admin:
        raise Forbidden("This is for administrators.")
    return caller


AdminDep = Annotated[Caller, Depends(admin)]


async def confirmed(caller: CallerDep) -> Caller:
    """A caller who proved lately who he is. Raises: ConfirmationNeeded."""
    if not caller.is_confirmed:
        raise ConfirmationNeeded
    return caller


async def confirmed_admin(caller: AdminDep) -> Caller:
    """Raises: Forbidden, ConfirmationNeeded."""
    return await confirmed(caller)


ConfirmedDep = Annotated[Caller, Depends(confirmed)]
ConfirmedAdminDep = Annotated[Caller, Depends(confirmed_admin)]
