"""People with things of their own, for tests that look at who is shown what."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2

from safelight.accounts import keys, logins, users
from safelight.accounts.keys import new_key
from safelight.images.store import original_key, preview_key
from safelight.values.ids import UserId, acting_for, new_id
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.http.people import join
from tests.isolation.matrix import Ids, Principal, Thing
from tests.studio import Studio


@contextlib.asynccontextmanager
async def opened(
    cluster: Cluster, fake: FakeOpenAI, folder: Path, **settings: Any
) -> AsyncIterator[Studio]:
    """A Safelight with accounts and without limits that would only be in the way."""
    url = await cluster.clone()
    given: dict[str, Any] = {"accounts": "on", "user_submits_per_minute": 0, "user_open_max": 0}
    given |= {"visitor_submits_per_minute": 0, "visitor_open_max": 0}
    async with Studio.open(url, folder, fake, **(given | settings)) as made:
        yield made
    await cluster.drop(url)


@dataclass
class World:
    """A studio and how each principal introduces himself there. owner: who has the things."""

    studio: Studio
    owner: UUID
    owners_headers: dict[str, str]
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    sessions: dict[str, tuple[UserId, bool]] = field(default_factory=dict)  # whose, and if proved

    @classmethod
    async def of_users(cls, studio: Studio, principals: tuple[Principal, ...]) -> World:
        database = studio.database
        owner, other = await join(studio, "Ada"), await join(studio, "Eve")
        world = cls(studio, owner.user.id, owner.headers)
        gone = await other.with_key("jobs:read")
        await keys.revoke(
            database, other.user.id, (await keys.list_keys(database, other.user.id))[0].id
        )
        old = await other.with_key("jobs:read")
        await database.execute("UPDATE api_keys SET expires_at = now() WHERE name = 'limited'")
        named = {
            "revoked key": gone.key,
            "expired key": old.key,
            "key nobody has": new_key(),
            "mistyped key": new_key()[:-1] + "!",
        }
        for who in principals:
            person = owner if who.whose == "owner" else other
            if who.is_admin or who.is_disabled:
                person = await join(studio, who.name, role="admin" if who.is_admin else "user")
            if who.session:
                world.sessions[who.name] = (person.user.id, who.session == "proved")
            elif who.whose != "nobody":
                _, named[who.name] = await keys.create(
                    database,
                    person.user.id,
                    name="of the matrix",
                    scopes=list(who.scopes) if who.scopes else None,  # type: ignore[arg-type]
                )
            if who.is_disabled:
                await users.set_disabled(database, person.user.id, disabled=True)
        world.headers = {name: {"Authorization": f"Bearer {key}"} for name, key in named.items()}
        ended = await logins.begin(database, other.user.id, agent=None, address=None)
        await logins.end_token(database, ended)
        world.headers["anonymous"] = {}
        world.headers["session that was ended"] = {"Cookie": f"sid={ended}"}
        world.headers["session nobody has"] = {"Cookie": f"sid={ended[::-1]}"}
        return world

    @classmethod
    async def of_visitors(cls, studio: Studio) -> World:
        async def visitor() -> tuple[UUID, dict[str, str]]:
            studio.client.cookies.clear()
            order = {"prompt": "a heron", "model": "sketch"}
            made = await studio.client.post("/api/jobs", json=order)
            studio.client.cookies.clear()
            cookie = made.headers["set-cookie"].partition(";")[0]
            return UUID(cookie.partition("=")[2].partition(".")[0]), {"Cookie": cookie}

        (owner, headers), (_, others) = await visitor(), await visitor()
        forged = headers["Cookie"][:-6] + others["Cookie"][-6:]
        return cls(
            studio,
            owner,
            headers,
            {
                "visitor": headers,
                "another visitor": others,
                "visitor without a cookie": {},
                "visitor with a forged cookie": {"Cookie": forged},
            },
        )

    async def make(self, thing: Thing | None) -> Ids:
        """One of the owner's, and what else a path or body may name."""
        ids: Ids = {"owner": str(self.owner), "user": str(self.owner), "reference": str(uuid4())}
        ids |= {"lane": "sketch", "name": "original.png"}
        ids |= {name: str(uuid4()) for name in ("session_id", "invite_id", "user_id")}
        match thing:
            case "job" | "ended job" | "letter":
                ids["job_id"] = await self._job(ended=thing != "job")
                if thing == "letter":
                    await self.studio.database.execute(
                        """INSERT INTO dead_letters (job_id, code, provider, model)
                           VALUES ($1, 'timeout', 'sketch', 'sketch')""",
                        UUID(ids["job_id"]),
                    )
            case "asset":
                ids["asset_id"] = str(await plant_asset(self.studio, self.owner))
            case "key" if "Cookie" in self.owners_headers:
                ids["key_id"] = str(uuid4())  # visitors have none
            case "key":
                key, _ = await keys.create(
                    self.studio.database, acting_for(self.owner), name="a thing"
                )
                ids["key_id"] = str(key.id)
        return ids

    async def _job(self, *, ended: bool) -> str:
        order = {"prompt": "a heron", "model": "sketch", "reuse": "never"}
        client, headers = self.studio.client, self.owners_headers
        made = await client.post("/api/jobs", json=order, headers=headers)
        client.cookies.clear()
        assert made.status_code == 202, made.text
        job_id = str(made.json()["id"])
        if ended:
            await client.delete(f"/api/jobs/{job_id}", headers=headers)
        return job_id

    async def send(self, operation: str, ids: Ids, name: str, **options: Any) -> httpx2.Response:
        """The operation as this principal asks for it. Of an endless stream the head alone."""
        method, path = operation.split(" ")
        known = await self._log_in(name) if name in self.sessions else self.headers[name]
        headers = known | options.pop("headers", {})
        request = self.studio.client.build_request(
            method, path.format(**ids), headers=headers, **options
        )
        answer = await self.studio.client.send(request, stream=True)
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            await answer.aread()
        await answer.aclose()
        self.studio.client.cookies.clear()
        return answer

    async def _log_in(self, name: str) -> dict[str, str]:
        """A session for one request, which may end it."""
        (user, proved), database = self.sessions[name], self.studio.database
        token = await logins.begin(database, user, agent=None, address=None)
        if not proved:
            await database.execute(
                "UPDATE logins SET confirmed_at = now() - interval '1 hour' WHERE user_id = $1",
                user,
            )
        return {"Cookie": f"sid={token}"}

    async def state_of(self, ids: Ids) -> list[str]:
        """Everything that is stored about a thing."""
        tables = {
            "job_id": ("jobs", "id"),
            "asset_id": ("assets", "id"),
            "key_id": ("api_keys", "id"),
        }
        return [
            str(row["shown"])
            for name, (table, column) in tables.items()
            if name in ids
            for row in await self.studio.database.fetch(
                f"SELECT {table}::text AS shown FROM {table} WHERE {column} = $1", UUID(ids[name])
            )
        ]


async def plant_asset(
    studio: Studio, owner: UUID, *, prompt: str = "a heron", data: bytes = b"\x89PNG\r\n\x1a\n"
) -> UUID:
    """A stored picture without a job."""
    asset_id = new_id()
    await studio.shop.store.put(original_key(asset_id, "png"), data)
    for side in (160, 320, 640):
        await studio.shop.store.put(preview_key(asset_id, side), data)
    await studio.database.execute(
        """INSERT INTO assets (id, owner_id, width, height, format, bytes, sha256, prompt)
           VALUES ($1, $2, 64, 64, 'png', $3, sha256($4), $5)""",
        asset_id,
        owner,
        len(data),
        data,
        prompt,
    )
    return asset_id
