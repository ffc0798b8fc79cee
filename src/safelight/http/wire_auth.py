"""The shapes of logins, users and invites in the HTTP contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from safelight.accounts.own_limits import MOST
from safelight.accounts.passwords import BYTES_MAX, CHARS_MIN
from safelight.accounts.users import EMAIL_CHARS_MAX, NAME_CHARS_MAX, Role
from safelight.http.wire import CleanString, Strict, Wire

Email = Annotated[str, Field(max_length=EMAIL_CHARS_MAX)]
PasswordText = Annotated[str, Field(max_length=BYTES_MAX, json_schema_extra={"format": "password"})]
NewPassword = Annotated[
    str,
    Field(
        max_length=BYTES_MAX,
        description=f"At least {CHARS_MIN} characters, and not one that everybody tries first.",
        json_schema_extra={"format": "password"},
    ),
]
CodeText = Annotated[str, Field(max_length=100)]


class RegisterIn(Strict):
    email: Email
    password: NewPassword
    name: str | None = Field(
        None, max_length=NAME_CHARS_MAX, description="Default: what is before the @."
    )
    code: CodeText | None = Field(
        None, description="An invite, or the set-up code of a server without an administrator."
    )


class LoginIn(Strict):
    email: Email
    password: PasswordText


class ConfirmIn(Strict):
    password: PasswordText


class PasswordIn(Strict):
    password: PasswordText = Field(description="The one that is used now.")
    new_password: NewPassword


class ResetIn(Strict):
    code: CodeText
    password: NewPassword


class User(Wire):
    id: UUID
    email: str | None
    name: str
    role: Role


class Options(Wire):
    """What the login page offers. Readable without a login."""

    accounts: bool
    registration: Literal["open", "invite", "closed", "first"] = Field(
        description="first: there is no administrator yet; whoever has the set-up code becomes it."
    )
    code_needed: bool = Field(description="Whether registering needs a `code`.")
    anonymous: bool
    oidc: list[str] = Field(description="Names for /api/auth/oidc/{name}.")


class Session(Wire):
    """A browser that is logged in."""

    id: UUID
    created_at: datetime
    used_at: datetime = Field(description="Accurate to a minute.")
    agent: str | None = Field(description="What the browser calls itself.")
    address: str | None = Field(description="Where the login came from.")
    current: bool = Field(description="Whether this is the one that asks.")


class Ended(Wire):
    ended: int = Field(description="How many sessions ended.")


# For administrators


class LimitsView(Wire):
    """How much a user may ask for at a time, by the names of the settings."""

    submits_per_minute: int | None
    open_max: int | None = Field(description="Unfinished jobs.")
    running_max: int | None = Field(description="Jobs that are worked on.")
    quota_bytes: int | None = Field(description="What the pictures may take in the storage.")


class UserView(Wire):
    id: UUID
    email: str | None
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    deleted_at: datetime | None = Field(
        None,
        description="Since when the user is to be forgotten; until then `restore` is possible.",
    )
    has_password: bool
    logins: list[str] = Field(description="Issuers this user logs in with.")
    last_seen_at: datetime | None = Field(
        description="When one of the user's sessions or keys was last used; accurate to a minute."
    )
    limits: LimitsView = Field(
        description="What was set for this user; null: what the server's settings say for all."
    )
    allowed: LimitsView = Field(description="What holds for this user; null: any number.")


class LimitsChange(Strict):
    """What is not named stays; null: what the server's settings say for all."""

    submits_per_minute: (
        Annotated[int, Field(ge=1, le=MOST["submits_per_minute"], strict=True)] | None
    ) = None
    open_max: Annotated[int, Field(ge=1, le=MOST["open_max"], strict=True)] | None = None
    running_max: Annotated[int, Field(ge=1, le=MOST["running_max"], strict=True)] | None = None
    quota_bytes: Annotated[int, Field(ge=1, le=MOST["quota_bytes"], strict=True)] | None = None


class UserChange(Strict):
    """What to change about a user; what is not named, or null, stays."""

    role: Role | None = None
    disabled: Annotated[bool, Field(strict=True)] | None = None
    limits: LimitsChange | None = None

    @model_validator(mode="after")
    def _something(self) -> UserChange:
        if self.role is None and self.disabled is None and not self.own_limits():
            raise ValueError("Name what to change: role, disabled, limits.")
        return self

    def own_limits(self) -> dict[str, int | None]:
        """Those limits that are named."""
        return self.limits.model_dump(exclude_unset=True) if self.limits else {}


class InviteIn(Strict):
    role: Role = "user"
    note: Annotated[CleanString, StringConstraints(max_length=200)] | None = Field(
        None, description="For whom it is."
    )
    days: int = Field(7, ge=1, le=90, strict=True, description="How long it is good for.")


class Invite(Wire):
    id: UUID
    role: Role
    note: str | None
    created_at: datetime
    expires_at: datetime


class NewInvite(Invite):
    code: str = Field(description="The code itself. It is shown this once.")
    url: str = Field(description="Where whoever is invited registers.")


class NewReset(Wire):
    """A code with which a user chooses a new password."""

    code: str = Field(description="Shown this once.")
    url: str
    expires_at: datetime
