"""Fuzz every reader: any file is read, or raises InvalidCatalog with diagnostics; never another exception."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import errors
from service.core.formats.detect import detect_format
from service.core.formats.plain_csv import read_csv
from service.core.formats.po import read_po
from service.core.formats.stores.epic import read_epic
from service.core.formats.stores.google_play import LOCALIZATIONS, METADATA, read_play
from service.core.formats.stores.steam import read_vdf
from service.core.formats.toml_catalog import read_toml
from service.core.formats.xbox.captured_page import read_definitions, read_progress
from service.core.formats.xbox.partner_center import read_achievements2017, read_localization
from tests.core.conftest import TOML

DRAFT = read_toml(TOML.encode(), file="title.toml")
READERS = {
    "xbox-page": [
        lambda data: read_definitions(data, file="f", locale="en-US"),
        lambda data: read_progress(data, file="f"),
    ],
    "toml": [lambda data: read_toml(data, file="f")],
    "po": [lambda data: read_po(data, file="f")],
    "localization": [lambda data: read_localization(data, file="f")],
    "achievements2017": [lambda data: read_achievements2017(data, file="f")],
    "steam": [lambda data: read_vdf(data, file="f", draft=DRAFT)],
    "google-play": [
        lambda data: read_play({"f.zip" if data.startswith(b"PK") else LOCALIZATIONS: data}, draft=DRAFT),
        lambda data: read_play({METADATA: data}, draft=DRAFT),
    ],
    "epic": [lambda data: read_epic(data, file="f", draft=DRAFT)],
    "csv": [lambda data: read_csv(data, file="f")],
}

odd_values = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        2**32,
        2**64,
        1.5,
        1e308,
        "",
        " ",
        "\0",
        "\ud800",
        "٣",
        "x" * 5000,
        [],
        {},
        [None],
        [[]],
        {"a": 1},
    ]
)


def reads_or_reports(read, data):
    """Read a file, or check that the raised diagnostics can be printed."""
    try:
        read(data)
    except errors.InvalidCatalog as error:
        raised = error
    else:
        return
    assert raised.diagnostics
    assert all(diagnostic.file and diagnostic.rule and diagnostic.message for diagnostic in raised.diagnostics)
    assert str(raised).encode()


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_file_is_read_or_reported(valid_files, name, data):
    """Truncated, with flipped bytes, and with repeated, moved and replaced pieces."""
    result = bytearray(valid_files[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(result)))
        to = data.draw(st.integers(at, min(len(result), at + 40)))
        piece = data.draw(st.sampled_from([b"", result[at:to] * 2, result[: to - at]]) | st.binary(max_size=8))
        result[at:to] = piece
    if data.draw(st.booleans()):
        del result[data.draw(st.integers(0, len(result))) :]

    for read in READERS[name]:
        reads_or_reports(read, bytes(result))


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_page_with_a_wrong_type_anywhere_is_read_or_reported(valid_files, data):
    page = json.loads(valid_files["xbox-page"])
    here = page
    while True:
        key = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        if not isinstance(here[key], dict | list) or not here[key] or data.draw(st.booleans()):
            break
        here = here[key]
    here[key] = data.draw(odd_values)

    for read in READERS["xbox-page"]:
        reads_or_reports(read, json.dumps(page).encode())


@pytest.mark.parametrize("name", READERS)
@given(data=st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read_or_reported(name, data):
    for read in READERS[name]:
        reads_or_reports(read, data)
    reads_or_reports(lambda data: detect_format(data, "f"), data)


@pytest.mark.parametrize("name", READERS)
def test_file_above_5_mb_is_an_error(name, rules_of):
    for read in READERS[name]:
        assert rules_of(read, b" " * (5 * 1024 * 1024 + 1)) == ["too-large"]


def test_reading_stops_after_a_thousand_errors(rules_of):
    rubbish = b'{"achievements": [' + b"1," * 5000 + b"1]}"

    assert len(rules_of(READERS["xbox-page"][0], rubbish)) == 1000
