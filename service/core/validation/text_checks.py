"""The checks of one text, such as placeholders, markup, length and punctuation, as two tables by severity. Pure.

A check takes a `Text` and yields a message for each violation. To add one, add a row to `ERRORS` or `WARNINGS`: the
rule's stable name and the function. Errors prevent a text from being saved; warnings ask a person to look at it.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from service.core.validation import tokens, values
from service.errors import Severity

NEAR_LIMIT = 0.9  # of the limit, for a translation: later wording is often longer
NEAR_LIMIT_SOURCE = 0.7  # of the limit, for a source: translations of English are often a third longer


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text with everything that checks look at.

    `source` is the text in the default locale that it translates; None if there is none, and for a text of the default
    locale itself. `limit` is the number of characters above which a store rejects the text, `advised` the number above
    which it is cut; None where not known.
    """

    text: str
    locale: str
    source: str | None
    source_locale: str
    limit: int | None
    advised: int | None

    @property
    def is_source(self) -> bool:
        """Whether the text is in the default locale, so that others are translated from it."""
        return self.locale == self.source_locale

    @property
    def characters(self) -> int:
        """Its length as stores count it: code points of the composed form (NFC)."""
        return len(unicodedata.normalize("NFC", self.text))


Check = Callable[[Text], Iterable[str]]


def _empty(text: Text) -> Iterator[str]:
    if not text.text:
        yield "the text is empty"


def _source_missing(text: Text) -> Iterator[str]:
    if text.source is None and not text.is_source:
        yield f"there is no source text in the default locale, {text.source_locale}"


def _over_limit(text: Text) -> Iterator[str]:
    if text.limit is not None and text.characters > text.limit:
        yield f"the text has {text.characters} characters, {text.limit} are allowed"


def _over_advice(text: Text) -> Iterator[str]:
    if text.limit is None and text.advised is not None and text.characters > text.advised:
        yield f"the text has {text.characters} characters, of which {text.advised} are shown"


def _near_limit(text: Text) -> Iterator[str]:
    share = NEAR_LIMIT_SOURCE if text.is_source else NEAR_LIMIT
    limit = text.advised if text.limit is None else text.limit
    if limit is not None and share * limit < text.characters <= limit:
        yield f"the text has {text.characters} of {limit} characters"


def _same_as_source(text: Text) -> Iterator[str]:
    is_translation = tokens.language(text.locale) != tokens.language(text.source_locale)
    if is_translation and text.text == text.source and any(letter.isalpha() for letter in text.text):
        yield "the text is the same as its source"


def _differ(kind: str, tokens_of: Callable[[str], Iterable[str]]) -> Check:
    """A check that a translation has the same tokens of one kind as its source, in any order."""

    def check(text: Text) -> Iterator[str]:
        if text.source is not None:
            expected, got = sorted(tokens_of(text.source)), sorted(tokens_of(text.text))
            if expected != got:
                yield f"{kind}: expected {', '.join(expected) or 'none'}, got {', '.join(got) or 'none'}"

    return check


def _markup_unbalanced(text: Text) -> Iterator[str]:
    if not tokens.is_balanced(text.text) and (text.source is None or tokens.is_balanced(text.source)):
        yield "a tag is not closed, or a closing tag has no opening one"


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
        expected = tokens.ending(text.source, text.source_locale)
        got = tokens.ending(text.text, text.locale)
        if expected != got:
            yield f"the source ends with {expected or 'no punctuation'}, the text with {got or 'no punctuation'}"


def _french_space(text: Text) -> Iterator[str]:
    if tokens.language(text.locale) == "fr":
        for excerpt in tokens.french_spaces(text.text, is_canadian=text.locale.endswith("-CA")):
            yield f"expected a no-break space in {values.shown(excerpt)}"


def _repeated_word(text: Text) -> Iterator[str]:
    if not (text.source and tokens.repeated(text.source, text.source_locale)):
        yield from (f"the word {word!r} is repeated" for word in tokens.repeated(text.text, text.locale))


def _bidi_unbalanced(text: Text) -> Iterator[str]:
    if not tokens.is_bidi_balanced(text.text):
        yield "a bidirectional control character is not closed, or a closing one has no opening one"


ERRORS: Mapping[str, Check] = {
    "empty": _empty,
    "source-missing": _source_missing,
    "over-limit": _over_limit,
    "placeholders-differ": _differ("placeholders", tokens.placeholders),
    "markup-differs": _differ("tags", tokens.tags),
    "markup-unbalanced": _markup_unbalanced,
}
WARNINGS: Mapping[str, Check] = {
    "over-advice": _over_advice,
    "near-limit": _near_limit,
    "same-as-source": _same_as_source,
    "outer-space": _outer_space,
    "double-space": _double_space,
    "newlines-differ": _newlines_differ,
    "end-punctuation": _end_punctuation,
    "french-space": _french_space,
    "numbers-differ": _differ("numbers", tokens.numbers),
    "urls-differ": _differ("URLs", tokens.urls),
    "repeated-word": _repeated_word,
    "bidi-unbalanced": _bidi_unbalanced,
}
CHECKS: Mapping[Severity, Mapping[str, Check]] = {"error": ERRORS, "warning": WARNINGS}
