"""Error responses of the localization API are problem details, and its OpenAPI description matches its routes."""

import re

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from service import errors
from service.api.localization import API, openapi
from service.api.localization.errors import error_response
from service.errors import Conflict, Diagnostic, InvalidCatalog, LaurelError, MethodNotAllowed, TooManyRequests
from service.http.services import SERVICES


def family(kind: type[LaurelError]):
    """The errors that are of a kind."""
    for each in kind.__subclasses__():
        yield each
        yield from family(each)


def made(kind: type[LaurelError]) -> LaurelError:
    """An error of a kind."""
    match kind.__name__:
        case "InvalidParameter" | "InvalidField":
            return kind("field", "this", "that")
        case "MethodNotAllowed":
            return MethodNotAllowed("not this", allowed=("GET",))
        case "TooManyRequests":
            return TooManyRequests("too many", policy="requests", limit=1, window_seconds=10)
        case "InvalidCatalog":
            return InvalidCatalog([Diagnostic(file="a.po", rule="a-rule", message="wrong", line=3)])
        case "Conflict":
            return Conflict("changed", 7)
        case _:
            return kind("a message")


@pytest.mark.parametrize("kind", [kind for kind in family(LaurelError) if kind.__module__ == errors.__name__])
def test_every_error_response_is_a_problem_with_its_own_status(kind, services):
    app = web.Application()
    app[SERVICES] = services
    response = error_response(make_mocked_request("GET", "/catalogs", app=app), made(kind))

    body = msgspec.json.decode(response.body)
    assert response.content_type == "application/problem+json"
    assert (body["status"], body["code"], body["detail"]) == (response.status, kind.code, str(made(kind)))
    assert response.headers["Cache-Control"] == "no-store"
    assert (kind is Conflict) == ("ETag" in response.headers)


def test_bug_is_reported_without_detail():
    response = error_response(make_mocked_request("GET", "/catalogs"), None)

    assert (response.status, msgspec.json.decode(response.body)["code"]) == (500, "fault")


async def test_unknown_path_and_method_are_problems(client):
    missing = await client.get("/catalogs/1/nothing/here%0A")
    other = await client.delete("/catalogs")

    assert (missing.status, missing.content_type) == (404, "application/problem+json")
    assert (other.status, other.headers["Allow"]) == (405, "GET, HEAD")


def test_described_paths_are_those_of_the_routes():
    routes = {(re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path), route.method.lower()) for route in API.routes}

    assert {(path, method) for path, methods in API.openapi["paths"].items() for method in methods} == routes


def test_descriptions_name_existing_routes():
    """A misspelled name in the description would describe nothing."""
    names = {route.name for route in API.routes}
    for described in (openapi._QUERIES, openapi._BODIES, openapi._CONDITIONAL, openapi._SUCCESS, openapi._FILES):
        assert set(described) <= names
