"""A start that cannot work says why in one sentence, and gives nothing away."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from safelight import settings
from tests.cli.conftest import Complaint
from tests.studio import ServerProcess

SECRET = "hunter2-very-secret"


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def serve(port: int, folder: Path) -> tuple[str, ...]:
    return ("serve", "--port", str(port), "--data-dir", str(folder))


def test_a_port_taken_by_another_program_is_named(complaint: Complaint, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        said = complaint(*serve(port, tmp_path))

    assert f"127.0.0.1:{port}" in said
    assert "--port" in said


def test_a_second_server_is_told_that_one_is_running(
    complaint: Complaint, server_process: ServerProcess, tmp_path: Path
) -> None:
    server_process.start()

    # A proxy in the environment is for the outside world, not for this machine.
    said = complaint(*serve(server_process.port, tmp_path), http_proxy="http://127.0.0.1:1")

    assert f"already running at {server_process.url}" in said


def test_a_file_in_place_of_the_data_folder_is_refused(
    complaint: Complaint, tmp_path: Path, free_port: int
) -> None:
    place = tmp_path / "data"
    place.write_text("precious")

    said = complaint(*serve(free_port, place))

    assert str(place) in said
    assert "SAFELIGHT_DATA_DIR" in said
    assert place.read_text() == "precious"


@pytest.mark.parametrize("place", ["/proc/safelight", "/dev/null/safelight"])
def test_a_data_folder_that_cannot_be_made_is_refused(
    complaint: Complaint, free_port: int, place: str
) -> None:
    assert place in complaint(*serve(free_port, Path(place)))


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://me:{SECRET}@127.0.0.1/db",
        f"postgresql://me:{SECRET}@[::1/db",
        f"postgresql://me:{SECRET}@127.0.0.1:port/db",
        f"postgresql://me:{SECRET}@127.0.0.1:99999/db",
        f"postgresql://me:{SECRET}@127.0.0.1:1/db",
        f"postgresql://me:{SECRET}@127.0.0.1:1,127.0.0.1:2/db",
        f"postgresql://me:{SECRET}@no-such-host.invalid/db",
        f"postgresql://me@127.0.0.1:1/db?password={SECRET}",
        f"postgresql://me:a@{SECRET}@127.0.0.1:1/db",
        f"postgresql://127.0.0.1:1/db?sslmode=never&password={SECRET}",
        "nonsense",
        "postgresql://",
    ],
)
def test_a_database_that_cannot_be_reached_is_named_without_its_password(
    complaint: Complaint, tmp_path: Path, free_port: int, url: str
) -> None:
    said = complaint(*serve(free_port, tmp_path), SAFELIGHT_DATABASE_URL=url, PGHOST="/nonexistent")

    assert "database" in said
    assert SECRET not in said


@pytest.fixture
def strict_database() -> Iterator[int]:
    """A PostgreSQL that accepts nobody's password. Its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse_everybody() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with closing(connection), connection.makefile("rwb") as stream:
                while True:
                    size, code = struct.unpack("!ii", stream.read(8))
                    stream.read(size - 8)
                    if code != 80877103:  # a wish for TLS
                        break
                    stream.write(b"N")
                    stream.flush()
                stream.write(b"R" + struct.pack("!ii", 8, 3))  # the password, please
                stream.flush()
                stream.read(1)
                stream.read(struct.unpack("!i", stream.read(4))[0] - 4)
                message = b'SFATAL\0C28P01\0Mpassword authentication failed for user "me"\0\0'
                stream.write(b"E" + struct.pack("!i", len(message) + 4) + message)
                stream.flush()

    thread = threading.Thread(target=refuse_everybody, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_a_wrong_password_is_said_and_not_shown(
    complaint: Complaint, tmp_path: Path, free_port: int, strict_database: int
) -> None:
    url = f"postgresql://me:{SECRET}@127.0.0.1:{strict_database}/db"

    said = complaint(*serve(free_port, tmp_path), SAFELIGHT_DATABASE_URL=url)

    assert "password authentication failed" in said
    assert f"me@127.0.0.1:{strict_database}" in said
    assert SECRET not in said


async def test_a_database_of_a_newer_version_is_refused(
    complaint: Complaint, tmp_path: Path, free_port: int, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("INSERT INTO migrations (name, digest) VALUES ('9999_x.sql', '')")
    await connection.close()

    said = complaint(*serve(free_port, tmp_path), SAFELIGHT_DATABASE_URL=database_url)

    assert "newer Safelight" in said
    assert "9999_x.sql" in said


async def test_a_migration_changed_afterwards_is_refused(
    complaint: Complaint, tmp_path: Path, free_port: int, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE migrations SET digest = 'x' WHERE name = '0001_queue.sql'")
    await connection.close()

    said = complaint(*serve(free_port, tmp_path), SAFELIGHT_DATABASE_URL=database_url)

    assert "0001_queue.sql was changed" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JOBS_AT_ONCE", "many"),
        ("JOBS_AT_ONCE", "1"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("LEASE_S", "0"),
        ("SECRET_KEY", "tooshort-" + SECRET[:4]),
        ("LINK_LIFETIME_S", "1e9"),
        ("SKETCH", "perhaps"),
        ("OPENAI_IMAGE_MODELS", "gpt-image-2"),
        ("OPENAI_DIALECT", "{"),
        ("OPENAI_DIALECT", '{"sneed": true}'),
        ("OPENAI_BASE_URL", "nonsense"),
        ("OPENAI_API_KEY", f"{SECRET} {SECRET}"),
        ("POLLINATIONS", "free"),
        ("POLLINATIONS", "keyed"),
        ("STORAGE_URL", "nonsense://bucket"),
        ("STORAGE_URL", "nonsense"),
    ],
)
def test_a_wrong_setting_is_named(
    complaint: Complaint, tmp_path: Path, free_port: int, database_url: str, name: str, value: str
) -> None:
    environment = {"SAFELIGHT_DATABASE_URL": database_url, f"SAFELIGHT_{name}": value}

    said = complaint(*serve(free_port, tmp_path), **environment)

    words = said.casefold().replace("storage ", "storage_url ")
    assert name.casefold() in words
    assert "value error" not in words
    if name == "SECRET_KEY":
        assert value not in said


def test_servers_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    for number in range(20):
        known = settings.Settings(data_dir=tmp_path / str(number))
        known.data_dir.mkdir()
        begin = threading.Barrier(8)

        def key(known: settings.Settings = known, begin: threading.Barrier = begin) -> bytes:
            begin.wait()
            return settings.secret_key(known)

        with ThreadPoolExecutor(8) as servers:
            keys = {made.result() for made in [servers.submit(key) for _ in range(8)]}

        assert len(keys) == 1
        assert [file.name for file in known.data_dir.iterdir()] == ["secret.key"]


def test_a_disk_without_room_for_the_key_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    program = (
        "import pathlib, resource, sys\n"
        "from safelight import settings\n"
        "known = settings.Settings(data_dir=pathlib.Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try:\n"
        "    settings.secret_key(known)\n"
        "except settings.SettingsWrong as wrong:\n"
        "    print(wrong)\n"
    )

    said = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert f"No key can be kept in {tmp_path}/secret.key" in said.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_was_cut_off_is_not_used(
    complaint: Complaint, tmp_path: Path, free_port: int, database_url: str
) -> None:
    (tmp_path / "secret.key").touch()

    said = complaint(*serve(free_port, tmp_path), SAFELIGHT_DATABASE_URL=database_url)

    assert "secret.key is cut off" in said


@pytest.mark.parametrize(
    "text", ["jobs_at_once = ", "jobs_at_once = 'many'", "[jobs", "\0", "lease_s = 0"]
)
def test_a_wrong_settings_file_is_named(
    complaint: Complaint, tmp_path: Path, free_port: int, text: str
) -> None:
    (tmp_path / "safelight.toml").write_text(text)

    said = complaint(*serve(free_port, tmp_path))

    assert "safelight.toml" in said or "jobs_at_once" in said or "lease_s" in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_without_accounts_only_this_machine_is_served(
    complaint: Complaint, tmp_path: Path, free_port: int, host: str
) -> None:
    said = complaint(*serve(free_port, tmp_path), "--host", host)

    assert host in said
    assert "accounts" in said


def test_a_worker_has_the_same_sentences(complaint: Complaint, tmp_path: Path) -> None:
    url = f"postgresql://me:{SECRET}@127.0.0.1:1/db"

    said = complaint("worker", "--data-dir", str(tmp_path), SAFELIGHT_DATABASE_URL=url)

    assert "127.0.0.1:1" in said
    assert SECRET not in said
