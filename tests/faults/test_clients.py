"""Clients that leave, read nothing or never finish, beside players."""

import asyncio

from tests.faults.harness.memory import resident_mb
from tests.faults.harness.stage import Stage
from tests.faults.harness.table import scaled

MEMORY_MB = 48


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
    report(row)
    assert row.ok == row.sent, row
    assert during - before < MEMORY_MB, (before, during)
