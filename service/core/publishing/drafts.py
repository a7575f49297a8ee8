"""What is being edited: titles, achievements and texts, read whole and written where they changed.

Whoever writes holds a transaction and has locked the title's row, so what changes one title queues.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from service.core.catalog.model import Achievement, Draft, Title
from service.core.validation import checks, publish_rules
from service.db import Connection
from service.db.queries import query, statement
from service.errors import NotFound


class DraftDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What an import or a publish changes. Achievements by number; texts by locale and key, old → new."""

    title_is_new: bool
    title_changed: bool
    added: tuple[int, ...]
    changed: tuple[int, ...]
    texts: Mapping[tuple[str, str], tuple[str | None, str | None]]

    def __bool__(self) -> bool:
        return bool(self.title_is_new or self.title_changed or self.added or self.changed or self.texts)


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes texts, and by what: `origin` is import or admin, `batch_id` the import that was looked at before."""

    actor: str = "laurel"
    origin: Literal["import", "admin"] = "import"
    batch_id: int | None = None


class NewText(msgspec.Struct, frozen=True):
    """A text to be written. `is_stale`: it translates another source than the one that is there."""

    locale: str
    key: str
    text: str
    state: Literal["needs_review", "translated", "approved"] = "translated"
    is_stale: bool = False


SERVICE = Author()


async def draft_of(connection: Connection, title_id: int) -> Draft | None:
    """What is being edited; None if there is no such title."""
    row = await title_row(connection, title_id)
    if row is None:
        return None
    definitions = await _definitions.all(connection, title_id=title_id)
    texts: dict[str, dict[str, str]] = {}
    for text in await _texts.all(connection, title_id=title_id):
        texts.setdefault(text.locale, {})[text.key] = text.text
    return Draft(
        title=row.title(),
        achievements=tuple(msgspec.json.decode(d.definition, type=Achievement) for d in definitions),
        texts=texts,
    )


async def drafts(connection: Connection) -> dict[int, Draft]:
    """Everything that is being edited, by title."""
    found = [await draft_of(connection, row.title_id) for row in await titles(connection)]
    return {draft.title.title_id: draft for draft in found if draft is not None}


async def text_keys(connection: Connection, title_id: int) -> set[str]:
    """The keys of all texts that a title has a place for by its definitions; empty if there is no such title."""
    row = await title_row(connection, title_id)
    if row is None:
        return set()
    definitions = await _definitions.all(connection, title_id=title_id)
    achievements = (msgspec.json.decode(d.definition, type=Achievement) for d in definitions)
    return set(publish_rules.text_keys(row.title(), achievements))


async def titles(connection: Connection) -> list["TitleRow"]:
    """Every title that is being edited, without its achievements and texts."""
    return await _titles.all(connection)


async def title_row(connection: Connection, title_id: int) -> "TitleRow | None":
    """One title as it is being edited; None if there is none of that number."""
    return await _title.first(connection, title_id=title_id)


async def lock_title(connection: Connection, title_id: int) -> None:
    """Let nobody else import, publish or amend this title until the transaction ends.

    Raises:
        NotFound: there is no such title.
    """
    if not await _lock_title.all(connection, title_id=title_id):
        raise NotFound(f"there is no title {title_id}")


async def write_draft(connection: Connection, draft: Draft, changes: DraftDiff, *, author: Author = SERVICE) -> None:
    """Write what changed of what is being edited. Whoever calls has locked the title."""
    title = draft.title
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
        metrics=_text(title.metrics),
        attributes=_text(title.attributes),
    )
    touched = {*changes.added, *changes.changed}
    achievements = [achievement for achievement in draft.achievements if achievement.number in touched]
    await _put_definitions.run(
        connection,
        title_id=title.title_id,
        numbers=[achievement.number for achievement in achievements],
        public_ids=[achievement.public_id for achievement in achievements],
        definitions=[_text(achievement) for achievement in achievements],
    )
    await write_texts(
        connection,
        draft,
        [NewText(locale, key, new) for (locale, key), (_, new) in changes.texts.items() if new is not None],
        [place for place, (_, new) in changes.texts.items() if new is None],
        author=author,
    )


async def write_texts(
    connection: Connection,
    draft: Draft,
    new: Sequence[NewText],
    gone: Sequence[tuple[str, str]] = (),
    *,
    author: Author,
) -> None:
    """Write texts of a title and take others (locale, key) away. Whoever calls has locked the title.

    `draft` is what is being edited with them: its texts in the default locale are what the others translate.
    """
    title_id, default = draft.title.title_id, draft.title.default_locale
    by = {"title_id": title_id, **msgspec.structs.asdict(author)}
    for is_source in (True, False):
        part = [text for text in new if (text.locale == default) is is_source]
        if not part:
            continue
        await _put_texts.run(
            connection,
            **by,
            locales=[text.locale for text in part],
            keys=[text.key for text in part],
            texts=[text.text for text in part],
            states=[text.state for text in part],
            is_stale=[text.is_stale for text in part],
            remarks=[" ".join(checks.broken_rules(draft, text.locale, text.key, text.text)) for text in part],
        )
    if gone:
        locales, keys = zip(*gone, strict=True)
        await _drop_texts.run(connection, **by, locales=locales, keys=keys)
    await _touch.run(connection, title_id=title_id)


def _text(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


class TitleRow(msgspec.Struct, frozen=True):
    """A title as it is stored. `release` is the newest that is served, 0 before the first publish."""

    title_id: int
    scid: str
    default_locale: str
    kind: str
    platform: str
    version: str | None
    text_unit: str
    trust: str
    metrics: str
    attributes: str
    release: int

    def title(self) -> Title:
        """As a value."""
        fields = {name: getattr(self, name) for name in Title.__struct_fields__}
        documents = {name: msgspec.json.decode(fields[name]) for name in ("metrics", "attributes")}
        return msgspec.convert(fields | documents, Title)


class _TitleIdRow(msgspec.Struct, frozen=True):
    title_id: int


class _DefinitionRow(msgspec.Struct, frozen=True):
    number: int
    definition: str


class TextRow(msgspec.Struct, frozen=True):
    """One text as it is stored."""

    locale: str
    key: str
    text: str


_titles = query("catalog.titles", row=TitleRow)
_title = query("catalog.title", row=TitleRow)
_lock_title = query("catalog.lock_title", row=_TitleIdRow)
_definitions = query("catalog.definitions", row=_DefinitionRow)
_texts = query("catalog.texts", row=TextRow)
_put_title = statement("catalog.put_title")
_put_definitions = statement("catalog.put_definitions")
_put_texts = statement("catalog.put_texts")
_drop_texts = statement("catalog.drop_texts")
_touch = statement("catalog.touch")
