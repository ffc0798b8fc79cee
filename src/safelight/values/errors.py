"""Everything raised on purpose, sorted by who can do something about it.

SafelightError
  RequestRefused          the caller can fix it; never retried
    InvalidRequest        one or more fields are wrong; `errors` says which
    UnsupportedOption     the model cannot do that
    UnknownModel          no such model; the nearest names are in the sentence
    NotFound              unknown or somebody else's: both look alike
    AlreadyFinished       the job has ended
    IdempotencyMismatch   the key was used with another body
    TooLarge, UnsupportedMedia
    CreditsShort          needed and available are in the sentence
    Unauthenticated       we do not know who this is
    Forbidden             we know, and they may not
      ConfirmationNeeded  not before they prove anew who they are
  Overloaded              come back after `retry_after_s`
    RateLimited           too many at once or lately, of this caller
  ProviderError           someone else's machine
    ProviderRefused       content policy or bad input: final, not charged
    ProviderRejected      their 4xx that no retry mends: final
      NotAsked            we know without them, so nothing was sent: final
    ProviderBusy          wait `retry_after_s`, then try again
    ProviderUnreachable   nothing was sent: safe to retry
    ProviderFailed        they answered that it failed: may be retried
      PredictionFailed    the prediction itself did: its ticket is worth nothing more
    ProviderAuth          our key is missing, wrong or empty: the operator must act
    OutcomeUnknown        sent, no answer: may have cost money, look before retrying
    AnswersLost           that happened to one request once too often: final
    InvalidOutput         they answered something that is not what they promised
      TargetRefused       an address we do not connect to (docs/security.md): final
    TookTooLong           nobody answered within the limit
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from safelight.values.credits import Credits

ErrorCode = Literal[
    "invalid_request",
    "unsupported_option",
    "unknown_model",
    "content_policy",
    "insufficient_credits",
    "rate_limited",
    "overloaded",
    "unauthenticated",
    "forbidden",
    "not_found",
    "already_finished",
    "idempotency_mismatch",
    "too_large",
    "unsupported_media",
    "timeout",
    "provider_failure",
    "provider_busy",
    "provider_auth",
    "invalid_output",
    "cancelled",
    "internal",
]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: `field` is its dotted path, `message` says what would be right."""

    field: str
    message: str


class SafelightError(Exception):
    """Base of everything raised on purpose. `code` is part of the API and never changes."""

    code: ClassVar[ErrorCode] = "internal"
    kind: ClassVar[str | None] = None  # a finer word than the code, where there is one
    title: ClassVar[str] = "Something went wrong here"

    @property
    def detail(self) -> str:
        return str(self)


class RequestRefused(SafelightError):
    """The caller can fix it."""

    code: ClassVar[ErrorCode] = "invalid_request"
    title = "The request cannot be accepted"
    errors: tuple[FieldError, ...] = ()

    def along_with(self, others: Iterable[RequestRefused]) -> Self:
        """The same, which also tells what others found in other fields."""
        for error in (error for other in others for error in other.errors):
            if all(error.field != known.field for known in self.errors):
                self.errors = (*self.errors, error)
                self.args = (f"{self} {error.field}: {error.message}",)
        return self


class InvalidRequest(RequestRefused):
    title = "Some fields are wrong"

    def __init__(self, *errors: FieldError) -> None:
        self.errors = errors
        super().__init__(" ".join(f"{e.field}: {e.message}" for e in errors))


class UnsupportedOption(RequestRefused):
    code: ClassVar[ErrorCode] = "unsupported_option"
    title = "The model cannot do that"

    def __init__(self, *errors: FieldError) -> None:
        self.errors = errors
        super().__init__(" ".join(e.message for e in errors))


class UnknownModel(RequestRefused):
    code: ClassVar[ErrorCode] = "unknown_model"
    title = "There is no such model"

    def __init__(self, name: str, nearest: list[str]) -> None:
        known = f" Did you mean {' or '.join(nearest)}?" if nearest else ""
        message = f"There is no model called “{name[:80]}”.{known}"
        self.errors = (FieldError("model", message),)
        super().__init__(message)


class NotFound(RequestRefused):
    code: ClassVar[ErrorCode] = "not_found"
    title = "Not found"

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what}.")


class AlreadyFinished(RequestRefused):
    code: ClassVar[ErrorCode] = "already_finished"
    title = "Already finished"


class IdempotencyMismatch(RequestRefused):
    code: ClassVar[ErrorCode] = "idempotency_mismatch"
    title = "This Idempotency-Key was used for another request"

    def __init__(self) -> None:
        super().__init__(
            "The same Idempotency-Key came with a different body within 24 hours. "
            "Use a new key for a new request."
        )


class TooLarge(RequestRefused):
    code: ClassVar[ErrorCode] = "too_large"
    title = "Too large"


class UnsupportedMedia(RequestRefused):
    code: ClassVar[ErrorCode] = "unsupported_media"
    title = "This kind of content is not accepted"


class CreditsShort(RequestRefused):
    code: ClassVar[ErrorCode] = "insufficient_credits"
    title = "Not enough credits"

    def __init__(self, needed: Credits, available: Credits) -> None:
        self.needed, self.available = needed, available
        super().__init__(f"This needs {needed.amount}, you have {available.amount}.")


class Unauthenticated(RequestRefused):
    code: ClassVar[ErrorCode] = "unauthenticated"
    title = "Who is this?"


class Forbidden(RequestRefused):
    code: ClassVar[ErrorCode] = "forbidden"
    title = "This is not allowed"


class ConfirmationNeeded(Forbidden):
    """`type` ends in its own word, so that a client can ask for the password; the code is that of
    every other refusal, which clients know."""

    kind: ClassVar[str | None] = "confirmation_needed"
    title = "Confirm that it is you"

    def __init__(self) -> None:
        super().__init__(
            "Enter your password once more (POST /api/auth/confirm), or log in again; for "
            "15 minutes after that this is allowed."
        )


class Overloaded(SafelightError):
    """We cannot take it now. `retry_after_s` is when it makes sense to come back."""

    code: ClassVar[ErrorCode] = "overloaded"
    title = "Busy right now"

    def __init__(self, message: str, retry_after_s: int = 5) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class RateLimited(Overloaded):
    """This caller has had its share for now; others are served."""

    code: ClassVar[ErrorCode] = "rate_limited"
    title = "Too many requests"


class ProviderError(SafelightError):
    """Someone else's machine. `provider_message` is their wording, shown but never trusted."""

    code: ClassVar[ErrorCode] = "provider_failure"
    title = "The provider had a problem"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        provider_message: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.provider_message = provider_message[:500] if provider_message else None
        self.retry_after_s = retry_after_s
        super().__init__(message)


class ProviderRefused(ProviderError):
    code: ClassVar[ErrorCode] = "content_policy"
    title = "Blocked by the provider's content rules"


class ProviderRejected(ProviderError):
    title = "The provider did not accept the request"


class NotAsked(ProviderRejected):
    title = "The provider cannot be asked for this"


class ProviderBusy(ProviderError):
    code: ClassVar[ErrorCode] = "provider_busy"
    title = "The provider is busy"
    retryable = True


class ProviderUnreachable(ProviderError):
    title = "The provider could not be reached"
    retryable = True


class ProviderFailed(ProviderError):
    retryable = True


class PredictionFailed(ProviderFailed):
    title = "The provider could not make it"


class ProviderAuth(ProviderError):
    code: ClassVar[ErrorCode] = "provider_auth"
    title = "The provider does not accept our key"


class OutcomeUnknown(ProviderError):
    title = "The provider's answer was lost"
    retryable = True


class AnswersLost(ProviderError):
    title = "The provider's answers were lost"


class InvalidOutput(ProviderError):
    code: ClassVar[ErrorCode] = "invalid_output"
    title = "The provider answered something unusable"
    retryable = True


class TargetRefused(InvalidOutput):
    title = "An address that is not fetched"
    retryable = False


class TookTooLong(ProviderError):
    code: ClassVar[ErrorCode] = "timeout"
    title = "This took too long"
    retryable = True
