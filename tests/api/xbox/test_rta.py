"""The websocket of real-time activity: subscriptions, notifications and errors."""

import asyncio
import json

import pytest
from aiohttp import WSMsgType

from service.core.auth.principal import READ_ANY
from service.core.unlocks.model import Change
from tests.factories import OTHER, PLAYER, authorization, counted, event, metric

SCID = "00000000-0000-0000-0000-000000000001"
URI = f"https://achievements.xboxlive.com/users/xuid({PLAYER})/achievements/{SCID}"
SECONDS = 5


@pytest.fixture
async def title(make_title):
    """Title 1, with two achievements that are counted."""
    return await make_title(1, achievements=(counted(1, 10), counted(2, 100)), metrics=(metric(),))


@pytest.fixture
async def socket(client, title):  # noqa: ARG001  (it is there when the socket opens)
    """A connection of the player to a service with title 1."""
    async with connected(client) as opened:
        yield opened


def connected(client, player=PLAYER, **claims):
    """Opens a connection of a player."""
    headers = {"Authorization": authorization(player, **claims)}
    return client.ws_connect("/connect", headers=headers, protocols=("rta.xboxlive.com.V2",))


async def receive(socket):
    async with asyncio.timeout(SECONDS):
        return json.loads(await socket.receive_str())


def write(services, amount):
    return services.writer.write(Change(player=PLAYER, title_id=1, events=(event(amount),)))


async def test_subscriber_gets_the_current_progress_and_then_changes(socket, services):
    assert socket.protocol == "rta.xboxlive.com.V2"
    await write(services, 5)
    await socket.send_json([1, 7, URI])
    code = await receive(socket)
    await write(services, 5)
    change = await receive(socket)

    assert code[:4] == [1, 7, 0, 1]
    assert code[4]["serviceConfigId"] == SCID
    assert [item["progressState"] for item in code[4]["progression"]] == ["InProgress", "InProgress"]
    assert change[:2] == [3, 1]
    by_id = {item["id"]: item for item in change[2]["progression"]}
    assert by_id["1"]["progressState"] == "Achieved"
    assert by_id["1"]["timeUnlocked"].endswith("Z")
    assert by_id["2"]["requirements"][0]["current"] == "10"


async def test_no_notifications_after_unsubscribing(socket, services):
    await socket.send_json([1, 1, URI])
    await receive(socket)
    await socket.send_json([2, 2, 1])
    ended = await receive(socket)
    await write(services, 5)
    await socket.send_json([2, 3, 1])

    assert ended == [2, 2, 0]
    assert await receive(socket) == [2, 3, 1]


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        (URI.replace(PLAYER, OTHER), 3),
        (URI.replace("0001", "0009"), 1),
        ("https://achievements.xboxlive.com/users/xuid(x)/achievements", 1),
        ("", 1),
    ],
    ids=["another player", "an unknown service config", "no such resource", "nothing"],
)
async def test_invalid_subscription_gets_an_error_code(socket, uri, code):
    await socket.send_json([1, 1, uri])

    assert await receive(socket) == [1, 1, code, 0, None]


@pytest.mark.usefixtures("title")
async def test_subscriptions_of_a_connection_are_limited(client):
    async with connected(client, scopes=(READ_ANY,)) as socket:
        for player in range(1, 34):
            await socket.send_json([1, player, URI.replace(PLAYER, str(player))])
        codes = [(await receive(socket))[2] for _ in range(33)]
        await socket.send_json([2, 34, 1])
        await socket.send_json([1, 35, URI])
        ended, again = await receive(socket), await receive(socket)

    assert codes == [0] * 32 + [2]
    assert (ended[2], again[2]) == (0, 0)


async def test_subscribing_again_to_a_resource_gives_the_same_subscription_and_the_present_progress(socket, services):
    await socket.send_json([1, 1, URI])
    first = await receive(socket)
    await write(services, 5)
    change = await receive(socket)
    await socket.send_json([1, 2, URI.replace("https://achievements", "http://other") + "/"])
    again = await receive(socket)
    await write(services, 5)

    assert first[:4] == [1, 1, 0, 1]
    assert again[:4] == [1, 2, 0, 1]
    assert again[4] == change[2]
    assert (await receive(socket))[:2] == [3, 1]
    await socket.send_json([2, 3, 1])
    assert await receive(socket) == [2, 3, 0]
    await socket.send_json([1, 4, URI])
    assert (await receive(socket))[:4] == [1, 4, 0, 2]


@pytest.mark.parametrize("message", ["", "{", "[]", "[9]", '[1,"a","b"]', "[" * 4000, "x" * 5000])
async def test_protocol_violation_closes_the_connection(socket, message):
    await socket.send_str(message)

    async with asyncio.timeout(SECONDS):
        await socket.receive()
    assert socket.closed


async def test_request_without_websocket_or_credential_is_rejected(client):
    plain = await client.get("/connect", headers={"Authorization": authorization()})
    nobody = await client.get("/connect")

    assert (plain.status, nobody.status) == (400, 401)
    assert "rta.xboxlive.com.V2" in (await plain.json())["description"]


@pytest.mark.parametrize("is_subscribed", [False, True], ids=["first read", "later read"])
async def test_bug_while_reading_progress_is_logged_and_ends_the_connection(socket, services, give, is_subscribed):
    """A stored value that is no number: nothing in the service writes one."""
    if is_subscribed:
        await socket.send_json([1, 1, URI])
        await receive(socket)
    await give(1, {}, currents={1: ("broken",)})
    if is_subscribed:
        services.subscriptions.notify(PLAYER)
    else:
        await socket.send_json([1, 1, URI])

    async with asyncio.timeout(SECONDS):
        assert (await socket.receive()).type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)
    services.observer.flush()
    assert "could not convert string to float: 'broken'" in services.observer.stream.getvalue()
