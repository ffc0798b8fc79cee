"""Keys: shown once, kept as a digest, ended within a second, and no question for a mistyped one."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from safelight.accounts import keys, users
from safelight.accounts.keys import KEYS_MAX, Keyring, is_well_formed, new_key
from safelight.accounts.users import User
from safelight.database.pool import Database
from safelight.values.errors import Forbidden, InvalidRequest
from safelight.values.ids import OwnerId, new_id


@pytest.fixture
async def ada(database: Database) -> User:
    return await users.create(database, "Ada", email="ada@example.org")


@pytest.fixture
def keyring(database: Database) -> Keyring:
    return Keyring(database)


async def questions(database: Database) -> int:
    """How often the table of keys was looked into, by this whole server."""
    async with database.pool.acquire() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        scans: int = await connection.fetchval(
            """SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables
               WHERE relname = 'api_keys'"""
        )
    return scans


def test_keys_are_long_random_and_recognisable() -> None:
    made = {new_key() for _ in range(1000)}

    assert len(made) == 1000
    assert all(key.startswith("sl_") and len(key) == 41 and is_well_formed(key) for key in made)
    assert len({key[3:35] for key in made}) == 1000
    assert 62 ** (32 - 4) > 2**160, "what the hint does not show"


def test_one_wrong_character_is_noticed_without_asking() -> None:
    key, chance = new_key(), random.Random(5)
    mistyped = [
        key[:place] + other + key[place + 1 :]
        for place in range(len(key))
        for other in chance.sample("abcXYZ019_-é ", 5)
        if other != key[place]
    ]
    mistyped += [
        "",
        "sl_",
        key[:-1],
        key + "0",
        key.upper(),
        f" {key}",
        f"{key}\n",
        "sl_" + "0" * 38,
    ]

    assert not [text for text in mistyped if is_well_formed(text)]


async def test_a_key_stands_for_its_user(database: Database, keyring: Keyring, ada: User) -> None:
    key, text = await keys.create(database, ada.id, name="laptop")

    holder = await keyring.holder(text)

    assert holder is not None
    assert (holder.user_id, holder.name, holder.role) == (ada.id, "Ada", "user")
    assert holder.scopes is None
    assert text.startswith(key.hint)


async def test_the_table_opens_nothing(database: Database, ada: User) -> None:
    _, text = await keys.create(database, ada.id, name="laptop")

    dump = str([dict(row) for row in await database.fetch("SELECT * FROM api_keys")])

    assert text not in dump
    assert text[7:20] not in dump


async def test_an_unknown_key_is_nobodys(keyring: Keyring) -> None:
    assert await keyring.holder(new_key()) is None
    assert await keyring.holder("sk-something") is None
    assert await keyring.holder("") is None


async def test_a_mistyped_key_costs_no_question(database: Database, keyring: Keyring) -> None:
    before = await questions(database)

    for n in range(200):
        assert await keyring.holder(f"{new_key()[:-1]}-{n}") is None

    assert await questions(database) == before


async def test_a_busy_key_costs_one_question_a_second(
    database: Database, keyring: Keyring, ada: User
) -> None:
    _, text = await keys.create(database, ada.id, name="laptop")
    await keyring.holder(text)
    before = await questions(database)

    holders = [await keyring.holder(text) for _ in range(500)]

    assert all(holders)
    assert await questions(database) == before


@pytest.mark.timing
async def test_a_revoked_key_opens_nothing_after_a_second(database: Database, ada: User) -> None:
    key, text = await keys.create(database, ada.id, name="laptop")
    processes = [Keyring(database), Keyring(database)]

    async def knock(keyring: Keyring) -> float:
        """When it was last let in, in seconds after the revocation."""
        last, until = 0.0, time.monotonic() + 1.6
        while time.monotonic() < until:
            asked = time.monotonic()
            if await keyring.holder(text):
                last = asked
            await asyncio.sleep(0.005)
        return last

    knocking = [asyncio.create_task(knock(keyring)) for keyring in processes]
    await asyncio.sleep(0.3)
    revoked = await keys.revoke(database, ada.id, key.id)
    at = time.monotonic()
    last = await asyncio.gather(*knocking)

    assert revoked is not None
    assert all(each > at for each in last), "it is remembered for a moment"
    assert all(each - at <= 1.0 for each in last)


@pytest.mark.timing
async def test_a_slow_answer_is_not_remembered_for_longer(
    database: Database, keyring: Keyring, ada: User
) -> None:
    key, text = await keys.create(database, ada.id, name="laptop")
    blocker = await database.pool.acquire()
    blocking = blocker.transaction()
    await blocking.start()
    await blocker.execute("LOCK TABLE api_keys")
    begin = time.monotonic()
    asking = asyncio.create_task(keyring.holder(text))
    await asyncio.sleep(0.7)
    await blocking.rollback()
    await database.pool.release(blocker)
    assert await asking is not None
    await keys.revoke(database, ada.id, key.id)

    await asyncio.sleep(begin + 1.05 - time.monotonic())

    assert await keyring.holder(text) is None


async def test_an_expired_key_opens_nothing(
    database: Database, keyring: Keyring, ada: User
) -> None:
    soon = await database.fetchval("SELECT now() + interval '300 milliseconds'")
    _, text = await keys.create(database, ada.id, name="laptop", expires_at=soon)
    before = await keyring.holder(text)

    await asyncio.sleep(1.4)

    assert before is not None
    assert await keyring.holder(text) is None


async def test_a_key_cannot_expire_in_the_past(database: Database, ada: User) -> None:
    with pytest.raises(InvalidRequest, match="future"):
        await keys.create(
            database, ada.id, name="old", expires_at=datetime.now(UTC) - timedelta(seconds=5)
        )


async def test_disabling_a_user_is_seen_within_a_second(
    database: Database, keyring: Keyring, ada: User
) -> None:
    _, text = await keys.create(database, ada.id, name="laptop")
    before = await keyring.holder(text)

    await users.set_disabled(database, ada.id, disabled=True)
    await asyncio.sleep(1.0)
    after = await keyring.holder(text)

    assert before is not None
    assert not before.is_disabled
    assert after is not None
    assert after.is_disabled


async def test_the_last_use_is_written_at_most_once_a_minute(database: Database, ada: User) -> None:
    _, text = await keys.create(database, ada.id, name="laptop")

    async def used() -> datetime | None:
        return (await keys.list_keys(database, ada.id))[0].last_used_at

    never = await used()
    await Keyring(database).holder(text)
    first = await used()
    await Keyring(database).holder(text)
    second = await used()
    await database.execute("UPDATE api_keys SET last_used_at = now() - interval '61 seconds'")
    await Keyring(database).holder(text)
    later = await used()

    assert never is None
    assert first is not None
    assert second == first
    assert later is not None
    assert later > first


async def test_processes_that_see_the_same_keys_do_not_wait_for_each_other(
    database: Database, ada: User
) -> None:
    texts = [(await keys.create(database, ada.id, name=str(n)))[1] for n in range(40)]
    processes = [Keyring(database) for _ in range(6)]

    holders = await asyncio.gather(
        *(
            keyring.holder(text)
            for nth, keyring in enumerate(processes)
            for text in (texts if nth % 2 else reversed(texts))
        )
    )

    assert all(holder and holder.user_id == ada.id for holder in holders)
    listed = await keys.list_keys(database, ada.id)
    assert all(key.last_used_at for key in listed)


async def test_nobody_has_more_keys_than_the_limit(database: Database, ada: User) -> None:
    for n in range(KEYS_MAX - 3):
        await keys.create(database, ada.id, name=str(n))

    made = await asyncio.gather(
        *(keys.create(database, ada.id, name="more") for _ in range(8)), return_exceptions=True
    )
    listed = await keys.list_keys(database, ada.id)
    await keys.revoke(database, ada.id, listed[0].id)
    await keys.create(database, ada.id, name="instead")

    assert sum(isinstance(each, Forbidden) for each in made) == 5
    assert len(listed) == KEYS_MAX


async def test_only_its_owner_revokes_a_key_and_only_once(database: Database, ada: User) -> None:
    key, _ = await keys.create(database, ada.id, name="laptop")
    eve = await users.create(database, "Eve")

    by_eve = await keys.revoke(database, eve.id, key.id)
    by_ada = await keys.revoke(database, ada.id, key.id)
    again = await keys.revoke(database, ada.id, key.id)
    unknown = await keys.revoke(database, ada.id, new_id())

    assert (by_eve, again, unknown) == (None, None, None)
    assert by_ada is not None
    assert await keys.list_keys(database, ada.id) == []


async def test_the_operator_revokes_anybodys(database: Database, ada: User) -> None:
    key, text = await keys.create(database, ada.id, name="laptop")

    revoked = await keys.revoke_anybodys(database, key.id)

    assert revoked is not None
    assert await Keyring(database).holder(text) is None


async def test_a_key_needs_a_user(database: Database) -> None:
    with pytest.raises(Exception, match="foreign key"):
        await keys.create(database, OwnerId(new_id()), name="nobody's")
