import msgspec
import pytest

from service.core.formats import read
from service.core.formats.registry import IMPORT_FORMATS


def texts_of(read):
    return [(entry.locale, entry.key, entry.text) for entry in read.entries]


def read_names(valid_files, draft, *names, **options):
    return read.read({name: valid_files[name] for name in names}, draft=draft, **options)


@pytest.mark.parametrize("name", IMPORT_FORMATS)
def test_texts_of_every_format_are_read(valid_files, draft, name):
    result = read.read({"upload": valid_files[name]}, draft=draft)

    assert result.diagnostics == ()
    assert bool(result.entries) is (name != "achievements2017")


def test_po_entries_have_the_source_that_was_translated(valid_files, draft):
    result = read_names(valid_files, draft, "po")

    assert (result.format, result.diagnostics) == ("po", ())
    assert texts_of(result) == [("fr-FR", "title/name", "Verre de sel"), ("fr-FR", "achievement/8/name", "Allumeur")]
    assert [(entry.source, entry.line) for entry in result.entries] == [("Saltglass", 6), ("Lamplighter", 10)]


def test_texts_of_a_captured_page_are_in_the_given_locale(valid_files, draft):
    other = msgspec.structs.replace(draft, title=msgspec.structs.replace(draft.title, title_id=3))

    assert ("de-DE", "achievement/3/name", "Lamplighter") in texts_of(
        read_names(valid_files, draft, "xbox-page", locale="de-DE")
    )
    assert read_names(valid_files, other, "xbox-page").entries == ()


def test_partner_center_files_are_joined_by_string_id(valid_files, draft):
    result = read_names(valid_files, draft, "localization", "achievements2017", locale="fr-FR")

    assert texts_of(result) == [("fr-FR", "achievement/1/name", "Premiers pas")]
    assert [(entry.source, entry.line) for entry in result.entries] == [("First Steps", 5)]


def test_steam_slots_and_languages_become_text_keys_and_locales(valid_files, draft):
    draft = msgspec.structs.replace(draft, texts={**draft.texts, "fr-FR": {"title/name": "Verre"}})

    result = read_names(valid_files, draft, "steam")

    assert texts_of(result) == [
        ("en-US", "achievement/1/name", 'First "Light"'),
        ("en-US", "achievement/1/locked_description", "Light the lighthouse."),
        ("en-US", "string/steam/STAT_2_NAME", "Lamps"),
        ("fr-FR", "achievement/1/name", "Première lueur"),
    ]
    assert [entry.line for entry in result.entries] == [7, 8, 9, 16]
    assert result.entries[-1].source == 'First "Light"'


def test_slot_of_the_definition_overrides_the_default(valid_files, draft):
    first, eighth = draft.achievements
    moved = msgspec.structs.replace(eighth, stores=(("steam", "1_0"),))
    free = msgspec.structs.replace(first, stores=(("steam", "5_31"),))

    result = read_names(valid_files, msgspec.structs.replace(draft, achievements=(free, moved)), "steam", locale="fr")
    taken = read_names(valid_files, msgspec.structs.replace(draft, achievements=(first, moved)), "steam")

    assert texts_of(result) == [("fr", "achievement/8/name", "Première lueur")]
    assert [diagnostic.rule for diagnostic in taken.diagnostics] == ["two-of-a-name"]


def test_google_play_identifies_an_achievement_by_its_name(valid_files, draft):
    assert texts_of(read_names(valid_files, draft, "google-play")) == [
        ("fr-FR", "achievement/8/name", "Allumeur"),
        ("fr-FR", "achievement/8/locked_description", "Allumez 250 réverbères."),
    ]


def test_store_with_one_description_has_the_unlocked_one_of_a_secret(valid_files, draft):
    secret = msgspec.structs.replace(draft.achievements[1], is_secret=True)
    draft = msgspec.structs.replace(draft, achievements=(draft.achievements[0], secret))

    assert texts_of(read_names(valid_files, draft, "google-play"))[1][1] == "achievement/8/description"


def test_texts_that_only_epic_has_are_kept(valid_files, draft):
    assert texts_of(read_names(valid_files, draft, "epic")) == [
        ("en-US", "string/epic/8/lockedTitle", "A lamp?"),
        ("en-US", "achievement/8/locked_description", "Light 250 street lamps."),
        ("en-US", "achievement/8/name", "Lamplighter"),
        ("en-US", "achievement/8/description", "Lit 250 street lamps."),
        ("en-US", "string/epic/8/lockedIcon", "locked.png"),
        ("fr", "achievement/8/name", "Allumeur"),
        ("fr", "string/epic/swim/unlockedTitle", "Nageur"),
    ]


def test_own_locked_title_can_be_replaced_by_the_default_one(valid_files, draft):
    english = {**draft.texts["en-US"], "string/epic/8/lockedTitle": "A lamp?"}
    draft = msgspec.structs.replace(draft, texts={"en-US": english})
    data = valid_files["epic"].replace(b"A lamp?", b"Lamplighter")

    result = read.read({"a.csv": data}, draft=draft)

    assert ("en-US", "string/epic/8/lockedTitle", "Lamplighter") in texts_of(result)


@pytest.mark.parametrize(
    ("files", "options", "rule"),
    [
        pytest.param({}, {}, "no-file", id="nothing"),
        pytest.param({"a.bin": b"\x89PNG"}, {}, "unknown-format", id="a picture"),
        pytest.param({"a.po": b""}, {"format": "xliff"}, "unknown-format", id="a format that is not read"),
        pytest.param({"a.po": b"", "b.json": b"{}"}, {}, "two-formats", id="two formats"),
        pytest.param({"a.po": b'msgid "'}, {}, "unterminated-string", id="a broken file"),
        pytest.param({"a.csv": b"key,fr\ntitle/name," + b"x" * 1_000_000}, {}, "not-csv", id="a million characters"),
        pytest.param(
            {"a.vdf": b'"lang" {"english" {"Tokens" {"a" "' + b"x" * 1_000_000 + b'"}}}'},
            {},
            "too-long",
            id="a million in VDF",
        ),
    ],
)
def test_errors_are_returned_and_not_raised(draft, files, options, rule):
    result = read.read(files, draft=draft, **options)

    assert result.entries == ()
    assert rule in [diagnostic.rule for diagnostic in result.diagnostics]
