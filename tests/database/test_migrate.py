"""Bringing a database to the schema: once, by one process, and never backwards."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import asyncpg
import pytest

from safelight.database.embedded import DatabaseUnusable
from safelight.database.migrate import migrate

_MIGRATE = """
import asyncio, sys
import asyncpg
from safelight.database.migrate import migrate
async def main():
    connection = await asyncpg.connect(sys.argv[1])
    print(len(await migrate(connection)))
asyncio.run(main())
"""


async def test_what_was_applied_is_not_applied_again(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)

    first = await migrate(connection)
    second = await migrate(connection)

    assert first == sorted(first)
    assert first[0] == "0001_queue.sql"
    assert second == []
    names = await connection.fetch("SELECT name FROM migrations ORDER BY name")
    assert [row["name"] for row in names] == first
    await connection.close()


async def test_two_processes_at_once_apply_each_file_once(empty_database_url: str) -> None:
    command = [sys.executable, "-c", _MIGRATE, empty_database_url]
    processes = [
        await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE) for _ in range(2)
    ]

    said = [(await process.communicate())[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0]
    connection = await asyncpg.connect(empty_database_url)
    files = await connection.fetchval("SELECT count(*) FROM migrations")
    await connection.close()
    assert sorted(int(count) for count in said) == [0, files]


async def test_a_file_changed_after_it_was_applied_is_refused(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE migrations SET digest = 'x' WHERE name = '0002_jobs.sql'")

    with pytest.raises(DatabaseUnusable, match=r"0002_jobs.sql was changed after it was applied"):
        await migrate(connection)
    await connection.close()


async def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("INSERT INTO migrations VALUES ('9999_future.sql', 'x')")

    with pytest.raises(DatabaseUnusable, match=r"newer Safelight \(it has 9999_future.sql\)"):
        await migrate(connection)
    await connection.close()


async def test_a_failed_migration_leaves_nothing_and_the_lock_to_the_next(
    empty_database_url: str,
) -> None:
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("CREATE TABLE jobs (in_the_way text)")

    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(connection)

    assert (
        await connection.fetchval("SELECT count(*) FROM pg_tables WHERE tablename = 'users'") == 0
    )
    await connection.execute("DROP TABLE jobs")
    other = await asyncpg.connect(empty_database_url)
    applied = await asyncio.wait_for(migrate(other), 30)
    assert "0002_jobs.sql" in applied
    await other.close()
    await connection.close()


APART = """-- Apart: what is large is written to meanwhile.
DROP INDEX CONCURRENTLY IF EXISTS by_name;
CREATE INDEX CONCURRENTLY by_name ON large (name);
"""


async def test_an_index_that_is_built_apart_keeps_nobody_from_writing(
    empty_database_url: str,
) -> None:
    builder, slow, writer = [await asyncpg.connect(empty_database_url) for _ in range(3)]
    files = {"1_large.sql": "CREATE TABLE large (name text)"}
    await migrate(builder, files)
    await slow.execute("BEGIN; INSERT INTO large VALUES ('a')")

    building = asyncio.create_task(migrate(builder, files | {"2_index.sql": APART}))
    async with asyncio.timeout(10):
        while not await writer.fetchval(
            "SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'"
        ):
            await asyncio.sleep(0.01)
    await writer.execute("SET lock_timeout = '1s'; INSERT INTO large VALUES ('b')")
    assert not building.done()
    await slow.execute("COMMIT")

    assert await building == ["2_index.sql"]
    assert await builder.fetchval("SHOW statement_timeout") == "0"
    for connection in (builder, slow, writer):
        await connection.close()


async def test_an_index_whose_building_was_broken_off_is_built_anew(
    empty_database_url: str,
) -> None:
    builder, slow, other = [await asyncpg.connect(empty_database_url) for _ in range(3)]
    files = {"1_large.sql": "CREATE TABLE large (name text)", "2_index.sql": APART}
    await migrate(builder, dict(list(files.items())[:1]))
    await slow.execute("BEGIN; INSERT INTO large VALUES ('a')")
    building = asyncio.create_task(migrate(builder, files))
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('by_name')"
    async with asyncio.timeout(10):
        while await other.fetchval(valid) is None:
            await asyncio.sleep(0.01)

    await slow.execute(f"SELECT pg_terminate_backend({builder.get_server_pid()})")
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await building
    await slow.execute("COMMIT")
    assert await other.fetchval(valid) is False

    assert await migrate(other, files) == ["2_index.sql"]
    assert await other.fetchval(valid) is True
    for connection in (slow, other):
        await connection.close()


async def test_vectors_can_be_compared(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)

    nearest = await connection.fetchval(
        """SELECT v FROM unnest(ARRAY['[1,0]', '[0,1]']::vector[]) AS v
           ORDER BY v <=> '[0.1,0.9]' LIMIT 1"""
    )

    assert nearest == "[0,1]"
    await connection.close()


async def test_a_migration_that_somebody_stands_in_the_way_of_is_told_in_a_sentence(
    database_url: str,
) -> None:
    connection, busy = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    last = await connection.fetchval(
        "DELETE FROM migrations WHERE name LIKE '0010%' RETURNING name"
    )
    async with busy.transaction():
        await busy.execute("LOCK TABLE migrations IN SHARE MODE")

        with pytest.raises(DatabaseUnusable, match=f"{last} could not be applied: .*lock timeout"):
            await migrate(connection)

    assert await migrate(connection) == [last]
    await busy.close()
    await connection.close()


async def test_a_migration_may_take_longer_than_what_somebody_waits_for(database_url: str) -> None:
    hasty = await asyncpg.connect(database_url, command_timeout=0.5)
    busy, watch = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    last = "0010_passes_begin.sql"
    await hasty.execute("DELETE FROM migrations WHERE name = $1", last)
    async with busy.transaction():
        await busy.execute("LOCK TABLE pg_catalog.pg_proc IN SHARE MODE")
        migrating = asyncio.create_task(migrate(hasty))
        async with asyncio.timeout(10):
            while not migrating.done() and not await watch.fetchval(
                """SELECT EXISTS (SELECT FROM pg_stat_activity
                                  WHERE datname = current_database() AND wait_event_type = 'Lock'
                                    AND clock_timestamp() - query_start > interval '0.8 seconds')"""
            ):
                await asyncio.sleep(0.01)

    assert await migrating == [last]
    for connection in (hasty, busy, watch):
        await connection.close()
