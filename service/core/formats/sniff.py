"""Which format a file is in, by what stands in it and, where that leaves two, by its name. Pure."""

import re
from pathlib import PurePath
from typing import Literal, get_args

from service.core.formats.problems import Place, bounded

Format = Literal["xbox-page", "achievements2017", "localization", "toml", "po"]
FORMATS: tuple[Format, ...] = get_args(Format)

READABLE = (
    "a captured Xbox page (JSON, or the HTTP answer), achievements2017.xml, localization.xml, our TOML, or gettext PO"
)

_ROOT = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,40}:)?(Localization|Achievements2017)[\s/>]")
_PO = re.compile(rb"^[ \t]*msgid[ \t]*\"", re.MULTILINE)
_TOML = re.compile(rb"^[ \t]*title_id[ \t]*=", re.MULTILINE)


def sniff(data: bytes, filename: str) -> Format:
    """The format of a file.

    Raises:
        BadCatalogue: it is too large, or none that can be read; the message names those.
    """
    place = Place(filename)
    found = _format(bounded(data, place)[:65_536], PurePath(filename).suffix.lower())
    if found is None:
        place.refuse("unknown-format", f"expected {READABLE}")
    return found


def _format(start: bytes, suffix: str) -> Format | None:
    first = start.lstrip()[:1]
    if first == b"<":
        root = _ROOT.search(start)
        return None if root is None else "localization" if root[1] == b"Localization" else "achievements2017"
    if start.startswith(b"HTTP/") or first == b"{" or (first == b"[" and suffix != ".toml"):
        return "xbox-page"
    if suffix in {".po", ".pot"}:
        return "po"
    if suffix == ".toml" or _TOML.search(start):
        return "toml"
    return "po" if _PO.search(start) else None
