"""Translations of the workbench's own texts, and names and writing directions of locales."""

import functools
import gettext
import io
import pathlib
from collections.abc import Iterable, Mapping
from datetime import datetime

import jinja2
import msgspec
from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from service.core.languages.negotiation import canonical_locale, chain
from service.core.languages.tags import add_likely_subtags, parse_tag
from service.locales import locales_folder

_MAX_DISTANCE = 50  # in CLDR's units: related languages too
SOURCE = "en-US"
_RIGHT_TO_LEFT = frozenset(("Adlm", "Arab", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi"))


class Language(msgspec.Struct, frozen=True):
    """A language that the pages are translated into."""

    locale: str
    translations: gettext.NullTranslations

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`."""
        return direction(self.locale)

    def name(self, locale: str) -> str:
        """A locale's name in this language; its tag where CLDR has no name."""
        return _name(locale, self.locale)

    def moment(self, at: datetime) -> str:
        """A date and time in this language's short format, in UTC."""
        return format_datetime(at, "short", locale=_babel(self.locale))


@functools.cache
def languages() -> Mapping[str, Language]:
    """Every language of the pages, by locale, the source first; read once from the PO files."""
    by_locale = {SOURCE: Language(SOURCE, gettext.NullTranslations())}
    for file in sorted(locales_folder().glob("*/LC_MESSAGES/ui.po")):
        locale = canonical_locale(file.parts[-3])
        by_locale[locale] = Language(locale, _translations(file))
    return by_locale


def language_for(accept_language: Iterable[str]) -> Language:
    """The best language for a caller, chosen like the locale of players' texts (`negotiation.chain`)."""
    available = languages()
    best = chain(
        ", ".join(accept_language),
        country=None,
        locales=tuple(available),
        default=SOURCE,
        max_distance=_MAX_DISTANCE,
    )
    return available[best[0]]


def direction(locale: str) -> str:
    """`rtl` or `ltr`, by the script of a locale: the one that its tag names, or its likely one."""
    tag = parse_tag(locale)
    script = "" if tag is None else add_likely_subtags(tag.language, tag.script, tag.region)[1]
    return "rtl" if script in _RIGHT_TO_LEFT else "ltr"


def install(environment: jinja2.Environment) -> None:
    """Provide `gettext` and `ngettext` to templates, in the `language` of the page."""

    @jinja2.pass_context
    def say(context: jinja2.runtime.Context, message: str) -> str:
        language: Language = context["language"]
        return language.translations.gettext(message)

    @jinja2.pass_context
    def count(context: jinja2.runtime.Context, one: str, many: str, number: int) -> str:
        language: Language = context["language"]
        return language.translations.ngettext(one, many, number)

    environment.install_gettext_callables(say, count, newstyle=True)  # type: ignore[attr-defined]  # (its i18n)


def _translations(file: pathlib.Path) -> gettext.GNUTranslations:
    compiled = io.BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@functools.lru_cache(maxsize=4096)
def _name(locale: str, language: str) -> str:
    try:
        return Locale.parse(locale, sep="-").get_display_name(_babel(language)) or locale
    except (UnknownLocaleError, ValueError):
        return locale


@functools.cache
def _babel(locale: str) -> Locale:
    return Locale.parse(locale, sep="-")
