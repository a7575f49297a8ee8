"""Run all checks on one string, or on all strings of a title. Pure.

The checks themselves are rows of the tables in `text_checks` (one text) and `title_checks` (texts compared with each
other). What a title needs to be published is in `publish_rules`.
"""

from collections.abc import Mapping

from service.core.catalog import text_keys
from service.core.catalog.model import Draft
from service.core.validation import text_checks, title_checks, values
from service.core.validation.diagnostics import InvalidValue
from service.errors import Diagnostic

Limits = Mapping[str, int]
"""Characters by field (`text_keys.field_of`)."""

ADVISED_LIMITS: Limits = {  # from Partner Center's documentation, the achievement's name from third parties
    "title/name": 22,
    "name": 44,
    "description": 100,
    "locked_description": 100,
    "reward/name": 57,
    "reward/description": 90,
}
"""The most characters that Xbox shows. Warnings only: Microsoft's own sample exceeds Partner Center's limits."""
_PARTNER_CENTER_FIELDS = ("description", "locked_description", "reward/name", "reward/description")

STORE_LIMITS: Mapping[str, Limits] = {  # the most characters that a store accepts, as each documents it
    "xbox": {field: ADVISED_LIMITS[field] for field in _PARTNER_CENTER_FIELDS},
    "google-play": {"name": 100, "description": 500, "locked_description": 500},
}
NO_LIMITS: Limits = {}

_SERVED_STORE = STORE_LIMITS["xbox"]  # the Xbox API serves every title, so its limits hold for every saved text


def check_string(
    text: str,
    *,
    key: str,
    locale: str,
    source: str | None,
    source_locale: str,
    limits: Limits = _SERVED_STORE,
    advised: Limits = ADVISED_LIMITS,
) -> list[Diagnostic]:
    """Run all checks on one string, and return its errors, then its warnings.

    `source` is the text in the default locale, `source_locale`; None if there is none. Exceeding `limits` is an error,
    exceeding `advised` a warning.
    """
    try:
        values.text(text)
    except InvalidValue as violation:
        return [Diagnostic(key=key, locale=locale, rule=violation.rule, message=str(violation))]
    field = text_keys.field_of(key)
    checked = text_checks.Text(
        text=text,
        locale=locale,
        source=None if locale == source_locale else source,
        source_locale=source_locale,
        limit=limits.get(field),
        advised=advised.get(field),
    )
    return [
        Diagnostic(key=key, locale=locale, rule=rule, severity=severity, message=message)
        for severity, checks in text_checks.CHECKS.items()
        for rule, check in checks.items()
        for message in check(checked)
    ]


def check_title(draft: Draft, *, limits: Limits = NO_LIMITS, advised: Limits = ADVISED_LIMITS) -> list[Diagnostic]:
    """Run all checks on all strings of a title, the default locale first.

    `limits` are those of the store that the title is for (`STORE_LIMITS`).
    """
    default = draft.title.default_locale
    sources = draft.texts.get(default, {})
    diagnostics: list[Diagnostic] = []
    for locale in sorted(draft.texts, key=lambda locale: (locale != default, locale)):
        for key, text in draft.texts[locale].items():
            diagnostics += check_string(
                text,
                key=key,
                locale=locale,
                source=sources.get(key),
                source_locale=default,
                limits=limits,
                advised=advised,
            )
        for rule, check in title_checks.WARNINGS.items():
            diagnostics += [
                Diagnostic(key=key, locale=locale, rule=rule, severity="warning", message=message)
                for key, message in check(draft, locale)
            ]
    return diagnostics


def broken_rules(draft: Draft, locale: str, key: str, text: str) -> list[str]:
    """The sorted names of the rules that a text of a draft breaks."""
    default = draft.title.default_locale
    source = draft.texts.get(default, {}).get(key)
    diagnostics = check_string(text, key=key, locale=locale, source=source, source_locale=default)
    return sorted({diagnostic.rule for diagnostic in diagnostics})


def character_limit(key: str) -> int | None:
    """How many characters of a text the platform accepts or, where it says nothing, shows; None if not known."""
    return ADVISED_LIMITS.get(text_keys.field_of(key))


def is_hard_limit(key: str) -> bool:
    """Whether a text over its limit cannot be saved."""
    return text_keys.field_of(key) in _SERVED_STORE
