"""`safelight serve` and `safelight worker`: start everything, stop it cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
import uvicorn

from safelight import logs, settings
from safelight.accounts import codes, joining
from safelight.cli.client import is_there
from safelight.cli.safety import check_exposure, make_room_for_streams
from safelight.cli.stop import Stop
from safelight.http.protocol import server_config
from safelight.http.shop import Shop
from safelight.wiring import build_app, open_shop

log = structlog.get_logger()

_RESTART_S = 1.0


def run_server(*, host: str, port: int, workers: int, data_dir: Path | None) -> None:
    """Serve until SIGINT or SIGTERM. workers: 0 none, 1 in this process, more: processes beside it.

    Raises: Stop, SettingsWrong, DatabaseUnusable, StorageUnusable.
    """
    known = settings.load(data_dir=data_dir)
    settings.prepare_data_dir(known)
    logs.set_up(known.log_format, known.log_level)
    check_exposure(known, host)
    make_room_for_streams(known.streams_max)
    listener = _listen(host, port)
    _run(_serve(known, listener, workers))


def run_worker(*, data_dir: Path | None) -> None:
    """Work until SIGINT or SIGTERM."""
    known = settings.load(data_dir=data_dir)
    settings.prepare_data_dir(known)
    logs.set_up(known.log_format, known.log_level)
    _run(_work(known))


def _run(main: Coroutine[Any, Any, None]) -> None:
    if sys.platform == "win32":
        asyncio.run(main)
        return
    import uvloop  # noqa: PLC0415

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_terminated(main))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Stop("Stopped before it was ready.") from None


async def _until_terminated(main: Coroutine[Any, Any, None]) -> None:
    """Until the server listens to signals itself, they end the start by cancelling it, so that what
    was started is stopped: an embedded database would outlive us. SIGTERM does not go by way of
    SIGINT, which a shell has those ignore whom it starts in the background."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task
    signal.signal(signal.SIGTERM, lambda _number, _frame: loop.call_soon_threadsafe(task.cancel))
    await main


async def _serve(known: settings.Settings, listener: socket.socket, workers: int) -> None:
    async with open_shop(known, with_worker=workers > 0) as shop:
        config = server_config(build_app(known, shop), timeout_graceful_shutdown=5)
        address = _address(*listener.getsockname()[:2])
        async with _processes(known, workers - 1):
            log.info("Safelight is ready", studio=address, data=str(known.data_dir))
            if known.accounts == "on":
                await _offer_set_up(shop, known.public_url or address)
            spare_the_collector()
            await _Server(config, shop).serve(sockets=[listener])


async def _offer_set_up(shop: Shop, address: str) -> None:
    """While there is no administrator: a link with which whoever reads this becomes it. Printed,
    not logged: it is for a person, and a secret."""
    if await joining.has_admin(shop.database):
        return
    _, code = await codes.make(shop.database, "setup", role="admin")
    link = f"{address.rstrip('/')}/register?code={code}"
    print(
        "Nobody administrates this server yet. Become its administrator, within a day, at\n"
        f"    {link}",
        flush=True,
    )


class _Server(uvicorn.Server):
    """Tells open streams to reconnect before it waits for them to close, and takes no more jobs."""

    def __init__(self, config: uvicorn.Config, shop: Shop) -> None:
        super().__init__(config)
        self._shop = shop
        self._loop = asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._shop.stopping = True
        if self._shop.worker:
            self._loop.call_soon_threadsafe(self._shop.worker.take_nothing_new)
        super().handle_exit(sig, frame)
        # uvicorn would raise the signal again at its end, before the rooms are closed.
        self._captured_signals.clear()


async def _work(known: settings.Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with open_shop(known, with_worker=True):
        spare_the_collector()
        await stopping.wait()


def spare_the_collector() -> None:
    """What was imported and built by now stays until the end: the garbage collector need not walk
    through it again, nor come by for each few hundred objects, of which one request makes more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@contextlib.asynccontextmanager
async def _processes(known: settings.Settings, count: int) -> AsyncIterator[None]:
    """`count` worker processes, started again when one dies, stopped with us."""
    keepers = [asyncio.create_task(_keep_working(known)) for _ in range(max(0, count))]
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


async def _keep_working(known: settings.Settings) -> None:
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "safelight",
            "worker",
            "--data-dir",
            str(known.data_dir),
            start_new_session=True,  # our terminal's Ctrl-C is for us; we pass it on
        )
        try:
            code = await process.wait()
            log.warning("a worker process ended", pid=process.pid, code=code)
            await asyncio.sleep(_RESTART_S)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a taken port is said before anything else is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if os.name != "nt":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if is_there(_address(host, port)):
            raise Stop(
                f"Safelight is already running at {_address(host, port)}. "
                "Use it, stop it first, or choose another port with --port."
            ) from None
        raise Stop(
            f"Cannot listen on {host}:{port} ({error.strerror}). Choose another port with --port."
        ) from None
    listener.setblocking(False)
    return listener


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
