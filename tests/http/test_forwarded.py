"""The client's address and scheme: only trusted proxies are believed, from right to left."""

import io
import ipaddress

import msgspec
import pytest
from aiohttp import web

from service.http.forwarded import client_address, is_https, network_of
from service.http.services import SERVICES
from service.telemetry import Observer


@pytest.fixture
def log():
    """The log of the service."""
    return Observer(level="warning", stream=io.StringIO())


@pytest.fixture
async def seen(services, aiohttp_client, log):
    """Sends headers through a connection from 127.0.0.1; gives the address and scheme that the service sees."""

    async def send(*proxies, headers=()):
        async def show(request):
            return web.json_response([client_address(request), is_https(request)])

        trusted = tuple(ipaddress.ip_network(network) for network in proxies)
        app = web.Application()
        settings = msgspec.structs.replace(services.settings, trusted_proxies=trusted)
        app[SERVICES] = msgspec.structs.replace(services, settings=settings, observer=log)
        app.router.add_get("/", show)
        client = await aiohttp_client(app)
        return await (await client.get("/", headers=headers)).json()

    return send


async def test_strangers_are_not_believed_and_warned_of_once(seen, log):
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}

    assert await seen(headers=headers) == ["127.0.0.1", False]
    assert await seen("10.0.0.0/8", headers=headers) == ["127.0.0.1", False]
    log.flush()
    assert log.stream.getvalue().count("X-Forwarded-For from 127.0.0.1 is ignored") == 1


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ([], "127.0.0.1"),
        ([""], "127.0.0.1"),
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9, 10.0.0.7"], "203.0.113.9"),
        (["10.0.0.8, 10.0.0.7"], "10.0.0.8"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["[2001:db8::7]:4711, ::ffff:10.0.0.7"], "2001:db8::7"),
        (["203.0.113.9, unknown"], "127.0.0.1"),
        (["203.0.113.9, fe80::1%<script>"], "127.0.0.1"),
        (["203.0.113.9, <script>, 10.0.0.7"], "10.0.0.7"),
        (["203.0.113.9, " + "10.0.0.7, " * 500 + "10.0.0.7"], "10.0.0.7"),
    ],
)
async def test_address_is_the_last_that_no_trusted_proxy_has(seen, fields, address):
    headers = [("X-Forwarded-For", field) for field in fields]

    assert (await seen("127.0.0.1/32", "10.0.0.0/8", headers=headers))[0] == address


@pytest.mark.parametrize(
    ("fields", "is_secure"),
    [(["https"], True), (["HTTPS"], True), (["http"], False), (["https, http"], False), (["https", "http"], False)],
)
async def test_scheme_is_that_of_the_nearest_proxy(seen, fields, is_secure):
    headers = [("X-Forwarded-Proto", field) for field in fields]

    assert (await seen("127.0.0.1/32", headers=headers))[1] is is_secure


def test_one_ipv6_network_is_one_client():
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert network_of("203.0.113.9") == network_of("::ffff:203.0.113.9") == "203.0.113.9"
    assert network_of("unknown") == "unknown"
