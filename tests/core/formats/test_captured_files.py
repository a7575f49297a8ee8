"""Read the captured and constructed files of the shared test data, valid and invalid ones."""

import pathlib

import pytest

from service.core.formats.po import read_po
from service.core.formats.toml_catalog import read_toml, write_toml
from service.core.formats.xbox.captured_page import read_definitions, read_progress
from service.core.formats.xbox.partner_center import read_achievements2017, read_localization
from service.core.formats.xbox.partner_center_draft import build_draft
from service.core.validation.publish_rules import check

DATA = pathlib.Path(__file__).parents[3].parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the captured files are not beside the project")


def data(name):
    return (DATA / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "achievements", "unlocked", "with_currents"),
    [
        ("xbox/openxbox/achievements_one_gameprogress.json", 32, 14, 18),
        ("xbox/openxbox/achievements_one_details.json", 1, 0, 0),
        ("xbox/npm-xbox-webapi/achievements_titleId-16308048_token-0.http", 20, 3, 6),
        ("xbox/xsapi/PerformanceTestMockResponse.json", 100, 0, 0),
        ("xbox/xsapi/default_achievement_response.json", 1, 1, 0),
        ("xbox/xsapi/multipageAchievementPage1Response.json", 1, 1, 0),
        ("xbox/xsapi/multipageAchievementPage2Response.json", 1, 0, 0),
    ],
)
def test_real_page_is_read(name, achievements, unlocked, with_currents):
    [draft] = read_definitions(data(name), file=name, locale="en-US")
    [progress] = read_progress(data(name), file=name)

    assert len(draft.achievements) == achievements
    assert (len(progress.unlocked), len(progress.currents)) == (unlocked, with_currents)
    assert check(draft)[0] == []
    assert read_toml(write_toml(draft), file="a.toml") == draft


@pytest.mark.parametrize(
    ("name", "rule", "line"),
    [
        ("docs/achievement_v2_sample.doc.json", "not-json", 21),
        ("docs/get_achievement_single_sample.doc.json", "not-json", 18),
        ("docs/get_achievements_v2_sample.doc.json", "not-json", 19),
        ("docs/paginginfo_sample.doc.json", "not-json", 3),
        ("docs/progression_sample.doc.json", "not-json", 9),
        ("docs/reward_sample.doc.json", "not-a-page", None),
        ("openxbox/achievements_360_all.json", "xbox-360", None),
        ("openxbox/achievements_360_earned.json", "xbox-360", None),
        ("openxbox/achievements_360_recent_progress.json", "not-a-page", None),
        ("openxbox/achievements_one_recent_progress.json", "not-a-page", None),
        ("npm-xbox-webapi/achievements360_titleId-1297287135_token-0.http", "xbox-360", None),
        ("npm-xbox-webapi/history_titles.http", "not-a-page", None),
        ("npm-xbox-webapi/titlehub_titlehistory.http", "not-a-page", None),
        ("observed/challenges_endingsoon_empty.json", "not-a-page", None),
        ("observed/error_no_claims.json", "not-a-page", None),
        ("observed/featured_challenges.json", "not-a-page", None),
        ("xsapi/rta_progress_changed_payload.json", "not-a-page", None),
    ],
)
def test_file_that_is_not_a_page_is_an_error(errors_of, name, rule, line):
    assert errors_of(read_definitions, data(f"xbox/{name}"), file=name, locale="en-US") == [(rule, line)]


@pytest.mark.parametrize(
    ("folder", "achievements", "texts"),
    [("xbox/localization", 1, {"en-US": 3, "es-MX": 2, "fr-FR": 1}), ("l10n/formats/xbox", 2, {"en-US": 7})],
)
def test_both_xml_files_become_a_draft(folder, achievements, texts):
    draft = build_draft(
        read_localization(data(f"{folder}/localization.xml"), file="localization.xml"),
        read_achievements2017(data(f"{folder}/achievements2017.xml"), file="achievements2017.xml"),
        file="achievements2017.xml",
        title_id=7,
        scid="b5dd9daf-0000-0000-0000-000000000000",
        product_id="12345678-1234-1234-1234-123456789012",
    )

    assert len(draft.achievements) == achievements
    assert {locale: len(result) for locale, result in draft.texts.items()} == texts


def test_localization_alone_is_read():
    name = "l10n/formats/xbox/localization.with-fr-ar.xml"

    strings = read_localization(data(name), file=name).strings

    assert {locale for texts in strings.values() for locale in texts} == {"en-US", "fr-FR", "ar-SA"}


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("xbox/localization/bad_empty_locale.xml", ["locale"]),
        ("xbox/localization/bad_missing_dev_locale.xml", ["no-developer-locale"]),
        ("xbox/localization/bad_text_in_localizedstring.xml", ["text-in-element", "no-developer-locale"]),
        ("l10n/formats/xbox/bad-empty-locale.xml", ["locale"]),
        ("l10n/formats/xbox/bad-entities.xml", ["doctype"]),
        ("l10n/formats/xbox/bad-missing-dev-locale.xml", ["no-developer-locale"]),
        ("l10n/formats/xbox/bad-text-in-localizedstring.xml", ["text-in-element"]),
    ],
)
def test_localization_that_partner_center_rejects_is_an_error(rules_of, name, rules):
    assert rules_of(read_localization, data(name), file=name) == rules


@pytest.mark.parametrize(
    ("name", "locale", "entries"),
    [
        ("bom.po", "fr-FR", 1),
        ("crlf.po", "fr-FR", 1),
        ("language-header-de.po", "de-DE", 1),
        ("latin1.po", "fr-FR", 1),
        ("qa-problems.po", "fr-FR", 2),
        ("roundtrip.po", "fr-FR", 3),
        ("stale-source-and-unknown-key.po", "fr-FR", 2),
    ],
)
def test_valid_po_file_is_read(name, locale, entries):
    result = read_po(data(f"l10n/formats/po/{name}"), file=name)

    assert [entry.locale for entry in result] == [locale] * entries


@pytest.mark.parametrize(
    ("name", "expected_errors"),
    [
        ("bad-duplicate.po", [("duplicate-entry", 15)]),
        ("bad-escape.po", [("bad-escape", 13)]),
        ("bad-missing-msgstr.po", [("missing-msgstr", 11), ("no-key", 13)]),
        ("bad-not-utf8.po", [("not-text", 7)]),
        ("bad-plural-count.po", [("plural", 11)]),
        ("bad-unterminated.po", [("unterminated-string", 12)]),
    ],
)
def test_po_file_that_msgfmt_rejects_is_an_error(errors_of, name, expected_errors):
    assert errors_of(read_po, data(f"l10n/formats/po/{name}"), file=name) == expected_errors
