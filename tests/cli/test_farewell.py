"""Taking a user's things along, deleting him and bringing him back, from the command line."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

from tests.cli.conftest import Complaint, Run


def test_a_user_is_deleted_and_brought_back(
    run: Run, complaint: Complaint, database_url: str
) -> None:
    here = {"SAFELIGHT_DATABASE_URL": database_url}
    run("users", "create", "Ada", "--email", "ada@example.org", **here)

    deleted = run("users", "delete", "ada@example.org", **here)
    listed = run("users", "list", **here).stdout
    refused = complaint("users", "enable", "Ada", **here)
    restored = run("users", "restore", "Ada", **here)

    assert deleted.returncode == restored.returncode == 0, deleted.stderr + restored.stderr
    assert deleted.stdout.startswith("Ada can be restored until 20")
    assert "deleted" in listed
    assert "restore" in refused
    assert "deleted" not in run("users", "list", **here).stdout
    assert "owner" in complaint("users", "delete", "You", **here)


def test_an_export_is_a_whole_file_for_its_owner_alone(
    run: Run, complaint: Complaint, database_url: str, tmp_path: Path
) -> None:
    here = {"SAFELIGHT_DATABASE_URL": database_url, "SAFELIGHT_DATA_DIR": str(tmp_path / "data")}
    file = tmp_path / "you.zip"

    exported = run("db", "export", "You", "-o", str(file), **here)

    assert exported.returncode == 0, exported.stderr
    assert exported.stdout.strip() == str(file)
    assert file.stat().st_mode & 0o777 == 0o600
    with ZipFile(file) as archive:
        assert archive.testzip() is None
        assert {"README.txt", "profile.json", "jobs.jsonl"} <= set(archive.namelist())
    assert not list(tmp_path.glob("*.part"))
    assert "no such user" in complaint("db", "export", "nobody", **here)
    place = str(tmp_path / "no" / "such" / "folder.zip")
    assert "cannot be written" in complaint("db", "export", "You", "-o", place, **here)
