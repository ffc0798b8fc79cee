"""People who log in, from the command line; and starts that would let others in too."""

from __future__ import annotations

import re
import resource
import time
from pathlib import Path

import asyncpg
import httpx2
import pytest

from safelight.cli.safety import make_room_for_streams
from safelight.cli.stop import Stop
from safelight.database.embedded import EmbeddedPostgres
from tests.cli.conftest import Complaint, Run
from tests.studio import ServerProcess

PASSWORD = "a heron over tin roofs"


def test_from_the_first_start_to_an_administrator_an_invited_user_and_a_forgotten_password(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    here = {"SAFELIGHT_DATABASE_URL": database_url}
    process = ServerProcess(database_url, tmp_path, SAFELIGHT_ACCOUNTS="on")
    try:
        process.start("--no-worker")
        deadline = time.monotonic() + 30
        while not (link := re.search(r"http://\S+/register\?code=(\S+)", process.log.read_text())):
            assert time.monotonic() < deadline
            time.sleep(0.05)

        def post(path: str, **body: str) -> httpx2.Response:
            return httpx2.post(f"{process.url}/api/auth/{path}", json=body, trust_env=False)

        first = post("register", email="ada@example.org", password=PASSWORD, code=link[1])
        code = run("users", "invite", "--note", "for Bob", **here).stdout.strip()
        invited = post("register", email="bob@example.org", password=PASSWORD, code=code)
        typed = run(
            *("users", "create", "Cleo", "--email", "cleo@example.org", "--password-stdin"),
            typed=f"{PASSWORD}\n",
            **here,
        )
        cleo = post("login", email="cleo@example.org", password=PASSWORD)
        reset = run("users", "reset-password", "cleo@example.org", **here).stdout.strip()
        chosen = post("reset", code=reset, password="an owl in the old barn")
        after = post("login", email="cleo@example.org", password=PASSWORD)
    finally:
        process.stop()

    assert link[0].startswith(process.url)
    assert (first.status_code, first.json()["role"]) == (201, "admin")
    assert (invited.status_code, invited.json()["role"]) == (201, "user")
    assert typed.returncode == 0, typed.stderr
    assert [answer.status_code for answer in (cleo, chosen, after)] == [200, 200, 401]
    assert PASSWORD not in process.log.read_text()


@pytest.mark.parametrize(
    ("arguments", "typed", "word"),
    [
        (("--password-stdin",), PASSWORD, "--email"),
        (("--email", "a@example.org", "--password-stdin"), "short", "10 characters"),
        (("--email", "a@example.org", "--password-stdin"), "", "not empty"),
        (("--email", "a@example.org", "--password"), PASSWORD, "--password-stdin"),
    ],
)
def test_a_password_that_cannot_be_kept_is_said_and_nobody_is_made(
    run: Run, database_url: str, arguments: tuple[str, ...], typed: str, word: str
) -> None:
    here = {"SAFELIGHT_DATABASE_URL": database_url}

    refused = run("users", "create", "Ada", *arguments, typed=typed, **here)

    assert refused.returncode == 1
    assert word in refused.stderr
    assert "Ada" not in run("users", "list", **here).stdout


ELSEWHERE = ("--host", "0.0.0.0")


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (ELSEWHERE, {}, "SAFELIGHT_ACCOUNTS=on"),
        (("--host", "::"), {}, "SAFELIGHT_ACCOUNTS=on"),
        (ELSEWHERE, {"ACCOUNTS": "on"}, "SAFELIGHT_PUBLIC_URL"),
        ((), {"ACCOUNTS": "on", "PUBLIC_URL": "http://pictures.example.org"}, "https://"),
        (ELSEWHERE, {"ACCOUNTS": "on", "PUBLIC_URL": "http://127.0.0.1:8000"}, "https:// address"),
        ((), {"PUBLIC_URL": "pictures.example.org"}, "public_url"),
        (
            ELSEWHERE,
            {
                "ACCOUNTS": "on",
                "PUBLIC_URL": "https://pictures.example.org",
                "SECRET_KEY": "change-me-change-me-change-me-change-me",
            },
            "openssl rand",
        ),
        (
            (),
            {"PUBLIC_URL": "https://pictures.example.org", "SECRET_KEY": "0" * 64},
            "openssl rand",
        ),
        (
            (),
            {
                "PUBLIC_URL": "https://pictures.example.org",
                "SECRET_KEY_PREVIOUS": "change-me-change-me-change-me-change-me",
            },
            "SAFELIGHT_SECRET_KEY_PREVIOUS",
        ),
        ((), {"STREAMS_MAX": "100000"}, "SAFELIGHT_STREAMS_MAX"),
        ((), {"OIDC": '{"x": {"issuer": "http://evil.example", "client_id": "a"}}'}, "https://"),
        ((), {"OIDC": '{"x": {"issuer": "https://a.example"}}'}, "client_id"),
        ((), {"OIDC": '{"X Y": {"issuer": "https://a.example", "client_id": "a"}}'}, "no name"),
        ((), {"OIDC": "google"}, "JSON"),
        ((), {"REGISTRATION": "everybody"}, "registration"),
    ],
)
def test_a_start_that_would_be_dangerous_says_what_to_do(
    complaint: Complaint,
    tmp_path: Path,
    arguments: tuple[str, ...],
    settings: dict[str, str],
    words: str,
) -> None:
    environment = {f"SAFELIGHT_{name}": value for name, value in settings.items()}
    if "STREAMS_MAX" in settings and resource.getrlimit(resource.RLIMIT_NOFILE)[1] > 101_000:
        pytest.skip("this machine lets a process open as many files as it likes")

    said = complaint("serve", "--port", "0", "--data-dir", str(tmp_path), *arguments, **environment)

    assert words in said


def test_a_process_takes_the_files_it_needs_and_may_have() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1500, before[1]))

        make_room_for_streams(800)
        after = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert after == (1800, before[1])
    if before[1] != resource.RLIM_INFINITY:
        with pytest.raises(Stop, match="ulimit"):
            make_room_for_streams(before[1])


async def test_a_database_that_may_forget_is_refused(
    complaint: Complaint, database_url: str, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(database_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    await connection.close()

    said = complaint(
        *("serve", "--port", "0", "--data-dir", str(tmp_path)), SAFELIGHT_DATABASE_URL=database_url
    )

    assert "synchronous_commit = off" in said
    assert "ALTER DATABASE" in said


async def test_a_database_that_does_not_write_is_refused(
    complaint: Complaint, data_dir: Path
) -> None:
    embedded = EmbeddedPostgres(data_dir)
    connection = await asyncpg.connect(embedded.start())
    await connection.execute("ALTER SYSTEM SET fsync = off")
    await connection.close()
    embedded.stop()

    assert "fsync = off" in complaint("serve", "--port", "0", "--data-dir", str(data_dir))
