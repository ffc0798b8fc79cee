"""What the providers are told at start: which are on, where they are, and with which key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from safelight.values.targets import Target

OPENAI_URL = "https://api.openai.com/v1"
POLLINATIONS_URL = "https://gen.pollinations.ai"
POLLINATIONS_KEYLESS_URL = "https://image.pollinations.ai"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server's image API differs from the others that call themselves compatible.

    The defaults are what nearly every such server accepts. A field is sent only when its flag
    says that the server knows it, because many answer 400 to a name they do not know.
    """

    streaming: bool = False  # `stream: true`, answered with server-sent events
    partial_images: int = 0  # previews asked for while streaming, 0..3
    response_format: str | None = "b64_json"  # None: the field is refused (GPT image models)
    output_format: bool = False  # `output_format`: png, jpeg or webp
    quality_default: str | None = None  # sent when nobody chose, so that the price is known
    quality: bool = False
    size: Literal["size", "width_height"] = "size"
    seed: bool = False
    negative_prompt: bool = False
    steps: str | None = None  # what the field is called, e.g. "steps"
    guidance: str | None = None  # e.g. "guidance_scale"
    edits: Literal["image", "image[]"] | None = None  # what a file part of /images/edits is called

    # A misspelt word would otherwise silently mean nothing.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        if not 0 <= self.partial_images <= 3:
            raise ValueError("partial_images: a number from 0 to 3")


class ProviderSettings(BaseModel):
    """The part of the settings that decides which models there are.

    `ProviderSettings.model_validate(settings, from_attributes=True)` takes it out of any object
    with attributes of these names.
    """

    model_config = ConfigDict(frozen=True, from_attributes=True)

    sketch: bool = Field(True, description="Offer the built-in painter that is not AI.")
    openai_api_key: SecretStr | None = Field(
        None, description="Switches on OpenAI, or the compatible server at openai_base_url."
    )
    openai_base_url: str | None = Field(
        None, description="Any OpenAI-compatible server, for example http://127.0.0.1:8080/v1."
    )
    openai_image_models: list[str] = Field(
        [], description="Image models that server offers; default: OpenAI's own."
    )
    openai_text_models: list[str] = Field(
        [], description="Text models that server offers; default: OpenAI's own."
    )
    openai_dialect: Dialect = Field(
        Dialect(), description="What a compatible image server understands, as JSON."
    )
    openai_partial_images: int = Field(
        2, ge=0, le=3, description="Previews asked of GPT image models; each costs a little."
    )
    pollinations: Literal["off", "keyless", "keyed"] = Field(
        "off", description="Pollinations, a public service: keyless is free and best effort."
    )
    pollinations_api_key: SecretStr | None = Field(
        None, description="Needed for pollinations = keyed."
    )
    pollinations_base_url: str | None = Field(
        None, description="Another host that speaks the same, for tests or a mirror."
    )
    picture_bytes_max: int = Field(
        25 * 1024 * 1024, ge=1024, description="The largest picture taken from a provider."
    )

    @field_validator("openai_base_url", "pollinations_base_url")
    @classmethod
    def _http(cls, url: str | None) -> str | None:
        if not url:
            return None
        parts = urlsplit(url)
        Target.of_url(url)
        # The address appears in messages and logs, so it must not be a place for a secret.
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must not contain a user, a password or a query; keys are set apart")
        return url.rstrip("/")

    @field_validator("openai_api_key", "pollinations_api_key")
    @classmethod
    def _key(cls, key: SecretStr | None) -> SecretStr | None:
        """White space around a pasted key is dropped; anything a header cannot carry is refused."""
        value = key.get_secret_value().strip() if key else ""
        if not value:
            return None
        if not value.isascii() or not value.isprintable() or " " in value:
            raise ValueError("an API key is printable ASCII without spaces")
        return SecretStr(value)

    @model_validator(mode="after")
    def _keyed(self) -> ProviderSettings:
        if self.pollinations == "keyed" and self.pollinations_api_key is None:
            raise ValueError("pollinations = keyed needs pollinations_api_key")
        return self

    @property
    def openai_url(self) -> str:
        return self.openai_base_url or OPENAI_URL

    @property
    def at_openai(self) -> bool:
        """Whether the server is OpenAI itself (regional hosts included), not a compatible one."""
        host = urlsplit(self.openai_url).hostname or ""
        return host == "api.openai.com" or host.endswith(".api.openai.com")

    @property
    def openai_on(self) -> bool:
        """A base URL alone switches it on: servers at home rarely want a key."""
        return self.openai_api_key is not None or self.openai_base_url is not None
