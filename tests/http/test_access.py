"""Who is let in, with what, to whose things."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from safelight.accounts import users
from safelight.accounts.keys import new_key
from safelight.http.app import create_app
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.http.people import Person, join
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

FLUX = {"model": "openai/flux-schnell", "parameters": {"width": 128, "height": 128}}
OPEN = (
    "/healthz",
    "/readyz",
    "/media/{asset_id}/{name}",
    "/api/auth/options",
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/logout",
    "/api/auth/reset",
    "/api/auth/oidc/{name}",
    "/api/auth/oidc/{name}/callback",
)
OPERATIONS = [
    (method, path)
    for path, described in create_app(None).openapi()["paths"].items()
    for method in ("get", "post", "put", "patch", "delete")
    if method in described
]
CLOSED = [operation for operation in OPERATIONS if operation[1] not in OPEN]
# What a key may do that is limited to one scope: these and nothing else.
EVERY_KEY = {("get", "/api/models"), ("get", "/api/styles"), ("get", "/api/me")}
ASSETS_READ = {("get", "/api/assets"), ("get", "/api/assets/{asset_id}")}
JOBS_READ = {
    ("get", path)
    for path in (
        "/api/jobs",
        "/api/jobs/{job_id}",
        "/api/jobs/{job_id}/events",
        "/api/jobs/{job_id}/stream",
        "/api/jobs/{job_id}/receipt",
        "/api/events",
        "/api/stats",
        "/api/credits",
        "/api/credits/ledger",
    )
}
JOBS_WRITE = {
    ("post", "/api/jobs"),
    ("delete", "/api/jobs/{job_id}"),
    ("post", "/api/jobs/{job_id}/retry"),
    ("post", "/api/assets"),
    ("post", "/api/assets/{asset_id}/variations"),
    ("patch", "/api/assets/{asset_id}"),
    ("delete", "/api/assets/{asset_id}"),
    ("post", "/api/assets/{asset_id}/restore"),
}


@contextlib.asynccontextmanager
async def opened(
    cluster: Cluster, fake: FakeOpenAI, folder: Path, **settings: Any
) -> AsyncIterator[Studio]:
    url = await cluster.clone()
    async with Studio.open(url, folder, fake, **({"accounts": "on"} | settings)) as made:
        yield made
    await cluster.drop(url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """Accounts are on, visitors are not let in, nothing is worked on."""
    folder = tmp_path_factory.mktemp("house")
    async with opened(cluster, _fake_openai, folder, with_worker=False) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def square(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """Visitors are let in."""
    folder = tmp_path_factory.mktemp("square")
    known: dict[str, Any] = {"anonymous": "on", "visitor_submits_per_minute": 0}
    async with opened(cluster, _fake_openai, folder, with_worker=False, **known) as made:
        yield made


async def send(studio: Studio, method: str, path: str, **options: Any) -> tuple[int, Any]:
    """Status and body of a request to some id; of a stream or an archive the status alone."""
    for name in (
        "{job_id}",
        "{asset_id}",
        "{key_id}",
        "{user_id}",
        "{user}",
        "{session_id}",
        "{invite_id}",
    ):
        path = path.replace(name, str(uuid4()))
    if method in ("post", "put", "patch"):
        options["json"] = {}
    async with studio.client.stream(method, path, **options) as answer:
        if answer.headers["content-type"].startswith(("text/event-stream", "application/zip")):
            return answer.status_code, None
        await answer.aread()
        return answer.status_code, answer.json()


def without_request_id(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_without_a_key_nothing_is_let_in(house: Studio, method: str, path: str) -> None:
    status, body = await send(house, method, path)

    assert (status, body["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "header",
    [
        "Bearer {unknown}",
        "Bearer sl_mistyped",
        "Bearer sk-anything",
        "Bearer",
        "bearer \xff",
        "Basic YTpi",
        "sl_",
    ],
)
async def test_what_is_no_key_opens_nothing_and_says_what_would(house: Studio, header: str) -> None:
    answer = await house.client.get(
        "/api/jobs",
        headers={"Authorization": header.replace("{unknown}", new_key()).encode("latin-1")},
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_is_its_user(house: Studio) -> None:
    ada = await join(house, "Ada")

    me = (await ada.ask("GET", "/api/me")).json()

    assert me["id"] == str(ada.user.id)
    assert (me["name"], me["role"], me["accounts"]) == ("Ada", "user", True)


async def test_whether_the_server_lives_needs_no_key(house: Studio) -> None:
    assert (await house.client.get("/healthz")).status_code == 200
    assert (await house.client.get("/readyz")).status_code == 200
    assert (await house.client.get("/openapi.json")).status_code == 200


async def test_a_server_with_accounts_answers_to_every_name(house: Studio) -> None:
    answer = await house.client.get("/healthz", headers={"Host": "pictures.example.org"})

    assert answer.status_code == 200


async def test_a_disabled_user_is_kept_out_until_enabled(house: Studio) -> None:
    ada = await join(house)

    await users.set_disabled(house.database, ada.user.id, disabled=True)
    kept_out = await ada.ask("GET", "/api/jobs")
    await users.set_disabled(house.database, ada.user.id, disabled=False)
    await asyncio.sleep(1)
    let_in = await ada.ask("GET", "/api/jobs")

    assert (kept_out.status_code, kept_out.json()["code"]) == (403, "forbidden")
    assert let_in.status_code == 200


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("assets:read", ASSETS_READ | EVERY_KEY),
        ("jobs:read", JOBS_READ | EVERY_KEY),
        ("jobs:write", JOBS_WRITE | EVERY_KEY),
    ],
)
async def test_a_limited_key_is_good_for_its_scope_alone(
    house: Studio, scope: Any, allowed: set[tuple[str, str]]
) -> None:
    limited = await (await join(house, role="admin")).with_key(scope)

    answers = {
        (method, path): await send(house, method, path, headers=limited.headers)
        for method, path in CLOSED
    }

    forbidden = {operation for operation, (status, _) in answers.items() if status == 403}
    assert set(CLOSED) - forbidden == allowed
    assert all(body["code"] == "forbidden" for status, body in answers.values() if status == 403)


async def test_an_unlimited_key_is_good_for_everything_but_administration(house: Studio) -> None:
    chief = await join(house, role="admin")

    forbidden = {
        path
        for method, path in CLOSED
        if (await send(house, method, path, headers=chief.headers))[0] == 403
    }

    assert forbidden
    assert all(path.startswith("/api/admin/") for path in forbidden)


async def test_administration_needs_the_role_and_the_scope(house: Studio) -> None:
    chief, ada = await join(house, role="admin"), await join(house)

    statuses = [
        (await person.ask("GET", "/api/admin/accounts")).status_code
        for person in (chief, await chief.with_key("admin"), ada, await ada.with_key("admin"))
    ]

    assert statuses == [403, 200, 403, 403]


async def test_anothers_jobs_look_like_none(house: Studio) -> None:
    ada, eve = await join(house, "Ada"), await join(house, "Eve")
    job = (await ada.order()).json()["id"]
    ways = [
        ("GET", "/api/jobs/{}"),
        ("GET", "/api/jobs/{}/stream"),
        ("GET", "/api/jobs/{}/events"),
        ("GET", "/api/jobs/{}/receipt"),
        ("POST", "/api/jobs/{}/retry"),
        ("DELETE", "/api/jobs/{}"),
    ]

    foreign = [await eve.ask(method, path.format(job)) for method, path in ways]
    missing = [await eve.ask(method, path.format(uuid4())) for method, path in ways]

    assert [answer.status_code for answer in foreign] == [404] * len(ways)
    assert [without_request_id(answer) for answer in foreign] == [
        without_request_id(answer) for answer in missing
    ]
    assert (await eve.ask("GET", "/api/jobs?q=heron")).json()["items"] == []
    assert (await eve.ask("GET", "/api/stats")).json()["by_status"]["pending"] == 0
    assert (await eve.ask("GET", "/api/credits/ledger")).json()["items"][0]["job_id"] is None
    assert (await ada.ask("GET", f"/api/jobs/{job}")).json()["status"] == "pending"


async def test_a_stream_tells_of_ones_own_jobs_only(house: Studio) -> None:
    ada, eve = await join(house, "Ada"), await join(house, "Eve")
    seen: set[str] = set()

    async def watch() -> None:
        async for event in house.events("/api/events", headers=eve.headers):
            if "data" in event:
                seen.add(event["data"].get("job_id"))

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.3)
    of_ada = (await ada.order()).json()["id"]
    of_eve = (await eve.order()).json()["id"]
    deadline = time.monotonic() + 5
    while not seen and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    watching.cancel()

    assert of_eve in seen
    assert of_ada not in seen


async def test_an_idempotency_key_is_ones_own(house: Studio) -> None:
    ada, eve = await join(house, "Ada"), await join(house, "Eve")

    jobs = [
        (
            await house.client.post(
                "/api/jobs",
                json={"prompt": "a heron"},
                headers=person.headers | {"Idempotency-Key": "one"},
            )
        ).json()["id"]
        for person in (ada, eve, ada)
    ]

    assert jobs[0] == jobs[2] != jobs[1]


async def test_anothers_pictures_look_like_none(
    cluster: Cluster, provider_api: FakeOpenAI, tmp_path: Path
) -> None:
    async with opened(cluster, provider_api, tmp_path) as studio:
        ada, eve = await join(studio, "Ada"), await join(studio, "Eve")
        job = (await ada.order(**FLUX)).json()
        while job["status"] != "completed":
            job = (await ada.ask("GET", f"/api/jobs/{job['id']}?wait=5")).json()
        asset = job["outputs"][0]["asset"]
        ways: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", "/api/assets/{}", {}),
            ("PATCH", "/api/assets/{}", {"json": {"starred": True}}),
            ("DELETE", "/api/assets/{}", {}),
            ("POST", "/api/assets/{}/restore", {}),
        ]

        foreign = [await eve.ask(way, path.format(asset["id"]), **more) for way, path, more in ways]
        missing = [await eve.ask(way, path.format(uuid4()), **more) for way, path, more in ways]
        quoted = await studio.client.post(
            "/api/jobs?dry_run=true", json={"prompt": "a heron"} | FLUX, headers=eve.headers
        )
        same = (await eve.order(**FLUX)).json()

        assert [answer.status_code for answer in foreign] == [404] * len(ways)
        assert [without_request_id(answer) for answer in foreign] == [
            without_request_id(answer) for answer in missing
        ]
        assert (await eve.ask("GET", "/api/assets")).json()["items"] == []
        assert quoted.json()["reuse"] is None
        assert same["reused"] is None
        assert (await studio.client.get(asset["url"])).status_code == 200, "a link is a permission"
        assert (await ada.ask("GET", f"/api/assets/{asset['id']}")).json()["starred"] is False


@pytest.mark.timing
async def test_a_key_is_made_used_and_revoked(house: Studio) -> None:
    ada = await join(house)

    made = await ada.ask(
        "POST", "/api/keys", json={"name": " my  laptop ", "scopes": ["jobs:read"]}
    )
    second = Person(house, ada.user, made.json()["key"])
    worked = await second.ask("GET", "/api/jobs")
    listed = (await ada.ask("GET", "/api/keys")).json()
    revoked = await ada.ask("DELETE", f"/api/keys/{made.json()['id']}")
    begin = time.monotonic()
    while (await second.ask("GET", "/api/jobs")).status_code == 200:
        assert time.monotonic() < begin + 1.2
        await asyncio.sleep(0.02)

    assert made.status_code == 201
    assert worked.status_code == 200
    assert [key["name"] for key in listed] == ["my laptop", "laptop"]
    assert all(made.json()["key"] not in str(key) for key in listed)
    assert made.json()["key"].startswith(listed[0]["hint"])
    assert revoked.status_code == 200
    assert len((await ada.ask("GET", "/api/keys")).json()) == 1
    assert (await ada.ask("DELETE", f"/api/keys/{made.json()['id']}")).status_code == 404


async def test_anothers_key_is_neither_seen_nor_revoked(house: Studio) -> None:
    ada, eve = await join(house, "Ada"), await join(house, "Eve")
    key = (await ada.ask("GET", "/api/keys")).json()[0]["id"]

    revoked = await eve.ask("DELETE", f"/api/keys/{key}")
    listed = (await eve.ask("GET", "/api/keys")).json()

    assert revoked.status_code == 404
    assert key not in [each["id"] for each in listed]
    assert (await ada.ask("GET", "/api/jobs")).status_code == 200


async def test_no_key_makes_one_that_may_more_than_itself(house: Studio) -> None:
    chief = await join(house, role="admin")
    limited = await chief.with_key("jobs:read", "jobs:write", "assets:read")
    wanted = {"name": "more", "scopes": ["admin"]}

    answers = [
        await limited.ask("POST", "/api/keys", json={"name": "more"}),
        await limited.ask("GET", "/api/keys"),
        await chief.ask("POST", "/api/keys", json=wanted),
        await (await join(house)).ask("POST", "/api/keys", json=wanted),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("name", {}),
        ("name", {"name": ""}),
        ("name", {"name": " \x00 "}),
        ("name", {"name": "x" * 101}),
        ("scopes", {"name": "a", "scopes": []}),
        ("scopes.0", {"name": "a", "scopes": ["everything"]}),
        ("expires_at", {"name": "a", "expires_at": "2020-01-01T00:00:00Z"}),
        ("expires_at", {"name": "a", "expires_at": "2099-01-01T00:00:00"}),
        ("expires_at", {"name": "a", "expires_at": "9999-12-31T23:59:59-12:00"}),
        ("expires_at", {"name": "a", "expires_at": "0001-01-01T00:00:00+14:00"}),
        ("key", {"name": "a", "key": "sl_mine"}),
    ],
)
async def test_a_wrong_key_order_is_named(house: Studio, field: str, body: dict[str, Any]) -> None:
    answer = await (await join(house)).ask("POST", "/api/keys", json=body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_keys_are_not_made_by_the_hundred(house: Studio) -> None:
    ada = await join(house)

    answers = [await ada.ask("POST", "/api/keys", json={"name": str(n)}) for n in range(22)]

    assert [answer.status_code for answer in answers] == [201] * 20 + [429] * 2
    assert 3590 <= int(answers[-1].headers["retry-after"]) <= 3600


async def test_metrics_are_for_this_machine_and_for_administrators(house: Studio) -> None:
    chief, ada = await join(house, role="admin"), await join(house)
    headers = [
        {},
        {"X-Forwarded-For": "203.0.113.9"},  # a proxy on this machine asks for somebody
        {"Host": "evil.example"},
        {"X-Forwarded-For": "203.0.113.9"} | ada.headers,
        {"X-Forwarded-For": "203.0.113.9"} | (await chief.with_key("admin")).headers,
    ]

    statuses = [(await house.client.get("/metrics", headers=each)).status_code for each in headers]

    assert statuses == [200, 401, 401, 403, 200]


async def test_without_accounts_a_key_is_its_user_and_other_tokens_mean_nothing(
    desk: Studio,
) -> None:
    ada = await join(desk, "Ada")

    async def name(**headers: str) -> str:
        answer = await desk.client.get("/api/me", headers=headers)
        return str(answer.json()["name"]) if answer.status_code == 200 else "nobody"

    assert await name() == "You"
    assert await name(Authorization="Bearer sk-whatever") == "You"
    assert await name(Authorization="Basic YTpi") == "You"
    assert await name(Authorization=f"Bearer {ada.key}") == "Ada"
    assert await name(Authorization=f"Bearer {new_key()}") == "nobody"
    assert await name(Authorization="Bearer sl_mistyped") == "nobody"


async def test_a_visitor_gets_a_cookie_with_his_first_order_and_is_known_by_it(
    square: Studio,
) -> None:
    looked = await square.client.get("/api/jobs")
    ordered = await square.client.post("/api/jobs", json={"prompt": "a heron"})
    cookie = ordered.headers["set-cookie"]
    square.client.cookies.clear()
    name_and_value = {"Cookie": cookie.partition(";")[0]}

    mine = await square.client.get("/api/jobs", headers=name_and_value)
    again = await square.client.post("/api/jobs", json={"prompt": "a fox"}, headers=name_and_value)
    strangers = await square.client.get("/api/jobs")
    forged = await square.client.get(
        "/api/jobs", headers={"Cookie": name_and_value["Cookie"][:-4] + "AAAA"}
    )

    assert looked.status_code == 200
    assert "set-cookie" not in looked.headers
    assert ordered.status_code == 202
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert [job["id"] for job in mine.json()["items"]] == [ordered.json()["id"]]
    assert again.status_code == 202
    assert "set-cookie" not in again.headers
    assert strangers.json()["items"] == []
    assert forged.json()["items"] == []


async def test_a_visitors_stream_tells_of_what_he_orders_next(square: Studio) -> None:
    async with square.client.stream("GET", "/api/events") as stream:
        cookie = stream.headers["set-cookie"].partition(";")[0]
        square.client.cookies.clear()
        ordered = await square.client.post(
            "/api/jobs", json={"prompt": "an owl"}, headers={"Cookie": cookie}
        )
        text = ""
        async for chunk in stream.aiter_text():
            text += chunk
            if ordered.json()["id"] in text:
                break

    assert ordered.status_code == 202
    assert ordered.json()["id"] in text


async def test_visitors_do_not_administrate_or_have_keys(square: Studio) -> None:
    answers = [
        await square.client.get("/api/admin/accounts"),
        await square.client.get("/api/keys"),
        await square.client.post("/api/keys", json={"name": "mine"}),
        await square.client.delete(f"/api/keys/{uuid4()}"),
        await square.client.get("/metrics", headers={"X-Real-IP": "203.0.113.9"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5


async def test_behind_https_the_cookie_stays_with_this_host(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    known: dict[str, Any] = {"anonymous": "on", "public_url": "https://pictures.example.org"}
    async with opened(cluster, _fake_openai, tmp_path, with_worker=False, **known) as studio:
        ordered = await studio.client.post("/api/jobs", json={"prompt": "a heron"})

    cookie = ordered.headers["set-cookie"]
    assert cookie.startswith("__Host-visitor=")
    assert "; Secure" in cookie
    assert "; Path=/;" in cookie
    assert "Domain" not in cookie
