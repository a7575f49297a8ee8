"""Named statements: parameters, files, rows; and every declared statement against a real PostgreSQL."""

import decimal
import importlib
import inspect
import pathlib
import pkgutil
import types
import typing
import uuid
from datetime import date, datetime

import asyncpg
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import service
from service.db import queries
from service.db.queries import DECLARED, Query, Statement, numbered, read_statements, sql_folder

COLUMNS_OF = {
    bool: {"bool"},
    int: {"int2", "int4", "int8"},
    float: {"float4", "float8"},
    str: {"text", "varchar", "name", "json", "jsonb"},
    bytes: {"bytea"},
    uuid.UUID: {"uuid"},
    decimal.Decimal: {"numeric"},
    date: {"date"},
    datetime: {"timestamptz"},  # `timestamp` has no time zone
}


class Pair(msgspec.Struct, frozen=True):
    """A row of PAIRS."""

    number: int
    word: str


PAIRS = (
    "SELECT n.number, n.word FROM unnest(:numbers::integer [], :words::text []) AS n (number, word) ORDER BY n.number"
)


# Parameters


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("SELECT ':value', 'it''s :value'", id="a string"),
        pytest.param(r"SELECT E'\':value'", id="an escape string"),
        pytest.param('SELECT t.":value" FROM t', id="a quoted name"),
        pytest.param("SELECT $$:value$$, $a$ $$ :value $a$", id="a dollar-quoted string"),
        pytest.param("SELECT 1 -- :value\n", id="a line comment"),
        pytest.param("SELECT 1 /* :value\n :value */", id="a block comment"),
        pytest.param("SELECT now()::date::text", id="casts"),
        pytest.param("SELECT a[1:2] FROM t", id="a slice"),
        pytest.param("SELECT 'it''s', 1 -- isn't :value", id="an apostrophe in a comment"),
    ],
)
def test_text_without_parameters_is_unchanged(text):
    assert numbered(text) == (text, ())


def test_parameters_are_numbered_by_first_appearance():
    assert numbered("SELECT :b::text, :a, :b -- :c") == ("SELECT $1::text, $2, $1 -- :c", ("b", "a"))


_PLAIN = st.sampled_from(
    ["SELECT 1 ", "a::text ", "':v' ", '":v" ', "-- it's :v\n", "/* :v */ ", "$q$:v$q$ ", "x[1:2] "]
)
_VALUE = st.sampled_from("abcd")


@given(st.lists(st.one_of(_PLAIN.map(lambda text: (text, None)), _VALUE.map(lambda name: (f":{name} ", name)))))
def test_only_parameters_of_a_statement_change(pieces):
    order = list(dict.fromkeys(name for _, name in pieces if name))
    expected = "".join(text if name is None else f"${order.index(name) + 1} " for text, name in pieces)

    assert numbered("".join(text for text, _ in pieces)) == (expected, tuple(order))


@pytest.mark.parametrize(
    "values", [{}, {"numbers": []}, {"numbers": [], "words": [], "more": 1}, {"numbers": [], "word": []}]
)
def test_missing_and_unknown_values_raise_before_anything_is_sent(values):
    with pytest.raises(TypeError, match=r"^test\.pairs: "):
        Statement("test.pairs", PAIRS).arguments(values)


# Files


def test_file_is_read_as_statements_by_name(tmp_path: pathlib.Path):
    file = tmp_path / "topic.sql"
    file.write_text("-- A topic.\n\n-- name: one\n-- Selects one.\nSELECT 1;\n\n-- name: two\nSELECT 2;\n")

    assert read_statements(file) == {"one": "-- Selects one.\nSELECT 1", "two": "SELECT 2"}


def test_two_statements_with_the_same_name_raise(tmp_path: pathlib.Path):
    file = tmp_path / "topic.sql"
    file.write_text("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")

    with pytest.raises(ValueError, match="same name"):
        read_statements(file)


def test_declaring_an_unknown_statement_raises():
    with pytest.raises(LookupError, match="no_such_statement"):
        queries.statement("migrate.no_such_statement")


# Rows


async def test_rows_become_structs(connection):
    pairs = Query("test.pairs", PAIRS, Pair)

    assert await pairs.all(connection, numbers=[2, 1], words=["b", "a"]) == [Pair(1, "a"), Pair(2, "b")]
    assert await pairs.first(connection, numbers=[2, 1], words=["b", "a"]) == Pair(1, "a")
    assert await pairs.one(connection, numbers=[2], words=["b"]) == Pair(2, "b")


async def test_first_without_rows_is_none_and_one_raises(connection):
    pairs = Query("test.pairs", PAIRS, Pair)

    assert await pairs.all(connection, numbers=[], words=[]) == []
    assert await pairs.first(connection, numbers=[], words=[]) is None
    with pytest.raises(LookupError, match=r"^test\.pairs: "):
        await pairs.one(connection, numbers=[], words=[])


async def test_run_returns_the_number_of_affected_rows(connection):
    await connection.execute("CREATE TEMPORARY TABLE pair (number integer, word text) ON COMMIT DROP")
    add = Statement("test.add", "INSERT INTO pair (number, word) VALUES (:number, :word)")

    assert await add.run(connection, word="a", number=1) == 1
    assert await add.run(connection, word="b", number=2) == 1
    assert await Statement("test.clear", "DELETE FROM pair").run(connection) == 2
    assert await Statement("test.make", "CREATE TEMPORARY TABLE other () ON COMMIT DROP").run(connection) == 0


# Statements of the service


def declared() -> list[Statement]:
    """All statements that modules of the service declare."""
    for module in pkgutil.walk_packages(service.__path__, "service."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return list(DECLARED)


async def test_every_statement_in_sql_queries_is_accepted_by_postgresql(connection):
    """Declared or not: all tables, columns, functions and parameter types exist."""
    problems = {}
    for file in sorted((sql_folder() / "queries").glob("*.sql")):
        for name, text in read_statements(file).items():
            try:
                async with connection.transaction():
                    await connection.prepare(numbered(text)[0])
            except asyncpg.PostgresError as error:
                problems[f"{file.stem}.{name}"] = str(error)

    assert problems == {}


async def test_every_declared_query_has_the_columns_of_its_row_type(connection):
    """By name, order and type. PostgreSQL does not report which columns may be NULL."""
    problems = []
    for query in declared():
        if isinstance(query, Query):
            prepared = await connection.prepare(query.sql)
            problems += [f"{query.name}: {problem}" for problem in differences(prepared.get_attributes(), query.row)]

    assert problems == []


def differences(columns, row: type[msgspec.Struct]) -> list[str]:
    """The differences that prevent building the struct from these columns by position."""
    fields = msgspec.structs.fields(row)
    names, expected = [column.name for column in columns], [field.name for field in fields]
    if names != expected:
        return [f"columns {names}, fields {expected}"]
    kinds = {parameter.kind for parameter in inspect.signature(row).parameters.values()}
    if inspect.Parameter.KEYWORD_ONLY in kinds:
        return [f"{row.__name__} cannot be built by position"]
    return [
        f"{field.name} is {column.type.name}, not {field.type}"
        for column, field in zip(columns, fields, strict=True)
        if column.type.name not in columns_of(field.type)
    ]


def columns_of(kind: typing.Any) -> set[str]:
    """The column types that asyncpg decodes into this Python type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        [inner] = [argument for argument in arguments if argument is not type(None)]
        return columns_of(inner)
    if origin is typing.Literal:
        return set.intersection(*(columns_of(type(value)) for value in arguments))
    if origin is list:
        return {f"{name}[]" for name in columns_of(arguments[0])}
    return COLUMNS_OF.get(kind, set())


class Wide(msgspec.Struct):
    """A row with every kind of field type."""

    number: int
    words: list[str] | None
    kind: typing.Literal["a", "b"]
    at: datetime


class WideByName(Wide, kw_only=True):
    """A row that cannot be built by position."""

    more: int


@pytest.mark.parametrize(
    ("sql", "row", "problems"),
    [
        pytest.param("1::int8 AS number, NULL::text[] AS words, 'a'::text AS kind, now() AS at", Wide, 0, id="equal"),
        pytest.param("NULL::text[] AS words, 1 AS number, 'a'::text AS kind, now() AS at", Wide, 1, id="swapped"),
        pytest.param("1 AS number, NULL::text[] AS words, 'a'::text AS kind", Wide, 1, id="missing column"),
        pytest.param(
            "1.5 AS number, ''::text AS words, 'a'::text AS kind, now()::timestamp AS at", Wide, 3, id="types"
        ),
        pytest.param("1 AS number, NULL::int8[] AS words, 1 AS kind, now() AS at", Wide, 2, id="inner types"),
        pytest.param(
            "1 AS number, NULL::text[] AS words, ''::text AS kind, now() AS at, 1 AS more",
            WideByName,
            1,
            id="keyword-only",
        ),
    ],
)
async def test_differences_between_columns_and_fields_are_found(connection, sql, row, problems):
    prepared = await connection.prepare(f"SELECT {sql}")

    assert len(differences(prepared.get_attributes(), row)) == problems
