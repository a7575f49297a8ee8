import msgspec
import pytest

from service.core.formats import read
from service.core.formats.registry import IMPORT_FORMATS


def told(read):
    return [(entry.locale, entry.key, entry.text) for entry in read.entries]


def read_names(valid_files, draft, *names, **options):
    return read.read({name: valid_files[name] for name in names}, draft=draft, **options)


@pytest.mark.parametrize("name", IMPORT_FORMATS)
def test_texts_of_every_format_are_read(valid_files, draft, name):
    found = read.read({"upload": valid_files[name]}, draft=draft)

    assert found.diagnostics == ()
    assert bool(found.entries) is (name != "achievements2017")


def test_a_po_file_is_its_texts_with_the_source_that_was_translated(valid_files, draft):
    found = read_names(valid_files, draft, "po")

    assert (found.format, found.diagnostics) == ("po", ())
    assert told(found) == [("fr-FR", "title/name", "Verre de sel"), ("fr-FR", "achievement/8/name", "Allumeur")]
    assert [(entry.source, entry.line) for entry in found.entries] == [("Saltglass", 6), ("Lamplighter", 10)]


def test_a_captured_page_is_texts_in_the_language_that_is_named(valid_files, draft):
    other = msgspec.structs.replace(draft, title=msgspec.structs.replace(draft.title, title_id=3))

    assert ("de-DE", "achievement/3/name", "Lamplighter") in told(
        read_names(valid_files, draft, "xbox-page", locale="de-DE")
    )
    assert read_names(valid_files, other, "xbox-page").entries == ()


def test_partner_centers_files_join_by_their_ids(valid_files, draft):
    found = read_names(valid_files, draft, "localization", "achievements2017", locale="fr-FR")

    assert told(found) == [("fr-FR", "achievement/1/name", "Premiers pas")]
    assert [(entry.source, entry.line) for entry in found.entries] == [("First Steps", 5)]


def test_steams_slots_and_languages_are_keys_and_locales_of_the_title(valid_files, draft):
    draft = msgspec.structs.replace(draft, texts={**draft.texts, "fr-FR": {"title/name": "Verre"}})

    found = read_names(valid_files, draft, "steam")

    assert told(found) == [
        ("en-US", "achievement/1/name", 'First "Light"'),
        ("en-US", "achievement/1/locked_description", "Light the lighthouse."),
        ("en-US", "string/steam/STAT_2_NAME", "Lamps"),
        ("fr-FR", "achievement/1/name", "Première lueur"),
    ]
    assert [entry.line for entry in found.entries] == [7, 8, 9, 16]
    assert found.entries[-1].source == 'First "Light"'


def test_a_slot_that_is_given_is_taken(valid_files, draft):
    first, eighth = draft.achievements
    moved = msgspec.structs.replace(eighth, stores=(("steam", "1_0"),))
    free = msgspec.structs.replace(first, stores=(("steam", "5_31"),))

    found = read_names(valid_files, msgspec.structs.replace(draft, achievements=(free, moved)), "steam", locale="fr")
    taken = read_names(valid_files, msgspec.structs.replace(draft, achievements=(first, moved)), "steam")

    assert told(found) == [("fr", "achievement/8/name", "Première lueur")]
    assert [problem.rule for problem in taken.diagnostics] == ["two-of-a-name"]


def test_google_play_knows_an_achievement_by_its_name(valid_files, draft):
    assert told(read_names(valid_files, draft, "google-play")) == [
        ("fr-FR", "achievement/8/name", "Allumeur"),
        ("fr-FR", "achievement/8/locked_description", "Allumez 250 réverbères."),
    ]


def test_a_secret_has_its_description_in_stores_that_have_only_one(valid_files, draft):
    secret = msgspec.structs.replace(draft.achievements[1], is_secret=True)
    draft = msgspec.structs.replace(draft, achievements=(draft.achievements[0], secret))

    assert told(read_names(valid_files, draft, "google-play"))[1][1] == "achievement/8/description"


def test_what_only_epic_has_is_kept(valid_files, draft):
    assert told(read_names(valid_files, draft, "epic")) == [
        ("en-US", "string/epic/8/lockedTitle", "A lamp?"),
        ("en-US", "achievement/8/locked_description", "Light 250 street lamps."),
        ("en-US", "achievement/8/name", "Lamplighter"),
        ("en-US", "achievement/8/description", "Lit 250 street lamps."),
        ("en-US", "string/epic/8/lockedIcon", "locked.png"),
        ("fr", "achievement/8/name", "Allumeur"),
        ("fr", "string/epic/swim/unlockedTitle", "Nageur"),
    ]


def test_a_title_of_its_own_while_locked_can_be_the_usual_one_again(valid_files, draft):
    english = {**draft.texts["en-US"], "string/epic/8/lockedTitle": "A lamp?"}
    draft = msgspec.structs.replace(draft, texts={"en-US": english})
    data = valid_files["epic"].replace(b"A lamp?", b"Lamplighter")

    found = read.read({"a.csv": data}, draft=draft)

    assert ("en-US", "string/epic/8/lockedTitle", "Lamplighter") in told(found)


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
def test_what_cannot_be_read_is_told_and_not_raised(draft, files, options, rule):
    found = read.read(files, draft=draft, **options)

    assert found.entries == ()
    assert rule in [problem.rule for problem in found.diagnostics]
