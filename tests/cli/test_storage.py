"""`safelight storage check`, beside a server or without one."""

from __future__ import annotations

import os
import time
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from safelight.values.ids import LOCAL_OWNER
from tests.cli.conftest import Complaint, Run


@pytest.fixture
def orphan(tmp_path: Path) -> Path:
    """A picture of two days ago that no row knows."""
    asset_id = uuid4()
    file = tmp_path / "pictures" / asset_id.hex[-2:] / str(asset_id) / "original.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"12345")
    os.utime(file, (time.time() - 2 * 86_400,) * 2)
    return file


def test_orphans_are_told_and_removed_when_that_is_said(
    run: Run, database_url: str, tmp_path: Path, orphan: Path
) -> None:
    check = ("storage", "check", "--data-dir", str(tmp_path))

    looked = run(*check, SAFELIGHT_DATABASE_URL=database_url)
    still_there = orphan.exists()
    removed = run(*check, "--delete-orphans", SAFELIGHT_DATABASE_URL=database_url)

    assert looked.returncode == removed.returncode == 0, looked.stderr + removed.stderr
    assert "1  orphans, which no row knows, 5 bytes" in looked.stdout
    assert orphan.parent.name in looked.stdout
    assert still_there
    assert "1 orphans were removed" in removed.stdout
    assert not orphan.exists()


async def test_a_missing_picture_is_told_and_is_a_failure(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(database_url)
    asset_id = uuid4()
    await connection.execute(
        """INSERT INTO assets (id, owner_id, width, height, format, bytes, sha256)
           VALUES ($1, $2, 1, 1, 'png', 1, '')""",
        asset_id,
        LOCAL_OWNER,
    )
    await connection.close()

    checked = run(
        "storage", "check", "--data-dir", str(tmp_path), SAFELIGHT_DATABASE_URL=database_url
    )

    assert checked.returncode == 1
    assert f"{asset_id}/original.png" in checked.stdout
    assert "1 pictures are missing" in checked.stderr


def test_a_storage_that_cannot_be_reached_is_told(
    complaint: Complaint, database_url: str, tmp_path: Path
) -> None:
    said = complaint(
        "storage",
        "check",
        SAFELIGHT_DATABASE_URL=database_url,
        SAFELIGHT_STORAGE_URL="s3//nonsense",
        SAFELIGHT_DATA_DIR=str(tmp_path),
    )

    assert "s3//nonsense" in said
