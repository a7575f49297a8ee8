"""A request or job that holds the event loop is named in the log and on `/metrics`."""

import asyncio
import io
import json
import time

import pytest
from aiohttp import web
from prometheus_client import generate_latest

from service.concurrency.supervisor import Supervisor
from service.core.auth.principal import OPERATOR
from service.http.api import Api, Route, mount
from service.http.problem import problem_response
from service.http.services import SERVICES
from service.server.app import make_services
from service.server.loop_watch import HELD_SECONDS, LoopWatch
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import SECRET

HOLD_SECONDS = 0.25


def hold():
    """Compute for some time, as a long step does."""
    until = time.perf_counter() + HOLD_SECONDS
    while time.perf_counter() < until:
        sum(range(1000))


async def hold_as_request(_request):
    hold()
    return web.Response()


async def hold_as_job():
    hold()


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
async def observer(stream):
    """Log lines, to the stream, and metrics of a watched loop."""
    observer = Observer(stream=stream)
    watch = LoopWatch(observer)
    observer.registry.register(watch)
    with watch.watching():
        yield observer


async def line_of(step, observer, stream):
    """The line about a long step, once it is written; there may be others, of the garbage collector."""
    while True:
        observer.flush()
        for line in map(json.loads, stream.getvalue().splitlines()):
            if line.get("step") == step:
                return line
        await asyncio.sleep(0.01)


async def test_request_that_holds_the_loop_is_named(observer, stream, pool, aiohttp_client):
    async def authenticate(_request):
        return OPERATOR

    def error_response(_request, error):
        return problem_response(error, challenge="Bearer")

    app = web.Application()
    app[SERVICES] = await make_services(Settings(jwt_secret=SECRET), pool, observer)
    route = Route("GET", "/hold", "held-route", hold_as_request)
    mount(app, [Api("test", ("/",), (route,), authenticate, error_response, {})])
    await (await aiohttp_client(app)).get("/hold?token=secret")

    line = await line_of("test held-route", observer, stream)
    assert line["level"] == "warning"
    assert line["duration_ms"] > HOLD_SECONDS * 500
    metrics = generate_latest(observer.registry).decode()
    assert 'laurel_slow_steps_total{step="test held-route"} 1.0' in metrics
    lag = next(line for line in metrics.splitlines() if line.startswith("laurel_event_loop_lag_seconds"))
    assert float(lag.split()[1]) > HELD_SECONDS


async def test_job_that_holds_the_loop_is_named(observer, stream):
    job = asyncio.create_task(Supervisor(observer).run("holding", hold_as_job, seconds=60, at_once=True))
    line = await line_of("holding", observer, stream)
    job.cancel()

    assert line["text"].startswith("holding held the event loop for ")
