"""The built-in style guides: wording that is added to a prompt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StyleGuide:
    """A named way to look. `guidance` is what the provider reads."""

    id: str
    name: str
    guidance: str
    keywords: tuple[str, ...]
    examples: tuple[str, ...]


BUILT_IN: tuple[StyleGuide, ...] = (
    StyleGuide(
        "realistic",
        "Realistic",
        "realistic, natural light, fine detail, true colours",
        ("photo", "natural", "detail"),
        ("a stone bridge in morning fog",),
    ),
    StyleGuide(
        "cartoon",
        "Cartoon",
        "cartoon, flat bright colours, bold outlines, simple shapes",
        ("flat", "outline", "playful"),
        ("a fox reading under a tree",),
    ),
    StyleGuide(
        "watercolor",
        "Watercolor",
        "watercolor painting, soft washes, bleeding edges, visible paper",
        ("paint", "wash", "paper"),
        ("a harbour after rain",),
    ),
    StyleGuide(
        "risograph",
        "Risograph",
        "risograph print, two or three spot colours, halftone grain, slight misregistration",
        ("print", "halftone", "spot colour"),
        ("a heron over tin roofs",),
    ),
)

_BY_ID = {style.id: style for style in BUILT_IN}


def find(style_id: str) -> StyleGuide | None:
    return _BY_ID.get(style_id)
