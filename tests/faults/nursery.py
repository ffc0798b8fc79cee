"""Starts servers in milliseconds: it has imported everything once and forks.

    python -m tests.faults.nursery

Reads lines of JSON: {"name", "arguments", "environment", "log"}. Writes {"name", "pid"} for each
birth and {"pid", "code"} for each death. When its input ends it kills what it started. A child is
a process like any other; only its 1.7 seconds of imports are saved, which would be most of the
processor's time in a test that kills 300.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
from typing import Any

from tests.faults.lab_server import main as serve

_LOOK_EVERY_S = 0.01


def main() -> None:
    children: set[int] = set()
    # A thread at a fork would leave its locks in the child for ever.
    assert threading.active_count() == 1
    buffer = b""
    while True:
        readable, _, _ = select.select([0], [], [], _LOOK_EVERY_S)
        if readable:
            data = os.read(0, 65536)
            if not data:
                break
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                born = json.loads(line)
                children.add(pid := _bear(born))
                _tell({"name": born["name"], "pid": pid})
        _bury(children)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _bear(born: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    log = os.open(born["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, source in enumerate((nothing, log, log)):
        os.dup2(source, number)
    os.environ.update(born["environment"])
    code = 1
    try:
        serve(born["arguments"])
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _bury(children: set[int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        children.discard(pid)
        _tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(news: dict[str, Any]) -> None:
    os.write(1, json.dumps(news).encode() + b"\n")


if __name__ == "__main__":
    main()
