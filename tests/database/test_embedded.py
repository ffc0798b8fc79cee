"""The PostgreSQL in the package: started, shared, stopped, and found dead."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from safelight.database.embedded import (
    _PROGRAMS,
    DatabaseUnusable,
    EmbeddedPostgres,
    _everyone_can_reach,
)
from safelight.wiring import _keep_running

AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can become somebody else")

_NEIGHBOUR = """
import sys
from pathlib import Path
from safelight.database.embedded import DatabaseUnusable, EmbeddedPostgres
embedded = EmbeddedPostgres(Path(sys.argv[1]))
try:
    print(embedded.start(), flush=True)
except DatabaseUnusable as error:
    sys.exit(f"refused: {error}")
sys.stdin.readline()
embedded.stop()
print("left", flush=True)
"""


class Neighbour:
    """Another process that uses the same data folder."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NEIGHBOUR, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )

    @property
    def url(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def leave(self) -> None:
        said, _ = self._process.communicate("go\n", timeout=60)
        assert "left" in said

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def stopped_cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a cluster that was started once: copying them is faster than making them."""
    folder = Path(tempfile.mkdtemp(prefix="safelight-"))
    folder.chmod(0o755)
    made = EmbeddedPostgres(folder)
    made.start()
    made.stop()
    kept = tmp_path_factory.mktemp("stopped") / "postgres"
    subprocess.run(["cp", "-a", folder / "postgres", kept], check=True)
    (kept / "socket_dir").unlink()
    shutil.rmtree(folder)
    return kept


@pytest.fixture
def embedded(data_dir: Path, stopped_cluster: Path) -> Iterator[EmbeddedPostgres]:
    """A database that was used before and is stopped now."""
    subprocess.run(["cp", "-a", stopped_cluster, data_dir / "postgres"], check=True)
    made = EmbeddedPostgres(data_dir)
    yield made
    made.stop()


def ask(url: str, sql: str) -> Any:
    """The answer's first value, over a connection of its own."""

    async def asked() -> Any:
        connection = await asyncpg.connect(url, timeout=5)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(asked())


def answers(url: str) -> bool:
    with contextlib.suppress(OSError, asyncpg.PostgresError):
        return bool(ask(url, "SELECT true"))
    return False


def in_a_fork(work: Callable[[], bool]) -> bool:
    """What `work` says in a process of its own. A fork and not a new interpreter, since that one
    may be in a folder which an ordinary user cannot reach."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == 0


def postmaster(folder: Path) -> int:
    lines = (folder / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()
    return int(lines[0])


def kill_postmaster(folder: Path) -> None:
    """kill -9, and wait until it is dead: a zombie that nobody collects is."""
    pid = postmaster(folder)
    os.kill(pid, signal.SIGKILL)
    stat = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + 10
    while stat.exists() and stat.read_text().rpartition(") ")[2][0] not in "ZX":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_database_keeps_what_it_confirmed_and_is_not_on_the_network(
    embedded: EmbeddedPostgres,
) -> None:
    url = embedded.start()

    assert ask(url, "SHOW fsync") == "on"
    assert ask(url, "SHOW synchronous_commit") == "on"
    assert ask(url, "SHOW full_page_writes") == "on"
    assert ask(url, "SHOW listen_addresses") == ""
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == 1


def test_the_second_start_finds_what_the_first_one_stored(data_dir: Path) -> None:
    first = EmbeddedPostgres(data_dir)
    url = first.start()
    ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    first.stop()
    assert not answers(url)

    second = EmbeddedPostgres(data_dir)
    try:
        assert ask(second.start(), "SELECT answer FROM kept") == 42
    finally:
        second.stop()


def test_processes_share_one_database_and_the_last_one_stops_it(
    embedded: EmbeddedPostgres, data_dir: Path
) -> None:
    url = embedded.start()
    first = postmaster(data_dir)
    neighbour = Neighbour(data_dir)
    assert neighbour.url == url
    assert postmaster(data_dir) == first

    embedded.stop()
    assert answers(url), "stopped under a process that still uses it"
    neighbour.leave()

    assert not answers(url)
    assert not (data_dir / "postgres" / "cluster" / "postmaster.pid").exists()


def test_a_killed_process_does_not_count_as_one_that_still_uses_it(
    embedded: EmbeddedPostgres, data_dir: Path
) -> None:
    url = embedded.start()
    neighbour = Neighbour(data_dir)
    assert neighbour.url == url
    neighbour.kill()

    embedded.stop()

    assert not answers(url)


def test_two_processes_that_start_at_once_make_one_database(data_dir: Path) -> None:
    one, other = Neighbour(data_dir), Neighbour(data_dir)

    urls = {one.url, other.url}

    try:
        assert len(urls) == 1
        assert answers(urls.pop())
    finally:
        one.leave()
        other.leave()


def test_a_killed_postgres_is_started_anew_with_its_data(
    embedded: EmbeddedPostgres, data_dir: Path
) -> None:
    url = embedded.start()
    ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    kill_postmaster(data_dir)

    again = EmbeddedPostgres(data_dir)
    try:
        assert ask(again.start(), "SELECT answer FROM kept") == 42
    finally:
        again.stop()


def test_whoever_still_uses_a_database_that_died_revives_it(
    embedded: EmbeddedPostgres, data_dir: Path
) -> None:
    url = embedded.start()
    ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert not embedded.revive(), "it lives"
    kill_postmaster(data_dir)

    assert embedded.revive()

    assert ask(url, "SELECT answer FROM kept") == 42
    embedded.stop()
    assert not embedded.revive(), "nobody uses it any more"
    assert not answers(url)


async def test_whoever_could_not_revive_it_tries_again(
    embedded: EmbeddedPostgres, data_dir: Path
) -> None:
    url = await asyncio.to_thread(embedded.start)
    keeper = asyncio.create_task(_keep_running(embedded))
    lock = data_dir / "postgres" / "start.lock"
    lock.unlink()
    lock.mkdir()  # as little use as one on a disk that is full
    kill_postmaster(data_dir)

    with capture_logs() as told:
        async with asyncio.timeout(30):
            while not told and not keeper.done():
                await asyncio.sleep(0.01)
    lock.rmdir()

    async with asyncio.timeout(30):
        while not await asyncio.to_thread(answers, url):
            await asyncio.sleep(0.05)
    keeper.cancel()
    await asyncio.wait([keeper])
    embedded.stop()


def test_leaving_a_database_that_died_is_no_error(
    embedded: EmbeddedPostgres, data_dir: Path
) -> None:
    embedded.start()
    kill_postmaster(data_dir)

    embedded.stop()

    again = EmbeddedPostgres(data_dir)
    assert answers(again.start())
    again.stop()


def test_a_pid_file_left_by_a_power_cut_is_no_running_database(
    embedded: EmbeddedPostgres, data_dir: Path
) -> None:
    embedded.start()
    pid_file = data_dir / "postgres" / "cluster" / "postmaster.pid"
    left = pid_file.read_text().splitlines()
    embedded.stop()
    # After the reboot the number belongs to somebody else: to this test.
    pid_file.write_text("\n".join([str(os.getpid()), *left[1:]]) + "\n")
    if AS_ROOT:
        shutil.chown(pid_file, "safelight", "safelight")

    again = EmbeddedPostgres(data_dir)
    try:
        assert answers(again.start())
    finally:
        again.stop()


def test_a_start_that_died_half_way_is_begun_again(data_dir: Path) -> None:
    unfinished = data_dir / "postgres" / "cluster.part"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    embedded = EmbeddedPostgres(data_dir)

    try:
        assert answers(embedded.start())
    finally:
        embedded.stop()


def test_a_path_too_long_for_a_socket_is_no_obstacle(data_dir: Path, stopped_cluster: Path) -> None:
    deep = data_dir / ("a-folder-with-a-long-name-" * 5)
    deep.mkdir(mode=0o755)
    subprocess.run(["cp", "-a", stopped_cluster, deep / "postgres"], check=True)
    embedded = EmbeddedPostgres(deep)
    neighbour = None

    try:
        url = embedded.start()
        assert answers(url)
        neighbour = Neighbour(deep)
        assert neighbour.url == url, "the other process looks for the socket elsewhere"
    finally:
        if neighbour:
            neighbour.leave()
        embedded.stop()


@needs_root
def test_root_is_told_when_the_database_could_not_reach_the_folder(data_dir: Path) -> None:
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    (closed / "data").mkdir()

    with pytest.raises(DatabaseUnusable, match=r"cannot reach .*--data-dir or SAFELIGHT_DATA_DIR"):
        EmbeddedPostgres(closed / "data").start()

    assert closed.stat().st_mode & 0o777 == 0o700, "somebody else's folder was opened"


@needs_root
def test_a_data_folder_that_root_made_for_itself_alone_is_opened_for_passing_through(
    data_dir: Path,
) -> None:
    data_dir.chmod(0o700)
    embedded = EmbeddedPostgres(data_dir)

    try:
        assert answers(embedded.start())
    finally:
        embedded.stop()
    assert data_dir.stat().st_mode & 0o007 == 0o001


@needs_root
def test_as_root_the_database_runs_as_a_user_of_its_own(
    embedded: EmbeddedPostgres, data_dir: Path
) -> None:
    embedded.start()

    assert Path(f"/proc/{postmaster(data_dir)}").stat().st_uid != 0


@needs_root
def test_an_ordinary_user_needs_no_help(data_dir: Path) -> None:
    if not _everyone_can_reach(_PROGRAMS):
        pytest.skip("this checkout is closed to ordinary users")
    shutil.chown(data_dir, "nobody", "nogroup")
    data_dir.chmod(0o700)

    def as_nobody() -> bool:
        os.setgroups([])
        os.setgid(data_dir.stat().st_gid)
        os.setuid(data_dir.stat().st_uid)
        embedded = EmbeddedPostgres(data_dir)
        answered = answers(embedded.start())
        embedded.stop()
        return answered

    assert in_a_fork(as_nobody)


def test_a_database_that_does_not_start_says_why(
    embedded: EmbeddedPostgres, data_dir: Path
) -> None:
    embedded.start()
    embedded.stop()
    with (data_dir / "postgres" / "cluster" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'a lot'\n")

    with pytest.raises(DatabaseUnusable) as refused:
        EmbeddedPostgres(data_dir).start()

    assert "its log is" in str(refused.value)
    assert "shared_buffers" in str(refused.value)
