"""Named SQL statements with typed rows; each is declared beside the function that uses it.

`query("progress.of_players", row=Progress)` is the statement under `-- name: of_players` in
`sql/queries/progress.sql`. Its `:value`s become `$1`, `$2`, … in the order of their first appearance; quoted
strings, comments and `::casts` are left alone. An array slice needs a space after its colon (`[1: n]`).
"""

import functools
import pathlib
import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from service.db import Connection

Row = TypeVar("Row", bound=msgspec.Struct)

DECLARED: "list[Query[Any] | Statement]" = []
"""All declared statements: a test prepares them on a real PostgreSQL and compares their columns with the row types."""

_NAME = re.compile(r"^-- name:[ \t]*(\w+)[ \t]*$", re.MULTILINE)
_PIECE = re.compile(
    r"""
      \b[eE]'(?:[^'\\]|\\.|'')*'                # a string with escapes
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
    | --[^\n]*
    | /\*.*?\*/
    | ::
    | :(?P<value>[^\W\d]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


class Statement:
    """One SQL statement and the names of its values, in the order of its `$n`."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.sql, self.values = numbered(text)
        self._names = frozenset(self.values)

    async def run(self, connection: Connection, **values: object) -> int:
        """Execute the statement and return the number of affected rows, from the command tag of PostgreSQL; 0 without one."""
        answer = await connection.execute(self.sql, *self.arguments(values))
        count = answer.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """The values in the order of their `$n`.

        Raises:
            TypeError: a value is missing, or the statement has no value of that name.
        """
        if values.keys() != self._names:
            raise TypeError(f"{self.name}: expected the values {sorted(self._names)}, got {sorted(values)}")
        return [values[name] for name in self.values]


class Query(Statement, Generic[Row]):
    """One SQL statement whose rows become structs, column by column."""

    def __init__(self, name: str, text: str, row: type[Row]) -> None:
        super().__init__(name, text)
        self.row = row

    async def all(self, connection: Connection, **values: object) -> list[Row]:
        """All rows, in the order of the statement."""
        return [self.row(*record) for record in await connection.fetch(self.sql, *self.arguments(values))]

    async def first(self, connection: Connection, **values: object) -> Row | None:
        """The first row, None without rows."""
        record = await connection.fetchrow(self.sql, *self.arguments(values))
        return None if record is None else self.row(*record)

    async def one(self, connection: Connection, **values: object) -> Row:
        """The row of a statement that always returns one.

        Raises:
            LookupError: it returned none.
        """
        row = await self.first(connection, **values)
        if row is None:
            raise LookupError(f"{self.name}: expected a row, got none")
        return row


def query(name: str, *, row: type[Row]) -> Query[Row]:
    """Declare a statement that returns rows; `name` is "file.statement", `row` has one field per column, in order."""
    declared = Query(name, _text(name), row)
    DECLARED.append(declared)
    return declared


def statement(name: str) -> Statement:
    """Declare a statement that returns no rows; `name` is "file.statement"."""
    declared = Statement(name, _text(name))
    DECLARED.append(declared)
    return declared


def sql_folder() -> pathlib.Path:
    """The folder of migrations/ and queries/: in the installed package, or beside it in a checkout."""
    installed = pathlib.Path(__file__).parents[1] / "_sql"
    return installed if installed.is_dir() else installed.parents[1] / "sql"


@functools.cache
def read_statements(file: pathlib.Path) -> Mapping[str, str]:
    """The statements of one file by name, each with its comments and without the final semicolon.

    Raises:
        ValueError: two statements have the same name.
    """
    _, *parts = _NAME.split(file.read_text(encoding="utf-8"))
    statements = dict(zip(parts[::2], parts[1::2], strict=True))
    if 2 * len(statements) < len(parts):
        raise ValueError(f"{file.name}: two statements have the same name, of {', '.join(parts[::2])}")
    return {name: text.strip().removesuffix(";") for name, text in statements.items()}


def numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with `$n` for each `:value`, and the values' names in that order; a repeated one keeps its number."""
    numbers: dict[str, int] = {}

    def piece(match: re.Match[str]) -> str:
        value = match["value"]
        return match[0] if value is None else f"${numbers.setdefault(value, len(numbers) + 1)}"

    return _PIECE.sub(piece, text), tuple(numbers)


def _text(name: str) -> str:
    file, _, statement_name = name.partition(".")
    statements = read_statements(sql_folder() / "queries" / f"{file}.sql")
    if statement_name not in statements:
        raise LookupError(f"sql/queries/{file}.sql has no statement {statement_name!r}; it has {', '.join(statements)}")
    return statements[statement_name]
