"""Requests that are refused before they are parsed: only plain ones, and in the words of their API."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import example, given
from hypothesis import strategies as st

from service.http.early_refusal import is_one_request, method_and_target
from service.http.limits.admission import PLAYERS
from service.http.runner import ApiRunner
from service.http.services import SERVICES
from service.server.app import APIS, make_application

GET = b"GET /achievements HTTP/1.1\r\nHost: l\r\n\r\n"
POST = b"POST /metrics/words/event HTTP/1.1\r\nHost: l\r\nContent-Length: 2\r\n\r\n{}"


class Server(TestServer):
    """A server of our own runner."""

    async def _make_runner(self, **options):
        options["handler_cancellation"] = False  # as in `laurel serve`
        return ApiRunner(self.app, APIS, **options)


@pytest.fixture
async def full(services):
    """A service with as many requests of players in progress as are allowed; those of a path are let in."""
    async with TestClient(Server(make_application(services))) as client:
        for is_safe in (True, False):
            services.admission.flow(PLAYERS, is_safe=is_safe).limit = 0
        services.admission.is_checking = True  # so that nothing changes the limits
        services.admission.count_refused(PLAYERS)
        yield client


class Connection:
    """A connection that sends bytes and reads responses."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def ask(self, *pieces):
        """The head and body of the response to these bytes."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.01)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split()[0])
        return head, await self.reader.readexactly(length)


@pytest.fixture
async def wire(full):
    reader, writer = await asyncio.open_connection(full.server.host, full.server.port)
    yield Connection(reader, writer)
    writer.close()


def seen(client) -> int:
    """How many requests were parsed."""
    return client.server.runner.server.requests_count


@pytest.mark.parametrize(
    "request_bytes",
    [
        GET,
        POST,
        GET.replace(b"/achievements", b"/users/xuid(1)/achievements"),
        GET.replace(b"/achievements", b"/open-badges/titles/1/issuer"),
        GET.replace(b"/achievements", b"/nowhere"),
        POST.replace(b"/metrics/words/event", b"/graphql"),
    ],
)
async def test_early_refusal_is_the_same_as_one_after_parsing(full, wire, request_bytes):
    async def refused():
        head, body = await wire.ask(request_bytes)
        fields = sorted(line for line in head.splitlines() if not line.startswith(("retry-after", "ms-cv", "date")))
        return fields, body if b"traceInformation" not in body else body.partition(b"traceInformation")[0]

    parsed = await refused()
    count = seen(full)
    early = await refused()

    assert "http/1.1 503 service unavailable" in parsed[0]
    assert early == parsed
    assert seen(full) == count


async def test_request_is_admitted_as_soon_as_there_is_room(full, wire):
    await wire.ask(GET)
    await wire.ask(GET)
    full.app[SERVICES].admission.flow(PLAYERS, is_safe=True).limit = 1

    head, _ = await wire.ask(GET)

    assert "401 unauthorized" in head


@pytest.mark.parametrize("path", [b"/l10n", b"/catalogs"])
async def test_other_classes_of_requests_are_left_to_their_own_limits(full, wire, path):
    await wire.ask(GET)
    count = seen(full)

    head, _ = await wire.ask(GET.replace(b"/achievements", path))

    assert "401 unauthorized" in head
    assert seen(full) == count + 1


async def test_rest_of_a_request_that_looks_like_another_one_is_not_taken_for_one(full, wire):
    """Else the two sides of a proxy's connection would disagree about where a request begins."""
    await wire.ask(GET)
    count = seen(full)

    head, _ = await wire.ask(b"GET /achievements HTTP/1.1\r\nHost: l\r\nX-Header: ", GET.replace(b"Host: l\r\n", b""))
    assert "503" in head
    assert seen(full) == count + 1

    head, _ = await wire.ask(GET)
    assert "503" in head


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GET[:-2], id="not all of it"),
        pytest.param(GET + GET, id="two"),
        pytest.param(GET + b"GET", id="one and the beginning of another"),
        pytest.param(POST[:-1], id="a part of its body"),
        pytest.param(POST + b"G", id="more than its body"),
        pytest.param(POST.replace(b"Content-Length: 2", b"Content-Length:2"), id="an unusual length"),
        pytest.param(POST.replace(b"Content-Length: 2", b"Content-Length: +2"), id="no length"),
        pytest.param(POST.replace(b"\r\nHost", b"\r\ncontent-length: 2\r\nHost"), id="two lengths"),
        pytest.param(POST.replace(b"\r\nHost", b"\r\nTransfer-Encoding: chunked\r\nHost"), id="two framings"),
        pytest.param(GET.replace(b"\r\nHost", b"\r\nUpgrade: websocket\r\nHost"), id="an upgrade"),
        pytest.param(GET.replace(b"\r\nHost", b"\r\nExpect: 100-continue\r\nHost"), id="an expectation"),
        pytest.param(GET.replace(b"\r\nHost", b"\r\nOrigin: https://a.example\r\nHost"), id="of a page"),
        pytest.param(GET.replace(b"\r\nHost", b"\r\nConnection: close\r\nHost"), id="the last one"),
        pytest.param(GET.replace(b"1.1", b"1.0"), id="an older version"),
        pytest.param(GET.replace(b"1.1", b"2.0"), id="another version"),
    ],
)
def test_unusual_requests_are_parsed(data):
    assert not is_one_request(data)


@example(b"")
@example(b"\r\n\r\n")
@given(st.binary(max_size=64))
def test_any_bytes_are_read_without_an_error(data):
    method_and_target(data)
    assert is_one_request(data) in (True, False)
    assert is_one_request(GET) and is_one_request(POST)  # noqa: PT018
