"""Files in the shape of each platform's own, where they are."""

import pathlib

import msgspec
import pytest

from service.core.formats import read

SAMPLES = pathlib.Path(__file__).parents[4] / "shared/data/l10n/formats"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")


@pytest.fixture
def title(draft):
    """A title whose achievements are called as those of the samples."""
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
    found = read.read({name: (SAMPLES / name).read_bytes() for name in names}, draft=title)
    assert found.diagnostics == ()
    return {(entry.locale, entry.key): entry.text for entry in found.entries}


def test_google_plays_three_files(title):
    names = ("Metadata", "Localizations", "IconsMappings")

    found = read_samples(title, *(f"google_play/Achievements{name}.csv" for name in names))

    assert found["fr-FR", "achievement/1/locked_description"] == "Jouez jusqu'au lever du soleil"
    assert found["fr-FR", "achievement/8/name"] == "Allumeur"
    assert {key: text for (locale, key), text in found.items() if locale == "en-US"}.items() <= title.texts[
        "en-US"
    ].items()


def test_epics_file(title):
    found = read_samples(title, "epic/achievementLocalizations.csv")

    assert found["fr", "achievement/8/description"] == "250 réverbères allumés"
    assert {key for _, key in found if key.startswith("string/")} == set()


def test_steams_file(title):
    found = read_samples(title, "steam/loc_all.vdf")

    assert found["en-US", "achievement/1/name"] == 'First "Light"'
    assert found["zh-Hans", "achievement/1/name"] == "第一盏灯"
    assert found["es-419", "achievement/1/name"] == "Primera luz"


def test_partner_centers_files(title):
    found = read_samples(title, "xbox/localization.with-fr-ar.xml", "xbox/achievements2017.xml")

    assert found["ar-SA", "achievement/8/name"] == "مشعل المصابيح"
    assert found["fr-FR", "achievement/8/locked_description"] == "Éclairez 250 réverbères"


@pytest.mark.parametrize("name", ["roundtrip", "crlf", "bom", "latin1"])
def test_po_files(title, name):
    assert {locale for locale, _ in read_samples(title, f"po/{name}.po")} == {"fr-FR"}


def bad_files():
    return sorted(SAMPLES.glob("*/bad-*")) if SAMPLES.is_dir() else []


@pytest.mark.parametrize("path", bad_files(), ids=lambda path: path.name)
def test_a_bad_file_is_refused_with_a_line(title, path):
    found = read.read({path.name: path.read_bytes()}, draft=title)

    assert found.entries == ()
    assert found.diagnostics[0].line
