"""The decoding processes: replaced when they die, known to nobody, never more than two."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
import uvloop

from safelight.images.darkroom import Darkroom
from safelight.images.headers import Undecodable, read_header
from tests.images.pictures import noise, saved

SMALL, LARGE = saved(noise(64, 64), "PNG"), saved(noise(1500, 1500), "PNG")


async def develop(darkroom: Darkroom, data: bytes) -> None:
    assert (await darkroom.previews(data, read_header(data))).previews


def living(darkroom: Darkroom) -> list[int]:
    return [child.process.pid for child in darkroom._all if child.alive]


async def test_a_process_that_dies_is_the_pictures_fault_and_is_replaced() -> None:
    darkroom = Darkroom(at_once=1)
    await develop(darkroom, SMALL)
    (first,) = living(darkroom)

    copying = asyncio.create_task(darkroom.copy(LARGE, read_header(LARGE)))
    while not darkroom.busy:
        await asyncio.sleep(0)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(Undecodable, match="too much"):
        await copying
    await develop(darkroom, SMALL)

    assert living(darkroom) != [first]
    await darkroom.close()


async def test_a_picture_that_takes_too_long_is_given_up() -> None:
    darkroom = Darkroom(at_once=1, wall_s_max=0.001)

    with pytest.raises(Undecodable, match="too long"):
        await darkroom.copy(LARGE, read_header(LARGE))

    assert living(darkroom) == []
    await darkroom.close()


async def test_a_process_is_used_again_and_there_are_never_more_than_two() -> None:
    darkroom = Darkroom()
    await asyncio.gather(*(develop(darkroom, SMALL) for _ in range(12)))
    first = set(living(darkroom))

    await asyncio.gather(*(develop(darkroom, SMALL) for _ in range(12)))

    assert set(living(darkroom)) == first
    assert 1 <= len(first) <= 2
    await darkroom.close()
    assert living(darkroom) == []


async def test_who_goes_away_leaves_no_answer_for_the_next_one() -> None:
    darkroom = Darkroom(at_once=1)
    await develop(darkroom, SMALL)
    gone = asyncio.create_task(darkroom.copy(LARGE, read_header(LARGE)))
    while not darkroom.busy:
        await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    copied = await darkroom.copy(SMALL, read_header(SMALL))

    assert (copied.width, copied.height) == (64, 64)
    await darkroom.close()


async def test_it_is_told_no_secrets_and_can_open_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFELIGHT_OPENAI_API_KEY", "sk-planted")
    darkroom = Darkroom(at_once=1)
    await develop(darkroom, SMALL)
    (child,) = living(darkroom)

    environment = Path(f"/proc/{child}/environ").read_bytes()
    limits = Path(f"/proc/{child}/limits").read_text()
    open_now = len(list(Path(f"/proc/{child}/fd").iterdir()))

    assert b"sk-planted" not in environment
    assert f"Max open files            {open_now} " in limits
    await darkroom.close()


def test_it_has_nothing_open_that_the_server_had(tmp_path: Path) -> None:
    """Under the server's own event loop: the standard one closes what is open by itself."""

    async def look() -> set[Path]:
        darkroom = Darkroom(at_once=1)
        await develop(darkroom, SMALL)
        (child,) = living(darkroom)
        links = {file.readlink() for file in Path(f"/proc/{child}/fd").iterdir()}
        await darkroom.close()
        return links

    with (tmp_path / "open").open("wb") as file:
        os.set_inheritable(file.fileno(), True)  # as what a library opens is
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            links = runner.run(look())

    assert tmp_path / "open" not in links
