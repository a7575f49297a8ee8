"""Strings as localization teams work on them: read, listed, saved against the version that was seen, taken back.

Whoever saves holds a transaction; the title's row is locked first, so edits, imports and publishes of one title queue.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from service.core.auth.principal import Right
from service.core.publishing.drafts import lock_title, text_keys
from service.core.validation.checks import character_limit, check_string
from service.db import Connection
from service.db.queries import query, statement
from service.errors import Conflict, Diagnostic, InvalidField, NotFound

State = Literal["missing", "needs_review", "translated", "approved"]
WritableState = Literal["needs_review", "translated", "approved"]
Filter = Literal["", "missing", "needs_review", "translated", "approved", "stale", "problems", "unpublished"]

PAGE = 50  # strings
HISTORY = 50  # revisions
_LAST = 2**31 - 1  # above every version


class Override(msgspec.Struct, frozen=True):
    """A warning that somebody took upon themselves: who, and why."""

    by: str
    reason: str


Overrides = Mapping[str, Override]
"""Rule → who overrode it."""


class String(msgspec.Struct, frozen=True):
    """One string in one locale, as it is being edited.

    `source` is its text in `source_locale`, the title's default; `text` None while it is missing. `version` rises with
    every change and is 0 where there never was a text. `is_stale`: the source changed after it was translated.
    `remarks` are the rules that the text breaks, without the overridden ones; `overrides` JSON of those (`overridden`).
    `actor` changed it last, at `at`. `other` is the text in a third language, if one was asked for.
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
        """How many characters the platform shows; None where no limit is known."""
        return character_limit(self.key)

    def overridden(self) -> Overrides:
        """The warnings that somebody took upon themselves, by rule."""
        return msgspec.json.decode(self.overrides, type=dict[str, Override])

    def found(self) -> list[Diagnostic]:
        """What the checks say of the text now, the overridden warnings too; nothing of a missing one."""
        if self.text is None:
            return []
        return check_string(
            self.text, key=self.key, locale=self.locale, source=self.source, source_locale=self.source_locale
        )


class Page(msgspec.Struct, frozen=True):
    """Strings by key. `after` continues the list; None at its end."""

    strings: list[String]
    after: str | None


class Revision(msgspec.Struct, frozen=True):
    """What a string was in a locale from `at` on, and who made it so. `text` is None where it was taken away."""

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
    string = await _one.first(connection, title_id=title_id, locale=locale, key=key, other=other)
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
    count: int = PAGE,
) -> Page:
    """The next strings of a title in a locale, by key, after the key `after`.

    `q` must stand in the key, the source or the text, in any case. `filter` "unpublished" is what differs from what
    is served. In the default locale the strings that the title has a place for are listed without a text too.

    Raises:
        NotFound: there is no such title.
    """
    default = (await get_draft_status(connection, title_id)).default_locale
    known = await text_keys(connection, title_id) if locale == default else set()
    strings = await _page.all(
        connection,
        title_id=title_id,
        locale=locale,
        other=other,
        after=after,
        q=q,
        filter=filter,
        known=list(known),
        count=count + 1,
    )
    shown = strings[:count]
    return Page(shown, shown[-1].key if len(strings) > count else None)


def required_right(current: String, state: WritableState) -> Right:
    """What somebody needs to make a string's text one of this state. Pure.

    The default locale needs "source". A suggestion may fill a gap, or replace what needs review as well; what is
    translated already is replaced by translators alone.
    """
    if current.locale == current.source_locale:
        return "source"
    if state == "approved":
        return "review"
    if state == "needs_review" and current.state in ("missing", "needs_review"):
        return "suggest"
    return "translate"


async def save(
    connection: Connection,
    title_id: int,
    key: str,
    locale: str,
    *,
    text: str,
    expected: int,
    actor: str,
    state: WritableState = "translated",
    reasons: Mapping[str, str] | None = None,
) -> String:
    """Write a text, if the string still is at the version that its writer saw; gives it as it is then.

    A suggestion is a text that needs review. `reasons` says, by rule, why a warning does not hold here; one that the
    text does not meet is passed over.

    Raises:
        NotFound: there is no such title, or it has no text of that key.
        Conflict: somebody else changed it meanwhile; it carries the string as it is now.
        InvalidField: a check calls the text wrong.
    """
    await lock_title(connection, title_id)
    current = await get_string(connection, title_id, key, locale)
    said = {rule: Override(actor, reason) for rule, reason in (reasons or {}).items()}
    return await _write(
        connection, title_id, current, text=text, expected=expected, actor=actor, state=state, said=said
    )


async def review(
    connection: Connection, title_id: int, key: str, locale: str, *, approve: bool, expected: int, actor: str
) -> String:
    """Approve a text as a translation of the source that is there now, or send it back to be looked at again.

    Raises:
        NotFound: there is no such title, no text of that key, or nothing in that locale.
        Conflict: somebody else changed it meanwhile; it carries the string as it is now.
        InvalidField: a check calls the text wrong, so that it cannot be approved.
    """
    await lock_title(connection, title_id)
    current = await get_string(connection, title_id, key, locale)
    if current.text is None:
        raise NotFound(f"there is no text of {key!r} in {locale} to be reviewed")
    return await _write(
        connection,
        title_id,
        current,
        text=current.text,
        expected=expected,
        actor=actor,
        state="approved" if approve else "needs_review",
        origin="review",
        said=current.overridden(),
        source_version=None if approve or not current.is_stale else 0,
        is_checked=approve,
    )


async def restore(
    connection: Connection, title_id: int, key: str, locale: str, *, version: int, expected: int, actor: str
) -> String:
    """Write the text of an older revision again, as a translation of the source of its time.

    Raises:
        NotFound: there is no such title or key, or no text of that version.
        Conflict: somebody else changed it meanwhile; it carries the string as it is now.
        InvalidField: a check calls the text wrong.
    """
    await lock_title(connection, title_id)
    current = await get_string(connection, title_id, key, locale)
    old = next(iter(await history(connection, title_id, key, locale, before=version + 1, count=1)), None)
    if old is None or old.version != version or old.text is None:
        raise NotFound(f"there is no text of {key!r} in {locale} of version {version}")
    return await _write(
        connection,
        title_id,
        current,
        text=old.text,
        expected=expected,
        actor=actor,
        origin="restore",
        source_version=old.source_version,
    )


async def history(
    connection: Connection, title_id: int, key: str, locale: str, *, before: int = _LAST, count: int = HISTORY
) -> list[Revision]:
    """What a string was in a locale, newest first; `before` a version, for those that are older. Empty if nothing."""
    return await _history.all(
        connection, title_id=title_id, locale=locale, key=key, before=min(before, _LAST), count=count
    )


async def get_draft_status(connection: Connection, title_id: int) -> "DraftStatus":
    """The state of what is being edited of a title.

    Raises:
        NotFound: there is no such title.
    """
    found = await _editing.first(connection, title_id=title_id)
    if found is None:
        raise NotFound(f"there is no title {title_id}")
    return found


async def set_publish_from(
    connection: Connection, title_id: int, publish_from: Literal["translated", "approved"]
) -> None:
    """Say which texts the releases of a title take from now on; texts of the default locale need no approval.

    Raises:
        NotFound: there is no such title.
    """
    if not await _set_publish_from.run(connection, title_id=title_id, publish_from=publish_from):
        raise NotFound(f"there is no title {title_id}")


async def _write(
    connection: Connection,
    title_id: int,
    current: String,
    *,
    text: str,
    expected: int,
    actor: str,
    state: WritableState = "translated",
    origin: Literal["edit", "review", "restore"] = "edit",
    said: Overrides | None = None,
    source_version: int | None = None,
    is_checked: bool = True,
) -> String:
    """Write it, if the version is still the expected one: the statement itself compares."""
    key, locale = current.key, current.locale
    found = check_string(text, key=key, locale=locale, source=current.source, source_locale=current.source_locale)
    wrong = [remark for remark in found if remark.severity == "error"]
    if wrong and is_checked and current.version == expected:
        raise InvalidField("text", f"a text that breaks no rule: {wrong[0].message} [{wrong[0].rule}]")
    overrides = {rule: said[rule] for rule in {remark.rule for remark in found} & (said or {}).keys()} if said else {}
    written = await _save.first(
        connection,
        title_id=title_id,
        locale=locale,
        key=key,
        expected=expected,
        text=text,
        state=state,
        source_version=source_version,
        remarks=sorted({remark.rule for remark in found} - overrides.keys()),
        overrides=msgspec.json.encode(overrides).decode(),
        origin=origin,
        actor=actor,
    )
    if written is None:
        raise Conflict(
            f"{key} in {locale} is at version {current.version}, not at {expected}: somebody else changed it", current
        )
    return await get_string(connection, title_id, key, locale)


class DraftStatus(msgspec.Struct, frozen=True):
    """What is being edited of a title. `catalog_version` rises with every change of it."""

    title_id: int
    default_locale: str
    catalog_version: int
    publish_from: Literal["translated", "approved"]


class _Version(msgspec.Struct, frozen=True):
    version: int


_one = query("texts.one", row=String)
_page = query("texts.page", row=String)
_save = query("texts.save", row=_Version)
_history = query("texts.history", row=Revision)
_editing = query("catalog.editing", row=DraftStatus)
_set_publish_from = statement("catalog.set_publish_from")
