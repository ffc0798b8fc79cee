"""A worker that hung between its claim and its start finds that the entry is another one's now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from safelight.jobs import attempts, turns
from safelight.jobs.attempts import HELD_UP, Claim
from safelight.jobs.model import Attempt
from tests.fakes.openai_server import FakeOpenAI
from tests.jobs.test_turns import LANE, account, admit, new_owner, pick
from tests.studio import Studio

# Whoever is not parked can be claimed, and who is parked cannot.
OUT_OF_PLACE = """
SELECT j.id, j.parked, e.entrypoint FROM jobs j JOIN queue.pgqueuer e ON e.payload = uuid_send(j.id)
WHERE j.status = 'pending' AND j.parked <> (e.entrypoint = 'parked')"""


@pytest.fixture
async def idle_studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    async with Studio.open(database_url, tmp_path, provider_api, with_worker=False) as made:
        await made.database.execute("INSERT INTO lanes (name) VALUES ($1)", LANE)
        yield made


async def test_a_trade_that_comes_too_late_changes_nothing(idle_studio: Studio) -> None:
    database = idle_studio.database
    owner = await new_owner(database)
    low, *_ = await admit(idle_studio, owner, 2, priority="low", running_max=1)
    await admit(idle_studio, owner, 3, priority="high", running_max=1)
    assert await pick(database) == (low, 1)
    (hung,) = await attempts.start_attempts(database, [Claim(low, 1)])
    assert hung == HELD_UP
    # Its lease is over: another worker picks the same entry, and trades.
    urgent = await turns.trade(database, low, 1)
    (begun,) = await attempts.start_attempts(database, [Claim(urgent, 1, overtakable=False)])
    assert isinstance(begun, Attempt)
    assert begun.job_id == urgent
    before = await database.fetch("SELECT id, entry, parked, tag FROM jobs ORDER BY id")

    await turns.trade(database, low, 1)

    assert await database.fetch("SELECT id, entry, parked, tag FROM jobs ORDER BY id") == before
    assert await database.fetch(OUT_OF_PLACE) == []
    parked = await database.fetchval("SELECT count(*) FROM jobs WHERE parked")
    assert (await account(database, owner))["parked_jobs"] == parked
