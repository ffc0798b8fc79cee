"""Passwords that everybody tries first, of those that are long enough at all.

Most of the usual lists are shorter than ten characters and fall to that rule. What is left is
patterns: a word or a row of keys, repeated or with digits around it. So the patterns are named
here, not their thousands of results.
"""

from __future__ import annotations

import re

_DIFFERENT_MIN = 5
_WORDS = """
    password passw0rd passwort motdepasse contrasena contraseña senha parola qwerty qwertyuiop
    qwertz qwertzuiop azerty azertyuiop asdfgh asdfghjkl yxcvbnm zxcvbnm 1q2w3e4r 1q2w3e4r5t
    1qaz2wsx qazwsx qazwsxedc zaq12wsx letmein welcome willkommen iloveyou ilovey0u sunshine
    princess football baseball basketball superman batman dragon monkey master shadow michael
    jennifer jordan charlie starwars pokemon minecraft liverpool chelsea arsenal barcelona
    computer internet trustno1 whatever freedom secret changeme default administrator admin root
    guest login test testing tester safelight hello helloworld abcdefg abcdefgh abcdefghij abcd
    qwer google facebook samsung cheese summer winter spring autumn blink182 correcthorse
    correcthorsebatterystaple mypassword thisismypassword
""".split()  # noqa: SIM905
_ROWS = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
# Letters that are written as something else.
_PLAIN = str.maketrans("0134578@$!", "oieastbasi")
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def is_common(password: str) -> bool:
    """Whether it is one of the first million guesses, as far as that can be said by its form."""
    text = password.casefold()
    if len(set(text)) < _DIFFERENT_MIN:
        return True
    if any(_is_part(text, row) for row in _ROWS):
        return True
    core = _AROUND.sub("", text)
    forms = {text, core, core.translate(_PLAIN)}
    return any(_is_repeated(form) for form in forms)


def _is_part(text: str, row: str) -> bool:
    """Keys in their order, or backwards, once around or more."""
    rows = (row * 3, row[::-1] * 3)
    return any(text in each for each in rows)


def _is_repeated(text: str) -> bool:
    """A common word, alone or several times, and nothing else."""
    return any(text and not text.replace(word, "") for word in _WORDS)
