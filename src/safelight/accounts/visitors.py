"""People without an account: known by a signed cookie, paid for by their address's allowance.

The cookie is only a name: whoever throws it away is somebody else the next minute. What a visitor
may use is therefore bounded by his address, in two windows of limits.py: orders a minute, and
credits a day. The credits go to the visitor's own account as he needs them, so the ledger has all
of it, and what a failed job gives back is his; but what all visitors of an address are given within
a day is together at most the allowance. One for each cookie would be no bound at all.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from uuid import UUID

from safelight.accounts.limits import Limit, Limiter
from safelight.values.credits import Credits
from safelight.values.ids import OwnerId, UserId, new_id

OpenAccount = Callable[[OwnerId], Awaitable[None]]
# (account, credits, reference, note): once a reference.
Grant = Callable[[OwnerId, Credits, str, str], Awaitable[None]]

_DAY_S = 86_400.0
KEPT_S = 400 * 86_400  # the longest a browser keeps a cookie


class Visitors:
    """Recognises visitors and hands out their allowance."""

    def __init__(
        self,
        limiter: Limiter,
        secret: bytes,
        *,
        credits_a_day: int,
        open_account: OpenAccount,
        grant: Grant,
        previous: bytes | None = None,
    ) -> None:
        """previous: the secret before, whose cookies are still known."""
        self._limiter = limiter
        # A key of its own for this purpose: a signature here can never pass for another kind.
        self._keys = [
            hmac.digest(each, b"safelight visitors 1", "sha256")
            for each in (secret, previous)
            if each is not None
        ]
        self._allowance = Limit(credits_a_day, _DAY_S)
        self._open_account = open_account
        self._grant = grant

    def read(self, cookie: str | None) -> OwnerId | None:
        """Who has this cookie; None when it is not one of ours."""
        text, _, signature = (cookie or "").partition(".")
        try:
            visitor = OwnerId(UserId(UUID(text)))
        except ValueError:
            return None
        given = signature.encode(errors="replace")
        is_ours = any(hmac.compare_digest(_signature(key, visitor), given) for key in self._keys)
        return visitor if is_ours else None

    def cookie(self, visitor: OwnerId) -> str:
        return f"{visitor.hex}.{_signature(self._keys[0], visitor).decode()}"

    async def welcome(self, visitor: OwnerId) -> None:
        """Be sure that there is an account to order with. It is empty."""
        await self._open_account(visitor)

    async def give(self, visitor: OwnerId, bucket: str, missing: Credits) -> bool:
        """Give a visitor what is missing for an order, if his address still has it today."""
        if not 0 < missing.amount <= self._allowance.most:
            return False
        taken = await self._limiter.take(_credits(bucket), self._allowance, cost=missing.amount)
        if taken.granted:
            # Dying before this costs the address a few credits of today's, and gives nobody any.
            await self._grant(visitor, missing, f"visitor:{new_id()}", "Today's allowance.")
        return taken.granted

    async def left(self, bucket: str) -> Credits:
        """What an address can still be given today."""
        return Credits(await self._limiter.left_over(_credits(bucket), self._allowance))


def _signature(key: bytes, visitor: OwnerId) -> bytes:
    digest = hmac.digest(key, visitor.bytes, hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=")


def _credits(bucket: str) -> str:
    return f"credits:{bucket}"
