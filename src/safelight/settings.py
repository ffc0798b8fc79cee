"""Every setting, read once at start and handed down as the smallest piece needed.

Sources, first wins: command line, environment (`SAFELIGHT_…`), `safelight.toml` in the working
folder, then the defaults, which work on a laptop.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import tempfile
import tomllib
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from safelight.values.targets import Target


def default_data_dir() -> Path:
    """Per user; for root a system folder, because the database then runs as a user of its own
    and could not reach anything below /root."""
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/lib/safelight")
    return platformdirs.user_data_path("safelight", appauthor=False)


class ProviderLimit(BaseModel):
    """How often one provider or model may be asked: calls at a time, calls a minute."""

    model_config = ConfigDict(frozen=True)

    at_once: int | None = None
    per_minute: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _words(cls, given: object) -> object:
        if not isinstance(given, dict) or not given or given.keys() - cls.model_fields.keys():
            raise ValueError('must be at_once, per_minute or both, such as {"at_once": 4}')
        return given

    @field_validator("at_once", "per_minute", mode="before")
    @classmethod
    def _positive(cls, number: object) -> object:
        if type(number) is not int or not 1 <= number <= 1_000_000:
            raise ValueError("must be a whole number, 1 to 1,000,000")
        return number


class OidcIssuer(BaseModel):
    """A site whose word for who somebody is counts (OpenID Connect)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None

    @field_validator("issuer")
    @classmethod
    def _trustworthy(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be the issuer's address, such as https://accounts.google.com")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_here(parts.hostname)):
            raise ValueError("must begin with https://; http:// is for this machine only")
        return url


def is_here(host: str) -> bool:
    """Whether this name or address is this machine's alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Settings(BaseSettings):
    """All settings. In the environment: SAFELIGHT_ and the name in upper case."""

    model_config = SettingsConfigDict(
        env_prefix="SAFELIGHT_", toml_file="safelight.toml", extra="ignore", frozen=True
    )

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Where the embedded database, the pictures and the secret key are kept.",
    )
    database_url: str | None = Field(
        None,
        description="postgresql://… of any PostgreSQL 16 or newer with pgvector. "
        "Without it an embedded one runs in the data folder.",
    )
    storage_url: str | None = Field(
        None,
        description="s3://bucket/prefix, gs://…, az://… or file:///…; default: the data folder. "
        "Credentials come from the provider's usual environment names.",
    )
    public_url: str | None = Field(
        None, description="How browsers reach this server, when it is behind a proxy."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Signs picture links and cookies; at least 32 characters. Default: made once "
        "and kept in the data folder. Several hosts need the same one.",
    )
    secret_key_previous: SecretStr | None = Field(
        None,
        description="The key before: its links and cookies stay valid as long as it stands here. "
        "Take it out a day after the change.",
    )
    log_format: Literal["auto", "json", "pretty"] = Field(
        "auto", description="auto: pretty on a terminal, JSON otherwise."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe line that is written."
    )
    link_lifetime_s: int = Field(
        1800, ge=60, le=86_400, description="How long a signed picture link stays valid."
    )
    media_delivery: Literal["proxy", "direct"] = Field(
        "proxy",
        description="proxy: pictures are sent through this server. direct: a link leads on to the "
        "storage itself (s3://, gs://, az://) for a minute.",
    )
    cors_origins: list[str] = Field(
        [],
        description="Other sites whose pages may use the API with a key, as a JSON list of exact "
        'origins such as ["https://app.example.org"]. Cookies are never sent along.',
    )

    accounts: Literal["off", "on"] = Field(
        "off",
        description="off: whoever reaches the server is its owner. on: everybody has a login.",
    )
    registration: Literal["open", "invite", "closed"] = Field(
        "invite",
        description="With accounts on: who may register. invite: whoever has a code of an "
        "administrator's. open: anybody. closed: nobody.",
    )
    oidc: dict[str, OidcIssuer] = Field(
        {},
        description="Other sites to log in with, by name, as JSON, for example "
        '{"google": {"issuer": "https://accounts.google.com", "client_id": "…", '
        '"client_secret": "…"}}.',
    )
    anonymous: Literal["off", "on"] = Field(
        "off", description="With accounts on: people without a key are let in as visitors."
    )
    trusted_proxies: list[str] = Field(
        [],
        description="Proxies whose X-Forwarded-For is believed: addresses and networks, as a JSON "
        'list; ["*"] is everybody.',
    )
    egress_allow: list[str] = Field(
        [],
        description="Where this server may connect to though it is not public, beside the base "
        "URLs of providers: hosts, host:port and networks, as a JSON list, for example "
        '["pictures.lan", "10.0.0.7:9000", "192.168.7.0/24"].',
    )
    user_submits_per_minute: int = Field(
        60, ge=0, le=10_000, description="Orders a user may send within a minute; 0: any number."
    )
    user_open_max: int = Field(
        204, ge=0, description="Unfinished jobs a user may have at a time; 0: any number."
    )
    user_running_max: int = Field(
        4, ge=0, description="Jobs of a user that are worked on at a time; 0: any number."
    )
    visitor_submits_per_minute: int = Field(
        8,
        ge=0,
        le=10_000,
        description="Orders that may come from one address (of IPv6: one /64) without a key within "
        "a minute; 0: any number.",
    )
    visitor_open_max: int = Field(
        2, ge=0, description="Unfinished jobs a visitor may have at a time; 0: any number."
    )
    visitor_running_max: int = Field(
        2, ge=0, description="Jobs of a visitor that are worked on at a time; 0: any number."
    )
    visitor_credits: int = Field(
        20,
        ge=0,
        le=1000,
        description="Credits that all visitors of one address may use within a day, together; 0: "
        "only what costs nothing.",
    )

    jobs_at_once: int = Field(
        64, ge=2, le=1000, description="How many jobs one worker process carries at the same time."
    )
    painters: int | None = Field(
        None, ge=1, le=64, description="Processes that paint for Sketch; default: one a core."
    )
    lease_s: float = Field(
        60.0, ge=1, description="A worker silent for this long loses its jobs to another."
    )
    attempts_max: int = Field(5, ge=1, le=20, description="Tries of one job before it fails.")
    job_deadline_s: float = Field(
        86_400.0, ge=1, description="A job that has not ended by then fails and costs nothing."
    )
    overtaking_s: float = Field(
        600.0,
        ge=0,
        description="How long a waiting job may be overtaken by more urgent ones of its owner.",
    )
    queue_max: int = Field(
        50_000, ge=1, description="Jobs that may wait; beyond it submits are answered 503."
    )
    provider_limits: dict[str, ProviderLimit] = Field(
        {},
        description="How often providers or models may be asked, all workers together, as JSON, "
        'for example {"openai": {"at_once": 20, "per_minute": 50}, "openai/gpt-image-2": '
        '{"at_once": 4}}.',
    )
    breaker_open_s: float = Field(
        30.0,
        ge=0.05,
        description="How long a provider that fails is left alone before one job tries it again.",
    )
    crashes_max: int = Field(
        3, ge=1, le=20, description="Workers that may die over one job before it is given up."
    )
    backoff_max_s: float = Field(
        60.0, ge=0.01, description="The longest wait between two attempts (full jitter below it)."
    )
    graceful_stop_s: float = Field(
        25.0, ge=0, description="How long running jobs may finish when the server stops."
    )
    events_kept_days: int = Field(
        30, ge=1, description="How long a finished job's story is kept; its result stays."
    )
    trash_kept_days: float = Field(
        7.0,
        ge=0.007,  # ten minutes
        le=3650,
        description="How long a deleted picture or user can be brought back; then it is gone for "
        "good. At least 0.007, which is ten minutes.",
    )
    body_bytes_max: int = Field(1024 * 1024, ge=1024, description="The largest JSON body taken.")
    upload_bytes_max: int = Field(
        20 * 1024 * 1024, ge=1024, description="The largest picture taken from a person."
    )
    quota_bytes: int = Field(
        2 * 1024**3,
        ge=0,
        description="What the pictures of one user or visitor may take in the storage before "
        "uploads are refused; 0: any amount. The local owner has no limit.",
    )
    picture_bytes_max: int = Field(
        40 * 1024 * 1024, ge=1024, description="The largest picture taken from a provider."
    )
    streams_max: int = Field(
        8000, ge=1, le=100_000, description="Event streams that may be open in one server process."
    )
    user_streams_max: int = Field(
        6, ge=0, description="Event streams a user may have open at a time; 0: any number."
    )
    visitor_streams_max: int = Field(
        3,
        ge=0,
        description="Event streams that may be open without a key from one address; 0: any number.",
    )
    db_connections: int = Field(
        12,
        ge=4,
        le=200,
        description="Database connections in the pool of one process. It holds one more to listen; "
        "with a worker one for its lock, and up to three for each provider.",
    )

    api_key: SecretStr | None = Field(
        None,
        description="For the command line: the key (sl_…) it shows a server with accounts.",
    )

    sketch: bool = Field(True, description="Offer the built-in painter that is not AI.")
    openai_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("SAFELIGHT_OPENAI_API_KEY", "OPENAI_API_KEY"),
        description="Switches on OpenAI, or the compatible server at openai_base_url.",
    )
    openai_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("SAFELIGHT_OPENAI_BASE_URL", "OPENAI_BASE_URL"),
        description="Any OpenAI-compatible server, for example http://127.0.0.1:8080/v1.",
    )
    openai_image_models: list[str] = Field(
        [], description="Image models that server offers, as a JSON list; default: OpenAI's own."
    )
    openai_text_models: list[str] = Field(
        [], description="Text models that server offers, as a JSON list; default: OpenAI's own."
    )
    openai_dialect: dict[str, Any] = Field(
        {},
        description="What a compatible image server understands beyond the common, as JSON, for "
        'example {"seed": true, "streaming": true}; docs/providers.md lists the words.',
    )
    openai_partial_images: int = Field(
        2, ge=0, le=3, description="Previews asked of GPT image models; each costs a little."
    )
    pollinations: Literal["off", "keyless", "keyed"] = Field(
        "off", description="Pollinations, a public service: keyless is free and best effort."
    )
    pollinations_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("SAFELIGHT_POLLINATIONS_API_KEY", "POLLINATIONS_API_KEY"),
        description="Needed for pollinations = keyed.",
    )
    pollinations_base_url: str | None = Field(
        None, description="Another host that speaks the same, for tests or a mirror."
    )

    @property
    def trash_kept_s(self) -> float:
        return self.trash_kept_days * 86_400

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, url: str | None) -> str | None:
        if url and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return url or None

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, trusted: list[str]) -> list[str]:
        for each in trusted:
            try:
                ip_network("0.0.0.0/0" if each == "*" else each, strict=False)
            except ValueError:
                raise ValueError(
                    f"{each[:80]!r} is no address and no network such as 10.0.0.0/8"
                ) from None
        return trusted

    @field_validator("public_url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise ValueError("must be an address such as https://pictures.example.org")
        return url or None

    @field_validator("oidc")
    @classmethod
    def _named(cls, issuers: dict[str, OidcIssuer]) -> dict[str, OidcIssuer]:
        for name in issuers:
            if not re.fullmatch(r"[a-z0-9-]{1,30}", name):
                raise ValueError(f"{name[:80]!r} is no name: 1 to 30 of a-z, 0-9 and -")
        return issuers

    @model_validator(mode="after")
    def _passwords_are_not_sent_in_the_clear(self) -> Settings:
        url = urlsplit(self.public_url or "")
        if self.accounts == "on" and url.scheme == "http" and not is_here(url.hostname or ""):
            raise ValueError(
                "public_url: with accounts = on it must begin with https://, or passwords and "
                "cookies could be read on the way; put a proxy that speaks TLS in front"
            )
        return self

    @field_validator("egress_allow")
    @classmethod
    def _targets(cls, allowed: list[str]) -> list[str]:
        for each in allowed:
            Target.parse(each)
        return allowed

    @model_validator(mode="after")
    def _visitors_can_be_told_apart(self) -> Settings:
        if self.anonymous == "on" and self.accounts == "off":
            raise ValueError("anonymous: needs accounts = on; without them everybody is the owner")
        if self.anonymous == "on" and "*" in self.trusted_proxies:
            raise ValueError(
                "trusted_proxies: with anonymous = on everybody could claim any address and pass "
                "every limit; name your proxies instead of *"
            )
        return self

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, origins: list[str]) -> list[str]:
        for each in origins:
            parts = urlsplit(each)
            exact = f"{parts.scheme}://{parts.netloc}".lower()
            is_site = parts.scheme in ("https", "http") and parts.hostname and "*" not in each
            if not is_site or each != exact:
                raise ValueError(
                    f"{each[:80]!r} is no exact origin such as https://app.example.org: scheme, "
                    "name and port in lower case, no path, no *"
                )
        return origins

    @model_validator(mode="after")
    def _something_to_lead_to(self) -> Settings:
        url = self.storage_url or ""
        if self.media_delivery == "direct" and not url.startswith(("s3://", "gs://", "az://")):
            raise ValueError(
                "media_delivery: direct needs storage_url = s3://…, gs://… or az://…; pictures on "
                "this machine can only be sent through it"
            )
        return self

    @field_validator("secret_key", "secret_key_previous")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key and len(key.get_secret_value()) < 32:
            raise ValueError("needs at least 32 characters")
        return key

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


class SettingsWrong(Exception):
    """A setting cannot be used; the message says which one and what would be right."""


def load(**given: Any) -> Settings:
    """Read the settings; `given` are those of the command line, None meaning not given.

    Raises: SettingsWrong, one sentence a wrong setting.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsWrong(sentences(error)) from None
    except SettingsError as error:
        # It says no more than the name of the field, and that in the library's own words.
        name = str(error).partition('"')[2].partition('"')[0]
        raise SettingsWrong(f"{name}: must be written as JSON.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"safelight.toml cannot be read: {error}.") from None


def sentences(error: ValidationError) -> str:
    """What is wrong, each field by its name, without the value: it may be a secret."""
    found = []
    for wrong in error.errors(include_url=False, include_input=False):
        name = "".join(f"{part}." for part in wrong["loc"]).removesuffix(".")
        message = wrong["msg"].removeprefix("Value error, ")
        found.append(f"{name}: {message}" if name else message)
    return "; ".join(found)


def prepare_data_dir(settings: Settings) -> None:
    """Make the data folder and be sure that it can be written. Raises: SettingsWrong."""
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsWrong(
            f"The data folder {folder} cannot be written ({error.strerror}). "
            "Choose another with --data-dir or SAFELIGHT_DATA_DIR."
        ) from None


def secret_key(settings: Settings) -> bytes:
    """The key that signs links: the given one, or one made once in the data folder (mode 0600)."""
    if settings.secret_key:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / "secret.key"
    if not path.exists():
        _make_key(path)
    key = path.read_bytes()
    if len(key) < 32:
        raise SettingsWrong(
            f"The key in {path} is cut off; the disk was full, perhaps. Put it back from a backup, "
            "or delete the file: a new one is made, and links given away before open nothing more."
        )
    return key


def _make_key(path: Path) -> None:
    """Whole or not at all, and once, whoever else starts at this moment."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(name, path)
    except OSError as error:
        raise SettingsWrong(
            f"No key can be kept in {path} ({error.strerror}). Make room, choose another folder "
            "with SAFELIGHT_DATA_DIR, or give a SAFELIGHT_SECRET_KEY (`openssl rand -hex 32`)."
        ) from None
    finally:
        Path(name).unlink()


def previous_secret_key(settings: Settings) -> bytes | None:
    """The key before, while what it signed is still to be valid."""
    previous = settings.secret_key_previous
    return previous.get_secret_value().encode() if previous else None
