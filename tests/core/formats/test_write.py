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
    """The title with texts in locales that not every store has a code for."""
    texts = {"fr-FR": {"achievement/8/name": "Allumeur"}, "fr-CA": {"achievement/8/name": "Allumeuse"}}
    return msgspec.structs.replace(draft, texts={**draft.texts, **texts, "ca": {"title/name": "Vidre de sal"}})


@pytest.mark.parametrize("name", set(EXPORT_FORMATS) - {"google-play"})
def test_same_title_gives_the_same_bytes(title, name):
    backwards = {locale: dict(reversed(texts.items())) for locale, texts in reversed(title.texts.items())}

    assert export(title, name) == export(msgspec.structs.replace(title, texts=backwards), name)


def test_locale_without_a_code_of_the_store_is_reported(title):
    assert export(title, "steam").left_out == (
        "the ca texts: Steam has no place for them",
        "the fr-CA texts: Steam has no place for them",
    )
    assert export(title, "xbox").left_out == ()


def test_zip_has_every_format_that_can_hold_the_title(title):
    result = export(title, "zip")

    with zipfile.ZipFile(io.BytesIO(result.files["title-3051199919.zip"])) as archive:
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
    assert [line for line in result.left_out if line.startswith("google-play:") and "points" in line]


def test_crowdin_and_transifex_settings_match_the_paths(title):
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


def test_default_locale_wins_a_code_that_two_locales_have(title):
    default = msgspec.structs.replace(title.title, default_locale="zh-Hans")
    texts = {"zh-CN": {"achievement/8/name": "b"}, "zh-Hans": title.texts["en-US"]}

    result = export(msgspec.structs.replace(title, title=default, texts=texts), "xbox")

    assert b'<DevDisplayLocale locale="zh-CN" />' in result.files["localization.xml"]
    assert result.left_out == ("the zh-CN texts: Partner Center has no place for them",)
    assert b">b<" not in result.files["localization.xml"]


def test_string_without_a_default_text_is_not_written_for_xbox(title):
    texts = {**title.texts, "fr-FR": {"string/Presence_1": "Au port"}}
    both = {**texts, "en-US": {**title.texts["en-US"], "string/Presence_1": "In the harbour"}}

    for result, is_there in ((texts, False), (both, True)):
        files = export(msgspec.structs.replace(title, texts=result), "xbox").files
        assert (b"Au port" in files["localization.xml"]) is is_there


def test_text_that_xbox_requires_is_an_error_if_missing(title, rules_of):
    english = {key: text for key, text in title.texts["en-US"].items() if key != "achievement/8/description"}
    texts = {**title.texts, "en-US": english}

    assert rules_of(export, msgspec.structs.replace(title, texts=texts), "xbox") == ["missing-text"]


def test_text_that_xml_does_not_allow_is_an_error(title, rules_of):
    texts = {**title.texts, "fr-FR": {"achievement/8/name": "a\ufffe"}}

    assert rules_of(export, msgspec.structs.replace(title, texts=texts), "xbox") == ["not-xml"]
