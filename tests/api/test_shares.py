"""What one caller may hold: requests in progress, uploads, event streams, sockets and subscriptions; others feel nothing."""

import asyncio
import contextlib
import json
import math
import re

import aiohttp
import msgspec
import pytest
from aiohttp import WSMsgType

from service.core.auth.principal import READ_ANY
from service.core.unlocks.model import Change
from service.errors import TooManyRequests
from service.http.limits.admission import CATALOGS, PLAYERS
from service.http.limits.open_streams import OpenStreams
from service.server.app import make_application
from service.settings import PLAYER_LIMITS, SERVER_LIMITS, Settings
from tests.api.conftest import Server
from tests.api.trophy.conftest import key_of
from tests.factories import OTHER, PLAYER, SECRET, authorization, counted, event, metric

__all__ = ["key_of"]

SECONDS = 30
SCID = "00000000-0000-0000-0000-000000000001"
THIRD = "2533274790395906"


@pytest.fixture
def settings():
    """Generous rates, as these tests send from one machine what many players would; the other limits are the defaults."""
    return Settings(
        jwt_secret=SECRET,
        player_limits=msgspec.structs.replace(PLAYER_LIMITS, requests=0),
        server_limits=msgspec.structs.replace(SERVER_LIMITS, requests=0, upload=8),
    )


@pytest.fixture(autouse=True)
async def title(make_title):
    """Title 1, with an achievement that is counted."""
    return await make_title(1, achievements=(counted(1, 10),), metrics=(metric(),))


@pytest.fixture
async def serve(services):
    """Starts a service of its own; gives a session without a limit of connections, and the server."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**changes):
            own = msgspec.structs.replace(services, **changes)
            server = Server(make_application(own))
            await server.start_server()
            stack.push_async_callback(server.close)
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=SECONDS)
            )
            return await stack.enter_async_context(session), server.make_url("/")

        yield start


class Sockets:
    """Websockets of players at one service."""

    def __init__(self, session, url):
        self.session = session
        self.url = url

    async def open(self, player, **claims):
        """An open socket; the status of the response if it is refused."""
        headers = {"Authorization": authorization(player, **claims)}
        try:
            return await self.session.ws_connect(
                self.url / "connect", headers=headers, protocols=("rta.xboxlive.com.V2",)
            )
        except aiohttp.WSServerHandshakeError as error:
            return error.status, int(error.headers["Retry-After"]) > 0, error.headers["RateLimit-Policy"]

    @staticmethod
    async def subscribe(socket, player, sequence=1):
        """The code of the response."""
        await socket.send_json([1, sequence, f"https://a/users/xuid({player})/achievements/{SCID}"])
        return (await received(socket))[2]


async def received(socket):
    async with asyncio.timeout(SECONDS):
        return json.loads(await socket.receive_str())


async def closing_code(socket):
    """The code that the service closes a socket with."""
    async with asyncio.timeout(SECONDS):
        message = await socket.receive()
    assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED), message
    return socket.close_code or message.data


def write(services, player):
    return services.writer.write(Change(player=player, title_id=1, events=(event(1),)))


async def test_400_sockets_of_one_player_take_no_live_update_from_another(serve, services):
    sockets = Sockets(*await serve())
    other = await sockets.open(OTHER)
    assert await sockets.subscribe(other, OTHER) == 0
    flood = await asyncio.gather(*(sockets.open(PLAYER) for _ in range(400)))
    late = await sockets.open(THIRD)
    assert await sockets.subscribe(late, THIRD) == 0

    refused = [answer for answer in flood if isinstance(answer, tuple)]
    assert len(flood) - len(refused) == PLAYER_LIMITS.streams
    assert set(refused) == {(429, True, '"streams";q=16;qu="concurrent-requests"')}
    for player, socket in ((OTHER, other), (THIRD, late)):
        await write(services, player)
        assert (await received(socket))[:2] == [3, 1]


async def test_who_has_most_sockets_gives_way_when_all_are_taken(serve, services):
    limits = msgspec.structs.replace(PLAYER_LIMITS, streams=0)
    shares = type(services.shares)(msgspec.structs.replace(services.settings, player_limits=limits))
    sockets = Sockets(*await serve(shares=shares, open_streams=OpenStreams(max_units=20)))
    greedy = [await sockets.open(PLAYER) for _ in range(20)]
    assert await sockets.open(PLAYER) == (429, True, '"streams";q=20;qu="concurrent-requests"')

    other = await sockets.open(OTHER)
    assert await closing_code(greedy.pop()) == 1013
    assert await sockets.subscribe(other, OTHER) == 0
    assert await closing_code(greedy.pop()) == 1013

    await write(services, OTHER)
    assert (await received(other))[:2] == [3, 1]
    assert not any(socket.closed for socket in greedy)


async def test_subscriptions_count_as_much_as_sockets(serve):
    sockets = Sockets(*await serve(open_streams=OpenStreams(max_units=20)))
    greedy = await sockets.open(PLAYER, scopes=(READ_ANY,))
    codes = [await sockets.subscribe(greedy, player) for player in range(1, 21)]
    other = await sockets.open(OTHER)

    assert codes == [0] * 19 + [2]
    assert await closing_code(greedy) == 1013
    assert await sockets.subscribe(other, OTHER) == 0


@pytest.mark.parametrize("kind", ["message", "ping"])
async def test_frames_of_a_socket_count_as_requests(serve, services, kind):
    """The socket is one, and each frame another; further frames wait, and nothing is sent meanwhile."""
    limits = msgspec.structs.replace(PLAYER_LIMITS, requests=1)
    shares = type(services.shares)(msgspec.structs.replace(services.settings, player_limits=limits))
    session, url = await serve(shares=shares)
    headers = {"Authorization": authorization()}
    socket = await session.ws_connect(
        url / "connect", headers=headers, protocols=("rta.xboxlive.com.V2",), autoping=False
    )
    for number in range(30):
        await (socket.ping() if kind == "ping" else socket.send_json([2, number, 1]))
    async with asyncio.timeout(SECONDS):
        for _ in range(9):
            await socket.receive()
    async with session.get(url / f"users/xuid({PLAYER})/achievements", headers=headers) as response:
        own = response.status
    headers = {"Authorization": authorization(OTHER)}
    async with session.get(url / f"users/xuid({OTHER})/achievements", headers=headers) as response:
        other = response.status
    socket._response.close()  # a close frame would wait for its turn

    assert (own, other) == (429, 200)


async def test_places_are_free_again_after_sockets_close(serve):
    open_streams = OpenStreams(max_units=20)
    sockets = Sockets(*await serve(open_streams=open_streams))
    for _ in range(3):
        opened = [await sockets.open(PLAYER) for _ in range(PLAYER_LIMITS.streams)]
        assert [await sockets.subscribe(socket, PLAYER) for socket in opened[:4]] == [0] * 4
        await asyncio.gather(*(socket.close() for socket in opened))
        async with asyncio.timeout(SECONDS):
            while open_streams._callers:  # noqa: ASYNC110  (the service notices the end of a connection by itself)
                await asyncio.sleep(0.01)

    assert open_streams._free == 20


async def test_event_streams_of_one_key_take_none_from_another(serve, services, key_of):
    session, url = await serve()
    flooding, own = await key_of(PLAYER), await key_of(OTHER)

    async def listen(key, player):
        return await session.get(url / f"users/{player}/achievements/stream", headers={"X-API-KEY": key})

    await write(services, OTHER)
    flood = await asyncio.gather(*(listen(flooding, PLAYER) for _ in range(60)))
    stream = await listen(own, OTHER)

    assert sorted(response.status for response in flood) == [200] * 16 + [429] * 44
    assert (await next(response for response in flood if response.status == 429).json()) == {
        "error": "Too many requests"
    }
    assert await stream.content.readline() == b"retry: 1000\n"
    await services.writer.write(Change(player=OTHER, title_id=1, events=(event(10),)))
    async with asyncio.timeout(SECONDS):
        while b"achievement.completed" not in (line := await stream.content.readline()):
            assert line
    for response in (*flood, stream):
        response.close()


async def test_uploads_of_a_minute_are_limited_and_those_of_others_are_not(serve, key_of):
    """Each body of the admin API may have a megabyte."""
    session, url = await serve()
    greedy, other = await key_of(), await key_of()

    async def upload(key, **options):
        async with session.post(url / "admin/v1/metrics/events", headers={"X-API-KEY": key}, **options) as response:
            return response.status, response.headers.get("RateLimit-Policy"), await response.json()

    async def pieces():
        for _ in range(16):
            yield b" " * 62_500

    statuses = [(await upload(greedy, data=b" " * 1_000_000))[0] for _ in range(4)]
    statuses += [(await upload(greedy, data=pieces()))[0] for _ in range(4)]
    refused = [await upload(greedy, data=data) for data in (b" " * 1_000_000, pieces())]

    assert 429 not in statuses
    assert {(status, policy) for status, policy, _ in refused} == {(429, '"uploads";q=8000000;qu="content-bytes";w=60')}
    assert (await upload(other, data=b" " * 1_000_000))[0] == statuses[0]


async def test_requests_in_progress_of_one_player_are_limited(serve, services, key_of):
    """Bodies that do not arrive keep requests in progress."""
    session, url = await serve()
    greedy, other = await key_of(PLAYER), await key_of(OTHER)
    arrives = asyncio.Event()

    async def body():
        yield b"{"
        await arrives.wait()
        yield b"}"

    async def send(key):
        headers = {"X-API-KEY": key}
        async with session.post(url / "metrics/words/event", headers=headers, data=body()) as response:
            return response.status, response.headers.get("RateLimit-Policy")

    flood = [asyncio.create_task(send(greedy)) for _ in range(40)]
    refused, waiting = await asyncio.wait(flood, timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
    async with asyncio.timeout(SECONDS):
        while len(refused) < 8:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            refused |= done
    async with session.get(url / "achievements", headers={"X-API-KEY": other}) as response:
        assert response.status == 200
    arrives.set()
    others = await asyncio.gather(*waiting)

    assert {task.result() for task in refused} == {(429, '"concurrent";q=32;qu="concurrent-requests"')}
    assert {status for status, _ in others} == {422}
    assert not any(services.admission.flow(PLAYERS, is_safe=is_safe).callers for is_safe in (True, False))


def test_nobody_below_an_equal_part_is_refused_when_few_more_may_be_in_progress(services):
    """One caller without a limit of its own takes all it can; others still get an equal part."""
    limits = msgspec.structs.replace(SERVER_LIMITS, requests=0, concurrent=0)
    shares = type(services.shares)(msgspec.structs.replace(services.settings, server_limits=limits))
    flow = services.admission.flow(CATALOGS, is_safe=True)
    greedy, second, third = (shares.of_address(f"203.0.113.{number}") for number in range(3))

    def begin(share, times=flow.limit):
        with contextlib.suppress(TooManyRequests):
            for _ in range(times):
                shares.begin(share, flow, 0.0)
                flow.started[object()] = 0.0
        return flow.callers[share]

    assert begin(greedy) == flow.limit, "nobody else is there"
    assert begin(second) == flow.limit // 2
    assert begin(third) == math.ceil(flow.limit / 3)
    assert begin(greedy) == flow.limit
    for _ in range(flow.limit):
        shares.end(greedy, flow)
    assert begin(greedy) == math.ceil(flow.limit / 3)


async def test_caller_is_warned_before_the_requests_are_used_up(serve, services, key_of):
    limits = msgspec.structs.replace(PLAYER_LIMITS, requests=1)
    shares = type(services.shares)(msgspec.structs.replace(services.settings, player_limits=limits))
    session, url = await serve(shares=shares)
    headers = {"X-API-KEY": await key_of(PLAYER)}
    seen = []
    for _ in range(11):
        async with session.get(url / "achievements", headers=headers) as response:
            seen.append((response.status, response.headers.get("RateLimit")))

    warned = [header for status, header in seen if status == 200 and header is not None]
    assert seen[0] == (200, None)
    assert 3 <= len(warned) <= 6
    assert all(re.fullmatch(r'"requests";r=[0-4];t=([6-9]|10)', header) for header in warned)
    assert seen[-1] == (429, '"requests";r=0;t=1')
