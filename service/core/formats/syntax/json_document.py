"""Read a JSON file, or a captured HTTP response with a JSON body. Pure.

Stricter than Python's parser: repeated members (the last would silently win), NaN and Infinity are errors.
"""

import collections
import json
from typing import Any

from service.core.validation.diagnostics import SourceLocation, decode
from service.core.validation.values import shown


def read_json(data: bytes, location: SourceLocation) -> object:
    """The parsed value. A byte order mark, and the status line and headers of a captured response, are skipped.

    Raises:
        InvalidCatalog: the file is too large, not UTF-8, or not JSON.
    """
    text, lines_before = _body(decode(data, location), location)

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        unique = dict(pairs)
        if len(unique) < len(pairs):
            for name, count in collections.Counter(name for name, _ in pairs).items():
                if count > 1:
                    location.report("duplicate-member", f"the object has more than one member {shown(name)}")
        return unique

    def constant(name: str) -> None:
        location.report("not-json", f"{name} is not JSON")

    try:
        value: object = json.loads(text, object_pairs_hook=members, parse_constant=constant)
    except json.JSONDecodeError as error:
        location.at(None, lines_before + error.lineno).fail("not-json", _describe_error(text, error))
    except RecursionError:
        location.fail("not-json", "the file is nested too deeply")
    except ValueError:
        location.fail("not-json", "a number has too many digits")
    location.raise_errors()
    return value


def _body(text: str, location: SourceLocation) -> tuple[str, int]:
    """The JSON text and the number of lines before it."""
    if not text.startswith("HTTP/"):
        return text, 0
    text = text.replace("\r\n", "\n")
    head, blank, body = text.partition("\n\n")
    if not blank:
        location.fail("not-json", "expected an HTTP response with a body, got none")
    return body.removeprefix("\ufeff"), head.count("\n") + 2


def _describe_error(text: str, error: json.JSONDecodeError) -> str:
    character = text[error.pos : error.pos + 1]
    got = shown(character) if character else "the end of the file"
    if character in {"}", "]"} and text[: error.pos].rstrip()[-1:] == ",":
        got += " after a trailing comma"
    return f"not JSON at column {error.colno}: {error.msg[0].lower()}{error.msg[1:]}, got {got}"
