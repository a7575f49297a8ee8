"""Parse a TOML file, and find the lines of its tables and keys for diagnostics. Pure."""

import collections
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from service.core.validation.diagnostics import SourceLocation, decode

# tomllib takes quadratic time for a dotted key; keys of a catalog have two parts.
_LONG_KEY = re.compile(r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){32}""")
_BARE_KEY = re.compile("[A-Za-z0-9_-]{1,64}")
MAX_ARRAYS = 16  # different names of [[…]] headers; a catalog has six
MAX_PATH_PARTS = 8


def read_toml_document(data: bytes, location: SourceLocation) -> dict[str, Any]:
    """The parsed document. Sets the `lines` of the location.

    Raises:
        InvalidCatalog: the file is too large, not UTF-8, or not TOML.
    """
    text = decode(data, location)
    if long_key := _LONG_KEY.search(text):
        line = text.count("\n", 0, long_key.start()) + 1
        location.at(None, line).fail("not-toml", "a dotted key of more than 32 parts")
    try:
        document = tomllib.loads(text)
    except RecursionError:
        location.fail("not-toml", "the file is nested too deeply")
    except ValueError as error:
        line_in_message = re.search("at line ([0-9]{1,9})", str(error))
        at_error = location.at(None, int(line_in_message[1]) if line_in_message else None)
        at_error.fail("not-toml", f"not TOML: {error}"[:200])
    location.lines = _lines(text)
    return document


def _lines(text: str) -> dict[str, int]:
    """The line of each table and key by its path, such as `achievements[2].name`.

    Headers and keys are found if each has a line of its own, as is usual; others have no line.
    """
    lines: dict[str, int] = {}
    arrays: collections.Counter[str] = collections.Counter()
    path, open_quotes = "", ""
    for number, line in enumerate(text.split("\n"), 1):
        if open_quotes:
            open_quotes = "" if line.count(open_quotes) % 2 else open_quotes
            continue
        stripped = line.strip()
        if stripped.startswith("["):
            name = stripped.lstrip("[").partition("]")[0].replace(" ", "")
            if stripped.startswith("[["):
                arrays[name] += 1
                if len(arrays) > MAX_ARRAYS:
                    return {}  # not a catalog
                for nested in [nested for nested in arrays if nested.startswith(name + ".")]:
                    del arrays[nested]
            path = _path(name, arrays)
            lines.setdefault(path, number)
        elif _BARE_KEY.fullmatch(key := stripped.partition("=")[0].rstrip()):
            lines.setdefault(f"{path}.{key}" if path else key, number)
        open_quotes = next((quotes for quotes in ('"""', "'''") if line.count(quotes) % 2), "")
    return lines


def _path(name: str, arrays: Mapping[str, int]) -> str:
    """The name of a header with the index of each array in it: `achievements.media` → `achievements[2].media[0]`."""
    parts = name.split(".")[:MAX_PATH_PARTS]
    path = [
        f"{part}[{arrays[whole] - 1}]" if (whole := ".".join(parts[: depth + 1])) in arrays else part
        for depth, part in enumerate(parts)
    ]
    return ".".join(path)
