"""Another time of day for the processes of a test, found by Python at its start.

CLOCK_FILE names eight bytes: by how many seconds this process's clock is wrong. They may change at
any moment, and the clock jumps. How much time passes (`time.monotonic`) stays true, as it does when
a real clock is set.
"""

from __future__ import annotations

import datetime
import mmap
import os
import struct
import time

_true_time, _true_time_ns = time.time, time.time_ns
_TrueDatetime = datetime.datetime
_open: dict[str, mmap.mmap] = {}


def _wrong_by() -> float:
    path = os.environ.get("CLOCK_FILE")
    if not path:
        return 0.0
    if path not in _open:
        with open(path, "rb") as file:  # noqa: PTH123  (before anything else is imported)
            _open[path] = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    return float(struct.unpack("d", _open[path][:8])[0])


class _Kind(type):
    """Times that C code made are instances too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _TrueDatetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _TrueDatetime)


class _Datetime(_TrueDatetime, metaclass=_Kind):
    __slots__ = ()

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return _TrueDatetime.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> datetime.datetime:
        return _TrueDatetime.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)


time.time = lambda: _true_time() + _wrong_by()
time.time_ns = lambda: _true_time_ns() + int(_wrong_by() * 1e9)
datetime.datetime = _Datetime  # type: ignore[misc]
