"""One text of a file in any format, and which of a file's texts can go into a draft. Pure."""

import contextlib
from collections.abc import Iterable

import msgspec

from service.core.catalog import text_keys
from service.core.catalog.model import Draft
from service.core.validation import values
from service.core.validation.diagnostics import SourceLocation
from service.errors import Diagnostic, InvalidCatalog


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A text in one locale, under the title's text key. An empty text means that the file has none.

    `line` counts from 1, None where the format has no useful line numbers. `source` is the text in the default locale
    that the translator saw, None where the file does not hold it. `needs_review` is the file's own mark (PO: fuzzy).
    """

    key: str
    locale: str
    text: str
    line: int | None = None
    source: str | None = None
    needs_review: bool = False

    def is_stale(self, source: str | None) -> bool:
        """Whether it is known to translate another text than `source`, the current one (None if there is none)."""
        return self.source is not None and self.source != source


def with_sources(entries: Iterable[Entry], default_locale: str) -> list[Entry]:
    """The entries of a file with several languages, each with the file's own text in the default locale as source."""
    entries = list(entries)
    sources = {entry.key: entry.text for entry in entries if entry.locale == default_locale}
    return [msgspec.structs.replace(entry, source=sources.get(entry.key)) for entry in entries]


def entries_of_draft(draft: Draft) -> list[Entry]:
    """All texts of a draft as entries."""
    return [
        Entry(key=key, locale=locale, text=text) for locale, texts in draft.texts.items() for key, text in texts.items()
    ]


def publishable_texts(
    entries: Iterable[Entry], draft: Draft, *, file: str
) -> tuple[dict[str, dict[str, str]], list[Diagnostic], list[Diagnostic]]:
    """The texts that can go into a draft, by locale and key, with errors, and warnings for those that are left out.

    A key that the title does not have is an error, unless it begins with `string/`. A text is left out if it needs
    review, or if its source differs from the current one, be that in the draft or among the entries.
    """
    entries = list(entries)
    default = draft.title.default_locale
    known = set(text_keys.keys_of(draft.title, draft.achievements))
    sources = {
        **draft.texts.get(default, {}),
        **{entry.key: entry.text for entry in entries if entry.locale == default and entry.text},
    }
    texts: dict[str, dict[str, str]] = {}
    location = SourceLocation(file)
    with contextlib.suppress(InvalidCatalog):  # too many errors: the first ones are returned
        for entry in entries:
            entry_location = location.at(entry.key, entry.line)
            if entry.key not in known and not entry.key.startswith(text_keys.STRING_PREFIX):
                entry_location.report("unknown-key", "the title has no text of that key")
            elif not entry.text:
                continue
            elif entry.locale != default and entry.is_stale(sources.get(entry.key)):
                message = f"left out: its source {values.shown(entry.source)} has changed since it was translated"
                entry_location.warn("stale", message)
            elif entry.needs_review:
                entry_location.warn("fuzzy", "left out: it is marked fuzzy and needs review")
            else:
                texts.setdefault(entry.locale, {})[entry.key] = entry.text
    return texts, location.errors, location.warnings
