"""What OpenAI-shaped image servers answer, parsed strictly where it matters and never by trust."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, Self

from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from safelight.values.errors import InvalidOutput
from safelight.values.images import sniff_format


def _or_none(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Compatible servers send usage in shapes of their own; a picture is not lost over it."""
    try:
        return check(value)
    except ValidationError:
        return None


# More than anybody can have used is nonsense, and costs nothing.
TOKENS_MAX = 10**9
Tokens = Annotated[int, Field(ge=0, le=TOKENS_MAX)]


class InputDetails(BaseModel):
    text_tokens: Tokens | None = None
    image_tokens: Tokens = 0


class Usage(BaseModel):
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    input_tokens_details: InputDetails = InputDetails()


MaybeUsage = Annotated[Usage | None, WrapValidator(_or_none)]


class Datum(BaseModel):
    b64_json: str | None = None
    url: str | None = None


class ImagesAnswer(BaseModel):
    """POST /images/generations and /images/edits. `data` must be there; it may be empty."""

    data: list[Datum]
    usage: MaybeUsage = None

    @classmethod
    def read(cls, body: bytes, who: str) -> Self:
        try:
            return cls.model_validate_json(body)
        except ValidationError:
            # Without its cause, which would carry their whole answer into the log.
            raise InvalidOutput(f"{who} answered something that is not a list of images.") from None


class StreamedEvent(BaseModel):
    """One `data:` line. `type` tells partial_image from completed; a truthy `error` ends it all."""

    type: str = ""
    b64_json: str | None = None
    url: str | None = None
    partial_image_index: int | None = None
    usage: MaybeUsage = None
    error: dict[str, Any] | str | None = None

    @classmethod
    def read(cls, data: str, who: str) -> Self:
        try:
            return cls.model_validate_json(data)
        except ValidationError:
            raise InvalidOutput(f"{who} sent an event that cannot be read.") from None


class TokenUsd(NamedTuple):
    """USD for a million tokens."""

    text_in: Decimal
    image_in: Decimal
    image_out: Decimal

    def cost(self, usage: Usage) -> Decimal:
        image_in = usage.input_tokens_details.image_tokens
        text_in = usage.input_tokens_details.text_tokens
        if text_in is None:
            text_in = max(0, usage.input_tokens - image_in)
        total = (
            self.text_in * text_in + self.image_in * image_in + self.image_out * usage.output_tokens
        )
        return (total / 1_000_000).quantize(Decimal("0.000001"))


def decoded(text: str, who: str, *, bytes_max: int) -> bytes:
    """The bytes behind base64 or a data URL."""
    if text.startswith("data:"):
        head, _, text = text.partition(",")
        if not head.endswith(";base64"):
            raise InvalidOutput(f"{who} sent a data URL that is not base64.")
    data = b""
    if len(text) <= bytes_max * 4 // 3 + 4:  # else not even decoded
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidOutput(f"{who} sent a picture that is not base64.") from None
    if not data or len(data) > bytes_max:
        raise InvalidOutput(f"{who} answered a picture of more than {bytes_max:,} bytes.")
    return data


def checked_picture(data: bytes, who: str) -> bytes:
    """Bytes that at least begin like a picture; the full check comes when it is stored."""
    if sniff_format(data) is None:
        raise InvalidOutput(f"{who} answered something that is not a PNG, JPEG or WebP.")
    return data
