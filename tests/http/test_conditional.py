"""Conditional requests: a body is only made and sent if the client does not have it."""

import pytest
from aiohttp.test_utils import make_mocked_request

from service.errors import InvalidParameter, PreconditionRequired
from service.http.conditional import conditional_response, etag_matches, if_match_version, version_etag


@pytest.mark.parametrize(
    ("condition", "matches"),
    [(None, False), ('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("a", False)],
)
def test_condition_matches_a_named_etag_by_weak_comparison(condition, matches):
    assert etag_matches(condition, '"a"') is matches


def test_304_has_the_headers_of_the_response_and_its_body_is_not_made():
    request = make_mocked_request("GET", "/", headers={"If-None-Match": '"a"'})

    response = conditional_response(request, pytest.fail, etag='"a"', headers={"Vary": "Accept"})

    assert (response.status, response.body) == (304, None)
    assert {name: response.headers[name] for name in ("ETag", "Vary", "X-Content-Type-Options")} == {
        "ETag": '"a"',
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }


def test_client_without_the_current_response_gets_the_body():
    request = make_mocked_request("GET", "/", headers={"If-None-Match": '"old"'})

    response = conditional_response(request, lambda: b"{}", etag='"a"', headers={})

    assert (response.status, response.body, response.headers["ETag"]) == (200, b"{}", '"a"')


def test_if_match_names_a_version():
    tag = version_etag("v", 7, incarnation="0123abcd")
    request = make_mocked_request("PUT", "/", headers={"If-Match": tag})

    assert if_match_version(request, "v", incarnation="0123abcd") == 7
    assert if_match_version(request, "v", incarnation="ffffffff") == -1


@pytest.mark.parametrize(
    "condition", ['"c7"', "7", "*", '"v07"', '"v7-x"', '"v7", "v8"', '"v2147483648"', '"v9999999999"']
)
def test_invalid_if_match_is_rejected(condition):
    request = make_mocked_request("PUT", "/", headers={"If-Match": condition})

    with pytest.raises(InvalidParameter, match="If-Match: expected one ETag such as"):
        if_match_version(request, "v", incarnation="0123abcd")


def test_change_without_if_match_is_rejected():
    with pytest.raises(PreconditionRequired):
        if_match_version(make_mocked_request("PUT", "/"), "v", incarnation="0123abcd")
