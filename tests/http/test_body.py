"""Invalid JSON bodies: the error names the member and the expected type."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
import pytest

from service.errors import BadRequest, InvalidField
from service.http.body import decode


class Item(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """An item with a constraint of each kind."""

    item_id: str
    count: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    state: Literal["open", "closed"] = "open"
    tag: Annotated[str, msgspec.Meta(max_length=2, pattern="^[a-z]*$")] = ""
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    names: dict[Annotated[str, msgspec.Meta(max_length=2)], str] = {}


class Body(msgspec.Struct):
    """A body that holds items."""

    items: list[Item]


@pytest.mark.parametrize(
    ("item", "field", "expected"),
    [
        ({}, "items[0].itemId", "a value, and it is missing"),
        ({"itemId": 7}, "items[0].itemId", "str, got int"),
        ({"itemId": None}, "items[0].itemId", "str, got null"),
        ({"itemId": "a", "count": 0}, "items[0].count", "int >= 1"),
        ({"itemId": "a", "count": 11}, "items[0].count", "int <= 10"),
        ({"itemId": "a", "state": "ajar"}, "items[0].state", "Invalid enum value 'ajar'"),
        ({"itemId": "a", "tag": "abc"}, "items[0].tag", "str of length <= 2"),
        ({"itemId": "a", "tag": "A"}, "items[0].tag", "str matching regex '^[a-z]*$'"),
        ({"itemId": "a", "at": "2026-01-31"}, "items[0].at", "Invalid RFC3339 encoded datetime"),
        ({"itemId": "a", "at": "2026-01-31T00:00:00"}, "items[0].at", "datetime with a timezone component"),
        ({"itemId": "a", "names": {"abc": ""}}, "items[0].names", "str of length <= 2"),
        ({"itemId": "a", "mine": 1}, "items[0]", "Object contains unknown field mine"),
        ([], "items[0]", "object, got array"),
    ],
)
def test_invalid_members_are_named_with_what_was_expected(item, field, expected):
    with pytest.raises(InvalidField) as raised:
        decode(msgspec.json.encode({"items": [item]}), Body)

    assert (raised.value.field, str(raised.value)) == (field, f"{field}: expected {expected}")


@pytest.mark.parametrize(("body", "field"), [(b"7", "body"), (b"{}", "items"), (b"null", "body")])
def test_bodies_of_another_shape_are_named_as_a_whole(body, field):
    with pytest.raises(InvalidField) as raised:
        decode(body, Body)

    assert raised.value.field == field


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON in UTF-8"),
        (b'{"items":', "the body is not JSON in UTF-8"),
        (b'"\xff"', "the body is not JSON in UTF-8"),
        (b"[" * 100_000, "the body is nested too deeply"),
        (b'{"items":["\\u0000"]}', "the body holds a NUL character"),
    ],
)
def test_bodies_that_are_no_json_are_refused(body, message):
    with pytest.raises(BadRequest, match=message):
        decode(body, object)


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "a\\u0000b"])
def test_escaped_backslash_before_u0000_is_no_nul_character(text):
    assert decode(msgspec.json.encode(text), str) == text


@pytest.mark.parametrize("body", [b'"\\u0000"', b'"\\\\\\u0000"', b'"\\\\u0000\\u0000"'])
def test_nul_character_after_escaped_backslashes_is_rejected(body):
    with pytest.raises(BadRequest, match="NUL character"):
        decode(body, str)
