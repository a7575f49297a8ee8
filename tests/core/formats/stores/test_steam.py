import pytest

from service.core.formats.stores.steam import read_vdf


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
