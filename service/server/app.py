"""The application: creates the services that handlers use and mounts all APIs."""

import asyncio

from aiohttp import web

from service.api import graphql, localization, open_badges, trophy, workbench, xbox
from service.concurrency.processes import Processes
from service.concurrency.supervisor import Supervisor
from service.core.auth.api_keys import ApiKeys
from service.core.auth.key_ring import KeyRing
from service.core.auth.oauth_clients import OAuthClients
from service.core.auth.sessions import Sessions
from service.core.auth.tokens import Verifier
from service.core.auth.user_contexts import UserContexts
from service.core.events.subscriptions import Subscriptions
from service.core.events.writer import Writer
from service.core.localization.fallbacks import Fallbacks
from service.core.progress.continuation import ContinuationTokens
from service.core.progress.holder_counts import HolderCounts
from service.core.progress.rarity import Rarities
from service.core.progress.reader import ProgressReader
from service.core.publishing.snapshot import SnapshotStore
from service.db.incarnation import Incarnation
from service.db.pool import Pool
from service.db.service_keys import service_key
from service.errors import ConfigurationError
from service.http.api import Api, mount
from service.http.limits.shares import Shares
from service.http.services import SERVICES, STOPPING, Services
from service.outbound.jwks import JwksRefresher
from service.outbound.key_set_file import KeySetFile
from service.security_log import SecurityLog
from service.server import openapi
from service.settings import Settings
from service.telemetry import Observer

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


async def make_services(settings: Settings, pool: Pool, observer: Observer) -> Services:
    """Create the services that handlers use, with published titles loaded.

    Raises:
        ConfigurationError: there is no key that verifies tokens, it is invalid, or the security log cannot be written.
        Unavailable: the database is unreachable.
    """
    incarnation = Incarnation()
    incarnation.adopt(await incarnation.check(pool) or 0)
    verifier, key_set = make_verifier(settings)
    snapshots = SnapshotStore(pool, pseudo_locales=settings.pseudo_locales == "on")
    rarities = Rarities(pool)
    await snapshots.refresh()
    await rarities.refresh()
    progress = ProgressReader(pool)
    api_keys = ApiKeys(pool)
    subscriptions = Subscriptions(pool)
    writer = Writer(pool, snapshots, on_change=subscriptions.notify)
    return Services(
        settings=settings,
        pool=pool,
        incarnation=incarnation,
        verifier=verifier,
        jwks=key_set,
        api_keys=api_keys,
        oauth_clients=OAuthClients(
            api_keys, key=await service_key(pool, "oauth"), issuer=settings.issuer, audience=settings.audience
        ),
        user_contexts=UserContexts(pool),
        snapshots=snapshots,
        progress=progress,
        writer=writer,
        subscriptions=subscriptions,
        holder_counts=HolderCounts(pool),
        rarities=rarities,
        fallbacks=Fallbacks(pool),
        processes=Processes(settings.child_processes),
        continuation_tokens=ContinuationTokens(await service_key(pool, "continuation"), incarnation),
        cursor_key=await service_key(pool, "cursor"),
        sessions=Sessions(pool, await service_key(pool, "session"), incarnation, idle_seconds=settings.session_idle),
        observer=observer,
        security_log=_security_log(settings, observer),
        shares=Shares(settings),
        jobs=Supervisor(observer),
    )


def make_verifier(settings: Settings) -> tuple[Verifier, JwksRefresher | None]:
    """What verifies tokens, and what refreshes its keys if they come from a key set.

    Raises:
        ConfigurationError: there is no key that verifies tokens, or it is invalid.
    """
    verifier = Verifier(_keys(settings), issuer=settings.issuer, audience=settings.audience)
    url = settings.jwks_url
    return verifier, None if url is None else JwksRefresher(verifier, url, file=KeySetFile(settings.data, url))


def make_application(services: Services) -> web.Application:
    """The application with all APIs, without background jobs."""
    app = web.Application()
    app[SERVICES] = services
    app[STOPPING] = asyncio.Event()
    app.on_startup.append(_compile_pages)
    app.on_shutdown.append(_end_streams)
    app.on_cleanup.append(_end_processes)
    apis = APIS if services.settings.has_open_badges else tuple(api for api in APIS if api is not open_badges.API)
    mount(app, (*apis, openapi.openapi_api(apis)))
    return app


async def _compile_pages(_app: web.Application) -> None:
    """Compile the templates of pages before the first request: it takes some hundred milliseconds."""
    await asyncio.to_thread(workbench.templates)


async def _end_streams(app: web.Application) -> None:
    """End event streams and websockets, whose clients reconnect to another process; they would delay shutdown."""
    app[STOPPING].set()
    app[SERVICES].subscriptions.notify_all()


async def _end_processes(app: web.Application) -> None:
    """End child processes once no request needs them."""
    await app[SERVICES].processes.close()


def _security_log(settings: Settings, observer: Observer) -> SecurityLog:
    try:
        return SecurityLog(settings.security_log, stream=observer.stream)
    except OSError as error:
        raise ConfigurationError(f"LAUREL_SECURITY_LOG: cannot be written: {error.strerror}") from None


def _keys(settings: Settings) -> KeyRing:
    try:
        if settings.jwt_secret is not None:
            previous = settings.jwt_secret_previous
            return KeyRing.from_secret(settings.jwt_secret, *(() if previous is None else (previous,)))
        if settings.jwt_public_key is not None:
            previous = settings.jwt_public_key_previous
            return KeyRing.from_public_key(settings.jwt_public_key, *(() if previous is None else (previous,)))
    except ValueError as error:
        name = "LAUREL_JWT_PUBLIC_KEY" if settings.jwt_secret is None else "LAUREL_JWT_SECRET"
        raise ConfigurationError(f"{name}: {error}") from None
    if settings.jwks_url is None:
        raise ConfigurationError(
            "LAUREL_JWT_SECRET, LAUREL_JWT_PUBLIC_KEY or LAUREL_JWKS_URL: set one, to verify tokens"
        )
    return KeyRing.empty()
