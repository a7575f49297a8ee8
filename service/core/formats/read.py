"""Read the texts of files in any format, as entries under the text keys of a title. Pure.

Strings whose ids the title does not know get keys that begin with `string/`, so that an export has them again.
"""

import msgspec

from service.core.catalog.model import Draft
from service.core.formats.detect import detect_format
from service.core.formats.entry import Entry
from service.core.formats.registry import FORMATS, IMPORT_FORMATS, Files, ImportFormat, Reader
from service.core.validation.diagnostics import SourceLocation
from service.errors import Diagnostic, InvalidCatalog


class ReadResult(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of files. If there are diagnostics, there are no entries. `format` is "unknown" if not detected."""

    format: str
    entries: tuple[Entry, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def read(
    files: Files,
    *,
    draft: Draft,
    format: str | None = None,  # noqa: A002  (the name that callers know it by)
    locale: str | None = None,
) -> ReadResult:
    """The texts of files of one format, in the order of the files. Errors are returned, not raised.

    `draft` is the title that the texts belong to. `format` is detected if it is None. `locale` is the language of
    a file that names none; a file in one language must be in it, and of a file in several only this one is read.
    """
    name = format or "unknown"
    try:
        name, reader = _format_of(files, format)
        entries = reader(files, draft, locale)
    except InvalidCatalog as error:
        return ReadResult(format=name, entries=(), diagnostics=error.diagnostics)
    with_text = tuple(entry for entry in entries if entry.text and locale in {None, entry.locale})
    return ReadResult(format=name, entries=with_text)


def _format_of(files: Files, given: str | None) -> tuple[str, Reader]:
    """The common format of all files, and its reader."""
    if not files:
        SourceLocation("").fail("no-file", "expected at least one file")
    names = {file: given or detect_format(data, file) for file, data in files.items()}
    formats = {file: _reading_format(name, file) for file, name in names.items()}
    first = next(iter(formats.values()))
    for file, name in formats.items():
        if name != first:
            message = f"expected files of one format, got {first} and {name}: import them one by one"
            SourceLocation(file).fail("two-formats", message)
    reader = FORMATS[first].read
    assert reader is not None  # noqa: S101  (every import format has a reader, or one to be read with)
    return first, reader


def _reading_format(name: str, file: str) -> ImportFormat:
    known = next((known for known in IMPORT_FORMATS if known == name), None)
    if known is None:
        SourceLocation(file).fail("unknown-format", f"expected {', '.join(IMPORT_FORMATS)}, got {name!r}")
    return FORMATS[known].read_with or known
