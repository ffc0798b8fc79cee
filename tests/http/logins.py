"""Browsers that people log in with."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2

from safelight.accounts import codes, joining, users
from safelight.accounts.passwords import Password
from safelight.accounts.users import Role, User
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.studio import Studio

PASSWORD = "a heron over tin roofs"


@contextlib.asynccontextmanager
async def opened(
    cluster: Cluster, fake: FakeOpenAI, folder: Path, **settings: Any
) -> AsyncIterator[Studio]:
    """A Safelight with accounts that does no work; `admin` has been set up."""
    known: dict[str, Any] = {"accounts": "on", "with_worker": False, "registration": "open"}
    is_new = settings.pop("is_new", False)
    url = await cluster.clone()
    async with Studio.open(url, folder, fake, **(known | settings)) as made:
        if not is_new:
            await users.create(made.database, "Admin", role="admin")
        yield made
    await cluster.drop(url)


class Browser:
    """Keeps its cookies, as a browser does; the address of its requests is its own where the server
    trusts 127.0.0.1 as a proxy."""

    def __init__(self, studio: Studio, address: str = "203.0.113.1", **headers: str) -> None:
        self.studio = studio
        self.client = httpx2.AsyncClient(
            base_url=studio.url,
            timeout=60,
            trust_env=False,
            headers={"X-Forwarded-For": address} | headers,
        )

    async def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return await self.client.request(method, path, **options)

    async def get(self, path: str) -> httpx2.Response:
        return await self.ask("GET", path)

    async def post(self, path: str, **body: Any) -> httpx2.Response:
        return await self.ask("POST", path, json=body)

    async def register(self, email: str, password: str = PASSWORD, **more: Any) -> httpx2.Response:
        return await self.post("/api/auth/register", email=email, password=password, **more)

    async def log_in(self, email: str, password: str = PASSWORD) -> httpx2.Response:
        return await self.post("/api/auth/login", email=email, password=password)

    async def who(self) -> str:
        """The name of whoever is logged in; else the code of the refusal."""
        answer = await self.get("/api/me")
        body = answer.json()
        return str(body["name"] if answer.status_code == 200 else body["code"])

    @property
    def token(self) -> str | None:
        return self.client.cookies.get("sid")

    @token.setter
    def token(self, value: str) -> None:
        self.client.cookies.clear()
        self.client.cookies.set("sid", value, domain="127.0.0.1")

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()


async def with_password(
    studio: Studio, email: str, *, role: Role = "user", password: str = PASSWORD
) -> User:
    """Somebody who can log in, made without a guess being counted."""
    user = await users.create(studio.database, email.partition("@")[0], email=email, role=role)
    kept = await studio.shop.reception.passwords.make(Password(password))
    await joining.keep_password(studio.database, user.id, kept)
    return user


async def invite(studio: Studio, role: Role = "user") -> str:
    return (await codes.make(studio.database, "invite", role=role))[1]


async def set_up_code(studio: Studio) -> str:
    return (await codes.make(studio.database, "setup", role="admin"))[1]
