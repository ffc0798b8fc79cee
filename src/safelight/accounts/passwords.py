"""Passwords: which ones are good enough, and argon2id in a thread that steps back for everything
else."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NewType, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from safelight.accounts.common_passwords import is_common
from safelight.values.errors import FieldError, InvalidRequest, Overloaded

T = TypeVar("T")

# In one form, so that the same keys pressed on another machine are the same password, and short
# enough to be hashed.
Password = NewType("Password", str)

CHARS_MIN = 10
BYTES_MAX = 1024

# 19 MiB, two passes, one lane: OWASP's first choice. More would make every guess of a flood dearer
# for this machine than for whoever floods it. A lane more would be a core more.
_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1
_WAITING_MAX = 40  # about two seconds' worth; whoever comes then is asked to come again
_STEP_BACK = 5  # the thread's nice value: whoever is logged in already goes first
_BUSY = "Many people are logging in at this moment; try again in a few seconds."


def as_typed(text: str) -> Password | None:
    """A password that somebody types to log in; None when it cannot be anybody's."""
    if len(text) > BYTES_MAX:
        return None
    password = unicodedata.normalize("NFKC", text)
    try:
        return Password(password) if 0 < len(password.encode()) <= BYTES_MAX else None
    except UnicodeEncodeError:  # half a character
        return None


def chosen(text: str, email: str, field: str = "password") -> Password:
    """A password that somebody wants to have. Raises: InvalidRequest."""
    password = as_typed(text)
    if password is None:
        raise InvalidRequest(FieldError(field, f"At most {BYTES_MAX:,} bytes, and not empty."))
    if len(password) < CHARS_MIN:
        raise InvalidRequest(FieldError(field, f"At least {CHARS_MIN} characters."))
    name = email.partition("@")[0].casefold()
    if password.casefold() in (email.casefold(), name) or is_common(password):
        raise InvalidRequest(
            FieldError(field, "Too easy to guess: choose one that is not on everybody's list.")
        )
    return password


class Passwords:
    """Makes and checks hashes, one at a time.

    A hash takes tens of milliseconds of a core. The thread is one, waits behind everything else
    this machine does, and so many may wait for it: a flood of guesses costs the others nothing.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(
            time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES
        )
        self._thread = ThreadPoolExecutor(1, "passwords", initializer=_step_back)
        self._waiting = 0
        # Nobody's: a guess at an address that nobody has takes as long as any other.
        self._nobodys = self._hasher.hash(os.urandom(16))

    async def make(self, password: Password) -> str:
        """A hash to keep. Raises: Overloaded."""
        return await self._beside(lambda: self._hasher.hash(password))

    async def fits(self, kept: str | None, password: Password) -> bool:
        """Whether this is the password that was kept. None, there is none, takes as long.

        Raises: Overloaded."""
        fits = await self._beside(lambda: self._verify(kept or self._nobodys, password))
        return fits and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether it was made with other parameters than ours."""
        return self._hasher.check_needs_rehash(kept)

    def stop(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _verify(self, kept: str, password: Password) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _beside(self, work: Callable[[], T]) -> T:
        if self._waiting >= _WAITING_MAX:
            raise Overloaded(_BUSY, 3)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1


def _step_back() -> None:
    if sys.platform == "linux":  # elsewhere a priority is the whole process's
        thread = threading.get_native_id()
        now = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(19, now + _STEP_BACK))
