"""Callers take what there is (requests, sockets, memory), leave, or read nothing, beside players who want their share."""

import asyncio
import contextlib
import itertools
import random
import time

import aiohttp

from tests.factories import authorization, counted, draft, metric
from tests.faults.harness.client import Client, Response
from tests.faults.harness.memory import resident_mb
from tests.faults.harness.postgres import TARGET
from tests.faults.harness.service import until
from tests.faults.harness.stage import Stage
from tests.faults.harness.table import Row, scaled

GREEDY = "2533274790999999"
MAX_GROWTH_MB = 48
TITLE = 4
ACHIEVEMENTS = 700
LANGUAGES = ("ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "tr", "uk", "zh")


async def test_caller_who_floods_is_refused_alone(one_worker, report):
    flood: list[Response] = []
    load = one_worker.load()
    fields = {"Authorization": authorization(GREEDY), "x_xbl_contract_version": "2"}

    async def send_all(count: int) -> None:
        with Client(one_worker.service.url) as client:
            flood.extend(
                [await client.get(f"/users/xuid({GREEDY})/achievements?titleId=1", **fields) for _ in range(count)]
            )

    async with load.running():
        await load.until(50)
        await asyncio.gather(*(send_all(int(scaled(10, 300))) for _ in range(64)))  # twice what one may at once
        load.heal()
        await load.until(50)

    row = await one_worker.settle(load, "a caller floods the service")
    report(row)
    assert row.ok == row.sent, row
    refused = [answer for answer in flood if answer.status != 200]
    assert {answer.status for answer in refused} == {429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)


async def test_caller_who_opens_sockets_leaves_some_to_others(one_worker, report):
    started = time.monotonic()
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:

        async def connect(player: str) -> int:
            try:
                await stack.enter_async_context(
                    session.ws_connect(
                        f"{one_worker.service.url}/connect",
                        headers={"Authorization": authorization(player)},
                        protocols=("rta.xboxlive.com.V2",),
                    )
                )
            except aiohttp.WSServerHandshakeError as error:
                return error.status
            return 101

        greedy = [await connect(GREEDY) for _ in range(int(scaled(40, 400)))]
        others = [await connect(player) for player in one_worker.journal.players]
        longest = time.monotonic() - started

    report(
        Row(
            scenario="a caller opens many sockets",
            sent=len(greedy) + len(others),
            ok=greedy.count(101) + others.count(101),
            refused=greedy.count(429),
            worst=longest,
        )
    )
    assert set(greedy) == {101, 429}
    assert set(others) == {101}


class Variety:
    """Requests that are never the same: documents, languages, attributes, cursors, tokens, paths."""

    def __init__(self, scene: Stage, key: str, player: str) -> None:
        self._client = Client(scene.service.url)
        self._key = {"X_API_KEY": key}
        self._player = player
        self._token = {"Authorization": authorization(player), "x_xbl_contract_version": "2"}
        self._random = random.Random(player)  # noqa: S311  (no secret)
        self.answers: list[Response] = []

    async def run(self, seconds: float) -> None:
        """Send requests for some time."""
        until = time.monotonic() + seconds
        kinds = itertools.cycle(
            (self._document, self._languages, self._attributes, self._cursor, self._forged, self._path)
        )
        while time.monotonic() < until:
            answer = await next(kinds)()
            self.answers.append(answer)
            if answer.status == 429:
                await asyncio.sleep(0.02)  # as a caller that was refused, and goes on
        self._client.close()

    def _word(self) -> str:
        return "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz", k=24))

    async def _document(self) -> Response:
        aliases = " ".join(f'{self._word()}: getBadge(badgeId: "{self._word()}") {{ id }}' for _ in range(8))
        body = {"query": f"query {self._word()} {{ {aliases} }}"}
        return await self._client.post("/graphql", body, Authorization=authorization(self._player, title_id=TITLE))

    async def _languages(self) -> Response:
        languages = ", ".join(self._random.sample(LANGUAGES, len(LANGUAGES)))
        path = f"/users/xuid({self._player})/achievements?titleId={TITLE}&maxItems=100"
        return await self._client.get(path, Accept_Language=languages, **self._token)

    async def _attributes(self) -> Response:
        return await self._client.get(f"/achievements?userAttributes={self._word()}:{self._word()}", **self._key)

    async def _cursor(self) -> Response:
        path = f"/users/xuid({self._player})/achievements?titleId={TITLE}&continuationToken={self._word()}"
        return await self._client.get(path, **self._token)

    async def _forged(self) -> Response:
        token = ".".join(self._word() for _ in range(3))
        fields = {"Authorization": f"XBL3.0 x=1;{token}", "x_xbl_contract_version": "2"}
        return await self._client.get(f"/users/xuid({self._player})/achievements", **fields)

    async def _path(self) -> Response:
        return await self._client.get(f"/users/{self._word()}/metrics/{self._word()}?{self._word()}", **self._key)


async def test_hostile_variety_does_not_grow_the_process(one_worker, report):
    achievements = tuple(counted(number, TARGET) for number in range(1, ACHIEVEMENTS + 1))
    await one_worker.publish(draft(TITLE, achievements, metrics=(metric(),)))
    keys = await one_worker.database.make_keys(4, title_id=TITLE)
    with Client(one_worker.service.url) as client:

        async def is_served() -> bool:
            return (await client.get("/achievements", X_API_KEY=keys[0])).status == 200

        await until(is_served, "the title is served")
    callers = [Variety(one_worker, key, player) for key, player in zip(keys, one_worker.journal.players, strict=False)]
    await asyncio.gather(*(caller.run(scaled(1, 30)) for caller in callers))
    before = resident_mb(one_worker.service.pid)
    await asyncio.gather(*(caller.run(scaled(2, 180)) for caller in callers))
    growth = resident_mb(one_worker.service.pid) - before

    answers = [answer for caller in callers for answer in caller.answers]
    statuses = [answer.status for answer in answers]
    report(
        Row(
            scenario="hostile variety",
            sent=len(statuses),
            ok=sum(200 <= status < 300 for status in statuses),
            refused=sum(400 <= status < 500 for status in statuses),
            unavailable=sum(status in (503, 504) for status in statuses),
            failed=statuses.count(500),
            worst=max(answer.seconds for answer in answers),
        )
    )
    unexpected = [answer for answer in answers if answer.status not in (200, 400, 401, 404, 422, 429, 503)]
    assert not unexpected, unexpected[:3]
    assert growth <= MAX_GROWTH_MB, growth


async def leave(scene: Stage) -> None:
    """Send a request, and go before it is answered."""
    address = scene.service.url.removeprefix("http://")
    _, writer = await asyncio.open_connection(*address.split(":"))
    body = b'{"user": {"id": "leaver"}, "value": 1}'
    head = f"POST /metrics/words/event HTTP/1.1\r\nHost: {address}\r\nX-API-KEY: {scene.keys[0]}\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n".encode() + body)
    await writer.drain()
    writer.transport.abort()


async def read_slowly(scene: Stage, done: asyncio.Event) -> None:
    """Ask for a large document again and again, and read nothing of it."""
    address = scene.service.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*address.split(":"), limit=1024)
    try:
        for _ in range(20):
            writer.write(f"GET /openapi.json HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
        await reader.readline()
        await done.wait()
    except OSError:
        pass  # the service may end such a connection
    finally:
        writer.transport.abort()


async def never_finish(scene: Stage, done: asyncio.Event) -> None:
    """Send a part of a request, and never the rest."""
    address = scene.service.url.removeprefix("http://")
    _, writer = await asyncio.open_connection(*address.split(":"))
    try:
        head = f"POST /metrics/words/event HTTP/1.1\r\nHost: {address}\r\nX-API-KEY: {scene.keys[0]}\r\n"
        writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        await writer.drain()
        await done.wait()
    finally:
        writer.transport.abort()


async def test_clients_that_leave_or_never_read_cost_players_nothing(one_worker, report):
    done = asyncio.Event()
    load = one_worker.load()
    async with load.running():
        await load.until(40)
        before = resident_mb(one_worker.service.pid)
        async with asyncio.TaskGroup() as clients:
            for _ in range(int(scaled(30, 150))):
                clients.create_task(leave(one_worker))
                clients.create_task(read_slowly(one_worker, done))
                clients.create_task(never_finish(one_worker, done))
            await load.until(int(scaled(100, 3000)))
            during = resident_mb(one_worker.service.pid)
            done.set()
        load.heal()
        await load.until(80)

    row = await one_worker.settle(load, "F23 clients leave, read nothing or never finish")
    assert not [line for line in one_worker.service.started.lines if "POST event failed" in line]  # no bug was logged
    report(row)
    assert row.ok == row.sent, row
    assert during - before < MAX_GROWTH_MB, (before, during)
