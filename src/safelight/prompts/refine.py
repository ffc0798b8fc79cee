"""The only way from what a person typed to what a provider receives."""

from __future__ import annotations

from safelight.prompts.styles import find
from safelight.values.prompts import OptimizedPrompt, UserPrompt

# Raised when the same prompt would be worded differently.
_TEMPLATE = "as-written/1"
_STYLED = "style-guide/1"


def refine(prompt: UserPrompt, style: str | None) -> OptimizedPrompt:
    """The prompt as written, with the style guide's wording behind it where one was chosen."""
    guide = find(style) if style else None
    if guide is None:
        return OptimizedPrompt(prompt.text, _TEMPLATE)
    return OptimizedPrompt(f"{prompt.text}, {guide.guidance}", _STYLED)
