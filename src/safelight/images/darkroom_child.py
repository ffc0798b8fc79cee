"""The process that decodes what strangers send: little memory, little time, no files, no network.

It reads an order (one line of JSON, then the picture) as a frame, answers with a frame, and ends
when its input closes. A picture that is too much for it takes only this process with it. Started by
`darkroom`, never by hand.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from safelight.frames import HEAD, READY, write_frame
from safelight.images import derive
from safelight.images.headers import Header, Undecodable
from safelight.images.orders import COPY, DONE, FAILED, PREVIEWS, SHRINK

MEMORY_BYTES_MAX = 512 * 1024 * 1024
CPU_S_MAX = 10

Answer = tuple[dict[str, Any], list[bytes]]


def main() -> None:
    """Work until the input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    os.closerange(3, 4096)  # whatever the server had open is not this process's
    # A library that prints must not end up between our frames.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    orders = sys.stdin.buffer
    _limit_what_it_may_take()
    write_frame(answers, READY)
    while order := _next(orders):
        _limit_time()
        kind, about, data = order
        try:
            told, blobs = _ORDERS[kind](about, data)
        except Undecodable as error:
            write_frame(answers, FAILED, str(error).encode())
        else:
            told["blobs"] = [len(blob) for blob in blobs]
            write_frame(answers, DONE, json.dumps(told).encode() + b"\n", *blobs)
        del order, data


def _next(orders: BinaryIO) -> tuple[bytes, dict[str, Any], bytes] | None:
    head = orders.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    kind, length = HEAD.unpack(head)
    about = orders.readline()
    data = orders.read(length - len(about))
    return kind, json.loads(about), data


def _header(about: dict[str, Any]) -> Header:
    return Header(**about["header"])


def _previews(about: dict[str, Any], data: bytes) -> Answer:
    return _small(derive.previews(data, _header(about)))


def _copy(about: dict[str, Any], data: bytes) -> Answer:
    made = derive.copy(data, _header(about))
    told, blobs = _small(made.small)
    return told | {"width": made.width, "height": made.height}, [*blobs, made.data]


def _shrink(about: dict[str, Any], data: bytes) -> Answer:
    return {}, [derive.shrunk(data, _header(about), about["bytes_max"])]


def _small(small: derive.Small) -> Answer:
    tiny = small.tiny
    told = {"sides": list(small.previews), "tiny": [tiny.width, tiny.height, tiny.bands]}
    return told, [*small.previews.values(), tiny.pixels]


_ORDERS: dict[bytes, Callable[[dict[str, Any], bytes], Answer]] = {
    PREVIEWS: _previews,
    COPY: _copy,
    SHRINK: _shrink,
}


def _limit_what_it_may_take() -> None:
    """Memory as said, no new file or connection, nothing written to any file, no core dump."""
    with contextlib.suppress(ImportError):  # Windows has no such limits
        import resource  # noqa: PLC0415

        own = max(int(name) for name in os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 16  # noqa: PTH112, PTH208
        for what, most in (
            (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_NOFILE, own),  # all numbers below are taken
        ):
            with contextlib.suppress(ValueError, OSError):  # macOS does not limit memory
                resource.setrlimit(what, (most, most))


def _limit_time() -> None:
    """So many seconds of a processor for this picture; then the kernel ends the process."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415

        used_s = math.ceil(time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (used_s + CPU_S_MAX, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
