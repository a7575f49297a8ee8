"""Pages are completely translated, and written in the direction of their language."""

import pathlib
import re

import polib
import pytest
from babel.messages.extract import extract_from_dir

from service.api.workbench import i18n
from service.locales import locales_folder

ROOT = pathlib.Path(__file__).parents[3]
TRANSLATED = sorted(locales_folder().glob("*/LC_MESSAGES/ui.po"))
PLACEHOLDERS = re.compile(r"%\((\w+)\)s")


def messages() -> set[str]:
    """Every message of the templates."""
    options = {"**.html": {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}}
    found = extract_from_dir(ROOT / "service/api/workbench/templates", [("**.html", "jinja2")], options)
    return {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}


def test_template_has_every_message():
    template = polib.pofile(str(locales_folder() / "templates/LC_MESSAGES/ui.pot"))

    assert {entry.msgid for entry in template} == messages(), "make ui-texts"


@pytest.mark.parametrize("file", TRANSLATED, ids=lambda file: file.parts[-3])
def test_every_message_is_translated_with_its_placeholders(file):
    entries = list(polib.pofile(str(file)))

    assert {entry.msgid for entry in entries} == messages()
    for entry in entries:
        texts = list(entry.msgstr_plural.values()) or [entry.msgstr]
        wanted = set(PLACEHOLDERS.findall(entry.msgid))
        assert all(texts), entry.msgid
        assert all(set(PLACEHOLDERS.findall(text)) <= wanted for text in texts), entry.msgid
        assert wanted <= set(PLACEHOLDERS.findall(texts[-1])), entry.msgid


@pytest.mark.parametrize(
    ("asked", "locale", "direction", "heading"),
    [
        ("fr-CA, en;q=0.5", "fr-FR", "ltr", "Titres"),
        ("de", "de-DE", "ltr", "Titel"),
        ("ar-EG", "ar-SA", "rtl", "العناوين"),
        ("ja", "en-US", "ltr", "Titles"),
        ("%", "en-US", "ltr", "Titles"),
    ],
)
async def test_page_is_in_the_best_available_language(sign_in, asked, locale, direction, heading):
    page = await (await sign_in()).get("/l10n", language=asked)

    assert f'<html lang="{locale}" dir="{direction}">' in page
    assert f"<h1>{heading}</h1>" in page


async def test_numbers_use_the_plural_rules_of_the_language(sign_in):
    ana = await sign_in()

    assert "10 نصوص" in await ana.get("/l10n", language="ar")
    assert "10 textes" in await ana.get("/l10n", language="fr")


@pytest.mark.parametrize(
    ("locale", "direction"),
    [("ar", "rtl"), ("fa-IR", "rtl"), ("ur", "rtl"), ("az-Arab", "rtl"), ("ar-Latn", "ltr"), ("en-x-pirate", "ltr")],
)
def test_direction_follows_the_script_of_a_locale(locale, direction):
    assert i18n.direction(locale) == direction
