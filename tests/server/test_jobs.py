"""Background jobs go on after a failure, whatever it is."""

import asyncio
import io
import ipaddress

import asyncpg
import msgspec
import pytest
from aiohttp import web

from service.core.events import outbox
from service.core.unlocks.model import Change
from service.db.pool import open_pool
from service.outbound.jwks import JwksRefresher
from service.server.app import make_services
from service.server.jobs import background
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import PLAYER, SECRET, counted, draft, event, metric, publish_draft
from tests.outbound.test_jwks import key_set
from tests.servers import PATIENCE

SETTINGS = Settings(jwt_secret=SECRET, outbound_networks=(ipaddress.ip_network("127.0.0.0/8"),))


class Log(io.StringIO):
    """Log lines; `line` waits for one that contains a text."""

    def __init__(self):
        super().__init__()
        self._lines = asyncio.Queue()

    def write(self, text):
        """Store the lines of one flush."""
        for line in text.splitlines():
            self._lines.put_nowait(line)
        return len(text)

    async def line(self, text):
        """The next line that contains this text."""
        async with asyncio.timeout(PATIENCE):
            while text not in (line := await self._lines.get()):
                pass
        return line


@pytest.fixture
def log():
    return Log()


@pytest.fixture
async def services(own_database, log):
    async with await open_pool(own_database, size=4) as pool:
        async with pool.transaction() as connection:
            await publish_draft(connection, draft(1, (counted(1, 1),), metrics=(metric(),)))
        yield await make_services(SETTINGS, pool, Observer(level="warning", stream=log))


@pytest.fixture
async def administrator(own_database):
    """A connection outside the pool."""
    connection = await asyncpg.connect(own_database)
    yield connection
    await connection.close()


async def test_webhooks_are_delivered_after_an_unexpected_error_of_the_database(
    services, administrator, log, aiohttp_server
):
    arrivals = asyncio.Queue()

    async def receive(request):
        arrivals.put_nowait(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", receive)
    server = await aiohttp_server(app)
    await outbox.add_webhook(administrator, title_id=1, url=str(server.make_url("/hook")))
    await services.writer.write(Change(player=PLAYER, title_id=1, events=(event(2),)))
    await administrator.execute("ALTER TABLE outbox RENAME TO outbox_missing")

    async with background(services):
        line = await log.line("webhooks failed")
        await administrator.execute("ALTER TABLE outbox_missing RENAME TO outbox")
        async with asyncio.timeout(PATIENCE):
            message = await arrivals.get()

    assert "UndefinedTableError" in line
    assert message["user"] == {"id": PLAYER}


async def test_key_set_is_refreshed_after_an_unexpected_error(services, log, aiohttp_server, monkeypatch):
    monkeypatch.setattr("service.concurrency.supervisor.FIRST_RETRY_SECONDS", 0.01)
    arrivals = asyncio.Queue()

    async def send_keys(_request):
        arrivals.put_nowait(None)
        return web.Response(body=key_set("first"))

    def broken_clock():
        raise OverflowError("no time")

    app = web.Application()
    app.router.add_get("/keys", send_keys)
    server = await aiohttp_server(app)
    refresher = JwksRefresher(services.verifier, str(server.make_url("/keys")), clock=broken_clock)

    async with background(msgspec.structs.replace(services, jwks=refresher)):
        line = await log.line("key_set failed")
        async with asyncio.timeout(PATIENCE):
            for _ in range(3):
                await arrivals.get()

    assert "OverflowError" in line


async def test_jobs_that_go_on_for_long_report_their_successes(services, own_database, administrator, aiohttp_server):
    async def send_keys(_request):
        return web.Response(body=key_set("first"))

    app = web.Application()
    app.router.add_get("/keys", send_keys)
    server = await aiohttp_server(app)
    refresher = JwksRefresher(services.verifier, str(server.make_url("/keys")))

    async with background(msgspec.structs.replace(services, jwks=refresher), url=own_database):
        statuses = services.jobs.statuses
        async with asyncio.timeout(PATIENCE):
            while not all(name in statuses and statuses[name].last_success for name in ("notifications", "key_set")):
                await administrator.fetchval("SELECT pg_sleep(0.01)")

    assert {status.failures for status in statuses.values()} == {0}
