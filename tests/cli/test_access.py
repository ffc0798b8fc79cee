"""Users and keys from the command line, beside a running server or without one."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.cli.conftest import Complaint, Run
from tests.studio import ServerProcess


def test_a_user_made_beside_a_running_server_is_let_in_at_once(run: Run, data_dir: Path) -> None:
    process = ServerProcess(None, data_dir, SAFELIGHT_ACCOUNTS="on")
    here = ("--data-dir", str(data_dir))
    try:
        process.start("--no-worker")
        made = run("users", "create", "Ada", "--email", "ada@example.org", "--credits", "7", *here)
        key = run("keys", "create", "ada@example.org", *here).stdout.strip()

        def ask(path: str) -> httpx2.Response:
            headers = {"Authorization": f"Bearer {key}"}
            return httpx2.get(f"{process.url}{path}", headers=headers, trust_env=False)

        me, credits_ = ask("/api/me").json(), ask("/api/credits").json()
        run("users", "disable", "Ada", *here)
        disabled_at = time.monotonic()
        while ask("/api/me").status_code == 200:
            assert time.monotonic() < disabled_at + 1.5
        kept_out = ask("/api/me")
    finally:
        process.stop()

    assert UUID(made.stdout.strip()) == UUID(me["id"])
    assert (me["name"], me["email"], me["role"]) == ("Ada", "ada@example.org", "user")
    assert (credits_["available"], credits_["unlimited"]) == (7, False)
    assert kept_out.status_code == 403


def test_without_a_server_the_commands_work_all_the_same(run: Run, data_dir: Path) -> None:
    here = ("--data-dir", str(data_dir))

    run("users", "create", "Ada [b]", "--admin", *here)
    key = run("keys", "create", "Ada [b]", "--scopes", "jobs:read,admin", "--expires", "90d", *here)
    listed = run("users", "list", *here).stdout
    keys = run("keys", "list", "Ada [b]", *here).stdout

    assert key.stdout.startswith("sl_")
    assert "Ada [b]" in listed
    assert "admin" in listed
    assert key.stdout.strip() not in keys
    assert key.stdout[:7] in keys
    assert not (data_dir / "postgres" / "cluster" / "postmaster.pid").exists(), "it was stopped"


def test_limits_of_one_user_are_set_shown_and_taken_back(run: Run, database_url: str) -> None:
    here = {"SAFELIGHT_DATABASE_URL": database_url, "SAFELIGHT_USER_SUBMITS_PER_MINUTE": "0"}
    run("users", "create", "Ada", **here)

    def limits(*options: str) -> dict[str, list[str]]:
        done = run("users", "limits", "Ada", *options, **here)
        assert done.returncode == 0, done.stderr
        return {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[1:]}

    before = limits()
    changed = limits("--open-max", "7", "--running-max", "2")
    after = limits("--open-max", "default")

    assert before == {
        "submits_per_minute": ["default", "any", "number"],
        "open_max": ["default", "204"],
        "running_max": ["default", "4"],
        "quota_bytes": ["default", str(2 * 1024**3)],
    }
    assert changed == before | {"open_max": ["7", "7"], "running_max": ["2", "2"]}
    assert after == before | {"running_max": ["2", "2"]}


def test_a_key_is_revoked_once(run: Run, complaint: Complaint, database_url: str) -> None:
    here = {"SAFELIGHT_DATABASE_URL": database_url}
    run("users", "create", "Ada", **here)
    run("keys", "create", "Ada", "--name", "phone", **here)
    key_id = run("keys", "list", "Ada", **here).stdout.split()[-1]

    revoked = run("keys", "revoke", key_id, **here)

    assert revoked.returncode == 0, revoked.stderr
    assert "phone" not in run("keys", "list", "Ada", **here).stdout
    assert "no such key" in complaint("keys", "revoke", key_id, **here)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("users", "create", " "), "name"),
        (("users", "create", "Ada", "--email", "nonsense"), "e-mail"),
        (("users", "disable", "nobody"), "no such user"),
        (("users", "limits", "nobody"), "no such user"),
        (("users", "limits", "You", "--open-max", "5"), "no limits"),
        (("users", "limits", "You", "--open-max", "0"), "open_max"),
        (("users", "limits", "You", "--running-max", "-1"), "running_max"),
        (("users", "limits", "You", "--submits-per-minute", "1.5"), "submits_per_minute"),
        (("users", "limits", "You", "--quota-bytes", "1e30"), "quota_bytes"),
        (("users", "limits", "You", "--quota-bytes", "9" * 5000), "quota_bytes"),
        (("keys", "create", "nobody"), "no such user"),
        (("keys", "create", "You", "--scopes", "jobs:read,everything"), "everything"),
        (("keys", "create", "You", "--expires", "soon"), "soon"),
        (("keys", "create", "You", "--expires", "99999999d"), "99999999d"),
        (("keys", "create", "You", "--expires", "2020-01-01"), "future"),
        (("keys", "revoke", str(uuid4())), "no such key"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    complaint: Complaint, database_url: str, arguments: tuple[str, ...], word: str
) -> None:
    assert word in complaint(*arguments, SAFELIGHT_DATABASE_URL=database_url)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"ANONYMOUS": "on"}, "accounts"),
        ({"ACCOUNTS": "on", "ANONYMOUS": "on", "TRUSTED_PROXIES": '["*"]'}, "trusted_proxies"),
        ({"TRUSTED_PROXIES": '["10.0.0.0/99"]'}, "10.0.0.0/99"),
        ({"TRUSTED_PROXIES": "10.0.0.1"}, "JSON"),
        ({"ACCOUNTS": "maybe"}, "accounts"),
        ({"USER_OPEN_MAX": "-1"}, "user_open_max"),
        ({"VISITOR_CREDITS": "0.5"}, "visitor_credits"),
    ],
)
def test_settings_that_would_let_everybody_in_stop_the_start(
    complaint: Complaint, tmp_path: Path, settings: dict[str, str], word: str
) -> None:
    environment = {f"SAFELIGHT_{name}": value for name, value in settings.items()}

    said = complaint("serve", "--port", "0", "--data-dir", str(tmp_path), **environment)

    assert word in said
