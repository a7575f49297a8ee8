import configparser
import io
import pathlib
import re
import zipfile

import msgspec
import pytest

from service.core.formats.registry import EXPORT_FORMATS
from service.core.formats.write import export


@pytest.fixture
def title(draft):
    """The title with texts in locales that not every store can name."""
    texts = {"fr-FR": {"achievement/8/name": "Allumeur"}, "fr-CA": {"achievement/8/name": "Allumeuse"}}
    return msgspec.structs.replace(draft, texts={**draft.texts, **texts, "ca": {"title/name": "Vidre de sal"}})


@pytest.mark.parametrize("name", set(EXPORT_FORMATS) - {"google-play"})
def test_the_same_title_is_the_same_bytes(title, name):
    backwards = {locale: dict(reversed(texts.items())) for locale, texts in reversed(title.texts.items())}

    assert export(title, name) == export(msgspec.structs.replace(title, texts=backwards), name)


def test_a_locale_that_a_store_cannot_name_is_told(title):
    assert export(title, "steam").left_out == (
        "the ca texts: Steam has no place for them",
        "the fr-CA texts: Steam has no place for them",
    )
    assert export(title, "xbox").left_out == ()


def test_the_zip_holds_everything_but_what_a_store_would_refuse(title):
    made = export(title, "zip")

    with zipfile.ZipFile(io.BytesIO(made.files["title-3051199919.zip"])) as archive:
        names = set(archive.namelist())
        dates = {entry.date_time for entry in archive.infolist()}
    assert dates == {(1980, 1, 1, 0, 0, 0)}
    assert {
        "title-3051199919.toml",
        "locales/fr_FR/LC_MESSAGES/title-3051199919.po",
        "xbox/localization.xml",
        "xbox/achievements2017.xml",
        "steam/loc_all.vdf",
        "epic/achievementLocalizations.csv",
        "csv/title-3051199919.csv",
    } <= names
    assert "google-play/google-play.zip" not in names
    assert [line for line in made.left_out if line.startswith("google-play:") and "points" in line]


def test_crowdin_and_transifex_look_where_the_files_are(title):
    files = export(title, "toml").files
    [template] = [name for name in files if name.endswith(".pot")]
    translations = {name for name in files if name.endswith(".po")}
    crowdin = dict(re.findall(r"(source|translation): /(\S+)", files["crowdin.yml"].decode()))
    transifex = configparser.ConfigParser(interpolation=None)
    transifex.read_string(files[".tx/config"].decode())
    resource = transifex["o:laurel:p:achievements:r:title-3051199919"]

    assert pathlib.PurePath(template).match(crowdin["source"])
    assert resource["source_file"] == template
    for locale in ("fr_FR", "fr_CA", "ca"):
        names = {"%locale_with_underscore%": locale, "%file_name%": "title-3051199919"}
        place = re.sub("%[a-z_]+%", lambda name, names=names: names[name[0]], crowdin["translation"])
        assert place in translations
        assert resource["file_filter"].replace("<lang>", locale) in translations


def test_of_two_locales_with_one_name_there_the_default_one_has_it(title):
    default = msgspec.structs.replace(title.title, default_locale="zh-Hans")
    texts = {"zh-CN": {"achievement/8/name": "b"}, "zh-Hans": title.texts["en-US"]}

    made = export(msgspec.structs.replace(title, title=default, texts=texts), "xbox")

    assert b'<DevDisplayLocale locale="zh-CN" />' in made.files["localization.xml"]
    assert made.left_out == ("the zh-CN texts: Partner Center has no place for them",)
    assert b">b<" not in made.files["localization.xml"]


def test_a_string_without_a_default_text_is_not_written_for_xbox(title):
    texts = {**title.texts, "fr-FR": {"string/Presence_1": "Au port"}}
    both = {**texts, "en-US": {**title.texts["en-US"], "string/Presence_1": "In the harbour"}}

    for found, is_there in ((texts, False), (both, True)):
        files = export(msgspec.structs.replace(title, texts=found), "xbox").files
        assert (b"Au port" in files["localization.xml"]) is is_there


def test_xbox_gets_nothing_that_it_would_refuse(title, rules_of):
    english = {key: text for key, text in title.texts["en-US"].items() if key != "achievement/8/description"}
    texts = {**title.texts, "en-US": english}

    assert rules_of(export, msgspec.structs.replace(title, texts=texts), "xbox") == ["missing-text"]


def test_a_text_that_fits_no_xml_is_told(title, rules_of):
    texts = {**title.texts, "fr-FR": {"achievement/8/name": "a\ufffe"}}

    assert rules_of(export, msgspec.structs.replace(title, texts=texts), "xbox") == ["not-xml"]
