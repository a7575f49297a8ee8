"""No use of any route of any API makes a player wait, whatever the size of the title that it works on.

A player in another process asks for pages of a small title all the time. Their longest wait during each deed is compared
with their longest wait when nothing else happens, just before; a deed is repeated if it seems slow, because the machine
may have been. `ISOLATION=heavy` has a title of 20 000 strings in four locales, and prints every wait.
"""

import asyncio
import contextlib
import io
import json
import os
import sys
from typing import NamedTuple

import aiohttp
import asyncpg
import msgspec
import pytest
from yarl import URL

from service.core.auth import api_keys
from service.core.catalog.model import metric_key
from service.db.pool import open_pool
from service.server.app import APIS
from service.server.openapi import openapi_api
from tests.api.trophy.conftest import attribute
from tests.factories import PLAYER, SECRET, achievement, authorization, draft, metric, publish_draft
from tests.isolation.deeds import DEEDS, TITLE, World
from tests.isolation.large_title import large_draft, make_large_title
from tests.servers import free_port, running

IS_HEAVY = os.environ.get("ISOLATION") == "heavy"
STRINGS = 20_000 if IS_HEAVY else 1_200
IDLE_SECONDS = 0.5 if IS_HEAVY else 0.1
TRIES = 5 if IS_HEAVY else 4
ALLOWED_SECONDS = 0.05 if IS_HEAVY else 0.08
"""More than a player's longest wait while nothing happens."""
NO_LIMITS = "requests=0,concurrent=0,streams=0,upload=0"


class Player:
    """A player who asks for a page every few milliseconds, in a process of their own."""

    def __init__(self, process):
        self._process = process

    async def longest_wait(self):
        """The player's longest wait since the last call, in seconds."""
        self._process.stdin.write(b"\n")
        seconds, pages = json.loads(await self._process.stdout.readline())
        assert pages > 0
        return seconds


@contextlib.asynccontextmanager
async def playing(url):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.isolation.player",
        f"{url}/users/xuid({PLAYER})/achievements?titleId=1",
        authorization(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Player(process)
    finally:
        process.stdin.close()
        await process.wait()


@pytest.fixture(scope="module")
async def world(new_database, template):
    """A running service with a large title and a small one, a player of the small one, and a client."""
    large = large_draft(achievements=STRINGS // 4)
    attributes = (attribute("plan", "user"), attribute("source", "event"))
    title = msgspec.structs.replace(large.title, metrics=(metric(),), attributes=attributes)
    default = title.default_locale
    texts = large.texts | {default: large.texts[default] | {metric_key("words"): "Words"}}
    large = msgspec.structs.replace(large, title=title, texts=texts)
    async with new_database(template) as url:
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await make_large_title(connection, large)
            await connection.execute(
                "UPDATE title SET metrics = $1, attributes = $2 WHERE title_id = $3",
                *(msgspec.json.encode(part).decode() for part in (title.metrics, title.attributes)),
                TITLE,
            )
            await publish_draft(connection, draft(1, tuple(achievement(number) for number in range(1, 4))))
        await connection.execute("ANALYZE")
        await connection.close()
        async with await open_pool(url, size=1) as pool, pool.connection() as connection:
            key = (await api_keys.create_key(connection, title_id=TITLE)).key
        settings = {
            "LAUREL_DATABASE_URL": url,
            "LAUREL_JWT_SECRET": SECRET,
            "LAUREL_LOG_LEVEL": "warning",
            "LAUREL_OPEN_BADGES": "on",
            "LAUREL_PLAYER_LIMITS": NO_LIMITS,
            "LAUREL_PUBLIC_URL": "http://127.0.0.1",
            "LAUREL_SERVER_LIMITS": NO_LIMITS,
        }
        with running("serve", "--port", 0, "--ops-port", free_port(), **settings) as service:
            async with aiohttp.ClientSession(service.url) as client, playing(service.url) as player:
                yield Measured(World(strings=STRINGS, key=key), client, player, [])
            service.end()
            if IS_HEAVY:
                print("\n".join(service.lines))  # noqa: T201  (what held the event loop)


class Measured(NamedTuple):
    """What a test needs to do deeds and measure the player meanwhile; `failed` are unexpected responses."""

    world: World
    client: aiohttp.ClientSession
    player: Player
    failed: list[tuple[object, ...]]

    async def do(self, deed, *, is_again):
        """Do a deed, and return how long the player waited for a page at most.

        Something that was done before is answered with the same status, or refused.
        """
        await self.player.longest_wait()
        for _ in range(deed.times):
            status, about = await self._send(deed)
            if status != deed.status and not (is_again and 400 <= status < 500):
                self.failed.append((deed.api, deed.route, deed.method, status, *about))
        return await self.player.longest_wait()

    async def _send(self, deed):
        world = self.world
        path = deed.path.format_map(world.values | {"n": next(world.numbers)})
        body = b"" if deed.body is None else deed.body(world)
        headers = world.headers(deed.api) | dict(deed.headers(world))
        if deed.body is not None:
            headers["Content-Type"] = deed.content_type
            body = body if isinstance(body, bytes) else msgspec.json.encode(body)
        async with self.client.request(
            deed.method, URL(path, encoded="%" in path), data=io.BytesIO(body), headers=headers, allow_redirects=False
        ) as response:
            answered = await response.read()
            if deed.keep is not None and response.status == deed.status:
                deed.keep(world, response.headers, answered)
            return response.status, (path, answered[:200])


def test_every_route_has_a_deed():
    routes = {(api.name, route.method, route.name) for api in (*APIS, openapi_api(APIS)) for route in api.routes}
    deeds = {(deed.api, "GET" if deed.method == "HEAD" else deed.method, deed.route) for deed in DEEDS}

    assert deeds == routes


async def test_nobody_waits_for_what_others_do(world):
    slow = []
    for deed in DEEDS:
        waits = []
        for _ in range(TRIES):
            await world.player.longest_wait()
            await asyncio.sleep(IDLE_SECONDS)
            idle = await world.player.longest_wait()
            waits.append((await world.do(deed, is_again=bool(waits)), idle))
            if waits[-1][0] <= idle + ALLOWED_SECONDS:
                break
        else:
            slow.append(f"{deed.api} {deed.method} {deed.path}")
        shown = ", ".join(f"{wait * 1000:.0f} ({idle * 1000:.0f})" for wait, idle in waits)
        print(f"{deed.api:14} {deed.method:6} {deed.path[:70]:70} {shown} ms")  # noqa: T201  (shown by pytest -s)
    assert world.failed == []
    assert slow == []
