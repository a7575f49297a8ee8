"""Every route of every API: a caller over the share is refused in the API's words, and others meanwhile are served."""

import ipaddress
import itertools
import urllib.parse

import msgspec
import pytest
from aiohttp import DummyCookieJar
from yarl import URL

from service.core.unlocks.model import Change
from service.http.openapi import path_template
from service.server.app import APIS, make_application
from service.server.openapi import document, openapi_api
from service.settings import CallerLimits, Settings
from tests.api.documented import PATH
from tests.api.trophy.conftest import key_of

__all__ = ["key_of"]
from tests.factories import SECRET, authorization, bearer, event, metric

ALL_APIS = (*APIS, openapi_api(APIS))
BURST = 10  # requests, with a limit of one a second
FIRST_PLAYER = 2533274790395904
QUERIES = {
    "graphql": {"query": "{ __typename }"},
    "event-summary": {"aggregation": "daily", "startDate": "2026-11-01", "endDate": "2026-11-02"},
    "streaks": {"userIds": "u1"},
    "strings": {"locale": "en-US"},
}
VALUES = {
    "user-metric": {"key": "words"},
    "event-summary": {"key": "words"},
    "admin-get-metrics": {"id": "metric-words"},
    "graphiql_file": {"file": "schema.json"},
    **{name: {"id": "999999999"} for name in ("batch", "batch-po", "report", "report-po")},
}
WITHOUT_DATA = {
    "connect": 400,  # no websocket
    "batch": 404,
    "batch-po": 404,
    "report": 404,
    "report-po": 404,
    "admin-get-attributes": 404,
    "static": 404,
    "key": 404,
    "credential": 404,
}
"""Reads that find nothing here, or are no read; all others succeed."""


@pytest.fixture
def settings():
    """Callers may send ten requests at once and one a second, and tests may choose the client's address."""
    limits = CallerLimits(requests=1, concurrent=0, streams=0, upload=0)
    return Settings(
        jwt_secret=SECRET,
        open_badges="on",
        player_limits=limits,
        server_limits=limits,
        trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),),
    )


class Caller:
    """Sends requests to any route, each caller with a credential and an address of its own."""

    numbers = itertools.count(1)

    def __init__(self, client, api, key):
        self.number = next(self.numbers)
        self.player = str(FIRST_PLAYER + self.number)
        self.client = client
        self.api = api
        self.key = key
        self.cookie = None

    async def send(self, route):
        """The status, headers and body of the response."""
        if self.api.name == "workbench" and self.cookie is None:
            await self._sign_in()
        template = path_template(route.path)
        values = PATH | {"xuid": self.player, "user": self.player, "id": self.player, "slash": ""}
        values |= {"id": "1"} if "/users/" not in template else {}
        values |= {"version": "1", "name": "style.css"} | VALUES.get(route.name.removesuffix("-v1"), {})
        path = template.format_map({name: urllib.parse.quote(value, safe="/") for name, value in values.items()})
        query = urllib.parse.urlencode(QUERIES.get(route.name.removesuffix("-v1"), {}))
        async with self.client.request(
            route.method,
            URL(f"{path}?{query}", encoded=True),
            headers=self._headers(),
            data=b"{}" if route.method != "GET" else None,
            allow_redirects=False,
        ) as response:
            is_stream = response.headers.get("Content-Type", "").startswith("text/event-stream")
            body = b"" if is_stream else await response.read()
            return response.status, response.headers, body

    def _headers(self):
        address = {"X-Forwarded-For": f"203.0.{self.number // 256}.{self.number % 256}"}
        match self.api.name:
            case "xbox" | "open-badges":
                return address | {"Authorization": authorization(self.player)}
            case "trophy":
                return address | {"X-API-KEY": self.key}
            case "badges":
                return address | {"Authorization": authorization(self.player, title_id=1)}
            case "catalogs":
                return address | {"Authorization": bearer(f"Ana {self.number}")}
            case "workbench":
                return address | {"Cookie": self.cookie}
            case "badges-public" | "openapi":
                return address
            case name:
                raise AssertionError(f"say here how a request of {name} is authenticated")

    async def _sign_in(self):
        response = await self.client.post(
            "/l10n/session",
            data={"token": bearer(f"Ana {self.number}")},
            headers={"X-Forwarded-For": f"198.51.{self.number // 256}.{self.number % 256}"},
            allow_redirects=False,
        )
        self.cookie = "; ".join(f"{cookie.key}={cookie.value}" for cookie in response.cookies.values())


@pytest.fixture
async def client(services, aiohttp_client):
    """A client without cookies of its own: each caller sends theirs."""
    return await aiohttp_client(make_application(services), cookie_jar=DummyCookieJar())


@pytest.fixture
async def make_caller(client, make_title, services, key_of):
    """Makes another caller of an API; title 1 is published, and the caller known in it."""
    await make_title(1, metrics=(metric(),))

    async def made(api):
        caller = Caller(client, api, await key_of() if api.name == "trophy" else None)
        await services.writer.write(Change(player=caller.player, title_id=1, events=(event(1),)))
        return caller

    return made


def in_words_of(api, method, headers, body):
    """Whether the body of a 429 is in the words of its API."""
    content_type = headers["Content-Type"].partition(";")[0]
    if content_type == "text/html":
        return api.name == "workbench" and b"requests: expected at most 10 in 10 s" in body
    document = msgspec.json.decode(body)
    match api.name:
        case "xbox" | "openapi":
            members = {
                "version": 1,
                "currentRequests": 11,
                "maxRequests": 10,
                "periodInSeconds": 10,
                "limitType": "rate",
            }
            is_expected = document.items() >= members.items() and document["code"] == document["errorCode"] == 0
        case "trophy":
            is_expected = document == {"error": "Too many requests"} and headers["X-RateLimit-Limit"] == "10"
        case "badges":
            is_expected = document["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
        case "badges-public":
            is_expected = document["error"] == "temporarily_unavailable"
        case "open-badges" | "catalogs":
            is_expected = (content_type, document["code"]) == ("application/problem+json", "too_many_requests")
        case "workbench":
            is_expected = method == "PUT" and document["status"] == 429
        case _:
            is_expected = False
    return is_expected


@pytest.mark.parametrize("api", ALL_APIS, ids=lambda api: api.name)
async def test_caller_over_the_share_is_refused_and_others_are_served(make_caller, services, api):
    greedy, refused = await make_caller(api), 0
    for route in api.routes:
        for _ in range(3 * BURST):
            status, headers, body = await greedy.send(route)
            if status == 429:
                break
        refused += 1

        about = f"{route.method} {route.path}", status, headers, body
        assert status == 429, about
        assert headers["RateLimit-Policy"] == '"requests";q=10;w=10', about
        assert headers["RateLimit"] == '"requests";r=0;t=1', about
        assert 1 <= int(headers["Retry-After"]) <= 3, about
        assert headers["Cache-Control"] == "no-store", about
        assert in_words_of(api, route.method, headers, body), about

        status, headers, body = await (await make_caller(api)).send(route)
        about = f"{route.method} {route.path}", status, headers, body
        expected = WITHOUT_DATA.get(route.name.removesuffix("-v1"), 200) if route.method == "GET" else status
        assert (status, status != 429) == (expected, True), about
    assert services.shares.refused == {(api.name, "requests"): refused}


def test_every_operation_describes_its_429():
    described = document(APIS)
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            response = operation["responses"]["429"]
            if "$ref" in response:
                response = described["components"]["responses"][response["$ref"].rpartition("/")[2]]
            assert response["headers"].keys() >= {"Retry-After", "RateLimit", "RateLimit-Policy"}, (method, path)
