"""The easel: painting processes that are reused, stopped, replaced and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from safelight.providers.sketch.easel import Easel, EaselBroken, PaintingFailed
from safelight.providers.sketch.painter import paint


@pytest_asyncio.fixture
async def easel() -> AsyncIterator[Easel]:
    easel = Easel(children_max=2)
    yield easel
    await easel.close()


def children(easel: Easel) -> list[int]:
    return [child.process.pid for child in easel._children if child.alive]


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_child_paints_what_the_painter_paints(easel: Easel) -> None:
    seen: list[int] = []

    data = await easel.paint(
        "a cat", width=128, height=96, seed=3, style="cartoon",
        watch=lambda step, steps, preview: seen.append(step),
    )  # fmt: skip

    assert data == paint("a cat", width=128, height=96, seed=3, style="cartoon")
    assert seen[-1] == 12


async def test_an_async_watcher_is_awaited(easel: Easel) -> None:
    seen: list[int] = []

    async def watch(step: int, steps: int, preview: bytes | None) -> None:
        await asyncio.sleep(0)
        seen.append(step)

    await easel.paint("a cat", width=64, height=64, seed=3, watch=watch)

    assert seen == sorted(seen) and len(seen) > 3


async def test_no_child_before_it_is_needed_and_then_the_same_one(easel: Easel) -> None:
    assert children(easel) == []

    await easel.paint("a cat", width=64, height=64, seed=1)
    first = children(easel)
    await easel.paint("a dog", width=64, height=64, seed=1)

    assert len(first) == 1
    assert children(easel) == first


async def test_never_more_children_than_allowed(easel: Easel) -> None:
    await asyncio.gather(*(easel.paint("sea", width=64, height=64, seed=s) for s in range(6)))

    assert len(children(easel)) <= 2


@pytest.mark.timing
async def test_the_event_loop_keeps_turning_while_it_paints(easel: Easel) -> None:
    await easel.paint("sea", width=64, height=64, seed=1)
    painting = asyncio.create_task(easel.paint("sea", width=1024, height=1024, seed=1))
    longest, before = 0.0, time.monotonic()

    while not painting.done():
        await asyncio.sleep(0.005)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()

    assert longest < 0.1


@pytest.mark.parametrize("after_s", [0.1, 0.6])
@pytest.mark.timing
async def test_cancelling_stops_the_brush_within_200_ms(easel: Easel, after_s: float) -> None:
    await easel.paint("sea", width=64, height=64, seed=1)
    painting = asyncio.create_task(
        easel.paint("a storm at sea", width=4096, height=4096, seed=1, style="watercolor")
    )
    await asyncio.sleep(after_s)
    began = time.monotonic()

    painting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await painting
    # The only seat-holder must be free (or dead) for this to be true.
    await until(lambda: not easel._tidying)

    assert time.monotonic() - began < 0.25
    assert await easel.paint("a cat", width=64, height=64, seed=1)


async def test_a_child_that_ignores_the_stop_is_killed(easel: Easel) -> None:
    await easel.paint("sea", width=64, height=64, seed=1)
    (pid,) = children(easel)
    painting = asyncio.create_task(easel.paint("sea", width=4096, height=4096, seed=1))
    await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGSTOP)

    painting.cancel()
    await until(lambda: pid not in children(easel), within_s=1.0)

    assert await easel.paint("a cat", width=64, height=64, seed=1)


async def test_a_crash_is_told_and_the_child_replaced(easel: Easel) -> None:
    await easel.paint("sea", width=64, height=64, seed=1)
    (pid,) = children(easel)
    painting = asyncio.create_task(easel.paint("sea", width=4096, height=4096, seed=1))
    await asyncio.sleep(0.1)

    os.kill(pid, signal.SIGKILL)

    with pytest.raises(EaselBroken, match="-9"):
        await painting
    assert await easel.paint("a cat", width=64, height=64, seed=1)
    assert pid not in children(easel)


async def test_a_child_that_died_while_idle_is_not_handed_work(easel: Easel) -> None:
    await easel.paint("sea", width=64, height=64, seed=1)
    (pid,) = children(easel)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: children(easel) == [])

    assert await easel.paint("a cat", width=64, height=64, seed=1)


async def test_an_impossible_order_fails_and_harms_nothing(easel: Easel) -> None:
    with pytest.raises(PaintingFailed, match="64 to 4096"):
        await easel.paint("sea", width=1, height=1, seed=1)

    before = children(easel)
    assert await easel.paint("a cat", width=64, height=64, seed=1)
    assert children(easel) == before


async def test_ctrl_c_is_the_parents_business(easel: Easel) -> None:
    await easel.paint("sea", width=64, height=64, seed=1)
    (pid,) = children(easel)

    os.kill(pid, signal.SIGINT)

    assert await easel.paint("a cat", width=64, height=64, seed=1)
    assert children(easel) == [pid]


async def test_idle_children_go_home() -> None:
    easel = Easel(children_max=1, idle_s=0.05)
    await easel.paint("sea", width=64, height=64, seed=1)

    await until(lambda: children(easel) == [])

    await easel.close()


async def test_close_leaves_no_process_and_no_second_life(easel: Easel) -> None:
    await easel.paint("sea", width=64, height=64, seed=1)
    (pid,) = children(easel)

    await easel.close()

    assert not running(pid)
    with pytest.raises(EaselBroken):
        await easel.paint("sea", width=64, height=64, seed=1)


def test_children_die_with_a_killed_parent() -> None:
    program = (
        "import asyncio\n"
        "from safelight.providers.sketch.easel import Easel\n"
        "async def main():\n"
        "    easel = Easel(1)\n"
        "    await easel.paint('sea', width=64, height=64, seed=1)\n"
        "    print(next(iter(easel._children)).process.pid, flush=True)\n"
        "    await easel.paint('sea', width=4096, height=4096, seed=1)\n"
        "asyncio.run(main())\n"
    )
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=env
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.1)
        parent.kill()
    deadline = time.monotonic() + 2

    while running(pid) and not _zombie(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _zombie(pid: int) -> bool:
    """Dead, but nobody in this container has buried it yet."""
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return stat.read().rpartition(")")[2].split()[0] == "Z"
