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
    datetime: {"timestamptz"},  # `timestamp` would come without a zone
}


class Pair(msgspec.Struct, frozen=True):
    """A row of PAIRS."""

    number: int
    word: str


PAIRS = (
    "SELECT n.number, n.word FROM unnest(:numbers::integer [], :words::text []) AS n (number, word) ORDER BY n.number"
)


# The text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("SELECT ':value', 'it''s :value'", id="a string"),
        pytest.param(r"SELECT E'\':value'", id="a string with escapes"),
        pytest.param('SELECT t.":value" FROM t', id="a quoted name"),
        pytest.param("SELECT $$:value$$, $a$ $$ :value $a$", id="a string in dollars"),
        pytest.param("SELECT 1 -- :value\n", id="a comment to the end of the line"),
        pytest.param("SELECT 1 /* :value\n :value */", id="a comment over lines"),
        pytest.param("SELECT now()::date::text", id="casts"),
        pytest.param("SELECT a[1:2] FROM t", id="a slice"),
        pytest.param("SELECT 'it''s', 1 -- isn't :value", id="an apostrophe in a comment"),
    ],
)
def test_what_is_no_value_is_left_alone(text):
    assert numbered(text) == (text, ())


def test_values_are_numbered_as_they_first_appear():
    assert numbered("SELECT :b::text, :a, :b -- :c") == ("SELECT $1::text, $2, $1 -- :c", ("b", "a"))


_PLAIN = st.sampled_from(
    ["SELECT 1 ", "a::text ", "':v' ", '":v" ', "-- it's :v\n", "/* :v */ ", "$q$:v$q$ ", "x[1:2] "]
)
_VALUE = st.sampled_from("abcd")


@given(st.lists(st.one_of(_PLAIN.map(lambda text: (text, None)), _VALUE.map(lambda name: (f":{name} ", name)))))
def test_however_a_statement_is_put_together_only_its_values_change(pieces):
    order = list(dict.fromkeys(name for _, name in pieces if name))
    expected = "".join(text if name is None else f"${order.index(name) + 1} " for text, name in pieces)

    assert numbered("".join(text for text, _ in pieces)) == (expected, tuple(order))


@pytest.mark.parametrize(
    "values", [{}, {"numbers": []}, {"numbers": [], "words": [], "more": 1}, {"numbers": [], "word": []}]
)
def test_missing_and_unknown_values_are_refused_before_anything_is_sent(values):
    with pytest.raises(TypeError, match=r"^test\.pairs: "):
        Statement("test.pairs", PAIRS).arguments(values)


# The file


def test_a_file_holds_statements_by_name(tmp_path: pathlib.Path):
    file = tmp_path / "room.sql"
    file.write_text("-- A room.\n\n-- name: one\n-- Says one.\nSELECT 1;\n\n-- name: two\nSELECT 2;\n")

    assert read_statements(file) == {"one": "-- Says one.\nSELECT 1", "two": "SELECT 2"}


def test_two_statements_of_one_name_are_refused(tmp_path: pathlib.Path):
    file = tmp_path / "room.sql"
    file.write_text("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")

    with pytest.raises(ValueError, match="same name"):
        read_statements(file)


def test_a_statement_that_is_not_there_is_refused_when_it_is_declared():
    with pytest.raises(LookupError, match="no_such_statement"):
        queries.statement("migrate.no_such_statement")


# The rows


async def test_rows_come_as_structs(connection):
    pairs = Query("test.pairs", PAIRS, Pair)

    assert await pairs.all(connection, numbers=[2, 1], words=["b", "a"]) == [Pair(1, "a"), Pair(2, "b")]
    assert await pairs.first(connection, numbers=[2, 1], words=["b", "a"]) == Pair(1, "a")
    assert await pairs.one(connection, numbers=[2], words=["b"]) == Pair(2, "b")


async def test_no_row_is_none_or_an_error(connection):
    pairs = Query("test.pairs", PAIRS, Pair)

    assert await pairs.all(connection, numbers=[], words=[]) == []
    assert await pairs.first(connection, numbers=[], words=[]) is None
    with pytest.raises(LookupError, match=r"^test\.pairs: "):
        await pairs.one(connection, numbers=[], words=[])


async def test_running_a_statement_says_how_many_rows_it_touched(connection):
    await connection.execute("CREATE TEMPORARY TABLE pair (number integer, word text) ON COMMIT DROP")
    add = Statement("test.add", "INSERT INTO pair (number, word) VALUES (:number, :word)")

    assert await add.run(connection, word="a", number=1) == 1
    assert await add.run(connection, word="b", number=2) == 1
    assert await Statement("test.clear", "DELETE FROM pair").run(connection) == 2
    assert await Statement("test.make", "CREATE TEMPORARY TABLE other () ON COMMIT DROP").run(connection) == 0


# What the service declares


def declared() -> list[Statement]:
    """Everything that any module of the service declares."""
    for module in pkgutil.walk_packages(service.__path__, "service."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return list(DECLARED)


async def test_every_statement_of_every_file_is_one_to_postgres(connection):
    """Whether declared or not: its tables, columns, functions and the types of its values are there."""
    problems = {}
    for file in sorted((sql_folder() / "queries").glob("*.sql")):
        for name, text in read_statements(file).items():
            try:
                async with connection.transaction():
                    await connection.prepare(numbered(text)[0])
            except asyncpg.PostgresError as error:
                problems[f"{file.stem}.{name}"] = str(error)

    assert problems == {}


async def test_every_declared_query_gives_the_columns_of_its_row_type(connection):
    """By name, order and type. What may be NULL Postgres does not say."""
    problems = []
    for query in declared():
        if isinstance(query, Query):
            prepared = await connection.prepare(query.sql)
            problems += [f"{query.name}: {problem}" for problem in differences(prepared.get_attributes(), query.row)]

    assert problems == []


def differences(columns, row: type[msgspec.Struct]) -> list[str]:
    """What keeps these columns from becoming this struct, value by value."""
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
    """The types of column that asyncpg decodes into this type."""
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
    """A row with each way that a field says its type."""

    number: int
    words: list[str] | None
    kind: typing.Literal["a", "b"]
    at: datetime


class WideByName(Wide, kw_only=True):
    """A row that cannot be built from a record."""

    more: int


@pytest.mark.parametrize(
    ("sql", "row", "problems"),
    [
        pytest.param("1::int8 AS number, NULL::text[] AS words, 'a'::text AS kind, now() AS at", Wide, 0, id="alike"),
        pytest.param("NULL::text[] AS words, 1 AS number, 'a'::text AS kind, now() AS at", Wide, 1, id="swapped"),
        pytest.param("1 AS number, NULL::text[] AS words, 'a'::text AS kind", Wide, 1, id="one too few"),
        pytest.param(
            "1.5 AS number, ''::text AS words, 'a'::text AS kind, now()::timestamp AS at", Wide, 3, id="types"
        ),
        pytest.param("1 AS number, NULL::int8[] AS words, 1 AS kind, now() AS at", Wide, 2, id="types within"),
        pytest.param(
            "1 AS number, NULL::text[] AS words, ''::text AS kind, now() AS at, 1 AS more", WideByName, 1, id="by name"
        ),
    ],
)
async def test_a_difference_between_columns_and_fields_is_found(connection, sql, row, problems):
    prepared = await connection.prepare(f"SELECT {sql}")

    assert len(differences(prepared.get_attributes(), row)) == problems
