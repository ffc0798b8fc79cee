"""What every provider adapter offers and receives.

An adapter translates a request out, a response back, and failures into `values.errors`. It holds
no database handle, no credits and no user. Waiting, retrying, charging and storing exist once, in
the pipeline. Cancelling is asyncio's: the task that awaits `submit` is cancelled, the adapter
stops what it can stop and lets the `CancelledError` pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

from safelight.values.images import IMAGE_FORMATS, ImageFormat
from safelight.values.prompts import OptimizedPrompt


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do. Code that branches on a model's name shows that a field is missing.

    sizes: the exact (width, height) pairs it makes; empty = any within side_min..side_max, both
    multiples of `size_multiple`, together at most `pixels_max`. aspect_max: long side ÷ short side.
    qualities: the words `quality` may be; empty = whatever the provider takes.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    side_min: int = 64
    side_max: int = 4096
    size_multiple: int = 1
    pixels_max: int = 4096 * 4096
    pixels_min: int = 1
    aspect_max: float = 64.0
    seed: bool = False
    negative_prompt: bool = False
    steps: bool = False
    guidance: bool = False
    strength: bool = False  # how far to go from the reference, 0..1
    quality: bool = False
    qualities: tuple[str, ...] = ()
    references_max: int = 0
    mask: bool = False
    count_max: int = 8
    formats: tuple[ImageFormat, ...] = IMAGE_FORMATS
    progress: bool = False  # reports steps or partial pictures while it works
    cancel: bool = False  # stops working (and costing) when cancelled


@dataclass(frozen=True, slots=True)
class Price:
    """What one output costs. `when` says for which request in words a person reads.

    quality and pixels_max say the same for `checks.price_of`: the first line that fits counts.
    An empty quality fits every one; None among them means that nobody chose.
    """

    when: str
    credits: int
    usd: Decimal | None = None
    quality: tuple[str | None, ...] = ()
    pixels_max: int | None = None

    def __post_init__(self) -> None:
        if type(self.credits) is not int or self.credits < 0:
            raise ValueError(f"a price is whole credits, zero or more, not {self.credits!r}")
        if self.usd is not None and not (self.usd.is_finite() and self.usd >= 0):
            raise ValueError(f"a price in US dollars is zero or more, not {self.usd}")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A catalogue entry. It is data: where its facts come from is in `source`."""

    id: str  # what users write: "sketch", "openai/gpt-image-2"
    provider: str
    provider_model: str  # what the provider calls it
    name: str
    description: str
    kind: Literal["image", "text"]
    prompt_max: int
    tokens_max: int | None = None  # of a text, for its price; None: as many as are asked for
    capabilities: Capabilities = Capabilities()
    price: tuple[Price, ...] = (Price("each", 1),)
    version: str = "1"  # part of the reuse digest: raise it when the same request looks different
    rank: int = 0  # `auto` prefers the highest rank that can do what is asked
    timeout_s: float = 180.0
    source: str = ""


@dataclass(frozen=True, slots=True)
class PictureBytes:
    """A picture handed to a provider: a reference or a mask."""

    data: bytes
    format: ImageFormat


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One picture, asked of one provider. A job with three variants is three requests.

    key is the same for every attempt at the same variant: send it where a provider knows
    idempotency keys. seed is always given; a model without seeds ignores it and says so in
    `Rendered.seed`.
    """

    model: ModelCard
    prompt: OptimizedPrompt
    width: int
    height: int
    seed: int  # 0..2**31-1
    key: str
    format: ImageFormat = "png"
    quality: str | None = None
    style: str | None = None
    negative_prompt: str | None = None
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None
    references: tuple[PictureBytes, ...] = ()
    mask: PictureBytes | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """The provider's picture, unchanged byte for byte.

    seed: the one really used, or None where the model has none. adjustments: what could not be
    honoured, as sentences for the user. usd: the real cost, where the provider tells it.
    """

    data: bytes
    seed: int | None = None
    adjustments: tuple[str, ...] = ()
    provider_id: str | None = None
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """The provider's own id of a prediction under way: stored, so that a restart collects it."""

    provider_id: str
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TextRequest:
    """One text, asked of one provider."""

    model: ModelCard
    prompt: OptimizedPrompt
    key: str
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """The whole text. tokens: input and output together, where the provider tells it."""

    text: str
    provider_id: str | None = None
    tokens: int | None = None
    usd: Decimal | None = None


class Watch(Protocol):
    """Where an adapter reports how far it is. Cheap to call often: the caller coalesces."""

    def step(self, step: int, steps: int, preview: bytes | None = None) -> None:
        """`step` of `steps` are done; `preview` is a small encoded picture (PNG, JPEG or WebP)."""

    def delta(self, text: str) -> None:
        """The next piece of a text."""


class ImageProvider(Protocol):
    """One company's API for pictures.

    `at_once` is how many pictures it can work on at a time because they are made on this machine;
    None for other people's machines. `submit` may raise any `ProviderError`. Providers that only
    answer with the finished picture never return a Ticket, and their `collect` is never called.

    `find` is asked when the answer to a submit was lost: what came of the request with this key, or
    None when it never arrived or the provider cannot tell. It costs nothing.
    """

    @property
    def name(self) -> str: ...
    @property
    def at_once(self) -> int | None: ...
    def models(self) -> Sequence[ModelCard]: ...
    async def submit(self, request: RenderRequest, watch: Watch) -> Rendered | Ticket: ...
    async def collect(self, ticket: Ticket, watch: Watch) -> Rendered | Ticket: ...
    async def find(self, request: RenderRequest) -> Rendered | Ticket | None: ...
    async def cancel(self, ticket: Ticket) -> None: ...
    async def close(self) -> None: ...


class TextProvider(Protocol):
    """One company's API for text."""

    @property
    def name(self) -> str: ...
    def models(self) -> Sequence[ModelCard]: ...
    async def write(self, request: TextRequest, watch: Watch) -> Written: ...
    async def close(self) -> None: ...
