"""Visitors: a cookie nobody can make, and an allowance that belongs to the address."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from safelight.accounts.limits import Limiter
from safelight.accounts.visitors import Visitors
from safelight.database.pool import Database
from safelight.values.credits import Credits
from safelight.values.ids import OwnerId, new_id


class Ledger:
    """What was granted, to whom, in place of the real one."""

    def __init__(self) -> None:
        self.given: Counter[OwnerId] = Counter()
        self.references: set[str] = set()

    async def grant(self, account: OwnerId, amount: Credits, reference: str, _note: str) -> None:
        assert reference not in self.references
        self.references.add(reference)
        self.given[account] += amount.amount


def visitors(
    database: Database, ledger: Ledger, *, secret: bytes = b"s", most: int = 20
) -> Visitors:
    async def open_account(_: OwnerId) -> None: ...

    return Visitors(
        Limiter(database),
        secret,
        credits_a_day=most,
        open_account=open_account,
        grant=ledger.grant,
    )


def visitor() -> OwnerId:
    return OwnerId(new_id())


async def test_a_visitor_is_known_by_his_cookie(database: Database) -> None:
    here = visitors(database, Ledger())
    ada, eve = visitor(), visitor()

    assert here.read(here.cookie(ada)) == ada
    assert here.read(here.cookie(eve)) == eve
    assert visitors(database, Ledger()).read(here.cookie(ada)) == ada, "in every process"


async def test_a_cookie_cannot_be_made_or_changed(database: Database) -> None:
    here, chance = visitors(database, Ledger()), random.Random(3)
    cookie = here.cookie(visitor())
    forged = [
        cookie[:place] + chance.choice("0123456789abcdefXYZ-_.") + cookie[place + 1 :]
        for place in range(len(cookie))
        for _ in range(20)
    ]
    forged += ["", ".", str(visitor()), f"{visitor().hex}.", cookie.split(".")[0], cookie + "A"]
    forged += [visitors(database, Ledger(), secret=b"other").cookie(visitor()), "é.ü", "\x00"]

    read = {here.read(text) for text in forged if text != cookie}

    assert read == {None}
    assert here.read(None) is None


async def test_all_visitors_of_an_address_share_its_allowance(database: Database) -> None:
    ledger = Ledger()
    here = visitors(database, ledger)

    given = await asyncio.gather(
        *(here.give(visitor(), "ip:1.2.3.4", Credits(3)) for _ in range(50))
    )

    assert sum(given) == 6
    assert ledger.given.total() == 18
    assert await here.left("ip:1.2.3.4") == Credits(2)
    assert await here.give(visitor(), "ip:1.2.3.4", Credits(2))
    assert not await here.give(visitor(), "ip:1.2.3.4", Credits(1))
    assert await here.give(visitor(), "ip:1.2.3.5", Credits(20)), "another address has its own"


async def test_more_than_a_day_has_is_not_given_and_takes_nothing(database: Database) -> None:
    ledger = Ledger()
    here = visitors(database, ledger)

    too_much = await here.give(visitor(), "ip:1.2.3.4", Credits(21))
    nothing = await here.give(visitor(), "ip:1.2.3.4", Credits(0))
    everything = await here.give(visitor(), "ip:1.2.3.4", Credits(20))

    assert (too_much, nothing, everything) == (False, False, True)
    assert await here.left("ip:1.2.3.4") == Credits(0)
    assert ledger.given.total() == 20


async def test_without_an_allowance_only_what_is_free_is_left(database: Database) -> None:
    ledger = Ledger()

    given = await visitors(database, ledger, most=0).give(visitor(), "ip:1.2.3.4", Credits(1))

    assert not given
    assert not ledger.given
