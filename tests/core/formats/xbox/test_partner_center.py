import pytest

from service.core.catalog.model import Reward
from service.core.formats.xbox.partner_center import read_achievements2017, read_localization
from service.core.formats.xbox.partner_center_draft import build_draft

GIVEN = {
    "file": "achievements2017.xml",
    "title_id": 7,
    "scid": "b5dd9daf-0000-0000-0000-000000000000",
    "product_id": "12345678-1234-1234-1234-123456789012",
}


@pytest.fixture
def localization(valid_files):
    return valid_files["localization"].decode()


@pytest.fixture
def achievements(valid_files):
    return valid_files["achievements2017"].decode()


def build(localization, achievements, **given):
    return build_draft(
        read_localization(localization.encode(), file="localization.xml"),
        read_achievements2017(achievements.encode(), file="achievements2017.xml"),
        **{**GIVEN, **given},
    )


def test_strings_are_joined_to_achievements_by_their_ids(localization, achievements):
    draft = build(localization, achievements, title_name="Saltglass")

    assert draft.texts == {
        "en-US": {
            "title/name": "Saltglass",
            "achievement/1/name": "First Steps",
            "achievement/1/description": "Left the village",
            "achievement/1/locked_description": "Leave the village",
            "string/Presence_RP_1": "Reading the map",
        },
        "fr-FR": {"achievement/1/name": "Premiers pas"},
    }
    [achievement] = draft.achievements
    assert (achievement.number, achievement.display_order, achievement.is_secret) == (1, 4, True)
    assert achievement.rewards == (Reward(kind="Gamerscore", value="25", value_type="Int"),)
    assert achievement.media[0].url == "https://localhost/icons/5d8e0a94-2c17-4f6b-b3a1-6e9c4d0f7b25.png"


def test_two_achievements_may_share_a_string(localization, achievements):
    start, end = achievements.index("  <Achievement>"), achievements.index("</Achievements2017>")
    second = achievements[start:end].replace("<AchievementId>1", "<AchievementId>2")

    draft = build(localization, achievements[:end] + second + achievements[end:])

    assert draft.texts["fr-FR"] == {"achievement/1/name": "Premiers pas", "achievement/2/name": "Premiers pas"}


def test_namespace_may_be_https(localization, achievements):
    secure = [text.replace("http:", "https:") for text in (localization, achievements)]

    assert build(*secure) == build(localization, achievements)


@pytest.mark.parametrize(
    ("was", "becomes", "expected"),
    [
        pytest.param('id="Name_1">', 'id="Name_1">oops', ("text-in-element", 5), id="text inside LocalizedString"),
        pytest.param('locale="fr-FR"', 'locale=" "', ("locale", 7), id="a blank locale"),
        pytest.param('locale="fr-FR"', 'locale="fr"', ("locale", 7), id="a locale without a region"),
        pytest.param('locale="fr-FR"', 'locale="EN-us"', ("duplicate-locale", 7), id="a locale twice"),
        pytest.param('<Value locale="en-US">First Steps</Value>', "", ("no-developer-locale", 5), id="not in English"),
        pytest.param('id="Name_1"', 'id="Presence_RP_1"', ("duplicate-string", 5), id="a string twice"),
        pytest.param("Premiers pas", "Premiers <b>pas</b>", ("unknown-element", 7), id="markup"),
        pytest.param("Premiers pas", "Premiers&#x85;pas", ("control-character", 7), id="a control character"),
        pytest.param("<DevDisplayLocale", "<DisplayLocale", ("unknown-element", 3), id="an unknown element"),
        pytest.param("</Localization>", "", ("not-xml", 12), id="an end that is missing"),
        pytest.param("Premiers pas", "&pas;", ("not-xml", 7), id="an undefined entity"),
        pytest.param("<Localization", "<!DOCTYPE x>\n<Localization", ("doctype", 2), id="a DOCTYPE"),
        pytest.param("localization/1", "localization/2", ("unknown-format", 2), id="another namespace"),
        pytest.param('"utf-8"', '"hex"', ("not-xml", None), id="an encoding that is none"),
    ],
)
def test_invalid_localization_is_reported_with_the_line(localization, errors_of, was, becomes, expected):
    assert was in localization

    assert expected in errors_of(read_localization, localization.replace(was, becomes).encode(), file="l.xml")


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ('id="Name_1">', 'id="Name_1">oops', "Failed XSD Validation: The element LocalizedString cannot contain text"),
        ('locale="fr-FR"', 'locale=" "', "The locale attribute is invalid"),
        (
            '<Value locale="en-US">First Steps</Value>',
            "",
            "Localization string is missing an entry for the developer display locale",
        ),
    ],
)
def test_errors_have_the_messages_of_partner_center(localization, was, becomes, words):
    with pytest.raises(Exception, match=words):
        read_localization(localization.replace(was, becomes).encode(), file="l.xml")


def test_developer_locale_defaults_to_american_english(localization):
    without = localization.replace('<DevDisplayLocale locale="en-US" />', "")

    assert read_localization(without.encode(), file="l.xml").dev_display_locale == "en-US"


@pytest.mark.parametrize(
    ("was", "becomes", "expected"),
    [
        pytest.param("<AchievementId>1<", "<AchievementId>x<", ("u32", 10), id="an id that is no number"),
        pytest.param("<AchievementId>1</AchievementId>", "", ("u32", 2), id="no id"),
        pytest.param("<DisplayOrder>4<", "<DisplayOrder>-4<", ("u32", 5), id="a negative order"),
        pytest.param("true</IsHidden>", "yes</IsHidden>", ("unknown-word", 9), id="yes for true"),
        pytest.param("<Gamerscore>25</Gamerscore>", "<Art>1</Art>", ("unknown-element", 7), id="another reward"),
        pytest.param("5D8E0A94", "", ("guid", 11), id="an icon that is no GUID"),
        pytest.param(
            "<IsHidden>", "<IsHidden>true</IsHidden><IsHidden>", ("duplicate-element", 9), id="an element twice"
        ),
    ],
)
def test_invalid_list_of_achievements_is_reported_with_the_line(achievements, errors_of, was, becomes, expected):
    assert was in achievements

    assert expected in errors_of(read_achievements2017, achievements.replace(was, becomes).encode(), file="a.xml")


def test_missing_string_is_an_error(localization, achievements, errors_of):
    renamed = achievements.replace(">Name_1<", ">Name_2<")

    assert errors_of(build, localization, renamed) == [("unknown-string", 2)]


def test_arguments_of_the_draft_are_checked(localization, achievements, rules_of):
    wrong = {"title_id": 0, "scid": "x", "product_id": "", "icon_base_url": "icons/", "platforms": ()}

    result = rules_of(build, localization, achievements, **wrong)

    assert sorted(result) == ["blank-text", "guid", "guid", "u32", "url"]
