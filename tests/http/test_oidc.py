"""Logging in with another site's word, and what comes of a word that is a lie, is said twice, or is
not that site's."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
import pytest_asyncio

from safelight.accounts import users
from safelight.values.ids import new_id
from tests.conftest import Cluster
from tests.fakes.oidc_server import CLIENT_ID, CLIENT_SECRET, Account, FakeOidc, Mischief
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.http.logins import Browser, invite, opened, set_up_code, with_password
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def issuers() -> Iterator[dict[str, FakeOidc]]:
    """Two of them: the second signs with an elliptic curve, and could be anybody's."""
    with FakeOidc() as first, FakeOidc(algorithm="ES256") as second:
        yield {"first": first, "second": second}


@pytest.fixture
def issuer(issuers: dict[str, FakeOidc]) -> FakeOidc:
    """The first one, as a test finds it: honest."""
    for each in issuers.values():
        each.account, each.mischief = Account(), Mischief()
    return issuers["first"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    cluster: Cluster,
    _fake_openai: FakeOpenAI,
    issuers: dict[str, FakeOidc],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Studio]:
    folder = tmp_path_factory.mktemp("house")
    known: dict[str, Any] = {"oidc": configured(issuers), "trusted_proxies": ["127.0.0.1"]}
    async with opened(cluster, _fake_openai, folder, **known) as made:
        yield made


def configured(issuers: dict[str, FakeOidc]) -> dict[str, Any]:
    return {
        name: {"issuer": each.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        for name, each in issuers.items()
    }


async def sent_back(browser: Browser, name: str = "first", query: str = "") -> str:
    """Where the issuer sends the browser back to, after it was sent there."""
    away = await browser.get(f"/api/auth/oidc/{name}{query}")
    assert away.status_code == 303, away.text
    async with httpx2.AsyncClient(trust_env=False) as elsewhere:
        back = await elsewhere.get(away.headers["location"])
    assert back.status_code == 302, back.text
    return back.headers["location"]


async def log_in(browser: Browser, name: str = "first", query: str = "") -> httpx2.Response:
    return await browser.get(await sent_back(browser, name, query))


def changed(url: str, **query: str) -> str:
    parts = urlsplit(url)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()} | query
    return parts._replace(query=urlencode({n: v for n, v in asked.items() if v})).geturl()


@pytest.mark.parametrize("name", ["first", "second"])
async def test_whoever_logs_in_there_is_somebody_here(
    house: Studio, issuer: FakeOidc, issuers: dict[str, FakeOidc], name: str
) -> None:
    issuers[name].account = Account(f"s-{name}", f"{name}@example.org", True, name.title())
    async with Browser(house) as ada, Browser(house) as later:
        first = await log_in(ada, name, "?next=/gallery%3Fq%3Dheron")
        me = (await ada.get("/api/me")).json()
        issuers[name].account.email = "moved@example.org"
        again = await log_in(later, name)
        same = (await later.get("/api/me")).json()

    assert (first.status_code, first.headers["location"]) == (303, "/gallery?q=heron")
    assert (me["name"], me["email"], me["role"]) == (name.title(), f"{name}@example.org", "user")
    assert again.status_code == 303
    assert (same["id"], same["email"]) == (me["id"], f"{name}@example.org"), "the pair is who he is"


LIES: dict[str, Mischief] = {
    "another nonce": Mischief(lambda claims: claims | {"nonce": "x" * 43}),
    "no nonce": Mischief(lambda claims: {n: v for n, v in claims.items() if n != "nonce"}),
    "for somebody else": Mischief(lambda claims: claims | {"aud": "another-client"}),
    "for several, given to another": Mischief(
        lambda claims: claims | {"aud": [CLIENT_ID, "another"], "azp": "another"}
    ),
    "expired": Mischief(lambda claims: claims | {"exp": int(time.time()) - 120}),
    "never expires": Mischief(lambda claims: {n: v for n, v in claims.items() if n != "exp"}),
    "of the future": Mischief(lambda claims: claims | {"iat": int(time.time()) + 3600}),
    "of another issuer": Mischief(lambda claims: claims | {"iss": "https://accounts.google.com"}),
    "nobody": Mischief(lambda claims: claims | {"sub": ""}),
    "a subject that is no text": Mischief(lambda claims: claims | {"sub": {"a": 1}}),
    "alg none": Mischief(token=FakeOidc.do_not_sign),
    "another key": Mischief(token=FakeOidc.sign_with_another_key),
    "the client's secret as the key": Mischief(token=FakeOidc.sign_with_the_clients_secret),
    "the public key as a secret": Mischief(token=FakeOidc.sign_with_the_public_key_as_a_secret),
    "no token": Mischief(token=lambda _fake, _claims: ""),
    "nonsense": Mischief(token=lambda _fake, _claims: "a.b.c"),
    "no text at all": Mischief(token=lambda _fake, _claims: None),  # type: ignore[arg-type,return-value]
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_token_that_lies_lets_nobody_in(house: Studio, issuer: FakeOidc, lie: str) -> None:
    issuer.mischief = LIES[lie]
    async with Browser(house) as eve:
        answer = await log_in(eve)

        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert await eve.who() == "unauthenticated"


async def test_another_state_is_not_accepted(house: Studio, issuer: FakeOidc) -> None:
    async with Browser(house) as eve:
        back = await sent_back(eve)
        answers = [await eve.get(changed(back, state="x" * 43))]
        answers += [await eve.get(changed(await sent_back(eve), state=""))]

    assert [answer.status_code for answer in answers] == [401, 401]


async def test_an_answer_without_the_browser_that_left_is_not_accepted(
    house: Studio, issuer: FakeOidc
) -> None:
    async with Browser(house) as eve, Browser(house) as victim:
        back = await sent_back(eve)
        lured = await victim.get(back)

        # Not even a victim who is under way himself.
        await sent_back(victim)
        lured_again = await victim.get(back)

    assert (lured.status_code, lured_again.status_code) == (401, 401)


async def test_an_answer_is_good_once(house: Studio, issuer: FakeOidc) -> None:
    issuer.account = Account("s-once", "once@example.org")
    issuer.mischief = Mischief(takes_codes_twice=True)  # it is up to us
    async with Browser(house) as ada, Browser(house) as thief:
        away = await ada.get("/api/auth/oidc/first")
        thief.client.cookies = httpx2.Cookies(ada.client.cookies)
        async with httpx2.AsyncClient(trust_env=False) as elsewhere:
            back = (await elsewhere.get(away.headers["location"])).headers["location"]
        first = await ada.get(back)
        replayed = [await thief.get(back), await ada.get(back)]

        assert first.status_code == 303
        assert [answer.status_code for answer in replayed] == [401, 401]
        assert await thief.who() == "unauthenticated"
        assert await ada.who() == "Ada", "who is in stays in"


async def test_a_code_that_was_stolen_is_worth_nothing_without_its_verifier(
    house: Studio, issuer: FakeOidc
) -> None:
    async with Browser(house) as ada, Browser(house) as eve:
        stolen = parse_qs(urlsplit(await sent_back(ada)).query)["code"][0]
        answer = await eve.get(changed(await sent_back(eve), code=stolen))

    assert answer.status_code == 401


async def test_the_answer_of_another_issuer_is_not_accepted(
    house: Studio, issuer: FakeOidc, issuers: dict[str, FakeOidc]
) -> None:
    async with Browser(house) as eve:
        back = await sent_back(eve, "second")
        at_the_firsts_door = await eve.get(back.replace("/oidc/second/", "/oidc/first/"))
        mixed_up = await eve.get(changed(await sent_back(eve), iss=issuers["second"].url))
        unknown = await eve.get("/api/auth/oidc/third")

    assert (at_the_firsts_door.status_code, mixed_up.status_code) == (401, 401)
    assert unknown.status_code == 404


async def test_who_took_longer_than_ten_minutes_begins_again(
    house: Studio, issuer: FakeOidc
) -> None:
    async with Browser(house) as ada:
        back = await sent_back(ada)
        await house.database.execute(
            "UPDATE oidc_transactions SET created_at = now() - interval '11 minutes'"
        )
        late = await ada.get(back)

    assert late.status_code == 401


async def test_a_browser_that_is_refused_goes_to_the_login_page(
    house: Studio, issuer: FakeOidc
) -> None:
    async with Browser(house, Accept="text/html,*/*") as ada:
        answer = await ada.get(changed(await sent_back(ada), code="", error="access_denied"))

    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?problem=unauthenticated&with=first"


@pytest.mark.parametrize("verified", [False, None, "false", 1, "no", {}])
async def test_an_address_that_was_not_verified_is_nobodys(
    house: Studio, issuer: FakeOidc, verified: Any
) -> None:
    email = f"vera{new_id()}@example.org"
    await users.create(house.database, "Vera", email=email)
    issuer.account = Account("s-vera", email, verified)
    async with Browser(house) as eve:
        answer = await log_in(eve)

        assert answer.status_code == 403
        assert await eve.who() == "unauthenticated"


async def test_whom_an_operator_made_is_recognised_by_his_verified_address_once(
    house: Studio, issuer: FakeOidc
) -> None:
    made = await users.create(house.database, "Otto", email="otto@example.org")
    issuer.account = Account("s-otto", "OTTO@example.org")
    async with Browser(house) as otto, Browser(house) as other:
        await log_in(otto)
        me = (await otto.get("/api/me")).json()
        issuer.account = Account("s-another", "otto@example.org")
        second = await log_in(other)

    assert me["id"] == str(made.id)
    assert second.status_code == 403


async def test_an_account_with_a_password_is_connected_by_its_owner_alone(
    house: Studio, issuer: FakeOidc
) -> None:
    # Whoever registered with an address never showed that it is his: joined by it, he would be in
    # the account of its true owner.
    user = await with_password(house, "pam@example.org")
    issuer.account = Account("s-pam", "pam@example.org")
    async with Browser(house) as by_google, Browser(house) as pam, Browser(house) as eve:
        refused = await log_in(by_google)
        without_login = await pam.get("/api/auth/oidc/first?connect=true")
        await pam.log_in("pam@example.org")
        connected = await log_in(pam, query="?connect=true")
        let_in = await log_in(by_google)
        me = (await by_google.get("/api/me")).json()
        await eve.register("eva@example.org")
        stolen = await log_in(eve, query="?connect=true")

    assert (refused.status_code, without_login.status_code) == (403, 401)
    assert "password first" in refused.json()["detail"]
    assert (connected.status_code, let_in.status_code) == (303, 303)
    assert me["id"] == str(user.id)
    assert stolen.status_code == 422, "it is Pam's"


async def test_a_connection_is_finished_by_whoever_began_it_and_is_still_there(
    house: Studio, issuer: FakeOidc
) -> None:
    await with_password(house, "kay@example.org")
    issuer.account = Account("s-thief", "thief@example.org")
    async with Browser(house) as kay:
        await kay.log_in("kay@example.org")
        back = await sent_back(kay, "first", "?connect=true")
        await kay.post("/api/auth/logout")
        arrived = await kay.get(back)
        who = await kay.who()
        await kay.log_in("kay@example.org")
        lured = await kay.ask(
            "GET",
            "/api/auth/oidc/first?connect=true",
            headers={"Sec-Fetch-Site": "cross-site"},
        )

    known = await house.database.fetchval(
        "SELECT count(*) FROM identities WHERE subject = 's-thief'"
    )
    assert (arrived.status_code, who, known) == (401, "unauthenticated", 0)
    assert lured.status_code == 403


async def test_a_connection_is_not_finished_for_whoever_logged_in_meanwhile(
    house: Studio, issuer: FakeOidc
) -> None:
    await with_password(house, "kim@example.org")
    await with_password(house, "lee@example.org")
    issuer.account = Account("s-kim", "kim@elsewhere.example")
    async with Browser(house) as shared:
        await shared.log_in("kim@example.org")
        back = await sent_back(shared, "first", "?connect=true")
        await shared.post("/api/auth/logout")
        await shared.log_in("lee@example.org")

        arrived = await shared.get(back)

    known = await house.database.fetchval("SELECT count(*) FROM identities WHERE subject = 's-kim'")
    assert (arrived.status_code, known) == (401, 0)


@pytest.mark.parametrize(
    "next_", ["//evil.example", "https://evil.example", "/\\evil", "x", "/a b"]
)
async def test_after_the_login_nobody_is_sent_to_another_site(
    house: Studio, issuer: FakeOidc, next_: str
) -> None:
    async with Browser(house) as ada:
        answer = await ada.ask("GET", "/api/auth/oidc/first", params={"next": next_})

    assert answer.status_code == 422


async def test_a_key_that_is_new_there_is_asked_for_but_not_all_the_time(
    house: Studio, issuer: FakeOidc
) -> None:
    issuer.account = Account("s-keys", "keys@example.org")
    provider = house.shop.oidc.provider("first")
    async with Browser(house) as ada:
        assert (await log_in(ada)).status_code == 303
        issuer.key = issuer.new_key()
        provider._keys = (time.monotonic() - 60, provider._keys[1])  # type: ignore[index]
        before = issuer.key_requests
        renewed = await log_in(ada)
        issuer.mischief = Mischief(token=lambda fake, claims: FakeOidc().sign(claims))
        forged = [(await log_in(ada)).status_code for _ in range(3)]

    assert renewed.status_code == 303
    assert forged == [401] * 3
    assert issuer.key_requests == before + 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("text_500", 503),
        ("drop_after", 503),
        ("truncated", 401),
        ("html", 401),
        ("list", 401),
        ("deep", 401),
        ("huge", 401),
        ("gzip_bomb", 401),
        ("redirect", 401),
        ("wrong_shape", 401),
    ],
)
async def test_an_issuer_with_trouble_is_no_trouble_here(
    house: Studio, issuer: FakeOidc, fault: str, status: int
) -> None:
    async with Browser(house) as ada:
        back = await sent_back(ada)
        issuer.plan = Plan(fault=fault)
        answer = await ada.get(back)
        issuer.plan = Plan()

    assert answer.status_code == status, answer.text


# Who may join by it


@pytest.mark.asyncio(loop_scope="function")
async def test_the_choice_of_who_may_register_holds_here_too(
    cluster: Cluster,
    _fake_openai: FakeOpenAI,
    issuers: dict[str, FakeOidc],
    issuer: FakeOidc,
    tmp_path: Any,
) -> None:
    known: dict[str, Any] = {"oidc": configured(issuers), "registration": "invite", "is_new": True}
    async with (
        opened(cluster, _fake_openai, tmp_path, **known) as studio,
        Browser(studio) as chief,
        Browser(studio) as ada,
    ):
        too_early = await log_in(chief)
        first = await log_in(chief, query=f"?code={await set_up_code(studio)}")
        chiefs = (await chief.get("/api/me")).json()
        options = (await chief.get("/api/auth/options")).json()

        issuer.account = Account("s-2", "bob@example.org", name=None)
        without = await log_in(ada)
        let_in = await log_in(ada, query=f"?code={await invite(studio)}")
        adas = (await ada.get("/api/me")).json()

    assert (too_early.status_code, first.status_code) == (403, 303)
    assert chiefs["role"] == "admin"
    assert options["oidc"] == ["first", "second"]
    assert (without.status_code, let_in.status_code) == (403, 303)
    assert (adas["name"], adas["role"]) == ("bob", "user")
