"""What tests stand on: one real PostgreSQL a run, a fresh database and real HTTP for each test."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import uvloop

from safelight.cli.serve import spare_the_collector
from safelight.database.embedded import EmbeddedPostgres
from safelight.database.migrate import migrate
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan
from tests.studio import ServerProcess, Studio

# The developer's own keys must never be used, or charged, by a test.
for name in list(os.environ):
    if name.startswith(("SAFELIGHT_", "OPENAI_", "POLLINATIONS_")) and name != "SAFELIGHT_CHROMIUM":
        del os.environ[name]


# Long ones first: who is given one of them last works on alone while the others wait.
LONG_FILES = (
    "credits/test_ledger_machine.py",
    "faults/test_nothing_is_lost.py",
    "faults/test_database_restarts.py",
    "http/test_contract.py",
    "images/test_hostile.py",
    "faults/",
    "isolation/",
    "browser/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(folder).as_posix()
        return next((n for n, name in enumerate(LONG_FILES) if path.startswith(name)), 99)

    items.sort(key=place)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_collection_finish() -> None:
    spare_the_collector()  # of what all the modules are made of: a tenth of the whole work


class Cluster:
    """One embedded PostgreSQL, with a migrated template that every test clones.

    It lies in memory where there is room: it has to outlive the processes that tests kill, not the
    machine. Tests that kill the database itself start their own, on a disk.
    """

    def __init__(self, folder: Path) -> None:
        self.embedded = EmbeddedPostgres(folder)
        self.url = self.embedded.start()
        asyncio.run(self._make_template())

    async def _make_template(self) -> None:
        admin = await asyncpg.connect(self.url)
        await admin.execute("ALTER SYSTEM SET max_wal_size = '256MB'")
        await admin.execute("SELECT pg_reload_conf()")
        await admin.execute("CREATE DATABASE template_safelight")
        await admin.close()
        template = await asyncpg.connect(self.url_of("template_safelight"))
        await migrate(template)
        await template.close()

    def url_of(self, database: str) -> str:
        return self.url.replace("/postgres?", f"/{database}?")

    async def clone(self) -> str:
        """A fresh database; its URL."""
        name = f"test_{uuid4().hex}"
        admin = await asyncpg.connect(self.url)
        # Ten times as fast as through the log, where files are in memory: 17 ms against 170.
        await admin.execute(
            f"CREATE DATABASE {name} TEMPLATE template_safelight STRATEGY file_copy"
        )
        await admin.close()
        return self.url_of(name)

    async def drop(self, url: str) -> None:
        name = url.partition("?")[0].rpartition("/")[2]
        admin = await asyncpg.connect(self.url)
        await admin.execute(f"DROP DATABASE IF EXISTS {name} (FORCE)")
        await admin.close()


def _memory() -> Path | None:
    """A folder in memory with room for the databases, or none: then they lie on a disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < 4 * 2**30:
        return None
    return memory


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="safelight-test-", dir=_memory()))
    folder.chmod(0o755)  # root's PostgreSQL runs as another user
    made = Cluster(folder)
    yield made
    made.embedded.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def database_url(cluster: Cluster) -> AsyncIterator[str]:
    url = await cluster.clone()
    yield url
    await cluster.drop(url)


@pytest.fixture(scope="session")
def _fake_openai() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def provider_api(_fake_openai: FakeOpenAI) -> FakeOpenAI:
    """A fake OpenAI, as a test finds it: no plan, no calls."""
    _fake_openai.plan = Plan()
    _fake_openai.calls.clear()
    _fake_openai.counts.clear()
    _fake_openai.asked.clear()
    _fake_openai.abandoned = 0
    return _fake_openai


@pytest.fixture
async def studio(
    database_url: str, provider_api: FakeOpenAI, tmp_path: Path
) -> AsyncIterator[Studio]:
    """The whole of Safelight in this process, over real HTTP, with Sketch and a fake OpenAI."""
    async with Studio.open(database_url, tmp_path, provider_api) as made:
        yield made


@pytest.fixture
def server_process(database_url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """`safelight serve` as a process of its own, not yet started, that can really be killed."""
    process = ServerProcess(database_url, tmp_path)
    yield process
    process.stop()
