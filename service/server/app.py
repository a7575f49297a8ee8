"""The application: creates the services, mounts all APIs, and starts and stops everything in order."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable
from typing import Any

from aiohttp import web

from service.api import graphql, localization, open_badges, trophy, workbench, xbox
from service.core.auth.api_keys import ApiKeys
from service.core.auth.key_ring import KeyRing
from service.core.auth.oauth_clients import OAuthClients
from service.core.auth.sessions import Sessions
from service.core.auth.tokens import Verifier
from service.core.auth.user_contexts import UserContexts
from service.core.events.subscriptions import Subscriptions
from service.core.events.writer import Writer
from service.core.localization.fallbacks import Fallbacks
from service.core.localization.presence import Presence
from service.core.progress.continuation import ContinuationTokens
from service.core.progress.holder_counts import HolderCounts
from service.core.progress.rarity import Rarities
from service.core.progress.reader import ProgressReader
from service.core.publishing.snapshot import SnapshotStore
from service.db.pool import Pool, open_pool
from service.db.service_keys import service_key
from service.errors import ConfigurationError
from service.http.api import Api, mount
from service.http.runner import ApiRunner
from service.http.services import SERVICES, STOPPING, Services
from service.outbound.jwks import JwksRefresher
from service.server import openapi, ops
from service.server.jobs import background
from service.settings import SECONDS, Settings
from service.telemetry import LoggingBridge, Observer

# Routes resolve in this order: a path with a player `xuid(1)` belongs to the Xbox API.
APIS: tuple[Api, ...] = (
    xbox.API,
    trophy.API,
    graphql.API,
    graphql.PUBLIC_API,
    open_badges.API,
    localization.API,
    workbench.API,
)

KEEPALIVE = 75.0 * SECONDS  # longer than a load balancer's, so that the load balancer closes first
SHUTDOWN = 5.0 * SECONDS  # for requests in progress


async def make_services(settings: Settings, pool: Pool, observer: Observer) -> Services:
    """Create the services that handlers use, with published titles loaded.

    Raises:
        ConfigurationError: there is no key that verifies tokens, or it is invalid.
        Unavailable: the database is unreachable.
    """
    verifier = Verifier(_keys(settings), issuer=settings.issuer, audience=settings.audience)
    releases = SnapshotStore(pool, pseudo_locales=settings.pseudo_locales == "on")
    rarities = Rarities(pool)
    await releases.refresh()
    await rarities.refresh()
    progress = ProgressReader(pool)
    api_keys = ApiKeys(pool)
    watchers = Subscriptions(pool)
    writer = Writer(pool, releases, erasure_key=await service_key(pool, "erasure"), on_change=watchers.notify)
    return Services(
        settings=settings,
        pool=pool,
        verifier=verifier,
        jwks=None if settings.jwks_url is None else JwksRefresher(verifier, settings.jwks_url),
        api_keys=api_keys,
        oauth_clients=OAuthClients(
            api_keys, key=await service_key(pool, "oauth"), issuer=settings.issuer, audience=settings.audience
        ),
        user_contexts=UserContexts(pool),
        snapshots=releases,
        progress=progress,
        writer=writer,
        subscriptions=watchers,
        holder_counts=HolderCounts(pool),
        rarities=rarities,
        fallbacks=Fallbacks(pool),
        continuation_tokens=ContinuationTokens(await service_key(pool, "continuation")),
        cursor_key=await service_key(pool, "cursor"),
        sessions=Sessions(await service_key(pool, "session")),
        presence=Presence(),
        observer=observer,
    )


def make_application(services: Services) -> web.Application:
    """The application with all APIs, without background jobs."""
    app = web.Application()
    app[SERVICES] = services
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(_end_streams)
    mount(app, (*APIS, openapi.openapi_api(APIS)))
    return app


async def make_runner(settings: Settings, *, url: str, ops_listen: socket.socket | None) -> web.AppRunner:
    """The runner of the whole service; its cleanup stops everything that was started.

    Raises:
        ConfigurationError: the database is unreachable, or a key is invalid.
    """
    observer = Observer(level=settings.log_level)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(observer.flush)
        lines = LoggingBridge(observer)
        logging.getLogger().addHandler(lines)
        stack.callback(logging.getLogger().removeHandler, lines)
        pool = await stack.enter_async_context(await open_pool(url, size=settings.pool_size))
        services = await make_services(settings, pool, observer)
        await stack.enter_async_context(background(services, url=url))
        if ops_listen is not None:
            operations = web.AppRunner(ops.operations(services), access_log=None, shutdown_timeout=SHUTDOWN)
            await operations.setup()
            stack.push_async_callback(operations.cleanup)
            await web.SockSite(operations, ops_listen).start()
        app = make_application(services)
        gc.collect()
        # Modules and titles live on, and requests leave no cycles: searching them would cost every request time.
        gc.freeze()
        gc.set_threshold(20_000, 20, 100)
        ends = stack.pop_all()

        async def end(_app: web.Application) -> None:
            await ends.aclose()

        app.on_cleanup.append(end)
        return application_runner(app)


async def serve(
    settings: Settings, *, url: str, listen: socket.socket, ops_listen: socket.socket | None, ready: Callable[[], None]
) -> None:
    """Serve on the sockets until SIGINT or SIGTERM; `ready` is called once requests are answered.

    Raises:
        ConfigurationError: the database is unreachable, or a key is invalid.
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


def application_runner(app: web.Application, **options: Any) -> web.AppRunner:
    """What serves the application; the first API answers what is no HTTP request."""
    return ApiRunner(app, APIS[0], access_log=None, keepalive_timeout=KEEPALIVE, shutdown_timeout=SHUTDOWN, **options)


async def _end_streams(app: web.Application) -> None:
    """End event streams and websockets, whose clients reconnect to another process; they would delay shutdown."""
    app[STOPPING].set()
    app[SERVICES].subscriptions.notify_all()


def _keys(settings: Settings) -> KeyRing:
    try:
        if settings.jwt_secret is not None:
            return KeyRing.from_secret(settings.jwt_secret)
        if settings.jwt_public_key is not None:
            return KeyRing.from_public_key(settings.jwt_public_key)
    except ValueError as error:
        name = "LAUREL_JWT_PUBLIC_KEY" if settings.jwt_secret is None else "LAUREL_JWT_SECRET"
        raise ConfigurationError(f"{name}: {error}") from None
    if settings.jwks_url is None:
        raise ConfigurationError(
            "LAUREL_JWT_SECRET, LAUREL_JWT_PUBLIC_KEY or LAUREL_JWKS_URL: set one, to verify tokens"
        )
    return KeyRing.empty()
