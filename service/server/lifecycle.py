"""The life of one server process: start the application with its jobs and ops port, serve, and stop in order.

The ops port answers from the first moment to the last. Requests are accepted once they can be answered: while the
database or the issuer's keys are out of reach, the start is tried again. The end is a drain, so that behind a balancer
that asks `/readyz` no request fails: say so and close each connection after its response, go on accepting, stop
listening, finish what is under way.
"""

import asyncio
import contextlib
import gc
import itertools
import logging
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Collection
from typing import Any

from aiohttp import web

from service.concurrency.threads import SWITCH_SECONDS
from service.db.embedded import taking_over
from service.db.pool import Pool, open_pool
from service.errors import ConfigurationError, Unavailable
from service.http.runner import ApiRunner
from service.http.services import Services
from service.server import ops
from service.server.app import APIS, make_application, make_services, make_verifier
from service.server.jobs import background
from service.server.loop_watch import LoopWatch
from service.server.readiness import Readiness
from service.settings import Settings
from service.telemetry import LoggingBridge, Observer

KEEPALIVE_SECONDS = 75.0  # longer than a load balancer's, so that the load balancer closes first
BACKLOG = 1024  # connections that wait to be accepted: one beyond them is tried again by its client only a second later
LINGER_SECONDS = 0.5  # for requests on connections that were accepted last
SHUTDOWN_SECONDS = 10.0  # for requests in progress
OPS_SHUTDOWN_SECONDS = 1.0
RETRY_SECONDS = (0.1, 0.2, 0.4, 0.8)  # between attempts to start, each ± 25 %; the last one repeats


async def serve(
    settings: Settings,
    *,
    url: str,
    listen: socket.socket,
    ops_listen: socket.socket,
    ready: Callable[[], None],
    stop_signals: Collection[signal.Signals] = (signal.SIGTERM, signal.SIGINT),
    has_parent: bool = False,
) -> None:
    """Serve on the sockets until one of the signals; `ready` is called once requests are answered.

    SIGTERM drains; the others only finish requests in progress. A second signal ends the process at once, unless it
    has a parent that sees to that: systemd sends SIGTERM to every process, and the parent then does again.
    """
    make_verifier(settings)  # a key that is invalid stays so: the start is not tried again
    stop = _stop_on(stop_signals, drain_seconds=settings.drain, has_parent=has_parent)
    observer, readiness = Observer(level=settings.log_level), Readiness()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(observer.flush)
        bridge = LoggingBridge(observer)
        logging.getLogger().addHandler(bridge)
        stack.callback(logging.getLogger().removeHandler, bridge)
        watch = LoopWatch(observer)
        observer.registry.register(watch)
        stack.enter_context(watch.watching())
        await _serve_ops(stack, readiness, observer, ops_listen)
        if settings.database_url is None:
            await stack.enter_async_context(taking_over(settings.data, url))
        starting = asyncio.create_task(_start(stack, settings, url, observer, readiness))
        await asyncio.wait((starting, stop), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait((starting,))
            return
        runner = application_runner(make_application(await starting))
        _tune_interpreter()
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.SockSite(runner, listen, backlog=BACKLOG)
        await site.start()
        readiness.serving()
        ready()
        drain_seconds = await stop
        readiness.draining()
        runner.close_after_responses()
        await asyncio.sleep(drain_seconds)
        await site.stop()
        await asyncio.sleep(min(LINGER_SECONDS, drain_seconds))


def application_runner(app: web.Application, **options: Any) -> ApiRunner:
    """The runner that serves the application; the first API answers what cannot be read as an HTTP request."""
    return ApiRunner(
        app, APIS, access_log=None, keepalive_timeout=KEEPALIVE_SECONDS, shutdown_timeout=SHUTDOWN_SECONDS, **options
    )


def _stop_on(signals: Collection[signal.Signals], *, drain_seconds: float, has_parent: bool) -> "asyncio.Future[float]":
    """A future that the first of the signals resolves, with the seconds to go on accepting connections."""
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[float] = loop.create_future()

    def on_signal(number: signal.Signals) -> None:
        if not stop.done():
            stop.set_result(drain_seconds if number is signal.SIGTERM else 0.0)
        elif not has_parent:
            os._exit(128 + number)  # as a shell reports a process that the signal ended

    for number in signals:
        loop.add_signal_handler(number, on_signal, number)
    return stop


async def _serve_ops(
    stack: contextlib.AsyncExitStack, readiness: Readiness, observer: Observer, ops_listen: socket.socket
) -> None:
    app = ops.operations(readiness, observer.registry)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=OPS_SHUTDOWN_SECONDS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, ops_listen).start()


async def _open_pool(settings: Settings, url: str) -> Pool:
    if settings.pooler_url is None:
        return await open_pool(url, size=settings.pool_size)
    return await open_pool(settings.pooler_url, size=settings.pool_size, is_pooler=True)


async def _start(
    stack: contextlib.AsyncExitStack, settings: Settings, url: str, observer: Observer, readiness: Readiness
) -> Services:
    """Load titles and keys and start the jobs, as soon as the database and the issuer answer."""
    for attempt in itertools.count():
        async with contextlib.AsyncExitStack() as started:
            try:
                pool = await started.enter_async_context(await _open_pool(settings, url))
                services = await make_services(settings, pool, observer)
                await started.enter_async_context(background(services, url=url))
            except (ConfigurationError, Unavailable) as error:
                observer.log("warning", "the database cannot be reached, trying again", error=str(error))
            else:
                ops.register_metrics(services)
                readiness.loaded(services)
                if services.jwks is not None:
                    await services.jwks.first_keys()
                stack.push_async_exit(started.pop_all())
                return services
        pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
        await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311  (jitter, no secret)
    raise AssertionError


def _tune_interpreter() -> None:
    """Spare requests the search through modules and titles, which live on, and waiting for threads.

    Requests leave hardly any cycles, so young objects are searched rarely. All others are searched once those that were
    added since the last time are a quarter, which bounds the garbage among them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 10)
    sys.setswitchinterval(SWITCH_SECONDS)
