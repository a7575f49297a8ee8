"""A service is told to stop while requests and streams are under way."""

import asyncio
import time

import aiohttp
import pytest

from tests.factories import authorization
from tests.faults.harness.service import until
from tests.faults.harness.stage import stage
from tests.faults.harness.table import IS_HEAVY, Row
from tests.servers import PATIENCE

DRAIN = {"LAUREL_DRAIN": "1"}


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
        scenario=f"F15 SIGTERM to {'one process' if workers == 1 else 'two workers'}",
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
