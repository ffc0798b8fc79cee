"""The OpenAPI document and the server say the same."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from safelight.http.app import create_app
from safelight.values.ids import LOCAL_OWNER
from tests.faults.schedule import LONG
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT: dict[str, Any] = create_app(None).openapi()
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = [
    (method, path)
    for path, described in DOCUMENT["paths"].items()
    for method in METHODS
    if method in described
]
CASES = 50_000 if LONG else 2_000  # of all operations together; those that take nothing get one
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ENDLESS = "/api/events"  # read as far as its first bytes


def takes_input(method: str, path: str) -> bool:
    described = DOCUMENT["paths"][path][method]
    return bool(described.get("parameters") or described.get("requestBody"))


CASES_EACH = math.ceil(CASES / sum(takes_input(*operation) for operation in OPERATIONS))


def operation_of(url: str, method: str, path: str) -> Any:
    config = SchemathesisConfig.from_dict(
        {"generation": {"mode": "all", "deterministic": True, "allow-x00": True}}
    )
    schema = schemathesis.openapi.from_dict(DOCUMENT, config=config)
    schema.config.base_url = url
    return schema[path][method.upper()]


def ask(url: str, method: str, path: str, job_id: str, seen: Counter[int]) -> None:
    """A few dozen requests, right and wrong ones, each answer held against the document."""
    operation = operation_of(url, method, path)
    wishes = operation.as_strategy(generation_mode=GenerationMode.POSITIVE) | operation.as_strategy(
        generation_mode=GenerationMode.NEGATIVE
    )

    @hypothesis.seed(20260101)
    @hypothesis.settings(
        max_examples=CASES_EACH,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=wishes)
    def each(case: Case) -> None:
        if path == ENDLESS:
            given = case.as_transport_kwargs(base_url=url)
            with httpx2.stream(
                given["method"],
                given["url"],
                params=given.get("params"),
                headers=dict(given["headers"]),
                trust_env=False,
                timeout=10,
            ) as answer:
                assert answer.status_code < 500
                seen[answer.status_code] += 1
            return
        if sum(seen.values()) % 2:
            name_what_there_is(case, job_id)
        response = case.call(base_url=url, timeout=20)
        seen[response.status_code] += 1
        # What a stream's `data:` must look like is checked in test_stream.py.
        skipped = [response_schema_conformance] if path.endswith("/stream") else []
        case.validate_response(response, checks=CHECKS, excluded_checks=skipped)

    each()


def name_what_there_is(case: Case, job_id: str) -> None:
    """Nobody guesses an id."""
    there_is = {"job_id": job_id, "job": job_id, "user": str(LOCAL_OWNER), "lane": "openai"}
    case.path_parameters.update(
        {name: there_is[name] for name in case.path_parameters if name in there_is}
    )
    if isinstance(case.body, dict):
        case.body.update({name: there_is[name] for name in case.body if name in there_is})


# Nothing is there to be named: no asset, no key, no other user, no dead letter, no invite, no
# payment. Nobody may change himself. Logins are off here: test_logins.py asks where they are on.
NEVER_FOUND = (
    *("{asset_id}", "{key_id}", "{user_id}", "/dead-letters/{job_id}", "/admin/refunds"),
    *("{invite_id}", "/admin/users/{user}", "/api/auth/"),
)
NEVER_DONE = [
    ("delete", "/api/me"),  # the owner of the server stays
    ("post", "/api/assets"),  # random bytes are no picture; tests/http/test_uploads.py has some
    # Random bodies hardly ever say either which letters or of which kind; test_admin.py does.
    ("post", "/api/admin/dead-letters/replay"),
    ("post", "/api/admin/dead-letters/discard"),
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_no_request_breaks_the_server_or_the_contract(
    desk: Studio, method: str, path: str
) -> None:
    seen: Counter[int] = Counter()
    job = await desk.submit()
    await desk.client.delete(f"/api/jobs/{job['id']}")

    await asyncio.to_thread(ask, desk.url, method, path, job["id"], seen)

    assert sum(seen.values()) >= (CASES_EACH if takes_input(method, path) else 1)
    if not any(part in path for part in NEVER_FOUND) and (method, path) not in NEVER_DONE:
        assert any(status < 300 or status == 409 for status in seen), seen
    assert (await desk.client.get("/readyz")).status_code == 200


async def test_the_checked_in_document_is_what_the_command_prints() -> None:
    command = [sys.executable, "-m", "safelight", "openapi"]
    printed = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, check=True, text=True
    )
    kept = Path(__file__).parents[2] / "studio" / "openapi.json"

    assert json.loads(kept.read_text()) == json.loads(printed.stdout)


async def test_the_served_document_is_the_same(desk: Studio) -> None:
    assert (await desk.client.get("/openapi.json")).json() == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_every_refusal_in_the_document_is_a_problem(method: str, path: str) -> None:
    described = DOCUMENT["paths"][path][method]
    refusals = {
        status: answer for status, answer in described["responses"].items() if status >= "400"
    }

    if path == "/healthz":
        assert refusals == {}, "it cannot fail"
        return
    if path == "/readyz":
        return  # its 503 says what is in the way
    assert refusals, "a route that cannot fail?"
    for status, answer in refusals.items():
        schema = answer["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}, status
        assert "application/json" not in answer["content"], status
    assert {"403", "422", "503"} <= set(refusals)


async def test_every_operation_has_a_name_of_its_own() -> None:
    names = [DOCUMENT["paths"][path][method]["operationId"] for method, path in OPERATIONS]

    assert len(names) == len(set(names))
