"""A database that goes back in time: running processes forget what they remember, and clients' copies end."""

import asyncio
import contextlib
import io
import urllib.parse

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.core.auth import api_keys
from service.core.unlocks.model import Change
from service.db.incarnation import Incarnation, rotate
from service.db.pool import open_pool
from service.server.app import make_application, make_services
from service.server.jobs import background
from service.settings import Settings
from service.telemetry import Observer
from tests.cli.conftest import invoke
from tests.factories import OTHER, PLAYER, SECRET, authorization, counted, draft, event, metric, publish_draft
from tests.servers import PATIENCE

SETTINGS = Settings(jwt_secret=SECRET, catalog_poll=0.1)
PLAYERS_TABLES = ("player", "progress", "event", "metric_day", "idempotency", "completion_delta", "completion")
LIST = f"/users/xuid({PLAYER})/achievements?titleId=1&maxItems=1"


class Service:
    """A running service, and what its clients do."""

    def __init__(self, services, client, key):
        self.services = services
        self._client = client
        self._key = key

    async def send_words(self, value):
        """Send an event; its total."""
        body = {"user": {"id": PLAYER}, "value": value}
        async with self._client.post("/metrics/words/event", json=body, headers={"X-API-KEY": self._key}) as response:
            assert response.status == 201, await response.text()
            return (await response.json())["total"]

    async def get_list(self, etag=None, token=None):
        """The first page of the player's list, or that of a token: status, ETag and JSON."""
        headers = {"Authorization": authorization(), "x-xbl-contract-version": "2"}
        headers |= {} if etag is None else {"If-None-Match": etag}
        path = LIST if token is None else f"{LIST}&continuationToken={token}"
        async with self._client.get(path, headers=headers) as response:
            document = await response.json() if response.status != 304 else None
            return response.status, response.headers.get("ETag"), document

    async def get_total(self):
        """How many achievements another player, who has nothing, can earn in the title of the token."""
        headers = {"Authorization": authorization(OTHER, title_id=1), "x-xbl-contract-version": "2"}
        async with self._client.get(f"/users/xuid({OTHER})/achievements", headers=headers) as response:
            return (await response.json())["pagingInfo"]["totalRecords"]

    async def sees(self, achievements):
        """Ask until the list has so many achievements."""
        async with asyncio.timeout(PATIENCE):
            total = 0
            while total != achievements:
                await asyncio.sleep(0.05)
                total = await self.get_total()

    async def forgets(self, incarnation_id):
        """Ask until the process works with another incarnation."""
        async with asyncio.timeout(PATIENCE):
            while self.services.incarnation.id == incarnation_id:
                await asyncio.sleep(0.05)
                await self.get_list()  # which may fail meanwhile


@pytest.fixture
async def publish(own_database):
    """Publishes title 1 with achievements up to a number, from outside of the service."""

    async def published(numbers):
        async with await open_pool(own_database, size=1) as pool, pool.transaction() as connection:
            earned = tuple(counted(number, 1000 * number) for number in range(1, numbers + 1))
            await publish_draft(connection, draft(1, earned, metrics=(metric(),)))

    return published


@pytest.fixture
async def key(own_database, publish):
    """A key of title 1, in which the player has 4 words."""
    await publish(2)
    async with await open_pool(own_database, size=1) as pool:
        services = await make_services(SETTINGS, pool, Observer(level="error", stream=io.StringIO()))
        await services.writer.write(Change(player=PLAYER, title_id=1, events=(event(4),)))
        async with pool.transaction() as connection:
            return (await api_keys.create_key(connection, title_id=1)).key


@pytest.fixture
async def serve(own_database, key):
    """Starts the service on the database of the test, with its background jobs or without."""
    async with contextlib.AsyncExitStack() as stack:

        async def served(*, with_jobs=True):
            pool = await stack.enter_async_context(await open_pool(own_database, size=4))
            services = await make_services(SETTINGS, pool, Observer(level="error", stream=io.StringIO()))
            if with_jobs:
                await stack.enter_async_context(background(services, url=own_database))
            client = await stack.enter_async_context(TestClient(TestServer(make_application(services))))
            return Service(services, client, key)

        yield served


class DatabaseCopy:
    """Restores the whole database: a copy made earlier takes the place of the present one under its name."""

    def __init__(self, server_url, url, create_copy):
        self._server_url, self._url, self._create_copy = server_url, url, create_copy

    async def save(self):
        """Copy the database, which nobody may be connected to."""
        self._copy = await self._create_copy(self._url)

    async def restore(self):
        """Swap the names of the copy and the present database."""
        present, copy = (urllib.parse.urlsplit(url).path[1:] for url in (self._url, self._copy))
        server = await asyncpg.connect(self._server_url)
        try:
            await server.execute(f"ALTER DATABASE {present} ALLOW_CONNECTIONS false")
            await server.execute(
                "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = $1", present
            )
            for old, new in ((present, "laurel_swapped"), (copy, present), ("laurel_swapped", copy)):
                await server.execute(f"ALTER DATABASE {old} RENAME TO {new}")
        finally:
            await server.close()


class RowsCopy:
    """Restores rows of players in place: nothing but the command can tell the service."""

    def __init__(self, url):
        self._url = url

    async def save(self):
        """Copy the rows."""
        await self._execute("CREATE TABLE saved_{0} AS TABLE {0}")

    async def restore(self):
        """Put the rows back, and say so by `laurel restored`."""
        await self._execute("TRUNCATE {0}", "INSERT INTO {0} SELECT * FROM saved_{0}")
        result = await asyncio.to_thread(invoke, "restored", LAUREL_DATABASE_URL=self._url)
        assert result.exit_code == 0, result.output

    async def _execute(self, *statements):
        connection = await asyncpg.connect(self._url)
        try:
            async with connection.transaction():
                for statement in statements:
                    for table in PLAYERS_TABLES:
                        await connection.execute(statement.format(table))
        finally:
            await connection.close()


@pytest.fixture(params=["another database", "rows and laurel restored"])
async def copy(request, postgres, own_database, new_database):
    """One of the ways to restore an older state."""
    async with contextlib.AsyncExitStack() as stack:

        async def create_copy(url):
            return await stack.enter_async_context(new_database(url))

        is_whole = request.param == "another database"
        yield DatabaseCopy(postgres, own_database, create_copy) if is_whole else RowsCopy(own_database)


async def test_nothing_from_before_a_restore_is_taken_for_true(copy, serve, publish):
    await copy.save()
    service = await serve()
    assert await service.send_words(18) == 22
    await publish(3)
    await service.sees(3)
    _, etag, page = await service.get_list()
    incarnation_id = service.services.incarnation.id

    await copy.restore()
    await service.forgets(incarnation_id)

    assert await service.send_words(1) == 5  # the player's revision is that of the ETag again
    status, new_etag, restored = await service.get_list(etag)
    assert (status, new_etag != etag) == (200, True)
    status, _, refused = await service.get_list(token=page["pagingInfo"]["continuationToken"])
    assert (status, "the data was restored since" in refused["description"]) == (400, True)
    assert await service.get_total() == restored["pagingInfo"]["totalRecords"]
    await publish(4)
    await service.sees(4)


async def test_state_that_was_read_before_a_restore_is_not_written_from(serve, own_database):
    """Between a restore and the next poll: another process has brought the player to the remembered revision."""
    service = await serve(with_jobs=False)
    await service.send_words(18)
    writer = service.services.writer
    (state,) = writer._states.values()
    connection = await asyncpg.connect(own_database)
    await connection.execute("""UPDATE progress SET standings = standings || '{"sum:words": "5"}'""")
    await rotate(connection)
    await connection.close()

    assert (state.revision, state.measure_values["sum:words"]) == (2, "22")
    assert await service.send_words(1) == 6


async def test_restart_at_another_place_begins_another_incarnation(own_database, new_database, key):
    async with new_database(own_database) as copied:
        found = []
        for url in (own_database, copied, copied, own_database):
            async with await open_pool(url, size=1) as pool:
                incarnation = Incarnation()
                found.append(await incarnation.check(pool))

    assert found[1] == found[2] != found[0] == found[3]
    assert key


@pytest.mark.parametrize("column", ["position", "publication_id"])
async def test_database_behind_what_was_seen_begins_another_incarnation(own_database, column):
    """As after a restore of the server's files, whose place is the same."""
    async with await open_pool(own_database, size=1) as pool:
        processes = [Incarnation(), Incarnation()]
        for incarnation in processes:
            incarnation.adopt(await incarnation.check(pool))
            assert await incarnation.check(pool) is None
            setattr(incarnation, f"_{column}", 2**62)

        found = [await incarnation.check(pool) for incarnation in processes]

    assert found[0] == found[1] not in (None, processes[0].id)
