"""Runs `paint` in child processes, so that the server's event loop never waits for a brush."""

import asyncio
import contextlib
import inspect
import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from safelight.providers.sketch.child import DONE, FAILED, HEAD, READY, STEP, STEPS, STOPPED

Watch = Callable[[int, int, bytes | None], Awaitable[None] | None]
STOP_GRACE_S = 0.15  # a child that has not stopped by then is killed: a stop takes 200 ms at most
START_LIMIT_S = 30.0


class EaselBroken(Exception):
    """A painting process ended in the middle of a picture."""


class PaintingFailed(Exception):
    """The picture could not be painted; painting it again would fail again."""


def _nobody(step: int, steps: int, preview: bytes | None) -> None:
    """Nobody watches."""


class _Child:
    """One painting process; it paints one picture at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.process, self._input, self._output = process, process.stdin, process.stdout
        self.number = 0
        self._killed = False

    @classmethod
    async def start(cls) -> "_Child":
        """Raises: EaselBroken."""
        env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        # One picture, one core: the pictures are what runs side by side.
        env |= {"VIPS_CONCURRENCY": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "safelight.providers.sketch.child",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=env,
        )  # fmt: skip
        child = cls(process)
        try:
            async with asyncio.timeout(START_LIMIT_S):
                kind, _ = await child._frame()
        except BaseException:
            await child.bury()
            raise
        assert kind == READY
        return child

    @property
    def alive(self) -> bool:
        # A killed process has no exit code yet for a moment; it must not be handed work then.
        return not self._killed and self.process.returncode is None

    async def paint(self, order: dict[str, object], watch: Watch) -> bytes:
        """Raises: EaselBroken, PaintingFailed."""
        self.number += 1
        self._send({"id": self.number, **order})
        while True:
            kind, body = await self._frame()
            if kind == DONE:
                return body
            if kind == FAILED:
                raise PaintingFailed(body.decode())
            if kind == STEP:
                step, steps = STEPS.unpack_from(body)
                seen = watch(step, steps, body[STEPS.size :] or None)
                if inspect.isawaitable(seen):
                    await seen

    async def stop(self) -> None:
        """Stop the picture under way; the child is free again, or dead."""
        try:
            self._send({"stop": self.number})
            async with asyncio.timeout(STOP_GRACE_S):
                while (await self._frame())[0] not in (DONE, FAILED, STOPPED):
                    pass
        except (TimeoutError, EaselBroken):
            self.kill()

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

    def _send(self, message: dict[str, object]) -> None:
        try:
            self._input.write(json.dumps(message).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError, RuntimeError):
            raise EaselBroken("The painting process has ended.") from None

    async def _frame(self) -> tuple[bytes, bytes]:
        try:
            kind, length = HEAD.unpack(await self._output.readexactly(HEAD.size))
            return kind, await self._output.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            code = await self.process.wait()
            raise EaselBroken(
                f"The painting process ended in the middle (exit code {code})."
            ) from None


class Easel:
    """At most `children_max` painting processes, started when needed, ended after `idle_s`."""

    def __init__(self, children_max: int | None = None, idle_s: float = 60.0) -> None:
        self._seats = asyncio.Semaphore(children_max or os.cpu_count() or 1)
        self._idle_s = idle_s
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()
        self._tidying: set[asyncio.Task[None]] = set()
        self._closed = False

    async def paint(
        self,
        text: str,
        *,
        width: int,
        height: int,
        seed: int,
        style: str | None = None,
        image_format: str = "png",
        quality: int | None = None,
        watch: Watch = _nobody,
    ) -> bytes:
        """As `painter.paint`, without stalling the loop. Cancelling stops the brush within 200 ms.

        Raises: EaselBroken when a process ended in the middle, PaintingFailed.
        """
        order: dict[str, object] = {
            "text": text, "width": width, "height": height, "seed": seed, "style": style,
            "image_format": image_format, "quality": quality,
        }  # fmt: skip
        await self._seats.acquire()
        child: _Child | None = None
        finished = False
        try:
            child = await self._take()
            data = await child.paint(order, watch)
            finished = True
            return data
        except PaintingFailed:
            finished = True
            raise
        finally:
            if child is None:
                self._seats.release()
            elif finished:
                self._give_back(child)
            else:  # cancelled, broken, or the watcher raised: whoever waits is not kept waiting
                self._later(self._tidy(child))

    async def close(self) -> None:
        """End all processes; pictures under way fail."""
        self._closed = True
        await asyncio.gather(*(child.bury() for child in list(self._children)), *self._tidying)
        self._children.clear()
        self._idle.clear()

    async def _take(self) -> _Child:
        if self._closed:
            raise EaselBroken("The easel is closed.")
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            self._drop(child)
        child = await _Child.start()
        self._children.add(child)
        if self._closed:
            child.kill()
        return child

    async def _tidy(self, child: _Child) -> None:
        await child.stop()
        self._give_back(child)

    def _give_back(self, child: _Child) -> None:
        self._seats.release()
        if not child.alive or self._closed:
            self._drop(child)
            return
        self._idle.append(child)
        asyncio.get_running_loop().call_later(self._idle_s, self._retire, child, child.number)

    def _retire(self, child: _Child, number: int) -> None:
        """End a child that nobody needed since."""
        if child in self._idle and child.number == number:
            self._idle.remove(child)
            self._drop(child)

    def _drop(self, child: _Child) -> None:
        self._children.discard(child)
        self._later(child.bury())

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """Tidy up without keeping anyone waiting; `close` waits for it."""
        task = asyncio.ensure_future(work)
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)
