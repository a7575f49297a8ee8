import pytest

from service.core.formats import strings
from service.core.formats.toml_catalogue import read_toml


@pytest.fixture
def draft(valid_files):
    return read_toml(valid_files["toml"], file="a.toml")


def told(read):
    return [(entry.locale, entry.key, entry.text) for entry in read.entries]


def test_a_po_file_is_its_texts_with_the_source_that_was_translated(valid_files, draft):
    found = strings.read({"fr.po": valid_files["po"]}, draft=draft)

    assert (found.format, found.problems) == ("po", ())
    assert told(found) == [("fr-FR", "title/name", "Verre de sel"), ("fr-FR", "achievement/8/name", "Allumeur")]
    assert [(entry.source, entry.line) for entry in found.entries] == [("Saltglass", 6), ("Lamplighter", 10)]


def test_a_captured_page_is_texts_in_the_language_that_is_named(valid_files, draft):
    found = strings.read({"page.json": valid_files["xbox-page"]}, draft=draft, locale="de-DE")

    assert ("de-DE", "achievement/3/name", "Lamplighter") in told(found)


def test_partner_centers_files_join_by_their_ids(valid_files, draft):
    files = {"l.xml": valid_files["localization"], "a.xml": valid_files["achievements2017"]}

    found = strings.read(files, draft=draft, locale="fr-FR")

    assert told(found) == [("fr-FR", "achievement/1/name", "Premiers pas")]
    assert found.entries[0].source == "First Steps"


@pytest.mark.parametrize(
    ("files", "options", "rule"),
    [
        pytest.param({}, {}, "no-file", id="nothing"),
        pytest.param({"a.bin": b"\x89PNG"}, {}, "unknown-format", id="a picture"),
        pytest.param({"a.po": b""}, {"format": "xliff"}, "unknown-format", id="a format that is not read"),
        pytest.param({"a.po": b"", "b.json": b"{}"}, {}, "two-formats", id="two formats"),
        pytest.param({"a.po": b'msgid "'}, {}, "unterminated-string", id="a broken file"),
    ],
)
def test_what_cannot_be_read_is_told_and_not_raised(draft, files, options, rule):
    found = strings.read(files, draft=draft, **options)

    assert found.entries == ()
    assert rule in [problem.rule for problem in found.problems]
