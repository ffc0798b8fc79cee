"""Secrets are planted everywhere one can stand, everything is used, and everything is searched."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import asyncpg
import httpx2
import pytest
from moto.server import ThreadedMotoServer

from safelight.accounts import keys
from safelight.accounts.keys import new_key
from safelight.database.pool import Database
from tests.conftest import Cluster
from tests.fakes.echo_server import WAYS, EchoingProvider
from tests.fakes.oidc_server import CLIENT_ID, CLIENT_SECRET, FakeOidc
from tests.http.people import Person, join
from tests.isolation.door import come_and_go, without_gifts
from tests.studio import ServerProcess


def secret(name: str) -> str:
    """One that is found wherever it is, and says which it was."""
    return f"planted-{name}-{uuid4().hex}"


@dataclass
class Heard:
    """Everything that came out of the server. planted: what must not be in it, by its name."""

    planted: dict[str, str] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)

    def note(self, where: str, text: str) -> None:
        self.told.append((where, text))

    def found(self) -> list[str]:
        """Which secrets are where, in whatever way of writing them."""
        return [
            f"{name} in {where}: …{text[max(0, at - 120) : at + 40]}…"
            for name, value in self.planted.items()
            for written in {value, quote(value, safe=""), b64encode(value.encode()).decode()}
            for where, text in self.told
            if (at := text.find(written)) >= 0
        ]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    assert httpx2.put(f"{url}/pictures", trust_env=False).status_code == 200
    yield url
    server.stop()


@pytest.fixture
async def heard(cluster: Cluster, s3: str, tmp_path: Path) -> AsyncIterator[Heard]:
    """All of it, after a whole day's work."""
    url, said = await cluster.clone(), Heard()
    planted = said.planted
    for name in ("openai key", "pollinations key", "secret key", "previous secret key"):
        planted[name] = secret(name.replace(" ", "-"))
    for name in ("database password", "storage key", "storage token", "key for the command line"):
        planted[name] = secret(name.replace(" ", "-"))
    with_password = await _with_password(url, planted["database password"])
    planted["secret at the issuer"] = CLIENT_SECRET
    with EchoingProvider(key=planted["openai key"]) as provider, FakeOidc() as issuer:
        house = {"issuer": issuer.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        server = ServerProcess(
            with_password,
            tmp_path,
            SAFELIGHT_ACCOUNTS="on",
            SAFELIGHT_ANONYMOUS="on",
            SAFELIGHT_REGISTRATION="open",
            SAFELIGHT_OIDC=json.dumps({"house": house}),
            SAFELIGHT_LOG_LEVEL="debug",
            SAFELIGHT_LOG_FORMAT="json",
            SAFELIGHT_ATTEMPTS_MAX="2",
            SAFELIGHT_BACKOFF_MAX_S="0.02",
            SAFELIGHT_BREAKER_OPEN_S="0.05",
            SAFELIGHT_USER_SUBMITS_PER_MINUTE="0",
            SAFELIGHT_SECRET_KEY=planted["secret key"],
            SAFELIGHT_SECRET_KEY_PREVIOUS=planted["previous secret key"],
            SAFELIGHT_API_KEY=planted["key for the command line"],
            SAFELIGHT_OPENAI_API_KEY=planted["openai key"],
            SAFELIGHT_OPENAI_BASE_URL=f"{provider.url}/v1",
            SAFELIGHT_OPENAI_IMAGE_MODELS='["flux-schnell"]',
            SAFELIGHT_OPENAI_TEXT_MODELS='["tiny-chat"]',
            SAFELIGHT_POLLINATIONS="keyed",
            SAFELIGHT_POLLINATIONS_API_KEY=planted["pollinations key"],
            SAFELIGHT_POLLINATIONS_BASE_URL=provider.url,
            SAFELIGHT_STORAGE_URL="s3://pictures/here",
            AWS_ENDPOINT_URL=s3,
            AWS_REGION="us-east-1",
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY=planted["storage key"],
            AWS_SESSION_TOKEN=planted["storage token"],
        )
        await asyncio.to_thread(server.start)
        try:
            database = await Database.connect(url, connections_max=4)
            async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
                await _day(_Recorder(said, client), database)
            for table, text in (await _dump(database)).items():
                said.note(f"the table {table}", text)
            await database.close()
        finally:
            await asyncio.to_thread(server.stop)
    said.note("the log", server.log.read_text())
    said.note("a start that fails", await _start_without_database(with_password, tmp_path))
    yield said
    await cluster.drop(url)


async def _with_password(url: str, password: str) -> str:
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE ROLE planted SUPERUSER LOGIN PASSWORD '{password}'")
    await connection.close()
    scheme, _, rest = url.partition("://")
    return f"{scheme}://planted:{password}@{rest.rpartition('@')[2]}"


async def _dump(database: Database) -> dict[str, str]:
    names = await database.fetch(
        """SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
           WHERE schemaname IN ('public', 'queue')"""
    )
    return {
        row["name"]: "\n".join(
            line["line"]
            for line in await database.fetch(f"SELECT t::text AS line FROM {row['name']} t")
        )
        for row in names
    }


async def _start_without_database(url: str, folder: Path) -> str:
    """What is said by commands that cannot reach the database."""
    nowhere = url.partition("?")[0].replace("@", "@127.0.0.1:1") + "?connect_timeout=1"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "safelight", "users", "list", "--data-dir", str(folder)],
        env=os.environ | {"SAFELIGHT_DATABASE_URL": nowhere, "SAFELIGHT_LOG_LEVEL": "debug"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    return done.stdout + done.stderr


class _Recorder:
    """A client that remembers everything it was told."""

    def __init__(self, said: Heard, client: httpx2.AsyncClient) -> None:
        self.said = said
        self.client = client

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        answer = await self.client.request(method, path, **options)
        place = path.partition("?")[0]
        self.said.note(f"{method} {place}", without_gifts(method, place, answer))
        return answer


async def _day(door: _Recorder, database: Database) -> None:
    """Everything somebody may do, right and wrong, with every kind of key."""
    planted = door.said.planted
    house: Any = SimpleNamespace(client=door, database=database)
    chief, ada = await join(house, "Chief", role="admin"), await join(house, "Ada")
    admin, reader = await chief.with_key("admin"), await ada.with_key("jobs:read")
    planted |= {"user's key": ada.key, "admin's key": admin.key, "limited key": reader.key}
    made = (await ada.ask("POST", "/api/keys", json={"name": "made"})).json()
    gone = await ada.with_key("jobs:write")
    await keys.revoke(database, ada.user.id, (await keys.list_keys(database, ada.user.id))[0].id)
    planted |= {"key made through the API": made["key"], "revoked key": gone.key}

    telling = [asyncio.create_task(_listen(door, person)) for person in (ada, reader)]
    jobs = [await _order(ada, "a heron", model="openai/flux-schnell")]
    for at, way in enumerate(WAYS):
        jobs.append(await _order(ada, f"echo by {way}", model="openai/flux-schnell"))
        if at % 3 == 0:  # the same reading of the same errors
            jobs.append(await _order(ada, f"echo by {way}", model="openai/tiny-chat", type="text"))
            jobs.append(await _order(ada, f"echo by {way}", model="pollinations/flux"))
    known = [job for job in jobs if job]
    await _until_they_have_ended(ada, admin, len(known))
    for job in known:
        for path in ("", "/events", "/receipt"):
            await ada.ask("GET", f"/api/jobs/{job}{path}")
        letter = await admin.ask("GET", f"/api/admin/dead-letters/{job}")
        if letter.status_code == 200:
            await admin.ask("POST", f"/api/admin/dead-letters/{job}/replay")
    await _look_everywhere(door, ada, admin)
    planted |= await come_and_go(door, admin, secret)
    await _send_keys_where_they_do_not_belong(door, ada)
    await asyncio.sleep(0.2)
    for task in telling:
        task.cancel()
    await asyncio.gather(*telling, return_exceptions=True)


async def _order(person: Person, prompt: str, **order: Any) -> str | None:
    order = {"reuse": "never", "parameters": {}} | order
    if order.get("type") != "text":
        order["parameters"] = {"width": 256, "height": 256}
    answer = await person.order(prompt, **order)
    return str(answer.json()["id"]) if answer.status_code == 202 else None


async def _until_they_have_ended(ada: Person, admin: Person, jobs: int) -> None:
    """A provider that complains is left alone; here it is asked again at once."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for lane in ("openai", "pollinations"):
            await admin.ask("POST", f"/api/admin/queue/{lane}/resume")
        by_status = (await ada.ask("GET", "/api/stats")).json()["by_status"]
        if by_status["pending"] + by_status["processing"] <= jobs // 10:
            break
        await asyncio.sleep(0.2)
    for job in (await ada.ask("GET", "/api/jobs?status=pending&limit=100")).json()["items"]:
        await ada.ask("DELETE", f"/api/jobs/{job['id']}")


async def _listen(door: _Recorder, person: Person) -> None:
    async with door.client.stream("GET", "/api/events", headers=person.headers) as stream:
        with contextlib.suppress(httpx2.HTTPError):
            async for piece in stream.aiter_text():
                door.said.note("a stream", piece)


async def _look_everywhere(door: _Recorder, ada: Person, admin: Person) -> None:
    document = (await door.request("GET", "/openapi.json")).json()
    for path, described in document["paths"].items():
        if "get" in described and path != "/api/events":
            known = path.format(**dict.fromkeys(_names(path), str(uuid4())))
            await ada.ask("GET", known)
            await admin.ask("GET", known)
    for path in ("/docs", "/", "/metrics", "/readyz", "/api/nothing"):
        await door.request("GET", path)
    picture = (await ada.ask("GET", "/api/assets")).json()["items"][0]
    door.said.note("a picture", str((await door.client.get(picture["url"])).headers))


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


async def _send_keys_where_they_do_not_belong(door: _Recorder, ada: Person) -> None:
    """By people who are confused, or programs that are."""
    planted = door.said.planted
    for name in ("in the address", "in a query", "in a field", "in basic", "mistyped", "as an id"):
        planted[f"key {name}"] = new_key()
    planted["key mistyped"] = planted["key mistyped"][:-2] + "zz"
    await door.request("GET", f"/api/jobs/{planted['key in the address']}", headers=ada.headers)
    await door.request("GET", f"/{planted['key in the address']}", headers=ada.headers)
    await door.request("GET", f"/api/jobs?cursor={planted['key in a query']}", headers=ada.headers)
    await door.request("GET", f"/api/me?api_key={planted['key in a query']}")
    for body in (
        {"prompt": "x", "api_key": planted["key in a field"]},
        {"prompt": "x", "count": planted["key in a field"]},
        {"prompt": "x", "model": "sketch", "parameters": {"seed": planted["key in a field"]}},
    ):
        await ada.ask("POST", "/api/jobs", json=body)
    basic = b64encode(f"user:{planted['key in basic']}".encode()).decode()
    planted["basic"] = basic
    await door.request("GET", "/api/jobs", headers={"Authorization": f"Basic {basic}"})
    mistyped = {"Authorization": f"Bearer {planted['key mistyped']}"}
    await door.request("GET", "/api/jobs", headers=mistyped)
    await door.request("GET", "/api/jobs", headers={"X-Request-ID": planted["key as an id"]})
    visitor = await door.client.post("/api/jobs", json={"prompt": "x", "model": "sketch"})
    planted["visitor's cookie"] = visitor.headers["set-cookie"].partition(";")[0]
    await door.request("GET", "/api/jobs")


async def test_no_secret_comes_out_anywhere(heard: Heard) -> None:
    places = {where for where, _ in heard.told}
    everything = "".join(text for _, text in heard.told)

    assert len(heard.planted) >= 35
    assert {"the log", "a stream", "GET /metrics", "the table public.dead_letters"} <= places
    assert "provider_auth" in everything, "no provider has complained about its key"
    assert "content_policy" in everything
    assert heard.found() == []
