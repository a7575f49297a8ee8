"""Error responses of all APIs: one table of statuses, and the headers that go with them."""

import types

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from service import errors
from service.db.incarnation import Incarnation
from service.errors import Conflict, InvalidCatalog, LaurelError, MethodNotAllowed, TooManyRequests
from service.http.problem import INTERNAL_ERROR, status_of
from service.http.services import SERVICES
from service.server.app import APIS

STATUSES = {
    "BadRequest": 400,
    "InvalidParameter": 400,
    "InvalidToken": 400,
    "ExpiredToken": 400,
    "UnknownMetric": 400,
    "InvalidField": 422,
    "InvalidCatalog": 422,
    "Conflict": 412,
    "PreconditionRequired": 428,
    "PayloadTooLarge": 413,
    "RequestTimeout": 408,
    "UnsupportedMediaType": 415,
    "UnsupportedVersion": 505,
    "Unauthenticated": 401,
    "CredentialExpired": 401,
    "CredentialMissing": 401,
    "PermissionDenied": 403,
    "UserRequired": 403,
    "WrongPlayer": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "TooManyRequests": 429,
    "Unavailable": 503,
    "DatabaseTimeout": 504,
    "Overloaded": 503,
}
CONTRACTS = {
    ("trophy", "InvalidParameter"): 422,
    ("trophy", "UnknownMetric"): 422,
    ("xbox", "InvalidField"): 400,
    ("badges", "InvalidField"): 400,
    ("badges-public", "InvalidField"): 400,
    ("workbench", "Conflict"): 409,
}
"""Where the contract of an API differs from the table."""


def family(kind):
    """A class of errors and all below it that the core defines."""
    if kind.__module__ == errors.__name__:
        yield kind
        for each in kind.__subclasses__():
            yield from family(each)


def made(kind):
    """An error of a class."""
    match kind.__name__:
        case "InvalidParameter" | "InvalidField":
            return kind("field", "this", "that")
        case "MethodNotAllowed":
            return MethodNotAllowed("not this", allowed=("GET", "HEAD"))
        case "TooManyRequests":
            return TooManyRequests("too many", policy="requests", limit=1, window_seconds=10)
        case "InvalidCatalog":
            return InvalidCatalog([])
        case "Conflict":
            return Conflict("changed", 7)
        case _:
            return kind("a message")


KINDS = [kind for kind in family(LaurelError) if kind is not LaurelError]


def test_every_error_has_a_status():
    assert {kind.__name__: status_of(made(kind)) for kind in KINDS} == STATUSES
    assert status_of(None) == 500


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_api_renders_every_error(api, kind):
    app = web.Application()
    app[SERVICES] = types.SimpleNamespace(incarnation=Incarnation())  # what an entity tag of the current version needs
    response = api.error_response(make_mocked_request("GET", "/", app=app), made(kind))

    assert response.status == CONTRACTS.get((api.name, kind.__name__), STATUSES[kind.__name__])
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert (response.headers.get("Allow") == "GET, HEAD") == (response.status == 405)
    assert ("Retry-After" in response.headers) == (response.status in {429, 503, 504})
    assert ("WWW-Authenticate" in response.headers) == (response.status == 401 and api.name != "workbench")


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_every_api_reports_a_bug_with_the_same_message_without_detail(api):
    response = api.error_response(make_mocked_request("GET", "/"), None)

    assert (response.status, response.headers["Cache-Control"]) == (500, "no-store")
    assert api.name == "workbench" or INTERNAL_ERROR in str(msgspec.json.decode(response.body))
