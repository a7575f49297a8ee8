"""Base64url without padding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import base64url


@given(st.binary(max_size=64))
def test_decoding_reverses_encoding_with_and_without_padding(data):
    text = base64url.encode(data)

    assert set(text).isdisjoint("=+/")
    assert base64url.decode(text) == base64url.decode(text + "=" * (-len(text) % 4)) == data


def test_text_of_an_impossible_length_is_an_error():
    with pytest.raises(ValueError, match="base64"):
        base64url.decode("a")
