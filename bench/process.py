"""`bench.server` as a process of its own, and what it costs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

from bench.load import get, read_answer


class Server:
    """`bench.server` as a process, in a data folder of its own."""

    def __init__(self, *arguments: str, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="safelight-bench-"))
        self.folder.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        command = [sys.executable, "-m", "bench.server", str(self.port), str(self.folder)]
        self.process = subprocess.Popen([*command, *arguments], env=os.environ | settings)

    @property
    def database_url(self) -> str:
        socket_dir = (self.folder / "postgres" / "socket_dir").read_text().strip()
        return f"postgresql://postgres@/postgres?host={quote(socket_dir)}"

    async def ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(get("/readyz"))
                status = await read_answer(reader)
                writer.close()
                if status == b"200":
                    return
            await asyncio.sleep(0.05)
        raise SystemExit("the server did not start")

    def cpu_s(self) -> tuple[float, float]:
        """Processor seconds of the server and of its database so far."""
        return _cpu_s(str(self.port)), _cpu_s("postgres: ") + _cpu_s(str(self.folder / "postgres"))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)


def _cpu_s(part: str) -> float:
    total = 0.0
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            if process.name.isdigit() and part in _command(process):
                fields = (process / "stat").read_text().rsplit(") ", 1)[1].split()
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _command(process: Path) -> str:
    return (process / "cmdline").read_text().replace("\0", " ")


@contextlib.asynccontextmanager
async def running(*arguments: str, **settings: str) -> AsyncIterator[Server]:
    """settings: environment variables, `SAFELIGHT_…`."""
    server = Server(*arguments, **settings)
    try:
        await server.ready()
        yield server
    finally:
        server.stop()
