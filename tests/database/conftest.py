"""Data folders that the database's own user can reach, and databases without a schema."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from tests.conftest import Cluster


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """pytest's own folder is closed to everybody but root, whose PostgreSQL is another user."""
    folder = Path(tempfile.mkdtemp(prefix="safelight-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def empty_database_url(cluster: Cluster) -> AsyncIterator[str]:
    """A database nobody has migrated yet."""
    name = f"empty_{uuid4().hex}"
    admin = await asyncpg.connect(cluster.url)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    yield cluster.url_of(name)
    await cluster.drop(cluster.url_of(name))
