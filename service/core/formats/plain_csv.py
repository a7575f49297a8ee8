"""Read and write texts as a spreadsheet: `key`, `source`, and a column for each other locale. Pure.

A cell that a spreadsheet would run as a formula is written after an apostrophe, and so is one that already has
apostrophes before a formula. Reading removes exactly one, so that every text is unchanged (CSV injection).
"""

import re

from service.core.catalog import text_keys
from service.core.catalog.model import Draft
from service.core.formats.entry import Entry
from service.core.formats.syntax.csv_rows import Row, has_columns, read_rows, write_rows
from service.core.validation import values
from service.core.validation.diagnostics import SourceLocation

KEY, SOURCE = "key", "source"
_FORMULA = re.compile("(?P<apostrophes>'*)[-=+@\t\r\n＝＋－＠]")


def write_csv(draft: Draft) -> bytes:
    """Every text that has a source, in the order of the achievements: the same bytes for the same draft.

    It begins with a byte order mark, without which spreadsheets do not recognize UTF-8.
    """
    default = draft.title.default_locale
    sources = draft.texts.get(default, {})
    others = sorted(locale for locale, texts in draft.texts.items() if texts and locale != default)
    rows = [
        [key, sources[key], *(draft.texts[locale].get(key, "") for locale in others)]
        for key in text_keys.written_keys(draft)
    ]
    table = [[KEY, SOURCE, *others], *rows]
    return "\ufeff".encode() + write_rows([escape_formula(cell) for cell in row] for row in table)


def read_csv(data: bytes, *, file: str) -> list[Entry]:
    """The texts of all locale columns. Cells may be separated by commas, semicolons or tabs.

    Raises:
        InvalidCatalog: the file has another first row, a key or a column occurs twice, or a value is invalid.
    """
    location = SourceLocation(file)
    rows = read_rows(data, location, delimiters=",;\t")
    if not rows or rows[0].cells[0] != KEY:
        location.at(None, 1).fail("unknown-format", "expected a first row that begins with key, source")
    header, *body = rows
    locales = _locales(header, location)
    lines: dict[str, int] = {}
    entries: list[Entry] = []
    for row in body:
        if not has_columns(row, len(header.cells), location):
            continue
        cells = [unescape_formula(cell) for cell in row.cells]
        row_location = location.at(cells[0], row.line)
        key = row_location.read(values.label, cells[0])
        if key in lines:
            row_location.report("duplicate-entry", f"the key is already at line {lines[key]}")
        lines[key] = row.line
        source = cells[header.cells.index(SOURCE)] if SOURCE in header.cells else None
        entries += [
            Entry(
                key=key, locale=locale, text=row_location.read(values.text, cells[index]), line=row.line, source=source
            )
            for index, locale in locales.items()
        ]
    location.raise_errors()
    return entries


def escape_formula(cell: str) -> str:
    """The cell such that a spreadsheet shows it as text."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescape_formula(cell: str) -> str:
    """The cell before `escape_formula`."""
    match = _FORMULA.match(cell)
    return cell[1:] if match is not None and match["apostrophes"] else cell


def _locales(header: Row, location: SourceLocation) -> dict[int, str]:
    header_location = location.at(None, header.line)
    locales: dict[int, str] = {}
    for index, name in enumerate(header.cells):
        if name in {KEY, SOURCE}:
            if name in header.cells[:index]:
                header_location.report("duplicate-column", f"expected one column {name}, got two")
            continue
        locale = header_location.read(values.locale, name)
        if locale in locales.values():
            header_location.report("duplicate-column", f"expected one column {locale}, got two")
        locales[index] = locale
    location.raise_errors()
    return locales
