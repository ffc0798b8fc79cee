"""Runs `paint` in child processes, so that the server's event loop never waits for a brush."""

import asyncio
import contextlib
import inspect
import json
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from safelight.children import Child, ChildEnded
from safelight.providers.sketch.child import DONE, FAILED, STEP, STEPS, STOPPED

Watch = Callable[[int, int, bytes | None], Awaitable[None] | None]
STOP_GRACE_S = 0.15  # a child that has not stopped by then is killed: a stop takes 200 ms at most


class EaselBroken(Exception):
    """A painting process ended in the middle of a picture."""


class PaintingFailed(Exception):
    """The picture could not be painted; painting it again would fail again."""


def _nobody(step: int, steps: int, preview: bytes | None) -> None:
    """Nobody watches."""


class _Child(Child):
    """One painting process; it paints one picture at a time."""

    number = 0

    @classmethod
    async def launch(cls) -> "_Child":
        """Raises: EaselBroken."""
        # One picture, one core: the pictures are what runs side by side.
        cores = {"VIPS_CONCURRENCY": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        with _as_broken():
            return await cls.start(
                "safelight.providers.sketch.child", environment=dict(os.environ) | cores
            )

    async def paint(self, order: dict[str, object], watch: Watch) -> bytes:
        """Raises: EaselBroken, PaintingFailed."""
        self.number += 1
        with _as_broken():
            self._say({"id": self.number, **order})
        while True:
            with _as_broken():
                kind, body = await self.frame()
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
            self._say({"stop": self.number})
            async with asyncio.timeout(STOP_GRACE_S):
                while (await self.frame())[0] not in (DONE, FAILED, STOPPED):
                    pass
        except (TimeoutError, ChildEnded):
            self.kill()

    def _say(self, message: dict[str, object]) -> None:
        self.send(json.dumps(message).encode() + b"\n")


@contextlib.contextmanager
def _as_broken() -> Iterator[None]:
    try:
        yield
    except ChildEnded as error:
        raise EaselBroken(f"The painting process is gone: {error}.") from None


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
        child = await _Child.launch()
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
