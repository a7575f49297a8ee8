"""A running service with a large title and a small one, and a player of the small one who asks for pages all the time."""

import asyncio
import contextlib
import io
import json
import math
import os
import pathlib
import sys
from collections.abc import AsyncIterator
from typing import NamedTuple

import aiohttp
import asyncpg
import msgspec
import pytest
from yarl import URL

from service.core.auth import api_keys
from service.core.catalog.model import metric_key
from service.db.pool import open_pool
from tests.api.trophy.conftest import attribute
from tests.conftest import NewDatabase
from tests.factories import PLAYER, SECRET, achievement, authorization, draft, metric, publish_draft
from tests.isolation.deeds import Deed, World
from tests.isolation.large_title import TITLE, large_draft, make_large_title
from tests.servers import Running, free_port, running

IS_HEAVY = os.environ.get("ISOLATION") == "heavy"
STRINGS = 20_000 if IS_HEAVY else 800
NO_LIMITS = "requests=0,concurrent=0,streams=0,upload=0"


class Player:
    """A player who asks for a page every few milliseconds, in a process of their own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def longest_wait(self) -> float:
        """The player's longest wait since the last call, in seconds."""
        self._process.stdin.write(b"\n")
        seconds, pages = json.loads(await self._process.stdout.readline())
        assert pages > 0
        return seconds


@contextlib.asynccontextmanager
async def playing(url: str) -> AsyncIterator[Player]:
    """A player of the service at this URL."""
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


@pytest.fixture(scope="session")
async def world(new_database: NewDatabase, template: str) -> AsyncIterator["Measured"]:
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
                yield Measured(World(strings=STRINGS, key=key), client, player, service)
            service.end()
            if IS_HEAVY:
                print("\n".join(service.lines))  # noqa: T201  (what held the event loop)


class Measured(NamedTuple):
    """What a test needs to do deeds and measure the player meanwhile."""

    world: World
    client: aiohttp.ClientSession
    player: Player
    service: Running

    def memory_bytes(self) -> int:
        """The resident memory of the service's process."""
        status = pathlib.Path(f"/proc/{self.service.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    async def do(self, deed: Deed, *, is_again: bool) -> float:
        """Do a deed, and return how long the player waited for a page at most.

        Something that was done before is answered with the same status, refused, or has nothing left to change (200).
        """
        await self.player.longest_wait()
        for _ in range(deed.times if IS_HEAVY else math.ceil(deed.times / 4)):
            status, about = await self.send(deed)
            assert status == deed.status or (is_again and (status == 200 or 400 <= status < 500)), (status, *about)
        return await self.player.longest_wait()

    async def send(self, deed: Deed) -> tuple[int, tuple[object, ...]]:
        """Send one request; returns its status, path and the start of the response."""
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
