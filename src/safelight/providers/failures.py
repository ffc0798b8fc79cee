"""A provider's HTTP error turned into one of ours: what happened, and whether to try again."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from safelight.values.errors import (
    ProviderAuth,
    ProviderBusy,
    ProviderError,
    ProviderFailed,
    ProviderRefused,
    ProviderRejected,
)

# Words for "the prompt or the picture is against our rules", in `code` or `type`.
REFUSALS = {
    "moderation_blocked",
    "content_policy_violation",
    "content_filter",
    "image_content_policy_violation",
    "responsible_ai_policy_violation",
    "responsibleaipolicyviolation",
    "safety_error",
    "safety_violation",
}
# Words for "the account is empty". They come as 429, 402 or 400, and no waiting mends them.
EMPTY_ACCOUNT = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "payment_required",
    "insufficient_balance",
}
WAIT_MAX_S = 86_400.0

_KEYLIKE = re.compile(r"\b(?:sk|pk|key|Bearer)[-_ ][A-Za-z0-9*._-]{4,}")
_WAIT_WORDS = re.compile(
    r"(?:try again|retry|available)[^.]{0,40}? in (?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?) ?(ms|s))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says, as far as it can be understood."""

    message: str | None = None
    code: str = ""
    type: str = ""
    param: str = ""

    @property
    def words(self) -> set[str]:
        return {self.code.lower(), self.type.lower()} - {""}

    @property
    def is_refusal(self) -> bool:
        return not self.words.isdisjoint(REFUSALS)


def complaint(body: bytes | object) -> Complaint:
    """Read an error body: an envelope, a bare object, a sentence, or a page of HTML (ignored)."""
    if isinstance(body, bytes):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            text = body.decode("utf-8", "replace").strip() if isinstance(body, bytes) else ""
            return Complaint(None if not text or text.startswith("<") else text)
    if isinstance(body, dict):
        inner = body.get("error") or body.get("detail") or body.get("errors") or body
        if isinstance(inner, list) and inner:
            inner = inner[0]
        if isinstance(inner, dict):
            message = inner.get("message") or inner.get("msg") or inner.get("error")
            return Complaint(
                message if isinstance(message, str) else None,
                *(_word(inner.get(name)) for name in ("code", "type", "param")),
            )
        body = inner
    return Complaint(body if isinstance(body, str) else None)


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def failure(  # noqa: PLR0911  (a table: one status a line)
    who: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes | object,
    *,
    secrets: tuple[str, ...] = (),
) -> ProviderError:
    """The error for an answer that is not 2xx.

    who: the provider's name for sentences. secrets: what must not appear, even if they echo it.
    """
    said = complaint(body)
    wait = retry_after_s(headers, body)
    message = redact(said.message, secrets)
    if said.is_refusal:
        return ProviderRefused(
            f"{who} refused this prompt under its content rules.", provider_message=message
        )
    if status == 402 or said.words & EMPTY_ACCOUNT:
        return ProviderAuth(
            f"The account at {who} has no credit or quota left.", provider_message=message
        )
    if status == 401:
        # Their sentence often repeats a part of the key, so it goes no further.
        return ProviderAuth(f"{who} does not accept the configured API key.")
    if status == 403:
        return ProviderAuth(
            f"{who} does not allow this with the configured API key.", provider_message=message
        )
    if status in (409, 429):
        return ProviderBusy(
            f"{who} is busy or limits how often it may be asked.",
            provider_message=message,
            retry_after_s=wait,
        )
    if status >= 500 or status == 408:
        return ProviderFailed(
            f"{who} failed (status {status}).", provider_message=message, retry_after_s=wait
        )
    if 300 <= status < 400:
        return ProviderRejected(
            f"{who} redirects to another address (status {status}), which is not followed. "
            "Check the base URL."
        )
    if status == 404:
        return ProviderRejected(
            f"{who} does not know this model or address (status 404). Check the model's name and "
            "the base URL.",
            provider_message=message,
        )
    return ProviderRejected(
        f"{who} did not accept the request (status {status}).", provider_message=message
    )


def redact(message: str | None, secrets: tuple[str, ...]) -> str | None:
    """Their wording without any key, ours or one that looks like one."""
    if not message:
        return None
    for secret in secrets:
        if secret:
            message = message.replace(secret, "[key]")
    return _KEYLIKE.sub("[key]", message)


def retry_after_s(headers: Mapping[str, str], body: bytes | object = b"") -> float | None:
    """How long they ask to wait, in whichever of the known ways they say it."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return _within(float(value) * scale)
        except ValueError:
            pass
        try:
            return _within(parsedate_to_datetime(value).timestamp() - time.time())
        except (ValueError, TypeError, OverflowError):
            pass
    if isinstance(body, bytes):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            body = body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
    try:
        return _in_details(body) or _in_words(body)
    except ValueError:
        return None


def _in_details(body: object) -> float | None:
    """Google's `error.details[].retryDelay: "13s"`, which proxies in front of Gemini pass on."""
    error: Any = body.get("error", body) if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and (found := re.fullmatch(r"(\d+(?:\.\d+)?)s", delay)):
            return _within(float(found[1]))
    return None


def _in_words(body: object) -> float | None:
    """“Please try again in 6m0s”, “… in 1.5s”, “… in 200ms”."""
    text = body if isinstance(body, str) else complaint(body).message or ""
    found = _WAIT_WORDS.search(text[:2000])
    if not found or not (found[1] or found[2]):
        return None
    seconds = float(found[2] or 0) * (0.001 if found[3] and found[3].lower() == "ms" else 1)
    return _within(60 * float(found[1] or 0) + seconds)


def _within(seconds: float) -> float:
    """0..a day: a date in the past means now. Raises: ValueError for NaN and infinity."""
    if not math.isfinite(seconds):
        raise ValueError("not a wait")
    return min(max(seconds, 0.0), WAIT_MAX_S)
