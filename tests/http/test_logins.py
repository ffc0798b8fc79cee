"""Registering, logging in, being logged in, and getting out again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from safelight.accounts import keys, users
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.http.logins import PASSWORD, Browser, invite, opened, set_up_code, with_password
from tests.http.test_contract import OPERATIONS, ask
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER = "a fox under wet ferns"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """Open to everybody; whoever comes from 127.0.0.1 may say for whom."""
    folder = tmp_path_factory.mktemp("house")
    known: dict[str, Any] = {"trusted_proxies": ["127.0.0.1"]}
    async with opened(cluster, _fake_openai, folder, **known) as made:
        yield made


async def until_out(browser: Browser) -> float:
    """How long it took until the browser was out, in seconds."""
    begin = time.monotonic()
    while await browser.who() != "unauthenticated":
        assert time.monotonic() < begin + 5
        await asyncio.sleep(0.02)
    return time.monotonic() - begin


async def test_whoever_registers_is_logged_in_and_is_himself(house: Studio) -> None:
    async with Browser(house) as ada:
        made = await ada.register("Ada@example.org", name="Ada")
        me = (await ada.get("/api/me")).json()

    assert made.status_code == 201
    assert made.json() == {
        "id": me["id"],
        "email": "Ada@example.org",
        "name": "Ada",
        "role": "user",
    }
    assert (me["kind"], me["accounts"]) == ("user", True)
    cookie = made.headers["set-cookie"]
    assert cookie.startswith("sid=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


async def test_a_login_is_the_same_user_by_any_spelling_of_the_address(house: Studio) -> None:
    user = await with_password(house, "bea@example.org")
    async with Browser(house, "203.0.113.2") as bea:
        answers = [await bea.log_in(email) for email in ("bea@example.org", " BEA@Example.org ")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.json()["id"] for answer in answers} == {str(user.id)}


async def test_a_wrong_password_and_an_unknown_address_are_told_alike(house: Studio) -> None:
    await with_password(house, "cleo@example.org")
    async with Browser(house, "203.0.113.3") as eve:
        wrong = await eve.log_in("cleo@example.org", "not the right one")
        unknown = await eve.log_in("nobody@example.org", "not the right one")
        nonsense = [await eve.log_in(email, "x") for email in ("", "no address", "a\x00b@c")]

        assert eve.token is None

    without = [
        {name: value for name, value in each.json().items() if name != "request_id"}
        for each in (wrong, unknown, *nonsense)
    ]
    assert all(each == without[0] for each in without)
    assert (wrong.status_code, without[0]["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("email", {"email": "nonsense", "password": PASSWORD}),
        ("password", {"email": "d@example.org", "password": "short"}),
        ("password", {"email": "d@example.org", "password": "d@example.org"}),
        ("password", {"email": "d@example.org", "password": "Password1234"}),
        ("password", {"email": "d@example.org", "password": "qwertyuiop"}),
        ("password", {"email": "d@example.org", "password": "0" * 2000}),
        ("password", {"email": "d@example.org", "password": "ü" * 600}),
        ("name", {"email": "d@example.org", "password": PASSWORD, "name": "\x00"}),
        ("role", {"email": "d@example.org", "password": PASSWORD, "role": "admin"}),
    ],
)
async def test_what_is_wrong_with_a_registration_is_named(
    house: Studio, field: str, body: dict[str, Any]
) -> None:
    await house.database.execute("DELETE FROM windows")
    async with Browser(house, "203.0.113.4") as browser:
        answer = await browser.post("/api/auth/register", **body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_an_address_is_registered_once(house: Studio) -> None:
    browsers = [Browser(house, f"203.0.113.{n}") for n in range(20, 26)]
    answers = await asyncio.gather(*(each.register("dora@example.org") for each in browsers))
    for browser in browsers:
        await browser.client.aclose()

    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 5}


async def test_logging_out_ends_the_session_for_every_copy_of_its_cookie(house: Studio) -> None:
    await with_password(house, "finn@example.org")
    async with Browser(house, "203.0.113.5") as finn, Browser(house, "203.0.113.6") as thief:
        await finn.log_in("finn@example.org")
        thief.token = finn.token or ""
        before = await thief.who()

        ended = await finn.post("/api/auth/logout")
        again = await finn.post("/api/auth/logout")

        assert before == "finn"
        assert (ended.json(), again.json()) == ({"ended": 1}, {"ended": 0})
        assert finn.token is None
        assert await thief.who() == "unauthenticated"


async def test_every_login_has_a_new_token_and_ends_the_browsers_old_one(house: Studio) -> None:
    await with_password(house, "gwen@example.org")
    async with Browser(house, "203.0.113.7") as gwen, Browser(house, "203.0.113.7") as planted:
        planted_token = "A" * 43
        gwen.token = planted_token  # somebody else put it there
        await gwen.log_in("gwen@example.org")
        first = gwen.token or ""
        await gwen.log_in("gwen@example.org")

        assert len({planted_token, first, gwen.token}) == 3
        planted.token = first
        assert await planted.who() == "unauthenticated"
        assert len((await gwen.get("/api/auth/sessions")).json()) == 1


async def test_a_copy_of_the_database_opens_nothing(house: Studio) -> None:
    async with Browser(house, "203.0.113.8") as hal:
        await hal.register("hal@example.org")
        rows = await house.database.fetch(
            """SELECT row_to_json(l)::text AS text FROM logins l UNION ALL
               SELECT row_to_json(p)::text FROM passwords p"""
        )

        assert hal.token
        assert not [row for row in rows if hal.token in row["text"] or PASSWORD in row["text"]]
        assert any("$argon2id$" in row["text"] for row in rows)


@pytest.mark.timing
async def test_ones_sessions_are_listed_and_ended_one_by_one(house: Studio) -> None:
    await with_password(house, "ida@example.org")
    async with (
        Browser(house, "203.0.113.9", **{"User-Agent": "Phone 1"}) as phone,
        Browser(house, "203.0.113.10", **{"User-Agent": "Laptop"}) as laptop,
        Browser(house, "203.0.113.11") as eve,
    ):
        await phone.log_in("ida@example.org")
        await laptop.log_in("ida@example.org")
        await eve.register("eve@example.org")
        listed = (await laptop.get("/api/auth/sessions")).json()

        foreign = await eve.ask("DELETE", f"/api/auth/sessions/{listed[1]['id']}")
        ended = await laptop.ask("DELETE", f"/api/auth/sessions/{listed[1]['id']}")

        assert [(one["agent"], one["address"], one["current"]) for one in listed] == [
            ("Laptop", "203.0.113.10", True),
            ("Phone 1", "203.0.113.9", False),
        ]
        assert (foreign.status_code, ended.status_code) == (404, 200)
        assert await until_out(phone) < 1.5
        assert await laptop.who() == "ida"


@pytest.mark.timing
async def test_one_may_log_out_everywhere(house: Studio) -> None:
    await with_password(house, "jan@example.org")
    async with Browser(house, "203.0.113.12") as phone, Browser(house, "203.0.113.13") as laptop:
        await phone.log_in("jan@example.org")
        await laptop.log_in("jan@example.org")

        ended = await laptop.ask("DELETE", "/api/auth/sessions")

        assert ended.json() == {"ended": 2}
        assert await laptop.who() == "unauthenticated"
        assert await until_out(phone) < 1.5


@pytest.mark.timing
async def test_a_disabled_user_is_out_within_a_second_and_stays_out(house: Studio) -> None:
    user = await with_password(house, "kim@example.org")
    async with Browser(house, "203.0.113.14") as kim:
        await kim.log_in("kim@example.org")
        assert await kim.who() == "kim"

        await users.set_disabled(house.database, user.id, disabled=True)
        begin = time.monotonic()
        while (said := await kim.who()) == "kim":
            assert time.monotonic() < begin + 1.5
        again = await kim.log_in("kim@example.org")
        guess = await kim.log_in("kim@example.org", "not the right one")

        assert said == "unauthenticated"
        assert again.status_code == 403
        assert guess.status_code == 401, "who does not know the password learns nothing"


@pytest.mark.timing
async def test_a_new_password_ends_every_other_session(house: Studio) -> None:
    await with_password(house, "lea@example.org")
    async with Browser(house, "203.0.113.15") as phone, Browser(house, "203.0.113.16") as laptop:
        await phone.log_in("lea@example.org")
        await laptop.log_in("lea@example.org")
        old_token = laptop.token

        async def change(old: str, new: str) -> Any:
            return await laptop.post("/api/auth/password", password=old, new_password=new)

        wrong = await change("not the right one", OTHER)
        weak = await change(PASSWORD, "Password1234")
        changed = await change(PASSWORD, OTHER)

        assert [error["field"] for error in wrong.json()["errors"]] == ["password"]
        assert [error["field"] for error in weak.json()["errors"]] == ["new_password"]
        assert changed.status_code == 200, changed.text
        assert laptop.token != old_token
        assert await laptop.who() == "lea"
        assert await until_out(phone) < 1.5
        assert (await phone.log_in("lea@example.org")).status_code == 401
        assert (await phone.log_in("lea@example.org", OTHER)).status_code == 200


async def test_a_password_is_the_same_from_every_keyboard(house: Studio) -> None:
    await with_password(house, "mia@example.org", password="Crème brûlée ½")
    await with_password(house, "mio@example.org", password="x" * 12)
    async with Browser(house, "203.0.113.17") as mia:
        changed = await mia.log_in("mio@example.org", "x" * 12)
        assert changed.status_code == 200
        set_ = await mia.post(
            "/api/auth/password", password="x" * 12, new_password="Cre\u0300me bru\u0302le\u0301e"
        )
        composed = await mia.log_in("mio@example.org", "Cr\u00e8me br\u00fbl\u00e9e")

        assert set_.status_code == 200, set_.text
        assert composed.status_code == 200


async def test_a_hash_of_older_parameters_is_renewed_by_the_next_login(house: Studio) -> None:
    from argon2 import PasswordHasher  # noqa: PLC0415

    user = await with_password(house, "nora@example.org")
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    await house.database.execute("UPDATE passwords SET hash = $2 WHERE user_id = $1", user.id, weak)
    async with Browser(house, "203.0.113.18") as nora:
        answers = [(await nora.log_in("nora@example.org")).status_code for _ in range(2)]

    kept = await house.database.fetchval("SELECT hash FROM passwords WHERE user_id = $1", user.id)
    assert answers == [200, 200]
    assert kept != weak
    assert "m=19456,t=2,p=1" in kept


@pytest.mark.parametrize(
    ("role", "idle", "age", "is_in"),
    [
        ("user", "11 hours", "6 days", True),
        ("user", "13 hours", "14 hours", False),
        ("user", "1 minute", "8 days", False),
        ("admin", "50 minutes", "11 hours", True),
        ("admin", "70 minutes", "2 hours", False),
        ("admin", "1 minute", "13 hours", False),
    ],
)
async def test_a_session_ends_by_idleness_and_by_age(
    house: Studio, role: Any, idle: str, age: str, is_in: bool
) -> None:
    email = f"{role}-{idle}-{age}@example.org".replace(" ", "-")
    user = await with_password(house, email, role=role)
    async with Browser(house, "203.0.113.19") as browser:
        await house.database.execute("DELETE FROM windows")
        await browser.log_in(email)
        await house.database.execute(
            """UPDATE logins SET used_at = now() - $2::text::interval,
                                 created_at = now() - $3::text::interval WHERE user_id = $1""",
            user.id,
            idle,
            age,
        )
        said = await browser.who()
        listed = await house.database.fetchval(
            "SELECT now() - used_at < interval '5 s' FROM logins WHERE user_id = $1", user.id
        )

        assert said == (user.name if is_in else "unauthenticated")
        assert listed is is_in, "its use is noted"
        assert (browser.token is not None) is is_in, "a cookie that is worth nothing is taken away"


# The first administrator, and invites


@pytest.fixture
async def new_house(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    async with opened(
        cluster, _fake_openai, tmp_path, is_new=True, trusted_proxies=["127.0.0.1"]
    ) as made:
        yield made


@pytest.mark.asyncio(loop_scope="function")
async def test_of_twenty_first_ones_one_becomes_the_administrator(new_house: Studio) -> None:
    codes = [await set_up_code(new_house) for _ in range(20)]  # each start prints one
    browsers = [Browser(new_house, f"203.0.113.{n}") for n in range(20)]
    async with Browser(new_house) as stranger:
        options = (await stranger.get("/api/auth/options")).json()
        without = await stranger.register("nobody@example.org")

        answers = await asyncio.gather(
            *(each.register(f"p{n}@example.org", code=codes[n]) for n, each in enumerate(browsers))
        )
        after = (await stranger.get("/api/auth/options")).json()
        second = await stranger.register("second@example.org")

    for browser in browsers:
        await browser.client.aclose()
    assert (options["registration"], options["code_needed"]) == ("first", True)
    assert (without.status_code, without.json()["code"]) == (403, "forbidden")
    assert "set-up link" in without.json()["detail"]
    assert Counter(answer.status_code for answer in answers) == {201: 1, 403: 19}
    admins = [answer for answer in answers if answer.status_code == 201]
    assert admins[0].json()["role"] == "admin"
    assert (after["registration"], after["code_needed"]) == ("open", False)
    assert second.json()["role"] == "user"


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize("registration", ["invite", "closed"])
async def test_who_may_register_is_the_operators_choice(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path, registration: str
) -> None:
    async with (
        opened(cluster, _fake_openai, tmp_path, registration=registration) as studio,
        Browser(studio) as browser,
    ):
        code = await invite(studio)
        options = (await browser.get("/api/auth/options")).json()

        without = await browser.register("a@example.org")
        mistyped = await browser.register("a@example.org", code=code[:-1] + "!")
        weak = await browser.register("a@example.org", "short", code=code)
        let_in = await browser.register("a@example.org", code=code)
        twice = await browser.register("b@example.org", code=code)
        setup = await browser.register("c@example.org", code=await set_up_code(studio))

    assert options["registration"] == registration
    assert (without.status_code, mistyped.status_code, weak.status_code) == (403, 403, 422)
    assert let_in.status_code == (201 if registration == "invite" else 403)
    assert (twice.status_code, setup.status_code) == (403, 403)


async def test_an_invite_lets_one_in_of_many_at_once_and_none_when_it_is_old(
    house: Studio,
) -> None:
    code, old = await invite(house, "admin"), await invite(house)
    await house.database.execute(
        """UPDATE codes SET expires_at = now()
           WHERE id = (SELECT id FROM codes ORDER BY id DESC LIMIT 1)"""
    )
    browsers = [Browser(house, f"198.51.100.{n}") for n in range(8)]
    answers = await asyncio.gather(
        *(each.register(f"inv{n}@example.org", code=code) for n, each in enumerate(browsers))
    )
    late = await browsers[0].register("late@example.org", code=old)
    for browser in browsers:
        await browser.client.aclose()

    assert Counter(answer.status_code for answer in answers) == {201: 1, 403: 7}
    assert [answer.json()["role"] for answer in answers if answer.status_code == 201] == ["admin"]
    assert late.status_code == 403


@pytest.mark.parametrize(("method", "path"), [each for each in OPERATIONS if "/auth/" in each[1]])
async def test_no_request_breaks_the_reception(house: Studio, method: str, path: str) -> None:
    seen: Counter[int] = Counter()
    await house.database.execute("DELETE FROM windows")
    house.shop.reception._refused.clear()

    await asyncio.to_thread(ask, house.url, method, path, str(uuid4()), seen)

    assert seen.total() > 0


# What carries whom


async def test_a_key_wins_over_a_cookie_and_a_wrong_key_is_not_helped_by_one(
    house: Studio,
) -> None:
    olga, other = (
        await with_password(house, "olga@example.org"),
        await users.create(house.database, "Other"),
    )
    _, key = await keys.create(house.database, other.id, name="k")
    async with Browser(house, "203.0.113.30") as browser:
        await browser.log_in("olga@example.org")

        async def who(authorization: str) -> tuple[int, str]:
            answer = await browser.ask("GET", "/api/me", headers={"Authorization": authorization})
            body = answer.json()
            return answer.status_code, body.get("name", body.get("code"))

        assert await who(f"Bearer {key}") == (200, "Other")
        assert await who(f"Bearer {key[:-1]}") == (401, "unauthenticated")
        assert await who("Bearer anything") == (401, "unauthenticated")
        assert await who("Basic YTpi") == (200, olga.name)


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 5000, "../../..", "\x80" * 43])
async def test_what_is_no_session_opens_nothing(house: Studio, value: str) -> None:
    answer = await house.client.get("/api/me", headers={"Cookie": f"sid={value}".encode("latin-1")})

    assert answer.status_code == 401


@pytest.mark.asyncio(loop_scope="function")
async def test_an_ended_session_is_told_and_then_he_is_a_visitor(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with (
        opened(cluster, _fake_openai, tmp_path, anonymous="on") as studio,
        Browser(studio) as browser,
    ):
        await browser.register("pia@example.org")
        await studio.database.execute("DELETE FROM logins")
        await asyncio.sleep(1)

        said = [await browser.who() for _ in range(2)]

        assert said == ["unauthenticated", "Visitor"]
        assert (await browser.get("/api/me")).json()["kind"] == "visitor"
        assert (await browser.get("/api/auth/sessions")).status_code == 403


@pytest.mark.asyncio(loop_scope="function")
async def test_without_accounts_there_are_no_logins(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with (
        opened(cluster, _fake_openai, tmp_path, accounts="off", is_new=True) as studio,
        Browser(studio) as browser,
    ):
        browser.token = "A" * 43
        options = (await browser.get("/api/auth/options")).json()
        me = (await browser.get("/api/me")).json()
        answers = [
            await browser.register("a@example.org"),
            await browser.log_in("a@example.org"),
            await browser.get("/api/auth/sessions"),
            await browser.get("/api/auth/oidc/google"),
        ]

    assert options == {
        "accounts": False,
        "registration": "open",
        "code_needed": False,
        "anonymous": False,
        "oidc": [],
    }
    assert (me["name"], me["kind"]) == ("You", "local")
    assert [answer.status_code for answer in answers] == [403] * 4


@pytest.mark.asyncio(loop_scope="function")
async def test_behind_https_the_session_stays_with_this_host(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    known: dict[str, Any] = {"public_url": "https://pictures.example.org"}
    async with (
        opened(cluster, _fake_openai, tmp_path, **known) as studio,
        Browser(studio) as browser,
    ):
        made = await browser.register("quin@example.org")

    cookie = made.headers["set-cookie"]
    assert cookie.startswith("__Host-sid=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"} <= {
        part.strip() for part in cookie.split(";")
    }
    assert "Domain" not in cookie
