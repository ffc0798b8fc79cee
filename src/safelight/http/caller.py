"""Who is asking. While accounts are off that is always the one local owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from safelight.values.ids import LOCAL_OWNER, OwnerId


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner whose things a request may see, and the request's id."""

    owner_id: OwnerId
    request_id: str


async def caller(request: Request) -> Caller:
    return Caller(LOCAL_OWNER, request.state.request_id)


CallerDep = Annotated[Caller, Depends(caller)]
