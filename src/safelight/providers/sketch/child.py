"""The painting process: reads orders from its standard input, answers with frames on its output.

An order is a line of JSON; {"stop": id} stops it. When the input closes the parent is gone, however
it went, and the process ends at once. Started by `easel`, never by hand.
"""

import json
import os
import queue
import signal
import struct
import sys
import threading
from typing import Any, BinaryIO

from safelight.frames import READY, write_frame

STEP, DONE, STOPPED, FAILED = b"P", b"D", b"S", b"E"
STEPS = struct.Struct("!II")


class Orders:
    """What the parent wants; filled by a thread, so that a stop is seen while painting."""

    def __init__(self, source: BinaryIO) -> None:
        self.waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.stopped = -1
        threading.Thread(target=self._listen, args=(source,), daemon=True).start()

    def _listen(self, source: BinaryIO) -> None:
        for line in source:
            order = json.loads(line)
            if "stop" in order:
                self.stopped = order["stop"]
            else:
                self.waiting.put(order)
        os._exit(0)


def main() -> None:
    """Paint until the input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if hasattr(os, "nice"):
        os.nice(5)  # a picture may wait a little, a request to the server may not
    # A library that prints must not end up between our frames.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    orders = Orders(sys.stdin.buffer)
    from safelight.providers.sketch import painter  # noqa: PLC0415  (slow; the stop thread runs already)

    def send(kind: bytes, *parts: bytes) -> None:
        write_frame(answers, kind, *parts)

    send(READY)
    while True:
        order = orders.waiting.get()
        number = order.pop("id")

        def watch(step: int, steps: int, preview: bytes | None) -> None:
            send(STEP, STEPS.pack(step, steps), preview or b"")

        def should_stop(number: int = number) -> bool:
            return orders.stopped == number

        try:
            data = painter.paint(**order, watch=watch, should_stop=should_stop)
        except painter.Stopped:
            send(STOPPED)
        except Exception as error:
            send(FAILED, f"{type(error).__name__}: {error}".encode())
        else:
            send(DONE, data)


if __name__ == "__main__":
    main()
