"""Parameters of paths and queries: short texts within their limits."""

import pytest
from aiohttp.test_utils import make_mocked_request

from service.errors import InvalidParameter
from service.http.params import clean_text, query_int, query_params


@pytest.mark.parametrize("text", ["Blütezeit 花", "a\u200db", "\u2028", "\U0001f3c6"])
def test_texts_of_any_script_are_accepted(text):
    assert clean_text("name", text, 20) == text


@pytest.mark.parametrize("character", ["\0", "\t", "\n", "\x1f", "\x7f", "\x85", "\x9f", "\ud800"])
def test_control_characters_and_lone_surrogates_are_rejected(character):
    with pytest.raises(InvalidParameter, match="name: expected text in UTF-8 without control characters"):
        clean_text("name", f"a{character}b", 20)


@pytest.mark.parametrize("text", ["", "abc"])
def test_texts_outside_the_length_limits_are_rejected(text):
    with pytest.raises(InvalidParameter, match="name: expected 1 to 2 characters"):
        clean_text("name", text, 2)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("locale", "state"), "query: expected one of the parameters locale, state, got 'other'"),
        ((), "query: expected no parameters, got 'other'"),
    ],
)
def test_unknown_parameter_is_rejected_with_the_known_ones(names, message):
    with pytest.raises(InvalidParameter) as raised:
        query_params(make_mocked_request("GET", "/?other=1"), *names)

    assert str(raised.value) == message


@pytest.mark.parametrize("read", [lambda r: query_params(r, "q"), lambda r: query_int(r, "q", default=0, most=9)])
def test_parameter_that_is_sent_twice_is_rejected(read):
    with pytest.raises(InvalidParameter, match="q: expected one value, got '2'"):
        read(make_mocked_request("GET", "/?q=1&q=2"))
