"""One text as a file holds it, whatever the format. Pure."""

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
