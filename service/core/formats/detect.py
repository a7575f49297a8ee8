"""Which format a file is in, by what stands in it and, where that leaves two, by its name. Pure."""

import itertools
import re
from pathlib import PurePath
from typing import Literal, get_args

from service.core.formats.stores import google_play
from service.core.validation.diagnostics import SourceLocation, checked_bytes

Format = Literal["xbox-page", "achievements2017", "localization", "toml", "po", "steam", "google-play", "epic", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

READABLE = (
    "a captured Xbox page (JSON, or the HTTP answer), achievements2017.xml, localization.xml, our TOML, gettext PO,"
    " Steam's loc_all.vdf, Google Play's ZIP or CSV files, Epic's achievementLocalizations.csv, or a CSV of key, source"
    " and locales"
)

_ROOT = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,40}:)?(Localization|Achievements2017)[\s/>]")
_STARTS: tuple[tuple[Format, re.Pattern[bytes]], ...] = (
    ("google-play", re.compile(rb"PK")),
    ("epic", re.compile(rb"name,locale,lockedTitle")),
    ("csv", re.compile(rb'"?key"?[,;\t]')),
    ("steam", re.compile(rb'\s*"lang"[\s{]', re.IGNORECASE)),
    ("xbox-page", re.compile(rb"HTTP/|\s*\{")),
)
_NAMES: tuple[tuple[Format, re.Pattern[str]], ...] = (
    ("google-play", google_play.FILE_NAME),
    ("steam", re.compile(r".*\.vdf", re.IGNORECASE)),
    ("po", re.compile(r".*\.pot?", re.IGNORECASE)),
    ("toml", re.compile(r".*\.toml", re.IGNORECASE)),
)
_PARTS: tuple[tuple[Format, re.Pattern[bytes]], ...] = (
    ("xbox-page", re.compile(rb"\A\s*\[")),
    ("toml", re.compile(rb"^[ \t]*title_id[ \t]*=", re.MULTILINE)),
    ("po", re.compile(rb"^[ \t]*msgid[ \t]*\"", re.MULTILINE)),
)


def sniff(data: bytes, filename: str) -> Format:
    """The format of a file.

    Raises:
        InvalidCatalog: it is too large, or none that can be read; the message names those.
    """
    location = SourceLocation(filename)
    found = _format(checked_bytes(data, location)[:65_536], PurePath(filename).name)
    if found is None:
        location.fail("unknown-format", f"expected {READABLE}")
    return found


def _format(start: bytes, name: str) -> Format | None:
    """By how it begins, by its name, by what else stands in it: in this order."""
    if start.lstrip().startswith(b"<"):
        root = _ROOT.search(start)
        return None if root is None else "localization" if root[1] == b"Localization" else "achievements2017"
    by_start = (found for found, pattern in _STARTS if pattern.match(start))
    by_name = (found for found, pattern in _NAMES if pattern.fullmatch(name))
    by_part = (found for found, pattern in _PARTS if pattern.search(start))
    return next(itertools.chain(by_start, by_name, by_part), None)
