"""What a start refuses: settings with which others could do what only the operator may."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from pydantic import SecretStr

from safelight.cli.stop import Stop
from safelight.settings import Settings, is_here

_FILES_BESIDES = 1000  # connections, pictures, logs, and those who are refused
_DIFFERENT_MIN = 8
# What a key in an example, or in a hurry, looks like.
_MADE_UP = ("change", "secret", "password", "example", "default", "insecure", "12345678")


def check_exposure(known: Settings, host: str) -> None:
    """Whether this may listen at `host`. Raises: Stop."""
    url = urlsplit(known.public_url or "")
    if known.accounts == "off" and not is_here(host):
        raise Stop(
            f"Without accounts everybody who can reach {host} could use this server, so it only "
            "listens on this machine. Set SAFELIGHT_ACCOUNTS=on, which gives everybody a login, or "
            "put a proxy that asks for a login in front of 127.0.0.1."
        )
    if not is_here(host) and url.scheme != "https":
        raise Stop(
            f"Passwords and cookies would go to {host} for everybody on the way to read. Put a "
            "proxy that speaks TLS in front, and set SAFELIGHT_PUBLIC_URL to the https:// address "
            "that browsers use."
        )
    is_reached_from_elsewhere = not is_here(host) or not is_here(url.hostname or "localhost")
    if is_reached_from_elsewhere:
        _refuse_guessable("SAFELIGHT_SECRET_KEY", known.secret_key)
        _refuse_guessable("SAFELIGHT_SECRET_KEY_PREVIOUS", known.secret_key_previous)


def _refuse_guessable(name: str, secret: SecretStr | None) -> None:
    key = secret.get_secret_value().lower() if secret else None
    if key and (len(set(key)) < _DIFFERENT_MIN or any(word in key for word in _MADE_UP)):
        raise Stop(
            f"{name} can be guessed, and with it everybody's pictures. Make one with "
            "`openssl rand -hex 32`, or leave it away: then one is made and kept."
        )


def make_room_for_streams(streams_max: int) -> None:
    """Let this process open as many files as its streams need. Raises: Stop when it may not."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415

    needed = streams_max + _FILES_BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Stop(
            f"This process may open {hard:,} files, and {streams_max:,} streams need {needed:,}. "
            f"Raise the limit (ulimit -n {needed}; LimitNOFILE= in a systemd unit), or set "
            f"SAFELIGHT_STREAMS_MAX={max(1, hard - _FILES_BESIDES)}."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
