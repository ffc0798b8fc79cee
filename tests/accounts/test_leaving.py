"""What is personal is known: a new table about users has to say what becomes of it."""

from __future__ import annotations

from safelight.accounts import leaving
from safelight.database.pool import Database
from safelight.jobs import farewell


async def test_every_table_about_users_is_forgotten_with_them(database: Database) -> None:
    rows = await database.fetch(
        """SELECT conrelid::regclass::text AS name FROM pg_constraint
           WHERE contype = 'f' AND confrelid = 'users'::regclass"""
    )

    about = {row["name"] for row in rows}
    forgotten = {statement.split()[2] for statement in leaving.PERSONAL}
    assert about == forgotten


async def test_every_table_that_has_owners_is_emptied_of_theirs(database: Database) -> None:
    rows = await database.fetch(
        """SELECT table_name FROM information_schema.columns
           WHERE column_name = 'owner_id' AND table_schema = 'public'"""
    )

    assert {row["table_name"] for row in rows} == set(farewell.HIS)
