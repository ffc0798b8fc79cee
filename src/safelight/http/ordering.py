"""What all doors do with an order: count it, pay for it, answer a repetition as the first time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Header, Request

from safelight.http.caller import Caller
from safelight.http.shop import Shop
from safelight.jobs.admit import Shown, Wish
from safelight.values.errors import Overloaded, RequestRefused

VISITOR_WAIT_S_MAX = 600.0

IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
]


async def order(
    request: Request,
    caller: Caller,
    shop: Shop,
    submit: Callable[[], Awaitable[Shown]],
    *,
    key: str | None,
    digest: bytes,
) -> Shown:
    """What `submit` answers. Where it would be refused by now, and the same key and digest were
    answered before, that answer: whoever lost it would else ask in vain for the place, the credits
    or the pictures that his own job has had.

    Raises: whatever `submit` raises, and RateLimited."""
    try:
        await shop.access.count_order(request, caller)
        return await shop.access.with_allowance(caller, submit)
    except (RequestRefused, Overloaded):
        if key and (known := await shop.admission.first_answer(caller.owner_id, key, digest)):
            return known
        raise


async def refuse_long_waits(shop: Shop, caller: Caller, wish: Wish) -> None:
    """Visitors are told now rather than kept waiting. Raises: Overloaded."""
    if caller.kind != "visitor":
        return
    card = shop.admission.order(caller.owner_id, wish).card
    wait_s = await shop.forecast.of_next(card.provider, card.id)
    if wait_s is not None and wait_s > VISITOR_WAIT_S_MAX:
        raise Overloaded(
            f"{card.name} is busy for the next {wait_s / 60:.0f} minutes. Nothing was stored.",
            retry_after_s=round(wait_s - VISITOR_WAIT_S_MAX) + 1,
        )
