"""Pages of a hundred thousand jobs: the last one costs what the first one does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from safelight.database.pool import Database
from safelight.jobs import stats
from safelight.jobs.listing import Page, cursor_of, first_id_at, list_jobs, read_cursor, words_query
from safelight.values.errors import InvalidRequest
from safelight.values.ids import LOCAL_OWNER, OwnerId
from tests.conftest import Cluster

JOBS = 100_000
OTHERS_EVERY = 10  # every tenth job is somebody else's
SOMEBODY_ELSE = OwnerId(UUID("00000000-0000-7000-8000-000000000002"))
NEWCOMER = OwnerId(UUID("00000000-0000-7000-8000-000000000003"))  # has three old jobs
FIRST_AT = datetime(2026, 1, 1, tzinfo=UTC)

# One job a second, ids as `new_id` makes them; one in 1,000 waits, one in 5,000 runs.
_FILL = f"""
INSERT INTO jobs (id, owner_id, type, status, model, provider, prompt, request, count, digest,
                  price, finished_at, created_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000'
        || '8' || lpad(to_hex(n), 15, '0'))::uuid,
       CASE WHEN n % {OTHERS_EVERY} = 0 THEN $2::uuid WHEN n IN (4, 5, 6) THEN $5
            ELSE $1::uuid END,
       CASE WHEN n % 7 = 0 THEN 'text' ELSE 'image' END,
       status, 'model-' || n % 5, 'sketch',
       'a ' || (ARRAY['red', 'blue', 'green', 'grey'])[n % 4 + 1] || ' heron '
       || CASE WHEN n % 997 = 1 THEN 'at midnight' ELSE 'by day' END,
       '{{}}', 1, '', 0, CASE WHEN status IN ('pending', 'processing') THEN NULL ELSE at END, at
FROM (SELECT n, $3::timestamptz + n * interval '1 second' AS at,
             CASE WHEN n % 5000 = 3 THEN 'processing' WHEN n % 1000 = 1 THEN 'pending'
                  WHEN n % 50 = 2 THEN 'failed' ELSE 'completed' END AS status
      FROM generate_series(1, $4) AS n) AS numbered
"""

FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "rare status": {"status": ["processing"]},
    "waiting": {"status": ["pending"]},
    "common status": {"status": ["completed"]},
    "two statuses": {"status": ["pending", "processing"]},
    "type": {"job_type": "text"},
    "model": {"model": "model-3"},
    "common word": {"q": "heron"},
    "rare word": {"q": "midn"},
    "two words": {"q": "blue midnight"},
    "no such word": {"q": "nothing"},
    "time": {"since": FIRST_AT + timedelta(hours=3), "until": FIRST_AT + timedelta(hours=4)},
    "word and status": {"q": "heron", "status": ["failed"]},
}


# Where an index leads to the rows; the others may read past rows that do not match.
SELECTIVE = ("all", "rare status", "waiting", "common status", "two statuses", "no such word")
ROWS_READ_MAX = 2_500  # a thousand are counted


class Asked:
    """The statements a piece of code sent, and the plans they get."""

    def __init__(self) -> None:
        self._sent: dict[str, list[Any]] = {}

    def __call__(self, query: Any) -> None:
        if query.query.lstrip().startswith("SELECT"):
            self._sent[query.query] = query.args

    def __len__(self) -> int:
        return len(self._sent)

    async def plans(self, database: Database) -> dict[str, list[dict[str, Any]]]:
        """What each statement does with the table of jobs, planned as the session plans."""
        plans = {}
        async with database.pool.acquire() as connection:
            for number, (statement, values) in enumerate(list(self._sent.items())):
                await connection.execute(f"PREPARE asked_{number} AS {statement}")
                given = f"({', '.join(map(_literal, values))})" if values else ""
                plan = await connection.fetchval(
                    f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked_{number}{given}"
                )
                await connection.execute(f"DEALLOCATE asked_{number}")
                nodes = _nodes(json.loads(plan)[0]["Plan"])
                plans[statement] = [node for node in nodes if node.get("Relation Name") == "jobs"]
        return plans


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(_literal, value))}]"
    return "NULL" if value is None else f"'{value}'"


def _rows_read(node: dict[str, Any]) -> int:
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    read = node["Actual Rows"] + sum(node.get(name, 0) for name in removed)
    return int(read * node["Actual Loops"])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


@pytest.fixture(scope="module")
def filled_url(cluster: Cluster) -> Iterator[str]:
    """A database with the jobs in it; filled once, only read by the tests."""

    async def fill() -> str:
        url = await cluster.clone()
        connection = await asyncpg.connect(url)
        await connection.execute(_FILL, LOCAL_OWNER, SOMEBODY_ELSE, FIRST_AT, JOBS, NEWCOMER)
        await connection.execute("VACUUM ANALYZE jobs")
        await connection.close()
        return url

    url = asyncio.run(fill())
    yield url
    asyncio.run(cluster.drop(url))


@pytest.fixture
async def filled(filled_url: str) -> AsyncIterator[Database]:
    database = await Database.connect(filled_url, connections_max=2)
    yield database
    await database.close()


async def listen_in(database: Database) -> Asked:
    asked = Asked()
    connections = [await database.pool.acquire() for _ in range(2)]
    for connection in connections:
        connection.add_query_logger(asked)
        await database.pool.release(connection)
    return asked


async def last_page(database: Database, **options: Any) -> Page:
    """A page of the oldest rows, reached as somebody does who has turned all pages."""
    edge = await list_jobs(database, LOCAL_OWNER, newest_first=False, limit=20, **options)
    if len(edge.rows) < 20:
        return edge
    cursor = cursor_of(edge.rows[-1]["id"])
    return await list_jobs(database, LOCAL_OWNER, limit=20, cursor=cursor, **options)


@pytest.mark.parametrize("name", FILTERS)
async def test_no_page_reads_the_whole_table(filled: Database, name: str) -> None:
    asked = await listen_in(filled)

    first = await list_jobs(filled, LOCAL_OWNER, limit=20, **FILTERS[name])
    await last_page(filled, **FILTERS[name])

    assert len(asked) >= 3
    assert bool(first.rows) == (name != "no such word")
    for statement, nodes in (await asked.plans(filled)).items():
        for node in nodes:
            # Counting up to a thousand may pass through the table from its start, and stops.
            counts = statement.startswith("SELECT count(*)")
            assert counts or node["Node Type"] != "Seq Scan", statement
            limit = ROWS_READ_MAX if name in SELECTIVE else JOBS // 4
            assert _rows_read(node) <= limit, f"{statement}\n{node}"


async def test_who_has_three_jobs_does_not_pay_for_everybody_elses(filled: Database) -> None:
    asked = await listen_in(filled)

    page = await list_jobs(filled, NEWCOMER)
    waiting = await list_jobs(filled, NEWCOMER, status=["pending"])

    assert (len(page.rows), page.total_estimate, len(waiting.rows)) == (3, 3, 0)
    for statement, nodes in (await asked.plans(filled)).items():
        assert all(_rows_read(node) <= 3 for node in nodes), f"{statement}\n{nodes}"


async def test_the_statistics_of_a_week_do_not_read_what_is_older(filled: Database) -> None:
    asked = await listen_in(filled)

    week = await stats.figures(filled, LOCAL_OWNER, 7)

    assert (week.by_status, week.images, len(asked)) == ({}, 0, 3)
    for statement, nodes in (await asked.plans(filled)).items():
        assert all(_rows_read(node) == 0 for node in nodes), f"{statement}\n{nodes}"


async def test_a_statement_without_an_index_would_be_noticed(filled: Database) -> None:
    asked = await listen_in(filled)

    await filled.fetch("SELECT id FROM jobs WHERE price > $1", 7)

    ((node,),) = (await asked.plans(filled)).values()
    assert node["Node Type"] == "Seq Scan"
    assert _rows_read(node) == JOBS


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("name", ["all", "rare word", "failed"])
async def test_turning_all_pages_shows_every_job_once_in_order(
    filled: Database, name: str, newest_first: bool
) -> None:
    options = FILTERS.get(name, {"status": ["failed"]})
    condition = {
        "all": "true",
        "rare word": "prompt LIKE '%midn%'",
        "failed": "status = 'failed'",
    }[name]
    size = 7_000 if name == "all" else 37
    seen: list[UUID] = []
    cursor = None

    while True:
        page = await list_jobs(
            filled, LOCAL_OWNER, newest_first=newest_first, limit=size, cursor=cursor, **options
        )
        seen += [row["id"] for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.rows) == size

    direction = "DESC" if newest_first else "ASC"
    rows = await filled.fetch(
        f"SELECT id FROM jobs WHERE owner_id = $1 AND {condition} ORDER BY id {direction}",
        LOCAL_OWNER,
    )
    assert len(rows) > 50
    assert seen == [row["id"] for row in rows]


@pytest.mark.timing
async def test_the_last_page_costs_what_the_first_one_does(filled: Database) -> None:
    oldest = await list_jobs(filled, LOCAL_OWNER, newest_first=False, limit=21)
    cursor = cursor_of(oldest.rows[-1]["id"])

    async def p50_ms(cursor: str | None) -> float:
        times = []
        for _ in range(30):
            begin = time.perf_counter()
            page = await list_jobs(filled, LOCAL_OWNER, limit=20, cursor=cursor)
            times.append((time.perf_counter() - begin) * 1000)
            assert len(page.rows) == 20
        return median(times)

    times = []
    for _ in range(50):
        begin = time.perf_counter()
        await filled.fetchval("SELECT 1")
        times.append((time.perf_counter() - begin) * 1000)
    nothing, first, last = median(times), await p50_ms(None), await p50_ms(cursor)

    print(f"p50: SELECT 1 {nothing:.2f} ms, first page {first:.2f} ms, last page {last:.2f} ms")
    assert last < 3 * first


@pytest.mark.parametrize(
    ("name", "exactly"),
    [("rare status", True), ("no such word", True), ("rare word", True), ("all", False)],
)
async def test_the_number_of_results_is_exact_while_it_is_small(
    filled: Database, name: str, exactly: bool
) -> None:
    page = await list_jobs(filled, LOCAL_OWNER, limit=5, **FILTERS[name])

    condition = {
        "rare status": "status = 'processing'",
        "no such word": "false",
        "rare word": "prompt LIKE '%midn%'",
        "all": "true",
    }[name]
    count = await filled.fetchval(
        f"SELECT count(*) FROM jobs WHERE owner_id = $1 AND {condition}", LOCAL_OWNER
    )
    if exactly:
        assert page.total_estimate == count
    else:
        assert 0.8 * count < page.total_estimate < 1.2 * count


async def test_a_page_has_only_its_owners_jobs(filled: Database) -> None:
    page = await list_jobs(filled, SOMEBODY_ELSE, limit=JOBS)

    assert len(page.rows) == JOBS // OTHERS_EVERY
    assert {UUID(int=row["owner_id"].int) for row in page.rows} == {SOMEBODY_ELSE}
    assert page.next_cursor is None


async def test_times_bound_the_page_on_both_sides(filled: Database) -> None:
    since, until = FIRST_AT + timedelta(seconds=101), FIRST_AT + timedelta(seconds=109)

    page = await list_jobs(filled, LOCAL_OWNER, since=since, until=until)

    times = [row["created_at"] for row in page.rows]
    assert times == [FIRST_AT + timedelta(seconds=n) for n in range(108, 100, -1)]


@pytest.mark.parametrize(
    "cursor", ["", "x", "not a cursor", "A" * 21, "A" * 23, "ä" * 22, "A" * 90]
)
def test_nonsense_is_no_cursor(cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="next_cursor"):
        read_cursor(cursor)


def test_a_cursor_comes_back_as_the_id_it_was_made_of() -> None:
    for number in (0, 1, 2**128 - 1, 0xABCDEF << 100):
        assert read_cursor(cursor_of(UUID(int=number))) == UUID(int=number)


@pytest.mark.parametrize(
    ("q", "query"),
    [
        (None, None),
        ("", None),
        (" &|!():*<->'\\ ", None),
        ("red bicycle", "red:* & bicycle:*"),
        ("don't", "don:* & t:*"),
        ("Ünïcode 東京", "Ünïcode:* & 東京:*"),
    ],
)
def test_what_is_typed_never_is_query_syntax(q: str | None, query: str | None) -> None:
    assert words_query(q) == query


async def test_any_text_can_be_searched_for(filled: Database) -> None:
    for q in ("'", "a & b", "(((", "!!", "<->", "\\", "x" * 500, "a:*b", "_", "٣ ² ½", "\u200b"):
        await list_jobs(filled, LOCAL_OWNER, q=q, limit=1)


def test_a_moment_without_a_zone_is_taken_as_utc() -> None:
    assert first_id_at(datetime(2026, 1, 1)) == first_id_at(FIRST_AT)  # noqa: DTZ001
