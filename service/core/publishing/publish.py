"""Drafts into the database, drafts into releases, and releases into service. All of it, or nothing.

Whoever calls holds a transaction; the title's row is locked first, so imports and publishes of one title queue.
"""

import contextlib
import hashlib
from collections.abc import Iterable

import msgspec

from service.core.catalog.model import Achievement, Draft, Texts, Title
from service.core.publishing.drafts import (
    SERVICE,
    Author,
    DraftDiff,
    TextRow,
    draft_of,
    drafts,
    lock_title,
    title_row,
    titles,
    write_draft,
)
from service.core.validation import publish_rules
from service.db import Connection
from service.db.queries import query, statement
from service.errors import Diagnostic, InvalidCatalog, NotFound

__all__ = [
    "Author",
    "DraftDiff",
    "Release",
    "create_release",
    "diff_drafts",
    "draft_of",
    "draft_of_release",
    "drafts",
    "hold_back_unready",
    "import_draft",
    "list_releases",
    "lock_title",
    "merge_draft",
    "newly_earnable",
    "publish",
    "ready_draft",
    "rollback",
    "served_draft",
    "served_release",
    "write_draft",
]


class Release(msgspec.Struct, frozen=True):
    """One release of a title. `is_served`: it is what players get now. `actor` published it and said `note` of it."""

    release: int
    created_at: str
    is_served: bool
    actor: str
    note: str | None


def diff_drafts(before: Draft | None, after: Draft) -> DraftDiff:
    """What is other in `after`. Pure."""
    old = {} if before is None else {achievement.number: achievement for achievement in before.achievements}
    old_texts = _flat({} if before is None else before.texts)
    new_texts = _flat(after.texts)
    texts = {
        place: (old_texts.get(place), new_texts.get(place))
        for place in sorted(old_texts.keys() | new_texts.keys())
        if old_texts.get(place) != new_texts.get(place)
    }
    return DraftDiff(
        title_is_new=before is None,
        title_changed=before is not None and before.title != after.title,
        added=tuple(a.number for a in after.achievements if a.number not in old),
        changed=tuple(a.number for a in after.achievements if a.number in old and old[a.number] != a),
        texts=texts,
    )


def merge_draft(before: Draft | None, new: Draft, *, is_whole: bool) -> Draft:
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


async def import_draft(
    connection: Connection, new: Draft, *, is_whole: bool, file: str, author: Author = SERVICE
) -> DraftDiff:
    """Merge a draft into what is being edited; gives what changed. Its texts count as translated.

    Raises:
        InvalidCatalog: its scid or a public id belongs to something else already.
    """
    title_id = new.title.title_id
    with contextlib.suppress(NotFound):  # a new title
        await lock_title(connection, title_id)
    before = await draft_of(connection, title_id)
    after = merge_draft(before, new, is_whole=is_whole)
    others = await titles(connection)
    problems = [
        Diagnostic(
            file=file, rule="scid-names-one-title", message=f"scid {row.scid} is of title {row.title_id} already"
        )
        for row in others
        if row.scid == after.title.scid and row.title_id != title_id
    ]
    problems += _double_names(after, file)
    if problems:
        raise InvalidCatalog(problems)
    changes = diff_drafts(before, after)
    if changes:
        await write_draft(connection, after, changes, author=author)
    return changes


async def publish(
    connection: Connection, title_id: int, *, actor: str = SERVICE.actor, note: str | None = None
) -> tuple[int, DraftDiff]:
    """Make what is ready of the draft a release and serve it; gives its number and what players will see changed.

    Publishing what is served already changes nothing, and gives its number.

    Raises:
        NotFound: there is no such title.
        InvalidCatalog: the draft breaks a rule that every release must keep.
    """
    await lock_title(connection, title_id)
    draft, served = await ready_draft(connection, title_id)
    problems, _ = publish_rules.check(draft)
    if problems:
        raise InvalidCatalog(list(problems))
    changes = diff_drafts(served, draft)
    if served is not None and not changes:
        return await served_release(connection, title_id), changes
    return await create_release(connection, draft, served, actor=actor, note=note), changes


async def ready_draft(connection: Connection, title_id: int) -> tuple[Draft, Draft | None]:
    """What a publish would serve now, and what is served; the latter None before the first publish.

    Raises:
        NotFound: there is no such title.
    """
    draft = await draft_of(connection, title_id)
    if draft is None:
        raise NotFound(f"there is no title {title_id}")
    served = await served_draft(connection, title_id)
    waiting = [(row.locale, row.key) for row in await _unready.all(connection, title_id=title_id)]
    return hold_back_unready(draft, waiting, served), served


def hold_back_unready(draft: Draft, waiting: Iterable[tuple[str, str]], served: Draft | None) -> Draft:
    """The draft, with what is served in place of each text (locale, key) that has to wait. Pure.

    So a text that is not ready changes nothing: better an old text in the player's language than a new one in another.
    """
    texts = {locale: dict(found) for locale, found in draft.texts.items()}
    for locale, key in waiting:
        old = None if served is None else served.texts.get(locale, {}).get(key)
        if old is None:
            del texts[locale][key]
        else:
            texts[locale][key] = old
    return msgspec.structs.replace(draft, texts={locale: found for locale, found in texts.items() if found})


async def create_release(
    connection: Connection,
    draft: Draft,
    served: Draft | None,
    *,
    actor: str = SERVICE.actor,
    note: str | None = None,
) -> int:
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
    await _serve(connection, title_id, release, actor, note)
    opened = newly_earnable(served, draft)
    if opened:
        await _add_backfill.run(connection, title_id=title_id, numbers=list(opened))
    return release


def newly_earnable(before: Draft | None, after: Draft) -> tuple[int, ...]:
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


async def rollback(
    connection: Connection, title_id: int, release: int, *, actor: str = SERVICE.actor, note: str | None = None
) -> None:
    """Serve an older release again. The draft is not touched.

    Raises:
        NotFound: there is no such release of this title.
    """
    with contextlib.suppress(NotFound):  # it has no releases either
        await lock_title(connection, title_id)
    if release not in {known.release for known in await list_releases(connection, title_id)}:
        raise NotFound(f"there is no release {release} of title {title_id}")
    await _serve(connection, title_id, release, actor, note)


async def list_releases(connection: Connection, title_id: int) -> list[Release]:
    """Every release of a title, newest first."""
    return await _released_before.all(connection, title_id=title_id)


async def served_release(connection: Connection, title_id: int) -> int:
    """The number of the release that is served of a title; 0 before the first publish."""
    row = await title_row(connection, title_id)
    return 0 if row is None else row.release


async def served_draft(connection: Connection, title_id: int) -> Draft | None:
    """What is served of a title, as a draft; None before the first publish."""
    return await draft_of_release(connection, title_id, await served_release(connection, title_id))


async def draft_of_release(connection: Connection, title_id: int, number: int) -> Draft | None:
    """A release as a draft; None if the title has none of that number."""
    release = await _release.first(connection, title_id=title_id, release=number)
    if release is None:
        return None
    bundles = await _bundles_of_release.all(connection, title_id=title_id, release=number)
    return Draft(
        title=msgspec.json.decode(release.title, type=Title),
        achievements=msgspec.json.decode(release.achievements, type=tuple[Achievement, ...]),
        texts={bundle.locale: msgspec.json.decode(bundle.texts, type=dict[str, str]) for bundle in bundles},
    )


async def _serve(connection: Connection, title_id: int, release: int, actor: str, note: str | None) -> None:
    await _lock_publications.run(connection)
    await _publish.run(connection, title_id=title_id, release=release, actor=actor, note=note)


def _double_names(draft: Draft, file: str) -> list[Diagnostic]:
    seen: dict[str, int] = {}
    problems = []
    for achievement in draft.achievements:
        other = seen.setdefault(achievement.public_id, achievement.number)
        if other != achievement.number:
            message = f"public_id {achievement.public_id!r} is of achievement {other} already"
            key = f"achievement/{achievement.number}"
            problems.append(Diagnostic(file=file, key=key, rule="public-id-names-one-achievement", message=message))
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


class _ReleaseRow(msgspec.Struct, frozen=True):
    title: str
    achievements: str


class _NumberRow(msgspec.Struct, frozen=True):
    release: int


class _BundleRow(msgspec.Struct, frozen=True):
    locale: str
    texts: str


_unready = query("catalog.unready", row=TextRow)
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
