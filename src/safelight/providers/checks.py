"""Whether a model can do what is asked: every reason why not, at once, and what would be right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from safelight.providers.protocol import Capabilities, ModelCard, Price
from safelight.values.errors import FieldError
from safelight.values.images import (
    RESOLUTION_SIDES,
    SIDE_MAX,
    ImageFormat,
    Resolution,
    Size,
    size_of_ratio,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of a request that a model may or may not be able to do. None: not asked for.

    width and height are given together, or neither. prompt_chars: of the prompt as it will be
    sent. references: how many pictures.
    """

    kind: Literal["image", "text"] = "image"
    prompt_chars: int = 0
    width: int | None = None
    height: int | None = None
    resolution: Resolution | None = None
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None
    format: ImageFormat | None = None
    quality: str | None = None
    negative_prompt: str | None = None
    count: int = 1
    references: int = 0
    mask: bool = False
    max_tokens: int | None = None


def shortcomings(card: ModelCard, asked: Asked) -> list[FieldError]:
    """What `card` cannot do of what is asked; empty when it can do all."""
    if card.kind != asked.kind:
        makes = "pictures" if card.kind == "image" else "text"
        return [FieldError("model", f"{card.id} makes {makes}.")]
    return [FieldError(field, message) for field, message in _found(card, asked)]


def _found(card: ModelCard, asked: Asked) -> Iterator[tuple[str, str]]:
    if asked.prompt_chars > card.prompt_max:
        yield (
            "prompt",
            f"{card.id} takes at most {card.prompt_max} characters; this has {asked.prompt_chars}.",
        )
    if card.kind == "text":
        yield from _not_for_text(card, asked)
        return
    can = card.capabilities
    yield from _sizes(card, asked)
    for field, given, able, word in (
        ("parameters.seed", asked.seed, can.seed, "seed"),
        ("parameters.steps", asked.steps, can.steps, "number of steps"),
        ("parameters.guidance", asked.guidance, can.guidance, "guidance"),
        ("parameters.strength", asked.strength, can.strength, "strength"),
        ("parameters.quality", asked.quality, can.quality, "quality setting"),
        ("negative_prompt", asked.negative_prompt, can.negative_prompt, "negative prompt"),
        ("mask", asked.mask or None, can.mask, "mask"),
    ):
        if given is not None and not able:
            yield field, f"{card.id} has no {word}."
    if asked.quality and can.quality and can.qualities and asked.quality not in can.qualities:
        yield "parameters.quality", f"{card.id} knows {_either(can.qualities)}."
    if asked.max_tokens is not None:
        yield "parameters.max_tokens", f"max_tokens is for text; {card.id} makes pictures."
    if asked.format and asked.format not in can.formats:
        yield "parameters.format", f"{card.id} makes {_either(can.formats)}."
    if asked.count > can.count_max:
        yield "count", f"{card.id} makes at most {can.count_max} at once."
    if asked.references > can.references_max:
        most = can.references_max
        yield (
            "references",
            f"{card.id} takes at most {most} pictures."
            if most
            else f"{card.id} takes no pictures.",
        )
    elif not asked.references:
        # A mask or a strength without a picture to apply it to means nothing, whatever the model.
        if asked.mask and can.mask:
            yield "mask", "A mask needs a picture in references."
        if asked.strength is not None and can.strength:
            yield "parameters.strength", "A strength needs a picture in references."


def _not_for_text(card: ModelCard, asked: Asked) -> Iterator[tuple[str, str]]:
    if card.tokens_max and asked.max_tokens and asked.max_tokens > card.tokens_max:
        yield (
            "parameters.max_tokens",
            f"{card.id} writes up to {card.tokens_max:,} tokens for its price.",
        )
    for field, given in (
        ("parameters.width", asked.width),
        ("parameters.height", asked.height),
        ("parameters.resolution", asked.resolution),
        ("parameters.seed", asked.seed),
        ("parameters.steps", asked.steps),
        ("parameters.guidance", asked.guidance),
        ("parameters.strength", asked.strength),
        ("parameters.format", asked.format),
        ("parameters.quality", asked.quality),
        ("negative_prompt", asked.negative_prompt),
        ("references", asked.references or None),
        ("mask", asked.mask or None),
    ):
        if given is not None:
            word = field.removeprefix("parameters.")
            yield field, f"{word} is for pictures; {card.id} writes text."
    if asked.count > card.capabilities.count_max:
        yield "count", f"{card.id} writes at most {card.capabilities.count_max} at once."


def _sizes(card: ModelCard, asked: Asked) -> Iterator[tuple[str, str]]:
    if asked.resolution and asked.resolution not in resolutions(card):
        yield "parameters.resolution", f"{card.id} makes {_either(resolutions(card))}."
    if asked.width is None or asked.height is None:
        return
    can, width, height = card.capabilities, asked.width, asked.height
    if can.sizes:
        if (width, height) not in can.sizes:
            sizes = _either(tuple(f"{w}×{h}" for w, h in can.sizes))
            yield "parameters.width", f"{card.id} makes {sizes}."
        return
    for field, side in (("parameters.width", width), ("parameters.height", height)):
        if not can.side_min <= side <= can.side_max:
            yield field, f"{card.id} makes sides of {can.side_min} to {can.side_max} pixels."
        elif side % can.size_multiple:
            near = round(side / can.size_multiple) * can.size_multiple
            near = min(max(near, can.side_min), can.side_max)
            yield field, f"{card.id} needs multiples of {can.size_multiple}, such as {near}."
    if not can.pixels_min <= width * height <= can.pixels_max:
        bound, most = (
            ("at most", can.pixels_max)
            if width * height > can.pixels_max
            else ("at least", can.pixels_min)
        )
        yield (
            "parameters.width",
            f"{card.id} makes {bound} {most:,} pixels; {width}×{height} has {width * height:,}.",
        )
    if max(width, height) / min(width, height) > can.aspect_max:
        yield (
            "parameters.width",
            f"{card.id} makes the long side at most {can.aspect_max:g} times the short one.",
        )


def size_for(
    card: ModelCard, aspect_ratio: str | None = None, resolution: Resolution | None = None
) -> Size:
    """The size of `card`'s that comes nearest to a ratio such as "3:2" and a resolution.

    Not given: square, 1K. It is not yet checked: a ratio beyond `aspect_max` gives a size that
    `shortcomings` refuses.
    """
    can = card.capabilities
    ratio_w, ratio_h = (int(part) for part in (aspect_ratio or "1:1").split(":"))
    side = RESOLUTION_SIDES[resolution or "1K"]
    if can.sizes:
        return Size(*min(can.sizes, key=lambda size: _distance(size, ratio_w / ratio_h, side)))
    return _inside(size_of_ratio(ratio_w, ratio_h, side, can.size_multiple), can)


def resolutions(card: ModelCard) -> tuple[Resolution, ...]:
    """Those a model can do. 3840×2160, which everybody calls 4K, has half the pixels of 4096²."""
    can = card.capabilities
    most = max((w * h for w, h in can.sizes), default=min(can.pixels_max, can.side_max**2))
    return tuple(name for name, side in RESOLUTION_SIDES.items() if most >= 0.45 * side * side)


def _inside(size: Size, can: Capabilities) -> Size:
    """Scaled so that both sides fit `side_max` and the pixels `pixels_max`, rounding down."""
    side_max = min(can.side_max, SIDE_MAX)
    scale = min(
        1.0,
        side_max / max(size.width, size.height),
        (can.pixels_max / (size.width * size.height)) ** 0.5,
    )
    if scale == 1.0:
        return size
    step = can.size_multiple

    def down(side: int) -> int:
        return max(can.side_min, int(side * scale) // step * step)

    return Size(down(size.width), down(size.height))


def _distance(size: tuple[int, int], ratio: float, side: int) -> tuple[float, float]:
    """First the ratio, then the number of pixels."""
    width, height = size
    off = max(width / height / ratio, ratio / (width / height))
    return round(off, 3), abs((width * height) ** 0.5 - side)


def price_of(card: ModelCard, asked: Asked) -> Price:
    """What one output costs: the first line that fits, and the dearest when none does.

    width and height should be given by now; without them the smallest size counts.
    """
    pixels = (asked.width or 0) * (asked.height or 0)
    for price in card.price:
        quality_fits = not price.quality or asked.quality in price.quality
        if quality_fits and (price.pixels_max is None or pixels <= price.pixels_max):
            return price
    return max(card.price, key=lambda price: price.credits)


def _either(words: tuple[str, ...]) -> str:
    return "".join(words) if len(words) < 2 else f"{', '.join(words[:-1])} or {words[-1]}"
