"""Service processes start, stop, hang and are replaced, while players write and read."""

import asyncio
import os
import signal
import time

import aiohttp
import pytest

from tests.factories import authorization
from tests.faults.service import until
from tests.faults.stage import stage
from tests.faults.table import IS_HEAVY, Row, scaled
from tests.servers import PATIENCE

DRAIN = {"LAUREL_DRAIN": "1"}

REPLACED_SECONDS = 5.0
"""How soon a worker that hangs is replaced."""


async def test_stopped_worker_is_replaced(two_workers, report):
    load = two_workers.load()
    async with load.running():
        await load.until(100)
        stopped = two_workers.service.children()[0]
        started = time.monotonic()
        os.kill(stopped, signal.SIGSTOP)
        await two_workers.until_replaced({stopped})
        seconds = time.monotonic() - started
        load.heal()
        await load.until(200)

    report(await two_workers.settle(load, "a worker is stopped", may_cut=True))
    assert seconds < REPLACED_SECONDS + 3, seconds


async def test_workers_that_start_while_postgres_is_away_wait_for_it(two_workers, report):
    load = two_workers.load()
    before = two_workers.service.children()
    async with load.running():
        await load.until(100)
        await two_workers.network.set("refuse")
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        await asyncio.sleep(scaled(2, 20))  # while PostgreSQL is away
        assert two_workers.service.started.process.poll() is None, two_workers.service.started.take_lines()
        await two_workers.network.set("pass")
        await two_workers.until_replaced(before)
        load.heal()
        await load.until(200)

    report(await two_workers.settle(load, "workers start while PostgreSQL is away", may_cut=True))


async def send_slowly(url: str, key: str, *, first: asyncio.Event, rest: asyncio.Event) -> int:
    """Send one half of a write, say so, and send the rest when asked to; returns the status, 0 if there is none."""
    address = url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*address.split(":"))
    body = b'{"user": {"id": "slow"}, "value": 1}'
    head = (
        f"POST /metrics/words/event HTTP/1.1\r\nHost: {address}\r\nX-API-KEY: {key}\r\nContent-Length: {len(body)}\r\n"
    )
    try:
        writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + body[:10])
        await writer.drain()
        first.set()
        await rest.wait()
        writer.write(body[10:])
        line = await reader.readline()
        return int(line.split(b" ")[1]) if line else 0
    except OSError:
        return 0
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("workers", [1, 2] if IS_HEAVY else [1])
async def test_sigterm_finishes_requests_under_way_and_tells_streams_to_go(workers, private_postgres, report):
    async with stage(private_postgres, workers=workers, **DRAIN) as scene:
        first, rest = asyncio.Event(), asyncio.Event()
        started = time.monotonic()
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
            slow = tasks.create_task(send_slowly(scene.service.url, scene.keys[0], first=first, rest=rest))
            headers = {"Authorization": authorization(scene.journal.players[0])}
            socket = await session.ws_connect(
                f"{scene.service.url}/connect", headers=headers, protocols=("rta.xboxlive.com.V2",)
            )
            await first.wait()
            scene.service.started.process.terminate()
            closing = await socket.receive(timeout=PATIENCE)
            rest.set()
        status = await asyncio.to_thread(scene.service.started.process.wait, PATIENCE)

    row = Row(
        scenario=f"F15 SIGTERM, workers: {workers}",
        sent=2,
        ok=(slow.result() == 201) + 1,
        worst=time.monotonic() - started,
    )
    report(row)
    assert (slow.result(), status) == (201, 0)
    assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)


@pytest.mark.parametrize("workers", [1, 2] if IS_HEAVY else [2])
async def test_second_sigterm_ends_at_once(workers, private_postgres):
    async with stage(private_postgres, workers=workers, **DRAIN) as scene:
        first, rest = asyncio.Event(), asyncio.Event()
        slow = asyncio.create_task(send_slowly(scene.service.url, scene.keys[0], first=first, rest=rest))
        await first.wait()
        process = scene.service.started.process
        process.terminate()
        await until(scene.service.is_leaving, "it is not ready any more")
        process.terminate()
        started = time.monotonic()
        await asyncio.to_thread(process.wait, PATIENCE)
        seconds = time.monotonic() - started
        rest.set()
        await slow

    assert seconds < 2, seconds
