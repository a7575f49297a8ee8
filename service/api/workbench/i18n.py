"""The workbench's own words in the languages that it speaks, and how other languages are named and written."""

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

from service.core.formats.title_folder import locales_folder
from service.core.languages.negotiation import canonical_locale, chain
from service.core.languages.tags import filled_up, read

SOURCE = "en-US"
_RIGHT_TO_LEFT = frozenset(("Adlm", "Arab", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi"))


class Language(msgspec.Struct, frozen=True):
    """A language that the pages are in."""

    locale: str
    translations: gettext.NullTranslations

    @property
    def direction(self) -> str:
        """How it is written."""
        return direction(self.locale)

    def name(self, locale: str) -> str:
        """A locale's name in this language, its tag where CLDR knows none."""
        return _name(locale, self.locale)

    def moment(self, at: datetime) -> str:
        """A moment as people write it, in UTC."""
        return format_datetime(at, "short", locale=_babel(self.locale))


@functools.cache
def languages() -> Mapping[str, Language]:
    """Every language of the pages, by locale: read from the PO files once, the source first."""
    found = {SOURCE: Language(SOURCE, gettext.NullTranslations())}
    for file in sorted(locales_folder().glob("*/LC_MESSAGES/ui.po")):
        locale = canonical_locale(file.parts[-3])
        found[locale] = Language(locale, _translations(file))
    return found


def language_for(accept_language: Iterable[str]) -> Language:
    """The best of them for a caller, by the same chain as players' texts."""
    there = languages()
    best = chain(", ".join(accept_language), country=None, locales=tuple(there), default=SOURCE)
    return there[best[0]]


def direction(locale: str) -> str:
    """`rtl` or `ltr`, by the script that a locale is written in, named or likely."""
    tag = read(locale)
    script = "" if tag is None else filled_up(tag.language, tag.script, tag.region)[1]
    return "rtl" if script in _RIGHT_TO_LEFT else "ltr"


def install(environment: jinja2.Environment) -> None:
    """Let templates say `gettext` and `ngettext`, in the `language` of their page."""

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
