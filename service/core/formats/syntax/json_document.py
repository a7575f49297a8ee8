"""A JSON file, or a captured HTTP answer that carries one, as plain values. Pure.

Refused beyond the grammar: a member that stands twice (the second would silently win), NaN and Infinity.
"""

import collections
import json
from typing import Any

from service.core.validation.diagnostics import SourceLocation, decode
from service.core.validation.values import shown


def read_json(data: bytes, place: SourceLocation) -> object:
    """What the file holds. A byte order mark, and the status line and headers of a capture, are passed over.

    Raises:
        InvalidCatalog: it is too large, not UTF-8, or not JSON: with the line and what stands there.
    """
    text, line_before = _body(decode(data, place), place)

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            for name, times in collections.Counter(name for name, _ in pairs).items():
                if times > 1:
                    place.report("duplicate-member", f"the member {shown(name)} stands more than once in one object")
        return found

    def constant(name: str) -> None:
        place.report("not-json", f"{name} is not JSON")

    try:
        value: object = json.loads(text, object_pairs_hook=members, parse_constant=constant)
    except json.JSONDecodeError as error:
        there = place.at(None, line_before + error.lineno)
        there.fail("not-json", _what_stands_there(text, error))
    except RecursionError:
        place.fail("not-json", "the file is nested too deeply")
    except ValueError:
        place.fail("not-json", "a number has too many digits")
    place.raise_errors()
    return value


def _body(text: str, place: SourceLocation) -> tuple[str, int]:
    """The JSON part and how many lines stand before it."""
    if not text.startswith("HTTP/"):
        return text, 0
    text = text.replace("\r\n", "\n")
    head, blank, body = text.partition("\n\n")
    if not blank:
        place.fail("not-json", "an HTTP answer without a body")
    return body.removeprefix("\ufeff"), head.count("\n") + 2


def _what_stands_there(text: str, error: json.JSONDecodeError) -> str:
    here = text[error.pos : error.pos + 1]
    what = f"{shown(here)} stands there" if here else "the file ends there"
    if here in {"}", "]"} and text[: error.pos].rstrip()[-1:] == ",":
        what += ", after a trailing comma"
    return f"not JSON at column {error.colno}: {error.msg[0].lower()}{error.msg[1:]}, but {what}"
