"""Who works: the living count, the dead do not, and nobody who lives is struck off."""

from __future__ import annotations

from contextlib import AsyncExitStack
from uuid import UUID

from safelight.database.pool import Database
from safelight.queueing import roll
from safelight.queueing.liveness import Liveness
from safelight.queueing.roll import Staff


async def hired(stack: AsyncExitStack, database: Database, **places: int) -> Liveness:
    """A living worker on the roll."""
    liveness = Liveness(database, on_reclaim=lambda: None)
    await liveness.start()
    stack.push_async_callback(liveness.stop)
    await roll.sign_in(database, liveness.manager_id, places.items())
    return liveness


async def on_the_roll(database: Database) -> set[UUID]:
    return {UUID(int=row["id"].int) for row in await database.fetch("SELECT id FROM workers")}


async def test_the_places_of_a_lane_are_those_of_its_living_workers(database: Database) -> None:
    async with AsyncExitStack() as stack:
        one = await hired(stack, database, openai=64, sketch=2)
        other = await hired(stack, database, openai=16)
        dead = await hired(stack, database, openai=100)
        await dead.stop()

        assert await roll.staff(database) == {
            "openai": Staff(frozenset({one.manager_id, other.manager_id}), 80),
            "sketch": Staff(frozenset({one.manager_id}), 2),
        }
        await roll.sign_out(database, one.manager_id)
        assert await roll.staff(database) == {"openai": Staff(frozenset({other.manager_id}), 16)}


async def test_signing_in_again_changes_the_places_and_adds_nobody(database: Database) -> None:
    async with AsyncExitStack() as stack:
        worker = await hired(stack, database, openai=64)

        await roll.sign_in(database, worker.manager_id, [("openai", 8), ("openai", 9)])

        staff = await roll.staff(database)
        assert staff == {"openai": Staff(frozenset({worker.manager_id}), 9)}


async def test_the_dead_are_struck_off_at_the_second_look_and_the_living_never(
    database: Database,
) -> None:
    sweep = roll.sweeper()
    async with AsyncExitStack() as stack:
        living = await hired(stack, database, openai=1)
        blinking = await hired(stack, database, openai=2)
        dead = await hired(stack, database, openai=4, sketch=1)
        for worker in (dead, blinking):
            await worker.stop()

        await sweep(database)
        everybody = await on_the_roll(database)
        await blinking.start()  # its lock was gone for a moment: a restart of the database
        await sweep(database)
        await sweep(database)

        assert everybody == {living.manager_id, blinking.manager_id, dead.manager_id}
        assert await on_the_roll(database) == {living.manager_id, blinking.manager_id}
        stack.push_async_callback(blinking.stop)
