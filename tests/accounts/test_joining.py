"""Becoming a user, at the same moment as others."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from safelight.accounts import codes, joining, users
from safelight.accounts.joining import Identity
from safelight.database.pool import Database
from safelight.values.errors import Forbidden, InvalidRequest


async def test_of_twenty_set_up_codes_used_at_once_one_makes_an_administrator(
    database: Database,
) -> None:
    texts = [(await codes.make(database, "setup", role="admin"))[1] for _ in range(20)]

    joined = await asyncio.gather(
        *(
            joining.join(database, name="A", email=f"a{n}@example.org", mode="open", code=text)
            for n, text in enumerate(texts)
        ),
        return_exceptions=True,
    )

    assert Counter(type(each).__name__ for each in joined) == {"User": 1, "CodeWorthless": 19}
    roles = [user.role for user in await users.list_users(database) if user.email]
    assert roles == ["admin"]
    assert await database.fetchval("SELECT count(*) FROM codes WHERE used_at IS NULL") == 0


async def test_who_sets_the_server_up_need_not_ask_anybody_for_credits(database: Database) -> None:
    _, setup = await codes.make(database, "setup", role="admin")
    _, invite = await codes.make(database, "invite", role="admin")

    ada = await joining.join(database, name="A", email="a@example.org", mode="invite", code=setup)
    bob = await joining.join(database, name="B", email="b@example.org", mode="invite", code=invite)

    of = "SELECT unlimited FROM accounts WHERE id = $1"
    assert await database.fetchval(of, ada.id) is True
    assert await database.fetchval(of, bob.id) is False


async def test_who_could_not_join_has_used_nothing_up(database: Database) -> None:
    await users.create(database, "Ada", email="ada@example.org", role="admin")
    _, text = await codes.make(database, "invite")

    with pytest.raises(InvalidRequest):
        await joining.join(database, name="A", email="ADA@example.org", mode="invite", code=text)
    bob = await joining.join(database, name="B", email="b@example.org", mode="invite", code=text)

    assert bob.role == "user"


async def test_two_administrators_cannot_take_each_other_away(database: Database) -> None:
    for _ in range(5):
        await database.execute("UPDATE users SET role = 'user' WHERE email IS NOT NULL")
        pair = [await users.create(database, "A", role="admin") for _ in range(2)]
        outcomes = await asyncio.gather(
            *(joining.change_user(database, user.id, role="user", disabled=None) for user in pair),
            return_exceptions=True,
        )
        assert Counter(isinstance(each, InvalidRequest) for each in outcomes) == {
            True: 1,
            False: 1,
        }
        await database.execute("UPDATE users SET role = 'user' WHERE name = 'A'")


async def test_an_identity_is_one_users(database: Database) -> None:
    ada, eve = [await users.create(database, name) for name in ("Ada", "Eve")]
    identity = Identity("https://issuer.example", "s-1")

    await joining.keep_identity(database, ada.id, identity)
    await joining.keep_identity(database, ada.id, identity)
    with pytest.raises(InvalidRequest, match="another account"):
        await joining.keep_identity(database, eve.id, identity)

    assert await joining.by_identity(database, identity) == ada.id
    assert await joining.by_identity(database, Identity("https://other.example", "s-1")) is None


async def test_a_code_is_good_for_its_purpose_alone(database: Database) -> None:
    ada = await users.create(database, "Ada", role="admin")
    _, reset = await codes.make_reset(database, ada.id)
    _, invite = await codes.make(database, "invite")

    with pytest.raises(Forbidden):
        await joining.join(database, name="B", email="b@example.org", mode="invite", code=reset)
    with pytest.raises(Forbidden):
        await joining.reset_password(database, invite, "hash")
    for text in ("", "x", "é" * 32, "\x00" * 32, invite.swapcase()):
        with pytest.raises(Forbidden):
            await codes.look(database, text, "invite")
