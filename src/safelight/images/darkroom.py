"""Decodes pictures in limited child processes: a hostile one costs little and breaks nothing.

The header is read here first (`headers`); only a picture that may be decoded at all gets that far.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from safelight.children import Child, ChildEnded
from safelight.frames import HEAD
from safelight.images import thumbhash
from safelight.images.headers import Header, Undecodable
from safelight.images.orders import COPY, DONE, FAILED, PREVIEWS, SHRINK
from safelight.values.errors import Overloaded
from safelight.values.images import ImageFormat

AT_ONCE = 2
# The processor time is limited in the child. This is for one that sleeps, or has no processor:
# on a machine with six others at work 40 million pixels took 20 s, of which 6 s were its own.
WALL_S_MAX = 30.0
_PICTURES_MAX = 500  # then a process is replaced: what libraries leak, or were talked into, ends
_ANSWER_BYTES_MAX = 256 * 1024 * 1024
# Large blocks go back to the system when they are freed: kept for later in pieces they would count
# against the limit of the next picture.
_ENVIRONMENT = {
    "VIPS_CONCURRENCY": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
    "MALLOC_TRIM_THRESHOLD_": "1048576",
}
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Derived:
    """previews: WebP by its longer side in pixels (never larger than the original)."""

    previews: dict[int, bytes]
    thumbhash: bytes


@dataclass(frozen=True, slots=True)
class Copied:
    """A picture written anew from its pixels, with nothing else of what was sent."""

    data: bytes
    format: ImageFormat
    width: int
    height: int
    derived: Derived


class _Developer(Child):
    """One decoding process; it has one picture at a time."""

    pictures = 0

    async def work(self, kind: bytes, about: dict[str, Any], data: bytes) -> tuple[bytes, bytes]:
        self.pictures += 1
        line = json.dumps(about).encode() + b"\n"
        self.send(HEAD.pack(kind, len(line) + len(data)), line, data)
        return await self.frame()


class Darkroom:
    """At most `at_once` decoding processes, started when needed, ended after `idle_s`."""

    def __init__(
        self, at_once: int = AT_ONCE, idle_s: float = 60.0, wall_s_max: float = WALL_S_MAX
    ) -> None:
        self._seats = asyncio.Semaphore(at_once)
        self._idle_s = idle_s
        self._wall_s_max = wall_s_max
        self._idle: list[_Developer] = []
        self._all: set[_Developer] = set()
        self._burying: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a picture would have to wait."""
        return self._seats.locked()

    async def previews(self, data: bytes, header: Header) -> Derived:
        """Proof that all of it decodes, its previews and its thumbhash.

        Raises: Undecodable, also when the picture was too much for its process."""
        told, blobs = await self._work(PREVIEWS, {"header": asdict(header)}, data)
        return _derived(told, blobs)

    async def copy(self, data: bytes, header: Header) -> Copied:
        """The picture written anew, upright and without metadata. Raises: Undecodable."""
        told, blobs = await self._work(COPY, {"header": asdict(header)}, data)
        made = blobs.pop()
        derived = _derived(told, blobs)
        return Copied(made, header.kept_as, told["width"], told["height"], derived)

    async def shrink(self, data: bytes, header: Header, bytes_max: int) -> bytes | None:
        """A provider's partial picture as a small WebP; None when it does not fit into bytes_max.

        Raises: Undecodable."""
        about = {"header": asdict(header), "bytes_max": bytes_max}
        _, blobs = await self._work(SHRINK, about, data)
        return blobs[0] or None

    async def close(self) -> None:
        """End all processes; pictures under way fail."""
        self._closed = True
        await asyncio.gather(*(child.bury() for child in list(self._all)), *self._burying)
        self._all.clear()
        self._idle.clear()

    async def _work(
        self, kind: bytes, about: dict[str, Any], data: bytes
    ) -> tuple[dict[str, Any], list[bytes]]:
        async with self._seats:
            child = await self._take()
            try:
                async with asyncio.timeout(self._wall_s_max):
                    said, body = await child.work(kind, about, data)
            except TimeoutError:
                child.kill()
                raise Undecodable("It takes too long to decode.") from None
            except ChildEnded:
                # Killed by its limits, or broken by the picture: either way it is the picture's.
                raise Undecodable("It takes too much memory or time to decode.") from None
            except BaseException:
                child.kill()  # cancelled in the middle: what it answers is nobody's
                raise
            finally:
                self._give_back(child)
        if said == FAILED:
            raise Undecodable(body.decode(errors="replace")[:300])
        if said != DONE:
            child.kill()
            raise Undecodable("It could not be decoded.")
        return _unpacked(body)

    async def _start(self) -> _Developer:
        """Raises: Overloaded: a machine that cannot start a process has other worries."""
        # A process that reads what strangers send is told nothing of keys and addresses.
        known = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            return await _Developer.start(
                "safelight.images.darkroom_child",
                environment=known | _ENVIRONMENT,
                answer_bytes_max=_ANSWER_BYTES_MAX,
            )
        except (ChildEnded, TimeoutError, OSError) as error:
            raise Overloaded(f"Pictures cannot be decoded at the moment: {error}.") from None

    async def _take(self) -> _Developer:
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            self._drop(child)
        if self._closed:
            raise Undecodable("The server is stopping.")
        child = await self._start()
        self._all.add(child)
        return child

    def _give_back(self, child: _Developer) -> None:
        if not child.alive or self._closed or child.pictures >= _PICTURES_MAX:
            self._drop(child)
            return
        self._idle.append(child)
        asyncio.get_running_loop().call_later(self._idle_s, self._retire, child, child.pictures)

    def _retire(self, child: _Developer, pictures: int) -> None:
        """End a child that nobody needed since."""
        if child in self._idle and child.pictures == pictures:
            self._idle.remove(child)
            self._drop(child)

    def _drop(self, child: _Developer) -> None:
        self._all.discard(child)
        self._later(child.bury())

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """Tidy up without keeping anyone waiting; `close` waits for it."""
        task = asyncio.ensure_future(work)
        self._burying.add(task)
        task.add_done_callback(self._burying.discard)


def _unpacked(body: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Raises: Undecodable: a picture may have talked its process into anything."""
    try:
        line, _, rest = body.partition(b"\n")
        told: dict[str, Any] = json.loads(line)
        blobs, place = [], 0
        for length in told["blobs"]:
            blobs.append(rest[place : place + length])
            place += length
    except (ValueError, KeyError, TypeError):
        raise Undecodable("It could not be decoded.") from None
    return told, blobs


def _derived(told: dict[str, Any], blobs: list[bytes]) -> Derived:
    *made, tiny = blobs
    width, height, bands = told["tiny"]
    pixels = np.frombuffer(tiny, np.uint8).reshape(height, width, bands)
    previews = dict(zip(told["sides"], made, strict=True))
    return Derived(previews, thumbhash.encode(pixels))
