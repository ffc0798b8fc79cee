"""Credits over HTTP: balances, the ledger, receipts, and what an administrator changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from fastapi.routing import APIRoute

from safelight.credits.accounts import CREDITS_MAX
from safelight.http.credits import router
from safelight.http.dependencies import admin, confirmed_admin
from safelight.values.ids import LOCAL_OWNER, new_id
from tests.conftest import Cluster
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.http.people import Person, join
from tests.studio import ENDED, Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

FLUX = {"model": "openai/flux-schnell", "parameters": {"width": 128, "height": 128}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bank(
    cluster: Cluster, _fake_openai: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    """A server with accounts, where orders are worked on."""
    url = await cluster.clone()
    folder = tmp_path_factory.mktemp("bank")
    known: dict[str, Any] = {"accounts": "on", "graceful_stop_s": 0, "sketch": False}
    async with Studio.open(url, folder, _fake_openai, **known) as made:
        yield made
    await cluster.drop(url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def boss(bank: Studio) -> Person:
    """An administrator."""
    return await (await join(bank, "Grace", role="admin")).with_key("admin", "jobs:read")


@pytest_asyncio.fixture(loop_scope="module")
async def ada(bank: Studio, provider_api: FakeOpenAI) -> Person:
    """Somebody with ten credits."""
    return await join(bank, "Ada", credits_=10)


async def say(person: Person, method: str, path: str, status: int = 200, **options: Any) -> Any:
    answer = await person.ask(method, path, **options)
    assert answer.status_code == status, answer.text
    return answer.json()


def a_reference() -> str:
    return f"order {new_id()}"


async def balance(person: Person) -> tuple[int, int]:
    shown = await say(person, "GET", "/api/credits")
    return shown["available"], shown["held"]


async def ordered(person: Person, prompt: str = "a heron", **order: Any) -> dict[str, Any]:
    answer = await person.order(prompt, **(FLUX | order))
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def done(person: Person, prompt: str = "a heron", **order: Any) -> dict[str, Any]:
    job = await ordered(person, prompt, **order)
    while job["status"] not in ENDED:
        job = await say(person, "GET", f"/api/jobs/{job['id']}", params={"wait": 5})
    return job


async def receipt(person: Person, job: dict[str, Any]) -> dict[str, Any]:
    return dict(await say(person, "GET", f"/api/jobs/{job['id']}/receipt"))


def amounts(shown: dict[str, Any]) -> dict[str, int]:
    """Those of a receipt that are not 0."""
    names = ("quoted", "held", "confirmed", "released", "refunded", "charged")
    return {name: shown[name] for name in names if shown[name]}


async def kinds(person: Person) -> list[str]:
    return [line["kind"] for line in (await say(person, "GET", "/api/credits/ledger"))["items"]]


# What there is


async def test_out_of_the_box_the_owner_orders_without_limit(desk: Studio) -> None:
    shown = (await desk.client.get("/api/credits")).json()

    assert shown["unlimited"]
    assert shown["used"] == 0
    assert (shown["available"], shown["allowance"]) == (0, None)


async def test_what_an_order_costs_is_held_until_it_ends(ada: Person, bank: Studio) -> None:
    bank.provider_api.plan = Plan(fault="hang")
    job = await ordered(ada, count=2)
    assert await balance(ada) == (8, 2)

    await ada.ask("DELETE", f"/api/jobs/{job['id']}")

    assert await balance(ada) == (10, 0)


async def test_what_was_delivered_is_paid(ada: Person) -> None:
    job = await done(ada, count=3)

    assert job["charged"] == {"credits": 3, "released": 0}
    assert await balance(ada) == (7, 0)


async def test_an_order_beyond_what_there_is_is_refused_and_changes_nothing(ada: Person) -> None:
    await done(ada, count=8)

    answer = await ada.order("a crane", **FLUX, count=3)

    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert await balance(ada) == (2, 0)
    assert len((await say(ada, "GET", "/api/jobs"))["items"]) == 1


# The ledger


async def test_the_ledger_tells_everything_newest_first_page_by_page(
    ada: Person, boss: Person
) -> None:
    job = await done(ada)
    for number in range(5):
        await grant(boss, ada, credits=number + 1, note=f"Thank you {number}")

    lines: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": 3}
    while True:
        page = await say(ada, "GET", "/api/credits/ledger", params=asked)
        lines += page["items"]
        if page["next_cursor"] is None:
            break
        asked["cursor"] = page["next_cursor"]

    told = [(line["kind"], line["credits"], line["available_after"]) for line in lines]
    assert told == [
        ("grant", 5, 24),
        ("grant", 4, 19),
        ("grant", 3, 15),
        ("grant", 2, 12),
        ("grant", 1, 10),
        ("confirm", 1, 9),
        ("hold", 1, 9),
        ("grant", 10, 10),
    ]
    assert lines[0]["note"] == "Thank you 4"
    assert {line["job_id"] for line in lines if line["kind"] in ("hold", "confirm")} == {job["id"]}
    assert len({line["id"] for line in lines}) == len(lines)


async def test_a_full_last_page_is_the_last(ada: Person, boss: Person) -> None:
    await grant(boss, ada, credits=1)

    page = await say(ada, "GET", "/api/credits/ledger", params={"limit": 2})

    assert len(page["items"]) == 2
    assert page["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 19, "%00", "1 OR 1=1"])
async def test_what_is_no_cursor_is_refused(ada: Person, cursor: str) -> None:
    await say(ada, "GET", f"/api/credits/ledger?cursor={cursor}", 422)


# Receipts


async def test_a_receipt_of_a_job_that_was_done(ada: Person) -> None:
    job = await done(ada, count=2)

    shown = await receipt(ada, job)

    assert shown["job_id"] == job["id"]
    assert (shown["model"], shown["provider"]) == ("openai/flux-schnell", "openai")
    assert (shown["count"], shown["status"], shown["why"]) == (2, "completed", None)
    assert shown["price"] == {"each": 1, "total": 2}
    assert amounts(shown) == {"quoted": 2, "confirmed": 2, "charged": 2}
    assert [line["kind"] for line in shown["lines"]] == ["hold", "confirm"]
    assert shown["finished_at"] >= shown["started_at"] >= shown["created_at"]


async def test_a_receipt_of_a_job_that_goes_on_says_what_is_held(ada: Person, bank: Studio) -> None:
    bank.provider_api.plan = Plan(fault="hang")
    job = await ordered(ada, count=3)

    shown = await receipt(ada, job)

    assert amounts(shown) == {"quoted": 3, "held": 3}
    assert [line["kind"] for line in shown["lines"]] == ["hold"]
    assert shown["why"] is None
    await ada.ask("DELETE", f"/api/jobs/{job['id']}")


async def test_a_receipt_of_a_job_of_which_a_part_was_delivered(ada: Person, bank: Studio) -> None:
    bank.provider_api.plan = Plan(fault="hang", times=1)
    job = await ordered(ada, count=2)
    while not any(output["asset"] for output in job["outputs"]):
        job = await say(ada, "GET", f"/api/jobs/{job['id']}", params={"wait": 5})
    await ada.ask("DELETE", f"/api/jobs/{job['id']}")

    shown = await receipt(ada, job)

    assert amounts(shown) == {"quoted": 2, "confirmed": 1, "released": 1, "charged": 1}
    assert [line["kind"] for line in shown["lines"]] == ["hold", "confirm", "release"]
    assert await balance(ada) == (9, 0)


async def test_a_receipt_of_a_result_that_was_served_again_is_empty(ada: Person) -> None:
    first = await done(ada)
    again = await ordered(ada)

    shown = await receipt(ada, again)

    assert amounts(shown) == {}
    assert shown["reused"]["job_id"] == first["id"]
    assert "served again" in shown["why"]
    assert shown["lines"] == []


async def test_a_receipt_of_a_failure_says_that_it_cost_nothing(ada: Person, bank: Studio) -> None:
    bank.provider_api.plan = Plan(fault="refused")
    job = await done(ada)
    assert job["status"] == "failed"

    shown = await receipt(ada, job)

    assert amounts(shown) == {"quoted": 1, "released": 1}
    assert shown["why"] == "Nothing was delivered, so nothing is charged."
    assert await balance(ada) == (10, 0)


async def test_a_receipt_of_a_job_of_before_the_ledger_says_what_was_charged(
    ada: Person, bank: Studio
) -> None:
    job_id = new_id()
    await bank.database.execute(
        """INSERT INTO jobs (id, owner_id, type, status, model, provider, prompt, request, count,
                             digest, price, charged, finished_at)
           SELECT $1, $2, 'image', 'completed', 'm', 'p', 'a heron', '{}', 3, '', 3, 2,
                  applied_at - interval '1 second'
           FROM migrations WHERE name = '0003_credits.sql'""",
        job_id,
        ada.user.id,
    )

    shown = await receipt(ada, {"id": job_id})

    assert amounts(shown) == {"quoted": 3, "confirmed": 2, "released": 1, "charged": 2}


async def test_somebody_elses_receipt_is_as_unknown_as_none(ada: Person, bank: Studio) -> None:
    job = await ordered(await join(bank, "Bob"))

    foreign = await say(ada, "GET", f"/api/jobs/{job['id']}/receipt", 404)
    unknown = await say(ada, "GET", f"/api/jobs/{new_id()}/receipt", 404)

    assert foreign["detail"] == unknown["detail"]


# Grants and refunds


async def grant(boss: Person, to: Person, status: int = 201, **more: Any) -> Any:
    body = {"user": str(to.user.id), "credits": 5, "reference": a_reference()} | more
    return await say(boss, "POST", "/api/admin/grants", status, json=body)


async def test_a_grant_is_made_once_however_often_it_is_sent(ada: Person, boss: Person) -> None:
    body = {"user": str(ada.user.id), "credits": 50, "reference": a_reference(), "note": "Thanks"}

    answers = await asyncio.gather(
        *(boss.ask("POST", "/api/admin/grants", json=body) for _ in range(100))
    )

    assert sorted(answer.status_code for answer in answers) == [200] * 99 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert await balance(ada) == (60, 0)
    entry = answers[0].json()
    assert (entry["user"], entry["kind"], entry["note"]) == (str(ada.user.id), "grant", "Thanks")
    assert (entry["credits"], entry["available_after"]) == (50, 60)


async def test_a_reference_for_something_else_is_refused(ada: Person, boss: Person) -> None:
    reference = a_reference()
    await grant(boss, ada, credits=50, reference=reference)

    refused = await grant(boss, ada, 422, credits=51, reference=reference)

    assert refused["errors"][0]["field"] == "reference"
    assert "for 50 credits" in refused["detail"]
    assert await balance(ada) == (60, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("credits", 0),
        ("credits", -5),
        ("credits", 1.5),
        ("credits", 1.0),
        ("credits", "5"),
        ("credits", True),
        ("credits", None),
        ("credits", CREDITS_MAX + 1),
        ("credits", 2**63 - 1),
        ("reference", ""),
        ("reference", "  \n "),
        ("reference", "x" * 201),
        ("reference", None),
        ("note", "x" * 501),
        ("user", ""),
        ("bonus", 1),
    ],
)
async def test_a_senseless_grant_is_refused_by_its_field(
    ada: Person, boss: Person, field: str, value: Any
) -> None:
    refused = await grant(boss, ada, 422, **{field: value})

    assert refused["errors"][0]["field"] == field
    assert await kinds(ada) == ["grant"]


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-0", "1e3", "5.0", "05", "99999999999999999999999"]
)
async def test_what_is_no_whole_number_is_none_in_any_spelling(
    ada: Person, boss: Person, number: str
) -> None:
    body = f'{{"user": "{ada.user.id}", "reference": "{a_reference()}", "credits": {number}}}'
    headers = boss.headers | {"content-type": "application/json"}

    answer = await boss.studio.client.post("/api/admin/grants", content=body, headers=headers)

    assert answer.status_code == 422
    assert await kinds(ada) == ["grant"]


@pytest.mark.parametrize("user", ["01a1fb2f-0c61-7c73-aa6b-a8e0242e180d", "bob@example.org", "7"])
async def test_nobody_is_granted_anything(ada: Person, boss: Person, user: str) -> None:
    refused = await grant(boss, ada, 404, user=user)

    assert refused["detail"] == "There is no such user."


async def test_a_user_is_named_by_his_address_and_gets_an_account(
    ada: Person, boss: Person, bank: Studio
) -> None:
    user_id: UUID = new_id()
    await bank.database.execute(
        "INSERT INTO users (id, name, email) VALUES ($1, 'Eve', 'Eve@example.org')", user_id
    )

    entry = await grant(boss, ada, user="eve@example.org")

    assert (entry["user"], entry["available_after"]) == (str(user_id), 5)


async def test_a_refund_gives_back_and_the_receipt_tells(ada: Person, boss: Person) -> None:
    job = await done(ada, count=3)
    part = {"job": job["id"], "credits": 1, "reference": a_reference(), "note": "It was blurred."}
    rest = {"job": job["id"], "reference": a_reference()}

    for status in (201, 200):
        entry = await say(boss, "POST", "/api/admin/refunds", status, json=part)
        assert (entry["kind"], entry["credits"], entry["job_id"]) == ("refund", 1, job["id"])
    assert (await say(boss, "POST", "/api/admin/refunds", 201, json=rest))["credits"] == 2

    assert await balance(ada) == (10, 0)
    shown = await receipt(ada, job)
    assert amounts(shown) == {"quoted": 3, "confirmed": 3, "refunded": 3}
    assert [line["kind"] for line in shown["lines"]] == ["hold", "confirm", "refund", "refund"]
    assert shown["lines"][2]["note"] == "It was blurred."
    over = part | {"reference": a_reference()}
    refused = await say(boss, "POST", "/api/admin/refunds", 422, json=over)
    assert refused["errors"][0]["field"] == "credits"


async def test_there_is_nothing_to_refund_for_an_unknown_job(boss: Person) -> None:
    body = {"job": str(new_id()), "reference": a_reference()}

    await say(boss, "POST", "/api/admin/refunds", 404, json=body)


# Accounts


async def test_an_administrator_sees_everybodys_account_page_by_page(
    boss: Person, bank: Studio
) -> None:
    people = [await join(bank, f"Ada {number}", credits_=number) for number in range(1, 6)]

    shown: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": 4}
    while True:
        page = await say(boss, "GET", "/api/admin/accounts", params=asked)
        shown += page["items"]
        if page["next_cursor"] is None:
            break
        asked["cursor"] = page["next_cursor"]

    assert [account["user"] for account in shown] == sorted({account["user"] for account in shown})
    found = {account["user"]: account for account in shown}
    assert found[str(LOCAL_OWNER)]["unlimited"]
    for number, person in enumerate(people, start=1):
        account = found[str(person.user.id)]
        assert (account["name"], account["available"]) == (f"Ada {number}", number)


async def change(boss: Person, whose: Person, status: int = 200, **body: Any) -> Any:
    return await say(boss, "PUT", f"/api/admin/accounts/{whose.user.id}", status, json=body)


async def test_an_allowance_is_set_and_seen_and_taken_away(ada: Person, boss: Person) -> None:
    changed = await change(boss, ada, allowance=30, allowance_every="week")

    assert changed["available"] == 30
    shown = await say(ada, "GET", "/api/credits")
    assert (shown["allowance"]["credits"], shown["allowance"]["every"]) == (30, "week")
    assert shown["allowance"]["next_at"].endswith("T00:00:00Z")
    taken = await change(boss, ada, allowance=None, allowance_every=None)
    assert (taken["allowance"], taken["available"]) == (None, 30)


async def test_without_limit_and_back_again(ada: Person, boss: Person) -> None:
    await change(boss, ada, allowance=30, allowance_every="week")

    changed = await change(boss, ada, unlimited=True)
    await done(ada, count=8)
    back = await change(boss, ada, unlimited=False)

    assert changed["unlimited"]
    assert changed["allowance"] is not None, "what is not named stays"
    assert (back["available"], back["used"]) == (30, 8)


@pytest.mark.parametrize(
    "body",
    [
        {"allowance": 5},
        {"allowance_every": "day"},
        {"allowance": 5, "allowance_every": "year"},
        {"allowance": 0, "allowance_every": "day"},
        {"allowance": 2.5, "allowance_every": "day"},
        {"unlimited": "yes"},
        {"available": 5},
    ],
)
async def test_a_senseless_change_is_refused_and_changes_nothing(
    ada: Person, boss: Person, body: dict[str, Any]
) -> None:
    before = await say(ada, "GET", "/api/credits")

    await change(boss, ada, 422, **body)

    assert await say(ada, "GET", "/api/credits") == before


@pytest.mark.parametrize(
    "user", ["01a1fb2f-0c61-7c73-aa6b-a8e0242e180d", "bob@example.org", "%F0%9F%90%A6"]
)
async def test_nobodys_account_is_not_changed(boss: Person, user: str) -> None:
    await say(boss, "PUT", f"/api/admin/accounts/{user}", 404, json={"unlimited": True})


async def test_what_changes_other_peoples_credits_is_for_administrators() -> None:
    routes = [route for route in router.routes if isinstance(route, APIRoute)]

    guarded = {
        route.path
        for route in routes
        if {admin, confirmed_admin} & {needed.call for needed in route.dependant.dependencies}
    }

    assert guarded == {route.path for route in routes if "/admin/" in route.path}
    assert len(guarded) == 4


async def test_an_ordinary_user_may_not(ada: Person) -> None:
    refused = await grant(ada, ada, 403)

    assert refused["code"] == "forbidden"
    assert await kinds(ada) == ["grant"]


# Readiness; the last test, for what it breaks


async def test_a_wrong_ledger_is_said_by_readiness(bank: Studio) -> None:
    await bank.shop.ledger.once()
    assert (await bank.client.get("/readyz")).json()["ledger"] == "ok"

    await bank.database.execute("UPDATE accounts SET open_jobs = open_jobs + 1")
    await bank.shop.ledger.once()

    answer = await bank.client.get("/readyz")
    assert (answer.status_code, answer.json()["ledger"]) == (503, "violated: I9")


async def test_a_line_says_which_job_it_is_about_and_the_balance_what_was_used(ada: Person) -> None:
    await done(ada, "a heron over tin roofs")

    lines = (await say(ada, "GET", "/api/credits/ledger"))["items"]
    prompts = {line["kind"]: line["prompt"] for line in lines}

    assert prompts["confirm"] == prompts["hold"] == "a heron over tin roofs"
    assert prompts["grant"] is None
    assert (await say(ada, "GET", "/api/credits"))["used"] == 1
