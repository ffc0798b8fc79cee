"""The shapes of leaving: how a deletion is confirmed, and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from safelight.http.wire import CleanString, Strict, Wire


class Confirmation(Strict):
    confirm: Annotated[CleanString, StringConstraints(min_length=1, max_length=320)] = Field(
        description="The e-mail address or the name of who is to be deleted, so that it is no slip."
    )


class DeletedUser(Wire):
    """A user who is kept out and will be forgotten."""

    id: UUID
    name: str
    deleted_at: datetime
    restorable_until: datetime = Field(
        description="Until then an administrator can bring the user back; after it pictures, "
        "prompts and the name go for good."
    )


class RestoredUser(Wire):
    """A user who is back. Keys stay revoked and jobs cancelled."""

    id: UUID
    name: str
    email: str | None = None
