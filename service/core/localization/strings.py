"""Strings under translation, each in one locale: read, listed with filters and search, and their revisions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

import msgspec

from service.core.publishing.draft_status import get_draft_status
from service.core.publishing.drafts import text_keys
from service.core.validation.checks import character_limit, check_string
from service.db import Connection
from service.db.queries import query
from service.errors import Diagnostic, NotFound

State = Literal["missing", "needs_review", "translated", "approved"]
WritableState = Literal["needs_review", "translated", "approved"]
Filter = Literal["", "missing", "needs_review", "translated", "approved", "stale", "problems", "unpublished"]
FILTERS: tuple[Filter, ...] = get_args(Filter)

PAGE_SIZE = 50  # strings
REVISIONS_LISTED = 50
_MAX_VERSION = 2**31 - 1  # an int4


class Override(msgspec.Struct, frozen=True):
    """Who decided that a warning does not apply to a text, and why."""

    by: str
    reason: str


Overrides = Mapping[str, Override]
"""Rule → who overrode it, and why."""


class String(msgspec.Struct, frozen=True):
    """One string in one locale, as it is being edited.

    `source` is its text in `source_locale`, the title's default locale; `text` is None while it is missing. `version`
    rises with every change and is 0 where there never was a text. `is_stale`: the source changed after the translation.
    `remarks` are the rules that the text breaks, without the overridden ones; `overrides` is JSON, read by
    `overridden`. `actor` changed it last, at `at`. `other` is the text in a third language, if one was requested.
    """

    key: str
    locale: str
    source_locale: str
    source: str | None
    text: str | None
    state: State
    version: int
    is_stale: bool
    remarks: list[str]
    overrides: str
    actor: str | None
    at: datetime | None
    other: str | None

    @property
    def limit(self) -> int | None:
        """The number of characters that the platform shows; None where no limit is known."""
        return character_limit(self.key)

    def overridden(self) -> Overrides:
        """The overridden warnings, by rule."""
        return msgspec.json.decode(self.overrides, type=dict[str, Override])

    def diagnostics(self) -> list[Diagnostic]:
        """The results of all checks on the text, overridden warnings included; empty for a missing text."""
        if self.text is None:
            return []
        return check_string(
            self.text, key=self.key, locale=self.locale, source=self.source, source_locale=self.source_locale
        )


class StringPage(msgspec.Struct, frozen=True):
    """Strings ordered by key. `after` is the key to continue the list after; None at its end."""

    strings: list[String]
    after: str | None


class Revision(msgspec.Struct, frozen=True):
    """A string in a locale from `at` on, and who changed it. `text` is None where it was deleted.

    `source_version` is the version of the source that it translates; `batch_id` the import batch that it comes from.
    """

    version: int
    text: str | None
    state: State
    source_version: int | None
    overrides: str
    origin: Literal["edit", "review", "restore", "import", "admin"]
    actor: str
    batch_id: int | None
    at: datetime


async def get_string(connection: Connection, title_id: int, key: str, locale: str, *, other: str = "") -> String:
    """One string in one locale, with its text in a third language if `other` names one.

    Raises:
        NotFound: there is no such title, or it has no text of that key.
    """
    string = await _get_string.first(connection, title_id=title_id, locale=locale, key=key, other=other)
    if string is None:
        raise NotFound(f"there is no title {title_id}")
    if string.source is None and string.text is None and key not in await text_keys(connection, title_id):
        raise NotFound(f"title {title_id} has no text of the key {key!r}")
    return string


async def list_strings(
    connection: Connection,
    title_id: int,
    locale: str,
    *,
    filter: Filter = "",  # noqa: A002  (the name that callers know it by)
    q: str = "",
    other: str = "",
    after: str = "",
    count: int = PAGE_SIZE,
) -> StringPage:
    """The next strings of a title in a locale, ordered by key, after the key `after`.

    `q` is searched for in the key, the source and the text, ignoring case. The filter "unpublished" selects strings
    that differ from what is served. In the default locale, strings that the definitions provide for are listed even
    without a text.

    Raises:
        NotFound: there is no such title.
    """
    default = (await get_draft_status(connection, title_id)).default_locale
    known = await text_keys(connection, title_id) if locale == default else set()
    strings = await _list_strings.all(
        connection,
        title_id=title_id,
        locale=locale,
        other=other,
        after=after,
        search=q,
        filter=filter,
        known=msgspec.json.encode(known).decode(),
        max_rows=count + 1,
    )
    shown = strings[:count]
    return StringPage(shown, shown[-1].key if len(strings) > count else None)


async def list_revisions(
    connection: Connection,
    title_id: int,
    key: str,
    locale: str,
    *,
    before: int = _MAX_VERSION,
    count: int = REVISIONS_LISTED,
) -> list[Revision]:
    """The revisions of a string in a locale, newest first; only those of a version below `before`."""
    return await _history.all(
        connection, title_id=title_id, locale=locale, key=key, before=min(before, _MAX_VERSION), max_rows=count
    )


_get_string = query("texts.get_string", row=String)
_list_strings = query("texts.list_strings", row=String)
_history = query("texts.history", row=Revision)
