"""Streams and sockets end within one poll of the moment when the credential that opened them stops being valid."""

import asyncio
import contextlib
import time

import pytest
from aiohttp import WSMsgType

from service.core.auth import api_keys
from service.core.auth.key_ring import KeyRing
from service.db.incarnation import rotate
from service.db.pool import open_pool
from service.errors import Unauthenticated
from service.server.app import make_application, make_services
from service.server.jobs import background
from service.settings import Settings
from service.telemetry import Observer
from tests.api.conftest import Server
from tests.factories import SECRET, authorization, counted, draft, metric, publish_draft
from tests.servers import PATIENCE

STREAM = "/users/u1/achievements/stream"


@pytest.fixture
async def pool(own_database):
    async with await open_pool(own_database, size=4) as opened:
        async with opened.transaction() as connection:
            await publish_draft(connection, draft(1, (counted(1, 1),), metrics=(metric(),)))
        yield opened


@pytest.fixture
async def services(pool):
    """The services with their background jobs, polling ten times a second."""
    made = await make_services(Settings(jwt_secret=SECRET, catalog_poll=0.1), pool, Observer(level="error"))
    async with background(made):
        yield made


@pytest.fixture
async def client(services, aiohttp_client):
    return await aiohttp_client(Server(make_application(services)))


@pytest.fixture
def listen(client):
    """Opens an event stream with a key."""

    async def listening(key):
        response = await client.get(STREAM, headers={"X-API-KEY": key})
        assert (response.status, await response.content.readline()) == (200, b"retry: 1000\n")
        return response

    return listening


@contextlib.asynccontextmanager
async def connected(client, **claims):
    headers = {"Authorization": authorization(**claims)}
    async with client.ws_connect("/connect", headers=headers, protocols=("rta.xboxlive.com.V2",)) as socket:
        yield socket


async def closing(socket):
    """The close frame that the service sends: its code and its reason."""
    async with asyncio.timeout(PATIENCE):
        message = await socket.receive()
    assert message.type is WSMsgType.CLOSE, message
    return message.data, message.extra


async def test_revoking_a_key_ends_its_stream_and_no_other(listen, pool):
    async with pool.connection() as connection:
        keys = [await api_keys.create_key(connection, title_id=1) for _ in range(2)]
    revoked, other = [await listen(key.key) for key in keys]

    async with pool.connection() as connection:
        await api_keys.revoke(connection, title_id=1, key_ids=[keys[0].key_id])

    async with asyncio.timeout(PATIENCE):
        assert await revoked.content.read() == b"\n"
    assert not other.content.at_eof()


async def test_expired_token_ends_its_socket(client):
    async with connected(client, now=int(time.time()) - 3599, lifetime_seconds=3600) as socket:
        assert await closing(socket) == (1008, "the credential is no longer valid")


async def test_removing_a_signing_key_ends_the_sockets_of_its_tokens(client, services):
    async with connected(client) as socket:
        await socket.send_json([2, 1, 1])
        await socket.receive()
        services.verifier.replace_keys(KeyRing.from_secret("another secret, long enough to be one"))

        assert await closing(socket) == (1008, "the credential is no longer valid")


async def test_stream_that_is_ending_is_not_ended_again(services):
    """Closing a slow client takes longer than a poll."""

    async def authenticate():
        raise Unauthenticated("revoked")

    async def end_twice(stream):
        async with stream.while_valid(authenticate):
            await services.open_streams.check()
            try:
                await asyncio.sleep(PATIENCE)
            finally:
                await services.open_streams.check()

    with services.open_streams.open(services.shares.of_address("203.0.113.9")) as stream:
        with pytest.raises(Unauthenticated, match="no longer valid"):
            await end_twice(stream)
        assert stream.units == 1


async def test_restored_database_ends_streams_and_sockets(listen, client, pool):
    async with pool.connection() as connection:
        key = await api_keys.create_key(connection, title_id=1)
    stream = await listen(key.key)
    async with connected(client) as socket:
        await socket.send_json([2, 1, 1])
        await socket.receive()
        async with pool.connection() as connection:
            await rotate(connection)

        assert await closing(socket) == (1013, "the data was restored: open the stream again")
    async with asyncio.timeout(PATIENCE):
        assert await stream.content.read() == b"\n"
