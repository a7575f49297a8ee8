import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.formats.plain_csv import escape_formula, read_csv, unescape_formula, write_csv


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\n=1", "＝1", "＠x"])
def test_spreadsheet_never_sees_a_formula(draft, cell):
    texts = {**draft.texts, "fr-FR": {"achievement/8/name": cell}}

    written = write_csv(msgspec.structs.replace(draft, texts=texts)).decode("utf-8-sig")

    assert cell not in {result for row in written.split("\n") for result in row.split(",")}
    [entry] = [entry for entry in read_csv(written.encode(), file="a.csv") if entry.text]
    assert entry.text == cell


@given(st.text(st.sampled_from("'=+-@\t＝a"), max_size=6))
def test_unescaping_a_formula_is_exact(cell):
    assert unescape_formula(escape_formula(cell)) == cell


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiter_is_the_one_after_the_first_cell(delimiter):
    data = 'key,source,fr_fr\ntitle/name,,"a\r\n"" b"\n,,\n'.replace(",", delimiter).encode("utf-8-sig")

    [entry] = read_csv(data, file="a.csv")

    assert (entry.key, entry.locale, entry.text, entry.line, entry.source) == ("title/name", "fr-FR", 'a\n" b', 2, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("name,fr\n", ("unknown-format", 1), id="another table"),
        pytest.param("key,fr,fr-FR,fr\n", ("duplicate-column", 1), id="a column twice"),
        pytest.param("key,source,source\n", ("duplicate-column", 1), id="two sources"),
        pytest.param("key,notes!\n", ("locale", 1), id="a column that is no locale"),
        pytest.param("key,fr\na,b\na,c\n", ("duplicate-entry", 3), id="a key twice"),
        pytest.param('key,fr\na,"b\nc"\nd\n', ("columns", 4), id="a cell too few"),
        pytest.param("key,fr\na,b\x07\n", ("control-character", 2), id="a bell"),
        pytest.param('key,fr\na,"b"c\n', ("not-csv", 2), id="a quotation mark in the middle"),
        pytest.param('key,fr\na,"b\n', ("not-csv", 2), id="no end of a cell"),
        pytest.param("key,fr\na," + "b" * 4001 + "\n", ("too-long", 2), id="a very long text"),
    ],
)
def test_invalid_table_is_reported_with_the_line(errors_of, text, expected):
    assert expected in errors_of(read_csv, text.encode(), file="a.csv")


def test_bytes_that_are_not_utf_8_are_reported_with_their_line(errors_of):
    assert errors_of(read_csv, b"key,fr\na,\xe9\n", file="a.csv") == [("not-text", 2)]
