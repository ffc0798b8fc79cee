"""People who use a Safelight with accounts: each with a key, and credits to spend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2

from safelight.accounts import keys, users
from safelight.accounts.keys import Scope
from safelight.accounts.users import Role, User
from safelight.credits.grants import grant
from safelight.values.credits import Credits
from tests.studio import Studio


@dataclass
class Person:
    """A user with a key."""

    studio: Studio
    user: User
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return await self.studio.client.request(method, path, headers=self.headers, **options)

    async def order(self, prompt: str = "a heron", **order: Any) -> httpx2.Response:
        return await self.ask("POST", "/api/jobs", json={"prompt": prompt} | order)

    async def with_key(self, *scopes: Scope) -> Person:
        """The same person with a key limited to these scopes."""
        _, text = await keys.create(
            self.studio.database, self.user.id, name="limited", scopes=list(scopes)
        )
        return Person(self.studio, self.user, text)


async def join(
    studio: Studio, name: str = "Ada", *, role: Role = "user", credits_: int = 1000
) -> Person:
    """Somebody new."""
    user = await users.create(studio.database, name, role=role)
    _, text = await keys.create(studio.database, user.id, name="laptop")
    await grant(studio.database, user.id, Credits(credits_), reference=f"opening:{user.id}")
    return Person(studio, user, text)
