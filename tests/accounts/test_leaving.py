"""What is personal is known: a new table about users has to say what becomes of it."""

from __future__ import annotations

from safelight.accounts import leaving
from safelight.database.pool import Database


async def test_every_table_about_users_is_forgotten_with_them(database: Database) -> None:
    rows = await database.fetch(
        """SELECT conrelid::regclass::text AS name FROM pg_constraint
           WHERE contype = 'f' AND confrelid = 'users'::regclass"""
    )

    about = {row["name"] for row in rows}
    forgotten = {statement.split()[2] for statement in leaving.PERSONAL}
    assert about == forgotten
