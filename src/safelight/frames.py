"""How a process and its children talk over pipes: frames of a letter, a length and that many bytes.

What a frame means is between the two: `images/darkroom.py`, `providers/sketch/easel.py`.
"""

from __future__ import annotations

import struct
from typing import Any

HEAD = struct.Struct("!cI")
READY = b"R"  # the child can work now


def write_frame(target: Any, kind: bytes, *parts: bytes) -> None:
    """Into an unbuffered pipe, which takes only a piece of a long frame at a time."""
    _write_all(target, HEAD.pack(kind, sum(map(len, parts))))
    for part in parts:
        _write_all(target, part)


def _write_all(target: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[target.write(view) :]
