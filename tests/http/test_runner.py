"""The server's answers to what is no HTTP request, and its limits, over a real socket."""

import asyncio
import socket

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.http.runner import ApiRunner
from service.http.services import SERVICES
from service.server.app import APIS
from tests.servers import PATIENCE


async def answer(host, port, request):
    """Everything that a server sends for these bytes."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    await writer.drain()
    answered = await asyncio.wait_for(reader.read(65_536), 5)
    writer.close()
    return answered


async def test_unreadable_requests_get_the_error_response_of_an_api(client):
    answered = await answer(client.host, client.port, b"GET / HTTP/1.1\r\nAuthorization SECRET\r\n\r\n")

    assert answered.split(b" ")[1] == b"400"
    assert b"Server: laurel\r\n" in answered
    assert b'"errorMessage":"this cannot be read as an HTTP request within its limits"' in answered
    assert b"SECRET" not in answered


async def test_other_servers_of_the_process_keep_their_own_answers(client):
    async with TestServer(web.Application()) as other:
        answered = await answer(other.host, other.port, b"BREW\r\n\r\n")

    assert answered.startswith(b"HTTP/1.")
    assert b"errorMessage" not in answered
    assert b"errorMessage" in await answer(client.host, client.port, b"BREW\r\n\r\n")


@pytest.mark.parametrize("version", [" HTTP/2.0", " HTTP/0.9", ""], ids=["2.0", "0.9", "none"])
@pytest.mark.parametrize("path", ["/achievements", "/l10n", "/graphql", "/nowhere", "/openapi.json"])
async def test_other_major_versions_of_http_are_rejected_in_http_1_1(client, path, version):
    answered = await answer(client.host, client.port, f"GET {path}{version}\r\nHost: a\r\n\r\n".encode())

    head, _, body = answered.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 505 ")
    assert b"Connection: close" in head
    assert b"HTTP/1.1" in body


async def test_long_headers_reach_the_apis(ask, make_title):
    """16 KB of Accept-Language are read, and what lies beyond is no error."""
    await make_title()
    padding = "qaa-x1"
    for number in range(2, 200):
        padding += f", qaa-x{number}-{'y' * 8}-{'z' * 8}"
    for length in (1_000, 8_300, 16_384, 30_000):
        response = await ask(titleId=1, raw=True, headers={"Accept-Language": f"{padding}, {'fr, ' * 10_000}"[:length]})
        assert response.status == 200


async def test_clean_up_waits_until_a_slow_client_has_read_its_response(services):
    """The handler has long ended by then: what the client has not read waits in a buffer of the process."""
    size_bytes = 32 * 1024 * 1024  # more than the buffers of a connection hold
    cleaned = asyncio.Event()

    async def large(request: web.Request) -> web.Response:
        request.transport.set_write_buffer_limits(2 * size_bytes)  # the handler does not wait for its client
        return web.Response(body=bytes(size_bytes))

    async def clean(_app: web.Application) -> None:
        cleaned.set()

    app = web.Application()
    app[SERVICES] = services
    app.router.add_get("/", large)
    app.on_cleanup.append(clean)
    runner = ApiRunner(app, APIS, access_log=None, shutdown_timeout=PATIENCE)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    loop = asyncio.get_running_loop()
    with socket.create_connection(runner.addresses[0]) as client:
        client.settimeout(0)
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: l\r\n\r\n")
        await loop.sock_recv(client, 1)
        cleanup = asyncio.create_task(runner.cleanup())
        for _ in range(100):
            await asyncio.sleep(0)
        is_waiting = not cleanup.done() and not cleaned.is_set()
        while await loop.sock_recv(client, 65_536):
            pass
        await asyncio.wait_for(cleanup, PATIENCE)

    assert is_waiting
