"""Rows of a CSV file with their lines, and rows as a CSV file. Pure."""

import csv
import io
from collections.abc import Iterable

import msgspec

from service.core.validation.diagnostics import SourceLocation, decode


class Row(msgspec.Struct, frozen=True):
    """The cells of one row, and the line on which it begins."""

    line: int
    cells: tuple[str, ...]


def read_rows(data: bytes, place: SourceLocation, *, delimiters: str = ",") -> list[Row]:
    """The rows that are not empty. The first of `delimiters` that ends the first cell is the one of the file.

    Raises:
        InvalidCatalog: it is too large, not UTF-8, or not CSV: with the line.
    """
    text = decode(data, place)
    first = next((letter for letter in text if letter in delimiters), delimiters[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=first, strict=True)
    rows: list[Row] = []
    line = 1
    try:
        for cells in reader:
            if any(cells):
                rows.append(Row(line, tuple(cell.replace("\r\n", "\n") for cell in cells)))
            line = reader.line_num + 1
    except csv.Error as error:
        place.at(None, line).fail("not-csv", f"not CSV: {error}")
    return rows


def written_rows(rows: Iterable[Iterable[str]]) -> bytes:
    """The file, without a byte order mark; a cell is quoted only where it must be."""
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def columns(row: Row, count: int, place: SourceLocation) -> bool:
    """Whether a row has as many cells as it must; what it has instead is noted."""
    if len(row.cells) != count:
        place.at(None, row.line).report("columns", f"expected {count} cells, got {len(row.cells)}")
    return len(row.cells) == count
