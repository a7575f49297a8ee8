"""Mounted routes: what a client receives when a handler fails."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.core.auth.principal import OPERATOR
from service.errors import Unavailable
from service.http.api import Api, Route, mount
from service.http.problem import problem_response
from service.http.services import SERVICES

SECONDS = 5


@pytest.mark.parametrize("error", [Unavailable("not now"), ValueError("a bug")], ids=["error", "bug"])
async def test_failed_stream_closes_its_connection_without_a_second_response(services, error):
    """Another response in the middle of a chunked body would be read as part of it, or as the next response."""

    async def authenticate(_request):
        return OPERATOR

    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        raise error

    def error_response(_request, error):
        return problem_response(error, challenge="Bearer")

    app = web.Application()
    app[SERVICES] = services
    route = Route("GET", "/stream", "stream", stream)
    mount(app, [Api("test", ("/",), (route,), authenticate, error_response, {})])
    async with TestServer(app) as server, asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        try:
            while piece := await reader.read(65_536):
                received += piece
        except ConnectionResetError:
            pass
        writer.close()

    assert received.startswith(b"HTTP/1.1 200 OK")
    assert received.endswith(b"5\r\nbegun\r\n")


async def test_unsupported_method_is_rejected_with_the_supported_ones(client):
    response = await client.delete("/open-badges/titles/1/issuer")

    assert response.status == 405
    assert (await response.json())["detail"] == "method: expected GET or HEAD, got DELETE"
