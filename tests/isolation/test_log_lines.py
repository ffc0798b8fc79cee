"""What strangers send reaches the log as text, never as orders to the operator's terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx2

from tests.studio import ServerProcess

# Clears the screen; writes to the clipboard; turns what follows around.
ORDERS = ("\x1b[2J", "\x1b]52;c;aGk=\x07", "\u202e", "\x9b2J")


def test_a_path_gives_the_terminal_no_orders(database_url: str, tmp_path: Path) -> None:
    server = ServerProcess(database_url, tmp_path, SAFELIGHT_LOG_FORMAT="pretty")
    try:
        server.start("--no-worker")
        for path in ("/%1b[2J", "/%1b]52;c;aGk=%07", "/%E2%80%AE", "/%C2%9B2J"):
            httpx2.get(server.url + path, trust_env=False)
    finally:
        server.stop()

    log = server.log.read_text()
    assert "/\\x1b[2J" in log
    assert not [order for order in ORDERS if order in log]


_LOG = """
import logging, structlog
from safelight import logs

logs.set_up("pretty", "info")
orders = ORDERS
log = structlog.get_logger()
log.info("told " + orders, path=orders, many=[orders], one={orders: orders})
logging.getLogger("library").warning("said %s\\nand more", orders)
try:
    raise ValueError(orders)
except ValueError:
    log.exception("broke")
    logging.getLogger("library").exception("broke, too")
"""


def test_neither_do_values_messages_and_errors() -> None:
    program = _LOG.replace("ORDERS", repr("".join(ORDERS)))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8"
    )

    assert not [order for order in ORDERS if order in done.stderr], done.stderr
    assert done.stderr.count("ValueError: \\x1b[2J") == 2
    assert "and more" in done.stderr.splitlines()[2], "lines stay lines"
