"""Writes while releases are published: each is answered from the release that it was evaluated with."""

import asyncio
import json

import pytest

from service.core.auth.principal import OPERATOR
from service.core.publishing.publish import roll_back
from tests.factories import achievement, counted, metric

PATH = "/metrics/words/event"
RELEASES = 10


@pytest.fixture
async def during(client, title, key_of):
    """Sends a request that begins before an action and is written after it; returns the status and the JSON."""
    headers = {"X-API-KEY": await key_of(title_id=title), "Content-Type": "application/json"}
    await client.get("/achievements", headers=headers)  # caches the key: the request waits for nothing but its body

    async def post(action, path, body):
        began, may_end = asyncio.Event(), asyncio.Event()

        async def halves():
            yield body[:10]
            began.set()
            await may_end.wait()
            yield body[10:]

        sending = asyncio.create_task(client.request("POST", path, data=halves(), headers=headers))
        await began.wait()
        await client.get("/achievements", headers=headers)  # by then the server has the first half
        await action()
        may_end.set()
        response = await sending
        return response.status, await response.json()

    return post


async def test_event_is_answered_with_the_achievement_of_a_newer_release_that_it_unlocks(during, title, make_title):
    async def publish():
        await make_title(title, achievements=(counted(8, 3),), metrics=(metric(),))

    status, answer = await during(publish, PATH, b'{"user": {"id": "ana"}, "value": 5}')

    assert (status, [each["name"] for each in answer["achievements"]]) == (201, ["Name 8"])


async def test_completion_is_answered_with_the_name_of_a_newer_release(during, title, make_title):
    async def publish():
        texts = {"en-US": {"achievement/4/name": "Newcomer"}}
        await make_title(title, achievements=(achievement(4, requirements=(), key="onboarded"),), texts=texts)

    status, answer = await during(publish, "/achievements/onboarded/complete", b'{"user": {"id": "ana"}}')

    assert (status, answer["achievement"]["name"]) == (201, "Newcomer")


async def test_events_of_others_count_although_a_metric_is_rolled_back_meanwhile(
    during, title, make_title, services, pool
):
    await make_title(title, metrics=(metric("pages"),))

    async def publish():
        async with pool.transaction() as connection:
            await roll_back(connection, OPERATOR, title, 1)
        await services.snapshots.refresh()

    events = [{"key": key, "user": {"id": user}, "value": 1} for key, user in (("words", "ana"), ("pages", "ben"))]
    status, answer = await during(publish, "/admin/v1/metrics/events", json.dumps(events).encode())

    assert (status, answer["accepted"]) == (202, 1)


async def test_repeated_event_of_a_metric_that_was_rolled_back_is_refused(trophy, title, make_title, services, pool):
    await make_title(title, metrics=(metric("pages"),))
    event = {"user": {"id": "ana"}, "value": 5}, {"Idempotency-Key": "once"}
    await trophy("POST", "/metrics/pages/event", event[0], headers=event[1], status=201)
    async with pool.transaction() as connection:
        await roll_back(connection, OPERATOR, title, 1)
    await services.snapshots.refresh()

    await trophy("POST", "/metrics/pages/event", event[0], headers=event[1], status=422)


async def test_no_write_fails_while_releases_are_published(trophy, title, make_title, connection):
    async def publish():
        for number in range(10, 10 + RELEASES):
            await make_title(title, achievements=(counted(number, 1),), metrics=(metric(),))

    async def write(player):
        count = 0
        while not publishing.done():
            answer = await trophy("POST", PATH, {"user": {"id": player}, "value": 1}, status=201)
            count += 1
            assert answer["total"] == count
        return count

    async with asyncio.TaskGroup() as tasks:
        publishing = tasks.create_task(publish())
        writers = [tasks.create_task(write(f"player {number}")) for number in range(6)]

    written = sum(writer.result() for writer in writers)
    assert written == await connection.fetchval("SELECT count(*) FROM event") > RELEASES
