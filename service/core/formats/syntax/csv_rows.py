"""Read the rows of a CSV file with their line numbers, and write rows as CSV. Pure."""

import csv
import io
from collections.abc import Iterable

import msgspec

from service.core.validation.diagnostics import SourceLocation, decode


class Row(msgspec.Struct, frozen=True):
    """The cells of one row, and the line on which it begins, counted from 1."""

    line: int
    cells: tuple[str, ...]


def read_rows(data: bytes, location: SourceLocation, *, delimiters: str = ",") -> list[Row]:
    """The rows that are not empty. The delimiter is the first character of `delimiters` that occurs in the file.

    Raises:
        InvalidCatalog: the file is too large, not UTF-8, or not CSV.
    """
    text = decode(data, location)
    delimiter = next((character for character in text if character in delimiters), delimiters[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    line = 1
    try:
        for cells in reader:
            if any(cells):
                rows.append(Row(line, tuple(cell.replace("\r\n", "\n") for cell in cells)))
            line = reader.line_num + 1
    except csv.Error as error:
        location.at(None, line).fail("not-csv", f"not CSV: {error}")
    return rows


def write_rows(rows: Iterable[Iterable[str]]) -> bytes:
    """The rows as CSV in UTF-8 without a byte order mark. Only cells that need quotation marks get them."""
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def has_columns(row: Row, count: int, location: SourceLocation) -> bool:
    """Whether a row has this number of cells; another number is reported."""
    if len(row.cells) != count:
        location.at(None, row.line).report("columns", f"expected {count} cells, got {len(row.cells)}")
    return len(row.cells) == count
