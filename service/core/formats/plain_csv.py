"""Texts as a spreadsheet: `key`, `source`, and a column for each other locale. Pure.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, and so is one that has
apostrophes before such a beginning: reading takes exactly one away, so every text comes back as it was.
"""

import re

from service.core.catalog.model import Draft
from service.core.formats.entry import Entry
from service.core.formats.syntax.csv_rows import Row, has_columns, read_rows, write_rows
from service.core.validation import publish_rules, values
from service.core.validation.diagnostics import SourceLocation

KEY, SOURCE = "key", "source"
_FORMULA = re.compile("(?P<guards>'*)[-=+@\t\r\n＝＋－＠]")


def write_csv(draft: Draft) -> bytes:
    """Every text that has a source, in the order of the achievements; the same bytes for the same draft.

    It begins with a byte order mark, without which spreadsheets read no UTF-8.
    """
    default = draft.title.default_locale
    sources = draft.texts.get(default, {})
    others = sorted(locale for locale, texts in draft.texts.items() if texts and locale != default)
    rows = [
        [key, sources[key], *(draft.texts[locale].get(key, "") for locale in others)]
        for key in publish_rules.written_keys(draft)
    ]
    table = [[KEY, SOURCE, *others], *rows]
    return "\ufeff".encode() + write_rows([guarded(cell) for cell in row] for row in table)


def read_csv(data: bytes, *, file: str) -> list[Entry]:
    """The texts of all locale columns. Commas, semicolons and tabs may part the cells.

    Raises:
        InvalidCatalog: it is no such table, a key or a column stands twice, or a text is none.
    """
    location = SourceLocation(file)
    rows = read_rows(data, location, delimiters=",;\t")
    if not rows or rows[0].cells[0] != KEY:
        location.at(None, 1).fail("unknown-format", "expected a first row that begins with key, source")
    header, *rest = rows
    locales = _locales(header, location)
    lines: dict[str, int] = {}
    found: list[Entry] = []
    for row in rest:
        if not has_columns(row, len(header.cells), location):
            continue
        cells = [unguarded(cell) for cell in row.cells]
        there = location.at(cells[0], row.line)
        key = there.read(values.label, cells[0])
        if key in lines:
            there.report("duplicate-entry", f"the key already stands at line {lines[key]}")
        lines[key] = row.line
        source = cells[header.cells.index(SOURCE)] if SOURCE in header.cells else None
        found += [
            Entry(key=key, locale=locale, text=there.read(values.text, cells[index]), line=row.line, source=source)
            for index, locale in locales.items()
        ]
    location.raise_errors()
    return found


def guarded(cell: str) -> str:
    """The cell as a spreadsheet may show it: never a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell as it was before."""
    match = _FORMULA.match(cell)
    return cell[1:] if match is not None and match["guards"] else cell


def _locales(header: Row, location: SourceLocation) -> dict[int, str]:
    there = location.at(None, header.line)
    found: dict[int, str] = {}
    for index, name in enumerate(header.cells):
        if name in {KEY, SOURCE}:
            if name in header.cells[:index]:
                there.report("duplicate-column", f"the column {name} stands twice")
            continue
        locale = there.read(values.locale, name)
        if locale in found.values():
            there.report("duplicate-column", f"the column {locale} stands twice")
        found[index] = locale
    location.raise_errors()
    return found
