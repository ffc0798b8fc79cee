"""One person's things, looked for in everything another one is answered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from safelight.accounts import keys
from safelight.http.app import create_app
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.faults.schedule import LONG
from tests.http.people import Person, join
from tests.isolation.world import opened, plant_asset
from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

FLUX = {"model": "openai/flux-schnell", "parameters": {"width": 128, "height": 128}}
MARK = "quagga"  # the beginning of everything Ada writes anywhere
SAMPLES = 1000 if LONG else 100
PROMPTS = 1000 if LONG else 100
# A median that differs by less than this says nothing over a network, nor on a busy machine.
NOISE = 1.25


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """With a worker, so that there are results to reuse."""
    folder = tmp_path_factory.mktemp("leaks")
    async with opened(cluster, _fake_openai, folder, user_running_max=0) as made:
        yield made


@dataclass
class Marked:
    """Ada with her mark on everything, and what names it."""

    ada: Person
    words: set[str]
    job_id: str
    asset_id: str
    key_id: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def marked(studio: Studio) -> Marked:
    ada = await join(studio, f"{MARK} Ada")
    job = (await ada.order(f"a {MARK} at dusk", metadata={"note": f"{MARK} meta"}, **FLUX)).json()
    while job["status"] != "completed":
        job = (await ada.ask("GET", f"/api/jobs/{job['id']}?wait=5")).json()
    asset = job["outputs"][0]["asset"]
    await ada.ask("PATCH", f"/api/assets/{asset['id']}", json={"tags": [f"{MARK} tag"]})
    failed = (await ada.order(f"a {MARK} that fails", **FLUX)).json()
    await ada.ask("DELETE", f"/api/jobs/{failed['id']}")
    key = (await ada.ask("POST", "/api/keys", json={"name": f"{MARK} key"})).json()
    planted = await plant_asset(studio, ada.user.id, prompt=f"{MARK} upload")
    words = {MARK, job["id"], asset["id"], failed["id"], str(planted), key["id"], key["key"]}
    words |= {str(ada.user.id), ada.key, asset["url"].partition("sig=")[2], key["hint"]}
    return Marked(ada, words, job["id"], asset["id"], key["id"])


READS = [
    path
    for path, described in create_app(None).openapi()["paths"].items()
    if "get" in described and not path.startswith(("/api/admin", "/api/events"))
]


async def test_nothing_of_anothers_is_in_any_list_search_or_figure(
    studio: Studio, marked: Marked
) -> None:
    eve = await join(studio, "Eve")
    await eve.order("a heron")
    paths = [path for path in READS if "{" not in path]
    paths += ["/api/jobs?q=quagga", "/api/jobs?q=quag", "/api/assets?q=quagga", "/api/assets?q=du"]
    paths += [
        "/api/jobs?limit=100&sort=oldest",
        "/api/stats?days=90",
        "/api/credits/ledger?limit=200",
    ]
    paths += ["/api/assets?starred=false&limit=200", f"/api/jobs?session_id={marked.job_id}"]
    cursors = [
        (await marked.ada.ask("GET", f"/api/{of}?limit=1")).json() for of in ("jobs", "assets")
    ]
    for of, page in zip(("jobs", "assets"), cursors, strict=True):
        paths.append(f"/api/{of}?cursor={page['next_cursor']}")
    line = (await marked.ada.ask("GET", "/api/credits/ledger?limit=1")).json()["next_cursor"]
    paths.append(f"/api/credits/ledger?cursor={line}")

    answers = {path: (await eve.ask("GET", path)).text for path in paths}

    told = {path: word for path, text in answers.items() for word in marked.words if word in text}
    # That she has searched for the word is hers.
    assert told == {}
    assert MARK in (await marked.ada.ask("GET", "/api/jobs")).text, "it was never there to be found"


async def test_nothing_of_anothers_is_in_a_stream_new_or_resumed(
    studio: Studio, marked: Marked
) -> None:
    eve = await join(studio, "Eve")
    texts: list[str] = []

    async def watch(path: str, **headers: str) -> None:
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(4),
                studio.client.stream("GET", path, headers=eve.headers | headers) as stream,
            ):
                async for piece in stream.aiter_text():
                    texts.append(piece)  # noqa: PERF401  (until the time is over)

    watching = [
        asyncio.create_task(watch("/api/events")),
        asyncio.create_task(watch("/api/events?after=1-1")),
        asyncio.create_task(watch("/api/events", **{"Last-Event-ID": "700-1"})),
        asyncio.create_task(watch(f"/api/jobs/{marked.job_id}/stream")),
    ]
    await asyncio.sleep(0.3)
    new = (await marked.ada.order(f"a new {MARK}", reuse="never", **FLUX)).json()
    mine = (await eve.order("an owl", **FLUX)).json()
    await asyncio.gather(*watching)
    told = "".join(texts)

    assert mine["id"] in told
    assert [word for word in marked.words | {new["id"]} if word in told] == []


async def test_a_result_is_never_reused_for_another_whatever_he_claims(studio: Studio) -> None:
    """The same prompts, seeds and parameters; then with digests that are forged to be the same."""
    ada, eve = await join(studio, "Ada", credits_=10**6), await join(studio, "Eve", credits_=10**6)
    prompts = [{"prompt": f"a heron, number {number}"} for number in range(PROMPTS)]
    order = {"model": "sketch", "parameters": {"width": 64, "height": 64, "seed": 7}}
    limit = asyncio.Semaphore(16)

    async def made(person: Person, wish: dict[str, str]) -> dict[str, Any]:
        async with limit:
            return dict((await person.order(**wish, **order)).json())

    hers = await asyncio.gather(*(made(ada, wish) for wish in prompts))
    # What matters is that they count as completed results; who painted them does not.
    await studio.database.execute(
        """UPDATE jobs SET status = 'completed', finished_at = now(), charged = 0, parked = false
           WHERE owner_id = $1 AND finished_at IS NULL""",
        ada.user.id,
    )
    for job in hers:
        asset_id = await plant_asset(studio, ada.user.id)
        await studio.database.execute(
            """INSERT INTO outputs (job_id, index, status, asset_id)
               VALUES ($1, 0, 'completed', $2) ON CONFLICT DO NOTHING""",
            UUID(job["id"]),
            asset_id,
        )
    again = await asyncio.gather(*(made(ada, wish) for wish in prompts))
    his = await asyncio.gather(*(made(eve, wish) for wish in prompts))
    # As if the digest were weak: every result of hers has the digest of what he orders next.
    digest = await studio.database.fetchval(
        "SELECT digest FROM jobs WHERE id = $1", UUID(his[0]["id"])
    )
    await studio.database.execute(
        "UPDATE jobs SET digest = $2 WHERE owner_id = $1 AND status = 'completed'",
        ada.user.id,
        digest,
    )
    forged = [await made(eve, prompts[0]) for _ in range(10)]
    quoted = await eve.ask("POST", "/api/jobs?dry_run=true", json=prompts[0] | order)

    assert all(job["reused"] for job in again), "without hits of her own this shows nothing"
    hers_ids = {job["id"] for job in hers} | {job["id"] for job in again}
    for job in [*his, *forged]:
        assert job["reused"] is None or job["reused"]["job_id"] not in hers_ids
    assert quoted.json()["reuse"] is None or not set(quoted.json()["reuse"]["asset_ids"]) & hers_ids


@pytest.mark.parametrize("of", ["jobs", "assets", "keys", "receipts"])
@pytest.mark.timing
async def test_the_time_of_an_answer_does_not_tell_anothers_from_none(
    studio: Studio, marked: Marked, of: str
) -> None:
    eve = await join(studio, "Eve")
    method, path, theirs = {
        "jobs": ("GET", "/api/jobs/{}", marked.job_id),
        "assets": ("GET", "/api/assets/{}", marked.asset_id),
        "keys": ("DELETE", "/api/keys/{}", marked.key_id),
        "receipts": ("GET", "/api/jobs/{}/receipt", marked.job_id),
    }[of]
    took: dict[str, list[float]] = {"foreign": [], "missing": []}

    async def ask(name: str, thing: str) -> None:
        begin = time.perf_counter()
        answer = await eve.ask(method, path.format(thing))
        took[name].append(time.perf_counter() - begin)
        assert answer.status_code == 404

    for number in range(SAMPLES):  # taking turns, so that what the machine does else is in both
        pair = [("foreign", theirs), ("missing", str(uuid4()))]
        for name, thing in pair if number % 2 else reversed(pair):
            await ask(name, thing)

    slower, faster = sorted((median(took["foreign"]), median(took["missing"])), reverse=True)
    assert slower / faster < NOISE, {name: median(each) for name, each in took.items()}


async def test_keys_in_the_database_open_nothing(studio: Studio, marked: Marked) -> None:
    rows = await studio.database.fetch("SELECT api_keys::text AS row FROM api_keys")
    dump = "\n".join(row["row"] for row in rows)
    digests = await studio.database.fetch("SELECT encode(sha256, 'hex') AS hex FROM api_keys")

    assert marked.ada.key not in dump
    for tried in [row["hex"] for row in digests][:50]:
        answer = await studio.client.get("/api/me", headers={"Authorization": f"Bearer {tried}"})
        assert answer.status_code == 401
        assert await keys.Keyring(studio.database).holder(f"sl_{tried[:38]}") is None
