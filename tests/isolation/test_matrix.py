"""Every operation of the API, asked for by every kind of caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from safelight.http.app import create_app
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.isolation.matrix import OWNED, ROWS, USERS, VISITORS, Ids, Principal, expected
from tests.isolation.world import World, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATIONS = [
    f"{method.upper()} {path}"
    for path, described in create_app(None).openapi()["paths"].items()
    for method in ("get", "post", "put", "patch", "delete")
    if method in described
]
KNOWN = [operation for operation in OPERATIONS if operation in ROWS]
ONE_ID = {"X-Request-ID": "the-same-for-both"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("house")
    async with opened(cluster, _fake_openai, folder, with_worker=False) as studio:
        yield await World.of_users(studio, USERS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def square(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("square")
    async with opened(
        cluster, _fake_openai, folder, with_worker=False, anonymous="on", visitor_credits=1000
    ) as studio:
        yield await World.of_visitors(studio)


async def test_every_operation_has_its_row() -> None:
    new = [operation for operation in OPERATIONS if operation not in ROWS]

    assert not new, (
        f"{', '.join(new)}: nobody has said who may do this. Add a row to ROWS in "
        "tests/isolation/matrix.py: what a key must be good for, and what the path names."
    )
    assert len(KNOWN) * (len(USERS) + len(VISITORS)) >= 2000


def body_of(operation: str, ids: Ids) -> dict[str, Any]:
    row = ROWS[operation]
    if row.file:
        return {"files": {"file": ("a.png", b"\x89PNG\r\n\x1a\n", "image/png")}}
    return {"json": row.body(ids)} if row.body else {}


async def ask_everybody(
    world: World, operation: str, principals: tuple[Principal, ...]
) -> dict[str, tuple[int, Any]]:
    """Name: (what was answered, what should have been), where the two differ."""
    row, wrong = ROWS[operation], {}
    theirs = await world.make(row.thing)
    before = await world.state_of(theirs)
    for who in principals:
        should = expected(row, who)
        may = should == row.ok and row.needs != "open"
        ids = await world.make(row.thing) if may else theirs
        answer = await world.send(operation, ids, who.name, **body_of(operation, ids))
        if answer.status_code not in (should if isinstance(should, tuple) else (should,)):
            wrong[who.name] = (answer.status_code, should)
        elif should != row.ok and should in (401, 403):
            code = "unauthenticated" if should == 401 else "forbidden"
            assert answer.json()["code"] == code
    assert await world.state_of(theirs) == before, "somebody changed what is not his"
    return wrong


@pytest.mark.parametrize("operation", KNOWN)
async def test_every_user_gets_what_is_his_and_nothing_else(house: World, operation: str) -> None:
    assert await ask_everybody(house, operation, USERS) == {}


@pytest.mark.parametrize("operation", KNOWN)
async def test_every_visitor_gets_what_is_his_and_nothing_else(
    square: World, operation: str
) -> None:
    assert await ask_everybody(square, operation, VISITORS) == {}


@pytest.mark.parametrize(
    "operation",
    [
        operation
        for operation in KNOWN
        if ROWS[operation].thing in OWNED and ROWS[operation].needs != "admin"
    ],
)
@pytest.mark.parametrize("where", ["house", "square"])
async def test_what_is_anothers_looks_as_if_there_were_none(
    house: World, square: World, operation: str, where: str
) -> None:
    world = house if where == "house" else square
    others = ("other user", "other user, logged in", "administrator, key for all scopes")
    if where == "square":
        others = ("another visitor", "visitor with a forged cookie")
    theirs = await world.make(ROWS[operation].thing)
    none = theirs | {name: str(uuid4()) for name in ("job_id", "asset_id", "key_id")}

    for name in others:
        foreign, missing = [
            await world.send(operation, ids, name, **body_of(operation, ids), headers=ONE_ID)
            for ids in (theirs, none)
        ]

        assert foreign.content == missing.content
        assert head(foreign) == head(missing)


def head(answer: Any) -> dict[str, str]:
    """The headers, without the time, and the cookie of a visitor who is new each time."""
    return {k: v for k, v in answer.headers.items() if k not in ("date", "set-cookie")}
