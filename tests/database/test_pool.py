"""The pool: JSON, transactions, and what is never shown."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from safelight.database.embedded import DatabaseUnusable
from safelight.database.patience import GONE
from safelight.database.pool import Database, without_password

SECRET = "hunter2"


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True], "ü": "“quoted” \\ \n 🦊"},
        [1, [2], []],
        "text",
        17,
        None,
        {"deep": {"er": [{"x": []}]}},
    ],
)
async def test_json_goes_in_and_comes_out_unchanged(database_url: str, value: Any) -> None:
    database = await Database.connect(database_url, connections_max=2)

    back = await database.fetchval("SELECT $1::jsonb", value)

    await database.close()
    assert back == value


async def test_many_documents_travel_as_one_array(database_url: str) -> None:
    database = await Database.connect(database_url, connections_max=2)
    documents = [{"a": 1}, {}, "text", 17, None]

    rows = await database.fetch("SELECT document FROM unnest($1::jsonb[]) AS document", documents)

    await database.close()
    assert [row["document"] for row in rows] == documents


async def test_a_transaction_is_all_or_nothing(database_url: str) -> None:
    database = await Database.connect(database_url, connections_max=2)
    count = "SELECT count(*) FROM idempotency_keys"
    insert = """INSERT INTO idempotency_keys (owner_id, key, body_digest, job_id)
                VALUES (gen_random_uuid(), 'key', '', gen_random_uuid())"""

    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await tx.execute(insert)
            raise ZeroDivisionError
    after_failure = await database.fetchval(count)
    async with database.transaction() as tx:
        await tx.execute(insert)

    assert after_failure == 0
    assert await database.fetchval(count) == 1
    await database.close()


async def test_a_cancelled_statement_leaves_a_usable_connection(database_url: str) -> None:
    database = await Database.connect(database_url, connections_max=2)

    waiting = [asyncio.create_task(database.fetchval("SELECT pg_sleep(30)")) for _ in range(2)]
    while await _sleepers(database_url) < 2:
        await asyncio.sleep(0.01)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    answers = await asyncio.gather(*(database.fetchval("SELECT 1") for _ in range(4)))
    assert answers == [1, 1, 1, 1]
    await database.close()


async def _sleepers(url: str) -> int:
    database = await Database.connect(url, connections_max=2)
    count: int = await database.fetchval(
        """SELECT count(*) FROM pg_stat_activity
           WHERE datname = current_database() AND query = 'SELECT pg_sleep(30)'
             AND state = 'active'"""
    )
    await database.close()
    return count


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hunter2@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://me:hun@hunter2@host/db", "postgresql://me@host/db"),
        ("postgresql://me:hun/hunter2@host/db", "postgresql://me@host/db"),
        (
            "postgresql://postgres@/postgres?host=%2Ftmp",
            "postgresql://postgres@/postgres?host=%2Ftmp",
        ),
        ("postgresql://host/db?user=me&password=hunter2", "postgresql://host/db?user=me"),
        ("postgresql://host/db?password=hunter2&user=me", "postgresql://host/db?user=me"),
        ("postgresql://host/db?password=hunter2", "postgresql://host/db"),
        ("postgresql://host/db?PASSWORD=hunter2&sslpassword=hunter2", "postgresql://host/db"),
    ],
)
def test_a_shown_url_has_everything_but_the_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?user=me&password=hunter2",
        # Not escaped, as people paste them: read as a port, a query or a host.
        "postgresql://me:hunter2/x@127.0.0.1:1/db",
        "postgresql://me:hunter2#x@127.0.0.1:1/db",
        "postgresql://me:x?hunter2@127.0.0.1:1/db",
        "postgresql://me:[hunter2@127.0.0.1:1/db",
    ],
)
async def test_no_password_is_told_when_the_database_cannot_be_reached(url: str) -> None:
    with pytest.raises(DatabaseUnusable) as refused:
        await Database.connect(url, connections_max=2)

    assert "cannot be reached" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__


async def test_a_wrong_password_is_not_told_either(database_url: str) -> None:
    url = database_url.replace("postgres@", f"nobody_known:{SECRET}@")

    with pytest.raises(DatabaseUnusable, match="nobody_known") as refused:
        await Database.connect(url, connections_max=2)

    assert SECRET not in str(refused.value)


async def test_who_stands_still_in_a_transaction_loses_its_locks_before_others_give_up(
    database_url: str,
) -> None:
    frozen = await Database.connect(database_url, connections_max=2)
    other = await Database.connect(database_url, connections_max=2)
    await other.execute("CREATE TABLE things (n int)")
    await other.execute("INSERT INTO things VALUES (1)")

    with pytest.raises(GONE):
        async with frozen.transaction() as tx:
            await tx.execute("UPDATE things SET n = 2")
            await other.execute("UPDATE things SET n = 3")  # waits, and does not give up
            await tx.execute("UPDATE things SET n = 4")
    kept = await other.fetchval("SELECT n FROM things")
    recovered = await frozen.fetchval("SELECT n FROM things")

    await frozen.close()
    await other.close()
    assert kept == recovered == 3
