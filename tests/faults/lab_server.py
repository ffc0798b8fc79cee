"""Safelight with the fake providers, as a process that can be killed at named places.

    python -m tests.faults.lab_server PORT DATA_DIR [--no-worker | --worker-only]
        [--crash POINT:N …] [--orders FILE] [--lease S]

Settings come from the environment as always, LAB_URL says where the fake providers are. Lines of
`POINT N` in the orders file are armed at SIGUSR1. It prints `ready` once it works.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, cast
from uuid import UUID

import uvicorn
import uvloop
from fastapi import FastAPI, Request

from safelight import crashpoints, logs, settings
from safelight.http.caller import Caller
from safelight.http.dependencies import caller, onlooker
from safelight.http.protocol import server_config
from safelight.http.shop import Shop
from safelight.values.ids import OwnerId
from safelight.wiring import build_app, open_shop
from tests.faults.lab import lab_registry


def main(arguments: Sequence[str]) -> None:
    given = _read(arguments)
    more: dict[str, Any] = {"lease_s": given.lease} if given.lease else {}
    known = settings.load(data_dir=given.data_dir, sketch=False, **more)
    logs.set_up("json", known.log_level)
    for order in given.crash:
        point, _, times = order.partition(":")
        _arm(point, int(times or 1))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(known, given))


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--no-worker", action="store_true")
    parser.add_argument("--worker-only", action="store_true")
    parser.add_argument("--crash", action="append", default=[], metavar="POINT:N")
    parser.add_argument("--orders", type=Path)
    parser.add_argument("--lease", type=float)
    return parser.parse_args(arguments)


async def _run(known: settings.Settings, given: argparse.Namespace) -> None:
    if given.orders:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _take, given.orders)
    registry = lab_registry(os.environ["LAB_URL"], timeout_s=float(os.environ["LAB_TIMEOUT_S"]))
    async with open_shop(known, with_worker=not given.no_worker, registry=registry) as shop:
        if given.worker_only:
            await _work()
        else:
            await _serve(known, shop, given.port)


async def _work() -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    print("ready", flush=True)
    await stopping.wait()


async def _serve(known: settings.Settings, shop: Shop, port: int) -> None:
    app = build_app(known, shop)
    _let_callers_say_who_they_are(app)
    config = server_config(app, port=port, timeout_graceful_shutdown=5)
    await _Server(config, shop).serve()


class _Server(uvicorn.Server):
    """As `safelight serve` does it: open streams are told to reconnect first."""

    def __init__(self, config: uvicorn.Config, shop: Shop) -> None:
        super().__init__(config)
        self._shop = shop

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print("ready", flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._shop.stopping = True
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


def _let_callers_say_who_they_are(app: FastAPI) -> None:
    """Many users without their logins: these tests are not about who somebody is."""

    async def named(request: Request) -> Caller:
        name = request.headers.get("x-lab-user")
        if name is None:
            return await caller(request, request.app.state.shop)
        running_max = request.headers.get("x-lab-running-max")
        return Caller(
            OwnerId(UUID(name)),
            request.state.request_id,
            kind="user",
            running_max=int(running_max) if running_max else None,
        )

    app.dependency_overrides |= {caller: named, onlooker: named}


def _take(orders: Path) -> None:
    for line in orders.read_text().splitlines():
        point, _, times = line.partition(" ")
        _arm(point, int(times))


def _arm(point: str, times: int) -> None:
    if point not in crashpoints.POINTS:
        raise SystemExit(f"no crash point is called {point}; there are {crashpoints.POINTS}")
    crashpoints.arm(cast(crashpoints.Point, point), times)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
