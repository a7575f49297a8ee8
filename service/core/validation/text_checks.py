"""What is wrong, or merely unwise, with a translation: for forms, APIs and imports alike. Pure.

Errors keep a text from being saved, warnings are worth a look. Each check is a small function in a table, under a rule
name that is stable. What a title may be published with is another question (`rules.py`).
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from service.core.catalog.model import Draft
from service.core.validation import publish_rules, title_checks, tokens, values
from service.core.validation.diagnostics import InvalidValue
from service.errors import Diagnostic, Severity

Limits = Mapping[str, int]

LIMITS: Mapping[str, Limits] = {  # characters that a store takes, by field; documented by each
    "xbox": {"description": 100, "locked_description": 100, "reward/name": 57, "reward/description": 90},
    "google-play": {"name": 100, "description": 500, "locked_description": 500},
}
ADVISED: Limits = (
    publish_rules.LENGTHS
)  # where no store is named: Microsoft's own sample is longer than Partner Center allows
NONE: Limits = {}
NEAR = 0.9  # of the limit: longer than most that are translated again and grow
NEAR_IN_SOURCE = 0.7  # translations are longer than English by a third or more


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text with all that checks look at (`check` says what each means)."""

    text: str
    locale: str
    source: str | None
    seen: str | None
    source_locale: str | None
    limit: int | None
    advised: int | None

    @property
    def is_source(self) -> bool:
        """Whether others are translated from it."""
        return self.locale == self.source_locale

    @property
    def characters(self) -> int:
        """As stores count them: code points of its composed form."""
        return len(unicodedata.normalize("NFC", self.text))


def check(
    entry_text: str,
    *,
    key: str,
    locale: str,
    source: str | None,
    limit: int | None = None,
    advised: int | None = None,
    seen: str | None = None,
    source_locale: str | None = None,
) -> list[Diagnostic]:
    """Everything there is to say of one text.

    `source` is the text in the default locale now, None if there is none; `seen` the one that the translator saw, None
    if that is not known. `source_locale` is the default locale: a text in it is no translation. `limit` and `advised`
    are the characters that must and that should do.
    """
    text = Text(
        text=entry_text,
        locale=locale,
        source=None if locale == source_locale else source,
        seen=seen,
        source_locale=source_locale,
        limit=limit,
        advised=advised,
    )
    try:
        values.text(entry_text)
    except InvalidValue as broken:
        return [Diagnostic(rule=broken.rule, severity="error", message=str(broken), key=key, locale=locale)]
    return [
        Diagnostic(rule=rule, severity=severity, message=message, key=key, locale=locale)
        for rule, (severity, find) in _CHECKS.items()
        for message in find(text)
    ]


def check_title(draft: Draft, *, limits: Limits = NONE, advised: Limits = ADVISED) -> list[Diagnostic]:
    """Everything there is to say of all texts of a title, alone and together; the default locale first.

    `limits` are those of a store that the title is for (`LIMITS`).
    """
    default = draft.title.default_locale
    sources = draft.texts.get(default, {})
    found: list[Diagnostic] = []
    for locale in sorted(draft.texts, key=lambda locale: (locale != default, locale)):
        for key, text in draft.texts[locale].items():
            field = publish_rules.field_of(key)
            found += check(
                text,
                key=key,
                locale=locale,
                source=sources.get(key),
                limit=limits.get(field),
                advised=advised.get(field),
                source_locale=default,
            )
        for rule, find in _TITLE_CHECKS.items():
            found += [
                Diagnostic(rule=rule, severity="warning", message=message, key=key, locale=locale)
                for key, message in find(draft, locale)
            ]
    return found


def _empty(text: Text) -> Iterator[str]:
    if not text.text:
        yield "the text is empty"


def _source_missing(text: Text) -> Iterator[str]:
    if text.source is None and text.source_locale is not None and not text.is_source:
        yield f"there is nothing to translate in the default locale, {text.source_locale}"


def _over_limit(text: Text) -> Iterator[str]:
    if text.limit is not None and text.characters > text.limit:
        yield f"the text has {text.characters} characters, {text.limit} are allowed"


def _over_advice(text: Text) -> Iterator[str]:
    if text.limit is None and text.advised is not None and text.characters > text.advised:
        yield f"the text has {text.characters} characters, {text.advised} are shown"


def _near_limit(text: Text) -> Iterator[str]:
    share = NEAR_IN_SOURCE if text.is_source else NEAR
    limit = text.advised if text.limit is None else text.limit
    if limit is not None and share * limit < text.characters <= limit:
        yield f"the text has {text.characters} of {limit} characters"


def _stale(text: Text) -> Iterator[str]:
    if text.seen is not None and text.source is not None and text.seen != text.source:
        yield f"it translates {values.shown(text.seen)}, which is not the text any more"


def _unchanged(text: Text) -> Iterator[str]:
    is_other = tokens.language(text.locale) != tokens.language(text.source_locale or "")
    if is_other and text.text == text.source and any(letter.isalpha() for letter in text.text):
        yield "the text is the same as its source"


def _differ(what: str, of: Callable[[str], Iterable[str]]) -> Callable[[Text], Iterator[str]]:
    """A check that a translation holds the same of something as its source, in any order."""

    def find(text: Text) -> Iterator[str]:
        if text.source is not None:
            wanted, came = sorted(of(text.source)), sorted(of(text.text))
            if wanted != came:
                yield f"{what}: expected {', '.join(wanted) or 'none'}, got {', '.join(came) or 'none'}"

    return find


def _markup_unbalanced(text: Text) -> Iterator[str]:
    if not tokens.is_balanced(text.text) and (text.source is None or tokens.is_balanced(text.source)):
        yield "a tag is not closed, or closes nothing"


def _outer_space(text: Text) -> Iterator[str]:
    if text.text != text.text.strip() and (text.source is None or text.source == text.source.strip()):
        yield "the text begins or ends with a space"


def _double_space(text: Text) -> Iterator[str]:
    if "  " in text.text and "  " not in (text.source or ""):
        yield "two spaces in a row"


def _newlines_differ(text: Text) -> Iterator[str]:
    if text.source is not None and text.source.count("\n") != text.text.count("\n"):
        yield f"expected {text.source.count(chr(10))} line breaks, got {text.text.count(chr(10))}"


def _end_punctuation(text: Text) -> Iterator[str]:
    if text.source is not None and tokens.is_punctuated(text.locale):
        wanted = tokens.ending(text.source, text.source_locale or "")
        came = tokens.ending(text.text, text.locale)
        if wanted != came:
            yield f"the source ends with {wanted or 'no mark'}, the text with {came or 'no mark'}"


def _french_space(text: Text) -> Iterator[str]:
    if tokens.language(text.locale) == "fr":
        for place in tokens.french_spaces(text.text, is_canadian=text.locale.endswith("-CA")):
            yield f"expected a no-break space in {values.shown(place)}"


def _repeated_word(text: Text) -> Iterator[str]:
    if not (text.source and tokens.repeated(text.source, text.source_locale or "")):
        yield from (f"the word {word!r} stands twice" for word in tokens.repeated(text.text, text.locale))


def _bidi_unbalanced(text: Text) -> Iterator[str]:
    if not tokens.is_bidi_balanced(text.text):
        yield "a bidirectional control character is not closed, or closes nothing"


_CHECKS: Mapping[str, tuple[Severity, Callable[[Text], Iterable[str]]]] = {
    "empty": ("error", _empty),
    "source-missing": ("error", _source_missing),
    "over-limit": ("error", _over_limit),
    "placeholders-differ": ("error", _differ("placeholders", tokens.placeholders)),
    "markup-differs": ("error", _differ("tags", tokens.tags)),
    "markup-unbalanced": ("error", _markup_unbalanced),
    "over-advice": ("warning", _over_advice),
    "near-limit": ("warning", _near_limit),
    "stale": ("warning", _stale),
    "same-as-source": ("warning", _unchanged),
    "outer-space": ("warning", _outer_space),
    "double-space": ("warning", _double_space),
    "newlines-differ": ("warning", _newlines_differ),
    "end-punctuation": ("warning", _end_punctuation),
    "french-space": ("warning", _french_space),
    "numbers-differ": ("warning", _differ("numbers", tokens.numbers)),
    "urls-differ": ("warning", _differ("URLs", tokens.urls)),
    "repeated-word": ("warning", _repeated_word),
    "bidi-unbalanced": ("warning", _bidi_unbalanced),
}
_TITLE_CHECKS: Mapping[str, Callable[[Draft, str], Iterable[tuple[str, str]]]] = {
    "translated-two-ways": title_checks.translated_two_ways,
    "secret-spoiler": title_checks.spoilers,
}
RULES: tuple[str, ...] = (*_CHECKS, *_TITLE_CHECKS)
