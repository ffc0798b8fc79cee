"""Money, keys and roles: only shortly after somebody proved who he is; what administrators do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from safelight.accounts import joining, keys, users
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.http.logins import PASSWORD, Browser, opened, with_password
from tests.http.people import join
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    folder = tmp_path_factory.mktemp("house")
    known: dict[str, Any] = {"trusted_proxies": ["127.0.0.1"], "registration": "invite"}
    async with opened(cluster, _fake_openai, folder, **known) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def chief(house: Studio) -> AsyncIterator[Browser]:
    """An administrator who logged in a while ago."""
    await house.database.execute("DELETE FROM users WHERE email = 'chief@example.org'")
    await house.database.execute("DELETE FROM windows")
    await with_password(house, "chief@example.org", role="admin")
    async with Browser(house) as browser:
        await browser.log_in("chief@example.org")
        await a_while_ago(house)
        yield browser


async def a_while_ago(studio: Studio) -> None:
    """Whoever proved who he is did so 16 minutes ago; and this process knows."""
    await studio.database.execute("UPDATE logins SET confirmed_at = now() - interval '16 minutes'")
    studio.shop.reception.logins._remembered.clear()


def delicate(user_id: Any) -> list[tuple[str, str, dict[str, Any]]]:
    grant = {"user": str(user_id), "credits": 5, "reference": "gift"}
    return [
        ("POST", "/api/keys", {"name": "laptop"}),
        ("POST", "/api/admin/grants", grant),
        ("PUT", f"/api/admin/accounts/{user_id}", {"unlimited": True}),
        ("PATCH", f"/api/admin/users/{user_id}", {"role": "admin"}),
        ("POST", f"/api/admin/users/{user_id}/reset", {}),
        ("POST", "/api/admin/invites", {"role": "admin"}),
    ]


async def test_money_keys_and_roles_need_a_fresh_proof(house: Studio, chief: Browser) -> None:
    ada = await join(house)
    acts = delicate(ada.user.id)

    async def do(act: tuple[str, str, dict[str, Any]]) -> httpx2.Response:
        return await chief.ask(act[0], act[1], json=act[2])

    before = [await do(act) for act in acts]
    read = await chief.get("/api/admin/users")
    old_token = chief.token
    wrong = await chief.post("/api/auth/confirm", password="not the right one")
    confirmed = await chief.post("/api/auth/confirm", password=PASSWORD)
    after = [await do(act) for act in acts]

    assert [answer.status_code for answer in before] == [403] * len(acts)
    assert {answer.json()["type"] for answer in before} == {"about:blank#confirmation_needed"}
    assert {answer.json()["code"] for answer in before} == {"forbidden"}
    assert read.status_code == 200, "looking needs none"
    assert [error["field"] for error in wrong.json()["errors"]] == ["password"]
    assert confirmed.json()["email"] == "chief@example.org"
    assert chief.token != old_token
    assert [answer.status_code for answer in after] == [201, 201, 200, 200, 201, 201]


async def test_the_token_from_before_a_proof_opens_nothing(house: Studio, chief: Browser) -> None:
    async with Browser(house) as thief:
        thief.token = chief.token or ""
        assert await thief.who() == "chief"

        await chief.post("/api/auth/confirm", password=PASSWORD)

        assert await thief.who() == "unauthenticated"


async def test_an_administrators_key_needs_no_proof(house: Studio) -> None:
    boss = await (await join(house, role="admin")).with_key("admin")
    ada = await join(house)

    answer = await boss.ask(
        "POST",
        "/api/admin/grants",
        json={"user": str(ada.user.id), "credits": 5, "reference": "for Ada"},
    )
    confirm = await (await join(house)).ask("POST", "/api/auth/confirm", json={"password": "x"})

    assert answer.status_code == 201
    assert confirm.status_code == 403


async def test_a_proof_is_guessed_at_no_more_often_than_a_login(
    house: Studio, chief: Browser
) -> None:
    answers = [await chief.post("/api/auth/confirm", password=f"guess {n}") for n in range(12)]

    assert Counter(answer.status_code for answer in answers) == {422: 10, 429: 2}
    assert (await chief.post("/api/auth/confirm", password=PASSWORD)).status_code == 429


# What administrators do


async def confirmed(chief: Browser) -> Browser:
    assert (await chief.post("/api/auth/confirm", password=PASSWORD)).status_code == 200
    return chief


async def test_whoever_is_made_an_administrator_logs_in_again(
    house: Studio, chief: Browser
) -> None:
    user = await with_password(house, "rosa@example.org")
    async with Browser(house, "203.0.113.2") as rosa:
        await rosa.log_in("rosa@example.org")
        assert (await rosa.get("/api/admin/users")).status_code == 403

        promoted = await (await confirmed(chief)).ask(
            "PATCH", f"/api/admin/users/{user.id}", json={"role": "admin"}
        )
        await asyncio.sleep(1.05)

        assert (promoted.status_code, promoted.json()["role"]) == (200, "admin")
        assert await rosa.who() == "unauthenticated"
        await rosa.log_in("rosa@example.org")
        assert (await rosa.get("/api/admin/users")).status_code == 200

        await chief.ask("PATCH", f"/api/admin/users/{user.id}", json={"disabled": True})
        await asyncio.sleep(1.05)
        assert await rosa.who() == "unauthenticated"
        assert (await rosa.log_in("rosa@example.org")).status_code == 403


async def test_who_calls_himself_by_an_address_is_not_made_an_administrator_for_it(
    house: Studio, chief: Browser
) -> None:
    eve = await users.create(house.database, "ceo@corp.example", email="eve@example.org")
    path = "/api/admin/users/ceo@corp.example"

    promoted = await (await confirmed(chief)).ask("PATCH", path, json={"role": "admin"})
    reset = await chief.post(f"{path}/reset")

    assert (promoted.status_code, reset.status_code) == (404, 404)
    assert (await users.find(house.database, str(eve.id))).role == "user"


async def test_users_are_listed_with_how_they_come_in(house: Studio, chief: Browser) -> None:
    ada = await join(house, "Ada")
    await ada.ask("GET", "/api/me")

    listed = {user["id"]: user for user in (await chief.get("/api/admin/users")).json()}

    me = (await chief.get("/api/me")).json()
    assert listed[me["id"]]["has_password"] is True
    assert listed[str(ada.user.id)]["has_password"] is False
    assert listed[str(ada.user.id)]["last_seen_at"] is not None
    assert "$argon2" not in str(listed)


async def test_nobody_takes_the_last_administrator_away(house: Studio, chief: Browser) -> None:
    me = (await (await confirmed(chief)).get("/api/me")).json()["id"]

    himself = await chief.ask("PATCH", f"/api/admin/users/{me}", json={"role": "user"})
    await house.database.execute("UPDATE users SET role = 'user' WHERE id <> $1", me)
    boss = await (await join(house, role="admin")).with_key("admin")
    await house.database.execute("UPDATE users SET disabled_at = now() WHERE id = $1", boss.user.id)
    with pytest.raises(Exception, match="last administrator"):
        await joining.change_user(house.database, me, role="user", disabled=None)

    assert himself.status_code == 422
    assert (await chief.get("/api/me")).json()["role"] == "admin"


async def test_a_forgotten_password_is_chosen_anew_with_a_code_once(
    house: Studio, chief: Browser
) -> None:
    user = await with_password(house, "sam@example.org")
    path = f"/api/admin/users/{user.id}/reset"
    async with Browser(house, "203.0.113.3") as sam, Browser(house, "203.0.113.4") as old:
        await old.log_in("sam@example.org")
        outdated = (await (await confirmed(chief)).post(path)).json()["code"]
        made = (await chief.post(path)).json()

        async def reset(code: str, password: str = "an owl in the old barn") -> httpx2.Response:
            return await sam.post("/api/auth/reset", code=code, password=password)

        answers = [
            await reset(outdated),
            await reset(made["code"], "short"),
            await reset(made["code"]),
            await reset(made["code"]),
        ]

        assert made["url"] == f"{house.url}/reset?code={made['code']}"
        assert [answer.status_code for answer in answers] == [403, 422, 200, 403]
        assert await sam.who() == "sam"
        await asyncio.sleep(1.05)
        assert await old.who() == "unauthenticated"
        assert (await old.log_in("sam@example.org")).status_code == 401
        assert (await old.log_in("sam@example.org", "an owl in the old barn")).status_code == 200


async def test_an_invite_is_made_listed_and_taken_back(house: Studio, chief: Browser) -> None:
    made = (await (await confirmed(chief)).post("/api/admin/invites", note=" for\x00 Tom ")).json()
    listed = (await chief.get("/api/admin/invites")).json()
    taken_back = await chief.ask("DELETE", f"/api/admin/invites/{made['id']}")
    again = await chief.ask("DELETE", f"/api/admin/invites/{made['id']}")
    async with Browser(house, "203.0.113.5") as tom:
        refused = await tom.register("tom@example.org", code=made["code"])

    assert made["url"] == f"{house.url}/register?code={made['code']}"
    assert listed[0]["note"] == "for Tom"
    assert made["code"] not in str(listed)
    assert (taken_back.status_code, again.status_code, refused.status_code) == (200, 404, 403)


async def test_a_password_that_was_never_set_cannot_be_proved(house: Studio) -> None:
    ada = await join(house)
    _, key = await keys.create(house.database, ada.user.id, name="k")

    changed = await house.client.post(
        "/api/auth/password",
        json={"password": "x", "new_password": "an owl in the old barn"},
        headers={"Authorization": f"Bearer {key}"},
    )

    assert changed.status_code == 422
    assert "reset code" in changed.json()["detail"]
