"""How a process and its children talk over pipes: frames of a letter, a length and that many bytes.

What a frame means is between the two: `images/darkroom.py`, `providers/sketch/easel.py`.
"""

from __future__ import annotations

import struct
from typing import Any

HEAD = struct.Struct("!cI")
READY = b"R"  # the child can work now
_TOGETHER_BYTES = 1024 * 1024


def write_frame(target: Any, kind: bytes, *parts: bytes) -> None:
    """Into an unbuffered pipe, which takes only a piece of a long frame at a time."""
    total = sum(map(len, parts))
    pieces = (HEAD.pack(kind, total), *parts)
    # In one piece where that is cheap: whoever reads is woken by every write.
    for piece in pieces if total > _TOGETHER_BYTES else (b"".join(pieces),):
        _write_all(target, piece)


def _write_all(target: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[target.write(view) :]
