"""The stream of a user's unlocks: at once, in order, resumed without gaps or duplicates."""

import asyncio
import io
import json
import re

import aiohttp
import pytest
from aiohttp import web

from service.core.auth import api_keys
from service.core.unlocks.model import Change
from service.db.pool import open_pool
from service.server.app import make_application, make_services
from service.server.lifecycle import application_runner
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import SECRET, counted, draft, event, metric, publish_draft

STREAM = "/users/u1/achievements/stream"
SECONDS = 5


async def read_events(response, count):
    """The next unlocks of a stream: (id of the event, id of the achievement)."""
    found, lines = [], {}
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            line = (await response.content.readline()).decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if line:
                lines[name] = value
            elif "data" in lines:
                assert lines["event"] == "achievement.completed"
                found.append((lines["id"], json.loads(lines["data"])["achievement"]["id"]))
                lines = {}
    return found


@pytest.fixture
async def listen(client, title, key_of):
    """Opens a stream of u1 and returns the response."""
    headers = {"X-API-KEY": await key_of(title_id=title)}
    opened = []

    async def listening(last=None, **more):
        response = await client.get(STREAM, headers=headers | ({"Last-Event-ID": last} if last else {}) | more)
        opened.append(response)
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert await response.content.readline() == b"retry: 1000\n"
        return response

    yield listening
    for response in opened:
        response.close()


def send(trophy, value):
    return trophy("POST", "/metrics/words/event", {"user": {"id": "u1"}, "value": value}, status=201)


async def test_stream_sends_new_unlocks_at_once_and_no_earlier_ones(trophy, listen):
    await send(trophy, 10)
    stream = await listen()
    await send(trophy, 90)

    assert [achievement for _, achievement in await read_events(stream, 1)] == ["2"]


async def test_resuming_sends_exactly_the_missed_unlocks(trophy, listen):
    await trophy("POST", "/users", {"id": "u1", "attributes": {"plan": "pro"}}, status=201)
    stream = await listen()
    await send(trophy, 10)
    first = await read_events(stream, 2)
    stream.close()
    await send(trophy, 90)
    await trophy("POST", "/achievements/onboarded/complete", {"user": {"id": "u1"}}, status=201)

    missed = await read_events(await listen(first[0][0]), 4)
    assert [achievement for _, achievement in first] == ["1", "7"]
    assert [achievement for _, achievement in missed] == ["7", "2", "4", "6"]
    assert missed[0] == first[1]
    assert await read_events(await listen("0.0"), 1) == first[:1]


async def test_id_from_before_a_restore_resumes_from_the_first_unlock(trophy, listen, services):
    stream = await listen()
    await send(trophy, 100)
    first = await read_events(stream, 2)

    last, _, tag = first[1][0].rpartition(".")
    assert tag == services.incarnation.tag
    again = await read_events(await listen(f"{last}.ffffffff"), 2)
    assert again == first


async def test_unlock_of_a_release_that_this_process_has_not_loaded_is_sent(listen, title, services):
    stream = await listen()
    other = await make_services(services.settings, services.pool, services.observer)
    async with services.pool.transaction() as connection:
        await publish_draft(connection, draft(title, (counted(8, 3),), metrics=(metric(),)))
    await other.snapshots.refresh()

    await other.writer.write(Change(player="u1", title_id=title, events=(event(4),)))
    services.subscriptions.notify("u1")

    assert [achievement for _, achievement in await read_events(stream, 1)] == ["8"]


async def test_invalid_last_event_id_is_rejected(trophy):
    for bad in ("x", "1", "1.2.3", "-1.0", "9" * 30):
        refused = await trophy("GET", STREAM, headers={"Last-Event-ID": bad}, status=422)
        assert refused["error"].startswith("Last-Event-ID: expected the id of an event")


async def test_head_returns_the_headers_and_ends(client, title, key_of):
    async with (
        asyncio.timeout(SECONDS),
        client.head(STREAM, headers={"X-API-KEY": await key_of(title_id=title)}) as head,
    ):
        assert (head.status, head.content_type, head.headers["Cache-Control"]) == (200, "text/event-stream", "no-store")
        assert await head.read() == b""


async def test_users_key_streams_only_that_user(trophy, key_of):
    await trophy("GET", STREAM, key=await key_of("u2"), status=403)


async def test_stream_ends_when_its_key_is_revoked(client, trophy, title, pool):
    async with pool.connection() as connection:
        key = await api_keys.create_key(connection, title_id=title, player="u1")
    stream = await client.get(STREAM, headers={"X-API-KEY": key.key})
    assert await stream.content.readline() == b"retry: 1000\n"
    await trophy("DELETE", f"/admin/v1/application-api-keys?ids={key.key_id}")
    await send(trophy, 10)

    async with asyncio.timeout(SECONDS):
        assert await stream.content.read() == b"\n"


async def test_client_that_leaves_ends_its_stream_without_an_error(own_database):
    """On the service's own runner: aiohttp's test server cancels the handlers of clients that leave."""
    log = io.StringIO()
    pool = await open_pool(own_database, size=2)
    try:
        async with pool.transaction() as connection:
            new = draft(1, tuple(counted(number, number) for number in range(1, 100)), metrics=(metric(),))
            await publish_draft(connection, new)
            key = (await api_keys.create_key(connection, title_id=1)).key
        observer = Observer(stream=log)
        services = await make_services(Settings(jwt_secret=SECRET), pool, observer)
        runner = application_runner(make_application(services))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{STREAM}"
        async with aiohttp.ClientSession() as session, session.get(url, headers={"X-API-KEY": key}) as response:
            await response.content.readline()
            response.close()
        for _ in range(100):
            await services.writer.write(Change(player="u1", title_id=1, events=(event(1),)))
            observer.flush()
            if log.getvalue():
                break
        await runner.cleanup()
        observer.flush()
    finally:
        await pool.close()

    assert [json.loads(line)["level"] for line in log.getvalue().splitlines()] == ["info"]


async def test_stream_sends_unlocks_of_other_processes_and_ends_with_the_service(own_database, aiohttp_client):
    """Two applications on one database, as two processes would be: one writes, the other streams."""
    pools = [await open_pool(own_database, size=2) for _ in range(2)]
    try:
        async with pools[0].transaction() as connection:
            new = draft(1, (counted(1, 1),), metrics=(metric(),))
            await publish_draft(connection, new)
            key = (await api_keys.create_key(connection, title_id=1)).key
        services = [await make_services(Settings(jwt_secret=SECRET), pool, Observer(level="error")) for pool in pools]
        client = await aiohttp_client(make_application(services[0]))
        response = await client.get(STREAM, headers={"X-API-KEY": key})
        await services[1].writer.write(Change(player="u1", title_id=1, events=(event(2),)))
        await services[0].subscriptions.poll()

        assert [achievement for _, achievement in await read_events(response, 1)] == ["1"]
        async with asyncio.timeout(SECONDS):
            await client.server.close()
            assert re.fullmatch(rb"retry: [0-9]+\n\n", await response.content.read())
    finally:
        for pool in pools:
            await pool.close()


async def test_unreachable_database_ends_a_stream_so_that_the_client_resumes_it(own_database, aiohttp_client):
    pool = await open_pool(own_database, size=2)
    async with pool.transaction() as connection:
        await publish_draft(connection, draft(1, (counted(1, 1),), metrics=(metric(),)))
        key = (await api_keys.create_key(connection, title_id=1)).key
    log = io.StringIO()
    observer = Observer(stream=log)
    services = await make_services(Settings(jwt_secret=SECRET), pool, observer)
    client = await aiohttp_client(make_application(services))
    response = await client.get(STREAM, headers={"X-API-KEY": key})
    await pool.close()
    services.subscriptions.notify("u1")

    async with asyncio.timeout(SECONDS):
        assert await response.content.read() == b"retry: 1000\n\n"
    observer.flush()
    assert [json.loads(line)["text"] for line in log.getvalue().splitlines()] == ["GET user-stream 200"]
