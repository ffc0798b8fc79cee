"""The shapes of keys in the HTTP contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from safelight.accounts.keys import Scope
from safelight.http.wire import CleanString, Strict, Wire


def _in_the_calendar(moment: datetime) -> datetime:
    """In UTC, which for the first and the last day there are would be outside of all years."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("Outside of the calendar.") from None


def _one_line(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise ValueError("Must not be empty.")
    return name


class KeyIn(Strict):
    name: Annotated[CleanString, StringConstraints(max_length=100), AfterValidator(_one_line)]
    scopes: list[Scope] | None = Field(
        None,
        min_length=1,
        max_length=10,
        description="What it may be used for; null: all but admin.",
    )
    expires_at: Annotated[AwareDatetime, AfterValidator(_in_the_calendar)] | None = Field(
        None, description="Must be in the future; null: never."
    )


class Key(Wire):
    id: UUID
    name: str
    hint: str = Field(description="The key's first characters.")
    scopes: list[Scope] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="Accurate to a minute.")


class NewKey(Key):
    key: str = Field(description="The key itself. It is shown this once.")
