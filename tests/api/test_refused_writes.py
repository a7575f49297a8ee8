"""Writes that the database refuses: final at once and with the true reason, for nobody else, and over as soon as it is."""

import asyncio
import io
import time

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.core.auth import api_keys
from service.db.limits import READ, StatementLimits
from service.db.pool import open_pool
from service.http.services import SERVICES
from service.server.app import make_application, make_services
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import SECRET, bearer, counted, draft, metric, publish_draft

SOON = 2.0  # seconds: far less than the 5 of the deadline that a refusal used to take
PATIENCE = 20.0

RAISE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse();
"""
PO = b"""
msgid ""
msgstr "Language: fr_FR\\n"

msgctxt "achievement/1/name"
msgid "Name 1"
msgstr "Nom"
"""
CONNECTIONS = """
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity AS a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
"""


class Service:
    """The application on a database of its own, a client with a key of title 1, and an administrator."""

    def __init__(self, client, key, administrator):
        self.client, self.key, self.administrator = client, key, administrator

    async def send(self, player="a", key="", **headers):
        """Send an event; the status, the message and how many seconds it took."""
        headers = {"X-API-KEY": self.key, **({"Idempotency-Key": key} if key else {})}
        body = {"user": {"id": player}, "value": 1}
        started = time.perf_counter()
        async with self.client.post("/metrics/words/event", json=body, headers=headers) as response:
            answer = await response.json()
            return response.status, answer.get("error"), time.perf_counter() - started

    async def read(self, player="a"):
        """The status of a read of the player's achievements."""
        async with self.client.get(f"/users/{player}/achievements", headers={"X-API-KEY": self.key}) as response:
            return response.status

    async def set_read_only(self, is_read_only):
        """As after a failover: sessions that begin from now on are of a server that is read-only, or is not."""
        name = await self.administrator.fetchval("SELECT current_database()")
        await self.administrator.execute(
            f"ALTER DATABASE {name} SET default_transaction_read_only = {'on' if is_read_only else 'off'}"
        )
        await self.administrator.execute(CONNECTIONS)

    async def until_written(self):
        """Send an event until it is written."""
        async with asyncio.timeout(PATIENCE):
            while (await self.send())[0] != 201:
                pass

    async def until_waiting(self, count):
        """Wait until this many statements wait for a lock."""
        sql = """
        SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
        """
        async with asyncio.timeout(PATIENCE):
            while await self.administrator.fetchval(sql) != count:
                await self.administrator.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)")

    def cut_connections(self):
        """Close the connections of players on the side of the service alone, as a broken network does."""
        pool = self.client.app[SERVICES].pool
        for holder in pool._short.pool._holders:
            if holder._con is not None:
                holder._con._transport.abort()

    async def total(self):
        """How many events are stored."""
        return await self.administrator.fetchval("SELECT count(*) FROM event")


@pytest.fixture
async def service(own_database, request):
    """The service; a test may give other limits of short statements."""
    administrator = await asyncpg.connect(own_database)
    async with await open_pool(own_database, size=4, limits=getattr(request, "param", READ)) as pool:
        async with pool.transaction() as connection:
            await publish_draft(connection, draft(1, (counted(1, 3),), metrics=(metric(),)))
            key = (await api_keys.create_key(connection, title_id=1)).key
        services = await make_services(Settings(jwt_secret=SECRET), pool, Observer(level="error", stream=io.StringIO()))
        async with TestClient(TestServer(make_application(services))) as client:
            yield Service(client, key, administrator)
    await administrator.close()


async def test_writes_to_a_read_only_database_are_refused_at_once_and_reads_go_on(service):
    assert (await service.send())[0] == 201
    await service.set_read_only(True)

    answers = await asyncio.gather(*(service.send(f"player {number}") for number in range(50)))
    assert {(status, message) for status, message, _ in answers} == {
        (503, "the database is read-only at the moment; nothing can be written")
    }
    assert max(seconds for *_, seconds in answers) < SOON
    assert await service.read() == 200

    await service.set_read_only(False)
    await service.until_written()
    assert await service.total() == 2


async def test_writes_to_a_full_disk_are_refused_at_once_and_probed_one_at_a_time(service):
    await service.send()  # so that the key is known
    await service.administrator.execute(RAISE.format(code="53100"))

    refusals = [await service.send(f"player {number}") for number in range(20)]
    assert {(status, message) for status, message, _ in refusals} == {
        (503, "the disk of the database is full; nothing can be written")
    }
    assert sum(seconds for *_, seconds in refusals) < SOON
    assert await service.read() == 200

    await service.administrator.execute("DROP TRIGGER refuse ON event")
    await service.until_written()


async def test_a_locked_player_times_out_and_the_others_of_the_batch_are_written(service):
    players = [f"player {number}" for number in range(100)]
    assert {(await service.send(player))[0] for player in ("player 3", "player 7")} == {201}
    async with service.administrator.transaction():
        await service.administrator.execute("UPDATE player SET revision = revision WHERE player = 'player 7'")
        answers = dict(zip(players, await asyncio.gather(*(service.send(player) for player in players)), strict=True))
        locked = answers.pop("player 7")
        assert locked[:2] == (504, "the database took too long: another transaction holds a lock that this one needs")
        assert {status for status, *_ in answers.values()} == {201}

        # From now on the player waits alone, and delays nobody.
        again = asyncio.create_task(service.send("player 7"))
        await asyncio.sleep(0)
        others = await asyncio.gather(*(service.send(player) for player in players[10:40]))
        assert {status for status, *_ in others} == {201}
        assert not again.done()
        assert (await again)[0] == 504

    async with asyncio.timeout(PATIENCE):
        while (await service.send("player 7"))[0] != 201:
            pass


@pytest.mark.parametrize("service", [StatementLimits(statement=20.0, lock=20.0)], indirect=True)
async def test_an_event_whose_answer_was_lost_is_written_once(service):
    """The connection breaks while its statement waits for a lock; the statement is committed during the next attempt."""
    await service.send("a")
    async with service.administrator.transaction():
        await service.administrator.execute("UPDATE player SET revision = revision WHERE player = 'a'")
        sent = asyncio.create_task(service.send("a"))
        await service.until_waiting(1)
        service.cut_connections()
        await service.until_waiting(2)

    assert (await sent)[0] == 201
    assert await service.total() == 2


async def test_import_has_more_time_than_a_statement_of_a_player(service):
    """Texts that take longer to write than a player's statement may are applied, and a player's event is still refused."""
    await service.administrator.execute(
        "CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(1.2); RETURN NULL; END $$;"
        "CREATE TRIGGER slow AFTER INSERT ON text_revision FOR EACH STATEMENT EXECUTE FUNCTION be_slow();"
        "CREATE TRIGGER slow AFTER INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION be_slow();"
    )
    url, headers = "/catalogs/1/imports", {"Authorization": bearer()}
    async with service.client.post(url, data=PO, headers=headers) as response:
        where, seen = response.headers["Location"], response.headers["ETag"]
    async with service.client.post(f"{where}/apply", headers=headers | {"If-Match": seen}) as response:
        assert response.status == 200, await response.text()

    assert (await service.send())[:2] == (504, "the database took too long: a statement was stopped")
