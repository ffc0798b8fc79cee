"""Child processes that work for this one: started, listened to, and ended for certain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Self

from safelight.frames import HEAD, READY

START_LIMIT_S = 30.0


class ChildEnded(Exception):
    """The process is gone, or says what it never should; the message says how."""


class Child:
    """One process. It says READY when it can work, and ends when its input closes."""

    def __init__(self, process: asyncio.subprocess.Process, answer_bytes_max: int) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.process, self._input, self._output = process, process.stdin, process.stdout
        self._answer_bytes_max = answer_bytes_max
        self._killed = False

    @classmethod
    async def start(
        cls, module: str, *, environment: dict[str, str], answer_bytes_max: int = 2**32
    ) -> Self:
        """Run `module`. It gets this environment, and where its code is. Raises: ChildEnded."""
        path = os.pathsep.join(filter(None, sys.path))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env=environment | {"PYTHONPATH": path},
        )  # fmt: skip
        child = cls(process, answer_bytes_max)
        try:
            async with asyncio.timeout(START_LIMIT_S):
                kind, _ = await child.frame()
            if kind != READY:
                raise ChildEnded("it did not begin as it should")
        except BaseException:
            await child.bury()
            raise
        return child

    @property
    def alive(self) -> bool:
        # A killed process has no exit code yet for a moment; it must not be handed work then.
        return not self._killed and self.process.returncode is None

    def send(self, *parts: bytes) -> None:
        """Raises: ChildEnded."""
        try:
            self._input.writelines(parts)
        except (BrokenPipeError, ConnectionResetError, RuntimeError):
            raise ChildEnded("it has ended") from None

    async def frame(self) -> tuple[bytes, bytes]:
        """The next thing it says. Raises: ChildEnded."""
        try:
            kind, length = HEAD.unpack(await self._output.readexactly(HEAD.size))
            if length > self._answer_bytes_max:
                self.kill()
                raise ChildEnded("it answered too much")
            return kind, await self._output.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            code = await self.process.wait()
            raise ChildEnded(f"it ended in the middle, exit code {code}") from None

    def kill(self) -> None:
        """End the process now."""
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def bury(self) -> None:
        """End the process and let go of its pipes."""
        self.kill()
        await self.process.wait()
        self._input.close()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._input.wait_closed()
