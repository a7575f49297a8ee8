"""Drafts into the database, drafts into releases, and releases into service. All of it, or nothing.

Whoever calls holds a transaction; the title's row is locked first, so imports and publishes of one title queue.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from service.core.catalog import Achievement, Draft, Texts, Title
from service.core.formats import rules
from service.db import Connection
from service.db.queries import query, statement
from service.errors import BadCatalogue, NotFound, Problem


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What an import or a publish changes. Achievements by number; texts by locale and key, old → new."""

    title_is_new: bool
    title_changed: bool
    added: tuple[int, ...]
    changed: tuple[int, ...]
    texts: Mapping[tuple[str, str], tuple[str | None, str | None]]

    def __bool__(self) -> bool:
        return bool(self.title_is_new or self.title_changed or self.added or self.changed or self.texts)


class Release(msgspec.Struct, frozen=True):
    """One release of a title. `is_served`: it is what players get now."""

    release: int
    created_at: str
    is_served: bool


def difference(before: Draft | None, after: Draft) -> Difference:
    """What is other in `after`. Pure."""
    old = {} if before is None else {achievement.number: achievement for achievement in before.achievements}
    old_texts = _flat({} if before is None else before.texts)
    new_texts = _flat(after.texts)
    texts = {
        place: (old_texts.get(place), new_texts.get(place))
        for place in sorted(old_texts.keys() | new_texts.keys())
        if old_texts.get(place) != new_texts.get(place)
    }
    return Difference(
        title_is_new=before is None,
        title_changed=before is not None and before.title != after.title,
        added=tuple(a.number for a in after.achievements if a.number not in old),
        changed=tuple(a.number for a in after.achievements if a.number in old and old[a.number] != a),
        texts=texts,
    )


def merged(before: Draft | None, new: Draft, *, is_whole: bool) -> Draft:
    """The draft after an import. Pure. Nothing that the import does not name is lost.

    `is_whole`: the import describes the title as we do (our own file). Otherwise it is a page or a store's file,
    which knows nothing of names, orders and settings that are ours, so these stay.
    """
    if before is None:
        return new
    achievements = {achievement.number: achievement for achievement in before.achievements}
    for achievement in new.achievements:
        old = achievements.get(achievement.number)
        achievements[achievement.number] = achievement if is_whole or old is None else _keeping_ours(achievement, old)
    texts = {locale: dict(found) for locale, found in before.texts.items()}
    for locale, found in new.texts.items():
        texts.setdefault(locale, {}).update(found)
    return Draft(
        title=_with_all_counted(new.title, before.title) if is_whole else _title_keeping_ours(new.title, before.title),
        achievements=tuple(achievements[number] for number in sorted(achievements)),
        texts=texts,
    )


async def draft_of(connection: Connection, title_id: int) -> Draft | None:
    """What is being edited; None if there is no such title."""
    row = await _title.first(connection, title_id=title_id)
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
    found = [await draft_of(connection, row.title_id) for row in await _titles.all(connection)]
    return {draft.title.title_id: draft for draft in found if draft is not None}


async def import_draft(connection: Connection, new: Draft, *, is_whole: bool, file: str) -> Difference:
    """Merge a draft into what is being edited; gives what changed.

    Raises:
        BadCatalogue: its scid or a public id belongs to something else already.
    """
    title_id = new.title.title_id
    await _lock_title.all(connection, title_id=title_id)
    before = await draft_of(connection, title_id)
    after = merged(before, new, is_whole=is_whole)
    others = await _titles.all(connection)
    problems = [
        Problem(file=file, rule="scid-names-one-title", message=f"scid {row.scid} is of title {row.title_id} already")
        for row in others
        if row.scid == after.title.scid and row.title_id != title_id
    ]
    problems += _double_names(after, file)
    if problems:
        raise BadCatalogue(problems)
    changes = difference(before, after)
    if changes:
        await write_draft(connection, after, changes)
    return changes


async def publish(connection: Connection, title_id: int) -> tuple[int, Difference]:
    """Make the draft a release and serve it; gives its number and what players will see changed.

    Publishing what is served already changes nothing, and gives its number.

    Raises:
        NotFound: there is no such title.
        BadCatalogue: the draft breaks a rule that every release must keep.
    """
    await lock_title(connection, title_id)
    draft = await draft_of(connection, title_id)
    assert draft is not None  # noqa: S101  (its row is locked)
    problems, _ = rules.check(draft)
    if problems:
        raise BadCatalogue(list(problems))
    served = await served_draft(connection, title_id)
    changes = difference(served, draft)
    row = await _title.one(connection, title_id=title_id)
    if served is not None and not changes:
        return row.release, changes
    return await release_draft(connection, draft, served), changes


async def lock_title(connection: Connection, title_id: int) -> None:
    """Let nobody else import, publish or amend this title until the transaction ends.

    Raises:
        NotFound: there is no such title.
    """
    if not await _lock_title.all(connection, title_id=title_id):
        raise NotFound(f"there is no title {title_id}")


async def release_draft(connection: Connection, draft: Draft, served: Draft | None) -> int:
    """Make a draft that keeps every rule a release, and serve it from now on; gives its number.

    What players may have reached already, without it having been there to be unlocked, is looked for from then on.
    """
    title_id = draft.title.title_id
    release = (await _newest_release.one(connection, title_id=title_id)).release + 1
    await _add_release.run(
        connection,
        title_id=title_id,
        release=release,
        title=_text(draft.title),
        achievements=_text(draft.achievements),
    )
    for locale, texts in draft.texts.items():
        content = msgspec.json.encode(texts, order="sorted")
        sha256 = hashlib.sha256(content).digest()
        await _add_bundle.run(connection, sha256=sha256, texts=content.decode())
        await _add_release_bundle.run(connection, title_id=title_id, release=release, locale=locale, sha256=sha256)
    await _serve(connection, title_id, release)
    opened = opened_by(served, draft)
    if opened:
        await _add_backfill.run(connection, title_id=title_id, numbers=list(opened))
    return release


def opened_by(before: Draft | None, after: Draft) -> tuple[int, ...]:
    """The active achievements that are counted, and were not active before or were counted otherwise. Pure."""
    old = {} if before is None else {achievement.number: achievement for achievement in before.achievements}

    def is_opened(new: Achievement) -> bool:
        known = old.get(new.number)
        same = known is not None and known.status == "active"
        return not (
            same
            and known is not None
            and (known.requirements, known.user_filter) == (new.requirements, new.user_filter)
        )

    return tuple(
        achievement.number
        for achievement in after.achievements
        if achievement.status == "active"
        and any(requirement.measure is not None for requirement in achievement.requirements)
        and is_opened(achievement)
    )


async def rollback(connection: Connection, title_id: int, release: int) -> None:
    """Serve an older release again. The draft is not touched.

    Raises:
        NotFound: there is no such release of this title.
    """
    await _lock_title.all(connection, title_id=title_id)
    if release not in {known.release for known in await releases_of(connection, title_id)}:
        raise NotFound(f"there is no release {release} of title {title_id}")
    await _serve(connection, title_id, release)


async def releases_of(connection: Connection, title_id: int) -> list[Release]:
    """Every release of a title, newest first."""
    return await _released_before.all(connection, title_id=title_id)


async def served_draft(connection: Connection, title_id: int) -> Draft | None:
    """What is served of a title, as a draft; None before the first publish."""
    row = await _title.one(connection, title_id=title_id)
    if not row.release:
        return None
    release = await _release.one(connection, title_id=title_id, release=row.release)
    bundles = await _bundles_of_release.all(connection, title_id=title_id, release=row.release)
    return Draft(
        title=msgspec.json.decode(release.title, type=Title),
        achievements=msgspec.json.decode(release.achievements, type=tuple[Achievement, ...]),
        texts={bundle.locale: msgspec.json.decode(bundle.texts, type=dict[str, str]) for bundle in bundles},
    )


async def _serve(connection: Connection, title_id: int, release: int) -> None:
    await _lock_publications.run(connection)
    await _publish.run(connection, title_id=title_id, release=release)


async def write_draft(connection: Connection, draft: Draft, changes: Difference) -> None:
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
    texts = [(locale, key, new) for (locale, key), (_, new) in changes.texts.items() if new is not None]
    await _put_texts.run(
        connection,
        title_id=title.title_id,
        locales=[locale for locale, _, _ in texts],
        keys=[key for _, key, _ in texts],
        texts=[text for _, _, text in texts],
    )
    gone = [(locale, key) for (locale, key), (_, new) in changes.texts.items() if new is None]
    if gone:
        locales, keys = zip(*gone, strict=True)
        await _drop_texts.run(connection, title_id=title.title_id, locales=locales, keys=keys)


def _double_names(draft: Draft, file: str) -> list[Problem]:
    seen: dict[str, int] = {}
    problems = []
    for achievement in draft.achievements:
        other = seen.setdefault(achievement.public_id, achievement.number)
        if other != achievement.number:
            message = f"public_id {achievement.public_id!r} is of achievement {other} already"
            key = f"achievement/{achievement.number}"
            problems.append(Problem(file=file, key=key, rule="public-id-names-one-achievement", message=message))
    return problems


def _keeping_ours(new: Achievement, old: Achievement) -> Achievement:
    return msgspec.structs.replace(
        new,
        public_id=old.public_id,
        display_order=old.display_order,
        legacy_type=old.legacy_type,
        image_id=old.image_id,
        is_base=new.is_base and old.is_base,
        stores=tuple(sorted({**dict(old.stores), **dict(new.stores)}.items())),
    )


def _with_all_counted(new: Title, old: Title) -> Title:
    """The new title with the metrics and attributes that only the old one names: events of them may be under way."""
    metrics = {metric.key: metric for metric in (*old.metrics, *new.metrics)}
    attributes = {(attribute.kind, attribute.key): attribute for attribute in (*old.attributes, *new.attributes)}
    return msgspec.structs.replace(new, metrics=tuple(metrics.values()), attributes=tuple(attributes.values()))


def _title_keeping_ours(new: Title, old: Title) -> Title:
    return msgspec.structs.replace(old, scid=new.scid, version=new.version or old.version)


def _flat(texts: Texts) -> dict[tuple[str, str], str]:
    return {(locale, key): text for locale, found in texts.items() for key, text in found.items()}


def _text(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


class _TitleRow(msgspec.Struct, frozen=True):
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
        fields = {name: getattr(self, name) for name in Title.__struct_fields__}
        documents = {name: msgspec.json.decode(fields[name]) for name in ("metrics", "attributes")}
        return msgspec.convert(fields | documents, Title)


class _TitleIdRow(msgspec.Struct, frozen=True):
    title_id: int


class _DefinitionRow(msgspec.Struct, frozen=True):
    number: int
    definition: str


class _TextRow(msgspec.Struct, frozen=True):
    locale: str
    key: str
    text: str


class _ReleaseRow(msgspec.Struct, frozen=True):
    title: str
    achievements: str


class _NumberRow(msgspec.Struct, frozen=True):
    release: int


class _BundleRow(msgspec.Struct, frozen=True):
    locale: str
    texts: str


_titles = query("catalog.titles", row=_TitleRow)
_title = query("catalog.title", row=_TitleRow)
_lock_title = query("catalog.lock_title", row=_TitleIdRow)
_definitions = query("catalog.definitions", row=_DefinitionRow)
_texts = query("catalog.texts", row=_TextRow)
_put_title = statement("catalog.put_title")
_put_definitions = statement("catalog.put_definitions")
_put_texts = statement("catalog.put_texts")
_drop_texts = statement("catalog.drop_texts")
_release = query("releases.release", row=_ReleaseRow)
_bundles_of_release = query("releases.bundles_of_release", row=_BundleRow)
_newest_release = query("releases.newest_release", row=_NumberRow)
_released_before = query("releases.released_before", row=Release)
_add_release = statement("releases.add_release")
_add_bundle = statement("releases.add_bundle")
_add_release_bundle = statement("releases.add_release_bundle")
_add_backfill = statement("backfill.add")
_lock_publications = statement("releases.lock_publications")
_publish = statement("releases.publish")
