"""Running `safelight` as a person at a terminal does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., "Finished"]
Complaint = Callable[..., str]

# Importing everything takes a second and a half. This process does it once; each command is then
# a fork of it: a process of its own, with its own environment, folder, signals and exit status.
_BROOD = """
import json, os, signal, sys, traceback
import safelight.cli.generate, safelight.cli.operate, safelight.cli.serve, safelight.cli.main
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        signal.alarm(120)  # what should have ended fails its test, and holds up no other
        for name, number in ((asked["in"], 0), (asked["out"], 1), (asked["err"], 2)):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT, 0o600), number)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        sys.argv = ["safelight", *asked["arguments"]]
        status = 0
        try:
            safelight.cli.main.main()
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Finished:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def _brood() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _BROOD]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def run(_brood: subprocess.Popen[str], tmp_path: Path) -> Run:
    """`run("serve", "--port", "0", SAFELIGHT_X="y")`: what became of it, in an empty folder."""

    def finished(*arguments: str, typed: str = "", **environment: str) -> Finished:
        assert _brood.stdin
        assert _brood.stdout
        places = [Path(tempfile.mkstemp(prefix="safelight-cli-")[1]) for _ in range(3)]
        places[2].write_text(typed)
        asked: dict[str, Any] = {"arguments": arguments, "folder": str(tmp_path)}
        asked["environment"] = os.environ | environment
        asked["out"], asked["err"], asked["in"] = map(str, places)
        print(json.dumps(asked), file=_brood.stdin, flush=True)
        status = int(_brood.stdout.readline())
        out, err = [place.read_text() for place in places[:2]]
        for place in places:
            place.unlink()
        return Finished(status, out, err)

    return finished


@pytest.fixture
def complaint(run: Run) -> Complaint:
    """What a command that cannot work says: one sentence on stderr, and exit status 1."""

    def said(*arguments: str, **environment: str) -> str:
        finished = run(*arguments, **environment)
        assert finished.returncode == 1, (finished.stdout, finished.stderr)
        assert finished.stdout == ""
        lines = finished.stderr.strip().splitlines()
        assert len(lines) == 1, finished.stderr
        assert lines[0].startswith("safelight: ")
        assert "Traceback" not in lines[0]
        return lines[0].removeprefix("safelight: ")

    return said


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder the embedded database's own user can reach, as pytest's is not."""
    folder = Path(tempfile.mkdtemp(prefix="safelight-cli-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
