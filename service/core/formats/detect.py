"""Detect the format of a file by its content and, where that is ambiguous, by its name. Pure."""

import itertools
from collections.abc import Iterator
from pathlib import PurePath

from service.core.formats.registry import FORMATS, IMPORT_FORMATS, ImportFormat
from service.core.formats.xbox import partner_center
from service.core.validation.diagnostics import SourceLocation, checked_bytes

_EXAMINED_BYTES = 65_536


def detect_format(data: bytes, filename: str) -> ImportFormat:
    """The format of a file.

    Raises:
        InvalidCatalog: the file is too large or in no format that can be read; the message lists these.
    """
    location = SourceLocation(filename)
    start = checked_bytes(data, location)[:_EXAMINED_BYTES]
    detected = next(_matching(start, PurePath(filename).name), None)
    if detected is None:
        *descriptions, last = (row.description for row in FORMATS.values() if row.description is not None)
        location.fail("unknown-format", f"expected {', '.join(descriptions)}, or {last}")
    return detected


def _matching(start: bytes, name: str) -> Iterator[ImportFormat]:
    """The formats that match by the start of the file, then by its name, then by what it contains."""
    rows = [(format_name, FORMATS[format_name]) for format_name in IMPORT_FORMATS]
    if start.lstrip().startswith(b"<"):
        root = partner_center.root_name(start)
        return (format_name for format_name, row in rows if row.xml_root is not None and row.xml_root == root)
    by_start = (format_name for format_name, row in rows if row.start is not None and row.start.match(start))
    by_name = (format_name for format_name, row in rows if row.file_name is not None and row.file_name.fullmatch(name))
    by_content = (format_name for format_name, row in rows if row.contains is not None and row.contains.search(start))
    return itertools.chain(by_start, by_name, by_content)
