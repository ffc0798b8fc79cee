"""A zip that leaves while it is written: nothing of it is kept but what has not been taken yet, and
for its end the name and place of each file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

# Zips know no earlier day.
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)


class _Sink:
    """What the zip is written to: it cannot seek, so the zip never goes back."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""


class LeavingZip:
    """Write a file after the other; take what has come together in between."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w")  # type: ignore[call-overload]  # needs only write()

    @property
    def waiting_bytes(self) -> int:
        return self._sink.size

    @contextmanager
    def file(self, name: str, at: datetime, *, is_packed: bool = False) -> Iterator[IO[bytes]]:
        """A file to write into. is_packed: it is small already, as pictures are."""
        info = ZipInfo(name, max(at, _EARLIEST).timetuple()[:6])
        info.compress_type = ZIP_STORED if is_packed else ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        with self._zip.open(info, "w", force_zip64=True) as file:
            yield file

    def take(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._sink.pieces)
        self._sink.pieces, self._sink.size = [], 0
        return data

    def close(self) -> None:
        """Write the end, without which it is no zip."""
        self._zip.close()
