"""Running `safelight` as a person at a terminal does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run("serve", "--port", "0", SAFELIGHT_X="y")`: the finished process, in an empty folder."""

    def finished(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "safelight", *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env=os.environ | environment,
            check=False,
        )

    return finished


@pytest.fixture
def complaint(run: Run) -> Callable[..., str]:
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
