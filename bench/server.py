"""Safelight with providers that take no time: what is measured is our own part.

    python -m bench.server PORT DATA_DIR [--no-worker]

A text takes BENCH_TAKES_S seconds, where that is set. Its calls are written to DATA_DIR/calls as
lines of "prompt<TAB>unix time".
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import pyvips
import uvicorn
import uvloop

from safelight import logs
from safelight.cli.serve import spare_the_collector
from safelight.http.protocol import server_config
from safelight.providers.protocol import (
    Capabilities,
    ModelCard,
    Price,
    Rendered,
    RenderRequest,
    TextRequest,
    Ticket,
    Watch,
    Written,
)
from safelight.providers.registry import Registry
from safelight.settings import Settings
from safelight.wiring import build_app, open_shop


def _card(name: str, kind: str, provider: str = "", credits_: int = 1) -> ModelCard:
    return ModelCard(
        id=name,
        provider=provider or name,
        provider_model=name,
        name=name,
        price=(Price("each", credits_),),
        description="Takes no time.",
        kind=kind,  # type: ignore[arg-type]
        prompt_max=8000,
        capabilities=Capabilities(seed=True),
    )


class InstantPictures:
    """Answers the same 64×64 PNG at once."""

    name, at_once = "instant-image", None

    def __init__(self, calls: TextIO) -> None:
        self._calls = calls
        self._png: bytes = pyvips.Image.black(64, 64, bands=3).pngsave_buffer()

    def models(self) -> Sequence[ModelCard]:
        return [_card(self.name, "image")]

    async def submit(self, request: RenderRequest, watch: Watch) -> Rendered:
        self._calls.write(f"{request.prompt.text}\t{time.time()}\n")
        return Rendered(self._png, seed=request.seed)

    async def collect(self, ticket: Ticket, watch: Watch) -> Rendered:
        raise NotImplementedError

    async def find(self, request: RenderRequest) -> None: ...

    async def cancel(self, ticket: Ticket) -> None: ...

    async def close(self) -> None: ...


class InstantWords:
    """Answers the same sentence at once."""

    name = "instant-text"

    def __init__(self, calls: TextIO, takes_s: float) -> None:
        self._calls = calls
        self._takes_s = takes_s

    def models(self) -> Sequence[ModelCard]:
        return [_card(self.name, "text"), _card("free-text", "text", self.name, credits_=0)]

    async def write(self, request: TextRequest, watch: Watch) -> Written:
        self._calls.write(f"{request.prompt.text}\t{time.time()}\n")
        await asyncio.sleep(self._takes_s)
        return Written("A heron stands on a tin roof and thinks about fish.")

    async def close(self) -> None: ...


async def main(port: int, data_dir: Path, *, with_worker: bool, takes_s: float) -> None:
    logs.set_up("json", "warning")
    known = Settings(data_dir=data_dir, sketch=False)
    with (data_dir / "calls").open("a", buffering=1) as calls:
        registry = Registry([InstantPictures(calls)], [InstantWords(calls, takes_s)])
        async with open_shop(known, with_worker=with_worker, registry=registry) as shop:
            config = server_config(build_app(known, shop), port=port, timeout_graceful_shutdown=2)
            spare_the_collector()
            await uvicorn.Server(config).serve()


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(
            main(
                int(sys.argv[1]),
                folder,
                with_worker="--no-worker" not in sys.argv,
                takes_s=float(os.environ.get("BENCH_TAKES_S", "0")),
            )
        )
