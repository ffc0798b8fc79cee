"""`safelight db check`: beside a running server, without one, and when something is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg

from safelight.credits.invariants import INVARIANTS
from tests.cli.conftest import Complaint, Run
from tests.studio import ServerProcess

ALL = len(INVARIANTS)


def change(url: str, sql: str) -> None:
    async def act() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(sql)
        await connection.close()

    asyncio.run(act())


def test_it_checks_beside_a_running_server_and_without_one(run: Run, data_dir: Path) -> None:
    process = ServerProcess(None, data_dir)
    process.start("--no-worker")
    beside = run("db", "check", "--data-dir", str(data_dir))
    process.stop()
    alone = run("db", "check", "--data-dir", str(data_dir))

    for finished in (beside, alone):
        assert finished.returncode == 0, finished.stderr
        assert [line.split()[-1] for line in finished.stdout.splitlines()] == ["ok"] * ALL
    assert not (data_dir / "postgres" / "cluster" / "postmaster.pid").exists(), "it was stopped"


async def test_what_is_wrong_is_said_and_ends_with_status_1(run: Run, database_url: str) -> None:
    await asyncio.to_thread(
        change,
        database_url,
        "UPDATE accounts SET available = 5, granted = 5, open_jobs = 2",
    )

    finished = await asyncio.to_thread(run, "db", "check", SAFELIGHT_DATABASE_URL=database_url)

    assert finished.returncode == 1
    assert finished.stderr == "safelight: The ledger violates I2, I9.\n"
    assert "I2   an account has what its postings say … violated" in finished.stdout
    assert "counts 2 open jobs, 0 of them parked; there are 0 and 0." in finished.stdout
    assert finished.stdout.count(" … ok") == ALL - 2


async def test_it_does_not_change_an_older_database(
    complaint: Complaint, database_url: str
) -> None:
    await asyncio.to_thread(change, database_url, "DROP TABLE postings CASCADE")

    said = await asyncio.to_thread(complaint, "db", "check", SAFELIGHT_DATABASE_URL=database_url)

    assert said.startswith("The database is older than this Safelight.")


def test_it_does_not_make_a_database_to_check(complaint: Complaint, tmp_path: Path) -> None:
    said = complaint("db", "check", "--data-dir", str(tmp_path / "nothing"))

    assert said.startswith("There is no database in ")
    assert not (tmp_path / "nothing").exists()
