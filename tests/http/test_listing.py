"""The list of jobs: pages without a gap or a repeat, filters, and a search nobody can break."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.studio import Studio

pytestmark = pytest.mark.asyncio(loop_scope="module")


def now() -> str:
    return datetime.now(UTC).isoformat()


async def listed(desk: Studio, **query: Any) -> dict[str, Any]:
    answer = await desk.client.get("/api/jobs", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def ids(desk: Studio, **query: Any) -> list[str]:
    return [job["id"] for job in (await listed(desk, **query))["items"]]


async def test_pages_have_no_gap_and_no_repeat_while_jobs_are_added(desk: Studio) -> None:
    start = now()
    first = [(await desk.submit(f"page {n}"))["id"] for n in range(23)]

    seen: list[str] = []
    query: dict[str, Any] = {"limit": 5, "from": start}
    while True:
        page = await listed(desk, **query)
        seen += [job["id"] for job in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
        await desk.submit("added meanwhile")

    assert seen == first[::-1]


async def test_the_oldest_first_reaches_what_was_added_meanwhile(desk: Studio) -> None:
    start = now()
    expected = [(await desk.submit(f"old {n}"))["id"] for n in range(8)]

    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3, "from": start, "sort": "oldest"}
    while True:
        page = await listed(desk, **query)
        seen += [job["id"] for job in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
        if len(seen) == 3:
            expected.append((await desk.submit("added meanwhile"))["id"])

    assert seen == expected


@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_the_last_page_has_no_cursor(desk: Studio, limit: int) -> None:
    start = now()
    for n in range(limit if limit < 100 else 2):
        await desk.submit(f"last {n}")

    page = await listed(desk, limit=limit, **{"from": start})

    assert page["next_cursor"] is None
    assert page["total_estimate"] == len(page["items"])


async def test_the_total_is_that_of_all_pages(desk: Studio) -> None:
    start = now()
    for n in range(7):
        await desk.submit(f"total {n}")

    first = await listed(desk, limit=3, **{"from": start})
    second = await listed(desk, limit=3, cursor=first["next_cursor"], **{"from": start})

    assert (first["total_estimate"], second["total_estimate"]) == (7, 7)


async def test_the_total_of_very_many_is_estimated(desk: Studio) -> None:
    await desk.database.execute(
        """INSERT INTO jobs (id, owner_id, type, prompt, model, provider, request, count, digest,
                             price)
           SELECT gen_random_uuid(), '00000000-0000-7000-8000-00000000beef', 'image', 'x', 'm', 'p',
                  '{}', 1, '', 0
           FROM generate_series(1, 3000)"""
    )
    await desk.database.execute("ANALYZE jobs")
    own = "UPDATE jobs SET owner_id = $1 WHERE model = 'm'"
    await desk.database.execute(own, "00000000-0000-7000-8000-000000000001")
    try:
        total = (await listed(desk, model="m", limit=0 + 1, cursor="A" * 22))["total_estimate"]
    finally:
        await desk.database.execute("DELETE FROM jobs WHERE model = 'm'")

    assert total > 1000


async def test_somebody_elses_jobs_are_never_listed(desk: Studio) -> None:
    start = now()
    job = await desk.submit("mine no more")
    await desk.database.execute(
        "UPDATE jobs SET owner_id = gen_random_uuid() WHERE id = $1", job["id"]
    )

    page = await listed(desk, **{"from": start})
    answers = [
        await desk.client.request(method, f"/api/jobs/{job['id']}{path}")
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("GET", "/events"))
    ]

    assert (page["items"], page["total_estimate"]) == ([], 0)
    assert [answer.status_code for answer in answers] == [404] * 4


async def test_every_filter_keeps_what_it_says(desk: Studio) -> None:
    start = now()
    heron = await desk.submit("a heron", model="sketch")
    fox = await desk.submit("a fox", model="openai/flux-schnell")
    text = await desk.submit("a haiku", type="text", model="openai/tiny-chat")
    middle = now()
    gone = await desk.submit("a ghost", model="sketch")
    await desk.client.delete(f"/api/jobs/{gone['id']}")
    named = {job["id"]: name for job, name in ((heron, "h"), (fox, "f"), (text, "t"), (gone, "g"))}

    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "gtfh"),
        ({"sort": "oldest"}, "hftg"),
        ({"status": "pending"}, "tfh"),
        ({"status": "cancelled"}, "g"),
        ({"status": ["pending", "cancelled"]}, "gtfh"),
        ({"status": ["completed", "failed"]}, ""),
        ({"type": "text"}, "t"),
        ({"type": "image"}, "gfh"),
        ({"model": "sketch"}, "gh"),
        ({"model": "Sketch"}, ""),
        ({"model": "sketch", "status": "pending"}, "h"),
        ({"session_id": str(uuid4())}, ""),
        ({"q": "fox"}, "f"),
        ({"q": "a", "type": "text", "status": "pending", "model": "openai/tiny-chat"}, "t"),
        ({"to": middle}, "tfh"),
        ({"from": middle}, "g"),
        ({"from": middle, "to": middle}, ""),
        ({"to": start}, ""),
    ]
    for query, expected in cases:
        found = await ids(desk, **({"from": start} | query))
        assert "".join(named[one] for one in found) == expected, query


async def test_a_moment_without_a_zone_is_utc(desk: Studio) -> None:
    start = now()
    job = await desk.submit("when")

    found = await ids(desk, **{"from": start.partition("+")[0]})

    assert found == [job["id"]]


async def test_words_are_found_in_any_order_while_the_last_is_typed(desk: Studio) -> None:
    mark = "q" + uuid4().hex[:12]
    job = await desk.submit(f"{mark} A HERON over tin-roofs; été à Łódź, 東京タワー x2")

    for q in (
        *(mark, mark.upper(), mark[:9], f"{mark} heron", f"heron {mark}", f"{mark} her"),
        *(f"roofs {mark}", f"{mark} été", f"{mark} Łód", f"{mark} 東京", f"{mark}, (heron)!"),
        *(f"{mark}\theron\n", f'"{mark}" -heron', f"{mark} x2", f"  {mark}  "),
    ):
        assert await ids(desk, q=q) == [job["id"]], q
    for q in (f"{mark} eron", f"{mark} fox", f"{mark}z", f"{mark} heron fox"):
        assert await ids(desk, q=q) == [], q


HOSTILE = [
    *("'", "''", "\\", "\\'", "a\\", '"', "&", "|", "!", "<->", "a <-> b", "a & | b", ":*", "a:*"),
    *("a:*b", "a:ABCD", "(", ")", "((a", "!!a", "'a' & !'b'", "a'b", "$1", "{}", "{0}", "%s", "%"),
    *("'; DROP TABLE jobs; --", "a\tb\nc", "\u200b", "\ufeff", "\u202e", "🖼️", "_", "a_b", "__:*"),
    *("ﬁ", "İ", "ß", "²", "½", "Ⅷ", "e\u0301", "\u0301", "http://x.y/z?a=b#c", "a@b.c", "1.5e-3"),
    *("x" * 500, "a " * 250, "' " * 250, "<b>x</b>", "-1", "..", "/etc/passwd", "a/b/c", "a-b-c"),
]


@pytest.mark.parametrize("q", HOSTILE, ids=lambda q: ascii(q)[:30])
async def test_no_search_breaks_anything(desk: Studio, q: str) -> None:
    job = await desk.submit(f"{q} mark", model="sketch")

    jobs = await desk.client.get(f"/api/jobs?q={quote(q)}")
    pictures = await desk.client.get(f"/api/assets?q={quote(q)}")

    assert jobs.status_code == 200, jobs.text
    assert pictures.status_code == 200, pictures.text
    if q.isalnum() and q.isascii():
        assert job["id"] in [found["id"] for found in jobs.json()["items"]]


async def test_bytes_that_are_no_text_find_nothing_and_break_nothing(desk: Studio) -> None:
    for raw in ("%ff", "%ED%A0%80", "%C3%28", "%F0%9F"):
        answer = await desk.client.get(f"/api/jobs?q={raw}x{uuid4().hex}")
        assert (answer.status_code, answer.json()["items"]) == (200, [])


async def test_a_cursor_of_another_list_only_moves_the_start(desk: Studio) -> None:
    start = now()
    made = [await desk.submit(f"cursor {n}") for n in range(4)]
    page = await listed(desk, limit=2, **{"from": start})

    fewer = await ids(desk, cursor=page["next_cursor"], model="no-such", **{"from": start})
    older = await ids(desk, cursor=page["next_cursor"], sort="oldest", **{"from": start})

    assert fewer == []
    assert older == [made[3]["id"]]
