"""Accounts, orders and ends of jobs through the very statements the server uses."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from safelight.credits import accounts, grants
from safelight.database.pool import Database
from safelight.jobs import attempts, intake
from safelight.jobs.attempts import Claim, Delivered, Delivery
from safelight.jobs.intake import Admitted
from safelight.jobs.model import Attempt, Made, Order
from safelight.providers.protocol import ModelCard
from safelight.values.credits import Credits
from safelight.values.ids import JobId, OwnerId, new_id
from safelight.values.prompts import UserPrompt, clean_text

CARD = ModelCard(
    id="lab/text",
    provider="lab",
    provider_model="text",
    name="Text",
    description="A model nobody asks.",
    kind="text",
    prompt_max=1000,
)
_references = itertools.count()


async def account(database: Database, credits_: int = 0, *, unlimited: bool = False) -> OwnerId:
    """A new user's account with so many credits."""
    user_id = OwnerId(new_id())
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO users (id, name) VALUES ($1, 'Ada')", user_id)
        await accounts.open_account(tx, user_id)
        await accounts.set_unlimited(tx, user_id, unlimited)
    if credits_:
        reference = f"opening {next(_references)}"
        await grants.grant(database, user_id, Credits(credits_), reference=reference)
    return user_id


def order(owner_id: OwnerId, *, each: int = 1, count: int = 1, **more: Any) -> Order:
    """An order for `count` texts at `each` credits, never of an earlier result."""
    prompt = more.pop("prompt", "a heron")
    made = Order(
        id=JobId(new_id()),
        owner_id=owner_id,
        type="text",
        prompt=UserPrompt(clean_text(prompt)),
        card=CARD,
        requested_model=CARD.id,
        model_reason=None,
        price=Credits(each * count),
        parameters={},
        count=count,
        reuse="never",
    )
    return replace(made, **more)


async def admit(database: Database, one: Order) -> Admitted:
    (admitted,) = await intake.insert_once(database, [one])
    return admitted


async def ordered(database: Database, owner_id: OwnerId, *, each: int = 1, count: int = 1) -> JobId:
    """A job that was accepted, its credits held."""
    one = order(owner_id, each=each, count=count)
    assert (await admit(database, one)).outcome == "new"
    return one.id


async def start(database: Database, job_id: JobId) -> Attempt:
    (attempt,) = await attempts.start_attempts(database, [Claim(job_id, 0, overtakable=False)])
    assert isinstance(attempt, Attempt)
    return attempt


def text(index: int) -> Made:
    return Made(index=index, text="said")


def end(
    attempt: Attempt, delivered: int, status: Literal["completed", "failed"] = "completed"
) -> Delivery:
    """The end of a job of whose variants so many were delivered before."""
    charged = attempt.price // attempt.count * delivered
    return Delivery(attempt, (), (), status=status, charged=charged)


async def finish(database: Database, job_id: JobId, *, delivered: int) -> Attempt:
    """Work on a job until its end: so many variants are made, none is a failure."""
    attempt = await start(database, job_id)
    made = tuple(text(index) for index in range(delivered))
    last = replace(end(attempt, delivered, "completed" if delivered else "failed"), made=made)
    assert await attempts.deliver(database, [last]) != [Delivered.FENCED]
    return attempt


async def paid_job(
    database: Database, owner_id: OwnerId, *, each: int = 1, count: int = 1
) -> JobId:
    """A job that was done and paid for."""
    job_id = await ordered(database, owner_id, each=each, count=count)
    await finish(database, job_id, delivered=count)
    return job_id


async def pockets(database: Database, account_id: OwnerId | UUID) -> tuple[int, int, int, int]:
    """(granted, available, held, used)"""
    row = await database.fetchrow(
        "SELECT granted, available, held, used FROM accounts WHERE id = $1", account_id
    )
    assert row is not None
    return tuple(row)
