"""/api/credits, receipts, and what an administrator does with other people's accounts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from safelight.credits import accounts, grants, statements
from safelight.credits.accounts import Account, Allowance
from safelight.http import wire_credits as wire
from safelight.http.dependencies import AdminDep, CallerDep, ConfirmedAdminDep
from safelight.http.edge import JsonRoute
from safelight.http.errors import problems
from safelight.http.jobs import answer
from safelight.http.shop import ShopDep
from safelight.http.wire import Reused
from safelight.values.credits import Credits
from safelight.values.errors import NotFound
from safelight.values.ids import JobId, acting_for

router = APIRouter(prefix="/api", tags=["credits"], route_class=JsonRoute)

User = Annotated[str, Path(max_length=320, pattern=r"^[^\x00]+$", description="Id or e-mail.")]
LineCursor = Annotated[
    str | None, Query(pattern=r"^\d{1,18}$", description="next_cursor of the page before.")
]


@router.get("/credits", response_model=wire.Balance, responses=problems())
async def get_credits(caller: CallerDep, shop: ShopDep) -> Response:
    """What the caller can pay with."""
    account = await accounts.read(shop.database, caller.owner_id)
    more = (await shop.access.allowance_left(caller)).amount
    if account is None:  # somebody who has never had anything
        return answer(wire.Balance(available=more, held=0, used=0, unlimited=False))
    return answer(
        wire.Balance(
            available=account.available.amount + more,
            held=account.held.amount,
            used=account.used.amount,
            unlimited=account.unlimited,
            allowance=_allowance(account),
        )
    )


@router.get("/credits/ledger", response_model=wire.LedgerPage, responses=problems(422))
async def list_ledger(
    caller: CallerDep,
    shop: ShopDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: LineCursor = None,
) -> Response:
    """What happened to the caller's credits, newest first."""
    before = int(cursor) if cursor else None
    lines = await statements.read_page(
        shop.database, caller.owner_id, before=before, limit=limit + 1
    )
    shown = [_line(line) for line in lines[:limit]]
    return answer(
        wire.LedgerPage(items=shown, next_cursor=shown[-1].id if len(lines) > limit else None)
    )


@router.get("/jobs/{job_id}/receipt", response_model=wire.Receipt, responses=problems(404))
async def get_receipt(job_id: UUID, caller: CallerDep, shop: ShopDep) -> Response:
    """What a job costs: what was set aside for it, paid, given back, and why."""
    found = await statements.read_receipt(shop.database, caller.owner_id, job_id)
    if found is None:
        raise NotFound("job")
    return answer(_receipt(found))


@router.post(
    "/admin/grants",
    status_code=201,
    response_model=wire.Granted,
    responses=problems(404, 413, 415)
    | {200: {"model": wire.Granted, "description": "The reference is known: nothing changed."}},
)
async def grant_credits(body: wire.GrantIn, _: ConfirmedAdminDep, shop: ShopDep) -> Response:
    """Give a user credits. Safe to repeat with the same reference."""
    account_id = await accounts.find(shop.database, body.user)
    granted = await grants.grant(
        shop.database,
        account_id,
        Credits(body.credits),
        reference=body.reference,
        note=body.note,
    )
    return answer(_granted(granted), 201 if granted.is_new else 200)


@router.post(
    "/admin/refunds",
    status_code=201,
    response_model=wire.Granted,
    responses=problems(404, 413, 415)
    | {200: {"model": wire.Granted, "description": "The reference is known: nothing changed."}},
)
async def refund_credits(body: wire.RefundIn, _: ConfirmedAdminDep, shop: ShopDep) -> Response:
    """Give back what a job has cost, or a part of it. Safe to repeat with the same reference."""
    refunded = await grants.refund(
        shop.database,
        JobId(body.job),
        Credits(body.credits) if body.credits else None,
        reference=body.reference,
        note=body.note,
    )
    return answer(_granted(refunded), 201 if refunded.is_new else 200)


@router.get("/admin/accounts", response_model=wire.AccountPage, responses=problems(422))
async def list_accounts(
    _: AdminDep,
    shop: ShopDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: UUID | None = None,
) -> Response:
    """Everybody's accounts, in the order of their ids."""
    found = await accounts.read_page(shop.database, after=cursor, limit=limit + 1)
    shown = [_account(account) for account in found[:limit]]
    more = len(found) > limit
    return answer(wire.AccountPage(items=shown, next_cursor=str(shown[-1].user) if more else None))


@router.put(
    "/admin/accounts/{user}", response_model=wire.AccountView, responses=problems(404, 413, 415)
)
async def change_account(
    user: User, body: wire.AccountIn, _: ConfirmedAdminDep, shop: ShopDep
) -> Response:
    """Change how a user pays: without limit, or with an allowance every day, week or month."""
    async with shop.database.transaction() as tx:
        account_id = await accounts.find(tx, user)
        if body.unlimited is not None:
            await accounts.set_unlimited(tx, account_id, body.unlimited)
        if body.changes_allowance:
            await accounts.set_allowance(tx, account_id, _wanted(body))
        account = await accounts.read(tx, acting_for(account_id))
    assert account is not None
    return answer(_account(account))


def _wanted(body: wire.AccountIn) -> Allowance | None:
    if body.allowance is None or body.allowance_every is None:
        return None
    return Allowance(Credits(body.allowance), body.allowance_every)


def _allowance(account: Account) -> wire.AllowanceView | None:
    if account.allowance is None or account.allowance_due is None:
        return None
    return wire.AllowanceView(
        credits=account.allowance.credits.amount,
        every=account.allowance.every,
        next_at=account.allowance_due,
    )


def _account(account: Account) -> wire.AccountView:
    return wire.AccountView(
        user=account.id,
        name=account.name,
        unlimited=account.unlimited,
        available=account.available.amount,
        held=account.held.amount,
        used=account.used.amount,
        granted=account.granted.amount,
        allowance=_allowance(account),
        open_jobs=account.open_jobs,
    )


def _line(line: statements.Line) -> wire.LedgerLine:
    return wire.LedgerLine.model_construct(
        id=str(line.id),
        at=line.at,
        kind=line.kind,
        credits=line.credits.amount,
        available_after=line.available_after.amount,
        job_id=line.job_id,
        note=line.note,
        prompt=line.prompt,
    )


def _granted(entry: grants.Granted) -> wire.Granted:
    return wire.Granted.model_construct(
        id=str(entry.id),
        at=entry.at,
        kind=entry.kind,
        credits=entry.credits.amount,
        available_after=entry.available_after.amount,
        job_id=entry.job_id,
        note=entry.note,
        user=entry.account_id,
    )


def _receipt(found: statements.Receipt) -> wire.Receipt:
    return wire.Receipt.model_construct(
        job_id=found.job_id,
        status=found.status,
        model=found.model,
        provider=found.provider,
        count=found.count,
        price=wire.ReceiptPrice(each=found.quoted.amount // found.count, total=found.quoted.amount),
        quoted=found.quoted.amount,
        held=found.held.amount,
        confirmed=found.confirmed.amount,
        released=found.released.amount,
        refunded=found.refunded.amount,
        charged=found.confirmed.amount - found.refunded.amount,
        reused=Reused.model_validate(found.reused) if found.reused else None,
        why=_why_nothing(found),
        usd=found.usd,
        created_at=found.created_at,
        started_at=found.started_at,
        finished_at=found.finished_at,
        lines=[_line(line) for line in found.lines],
    )


def _why_nothing(found: statements.Receipt) -> str | None:
    if found.reused:
        return "An earlier result of yours was served again; nothing was made."
    if found.finished_at and found.confirmed == Credits(0):
        return "Nothing was delivered, so nothing is charged."
    return None
