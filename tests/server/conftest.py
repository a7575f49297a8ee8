"""A database with a title, and `laurel serve` on it with an ops port that is known."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.core.auth import api_keys
from service.db.pool import open_pool
from tests.factories import SECRET, counted, draft, metric, publish_draft
from tests.servers import PATIENCE, Running, free_port, running


class Service(NamedTuple):
    """A running `laurel serve`, the ops ports of its first and second worker, and an API key of title 1."""

    process: Running
    ops: str
    second_ops: str
    key: str

    @property
    def url(self) -> str:
        """Where requests are answered."""
        return self.process.url

    @property
    def pid(self) -> int:
        """The process that was started: with several workers, their parent."""
        return self.process.process.pid


async def readiness(ops: str) -> tuple[int, str]:
    """Status and word of `/readyz`; (0, "") if nobody answers in time."""
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{ops}/readyz") as response:
            return response.status, (await response.json())["status"]
    except (aiohttp.ClientError, TimeoutError):
        return 0, ""


async def worker_of(ops: str) -> int:
    """The process behind an ops port; 0 if it does not answer."""
    timeout = aiohttp.ClientTimeout(total=0.5)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{ops}/metrics") as response:
            families = text_string_to_metric_families(await response.text())
    except (aiohttp.ClientError, TimeoutError):
        return 0
    return next(int(sample.labels["pid"]) for family in families for sample in family.samples if "pid" in sample.labels)


async def eventually(check: Callable[[], Any]) -> Any:
    """The first true result of an asynchronous check; fails if there is none in time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        result = await check()
        if result:
            return result
        assert time.monotonic() < deadline, result
        await asyncio.sleep(0.02)


@pytest.fixture
async def key(own_database: str) -> str:
    """An API key of title 1, which counts words."""
    async with await open_pool(own_database, size=1) as pool, pool.transaction() as connection:
        await publish_draft(connection, draft(1, (counted(1, 40),), metrics=(metric(),)))
        return (await api_keys.create_key(connection, title_id=1)).key


@pytest.fixture
async def serve(own_database: str, key: str) -> AsyncIterator[Callable[..., Awaitable[Service]]]:
    """Starts the command "laurel serve" with arguments and settings, and stops all that were started."""
    with contextlib.ExitStack() as stack:

        async def start(*arguments: object, **settings: str | None) -> Service:
            port = free_port()
            defaults = {
                "LAUREL_DATABASE_URL": own_database,
                "LAUREL_JWT_SECRET": SECRET,
                "LAUREL_LOG_LEVEL": "error",
            }
            chosen = {name: value for name, value in (defaults | settings).items() if value is not None}
            command = running("serve", "--port", 0, "--ops-port", port, *arguments, **chosen)
            started = await asyncio.to_thread(stack.enter_context, command)
            return Service(started, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}", key)

        yield start
