"""Who is asking, as the routes see it. How that is found out: access.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from safelight.values.ids import OwnerId

Kind = Literal["local", "user", "visitor"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner whose things a request may see, and what it may do.

    kind: `local` is the one owner of a server without accounts, `user` has a key or a login,
    `visitor` is anonymous. open_max, running_max: how many of its jobs may be unfinished, and in
    the queue or running, at a time; quota_bytes: what its pictures may take; None: any number.
    counted_as: whose orders are counted together with its own, as many as submits_per_minute; None:
    they are not counted. login_id: the session it came with, None for a key.
    is_confirmed: False while a session must prove anew whose it is before it touches money, keys
    and roles.
    """

    owner_id: OwnerId
    request_id: str
    kind: Kind = "local"
    is_admin: bool = False
    open_max: int | None = None
    running_max: int | None = None
    submits_per_minute: int | None = None
    quota_bytes: int | None = None
    counted_as: str | None = None
    name: str = "You"
    email: str | None = None
    login_id: UUID | None = None
    is_confirmed: bool = True
