"""Admission: refused at once when too many are in progress, given up at the deadline or when the client has gone."""

import asyncio
import contextlib
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import generate_latest

from service.core.auth.principal import OPERATOR
from service.errors import Overloaded
from service.http.api import Api, Route, mount
from service.http.body import read_body
from service.http.limits.admission import CATALOGS, PLAYERS, STREAMS, Admission, RequestClass
from service.http.problem import problem_response
from service.http.runner import ApiRunner
from service.http.services import SERVICES
from service.server.app import APIS

PATIENCE = 10.0
SMALL = RequestClass(name="small", deadline_seconds=60.0, wait_seconds=0.2, least=2, most=2)
HASTY = RequestClass(name="hasty", deadline_seconds=0.2, wait_seconds=0.2, least=8, most=8)


class Held:
    """Handlers that wait until they are released, and what became of them."""

    def __init__(self):
        self.release = asyncio.Event()
        self.changed = asyncio.Condition()
        self.began = self.ended = self.cancelled = self.authenticated = 0

    async def handle(self, _request):
        """Wait, and answer."""
        await self._count("began")
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            await self._count("cancelled")
            raise
        await self._count("ended")
        return web.Response(text="done")

    async def upload(self, request):
        """Read the body, and answer with its length."""
        await self._count("began")
        return web.Response(text=str(len(await read_body(request, limit=100))))

    async def _count(self, name):
        setattr(self, name, getattr(self, name) + 1)
        async with self.changed:
            self.changed.notify_all()

    async def until(self, **counts):
        """Wait until the counts are these."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: all(getattr(self, name) == count for name, count in counts.items()))

    async def authenticate(self, _request):
        """Authenticate anybody."""
        self.authenticated += 1
        return OPERATOR


class Server(TestServer):
    """A server of our own runner."""

    async def _make_runner(self, **options):
        options["handler_cancellation"] = False  # as in `laurel serve`
        return ApiRunner(self.app, APIS, **options)


@pytest.fixture
def held():
    return Held()


@pytest.fixture
async def serve(held, services):
    """A function that serves the handlers at /held and /upload, with requests of a class."""
    async with contextlib.AsyncExitStack() as stack:

        async def serving(request_class):
            app = web.Application()
            app[SERVICES] = services
            routes = (
                Route("GET", "/held", "held", held.handle),
                Route("POST", "/held", "change", held.handle),
                Route("POST", "/upload", "upload", held.upload),
                Route("GET", "/stream", "stream", held.handle, STREAMS),
            )

            def error_response(_request, error):
                return problem_response(error, challenge="Bearer")

            api = Api("test", ("/",), routes, held.authenticate, error_response, {}, request_class=request_class)
            mount(app, [api])
            return await stack.enter_async_context(TestClient(Server(app)))

        yield serving
        held.release.set()


def metric(services, name):
    """The value of a line of `/metrics`."""
    registry = services.observer.registry
    with contextlib.suppress(ValueError):  # of an earlier call
        registry.register(services.admission)
    lines = generate_latest(registry).decode().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(name))


async def test_request_beyond_the_limit_is_refused_before_any_work(serve, held, services):
    client = await serve(SMALL)
    admitted = [asyncio.create_task(client.get("/held")) for _ in range(2)]
    await held.until(began=2)

    refused = await client.get("/held")

    assert (refused.status, (await refused.json())["code"]) == (503, "overloaded")
    assert 1 <= int(refused.headers["Retry-After"]) <= 3
    assert (held.began, held.authenticated) == (2, 2)
    assert metric(services, 'laurel_shed_total{reason="overload"}') == 1
    assert metric(services, 'laurel_requests_in_progress{kind="read",request_class="small"}') == 2
    held.release.set()
    assert [(await each).status for each in admitted] == [200, 200]
    assert (await client.get("/held")).status == 200


async def test_reads_and_writes_and_streams_have_limits_of_their_own(serve, held):
    client = await serve(SMALL)
    requests = [asyncio.create_task(client.get("/stream")) for _ in range(5)]
    requests += [asyncio.create_task(client.get("/held")) for _ in range(2)]
    requests += [asyncio.create_task(client.post("/held")) for _ in range(2)]
    await held.until(began=9)

    assert [(await client.get("/held")).status, (await client.post("/held")).status] == [503, 503]
    held.release.set()
    assert {(await each).status for each in requests} == {200}


async def test_request_is_given_up_at_its_deadline(serve, held, services):
    client = await serve(HASTY)
    started = time.perf_counter()
    read, write, stream = (
        asyncio.create_task(client.request(method, path))
        for method, path in (("GET", "/held"), ("POST", "/held"), ("GET", "/stream"))
    )

    async with asyncio.timeout(PATIENCE):
        assert ((await read).status, (await (await read).json())["detail"]) == (
            503,
            "the request took longer than 0.2 s",
        )
        assert (await (await write).json())["detail"].endswith("what it asks for may have been done")
    assert time.perf_counter() - started >= HASTY.deadline_seconds
    await held.until(cancelled=2)
    assert metric(services, 'laurel_shed_total{reason="deadline"}') == 2
    assert not stream.done()
    held.release.set()
    assert (await stream).status == 200


async def test_time_in_which_a_body_arrives_counts_neither_as_work_nor_against_the_deadline(serve, held):
    client = await serve(HASTY)

    async def body():
        yield b"begun"
        await asyncio.sleep(3 * HASTY.deadline_seconds)
        yield b", ended"

    uploads = [asyncio.create_task(client.post("/upload", data=body())) for _ in range(HASTY.most + 2)]
    await held.until(began=len(uploads))

    assert sorted([(await each).status for each in uploads]) == [200] * len(uploads)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_read_whose_client_has_gone_is_given_up_and_a_change_is_finished(serve, held, services, method):
    client = await serve(SMALL)
    _, writer = await asyncio.open_connection(client.server.host, client.server.port)
    writer.write(f"{method} /held HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
    await held.until(began=1)
    writer.close()

    if method == "GET":
        await held.until(cancelled=1)
        assert metric(services, 'laurel_shed_total{reason="client_gone"}') == 1
    else:
        await writer.wait_closed()
        assert (await client.get("/nowhere")).status == 404  # so the server has had its turn
        held.release.set()
        await held.until(ended=1, cancelled=0)


def progress(flow, clock, *, arriving, answered, seconds=0.1, players_wait=False):
    """One interval of a flow: requests arrive and the oldest are answered, both evenly. Returns how many were refused."""
    refused = ended = 0
    for number in range(arriving):
        try:
            flow.enter(object(), clock.now + seconds * number / arriving)
        except Overloaded:
            refused += 1
        while flow.started and ended < answered * (number + 1) / arriving:
            flow.leave(next(iter(flow.started)))
            ended += 1
    clock.now += seconds
    flow.adapt(clock.now, seconds, do_players_wait=players_wait)
    return refused


class Clock:
    """A time of its own."""

    now = 0.0


@pytest.fixture
def flow():
    """The reads of players, of a gate that checks nothing by itself."""
    gate = Admission()
    gate.is_checking = True
    return gate.flow(PLAYERS, is_safe=True)


@pytest.mark.parametrize("capacity", [1_000, 3_000])
def test_three_times_the_capacity_leaves_no_more_in_progress_than_is_answered_soon(flow, capacity):
    """Within half a second; and once less arrives than can be answered, nothing is refused."""
    clock = Clock()
    for _ in range(5):
        progress(flow, clock, arriving=3 * capacity // 10, answered=capacity // 10)
    refused = 0
    for _ in range(50):
        refused += progress(flow, clock, arriving=3 * capacity // 10, answered=capacity // 10)
        assert len(flow.started) <= max(PLAYERS.least, 1.2 * capacity * PLAYERS.wait_seconds)
    assert refused <= 5 * (3 - 0.95) * capacity

    for _ in range(10):
        progress(flow, clock, arriving=capacity // 20, answered=capacity // 10)
    assert progress(flow, clock, arriving=capacity // 20, answered=capacity // 10) == 0


def test_a_few_slow_requests_refuse_nobody(flow):
    """A hundred requests wait for a lock; thousands of others are answered meanwhile."""
    clock = Clock()
    for _ in range(PLAYERS.least - 30):
        flow.enter(object(), clock.now)
    for _ in range(20):
        for _ in range(200):
            task = object()
            flow.enter(task, clock.now)
            flow.leave(task)
        clock.now += 0.1
        flow.adapt(clock.now, 0.1, do_players_wait=False)
        assert flow.limit == PLAYERS.most


def test_a_steep_rise_that_can_be_answered_is_admitted(flow):
    clock = Clock()
    for _ in range(20):
        progress(flow, clock, arriving=1, answered=1)

    for _ in range(20):
        assert progress(flow, clock, arriving=500, answered=500) == 0


def test_catalogs_are_refused_while_players_wait(flow):
    gate = flow._admission
    catalogs = gate.flow(CATALOGS, is_safe=False)
    clock = Clock()

    assert progress(catalogs, clock, arriving=1, answered=1, players_wait=True) == 0
    assert progress(catalogs, clock, arriving=1, answered=0, players_wait=False) == 1
    assert progress(catalogs, clock, arriving=1, answered=1) == 0
