"""What a person typed, and what a provider receives: two types, so they are never mixed up."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NewType

PROMPT_CHARS_MAX = 8000

# C0 and C1 controls but tab and line breaks; PostgreSQL cannot store NUL and no model reads them.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

CleanText = NewType("CleanText", str)


def clean_text(text: str) -> CleanText:
    """NFC, without control characters, line ends as `\\n`, no white space around it."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    return CleanText(_CONTROLS.sub("", unicodedata.normalize("NFC", unix)).strip())


@dataclass(frozen=True, slots=True)
class UserPrompt:
    """What the person typed. Shown back to them, searched, never sent to a provider as is."""

    text: CleanText

    def __post_init__(self) -> None:
        if not self.text:
            raise ValueError("the prompt is empty")
        if len(self.text) > PROMPT_CHARS_MAX:
            raise ValueError(f"a prompt has at most {PROMPT_CHARS_MAX} characters")


@dataclass(frozen=True, slots=True)
class OptimizedPrompt:
    """What the provider receives. Made from a `UserPrompt` only by `prompts.refine`."""

    text: str
    template: str  # name and version of the rewriting, kept so that it can be reproduced
