"""The life of one server process: start the application with its jobs and ops port, serve, and stop in order."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable
from typing import Any

from aiohttp import web

from service.db.pool import open_pool
from service.http.runner import ApiRunner
from service.server import ops
from service.server.app import APIS, make_application, make_services
from service.server.jobs import background
from service.settings import Settings
from service.telemetry import LoggingBridge, Observer

KEEPALIVE_SECONDS = 75.0  # longer than a load balancer's, so that the load balancer closes first
SHUTDOWN_SECONDS = 5.0  # for requests in progress


async def make_runner(settings: Settings, *, url: str, ops_listen: socket.socket | None) -> web.AppRunner:
    """The runner of the whole service; its cleanup stops everything that was started.

    Raises:
        ConfigurationError: the database is unreachable, or a key is invalid.
    """
    observer = Observer(level=settings.log_level)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(observer.flush)
        bridge = LoggingBridge(observer)
        logging.getLogger().addHandler(bridge)
        stack.callback(logging.getLogger().removeHandler, bridge)
        pool = await stack.enter_async_context(await open_pool(url, size=settings.pool_size))
        services = await make_services(settings, pool, observer)
        await stack.enter_async_context(background(services, url=url))
        if ops_listen is not None:
            operations = web.AppRunner(ops.operations(services), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
            await operations.setup()
            stack.push_async_callback(operations.cleanup)
            await web.SockSite(operations, ops_listen).start()
        app = make_application(services)
        gc.collect()
        # Modules and titles live on, and requests leave no cycles: searching them would cost every request time.
        gc.freeze()
        gc.set_threshold(20_000, 20, 100)
        stop_all = stack.pop_all()

        async def stop(_app: web.Application) -> None:
            await stop_all.aclose()

        app.on_cleanup.append(stop)
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
    """The runner that serves the application; the first API answers what cannot be read as an HTTP request."""
    return ApiRunner(
        app, APIS[0], access_log=None, keepalive_timeout=KEEPALIVE_SECONDS, shutdown_timeout=SHUTDOWN_SECONDS, **options
    )
