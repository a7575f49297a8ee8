"""How `laurel serve` ends: nothing that was begun is cut off, and clients are told to go elsewhere."""

import asyncio
import contextlib
import os
import re
import signal
import time

import aiohttp
import pytest

from service.server.lifecycle import SHUTDOWN_SECONDS
from tests.factories import authorization
from tests.server.conftest import Service, eventually, readiness, worker_of
from tests.servers import PATIENCE

WORKERS = pytest.mark.parametrize("workers", [1, 2], ids=["one process", "two workers"])
MORE_THAN_BUFFERS = 40  # OpenAPI documents, of those between two processes
EVENT = b'{"user": {"id": "u1"}, "value": 1}'


class Connection:
    """A raw connection to the service, for requests in pieces."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, data: bytes) -> None:
        """Send these bytes."""
        self._writer.write(data)

    async def response(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next response."""
        async with asyncio.timeout(PATIENCE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
            return int(head[0].split()[1]), headers, body

    async def rest(self) -> bytes:
        """What comes until the service closes the connection."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read()


@pytest.fixture
async def connect():
    """Open connections to a service; they are closed with the test."""
    writers = []

    async def open_one(service: Service) -> Connection:
        host, port = service.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writers.append(writer)
        return Connection(reader, writer)

    yield open_one
    for writer in writers:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def head(method: str, path: str, service: Service, length: int = 0) -> bytes:
    """A request's head, with an API key."""
    more = f"Content-Length: {length}\r\n" if length else ""
    return f"{method} {path} HTTP/1.1\r\nHost: l\r\nX-API-KEY: {service.key}\r\n{more}\r\n".encode()


async def is_draining(service: Service) -> bool:
    """Whether a balancer would no longer choose it."""
    return await readiness(service.ops) == (503, "draining")


async def is_refused(connect, service: Service) -> bool:
    """Whether nothing listens any more."""
    try:
        await connect(service)
    except ConnectionRefusedError:
        return True
    return False


async def ended(service: Service) -> int:
    """The exit status, once the process has ended."""
    return await asyncio.to_thread(service.process.process.wait, PATIENCE)


@WORKERS
async def test_service_drains_in_order(serve, connect, workers):
    """Not ready and `Connection: close` while connections are still accepted; then none are, and what was begun ends.

    Every process gets the signal, as from systemd. A slow reader gets its whole response, a stream is told when to come back, and a websocket is closed with 1001
    (RFC 6455 §7.4.1: going away).
    """
    service = await serve("--workers", workers, LAUREL_DRAIN="1")
    processes = [await worker_of(service.ops)]
    if workers > 1:
        processes += [await worker_of(service.second_ops), service.pid]
    kept, slow, unfinished, stream = [await connect(service) for _ in range(4)]
    kept.send(head("GET", "/openapi.json", service))
    _, headers, document = await kept.response()
    assert "connection" not in headers
    unfinished.send(head("POST", "/metrics/words/event", service, len(EVENT)) + EVENT[:5])
    slow.send(head("GET", "/openapi.json", service) * MORE_THAN_BUFFERS)
    assert (await slow.response())[2] == document
    stream.send(head("GET", "/users/u1/achievements/stream", service))
    assert (await stream.response())[0] == 200
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession(service.url) as session:
        socket = await session.ws_connect(
            "/connect", headers={"Authorization": authorization()}, protocols=("rta.xboxlive.com.V2",)
        )

        for pid in processes:
            os.kill(pid, signal.SIGTERM)
            await eventually(lambda: is_draining(service))
        for connection in (kept, await connect(service)):
            connection.send(head("GET", "/achievements", service))
            status, headers, _ = await connection.response()
            assert (status, headers["connection"]) == (200, "close")
            assert await connection.rest() == b""
        await eventually(lambda: is_refused(connect, service))
        refused_at = time.monotonic()
        unfinished.send(EVENT[5:])
        status, headers, _ = await unfinished.response()
        assert (status, headers["connection"]) == (201, "close")
        assert (await slow.rest()).endswith(document)
        message = await socket.receive()
        await socket.close()
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)
    assert re.search(rb"\r\nretry: [0-9]+\n\n\r\n0\r\n\r\n$", await stream.rest())
    assert await ended(service) == 0
    assert time.monotonic() - refused_at < SHUTDOWN_SECONDS  # no connection is waited for that has nothing to say


async def test_second_signal_ends_the_service_at_once(serve):
    service = await serve(LAUREL_DRAIN="300")
    service.process.process.send_signal(signal.SIGTERM)
    await eventually(lambda: is_draining(service))
    service.process.process.send_signal(signal.SIGTERM)

    assert await ended(service) == 128 + signal.SIGTERM


async def test_ctrl_c_does_not_wait_for_a_balancer(serve):
    service = await serve("--workers", 2, LAUREL_DRAIN="300")

    service.process.process.send_signal(signal.SIGINT)

    assert await ended(service) == 0
