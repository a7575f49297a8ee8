"""The Accept header field: which of the supported media types the client prefers."""

import pytest
from aiohttp.test_utils import make_mocked_request

from service.http.accept import media_ranges, preferred_media_type

FIRST, SECOND = "application/json", "application/other+json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, FIRST),
        ("", FIRST),
        ("*/*", FIRST),
        ("application/*", FIRST),
        (f"{SECOND}, {FIRST}", SECOND),
        (f"{FIRST}, {SECOND}", FIRST),
        (f"{FIRST};q=0.5, {SECOND};q=0.6", SECOND),
        (f"{FIRST};charset=utf-8;q=0.9 , {SECOND};Q=0.8", FIRST),
        (f"{FIRST.upper()}", FIRST),
        (f"{FIRST};q=0, */*", SECOND),
        (f"*/*, {FIRST};q=0, {SECOND};q=0.000", None),
        (f"application/*;q=0, {SECOND}", SECOND),
        ("*/*;q=0", None),
        ("text/html", None),
        (f"{SECOND};q=high", SECOND),
        (f"{'text/html, ' * 200}{SECOND}", None),
    ],
)
def test_preferred_media_type_has_the_highest_weight_and_is_not_excluded(accept, expected):
    request = make_mocked_request("GET", "/", headers={} if accept is None else {"Accept": accept})

    assert preferred_media_type(media_ranges(request), (FIRST, SECOND)) == expected
