"""How many streams may be open at a time: of one caller, and of all in this process."""

from __future__ import annotations

from collections import Counter

from safelight.values.errors import Overloaded, RateLimited

_AGAIN_S = 10  # a tab that nobody looks at gives its stream back within 20 s


class StreamPlaces:
    """Counts what this process has open. Streams of other processes are not counted."""

    def __init__(self, all_max: int) -> None:
        self._all_max = all_max
        self._open = 0
        self._of: Counter[str] = Counter()

    def take(self, who: str | None, most: int | None) -> None:
        """One more, until give_back. most: of this caller, None: any number.

        Raises: RateLimited, Overloaded."""
        if who and most and self._of[who] >= most:
            raise RateLimited(
                f"You have {most} streams open, and that is how many there may be; close one.",
                retry_after_s=_AGAIN_S,
            )
        if self._open >= self._all_max:
            raise Overloaded("As many streams are open as this server takes.", _AGAIN_S)
        self._open += 1
        if who:
            self._of[who] += 1

    def give_back(self, who: str | None) -> None:
        self._open -= 1
        if who:
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]
