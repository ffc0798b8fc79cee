"""A page of another site cannot act with the cookies of whoever looks at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from safelight.accounts import keys
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.http.logins import Browser, opened, with_password
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDER = {"prompt": "a heron"}
# What a browser sends: (headers, whether it is let through). HERE stands for the address asked.
PAGES: dict[str, tuple[dict[str, str], bool]] = {
    "our own page": ({"Sec-Fetch-Site": "same-origin", "Origin": "HERE"}, True),
    "the address bar": ({"Sec-Fetch-Site": "none"}, True),
    "another site": ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, False),
    "another name of our site": (
        {"Sec-Fetch-Site": "same-site", "Origin": "https://blog.example.org"},
        False,
    ),
    "another port of this machine": (
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3000"},
        False,
    ),
    "another site that claims our origin": (
        {"Sec-Fetch-Site": "cross-site", "Origin": "HERE"},
        False,
    ),
    "a word nobody knows": ({"Sec-Fetch-Site": "same-galaxy"}, False),
    "an old browser here": ({"Origin": "HERE"}, True),
    "an old browser elsewhere": ({"Origin": "https://evil.example"}, False),
    "an old browser on another port": ({"Origin": "http://127.0.0.1:3000"}, False),
    "a page without an origin": ({"Origin": "null"}, False),
    "a name that begins like ours": ({"Origin": "HERE.evil.example"}, False),
    "a program": ({}, True),
}
WAYS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/jobs", {"json": ORDER}),
    ("POST", "/api/auth/login", {"json": {"email": "ada@example.org", "password": "wrong guess"}}),
    ("POST", "/api/auth/logout", {}),
    ("DELETE", "/api/auth/sessions", {}),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    folder = tmp_path_factory.mktemp("house")
    async with opened(cluster, _fake_openai, folder, trusted_proxies=["127.0.0.1"]) as made:
        await with_password(made, "ada@example.org")
        yield made


def sent(studio: Studio, page: str) -> tuple[dict[str, str], bool]:
    headers, is_let_through = PAGES[page]
    here = {name: value.replace("HERE", studio.url) for name, value in headers.items()}
    return here, is_let_through


@pytest.mark.parametrize("page", PAGES)
async def test_only_our_own_page_acts_with_the_cookie(house: Studio, page: str) -> None:
    headers, is_let_through = sent(house, page)
    async with Browser(house) as ada:
        await house.database.execute("DELETE FROM windows")
        house.shop.reception._refused.clear()
        for method, path, body in WAYS:
            await ada.log_in("ada@example.org")

            answer = await ada.ask(method, path, headers=headers, **body)

            refused = answer.status_code == 403 and "Another site" in answer.json()["detail"]
            assert refused is not is_let_through, (path, answer.text)
            if refused and path != "/api/auth/login":
                assert await ada.who() == "ada"
        await ada.log_in("ada@example.org")
        assert (await ada.ask("GET", "/api/jobs", headers=headers)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
async def test_a_key_is_no_cookie(house: Studio, page: str) -> None:
    user_id = await house.database.fetchval("SELECT id FROM users WHERE name = 'ada'")
    _, key = await keys.create(house.database, user_id, name=page)
    headers, _ = sent(house, page)

    answer = await house.client.post(
        "/api/jobs?dry_run=true", json=ORDER, headers=headers | {"Authorization": f"Bearer {key}"}
    )

    assert answer.status_code == 200, answer.text


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize(
    ("origin", "is_let_through"),
    [
        ("https://pictures.example.org", True),
        ("HTTPS://Pictures.Example.ORG", True),
        ("https://pictures.example.org:444", False),
        ("http://pictures.example.org", False),
        ("https://evil.example", False),
    ],
)
async def test_behind_a_proxy_the_public_address_is_ours(
    house: Studio, origin: str, is_let_through: bool
) -> None:
    from safelight.http.edge import Edge  # noqa: PLC0415

    edge = Edge(
        house.client,  # type: ignore[arg-type]  # never asked
        hosts=frozenset(),
        body_bytes_max=1,
        larger={},
        https=True,
        origin="https://pictures.example.org",
    )
    headers = [(b"host", b"127.0.0.1:8000"), (b"origin", origin.encode())]

    refused = edge._stranger({"method": "POST", "headers": headers})

    assert (refused is None) is is_let_through


@pytest.mark.asyncio(loop_scope="function")
async def test_the_owner_of_a_server_without_accounts_is_guarded_too(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with opened(cluster, _fake_openai, tmp_path, accounts="off", is_new=True) as studio:
        for page in PAGES:
            headers, is_let_through = sent(studio, page)
            answer = await studio.client.post("/api/jobs", json=ORDER, headers=headers)
            assert answer.status_code == (202 if is_let_through else 403), page
