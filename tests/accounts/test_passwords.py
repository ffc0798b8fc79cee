"""Which passwords are good enough, and how they are kept."""

from __future__ import annotations

import asyncio
import time

import pytest

from safelight.accounts.passwords import Passwords, as_typed, chosen
from safelight.values.errors import InvalidRequest

EMAIL = "ada.lovelace@example.org"
GOOD = [
    "a heron over tin roofs",
    "correct horse battery staple",
    "xK7#pqR2!m",
    "8392017465 tin",
    "日本語のパスワードです。",
    "password of the old barn",
    "a" * 5 + "bcdef" * 200,
]
BAD = [
    *("", "short", "123456789", "1234567890", "0987654321", "abcdefghijk", "aaaaaaaaaaaa"),
    *(
        "abababababab",
        "qwertyuiop",
        "poiuytrewq",
        "asdfghjklasdfghjkl",
        "Password123",
        "passw0rd!!",
    ),
    *("passw0rd!!", "P@ssw0rd2024", "iloveyou1234", "!!welcome!!", "adminadmin", "Changeme123!"),
    *("passwordpassword", "ada.lovelace", "ADA.LOVELACE@example.org", "x" * 1025, "ü" * 513),
    *("\ud800" * 12, "monkeydragon"[:6] * 2),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_good_password_is_taken(text: str) -> None:
    assert chosen(text, EMAIL)


@pytest.mark.parametrize("text", BAD)
def test_a_bad_one_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        chosen(text, EMAIL)

    assert refused.value.errors[0].field == "password"


async def test_a_password_fits_itself_in_every_form_and_nothing_else() -> None:
    passwords = Passwords()
    kept = await passwords.make(chosen("Cre\u0300me bru\u0302le\u0301e \u2168", EMAIL))

    composed, other = as_typed("Cr\u00e8me br\u00fbl\u00e9e IX"), as_typed("creme brulee IX")

    assert composed
    assert other
    assert await passwords.fits(kept, composed)
    assert not await passwords.fits(kept, other)
    assert not await passwords.fits(None, composed)
    assert not await passwords.fits("nonsense", composed)
    assert not passwords.is_outdated(kept)
    passwords.stop()


@pytest.mark.timing
async def test_while_a_password_is_compared_everything_else_goes_on() -> None:
    passwords, password = Passwords(), chosen(GOOD[0], EMAIL)
    begin = time.perf_counter()
    await passwords.make(password)
    alone_s = time.perf_counter() - begin

    working = asyncio.gather(*(passwords.make(password) for _ in range(20)))
    beats = 0
    while not working.done():
        await asyncio.sleep(alone_s / 10)
        beats += 1
    await working
    passwords.stop()

    assert beats > 20, "a hash in the way of the loop leaves it one beat a hash, at most"
