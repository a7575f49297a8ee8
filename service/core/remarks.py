"""What is to be said of one text, for whoever saves, imports or lists it: the one place that asks the checks. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from service.core.catalog import Draft
from service.core.formats import rules, values
from service.core.formats.problems import Broken

LIMITS: Mapping[str, int] = {"description": 100, "locked_description": 100, "reward/name": 57, "reward/description": 90}
"""Characters that Partner Center takes, by the end of the key: no text is saved over them."""


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What a check says of a text. `rule` is a stable name in kebab-case; an error keeps it from being saved."""

    rule: str
    severity: Literal["error", "warning"]
    message: str
    key: str
    locale: str


def limit_of(key: str) -> int | None:
    """How many characters a text may have, or, where no store says, should have; None where nobody does."""
    return rules.length_limit(key)


def remarks_on(text: str, *, key: str, locale: str, source: str | None, source_locale: str) -> list[Remark]:
    """Everything that is wrong with a text, or unwise. `source` is what it translates, None where there is nothing."""

    def remark(rule: str, severity: Literal["error", "warning"], message: str) -> Remark:
        return Remark(rule=rule, severity=severity, message=message, key=key, locale=locale)

    try:
        values.text(text)
    except Broken as broken:
        return [remark(broken.rule, "error", str(broken))]
    if not text:
        return [remark("empty", "error", "the text is empty")]
    found = []
    limit, advised = LIMITS.get("/".join(key.split("/")[2:])), limit_of(key)
    if limit is not None and len(text) > limit:
        found.append(remark("over-limit", "error", f"the text has {len(text)} characters, {limit} are allowed"))
    elif advised is not None and len(text) > advised:
        found.append(remark("over-advised", "warning", f"the text has {len(text)} characters, {advised} are advised"))
    if locale != source_locale and text == source:
        found.append(remark("same-as-source", "warning", "the text is the same as its source"))
    if text != text.strip():
        found.append(remark("white-space", "warning", "the text begins or ends with white space"))
    return found


def rules_broken(draft: Draft, locale: str, key: str, text: str) -> list[str]:
    """The names of the rules that a text breaks, sorted. The draft's default locale is what it translates."""
    default = draft.title.default_locale
    source = draft.texts.get(default, {}).get(key)
    found = remarks_on(text, key=key, locale=locale, source=source, source_locale=default)
    return sorted({remark.rule for remark in found})
