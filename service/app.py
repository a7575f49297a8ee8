"""Where the rooms are joined: what is made at the start, in which order, and how it ends."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from service import openapi, ops, workbench
from service.core import backfill, event_log, schedules, watch
from service.core.api_keys import ApiKeys
from service.core.completions import Completions
from service.core.credentials import KeyRing, Verifier
from service.core.fallbacks import Fallbacks
from service.core.outbox import Due
from service.core.page import Tokens
from service.core.presence import Presence
from service.core.progress import ProgressReads
from service.core.rarity import Rarities
from service.core.releases import Releases
from service.core.sessions import Sessions
from service.core.shared_keys import shared_key
from service.core.watch import Watch
from service.core.writing import Writer
from service.db.listening import listen
from service.db.pool import Pool, open_pool
from service.dialects import catalogs, trophy, xbox
from service.errors import BadSetting
from service.key_refresh import KeyRefresher
from service.observe import LogLines, Observer
from service.settings import SECONDS, Settings
from service.web import SERVICES, STOPPING, Door, Services, join, refuse_unreadable
from service.webhooks import Webhooks

# Routes resolve in this order: a player named `xuid(1)` is the Xbox door's, whoever else would take the path.
DOORS: tuple[Door, ...] = (xbox.DOOR, trophy.DOOR, catalogs.DOOR, workbench.DOOR)

KEEPALIVE = 75.0 * SECONDS  # longer than a balancer's own, so that it is the balancer who closes
SHUTDOWN = 5.0 * SECONDS  # for requests under way
RARITY_POLL = 15.0 * SECONDS
FOLD_EVERY = 2.0 * SECONDS
BACKFILL_EVERY = 2.0 * SECONDS  # a look for work; a page follows the other while there is some
SCHEDULES_EVERY = 1.0 * SECONDS  # a look at an index that is empty but for what is due
FALLBACKS_EVERY = 30.0 * SECONDS
LISTEN_AGAIN = 5.0 * SECONDS  # after the connection was lost: polling goes on meanwhile
MONTHS_EVERY = 3600.0 * SECONDS
MONTHS_AHEAD = 3
_LARGEST_FIELD = 8190  # bytes, of the request line and of each header


async def make_services(settings: Settings, pool: Pool, observer: Observer) -> Services:
    """Everything handlers ask, with the catalogue loaded.

    Raises:
        BadSetting: there is no key to verify tokens with, or it cannot be used.
        Unavailable: the database cannot answer.
    """
    verifier = Verifier(_keys(settings), issuer=settings.issuer, audience=settings.audience)
    releases, rarities = Releases(pool), Rarities(pool)
    await releases.refresh()
    await rarities.refresh()
    progress = ProgressReads(pool)
    watchers = Watch(pool)
    writer = Writer(pool, releases, erasure_key=await shared_key(pool, "erasure"))
    writer.on_change = watchers.tell
    return Services(
        settings=settings,
        pool=pool,
        verifier=verifier,
        keys=None if settings.jwks_url is None else KeyRefresher(verifier, settings.jwks_url),
        api_keys=ApiKeys(pool),
        releases=releases,
        progress=progress,
        writer=writer,
        watch=watchers,
        completions=Completions(pool),
        rarities=rarities,
        fallbacks=Fallbacks(pool),
        tokens=Tokens(await shared_key(pool, "continuation")),
        sessions=Sessions(await shared_key(pool, "session")),
        presence=Presence(),
        observer=observer,
    )


def make_application(services: Services) -> web.Application:
    """The application with all doors, and with nothing running in the background."""
    app = web.Application()
    app[SERVICES] = services
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(_let_go)
    join(app, (*DOORS, openapi.door(DOORS)))
    refuse_unreadable(app, DOORS[0])
    return app


@contextlib.asynccontextmanager
async def background(services: Services, *, url: str | None = None) -> AsyncIterator[None]:
    """What goes on beside the requests while the block runs: each thing again and again, at its own pace.

    `url` is the database that is listened to; without one, what is published is found by looking alone.
    """
    poll, pool, observer = services.settings.catalog_poll, services.pool, services.observer

    async def fold() -> None:
        async with pool.connection() as connection:
            await services.completions.fold(connection)

    async def fill() -> None:
        while await backfill.step(pool, services.writer, services.releases):
            pass

    def render(due: Due) -> bytes | None:
        published = services.releases.current.titles.get(due.title_id)
        return None if published is None else trophy.completed(published, due.player, due.number, due.at)

    async def keep_months() -> None:
        async with pool.connection() as connection:
            await event_log.make_months(connection, MONTHS_AHEAD)
            if services.settings.event_retention_months:
                await event_log.drop_months(connection, older_than=services.settings.event_retention_months)

    jobs = [
        _every(poll, services.releases.refresh, observer),
        _every(poll, services.api_keys.refresh, observer),
        _every(RARITY_POLL, services.rarities.refresh, observer),
        _every(FOLD_EVERY, fold, observer),
        _every(MONTHS_EVERY, keep_months, observer, at_once=True),
        _every(BACKFILL_EVERY, fill, observer),
        Webhooks(pool, render, observer).run(),
        _every(watch.POLL, services.watch.poll, observer),
        _every(SCHEDULES_EVERY, _publishing(pool), observer),
        _every(FALLBACKS_EVERY, services.fallbacks.flush, observer),
    ]
    if url is not None:
        jobs.append(_every(LISTEN_AGAIN, _listening(url, services), observer, at_once=True))
    if services.keys is not None:
        jobs.append(services.keys.run())
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def make_runner(settings: Settings, *, url: str, ops_listen: socket.socket | None) -> web.AppRunner:
    """The whole service, to be set up and given sockets; its cleanup ends everything that it began.

    Raises:
        BadSetting: the database cannot be reached, or a key cannot be used.
    """
    observer = Observer(level=settings.log_level)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(observer.flush)
        lines = LogLines(observer)
        logging.getLogger().addHandler(lines)
        stack.callback(logging.getLogger().removeHandler, lines)
        pool = await stack.enter_async_context(await open_pool(url, size=settings.pool_size))
        services = await make_services(settings, pool, observer)
        await stack.enter_async_context(background(services, url=url))
        if ops_listen is not None:
            operations = _runner(ops.operations(services))
            await operations.setup()
            stack.push_async_callback(operations.cleanup)
            await web.SockSite(operations, ops_listen).start()
        app = make_application(services)
        gc.collect()
        # Modules and catalogue stay, and requests leave no cycles: looking for them costs every request its time.
        gc.freeze()
        gc.set_threshold(20_000, 20, 100)
        ends = stack.pop_all()

        async def end(_app: web.Application) -> None:
            await ends.aclose()

        app.on_cleanup.append(end)
        return _runner(app)


async def serve(
    settings: Settings, *, url: str, listen: socket.socket, ops_listen: socket.socket | None, ready: Callable[[], None]
) -> None:
    """Answer on the sockets until SIGINT or SIGTERM; `ready` is called once requests are answered.

    Raises:
        BadSetting: the database cannot be reached, or a key cannot be used.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = await make_runner(settings, url=url, ops_listen=ops_listen)
    await runner.setup()
    try:
        await web.SockSite(runner, listen).start()
        ready()
        await stopped.wait()
    finally:
        await runner.cleanup()


def _publishing(pool: Pool) -> Callable[[], Awaitable[None]]:
    async def publish_due() -> None:
        await schedules.run_due(pool)

    return publish_due


def _listening(url: str, services: Services) -> Callable[[], Awaitable[None]]:
    async def listen_to_publications() -> None:
        await listen(url, "publication", services.releases.refresh)

    return listen_to_publications


def _runner(app: web.Application) -> web.AppRunner:
    return web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEPALIVE,
        shutdown_timeout=SHUTDOWN,
        max_line_size=_LARGEST_FIELD,
        max_field_size=_LARGEST_FIELD,
    )


async def _every(
    seconds: float, action: Callable[[], Awaitable[None]], observer: Observer, *, at_once: bool = False
) -> None:
    """Do it again and again; a failure is said once, and made up by the next time that goes well."""
    has_failed = False
    while True:
        if not at_once:
            await asyncio.sleep(seconds)
        at_once = False
        try:
            await action()
        except Exception as error:  # noqa: BLE001  (background work outlives whatever happens to one round of it)
            if not has_failed:
                observer.say("warning", f"{action.__qualname__} failed, and is tried again", error=repr(error))
            has_failed = True
        else:
            has_failed = False


async def _let_go(app: web.Application) -> None:
    """Let those who listen come back to another process: a stream would hold up the end until its time is over."""
    app[STOPPING].set()
    app[SERVICES].watch.tell_all()


def _keys(settings: Settings) -> KeyRing:
    try:
        if settings.jwt_secret is not None:
            return KeyRing.from_secret(settings.jwt_secret)
        if settings.jwt_public_key is not None:
            return KeyRing.from_public_key(settings.jwt_public_key)
    except ValueError as error:
        name = "LAUREL_JWT_PUBLIC_KEY" if settings.jwt_secret is None else "LAUREL_JWT_SECRET"
        raise BadSetting(f"{name}: {error}") from None
    if settings.jwks_url is None:
        raise BadSetting("LAUREL_JWT_SECRET, LAUREL_JWT_PUBLIC_KEY or LAUREL_JWKS_URL: set one, to verify tokens with")
    return KeyRing.empty()
