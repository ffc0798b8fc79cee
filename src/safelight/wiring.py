"""The only file that builds objects and hands them to the doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from pydantic import ValidationError

from safelight.database.embedded import DatabaseUnusable, EmbeddedPostgres
from safelight.database.migrate import migrate
from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.http.app import create_app
from safelight.http.shop import Shop
from safelight.images.links import Links
from safelight.images.store import ObjectPictureStore
from safelight.jobs.admit import Admission
from safelight.jobs.feed import Feed
from safelight.jobs.pipeline import Limits, Pipeline
from safelight.jobs.upkeep import Upkeep
from safelight.providers.build import build
from safelight.providers.configuration import ProviderSettings
from safelight.providers.registry import Registry
from safelight.providers.sketch.adapter import Sketch
from safelight.queueing.worker import Counter, Worker
from safelight.settings import Settings, SettingsWrong, secret_key, sentences

_LOOK_AFTER_S = 0.5

log = structlog.get_logger()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The configured database, or the embedded one, migrated. Raises: DatabaseUnusable."""
    async with AsyncExitStack() as stack:
        url = settings.database_url
        if url is None:
            embedded = EmbeddedPostgres(settings.data_dir)
            stack.callback(embedded.stop)
            url = await _started(embedded)
            keeper = asyncio.create_task(_keep_running(embedded), name="embedded database")
            stack.callback(keeper.cancel)
        database = await Database.connect(url, connections_max=settings.db_connections)
        stack.push_async_callback(database.close)
        async with database.pool.acquire() as connection:
            await migrate(connection)  # type: ignore[arg-type]  # a proxy of a Connection
        yield database


async def _started(embedded: EmbeddedPostgres) -> str:
    """Its URL. Cancelled, it waits for the thread, which goes on: only what has started can be
    stopped."""
    starting = asyncio.create_task(asyncio.to_thread(embedded.start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        raise


async def _keep_running(embedded: EmbeddedPostgres) -> None:
    """Nobody else looks after a database that is ours: what died is started again."""
    while True:
        await asyncio.sleep(_LOOK_AFTER_S)
        try:
            if await asyncio.to_thread(embedded.revive):
                log.warning("the embedded database had died and was started again")
        except DatabaseUnusable as error:
            log.error("the embedded database does not start", error=str(error))


@asynccontextmanager
async def open_shop(
    settings: Settings, *, with_worker: bool, registry: Registry | None = None
) -> AsyncIterator[Shop]:
    """All rooms, started; stopped in the opposite order. registry: other providers than those
    the settings switch on, for measurements."""
    async with AsyncExitStack() as stack:
        registry = registry or build_registry(settings)
        stack.push_async_callback(registry.close)
        store = ObjectPictureStore.open(settings.storage_url, settings.data_dir)
        await store.check()
        database = await stack.enter_async_context(open_database(settings))
        wakeups = Wakeups(database)
        feed = Feed(database, wakeups)
        shop = Shop(
            database=database,
            wakeups=wakeups,
            feed=feed,
            registry=registry,
            store=store,
            links=Links(secret_key(settings), settings.link_lifetime_s),
            admission=Admission(database, registry, feed, wakeups),
            worker=_worker(settings, database, wakeups, feed, registry, store)
            if with_worker
            else None,
        )
        upkeep = Upkeep(database, wakeups, events_kept_days=settings.events_kept_days)
        await wakeups.start()
        stack.push_async_callback(wakeups.stop)  # after the worker, which rings to its last job
        await feed.start()
        stack.push_async_callback(feed.stop)
        if shop.worker:
            await shop.worker.start()
            stack.push_async_callback(shop.worker.stop)
        await upkeep.start()
        stack.push_async_callback(upkeep.stop)
        yield shop


def build_registry(settings: Settings) -> Registry:
    """The models these settings switch on. Raises: SettingsWrong."""
    try:
        chosen = ProviderSettings.model_validate(settings, from_attributes=True)
    except ValidationError as error:
        raise SettingsWrong(sentences(error)) from None
    return build(chosen, sketch=Sketch(painters=settings.painters) if settings.sketch else None)


def build_app(settings: Settings, shop: Shop) -> FastAPI:
    """The HTTP application over open rooms."""
    return create_app(
        shop,
        hosts=_hosts(settings),
        body_bytes_max=settings.body_bytes_max,
        https=bool(settings.public_url and settings.public_url.startswith("https://")),
    )


def _hosts(settings: Settings) -> frozenset[str]:
    """The names this server answers to. While everybody who reaches it is its owner, a page from
    elsewhere must not get in by pointing its own name at this machine (DNS rebinding)."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return frozenset({"localhost", "127.0.0.1", "::1", *([public] if public else [])})


def _worker(
    settings: Settings,
    database: Database,
    wakeups: Wakeups,
    feed: Feed,
    registry: Registry,
    store: ObjectPictureStore,
) -> Worker:
    pipeline = Pipeline(
        database,
        feed,
        registry,
        store,
        Limits(
            attempts_max=settings.attempts_max,
            crashes_max=settings.crashes_max,
            backoff_max_s=settings.backoff_max_s,
        ),
    )
    return Worker(
        database,
        wakeups,
        counters=_counters(settings, registry),
        carry_out=pipeline.carry_out,
        lease_s=settings.lease_s,
        graceful_stop_s=settings.graceful_stop_s,
    )


def _counters(settings: Settings, registry: Registry) -> list[Counter]:
    """Models on this machine at counters as wide as it is, all others at one wide counter."""
    local: list[Counter] = []
    remote: list[str] = []
    for name in sorted({card.provider for card in registry.cards()}):
        at_once = registry.at_once(name)
        if at_once is None:
            remote.append(name)
        else:
            local.append(Counter((name,), min(at_once, settings.jobs_at_once)))
    return [*local, *([Counter(tuple(remote), settings.jobs_at_once)] if remote else [])]
