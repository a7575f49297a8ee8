"""Read the sample files of each platform from the shared test data."""

import pathlib

import msgspec
import pytest

from service.core.formats import read

SAMPLES = pathlib.Path(__file__).parents[4] / "shared/data/l10n/formats"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")


@pytest.fixture
def title(draft):
    """A title whose achievements have the names of those in the samples."""
    english = {
        "achievement/1/name": "Night Owl",
        "achievement/1/locked_description": "Play until sunrise",
        "achievement/8/name": "Lamplighter",
        "achievement/8/locked_description": "Light 250 street lamps",
        "achievement/8/description": "Lit 250 street lamps",
    }
    owl, lamps = draft.achievements
    named = (owl, msgspec.structs.replace(lamps, public_id="lamplighter"))
    return msgspec.structs.replace(draft, achievements=named, texts={"en-US": english})


def read_samples(title, *names):
    result = read.read({name: (SAMPLES / name).read_bytes() for name in names}, draft=title)
    assert result.diagnostics == ()
    return {(entry.locale, entry.key): entry.text for entry in result.entries}


def test_google_play_files_are_read(title):
    names = ("Metadata", "Localizations", "IconsMappings")

    result = read_samples(title, *(f"google_play/Achievements{name}.csv" for name in names))

    assert result["fr-FR", "achievement/1/locked_description"] == "Jouez jusqu'au lever du soleil"
    assert result["fr-FR", "achievement/8/name"] == "Allumeur"
    assert {key: text for (locale, key), text in result.items() if locale == "en-US"}.items() <= title.texts[
        "en-US"
    ].items()


def test_epic_file_is_read(title):
    result = read_samples(title, "epic/achievementLocalizations.csv")

    assert result["fr", "achievement/8/description"] == "250 réverbères allumés"
    assert {key for _, key in result if key.startswith("string/")} == set()


def test_steam_file_is_read(title):
    result = read_samples(title, "steam/loc_all.vdf")

    assert result["en-US", "achievement/1/name"] == 'First "Light"'
    assert result["zh-Hans", "achievement/1/name"] == "第一盏灯"
    assert result["es-419", "achievement/1/name"] == "Primera luz"


def test_partner_center_files_are_read(title):
    result = read_samples(title, "xbox/localization.with-fr-ar.xml", "xbox/achievements2017.xml")

    assert result["ar-SA", "achievement/8/name"] == "مشعل المصابيح"
    assert result["fr-FR", "achievement/8/locked_description"] == "Éclairez 250 réverbères"


@pytest.mark.parametrize("name", ["roundtrip", "crlf", "bom", "latin1"])
def test_po_file_is_read(title, name):
    assert {locale for locale, _ in read_samples(title, f"po/{name}.po")} == {"fr-FR"}


def bad_files():
    return sorted(SAMPLES.glob("*/bad-*")) if SAMPLES.is_dir() else []


@pytest.mark.parametrize("path", bad_files(), ids=lambda path: path.name)
def test_invalid_file_is_reported_with_a_line(title, path):
    result = read.read({path.name: path.read_bytes()}, draft=title)

    assert result.entries == ()
    assert result.diagnostics[0].line
