"""Where a waiting job stands, when it will start, and how little is asked to know it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from safelight.database.pool import Database
from safelight.jobs import board as board_module
from safelight.jobs.admit import Share, Wish
from safelight.jobs.board import Board
from safelight.jobs.waiting import _STANDING, POSITION_MAX, Forecast, Standing
from safelight.queueing import roll
from safelight.values.ids import OwnerId, new_id
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.studio import Studio


class Queue:
    """Jobs in the queue as admission would leave them, put there by hand."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._tag = 0

    async def owner(self, running_max: int | None = None) -> OwnerId:
        owner_id = OwnerId(new_id())
        await self.database.execute(
            "INSERT INTO accounts (id, unlimited, running_max) VALUES ($1, true, $2)",
            owner_id,
            running_max,
        )
        return owner_id

    async def add(
        self,
        owner_id: OwnerId,
        *,
        lane: str = "openai",
        priority: int = 5,
        tag: int | None = None,
        parked: bool = False,
        delay_s: float = -1.0,
        attempt: int = 0,
        state: str = "queued",
    ) -> UUID:
        job_id = new_id()
        self._tag += 1
        await self.database.execute(
            """WITH entry AS (
                   INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status,
                                               execute_after)
                   VALUES (-$5::int, CASE WHEN $6 THEN 'parked' ELSE $3 END, uuid_send($1),
                           $9::text::queue.pgqueuer_status, now() + make_interval(secs => $7))
                   RETURNING id)
               INSERT INTO jobs (id, owner_id, type, model, provider, priority, prompt, request,
                                 count, digest, price, parked, attempt, entry)
               SELECT $1, $2, 'image', 'm', $3, $4, 'a heron', '{}', 1, '', 1, $6, $8, id
               FROM entry""",
            job_id,
            owner_id,
            lane,
            priority,
            self._tag if tag is None else tag,
            parked,
            delay_s,
            attempt,
            state,
        )
        return job_id

    async def finished(self, seconds: float) -> None:
        """A job of the model that took this long."""
        await self.database.execute(
            """INSERT INTO jobs (id, owner_id, type, status, model, provider, prompt, request,
                                 count, digest, price, started_at, finished_at)
               VALUES ($1, $2, 'image', 'completed', 'm', 'openai', 'a heron', '{}', 1, '', 1,
                       now() - make_interval(secs => $3), now())""",
            new_id(),
            uuid4(),
            seconds,
        )


class Worker:
    """A living one: it holds its lock as queueing/liveness.py does."""

    def __init__(self, database: Database) -> None:
        self.id = new_id()
        self._database = database

    async def __aenter__(self) -> Worker:
        self._connection = await self._database.connect_alone()
        await self._connection.execute(
            "SELECT pg_advisory_lock(hashtextextended($1::text, 0))", str(self.id)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database)


@pytest.fixture
def forecast(database: Database) -> Forecast:
    return Forecast(database)


async def positions(forecast: Forecast, jobs: list[UUID]) -> list[int | None]:
    found = {place.job_id: place.position for place in await forecast.standing(jobs, [])}
    return [found.get(job) for job in jobs]


async def test_jobs_stand_in_the_order_of_their_turns_each_lane_for_itself(
    queue: Queue, forecast: Forecast
) -> None:
    ann, ben = await queue.owner(), await queue.owner()
    anns = [await queue.add(ann, tag=tag) for tag in (1, 2, 3)]
    bens = await queue.add(ben, tag=1)
    elsewhere = await queue.add(ben, lane="sketch", tag=9)

    assert await positions(forecast, [*anns, bens, elsewhere]) == [1, 3, 4, 2, 1]


async def test_a_job_that_does_not_wait_stands_nowhere(queue: Queue, forecast: Forecast) -> None:
    job = await queue.add(await queue.owner())
    await queue.database.execute("UPDATE jobs SET status = 'processing'")

    assert await forecast.of_job(job) is None
    assert await forecast.of_job(uuid4()) is None


async def test_an_entry_in_the_hands_of_a_worker_is_next(queue: Queue, forecast: Forecast) -> None:
    ann = await queue.owner()
    taken = await queue.add(ann, tag=1, state="picked")
    behind = await queue.add(await queue.owner(), tag=2)

    assert await positions(forecast, [taken, behind]) == [1, 1]


async def test_an_urgent_job_takes_its_owners_first_place_and_nobody_elses(
    queue: Queue, forecast: Forecast
) -> None:
    ann, ben = await queue.owner(), await queue.owner()
    first = await queue.add(ann, tag=1)
    bens = await queue.add(ben, tag=2)
    second = await queue.add(ann, tag=3)
    low = await queue.add(ann, tag=4, priority=2)
    urgent = await queue.add(ann, tag=5, priority=8)

    stand = await positions(forecast, [urgent, bens, first, second, low])

    assert stand == [1, 2, 3, 4, 5]


async def test_who_was_overtaken_gets_his_owners_next_place(
    queue: Queue, forecast: Forecast
) -> None:
    ann = await queue.owner()
    overtaken, second = await queue.add(ann, tag=1), await queue.add(ann, tag=2)
    low = await queue.add(ann, tag=3, priority=2)
    urgent = await queue.add(ann, tag=4, priority=8)
    await queue.database.execute(  # what turns.trade does, and then the urgent one starts
        """WITH two AS (SELECT min(entry) AS early, max(entry) AS late FROM jobs
                        WHERE id IN ($1, $2))
           UPDATE jobs SET entry = CASE id WHEN $1 THEN late ELSE early END,
                  status = CASE id WHEN $2 THEN 'processing' ELSE status END
           FROM two WHERE id IN ($1, $2)""",
        overtaken,
        urgent,
    )
    await queue.database.execute(
        """DELETE FROM queue.pgqueuer WHERE id = (SELECT entry FROM jobs WHERE id = $1)""", urgent
    )
    await queue.database.execute(
        """UPDATE queue.pgqueuer e SET payload = uuid_send(jobs.id) FROM jobs
           WHERE jobs.entry = e.id""",
    )

    assert await positions(forecast, [overtaken, second, low]) == [1, 2, 3]


async def test_a_parked_job_stands_behind_its_owners_others_and_where_its_turn_is(
    queue: Queue, forecast: Forecast
) -> None:
    ann, ben = await queue.owner(running_max=2), await queue.owner()
    queued = [await queue.add(ann, tag=tag) for tag in (1, 3)]
    bens = [await queue.add(ben, tag=tag) for tag in (2, 4, 9)]
    parked = [await queue.add(ann, tag=tag, parked=True) for tag in (5, 6)]

    assert await positions(forecast, [*queued, *parked]) == [1, 3, 5, 6]
    assert await positions(forecast, bens) == [2, 4, 5]


async def test_an_urgent_parked_job_overtakes_its_owners_queued_ones(
    queue: Queue, forecast: Forecast
) -> None:
    ann = await queue.owner(running_max=1)
    queued = await queue.add(ann, tag=1)
    parked = await queue.add(ann, tag=2, parked=True)
    urgent = await queue.add(ann, tag=3, parked=True, priority=8)

    assert await positions(forecast, [urgent, queued, parked]) == [1, 2, 3]


async def test_a_job_to_be_tried_again_stands_where_it_will_be_then(
    queue: Queue, forecast: Forecast
) -> None:
    ann, ben = await queue.owner(), await queue.owner()
    again = await queue.add(ann, tag=2, delay_s=30, attempt=1)
    bens = [await queue.add(ben, tag=tag) for tag in (1, 3)]

    assert await positions(forecast, [again, *bens]) == [2, 1, 2]


async def test_nobody_counts_further_than_a_thousand(queue: Queue, forecast: Forecast) -> None:
    await queue.database.execute(
        """INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status)
           SELECT -1, 'openai', uuid_send(gen_random_uuid()), 'queued'
           FROM generate_series(1, 1500)"""
    )
    ann = await queue.owner()
    last = await queue.add(ann, tag=2)
    parked = await queue.add(ann, tag=3, parked=True)

    assert await positions(forecast, [last, parked]) == [POSITION_MAX, POSITION_MAX]


async def test_of_an_owner_the_newest_waiting_jobs_are_known(
    queue: Queue, forecast: Forecast
) -> None:
    ann, ben = await queue.owner(), await queue.owner()
    anns = [await queue.add(ann) for _ in range(3)]
    await queue.add(ben)

    assert {place.job_id for place in await forecast.standing([], [ann])} == set(anns)
    assert len(await forecast.standing([anns[0]], [ann, ben])) == 4


async def test_the_time_left_is_the_usual_one_over_the_places_of_the_living(
    queue: Queue, forecast: Forecast, database: Database
) -> None:
    for seconds in (2, 8, 30):
        await queue.finished(seconds)
    ann = await queue.owner()
    jobs = [await queue.add(ann) for _ in range(3)]

    async with Worker(database) as one, Worker(database) as other, Worker(database) as dead:
        for worker in (one, other, dead):
            await roll.sign_in(database, worker.id, [("openai", 2), ("sketch", 1)])
        await dead.__aexit__()
        known = {place.job_id: place.eta_s for place in await forecast.standing(jobs, [])}

    assert [known[job] for job in jobs] == [2.0, 4.0, 6.0]


async def test_without_a_worker_or_a_finished_job_nobody_knows_when(
    queue: Queue, database: Database
) -> None:
    job = await queue.add(await queue.owner())
    async with Worker(database) as worker:
        await roll.sign_in(database, worker.id, [("openai", 2)])
        untried = await Forecast(database).of_job(job)
    await queue.finished(3)
    unstaffed = await Forecast(database).of_job(job)

    assert untried
    assert unstaffed
    assert (untried.eta_s, unstaffed.eta_s) == (None, None)


async def test_a_parked_job_waits_for_its_owners_own_and_a_delayed_one_for_its_time(
    queue: Queue, forecast: Forecast, database: Database
) -> None:
    await queue.finished(10)
    ann = await queue.owner(running_max=2)
    await queue.add(ann)
    parked = [await queue.add(ann, parked=True) for _ in range(2)]
    again = await queue.add(await queue.owner(), delay_s=60, attempt=1)

    async with Worker(database) as worker:
        await roll.sign_in(database, worker.id, [("openai", 100)])
        known = {p.job_id: p.eta_s for p in await forecast.standing([*parked, again], [])}

    assert [known[job] for job in parked] == [5.0, 10.0]
    assert known[again] == pytest.approx(60, abs=5)


async def test_a_paused_lane_adds_its_pause_and_one_without_an_end_says_nothing(
    queue: Queue, forecast: Forecast, database: Database
) -> None:
    await queue.finished(2)
    job = await queue.add(await queue.owner())
    known = []

    async with Worker(database) as worker:
        await roll.sign_in(database, worker.id, [("openai", 2)])
        for until in (
            "-infinity",
            "now() - interval '1 hour'",
            "now() + interval '50 s'",
            "9999-1-1",
        ):
            moment = until if until.startswith("now") else f"'{until}'::timestamptz"
            await database.execute(
                f"""INSERT INTO lanes (name, paused_until, paused_why)
                    VALUES ('openai', {moment}, 'why')
                    ON CONFLICT (name) DO UPDATE SET paused_until = excluded.paused_until"""
            )
            place = await forecast.of_job(job)
            assert place
            known.append(place.eta_s)

    assert known == [1.0, 1.0, pytest.approx(51, abs=5), None]


async def test_the_question_reads_the_front_of_the_lane_and_not_the_whole_queue(
    queue: Queue,
) -> None:
    ann = await queue.owner(running_max=4)
    await queue.database.execute(
        """WITH made AS (
               INSERT INTO jobs (id, owner_id, type, model, provider, prompt, request, count,
                                 digest, price, priority, parked)
               SELECT gen_random_uuid(),
                      CASE n % 10 WHEN 0 THEN $1 ELSE md5((n % 97)::text)::uuid END, 'image', 'm',
                      'openai', 'a heron', '{}', 1, '', 1, 2 + 3 * (n % 3), n % 20 = 0
               FROM generate_series(1, 10000) AS n RETURNING id, parked
           ), entry AS (
               INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status)
               SELECT -row_number() OVER (), CASE WHEN parked THEN 'parked' ELSE 'openai' END,
                      uuid_send(id), 'queued' FROM made RETURNING id)
           SELECT count(*) FROM entry""",
        ann,
    )
    await queue.database.execute(
        "UPDATE jobs SET entry = e.id FROM queue.pgqueuer e WHERE payload = uuid_send(jobs.id)"
    )
    await queue.database.execute("VACUUM ANALYZE jobs, queue.pgqueuer")

    plan = json.loads(
        await queue.database.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {_STANDING}", [], [ann])
    )[0]["Plan"]

    read = {"jobs": 0.0, "pgqueuer": 0.0}
    for node in nodes(plan):
        if node.get("Relation Name") in read:
            assert node["Node Type"] != "Seq Scan", node
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            read[node["Relation Name"]] += rows * node["Actual Loops"]
    # Plus a little: the rows of a loop are told as a rounded mean.
    assert read["pgqueuer"] <= POSITION_MAX + 200 + 20
    assert read["jobs"] <= 2 * POSITION_MAX + 2 * 200 + 20


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


@pytest.mark.parametrize(
    ("before", "now", "is_news"),
    [
        (None, (3, None), True),
        ((3, 20.0), (3, 20.0), False),
        ((3, 20.0), (2, 20.0), True),
        ((3, 20.0), (3, 18.5), False),  # less than a tenth
        ((3, 20.0), (3, 17.0), True),
        ((3, 2.0), (3, 1.2), False),  # less than a second
        ((3, 20.0), (3, None), True),
        ((3, None), (3, 20.0), True),
        ((3, None), (3, None), False),
    ],
)
def test_only_a_change_that_a_person_would_notice_is_news(
    before: tuple[int, float | None] | None, now: tuple[int, float | None], is_news: bool
) -> None:
    job, owner = uuid4(), uuid4()
    told = Standing(job, owner, *before) if before else None

    assert Standing(job, owner, *now).is_news(told) is is_news


class CountedForecast(Forecast):
    """Remembers what it was asked."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked: list[tuple[list[UUID], list[UUID]]] = []

    async def standing(self, job_ids: Any, owner_ids: Any) -> list[Standing]:
        self.asked.append((list(job_ids), list(owner_ids)))
        return await super().standing(job_ids, owner_ids)


@pytest.fixture
def counted(database: Database) -> CountedForecast:
    return CountedForecast(database)


@pytest.fixture
async def board(counted: CountedForecast, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Board]:
    monkeypatch.setattr(board_module, "EVERY_S", 0.05)
    made = Board(counted)
    await made.start()
    yield made
    await made.stop()


class Reader:
    """A stream's side of the board."""

    def __init__(self, board: Board, owner_id: OwnerId, job_id: UUID | None = None) -> None:
        self.nudged = asyncio.Event()
        self.watch = board.watch(owner_id, job_id, self.nudged.set)

    async def look(self) -> dict[UUID, int]:
        self.nudged.clear()
        async with asyncio.timeout(5):
            await self.nudged.wait()
        return {job: one.position for job, one in self.watch.standings.items()}


async def test_all_streams_of_a_process_are_answered_by_one_question(
    queue: Queue, board: Board, counted: CountedForecast
) -> None:
    ann, ben = await queue.owner(), await queue.owner()
    anns, bens = await queue.add(ann), await queue.add(ben)
    readers = [Reader(board, ann) for _ in range(20)] + [Reader(board, ben, bens)]

    for reader in readers:
        reader.watch.__enter__()
        reader.watch.stir()
    seen = [await reader.look() for reader in readers]

    assert seen == [{anns: 1}] * 20 + [{bens: 2}]
    assert counted.asked[0] == ([bens], [ann])


async def test_nobody_asks_while_nothing_waits_or_nobody_looks(
    queue: Queue, board: Board, counted: CountedForecast
) -> None:
    ann = await queue.owner()
    reader = Reader(board, ann)
    with reader.watch:
        await asyncio.sleep(0.2)
        assert counted.asked == [], "nothing is known to wait"
        job = await queue.add(ann)
        reader.watch.stir()
        assert await reader.look() == {job: 1}

        await queue.database.execute("UPDATE jobs SET status = 'processing'")
        while await reader.look():
            pass
        asked = len(counted.asked)
        await asyncio.sleep(0.2)
        assert len(counted.asked) == asked, "what waited has gone"
        await queue.add(ann)
        reader.watch.stir()
        assert await reader.look()
    await asyncio.sleep(0.1)
    asked = len(counted.asked)

    await asyncio.sleep(0.2)
    assert len(counted.asked) == asked, "nobody looks any more"


async def test_a_job_that_begins_to_wait_while_the_question_is_under_way_is_not_missed(
    queue: Queue, counted: CountedForecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "EVERY_S", 0.01)
    board = Board(counted)
    ann = await queue.owner()
    reader = Reader(board, ann)
    answered = counted.standing

    async def late(job_ids: Any, owner_ids: Any) -> list[Standing]:
        places = await answered(job_ids, owner_ids)
        if len(counted.asked) == 1:
            await queue.add(ann)
            reader.watch.stir()
        return places

    counted.standing = late  # type: ignore[method-assign]
    await board.start()
    with reader.watch:
        reader.watch.stir()
        assert await reader.look() == {}

        assert list((await reader.look()).values()) == [1]
    await board.stop()


async def test_the_database_may_go_away_under_the_board(
    queue: Queue, board: Board, database: Database
) -> None:
    ann = await queue.owner()
    job = await queue.add(ann)
    reader = Reader(board, ann)
    with reader.watch:
        reader.watch.stir()
        assert await reader.look() == {job: 1}

        await database.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()"""
        )

        assert await reader.look() == {job: 1}
        assert await reader.look() == {job: 1}


# Who of two starts first is a matter of microseconds: beside other tests more change places.
@pytest.mark.timing
@pytest.mark.parametrize("running_max", [None, 3])
async def test_what_is_foretold_is_what_happens(
    database_url: str,
    database: Database,
    provider_api: FakeOpenAI,
    tmp_path: Path,
    running_max: int | None,
) -> None:
    """Real orders of three owners, urgent ones and parked ones among them, and a real worker."""
    chance, share = random.Random(7), Share(running_max=running_max)
    provider_api.plan = Plan(latency_s=0.02)
    owners = [OwnerId(new_id()) for _ in range(3)]
    for owner_id in owners:
        await database.execute("INSERT INTO accounts (id, unlimited) VALUES ($1, true)", owner_id)
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as studio:
        for number in range(30):
            wish = Wish(
                f"heron {number}",
                model="openai/flux-schnell",
                priority=chance.choice(["low", "normal", "normal", "high"]),
                parameters={"width": 64, "height": 64},
            )
            await studio.shop.admission.submit(chance.choice(owners), wish, share=share)
        known = await studio.shop.forecast.standing([], owners)

    async with Studio.open(database_url, tmp_path, provider_api, jobs_at_once=2):
        async with asyncio.timeout(30):
            while await database.fetchval("SELECT count(*) FROM jobs WHERE finished_at IS NULL"):
                await asyncio.sleep(0.05)
    rows = await database.fetch("SELECT id FROM jobs ORDER BY started_at")
    happened = {UUID(int=row["id"].int): place for place, row in enumerate(rows, start=1)}

    off = {place.job_id: happened[place.job_id] - place.position for place in known}
    # Two start at a time, so two neighbours may change places. Of those parked nobody knows when
    # they come into the lane: they are not counted by others, so that it may take longer.
    if running_max is None:
        assert all(abs(by) <= 2 for by in off.values()), off
    for owner_id in owners:
        his = sorted((p for p in known if p.owner_id == owner_id), key=lambda p: p.position)
        assert rank_errors([happened[place.job_id] for place in his]) <= 2


def rank_errors(places: list[int]) -> int:
    """By how many ranks the worst one is off."""
    ranks = {place: rank for rank, place in enumerate(sorted(places))}
    return max(abs(ranks[place] - rank) for rank, place in enumerate(places))
