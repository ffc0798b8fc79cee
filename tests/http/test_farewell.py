"""Leaving: kept out at once, brought back for a while, then forgotten; the books stay right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from safelight.accounts import keys, users
from safelight.credits import invariants
from safelight.jobs import farewell, trash
from safelight.values.errors import Forbidden, InvalidRequest
from safelight.values.ids import LOCAL_OWNER
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.http.people import Person, join
from tests.jobs.pictures import objects
from tests.studio import ENDED, Studio

KEPT_S = 7 * 86_400
SMALL = {"parameters": {"width": 64, "height": 64}}
SLOW = {"model": "openai/flux-schnell", "parameters": {"width": 128, "height": 128}}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _town(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    url = await cluster.clone()
    settings = {"accounts": "on", "user_submits_per_minute": 0, "user_open_max": 0}
    folder = tmp_path_factory.mktemp("town")
    async with Studio.open(url, folder, _fake_openai, **settings) as made:
        yield made
    await cluster.drop(url)


@pytest.fixture
def town(_town: Studio, provider_api: FakeOpenAI) -> Studio:
    """A Safelight with accounts and a worker, for all tests here. Each has people of its own."""
    return _town


async def ended(person: Person, job: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while job["status"] not in ENDED:
            path = f"/api/jobs/{job['id']}"
            job = (await person.ask("GET", path, params={"wait": 5})).json()
    return job


async def picture(person: Person, prompt: str = "a heron") -> dict[str, Any]:
    """A picture of his, as an asset."""
    job = await ended(person, (await person.order(prompt, **SMALL)).json())
    asset: dict[str, Any] = job["outputs"][0]["asset"]
    return asset


async def leave(person: Person, confirm: str | None = None) -> Any:
    body = {"confirm": confirm or person.user.name}
    return await person.ask("DELETE", "/api/me", json=body)


async def kept_out(person: Person) -> None:
    """His key is let in no more; it is remembered for a second."""
    async with asyncio.timeout(10):
        while (await person.ask("GET", "/api/me")).status_code not in (401, 403):
            await asyncio.sleep(0.05)


async def forget_now(town: Studio) -> None:
    """As when the time is over: sweeps until nothing more is to be done."""
    await town.database.execute("UPDATE users SET deleted_at = deleted_at - interval '8 days'")
    for _ in range(4):
        await farewell.carry_on(town.database, kept_s=KEPT_S, on_cancelled=lambda _: None)
        await trash.purge(town.database, town.shop.store, kept_s=KEPT_S)


async def books_are_right(town: Studio) -> bool:
    return await invariants.check(town.database) == []


async def test_who_leaves_is_kept_out_at_once(town: Studio) -> None:
    ada, bob = await join(town), await join(town, "Bob")
    asset = await picture(ada)
    assert (await town.client.get(asset["url"])).status_code == 200

    left = await leave(ada)

    assert left.status_code == 200
    # His key is remembered for a second; what he might order in it is refused all the same.
    assert (await ada.order()).status_code in (401, 403)
    assert (await town.client.get(asset["url"])).status_code == 404
    await kept_out(ada)
    assert (await bob.ask("GET", "/api/me")).status_code == 200


@pytest.mark.parametrize("said", ["", "ada", "Ada ", "no@example.org", "Ada Lovelace!"])
async def test_a_slip_deletes_nobody(town: Studio, said: str) -> None:
    ada = await join(town, "Ada Lovelace")

    refused = await ada.ask("DELETE", "/api/me", json={"confirm": said})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "confirm"
    assert (await ada.order()).status_code == 202


@pytest.mark.parametrize("said", ["Ada", " ADA ", "Ada@Example.org"])
async def test_the_name_or_the_address_confirms(town: Studio, said: str) -> None:
    ada = await join(town)
    await town.database.execute("UPDATE users SET email = NULL WHERE email = 'ada@example.org'")
    await town.database.execute(
        "UPDATE users SET email = 'ada@example.org' WHERE id = $1", ada.user.id
    )

    assert (await leave(ada, said)).status_code == 200


async def test_what_runs_is_cancelled_and_costs_nothing(town: Studio) -> None:
    town.provider_api.plan = Plan(latency_s=30)
    ada = await join(town)
    jobs = [(await ada.order(f"heron {n}", **SLOW)).json() for n in range(6)]
    async with asyncio.timeout(30):
        while not await town.database.fetchval(
            "SELECT count(*) FROM jobs WHERE attempt > 0 AND owner_id = $1", ada.user.id
        ):
            await asyncio.sleep(0.05)

    await leave(ada)

    rows = await jobs_of(town, ada)
    assert {row["id"] for row in rows} == {UUID(job["id"]) for job in jobs}
    assert {(row["status"], row["charged"]) for row in rows} == {("cancelled", 0)}
    assert "deleted" in rows[0]["error"]["detail"]
    account = await town.database.fetchrow("SELECT * FROM accounts WHERE id = $1", ada.user.id)
    assert account is not None
    assert (account["held"], account["open_jobs"], account["parked_jobs"]) == (0, 0, 0)
    assert account["available"] == 1000
    assert await books_are_right(town)


async def test_a_job_that_is_being_written_to_is_cancelled_a_moment_later(town: Studio) -> None:
    town.provider_api.plan = Plan(latency_s=30)
    ada = await join(town)
    busy, other = [UUID((await ada.order(name, **SLOW)).json()["id"]) for name in ("a", "b")]

    async with town.database.transaction() as tx:
        await tx.execute("SELECT FROM jobs WHERE id = $1 FOR NO KEY UPDATE", busy)
        leaving = asyncio.create_task(leave(ada))
        async with asyncio.timeout(10):
            while await town.database.fetchval(
                "SELECT finished_at IS NULL FROM jobs WHERE id = $1", other
            ):
                await asyncio.sleep(0.005)
    await leaving

    assert {row["status"] for row in await jobs_of(town, ada)} == {"cancelled"}


async def test_of_orders_sent_meanwhile_each_is_refused_or_cancelled(town: Studio) -> None:
    """One in flight when the account is closed is on one side of it or on the other."""
    town.provider_api.plan = Plan(latency_s=0.3)
    ada = await join(town)
    accepted: list[str] = []
    late: list[str] = []  # sent after the answer that it is closed
    some, gone = asyncio.Event(), asyncio.Event()

    async def order_until_refused(number: int) -> int:
        while True:
            was_gone = gone.is_set()
            answer = await ada.order(f"heron {number} {len(accepted)}", **SLOW)
            if answer.status_code != 202:
                return answer.status_code
            accepted.append(answer.json()["id"])
            if was_gone:
                late.append(answer.json()["id"])
            if len(accepted) > 5:
                some.set()

    async def go() -> int:
        await some.wait()
        answer = await leave(ada)
        gone.set()
        return int(answer.status_code)

    left, *answers = await asyncio.gather(go(), *(order_until_refused(n) for n in range(8)))

    assert left == 200
    assert set(answers) <= {401, 403}
    assert late == []
    await farewell.carry_on(town.database, kept_s=KEPT_S, on_cancelled=lambda _: None)
    rows = await jobs_of(town, ada)
    assert {str(row["id"]) for row in rows} == set(accepted)
    assert {row["status"] for row in rows} <= {"cancelled", "completed"}
    held = await town.database.fetchrow(
        "SELECT held, open_jobs FROM accounts WHERE id = $1", ada.user.id
    )
    assert tuple(held or ()) == (0, 0)
    assert await books_are_right(town)


async def test_jobs_a_dying_deletion_left_running_are_found_by_the_sweep(town: Studio) -> None:
    town.provider_api.plan = Plan(latency_s=30)
    ada = await join(town)
    await ada.order(**SLOW)
    # All that a process killed right after the commit has done.
    await town.database.execute("UPDATE accounts SET closed_at = now() WHERE id = $1", ada.user.id)
    told: list[UUID] = []

    await farewell.carry_on(town.database, kept_s=KEPT_S, on_cancelled=told.extend)

    assert [row["status"] for row in await jobs_of(town, ada)] == ["cancelled"]
    assert len(told) <= 1, "none if this process's own sweep came first"
    assert await books_are_right(town)


async def test_an_administrator_brings_somebody_back_with_everything(town: Studio) -> None:
    root, ada = await admin(town), await join(town)
    asset, other = await picture(ada), await picture(ada, "a crane")
    await ada.ask("DELETE", f"/api/assets/{other['id']}")
    await leave(ada)
    await kept_out(ada)

    restored = await root.ask("POST", f"/api/admin/users/{ada.user.id}/restore")

    assert restored.json() == {"id": str(ada.user.id), "name": "Ada", "email": None}
    assert (await ada.ask("GET", "/api/me")).status_code == 401, "keys stay revoked"
    _, text = await keys.create(town.database, ada.user.id, name="new")
    again = Person(town, ada.user, text)
    page = (await again.ask("GET", "/api/assets")).json()
    assert [one["id"] for one in page["items"]] == [asset["id"]], "what he deleted stays deleted"
    assert (await town.client.get(asset["url"])).status_code == 200
    assert (await again.order(**SMALL)).status_code == 202


async def test_who_was_disabled_before_is_so_afterwards(town: Studio) -> None:
    root, ada = await admin(town), await join(town)
    await users.set_disabled(town.database, ada.user.id, disabled=True)
    await root.ask("DELETE", f"/api/admin/users/{ada.user.id}")

    await root.ask("POST", f"/api/admin/users/{ada.user.id}/restore")

    assert (await users.find(town.database, str(ada.user.id))).disabled_at


async def test_deleting_again_changes_nothing(town: Studio) -> None:
    root, ada = await admin(town), await join(town)
    path = f"/api/admin/users/{ada.user.id}"

    first, *others = [await root.ask("DELETE", path) for _ in range(3)]

    assert first.status_code == 200
    assert all(other.json() == first.json() for other in others)
    assert first.json()["restorable_until"] > first.json()["deleted_at"]
    assert (await root.ask("DELETE", f"/api/admin/users/{uuid4()}")).status_code == 404


async def test_a_deleted_user_is_neither_enabled_nor_given_a_key(town: Studio) -> None:
    ada = await join(town)
    await leave(ada)

    with pytest.raises(InvalidRequest, match="restore"):
        await users.set_disabled(town.database, ada.user.id, disabled=False)
    with pytest.raises(Forbidden):
        await keys.create(town.database, ada.user.id, name="for later")


async def test_the_owner_and_the_last_administrator_stay(town: Studio) -> None:
    await no_administrators(town)
    root = await admin(town)

    owner = await root.ask("DELETE", f"/api/admin/users/{LOCAL_OWNER}")
    last = await root.ask("DELETE", f"/api/admin/users/{root.user.id}")
    himself = await root.ask("DELETE", "/api/me", json={"confirm": root.user.name})

    assert [answer.status_code for answer in (owner, last, himself)] == [403, 403, 403]
    assert "owner" in owner.json()["detail"]
    assert "administrator" in last.json()["detail"]
    assert (await root.ask("GET", "/api/me")).status_code == 200


async def test_of_administrators_who_delete_each_other_one_stays(town: Studio) -> None:
    await no_administrators(town)
    some = [await admin(town, f"Root {number}") for number in range(4)]

    answers = await asyncio.gather(
        *(
            one.ask("DELETE", f"/api/admin/users/{some[(number + 1) % 4].user.id}")
            for number, one in enumerate(some)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 403]


async def test_without_accounts_the_owner_stays(desk: Studio) -> None:
    refused = await desk.client.request("DELETE", "/api/me", json={"confirm": "You"})

    assert refused.status_code == 403
    assert "data folder" in refused.json()["detail"]


async def test_only_administrators_delete_others_and_only_whole_keys_their_holder(
    town: Studio,
) -> None:
    ada, bob = await join(town), await join(town, "Bob")
    limited = await ada.with_key("jobs:write", "jobs:read", "assets:read")

    answers = [
        await ada.ask("DELETE", f"/api/admin/users/{bob.user.id}"),
        await ada.ask("POST", f"/api/admin/users/{bob.user.id}/restore"),
        await ada.ask("GET", f"/api/admin/users/{bob.user.id}/export"),
        await limited.ask("DELETE", "/api/me", json={"confirm": "Ada"}),
        await limited.ask("GET", "/api/me/export"),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert (await bob.order()).status_code == 202


async def test_after_the_time_nothing_is_left_but_numbers(town: Studio) -> None:
    """No table has a word of his any more; the ledger has every posting it had."""
    root, bob = await admin(town), await join(town, "Bob")
    zoe = await join(town, "Zoraida")
    await town.database.execute(
        "UPDATE users SET email = 'zoraida@example.org' WHERE id = $1", zoe.user.id
    )
    his, hers = await picture(bob, "a quiet heron"), await picture(zoe, "a zorilla at dusk")
    await zoe.ask("PATCH", f"/api/assets/{hers['id']}", json={"tags": ["zorilla"]})
    await zoe.order(
        "a zorilla", metadata={"about": "zorilla"}, model="openai/tiny-chat", type="text"
    )
    town.provider_api.plan = Plan(fault="bad_request")
    dead = await zoe.order("a zorilla that fails", **SLOW)
    await ended(zoe, dead.json())
    town.provider_api.plan = Plan()
    assert await town.database.fetchval(
        "SELECT count(*) FROM dead_letters WHERE job_id = $1", UUID(dead.json()["id"])
    )
    postings = await town.database.fetch("SELECT * FROM postings ORDER BY id")
    assert await tables_with(town, "zorilla")
    assert await tables_with(town, "zoraida")

    await leave(zoe)
    await forget_now(town)

    assert await tables_with(town, "zorilla") == []
    assert await tables_with(town, "zoraida") == []
    after = await town.database.fetch("SELECT * FROM postings ORDER BY id")
    assert after[: len(postings)] == postings
    assert await books_are_right(town)
    stored = {key.split("/")[1] for key in await objects(town.shop.store)}
    assert his["id"] in stored
    assert hers["id"] not in stored
    assert await tables_with(town, "a quiet heron") == ["assets", "jobs"]
    restored = await root.ask("POST", f"/api/admin/users/{zoe.user.id}/restore")
    assert restored.status_code == 404
    assert (await root.ask("DELETE", f"/api/admin/users/{zoe.user.id}")).status_code == 404
    assert (await root.ask("GET", f"/api/admin/users/{zoe.user.id}/export")).status_code == 404
    assert (await join(town, "Zoraida")).user.id != zoe.user.id


async def test_several_processes_forget_at_once(town: Studio) -> None:
    people = [await join(town, f"Person {number}") for number in range(4)]
    pictures = {(await picture(person))["id"] for person in people}
    for person in people:
        await leave(person)
    await town.database.execute("UPDATE users SET deleted_at = deleted_at - interval '8 days'")

    for _ in range(4):
        await asyncio.gather(
            *(
                farewell.carry_on(town.database, kept_s=KEPT_S, on_cancelled=lambda _: None)
                for _ in range(3)
            ),
            trash.purge(town.database, town.shop.store, kept_s=KEPT_S),
        )

    left = await town.database.fetchval(
        "SELECT count(*) FROM users WHERE deleted_at IS NOT NULL AND forgotten_at IS NULL"
    )
    assert left == 0
    assert not pictures & {key.split("/")[1] for key in await objects(town.shop.store)}
    assert await books_are_right(town)


async def admin(town: Studio, name: str = "Root") -> Person:
    person = await join(town, name, role="admin")
    _, text = await keys.create(
        town.database,
        person.user.id,
        name="all",
        scopes=["admin", "jobs:read", "jobs:write", "assets:read"],
    )
    return Person(town, person.user, text)


async def no_administrators(town: Studio) -> None:
    """But the owner, who may have no way in."""
    await town.database.execute("UPDATE users SET role = 'user' WHERE id <> $1", LOCAL_OWNER)


async def jobs_of(town: Studio, person: Person) -> list[Any]:
    return await town.database.fetch("SELECT * FROM jobs WHERE owner_id = $1", person.user.id)


async def tables_with(town: Studio, word: str) -> list[str]:
    """The tables any row of which has this word anywhere."""
    tables = await town.database.fetch(
        """SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
           WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'queue') ORDER BY 1"""
    )
    found = []
    for table in tables:
        sql = f"SELECT EXISTS (SELECT FROM {table['name']} AS t WHERE t::text ILIKE $1)"
        if await town.database.fetchval(sql, f"%{word}%"):
            found.append(table["name"].removeprefix("public."))
    return found
