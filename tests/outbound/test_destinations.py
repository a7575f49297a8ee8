"""Where requests may go whose URL somebody else has chosen: to public addresses and allowed networks only."""

import asyncio
import ipaddress
import socket
import threading

import pytest
from aiohttp import ClientConnectorError, ClientTimeout, web

from service.outbound.destinations import NOT_PUBLIC, Destinations
from service.outbound.fetch import AddressNotAllowed, FetchError
from tests.servers import PATIENCE

PUBLIC = ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
NOT_REACHED = {
    "loopback": "127.0.0.1",
    "loopback of IPv6": "::1",
    "private": "10.1.2.3",
    "private, 172": "172.16.0.1",
    "private, 192": "192.168.0.1",
    "link-local": "169.254.169.254",
    "link-local of IPv6": "fe80::1",
    "carrier-grade NAT": "100.64.0.1",
    "multicast": "224.0.0.1",
    "multicast of IPv6": "ff0e::1",
    "unspecified": "0.0.0.0",  # noqa: S104  (no server binds to it)
    "unspecified of IPv6": "::",
    "broadcast": "255.255.255.255",
    "documentation": "192.0.2.1",
    "benchmarks": "198.18.0.1",
    "unique local": "fc00::1",
    "site-local": "fec0::1",
    "mapped": "::ffff:10.0.0.1",
    "compatible": "::7f00:1",
    "NAT64": "64:ff9b::a00:1",
    "local NAT64": "64:ff9b:1::1",
    "6to4": "2002:7f00:1::",
    "Teredo": "2001::1",
}
REFUSED = {
    "http": ("http://example.com/", "expected https"),
    "another scheme": ("ftp://example.com/", "expected https"),
    "user name": ("https://user@example.com/", "user name"),
    "password": ("https://user:word@example.com/", "user name"),
    "empty user name": ("https://@example.com/", "user name"),
    "line break": ("https://example.com/\nHost: internal", "spaces"),
    "line break at the end": ("https://example.com/\n", "spaces"),
    "carriage return": ("https://example.com/\r", "spaces"),
    "tab": ("https://exa\tmple.com/", "spaces"),
    "no-break space": ("https://example.com/\xa0", "spaces"),
    "backslash": ("https://example.com\\@10.0.0.1/", "spaces"),
    "localhost": ("https://localhost/", NOT_PUBLIC),
    "localhost with a dot": ("https://LOCALHOST./", NOT_PUBLIC),
    "name below localhost": ("https://a.localhost/", NOT_PUBLIC),
    "short form": ("https://127.1/", NOT_PUBLIC),
    "decimal": ("https://2130706433/", NOT_PUBLIC),
    "octal": ("https://0177.0.0.1/", NOT_PUBLIC),
    "hexadecimal": ("https://0x7f.0.0.1/", NOT_PUBLIC),
    "brackets": ("https://[::ffff:7f00:1]/", NOT_PUBLIC),
    "zone": ("https://[fe80::1%25eth0]/", NOT_PUBLIC),
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address):
    assert Destinations().allows(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_REACHED.values(), ids=NOT_REACHED)
def test_other_address_is_refused_in_a_url(address):
    host = f"[{address}]" if ":" in address else address

    with pytest.raises(FetchError, match=NOT_PUBLIC):
        Destinations().check_url(f"https://{host}/hook")


@pytest.mark.parametrize(("url", "reason"), REFUSED.values(), ids=REFUSED)
def test_url_is_refused_with_its_reason(url, reason):
    with pytest.raises(FetchError, match=reason):
        Destinations().check_url(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "http://localhost/", "http://[::1]/", "https://[::ffff:127.0.0.1]/"]
)
def test_allowed_network_is_reached(url):
    networks = ("127.0.0.0/8", "::1/128")

    Destinations(tuple(map(ipaddress.ip_network, networks))).check_url(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "hook.example.com"])
async def test_connection_to_another_address_is_refused_after_its_name_was_resolved(host, aiohttp_server, monkeypatch):
    requests = []

    async def take(request):
        requests.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", take)
    server = await aiohttp_server(app)
    loopback = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: loopback)
    url = f"http://{host}:{server.port}/"

    async with Destinations().session(ClientTimeout(total=5)) as session:
        with pytest.raises(ClientConnectorError) as refused:
            await session.get(url)
    allowed = Destinations((ipaddress.ip_network("127.0.0.0/8"),))
    async with allowed.session(ClientTimeout(total=5)) as session, session.get(url) as response:
        assert response.status == 200

    assert isinstance(refused.value.os_error, AddressNotAllowed)
    assert requests == ["/"]


async def test_names_that_are_not_resolved_hold_up_no_other(aiohttp_server, monkeypatch):
    async def take(_request):
        return web.Response()

    app = web.Application()
    app.router.add_get("/", take)
    server = await aiohttp_server(app)
    answers = threading.Event()

    def look_up(host, *_, **__):
        if host.startswith("hangs"):
            answers.wait(PATIENCE)
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    allowed = Destinations((ipaddress.ip_network("127.0.0.0/8"),))
    async with allowed.session(ClientTimeout(total=PATIENCE)) as session:
        hanging = [asyncio.create_task(session.get(f"http://hangs-{number}.example/")) for number in range(20)]
        async with session.get(f"http://answers.example:{server.port}/") as response:
            assert response.status == 200
        assert not any(task.done() for task in hanging)
        answers.set()
        results = await asyncio.gather(*hanging, return_exceptions=True)

    assert all(isinstance(result, ClientConnectorError) for result in results)
