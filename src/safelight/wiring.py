"""The only file that builds objects and hands them to the doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from pydantic import ValidationError

from safelight.accounts.addresses import Proxies
from safelight.accounts.keys import Keyring
from safelight.accounts.limits import Limiter, forget_old
from safelight.accounts.logins import forget_ended
from safelight.accounts.oidc import Oidc, OidcClient
from safelight.accounts.visitors import Visitors
from safelight.credits.accounts import apply_due, open_account
from safelight.credits.grants import grant
from safelight.credits.watch import LedgerWatch
from safelight.database.durability import check_durable
from safelight.database.embedded import DatabaseUnusable, EmbeddedPostgres
from safelight.database.migrate import migrate
from safelight.database.pool import Database
from safelight.database.wakeups import Wakeups
from safelight.egress.client import LOGINS, Egress
from safelight.http.access import Access, Terms
from safelight.http.app import create_app
from safelight.http.metrics import QueueMetrics
from safelight.http.readiness import Readiness
from safelight.http.reception import Reception
from safelight.http.reception import Rules as LoginRules
from safelight.http.shop import Shop
from safelight.http.stream_places import StreamPlaces
from safelight.images.darkroom import Darkroom
from safelight.images.links import Links
from safelight.images.store import DirectLinks, ObjectPictureStore
from safelight.jobs import dead_letters, farewell, trash
from safelight.jobs.admit import Admission
from safelight.jobs.board import Board
from safelight.jobs.dead_letters import DeadLetters
from safelight.jobs.feed import Feed
from safelight.jobs.pipeline import Limits, Pipeline
from safelight.jobs.reconcile import drop_abandoned
from safelight.jobs.upkeep import Upkeep
from safelight.jobs.uploads import Uploads
from safelight.jobs.waiting import Forecast
from safelight.providers.build import build
from safelight.providers.configuration import ProviderSettings
from safelight.providers.registry import Registry
from safelight.providers.sketch.adapter import Sketch
from safelight.queueing import roll
from safelight.queueing.bound import QueueBound
from safelight.queueing.breaker import Rules
from safelight.queueing.entries import ring_for_entries
from safelight.queueing.lanes import Lanes
from safelight.queueing.passes import Limit, declare
from safelight.queueing.worker import Counter, Worker
from safelight.settings import Settings, SettingsWrong, previous_secret_key, secret_key, sentences
from safelight.values.credits import Credits
from safelight.values.ids import OwnerId
from safelight.values.targets import Target

_LOOK_AFTER_S = 0.5

log = structlog.get_logger()


@asynccontextmanager
async def open_database(
    settings: Settings, *, bring_up_to_date: bool = True
) -> AsyncIterator[Database]:
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
        if bring_up_to_date:
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
        except Exception:  # a full disk, no memory for a process: that passes
            log.exception("looking after the embedded database broke")


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
        darkroom = Darkroom()
        stack.push_async_callback(darkroom.close)
        database = await stack.enter_async_context(open_database(settings))
        await check_durable(database)
        wakeups = Wakeups(database)
        feed = Feed(database, wakeups)
        lanes = Lanes(database, wakeups, rules=Rules(open_s=settings.breaker_open_s))
        admission = Admission(
            database,
            registry,
            feed,
            wakeups,
            QueueBound(database, settings.queue_max),
            deadline_s=settings.job_deadline_s,
        )
        ledger, forecast = LedgerWatch(database), Forecast(database)
        reception = _reception(settings, database)
        stack.callback(reception.passwords.stop)
        shop = Shop(
            database=database,
            wakeups=wakeups,
            feed=feed,
            registry=registry,
            store=store,
            links=Links(
                secret_key(settings), settings.link_lifetime_s, previous_secret_key(settings)
            ),
            admission=admission,
            uploads=Uploads(
                database,
                store,
                darkroom,
                bytes_max=settings.upload_bytes_max,
            ),
            ledger=ledger,
            forecast=forecast,
            board=Board(forecast),
            letters=DeadLetters(database, admission),
            metrics=QueueMetrics(database, lanes, ledger),
            readiness=Readiness(database, store),
            access=_access(settings, database, reception),
            reception=reception,
            stream_places=StreamPlaces(settings.streams_max),
            oidc=_oidc(settings),
            lanes=lanes,
            direct=await _direct(settings, store),
            trash_kept_s=settings.trash_kept_s,
            worker=_worker(settings, database, wakeups, feed, registry, lanes, store, darkroom)
            if with_worker
            else None,
        )
        upkeep = Upkeep(
            database,
            wakeups,
            feed,
            events_kept_days=settings.events_kept_days,
            chores=[
                apply_due,
                forget_old,
                forget_ended,
                dead_letters.settle,
                roll.sweeper(),
                lambda database: drop_abandoned(database, registry),
                lambda database: trash.purge(database, store, kept_s=settings.trash_kept_s),
                lambda database: farewell.carry_on(
                    database,
                    kept_s=settings.trash_kept_s,
                    on_cancelled=farewell.ring_for(wakeups, feed),
                ),
            ],
        )
        await wakeups.start()
        stack.push_async_callback(wakeups.stop)  # after the worker, which rings to its last job
        await feed.start()
        stack.push_async_callback(feed.stop)
        await _declare_limits(settings, database, registry)
        await lanes.start()
        stack.push_async_callback(lanes.stop)
        await shop.board.start()
        stack.push_async_callback(shop.board.stop)
        await shop.metrics.start()
        if shop.worker:
            await shop.worker.start()
            stack.push_async_callback(shop.worker.stop)
        await shop.ledger.start()
        stack.push_async_callback(shop.ledger.stop)
        await upkeep.start()
        stack.push_async_callback(upkeep.stop)
        yield shop


async def _direct(settings: Settings, store: ObjectPictureStore) -> DirectLinks | None:
    return await DirectLinks.over(store) if settings.media_delivery == "direct" else None


def build_registry(settings: Settings) -> Registry:
    """The models these settings switch on. Raises: SettingsWrong."""
    try:
        chosen = ProviderSettings.model_validate(settings, from_attributes=True)
    except ValidationError as error:
        raise SettingsWrong(sentences(error)) from None
    sketch = Sketch(painters=settings.painters) if settings.sketch else None
    return build(chosen, sketch=sketch, egress=open_egress(settings))


def open_egress(settings: Settings) -> Egress:
    """The way out, for whoever asks others over HTTP."""
    return Egress(Target.parse(each) for each in settings.egress_allow)


def build_app(settings: Settings, shop: Shop) -> FastAPI:
    """The HTTP application over open rooms."""
    return create_app(
        shop,
        hosts=_hosts(settings),
        body_bytes_max=settings.body_bytes_max,
        upload_bytes_max=settings.upload_bytes_max,
        https=_is_https(settings),
        origin=_origin(settings),
        cors_origins=settings.cors_origins,
        image_origins=shop.direct.origins if shop.direct else (),
    )


def _origin(settings: Settings) -> str | None:
    parts = urlsplit(settings.public_url) if settings.public_url else None
    return f"{parts.scheme}://{parts.netloc}".lower() if parts else None


def _is_https(settings: Settings) -> bool:
    return bool(settings.public_url and settings.public_url.startswith("https://"))


def _reception(settings: Settings, database: Database) -> Reception:
    return Reception(
        database,
        Limiter(database),
        LoginRules(
            accounts=settings.accounts == "on",
            registration=settings.registration,
            anonymous=settings.anonymous == "on",
            public_url=settings.public_url,
        ),
        https=_is_https(settings),
    )


def _oidc(settings: Settings) -> Oidc:
    clients = {
        name: OidcClient(
            known.issuer,
            known.client_id,
            known.client_secret.get_secret_value() if known.client_secret else None,
        )
        for name, known in settings.oidc.items()
    }
    egress = open_egress(settings)
    # A client for each call: logins are rare, and nothing is kept of one for the next.
    return Oidc(clients, lambda issuer: egress.client(LOGINS, own=[Target.of_url(issuer)]))


def _access(settings: Settings, database: Database, reception: Reception) -> Access:
    limiter = Limiter(database)

    async def give(account: OwnerId, amount: Credits, reference: str, note: str) -> None:
        await grant(database, account, amount, reference=reference, note=note)

    return Access(
        accounts=settings.accounts == "on",
        anonymous=settings.anonymous == "on",
        https=_is_https(settings),
        keyring=Keyring(database),
        logins=reception.logins,
        session_cookie=reception.cookie,
        limiter=limiter,
        proxies=Proxies(settings.trusted_proxies),
        visitors=Visitors(
            limiter,
            secret_key(settings),
            credits_a_day=settings.visitor_credits,
            open_account=lambda account: open_account(database, account),
            grant=give,
            previous=previous_secret_key(settings),
        ),
        terms={
            "local": Terms(),
            "user": Terms(
                submits_per_minute=settings.user_submits_per_minute or None,
                open_max=settings.user_open_max or None,
                running_max=settings.user_running_max or None,
                quota_bytes=settings.quota_bytes or None,
                streams_max=settings.user_streams_max or None,
            ),
            "visitor": Terms(
                submits_per_minute=settings.visitor_submits_per_minute or None,
                open_max=settings.visitor_open_max or None,
                running_max=settings.visitor_running_max or None,
                quota_bytes=settings.quota_bytes or None,
                streams_max=settings.visitor_streams_max or None,
            ),
        },
    )


def _hosts(settings: Settings) -> frozenset[str]:
    """The names this server answers to; empty: any. While everybody who reaches it is its owner, a
    page from elsewhere must not get in by pointing its own name at this machine (DNS rebinding).
    With accounts such a page gets nothing: keys and cookies are not sent along with its name."""
    if settings.accounts == "on":
        return frozenset()
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return frozenset({"localhost", "127.0.0.1", "::1", *([public] if public else [])})


def _worker(
    settings: Settings,
    database: Database,
    wakeups: Wakeups,
    feed: Feed,
    registry: Registry,
    lanes: Lanes,
    store: ObjectPictureStore,
    darkroom: Darkroom,
) -> Worker:
    pipeline = Pipeline(
        database,
        feed,
        registry,
        lanes=lanes,
        store=store,
        darkroom=darkroom,
        limits=Limits(
            attempts_max=settings.attempts_max,
            crashes_max=settings.crashes_max,
            backoff_max_s=settings.backoff_max_s,
            patience_s=settings.overtaking_s,
        ),
        on_freed=lambda: ring_for_entries(wakeups),
    )
    return Worker(
        database,
        wakeups,
        lanes=lanes,
        counters=_counters(settings, registry),
        carry_out=pipeline.carry_out,
        lease_s=settings.lease_s,
        graceful_stop_s=settings.graceful_stop_s,
    )


async def _declare_limits(settings: Settings, database: Database, registry: Registry) -> None:
    limits = {
        name: Limit(limit.at_once, limit.per_minute)
        for name, limit in settings.provider_limits.items()
    }
    known = {name for card in registry.cards() for name in (card.provider, card.id)}
    await declare(database, limits, known=known)


def _counters(settings: Settings, registry: Registry) -> list[Counter]:
    """A counter for each provider, so that one that hangs takes nobody else's places: as wide as
    this machine for models that run on it."""
    names = sorted({card.provider for card in registry.cards()})
    most = settings.jobs_at_once
    return [Counter((name,), min(registry.at_once(name) or most, most)) for name in names]
