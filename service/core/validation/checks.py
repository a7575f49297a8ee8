"""What is to be said of one text, for whoever saves, imports or lists it: the one place that asks the checks. Pure."""

from service.core.catalog.model import Draft
from service.core.validation import publish_rules
from service.core.validation.text_checks import LIMITS, check
from service.errors import Diagnostic

_STORE = LIMITS["xbox"]  # what is served there first: no text is saved over its limits


def limit_of(key: str) -> int | None:
    """How many characters a text may have, or, where no store says, should have; None where nobody does."""
    return publish_rules.length_limit(key)


def is_hard_limit(key: str) -> bool:
    """Whether no text is saved over the limit: the store takes none."""
    return publish_rules.field_of(key) in _STORE


def check_string(text: str, *, key: str, locale: str, source: str | None, source_locale: str) -> list[Diagnostic]:
    """Everything that is wrong with a text, or unwise. `source` is what it translates, None where there is nothing."""
    return check(
        text,
        key=key,
        locale=locale,
        source=source,
        limit=_STORE.get(publish_rules.field_of(key)),
        advised=limit_of(key),
        source_locale=source_locale,
    )


def rules_broken(draft: Draft, locale: str, key: str, text: str) -> list[str]:
    """The names of the rules that a text breaks, sorted. The draft's default locale is what it translates."""
    default = draft.title.default_locale
    source = draft.texts.get(default, {}).get(key)
    found = check_string(text, key=key, locale=locale, source=source, source_locale=default)
    return sorted({remark.rule for remark in found})
