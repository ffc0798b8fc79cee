"""Users: made once, found by what one knows of them, kept out and let in."""

from __future__ import annotations

import asyncio

import pytest

from safelight.accounts import users
from safelight.database.pool import Database
from safelight.values.errors import InvalidRequest, NotFound
from safelight.values.ids import LOCAL_OWNER, OwnerId, new_id


async def test_a_new_user_has_an_account_with_nothing_in_it(database: Database) -> None:
    user = await users.create(database, "Ada", email="ada@example.org")

    account = await database.fetchrow("SELECT * FROM accounts WHERE id = $1", user.id)
    assert account is not None
    assert (account["available"], account["unlimited"]) == (0, False)
    assert (user.role, user.disabled_at) == ("user", None)


async def test_an_address_belongs_to_one_user_however_it_is_written(database: Database) -> None:
    await users.create(database, "Ada", email="Ada@Example.org")

    with pytest.raises(InvalidRequest, match="already"):
        await users.create(database, "Eve", email="ada@example.ORG")

    assert await database.fetchval("SELECT count(*) FROM accounts") == 2, "nothing half made"


async def test_of_two_at_once_with_one_address_one_is_made(database: Database) -> None:
    tries = [users.create(database, "Ada", email="ada@example.org") for _ in range(6)]

    made = await asyncio.gather(*tries, return_exceptions=True)

    assert sum(isinstance(each, users.User) for each in made) == 1
    assert sum(isinstance(each, InvalidRequest) for each in made) == 5


async def test_a_user_is_found_by_id_address_or_name(database: Database) -> None:
    ada = await users.create(database, "Ada", email="Ada@Example.org")

    ways = (str(ada.id), "ada@example.org", "Ada")
    found = [await users.find(database, who, by_name=True) for who in ways]

    assert found == [ada] * 3
    with pytest.raises(NotFound):
        await users.find(database, "Ada")


async def test_a_name_that_several_have_is_not_guessed(database: Database) -> None:
    await users.create(database, "Ada")
    await users.create(database, "Ada")

    with pytest.raises(InvalidRequest, match="Several"):
        await users.find(database, "Ada", by_name=True)


@pytest.mark.parametrize("by_name", [False, True])
async def test_a_name_like_an_address_is_not_taken_for_one(
    database: Database, by_name: bool
) -> None:
    ada = await users.create(database, "Ada", email="ada@example.org")
    await users.create(database, "ada@example.org")
    await users.create(database, "boss@example.org")

    assert await users.find(database, "ada@example.org", by_name=by_name) == ada
    with pytest.raises(NotFound):
        await users.find(database, "boss@example.org", by_name=by_name)


async def test_an_unknown_user_is_not_found(database: Database) -> None:
    for who in ("", "Bob", "bob@example.org", str(new_id()), "%", "' OR true"):
        with pytest.raises(NotFound):
            await users.find(database, who, by_name=True)


async def test_a_name_is_a_line_of_text(database: Database) -> None:
    for name in ("", "  ", "x" * 101, "a\x00b", "a\x1bb"):
        with pytest.raises(InvalidRequest, match="name"):
            await users.create(database, name)


async def test_what_is_no_address_is_refused(database: Database) -> None:
    for email in ("", "ada", "@", "a@", "@b", "a b@c", "a@b@c", "a@b\x00", "é" * 300):
        with pytest.raises(InvalidRequest, match="email"):
            await users.create(database, "Ada", email=email)


async def test_a_user_is_disabled_once_and_enabled_again(database: Database) -> None:
    ada = await users.create(database, "Ada")

    first = await users.set_disabled(database, ada.id, disabled=True)
    again = await users.set_disabled(database, ada.id, disabled=True)
    enabled = await users.set_disabled(database, ada.id, disabled=False)

    assert first.disabled_at is not None
    assert again.disabled_at == first.disabled_at
    assert enabled.disabled_at is None
    with pytest.raises(NotFound):
        await users.set_disabled(database, OwnerId(new_id()), disabled=True)


async def test_all_users_are_listed(database: Database) -> None:
    ada = await users.create(database, "Ada")

    listed = await users.list_users(database)

    assert [user.id for user in listed] == [LOCAL_OWNER, ada.id]
