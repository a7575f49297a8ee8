"""One text as a file holds it, whatever the format. Pure."""

from collections.abc import Iterable

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A text in one locale, by our text key. It is never empty: an empty text in a file is a missing one.

    `line` counts from 1, None where the format has no lines worth naming. `source` is the text in the default locale
    that the translator saw, None where the file holds none. `needs_review` is what the file itself says (PO: fuzzy).
    """

    key: str
    locale: str
    text: str
    line: int | None = None
    source: str | None = None
    needs_review: bool = False


def with_sources(entries: Iterable[Entry], default_locale: str) -> list[Entry]:
    """The entries of a file of several languages: what its translators saw is its own text in the default locale."""
    found = list(entries)
    sources = {entry.key: entry.text for entry in found if entry.locale == default_locale}
    return [msgspec.structs.replace(entry, source=sources.get(entry.key)) for entry in found]
