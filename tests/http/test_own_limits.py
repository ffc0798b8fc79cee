"""What an administrator sets for one user instead of what the settings say for all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from safelight.accounts import logins
from safelight.jobs import turns
from safelight.values.ids import LOCAL_OWNER, acting_for
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.http.people import Person, join
from tests.images.pictures import noise, saved
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

OF_ALL = {"submits_per_minute": 5, "open_max": 3, "running_max": 2, "quota_bytes": 60_000}
NOTHING = dict.fromkeys(OF_ALL)
SKETCH = {"model": "sketch", "reuse": "never"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """Accounts are on, everybody may have little, nothing is worked on."""
    url = await cluster.clone()
    folder = tmp_path_factory.mktemp("house")
    settings: dict[str, Any] = {
        "accounts": "on",
        "user_submits_per_minute": OF_ALL["submits_per_minute"],
        "user_open_max": OF_ALL["open_max"],
        "user_running_max": OF_ALL["running_max"],
        "quota_bytes": OF_ALL["quota_bytes"],
    }
    async with Studio.open(url, folder, _fake_openai, with_worker=False, **settings) as made:
        yield made
    await cluster.drop(url)


@pytest_asyncio.fixture(loop_scope="module")
async def root(house: Studio) -> Person:
    return await (await join(house, "Root", role="admin")).with_key("admin")


@pytest_asyncio.fixture(loop_scope="module")
async def ada(house: Studio) -> Person:
    return await join(house, "Ada")


async def set_limits(root: Person, whose: Person, **limits: Any) -> httpx2.Response:
    """As an administrator does it, and known to this process at once."""
    path = f"/api/admin/users/{whose.user.id}"
    answer = await root.ask("PATCH", path, json={"limits": limits})
    root.studio.shop.access._keyring._remembered.clear()
    return answer


async def shown(root: Person, whose: Person) -> dict[str, Any]:
    listed = (await root.ask("GET", "/api/admin/users")).json()
    return next(user for user in listed if user["id"] == str(whose.user.id))


async def accepted(who: Person, orders: int) -> int:
    """How many of so many orders were."""
    answers = [(await who.order(f"heron {n}", **SKETCH)).status_code for n in range(orders)]
    assert set(answers) <= {202, 429}
    return answers.count(202)


async def test_they_are_set_seen_and_taken_back(root: Person, ada: Person) -> None:
    before = await shown(root, ada)
    changed = (await set_limits(root, ada, open_max=7, quota_bytes=10**9)).json()
    listed = await shown(root, ada)
    half = (await set_limits(root, ada, open_max=None)).json()
    after = (await set_limits(root, ada, quota_bytes=None, running_max=None)).json()

    own = {"open_max": 7, "quota_bytes": 10**9}
    assert (before["limits"], before["allowed"]) == (NOTHING, OF_ALL)
    assert (changed["limits"], changed["allowed"]) == (NOTHING | own, OF_ALL | own)
    assert listed == changed | {"last_seen_at": listed["last_seen_at"]}
    assert half["limits"] == NOTHING | {"quota_bytes": 10**9}
    assert (after["limits"], after["allowed"]) == (NOTHING, OF_ALL)


async def test_orders_a_minute_are_counted_by_them(
    house: Studio, root: Person, ada: Person
) -> None:
    eve = await join(house, "Eve")
    await set_limits(root, ada, submits_per_minute=2, open_max=100)
    await set_limits(root, eve, open_max=100)

    adas, eves = await accepted(ada, 4), await accepted(eve, 7)
    refused = await ada.order("one more")
    await set_limits(root, ada, submits_per_minute=4)
    more = await accepted(ada, 4)

    assert (adas, eves, more) == (2, OF_ALL["submits_per_minute"], 2)
    assert refused.headers["ratelimit-policy"] == '"orders";q=2;w=60'
    assert "2 times a minute" in refused.json()["detail"]


async def test_unfinished_jobs_are_bounded_by_them(root: Person, ada: Person) -> None:
    await set_limits(root, ada, open_max=1, submits_per_minute=100)

    first = await accepted(ada, 2)
    said = (await ada.order("another", **SKETCH)).json()["detail"]
    await set_limits(root, ada, open_max=None)
    second = await accepted(ada, 4)

    assert (first, second) == (1, OF_ALL["open_max"] - 1)
    assert "1 are allowed" in said


async def test_running_jobs_are_bounded_by_them_and_parked_ones_let_in(
    house: Studio, root: Person, ada: Person
) -> None:
    async def parked() -> int:
        found: int = await house.database.fetchval(
            "SELECT parked_jobs FROM accounts WHERE id = $1", ada.user.id
        )
        return found

    await set_limits(root, ada, running_max=1, open_max=100, submits_per_minute=100)
    await accepted(ada, 5)
    at_first = await parked()
    await set_limits(root, ada, running_max=4)
    await turns.unpark_forgotten(house.database)
    raised = await parked()
    await set_limits(root, ada, running_max=None)
    await accepted(ada, 1)

    assert (at_first, raised, await parked()) == (4, 1, 2)
    assert (
        await house.database.fetchval("SELECT running_max FROM accounts WHERE id = $1", ada.user.id)
        == OF_ALL["running_max"]
    )


async def test_uploads_are_bounded_by_them_and_the_user_is_told(root: Person, ada: Person) -> None:
    async def send(side: int) -> int:
        data = saved(noise(64, side), "PNG")
        return (await ada.ask("POST", "/api/assets", files={"file": ("a.png", data)})).status_code

    await set_limits(root, ada, quota_bytes=1)
    refused = await send(64)
    told = (await ada.ask("GET", "/api/me")).json()["storage"]
    await set_limits(root, ada, quota_bytes=200_000)
    kept = [await send(64 + n) for n in range(6)]  # more than the settings' 60,000 bytes

    assert refused == 413
    assert told == {"used_bytes": 0, "max_bytes": 1}
    assert set(kept) == {201}
    assert (await ada.ask("GET", "/api/me")).json()["storage"]["max_bytes"] == 200_000


async def test_a_session_has_them_too(house: Studio, root: Person, ada: Person) -> None:
    await set_limits(root, ada, quota_bytes=12_345)
    token = await logins.begin(house.database, ada.user.id, agent=None, address=None)

    me = await house.client.get("/api/me", headers={"Cookie": f"sid={token}"})

    assert me.json()["storage"]["max_bytes"] == 12_345


async def test_they_hold_within_a_second_in_a_process_that_was_not_asked(
    root: Person, ada: Person
) -> None:
    await ada.ask("GET", "/api/me")  # from now on the key is remembered
    path = f"/api/admin/users/{ada.user.id}"
    await root.ask("PATCH", path, json={"limits": {"quota_bytes": 777}})

    async def told() -> int:
        found: int = (await ada.ask("GET", "/api/me")).json()["storage"]["max_bytes"]
        return found

    async with asyncio.timeout(3):
        while await told() != 777:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", OF_ALL)
@pytest.mark.parametrize("value", [0, -1, 1.5, "5", True, 10**18, [], 2**80])
async def test_what_is_no_limit_is_refused_by_name_and_changes_nothing(
    root: Person, ada: Person, name: str, value: Any
) -> None:
    other = "open_max" if name != "open_max" else "running_max"
    await set_limits(root, ada, open_max=9, running_max=9)
    before = await shown(root, ada)
    path = f"/api/admin/users/{ada.user.id}"
    body = {"role": "admin", "disabled": True, "limits": {name: value, other: 2}}

    answer = await root.ask("PATCH", path, json=body)

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {f"limits.{name}"}
    assert await shown(root, ada) == before


@pytest.mark.parametrize("limits", [{}, None, {"storage": 5}, 5])
async def test_what_names_no_limit_is_refused(root: Person, ada: Person, limits: Any) -> None:
    path = f"/api/admin/users/{ada.user.id}"

    answer = await root.ask("PATCH", path, json={"limits": limits})

    assert answer.status_code == 422


async def test_the_owner_before_accounts_has_none(house: Studio, root: Person) -> None:
    path = f"/api/admin/users/{LOCAL_OWNER}"

    answer = await root.ask("PATCH", path, json={"limits": {"open_max": 5}})
    owner = (await root.ask("GET", "/api/admin/users")).json()[0]

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limits")
    assert (owner["id"], owner["allowed"]) == (str(LOCAL_OWNER), NOTHING)


async def test_an_administrator_may_set_his_own_and_nothing_else_of_himself(root: Person) -> None:
    own = await set_limits(root, root, open_max=50)
    path = f"/api/admin/users/{root.user.id}"

    both = await root.ask("PATCH", path, json={"limits": {"open_max": 60}, "disabled": True})

    assert own.json()["limits"]["open_max"] == 50
    assert both.status_code == 422
    assert (await shown(root, root))["limits"]["open_max"] == 50


async def test_nobody_else_sets_or_sees_them(house: Studio, ada: Person) -> None:
    path = f"/api/admin/users/{ada.user.id}"

    answers = [
        await ada.ask("PATCH", path, json={"limits": {"open_max": 1000}}),
        await (await ada.with_key("jobs:write")).ask("GET", "/api/admin/users"),
    ]

    assert Counter(answer.status_code for answer in answers) == {403: 2}
    assert (
        await house.database.fetchval(
            "SELECT open_max FROM users WHERE id = $1", acting_for(ada.user.id)
        )
        is None
    )
