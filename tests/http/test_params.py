"""Parameters of paths and queries: short texts within their limits."""

import pytest

from service.errors import InvalidParameter
from service.http.params import clean_text


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
