"""Drafts: titles, achievements and texts as they are being edited, read whole and written where they changed.

Writers hold a transaction and lock the title's row first, so changes to one title queue.
"""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Literal, TypeVar

import msgspec

from service.concurrency.cooperative import run_steps
from service.concurrency.steps import Steps
from service.core.auth.permissions import may_edit
from service.core.auth.principal import Principal
from service.core.catalog.model import Achievement, Draft, Title
from service.core.catalog.text_keys import keys_of
from service.core.publishing.diff import DraftDiff, diff_drafts
from service.core.publishing.merge import MergeMode, merge_draft
from service.core.publishing.stored import StoredDraft, StoredTexts, TitleRow
from service.core.validation import checks, publish_rules
from service.core.validation.diagnostics import SourceLocation
from service.db import Connection
from service.db.queries import query, statement
from service.errors import InvalidCatalog, NotFound

T = TypeVar("T")

_ROWS = 1000  # of one statement


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes texts, and how: `batch_id` is the import batch that the change comes from, None for other changes."""

    actor: str
    origin: Literal["import", "admin"] = "import"
    batch_id: int | None = None


class NewText(msgspec.Struct, frozen=True):
    """A text to be written. `is_stale`: it translates another source text than the current one."""

    locale: str
    key: str
    text: str
    state: Literal["needs_review", "translated", "approved"] = "translated"
    is_stale: bool = False


async def draft_of(connection: Connection, title_id: int) -> Draft | None:
    """The draft of a title; None if there is no such title."""
    stored = await stored_draft(connection, title_id)
    return None if stored is None else stored.decode()


async def stored_draft(connection: Connection, title_id: int) -> StoredDraft | None:
    """The draft of a title, not decoded; None if there is no such title."""
    row = await title_row(connection, title_id)
    if row is None:
        return None
    definitions = (await _definitions.one(connection, title_id=title_id)).definitions
    return StoredDraft(row, definitions, tuple(await _texts.all(connection, title_id=title_id)))


async def text_keys(connection: Connection, title_id: int) -> set[str]:
    """The keys of all texts that a title's definitions provide for; empty if there is no such title."""
    row = await title_row(connection, title_id)
    if row is None:
        return set()
    definitions = (await _definitions.one(connection, title_id=title_id)).definitions
    return await run_steps(_text_keys(row.title(), definitions))


def _text_keys(title: Title, definitions: bytes) -> Steps[set[str]]:
    keys = set()
    stored = msgspec.json.decode(definitions, type=list[msgspec.Raw])
    for key in keys_of(title, (msgspec.json.decode(raw, type=Achievement) for raw in stored)):
        keys.add(key)
        yield
    return keys


async def title_row(connection: Connection, title_id: int) -> TitleRow | None:
    """The draft of one title without its achievements and texts; None if there is no such title."""
    return await _title.first(connection, title_id=title_id)


async def lock_title(connection: Connection, title_id: int) -> None:
    """Make other imports, edits and publishes of this title wait until the transaction ends.

    Raises:
        NotFound: there is no such title.
    """
    if not await _lock_title.all(connection, title_id=title_id):
        raise NotFound(f"there is no title {title_id}")


async def import_draft(
    connection: Connection,
    principal: Principal,
    new: Draft,
    *,
    mode: MergeMode = "complete",
    file: str | None = None,
) -> DraftDiff:
    """Merge an imported draft into the one that is being edited, and return the changes. Its texts are "translated".

    The connection must be in a transaction. `file` names the import in diagnostics.

    Raises:
        PermissionDenied: the principal may not edit the title.
        InvalidCatalog: its scid belongs to another title, or one of its public ids to another achievement.
    """
    title_id = new.title.title_id
    may_edit(principal, title_id)
    with contextlib.suppress(NotFound):  # a new title
        await lock_title(connection, title_id)
    before = await draft_of(connection, title_id)
    after = merge_draft(before, new, mode=mode)
    location = SourceLocation(file or f"title-{title_id}")
    for row in await _titles.all(connection):
        if row.scid == after.title.scid and row.title_id != title_id:
            location.report("scid-names-one-title", f"scid {row.scid} is of title {row.title_id} already")
    publish_rules.report_duplicates(after.achievements, location)
    if location.errors:
        raise InvalidCatalog(location.errors)
    changes = diff_drafts(before, after)
    if changes:
        await write_draft(connection, after, changes, author=Author(actor=principal.name))
    return changes


class DraftWrites(msgspec.Struct, frozen=True):
    """What is to be written of a changed draft: its title, changed definitions, and texts."""

    title: Title
    numbers: list[int]
    public_ids: list[str]
    definitions: list[str]
    texts: "TextWrites"


def prepare_draft(draft: Draft, changes: DraftDiff) -> DraftWrites:
    """What is to be written of a draft with these changes. Pure."""
    touched = {*changes.added, *changes.changed}
    achievements = [achievement for achievement in draft.achievements if achievement.number in touched]
    return DraftWrites(
        title=draft.title,
        numbers=[achievement.number for achievement in achievements],
        public_ids=[achievement.public_id for achievement in achievements],
        definitions=[_json_text(achievement) for achievement in achievements],
        texts=prepare_texts(
            draft,
            [NewText(locale, key, new) for (locale, key), (_, new) in changes.texts.items() if new is not None],
            [place for place, (_, new) in changes.texts.items() if new is None],
        ),
    )


async def write_draft(connection: Connection, draft: Draft, changes: DraftDiff, *, author: Author) -> None:
    """Write what changed of a draft. The caller has locked the title."""
    await write_prepared_draft(connection, prepare_draft(draft, changes), author=author)


async def write_prepared_draft(connection: Connection, writes: DraftWrites, *, author: Author) -> None:
    """Write what changed of a draft, as `write_draft` does."""
    title = writes.title
    await _put_title.run(
        connection,
        title_id=title.title_id,
        scid=title.scid,
        default_locale=title.default_locale,
        kind=title.kind,
        platform=title.platform,
        version=title.version,
        text_unit=title.text_unit,
        trust=title.trust,
        metrics=_json_text(title.metrics),
        attributes=_json_text(title.attributes),
    )
    await _put_definitions.run(
        connection,
        title_id=title.title_id,
        numbers=writes.numbers,
        public_ids=writes.public_ids,
        definitions=writes.definitions,
    )
    await write_prepared_texts(connection, title.title_id, writes.texts, author=author)


async def write_texts(
    connection: Connection,
    draft: Draft,
    new: Sequence[NewText],
    gone: Sequence[tuple[str, str]] = (),
    *,
    author: Author,
) -> None:
    """Write texts of a title and delete others (locale, key). The caller has locked the title.

    `draft` already contains the new texts: those of the default locale are the sources of the others.
    """
    await write_prepared_texts(connection, draft.title.title_id, prepare_texts(draft, new, gone), author=author)


class TextRows(msgspec.Struct, frozen=True):
    """Texts to be written by one statement, as columns. `remarks` are the rules that each breaks, by spaces."""

    locales: list[str]
    keys: list[str]
    texts: list[str]
    states: list[str]
    is_stale: list[bool]
    remarks: list[str]


class TextWrites(msgspec.Struct, frozen=True):
    """Texts to be written, those of the default locale first, and texts to be deleted (locale, key)."""

    new: tuple[TextRows, ...]
    gone: tuple[tuple[str, str], ...]


def prepare_texts(draft: Draft, new: Sequence[NewText], gone: Sequence[tuple[str, str]] = ()) -> TextWrites:
    """Check texts and make them ready to be written; the arguments are those of `write_texts`. Pure."""
    default = draft.title.default_locale
    ordered = sorted(new, key=lambda text: text.locale != default)
    sources = sum(text.locale == default for text in ordered)
    parts = itertools.chain(_parts(ordered[:sources]), _parts(ordered[sources:]))
    return TextWrites(tuple(_text_rows(draft, part) for part in parts), tuple(gone))


async def write_prepared_texts(connection: Connection, title_id: int, writes: TextWrites, *, author: Author) -> None:
    """Write and delete texts of a title in steps. The caller has locked the title."""
    by = {"title_id": title_id, **msgspec.structs.asdict(author)}
    for rows in writes.new:
        await _put_texts.run(connection, **by, **msgspec.structs.asdict(rows))
    for part in _parts(writes.gone):
        locales, keys = zip(*part, strict=True)
        await _drop_texts.run(connection, **by, locales=locales, keys=keys)
    await _raise_catalog_version.run(connection, title_id=title_id)


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Rows in parts, each for one statement."""
    return (rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS))


def _text_rows(draft: Draft, part: Sequence[NewText]) -> TextRows:
    return TextRows(
        locales=[text.locale for text in part],
        keys=[text.key for text in part],
        texts=[text.text for text in part],
        states=[text.state for text in part],
        is_stale=[text.is_stale for text in part],
        remarks=[" ".join(checks.broken_rules(draft, text.locale, text.key, text.text)) for text in part],
    )


def _json_text(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


class _TitleIdRow(msgspec.Struct, frozen=True):
    title_id: int


class _DefinitionsRow(msgspec.Struct, frozen=True):
    definitions: bytes


_titles = query("drafts.titles", row=TitleRow)
_title = query("drafts.title", row=TitleRow)
_lock_title = query("drafts.lock_title", row=_TitleIdRow)
_definitions = query("drafts.definitions", row=_DefinitionsRow)
_texts = query("drafts.texts", row=StoredTexts)
_put_title = statement("drafts.put_title")
_put_definitions = statement("drafts.put_definitions")
_put_texts = statement("drafts.put_texts")
_drop_texts = statement("drafts.drop_texts")
_raise_catalog_version = statement("drafts.raise_catalog_version")
