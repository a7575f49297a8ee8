import shutil
import subprocess
import time
import tracemalloc

import msgspec
import polib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.formats.entry import Entry
from service.core.formats.po import read_po, write_commented, write_po, write_pot
from service.core.formats.toml_catalog import read_toml
from service.errors import InvalidCatalog
from tests.isolation.large_title import po_of_backslashes

HEADER = 'msgid ""\nmsgstr ""\n"Language: fr_FR\\n"\n\n'
ENTRY = 'msgctxt "achievement/8/name"\nmsgid "Lamplighter"\nmsgstr "Allumeur"\n'


def read(text, **options):
    return read_po(text.encode(), file="fr.po", **options)


@pytest.fixture
def draft(valid_files):
    draft = read_toml(valid_files["toml"], file="a.toml")
    french = {"achievement/8/name": "Allumeur « 8 »", "achievement/8/description": 'Dit "250"\\\net \u2028 plus'}
    return msgspec.structs.replace(draft, texts={**draft.texts, "fr-FR": french})


def test_entry_has_key_source_text_and_line():
    entries = read(
        HEADER + "#, max-length:44, fuzzy\n" + ENTRY + 'msgctxt "b"\nmsgid ""\n"two\\n"\n"lines"\nmsgstr ""\n'
    )

    assert entries == [
        Entry(
            key="achievement/8/name",
            locale="fr-FR",
            text="Allumeur",
            line=6,
            source="Lamplighter",
            needs_review=True,
        ),
        Entry(key="b", locale="fr-FR", text="", line=9, source="two\nlines"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("\ufeff" + HEADER + ENTRY, "Allumeur", id="a byte order mark"),
        pytest.param((HEADER + ENTRY).replace("\n", "\r\n"), "Allumeur", id="CRLF"),
        pytest.param(HEADER + ENTRY.replace("Allumeur", "a\u2028b"), "a\u2028b", id="U+2028"),
        pytest.param(HEADER + '#, fuzzy\n#~ msgid "Gone"\n#~ msgstr "x"\n' + ENTRY, "Allumeur", id="an obsolete entry"),
        pytest.param(HEADER + ENTRY.replace("Allumeur", r"\"\\n"), r'"\n', id="escapes"),
    ],
)
def test_text_is_unescaped_whatever_the_line_ends(text, expected):
    [entry] = read(text)

    assert (entry.text, entry.needs_review) == (expected, False)


def test_declared_charset_is_used():
    text = HEADER.replace("fr_FR", "fr_FR\\nContent-Type: text/plain; charset=ISO-8859-1") + ENTRY.replace("All", "Él")

    [entry] = read_po(text.encode("latin-1"), file="fr.po")

    assert entry.text == "Élumeur"


@pytest.mark.parametrize(
    ("language", "locale"),
    [("fr_FR", "fr-FR"), ("zh_Hant_TW", "zh-Hant-TW"), ("sr@latin", "sr-Latn"), ("pt-br", "pt-BR")],
)
def test_language_may_be_in_gettext_spelling(language, locale):
    [entry] = read(HEADER.replace("fr_FR", language) + ENTRY, locale=locale)

    assert entry.locale == locale


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            HEADER + ENTRY.replace('lighter"', "lighter"), ("unterminated-string", 6), id="no end of a string"
        ),
        pytest.param(HEADER + ENTRY.replace("All", r"\q"), ("bad-escape", 7), id="an unknown escape"),
        pytest.param(HEADER + ENTRY.replace("msgid", "msgit"), ("not-po", 6), id="an unknown keyword"),
        pytest.param(HEADER + ENTRY.replace('msgid "Lamplighter"', "lamp"), ("not-po", 6), id="no PO"),
        pytest.param('"a"\n' + HEADER + ENTRY, ("not-po", 1), id="a string without a keyword"),
        pytest.param(HEADER + ENTRY.replace('msgstr "Allumeur"', ""), ("missing-msgstr", 5), id="no msgstr"),
        pytest.param(HEADER + ENTRY.replace('msgid "Lamplighter"', ""), ("missing-msgid", 5), id="no msgid"),
        pytest.param(HEADER + ENTRY + 'msgstr "b"\n', ("duplicate-msgstr", 8), id="a msgstr twice"),
        pytest.param(HEADER + ENTRY + ENTRY, ("duplicate-entry", 8), id="an entry twice"),
        pytest.param(HEADER + ENTRY + HEADER, ("no-key", 8), id="a header twice"),
        pytest.param(HEADER + ENTRY.replace("msgctxt", "# msgctxt"), ("no-key", 6), id="no msgctxt"),
        pytest.param(HEADER + ENTRY.replace("msgstr", 'msgid_plural "b"\nmsgstr[0]'), ("plural", 5), id="plural forms"),
        pytest.param(HEADER + ENTRY.replace("All", "\x07"), ("control-character", 5), id="a control character"),
        pytest.param(ENTRY, ("no-language", 1), id="no language"),
        pytest.param(HEADER.replace("fr_FR", "french!"), ("locale", 1), id="a language that is none"),
        pytest.param(
            HEADER.replace("Language", "Content-Type: text/plain; charset=rot13\\n"), ("charset", None), id="rot13"
        ),
    ],
)
def test_invalid_file_is_reported_with_the_line(errors_of, text, expected):
    assert errors_of(read, text) == [expected]


def test_byte_outside_the_charset_is_reported_with_its_line(errors_of):
    data = (HEADER + ENTRY).encode().replace(b"Allumeur", b"\xc9clairez")

    assert errors_of(read_po, data, file="fr.po") == [("not-text", 7)]


def test_language_must_be_the_expected_one(rules_of):
    assert rules_of(read, HEADER + ENTRY, locale="de-DE") == ["other-language"]


def test_written_file_reads_back_unchanged(draft):
    entries = read_po(write_po(draft, "fr-FR"), file="fr.po")

    assert {entry.locale for entry in entries} == {"fr-FR"}
    assert {entry.key: entry.text for entry in entries if entry.text} == draft.texts["fr-FR"]
    assert {entry.key: entry.source for entry in entries} == draft.texts["en-US"]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_text_reads_back_unchanged(drafts, data):
    draft = data.draw(drafts)
    sources = draft.texts[draft.title.default_locale]
    backwards = {key: text[::-1] for key, text in sources.items()}
    translated = msgspec.structs.replace(draft, texts={**draft.texts, "ja": backwards})

    written = write_po(translated, "ja")

    entries = read_po(written, file="ja.po", locale="ja")
    assert {entry.key: (entry.source, entry.text) for entry in entries} == {
        key: (text, text[::-1]) for key, text in sources.items()
    }


def test_entries_have_the_order_of_the_achievements_and_a_hint(draft):
    written = write_po(draft, "fr-FR").decode()

    keys = [entry.key for entry in read(written)]
    assert keys[:3] == ["title/name", "achievement/1/name", "achievement/1/description"]
    assert keys[4:6] == ["achievement/1/reward/inapp/name", "achievement/8/name"]
    assert '#. Achievement 8, shown once unlocked\n#, max-length:100\nmsgctxt "achievement/8/description"' in written
    assert "Date" not in written


def test_commented_file_keeps_the_first_of_equal_texts():
    entry = Entry(key="title/name", locale="fr-FR", text="Nom", source="Name", line=3, needs_review=True)

    written = write_commented([(entry, "kept"), (entry, "again")], "fr-FR")

    assert [(read.text, read.needs_review) for read in read_po(written, file="fr.po")] == [("Nom", True)]
    assert (b"#. kept\n" in written, b"#: line:3\n" in written, b"again" in written) == (True, True, False)


def test_template_has_every_source_and_no_translation(draft):
    entries = read_po(write_pot(draft), file="a.pot", locale="en-US")

    assert {entry.key: entry.source for entry in entries} == draft.texts["en-US"]
    assert {entry.text for entry in entries} == {""}


def test_polib_reads_a_written_file(draft, tmp_path):
    path = tmp_path / "fr.po"
    path.write_bytes(write_po(draft, "fr-FR"))

    texts = {entry.msgctxt: entry.msgstr for entry in polib.pofile(str(path)) if entry.msgstr}

    assert texts == draft.texts["fr-FR"]


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="GNU gettext is not installed")
def test_msgfmt_accepts_a_written_file(draft, tmp_path):
    for name, data in {"fr.po": write_po(draft, "fr-FR"), "a.pot": write_pot(draft)}.items():
        path = tmp_path / name
        path.write_bytes(data)

        subprocess.run(["msgfmt", "--check", "-o", "-", path], check=True, capture_output=True)  # noqa: S603, S607


def test_report_takes_time_in_proportion_to_its_strings():
    def seconds(count: int) -> float:
        entries = [
            (Entry(key=f"k/{number}", locale="fr-FR", text="x", source=str(number)), "new") for number in range(count)
        ]
        started = time.process_time()
        write_commented(entries, "fr-FR")
        return time.process_time() - started

    seconds(10)

    assert seconds(2400) < 4 * 8 * max(seconds(300), 0.005)


@pytest.mark.parametrize("end", [b'"\n', b"", b'\\q"\n'], ids=["closed", "unterminated", "bad escape"])
def test_string_of_escapes_takes_memory_in_proportion_to_its_size(end):
    data = po_of_backslashes(200_000).removesuffix(b'"\n') + end
    tracemalloc.start()
    try:
        with pytest.raises(InvalidCatalog):
            read_po(data, file="a.po")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 25 * len(data)
