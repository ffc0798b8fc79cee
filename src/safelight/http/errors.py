"""The only table from error class to HTTP status, and the shape of every error answer."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from safelight.database.patience import GONE
from safelight.http.wire import Problem, ProblemField
from safelight.values.errors import (
    AlreadyFinished,
    CreditsShort,
    ErrorCode,
    Forbidden,
    IdempotencyMismatch,
    NotFound,
    Overloaded,
    RateLimited,
    RequestRefused,
    SafelightError,
    TooLarge,
    Unauthenticated,
    UnsupportedMedia,
)

log = structlog.get_logger()

_STATUS: dict[type[SafelightError], int] = {
    NotFound: 404,
    AlreadyFinished: 409,
    IdempotencyMismatch: 422,
    TooLarge: 413,
    UnsupportedMedia: 415,
    CreditsShort: 402,
    Unauthenticated: 401,
    Forbidden: 403,
    RateLimited: 429,
    Overloaded: 503,
}

# What a route may answer besides success, for the OpenAPI document.
_SAID = {
    401: "No key, or one that is not valid.",
    402: "Not enough credits; `detail` says how many are needed and available.",
    403: "Not allowed: asked from another site's page, under another name, or without the right.",
    404: "Unknown, or somebody else's.",
    409: "Not in this state.",
    413: "Too large.",
    415: "Not of a kind that is taken.",
    416: "No such part of the file.",
    422: "Something in the request is wrong; `errors` says what.",
    429: "Too many requests or jobs of this caller; Retry-After says when.",
    503: "Cannot be taken now; Retry-After says when.",
}
_FIELDS_MAX = 100  # told at once; an answer is not to be many times what was sent
_EVERYWHERE = (401, 403, 422, 503)
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries for these statuses, with those every route shares."""
    return {
        status: {"model": Problem, "description": _SAID[status]}
        for status in sorted({*_EVERYWHERE, *statuses})
    }


class Api(FastAPI):
    """An application whose document says that a refusal is `application/problem+json`; by itself
    FastAPI puts every model under the content type of the route's success."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            for path in super().openapi()["paths"].values():
                for operation in path.values():
                    for answer in operation["responses"].values():
                        said = answer.get("content", {}).values()
                        if any(media.get("schema") == _PROBLEM for media in said):
                            answer["content"] = {"application/problem+json": {"schema": _PROBLEM}}
        return super().openapi()


def problem(
    request: Request,
    status: int,
    code: ErrorCode,
    title: str,
    detail: str,
    *,
    errors: list[ProblemField] | None = None,
    retry_after: int | None = None,
    kind: str | None = None,
) -> Response:
    """An error answer as RFC 9457 has it. kind: a finer word than the code, for `type`."""
    body = Problem(
        type=f"about:blank#{kind or code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        errors=errors or [],
        request_id=getattr(request.state, "request_id", None),
        retry_after=retry_after,
    )
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else None
    return Response(
        body.model_dump_json(),
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )


def add_error_answers(app: FastAPI) -> None:
    app.add_exception_handler(SafelightError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for gone in GONE:
        app.add_exception_handler(gone, _database_away)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SafelightError)
    retry_after = error.retry_after_s if isinstance(error, Overloaded) else None
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), None)
    if status is None:
        status = 422 if isinstance(error, RequestRefused) else 500
    fields = getattr(error, "errors", ())
    return problem(
        request,
        status,
        error.code,
        error.title,
        error.detail,
        errors=[ProblemField(field=e.field, message=e.message) for e in fields],
        retry_after=retry_after,
        kind=error.kind,
    )


async def _invalid(request: Request, error: Exception) -> Response:
    """What pydantic found wrong, in one answer, named as the caller wrote it."""
    assert isinstance(error, RequestValidationError)
    fields = [
        ProblemField(field=_field(wrong["loc"]), message=_sentence(wrong))
        for wrong in error.errors()[:_FIELDS_MAX]
    ]
    fields = list({(field.field, field.message): field for field in fields}.values())
    detail = " ".join(f"{one.field}: {one.message.rstrip('.')}." for one in fields[:10])
    return problem(request, 422, "invalid_request", "Some fields are wrong", detail, errors=fields)


def _field(place: tuple[Any, ...]) -> str:
    """("body", "parameters", "width") to parameters.width; query and header names alone."""
    parts = [str(part) for part in place]
    if parts and parts[0] in ("body", "query", "path", "header"):
        parts = parts[1:] or parts
    return ".".join(parts)[:200]


def _sentence(wrong: Any) -> str:
    message = str(wrong.get("msg", "is wrong")).removeprefix("Value error, ")
    kind = wrong.get("type")
    if kind == "extra_forbidden":
        return "There is no such field."
    if kind == "missing":
        return "This is needed."
    if kind in ("uuid_parsing", "uuid_type"):
        return "Must be an id as it was given, such as 01a214b9-982f-7b2f-80c3-6fcf55734ad9."
    if kind in ("too_short", "too_long") and isinstance(wrong.get("input"), str):
        # A text that is cleaned before it is measured counts as a list of “items” in pydantic.
        most = wrong["ctx"].get("max_length")
        return f"At most {most:,} characters." if most else "Must not be empty."
    return message[:300]


async def _http(request: Request, error: Exception) -> Response:
    """What the framework itself answers: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem(request, 404, "not_found", "Not found", "There is nothing at this address.")
    title = "This cannot be done here" if error.status_code == 405 else "The request was refused"
    answer = problem(request, error.status_code, "invalid_request", title, str(error.detail) + ".")
    answer.headers.update(error.headers or {})
    return answer


async def _database_away(request: Request, error: Exception) -> Response:
    log.warning("the database is away", error=str(error) or repr(error))
    return problem(
        request,
        503,
        "overloaded",
        "Busy right now",
        "The database is not answering at the moment. Try again; repeated with the same "
        "Idempotency-Key, nothing is done twice.",
        retry_after=2,
    )
