"""CSV, store files and ZIP archives: errors, CSV injection and limits."""

import io
import zipfile

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.formats.plain_csv import escape_formula, read_csv, unescape_formula, write_csv
from service.core.formats.stores.epic import read_epic
from service.core.formats.stores.google_play import LOCALIZATIONS, METADATA, read_play, write_play
from service.core.formats.stores.steam import read_vdf
from tests.core.conftest import EPIC_COLUMNS


def zipped(*members, method=zipfile.ZIP_STORED):
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return result.getvalue()


def encrypted():
    """A ZIP with the flag of encryption: zipfile cannot encrypt."""
    data = bytearray(zipped(("a.csv", b"1")))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


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


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param("8,xx!,a,,,,,,\n", ("locale", 2), id="a locale that is none"),
        pytest.param("8,fr,a,,,,,,\n8,fr,b,,,,,,\n", ("duplicate-entry", 3), id="a row twice"),
        pytest.param("8,default,a,,,,,,\n8,en-US,b,,,,,,\n", ("duplicate-entry", 3), id="the default locale twice"),
        pytest.param("8,fr\n", ("columns", 2), id="too few cells"),
    ],
)
def test_invalid_rows_of_epic_are_errors(draft, errors_of, rows, expected):
    assert errors_of(read_epic, (EPIC_COLUMNS + rows).encode(), file="a.csv", draft=draft) == [expected]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param(LOCALIZATIONS, "Name,Localized name,x,locale\n", ("header-row", 1), id="a header row"),
        pytest.param(LOCALIZATIONS, "Lamplighter,a,b,en-US\n", ("default-locale", 1), id="a row of the default locale"),
        pytest.param(LOCALIZATIONS, "Swimmer,a,b,fr-FR\n", ("unknown-name", 1), id="a name of nobody"),
        pytest.param(LOCALIZATIONS, "Lamplighter,a,,fr\nLamplighter,b,,fr\n", ("duplicate-entry", 2), id="a row twice"),
        pytest.param(METADATA, "Lamplighter,a\n", ("columns", 1), id="too few cells"),
        pytest.param("AchievementsIconMappings.csv", "Lamplighter\n", ("columns", 1), id="the other spelling"),
        pytest.param("Achievements.csv", "", ("unknown-format", None), id="a file of another name"),
    ],
)
def test_invalid_rows_of_google_play_are_errors(draft, errors_of, name, text, expected):
    assert errors_of(read_play, {name: text.encode()}, draft=draft) == [expected]
    assert errors_of(read_play, {"a.zip": zipped((name, text))}, draft=draft) == [expected]


def test_google_play_export_has_the_rows_that_it_accepts(draft):
    first, eighth = draft.achievements
    points = msgspec.structs.replace(eighth.rewards[0], value="25")
    fit = (
        msgspec.structs.replace(first, is_secret=True, rewards=(points,)),
        msgspec.structs.replace(eighth, display_order=1, rewards=(points,)),
    )
    texts = {**draft.texts, "zh-Hans": {"achievement/8/name": "點燈人"}}

    data = write_play(msgspec.structs.replace(draft, achievements=fit, texts=texts))

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read(METADATA).decode() == (
            "First Light,Lit the lighthouse.,False,,Hidden,25,1\n"
            "Lamplighter,Light 250 street lamps.,True,250,Revealed,25,2\n"
        )
        assert archive.read(LOCALIZATIONS).decode() == "Lamplighter,點燈人,,zh-CN\n"


@pytest.mark.parametrize("points", [None, "0", "7", "205"])
def test_points_that_google_play_rejects_are_errors(draft, rules_of, points):
    eighth = draft.achievements[1]
    rewards = () if points is None else (msgspec.structs.replace(eighth.rewards[0], value=points),)
    changed = msgspec.structs.replace(draft, achievements=(msgspec.structs.replace(eighth, rewards=rewards),))

    assert rules_of(write_play, changed) == ["points"]


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        pytest.param(b"PK\x03\x04rubbish", "not-zip", id="no ZIP"),
        pytest.param(zipped(("../AchievementsMetadata.csv", b"")), "path", id="a path upwards"),
        pytest.param(zipped(("/etc/passwd", b"")), "path", id="an absolute path"),
        pytest.param(zipped(("a\\b.csv", b"")), "path", id="a path of Windows"),
        pytest.param(zipped(("a/b.csv", b"")), "path", id="a folder"),
        pytest.param(zipped(*((f"{n}.png", b"") for n in range(501))), "too-many-files", id="501 files"),
        pytest.param(zipped((METADATA, b" " * 1_048_577)), "too-large", id="a file of more than 1 MB"),
        pytest.param(zipped((METADATA, b" " * 1_000_000), method=zipfile.ZIP_DEFLATED), "bomb", id="a bomb"),
        pytest.param(zipped((METADATA, b"a"), method=zipfile.ZIP_LZMA), "packing", id="a rare way of packing"),
        pytest.param(encrypted(), "encrypted", id="an encrypted file"),
        pytest.param(zipped(("b.png", b"")), "unknown-format", id="nothing of it"),
    ],
)
def test_dangerous_zip_is_an_error(draft, rules_of, data, rule):
    assert rule in rules_of(read_play, {"a.zip": data}, draft=draft)


def test_zip_with_false_sizes_is_an_error(draft, rules_of):
    data = bytearray(zipped((METADATA, b" " * 900_000), method=zipfile.ZIP_DEFLATED))
    for header, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(header) + at
        data[start : start + 4] = (1000).to_bytes(4, "little")

    assert rules_of(read_play, {"a.zip": bytes(data)}, draft=draft)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('"lang" {"english" {"Tokens" {\n"a" "b\n', ("unterminated-string", 2), id="no end of a string"),
        pytest.param('"lang"\n{\n"english"\n{\n"Tokens"\n{\n"a" "b"\n', ("not-vdf", 7), id="no end of a block"),
        pytest.param('"words" "a"\n', ("unknown-format", 1), id="another file"),
        pytest.param('"lang"\n{\nenglish\n', ("not-vdf", 3), id="a name without quotation marks"),
        pytest.param('"lang" "' + "\n" * 6 + '"', ("too-long", 1), id="a text of many lines"),
        pytest.param('"lang"\n{\n"english" "a"\n}\n', ("unknown-format", 3), id="no tokens"),
        pytest.param(
            '"lang"\n{\n"klingon"\n{\n"Tokens"\n{\n}\n}\n}\n', ("unknown-language", 3), id="no language of Steam"
        ),
        pytest.param(
            '"lang"\n{\n"english"\n{\n"Tokens"\n{\n"a" "b"\n"a" "c"\n}\n}\n}\n', ("duplicate-entry", 8), id="twice"
        ),
        pytest.param(
            '"lang"\n{\n"english"\n{\n"Tokens"\n{\n"a" "b" "c" "d"\n}\n}\n}\n', ("not-vdf", None), id="two in a line"
        ),
        pytest.param(
            '"lang"\n{\n"english"\n{\n"Tokens"\n{\n"a" "b\\a"\n}\n}\n}\n', ("control-character", 7), id="a bell"
        ),
    ],
)
def test_invalid_vdf_is_reported_with_the_line(draft, errors_of, text, expected):
    assert errors_of(read_vdf, text.encode(), file="a.vdf", draft=draft) == [expected]


def test_vdf_with_many_unterminated_lines_is_read_quickly(draft, errors_of):
    text = '"lang"\n{\n"english"\n{\n"Tokens"\n{\n"a" "' + "b\n" * 1_000_000

    assert errors_of(read_vdf, text.encode(), file="a.vdf", draft=draft) == [("unterminated-string", 7)]
