"""Publishing a title and rolling it back: who may do it, what is checked, and what players see changed.

A publish is prepared without a lock, from what the database has, and committed if that has not changed meanwhile. What
grows with the title is done by `run`, in a child process where the service serves players.
"""

import contextlib
from collections.abc import Mapping

import msgspec

from service.concurrency.processes import Run, in_place
from service.core.auth.permissions import may_localize
from service.core.auth.principal import Principal
from service.core.publishing.diff import DraftDiff, diff_drafts, newly_earnable
from service.core.publishing.draft_status import get_draft_status
from service.core.publishing.drafts import lock_title, stored_draft
from service.core.publishing.history import ALL_TEXTS, Authorship, authors_of
from service.core.publishing.merge import hold_back_unready
from service.core.publishing.releases import (
    ReleaseContent,
    check_note,
    encode_release,
    find_release,
    serve_release,
    served_release,
    store_release,
    stored_release,
)
from service.core.publishing.stored import StoredDraft, StoredRelease
from service.core.validation import publish_rules
from service.db import Connection
from service.db.limits import CATALOG, IMPORT
from service.db.pool import Pool
from service.db.queries import query
from service.errors import Conflict, Diagnostic, InvalidCatalog, NotFound

_TRIES = 2  # without a lock, while others change the draft


class PublishResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a publish did: the release that is served now, what it changed for players, and who wrote the texts."""

    release: int
    changes: DraftDiff
    authors: Mapping[tuple[str, str], Authorship]


class PublishPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a publish would do now. `errors` prevent it, `warnings` do not.

    `newly_earnable` are the achievements that it would make earnable and that players may already have reached.
    """

    newly_earnable: tuple[int, ...]
    changes: DraftDiff
    authors: Mapping[tuple[str, str], Authorship]
    errors: list[Diagnostic]
    warnings: list[Diagnostic]


class PreparedPublish(msgspec.Struct, frozen=True, kw_only=True):
    """A publish of the draft of `catalog_version` over the release `served` (0 for none), not yet committed.

    `content` is None where there is nothing to publish: nothing changes, or there are errors.
    """

    title_id: int
    catalog_version: int
    served: int
    content: ReleaseContent | None
    newly_earnable: tuple[int, ...]
    changes: DraftDiff
    errors: list[Diagnostic]
    warnings: list[Diagnostic]


async def publish_title(
    connection: Connection,
    principal: Principal,
    title_id: int,
    *,
    note: str | None = None,
    expected_version: int | None = None,
) -> PublishResult:
    """Make the ready part of a title's draft a release, and serve it. Without changes, the served release stays.

    `expected_version` is the catalog version that the caller has seen; None publishes any version. The connection must
    be in a transaction, and the title stays locked until it ends: for commands, which serve nobody meanwhile.

    Raises:
        PermissionDenied: the principal lacks the right "publish" on the title.
        InvalidField: the note is too long or has control characters.
        NotFound: there is no such title.
        Conflict: the draft is not at the expected version; it carries the current one.
        InvalidCatalog: the draft breaks a rule that every release must keep.
    """
    may_localize(principal, "publish", title_id)
    check_note(note)
    prepared = await _prepare_locked(connection, title_id, expected_version, ALL_TEXTS, in_place)
    release = await commit_publish(connection, principal, prepared, note=note)
    assert release is not None  # noqa: S101  (the title has been locked since it was read)
    authors = await authors_of(connection, title_id, prepared.changes)
    return PublishResult(release=release, changes=prepared.changes, authors=authors)


async def _prepare_locked(
    connection: Connection, title_id: int, expected_version: int | None, texts: range, run: Run
) -> "PreparedPublish":
    """Lock a title until the transaction ends, and prepare its release."""
    await lock_title(connection, title_id)
    stored = await _read(connection, title_id)
    _check_version(stored, expected_version)
    return await run(_prepare, stored, texts)


async def publish_concurrently(
    pool: Pool,
    principal: Principal,
    title_id: int,
    *,
    note: str | None = None,
    expected_version: int | None = None,
    texts: range = ALL_TEXTS,
    run: Run,
) -> PublishResult:
    """The same without a connection or lock while the release is prepared; the result has only some of the texts.

    Only if others change the title all the time, it is locked meanwhile.

    Raises:
        PermissionDenied: the principal lacks the right "publish" on the title.
        InvalidField: the note is too long or has control characters.
        NotFound: there is no such title.
        Conflict: the draft is not at the expected version; it carries the current one.
        InvalidCatalog: the draft breaks a rule that every release must keep.
    """
    may_localize(principal, "publish", title_id)
    check_note(note)
    for _ in range(_TRIES):
        prepared = await prepare_publish(pool, title_id, expected_version=expected_version, texts=texts, run=run)
        async with pool.transaction(IMPORT) as connection:
            release = await commit_publish(connection, principal, prepared, note=note)
        if release is not None:
            break
    else:
        async with pool.transaction(IMPORT) as connection:
            prepared = await _prepare_locked(connection, title_id, expected_version, texts, run)
            release = await commit_publish(connection, principal, prepared, note=note)
    assert release is not None  # noqa: S101  (the title was locked at last)
    async with pool.connection(CATALOG) as connection:
        authors = await authors_of(connection, title_id, prepared.changes)
    return PublishResult(release=release, changes=prepared.changes, authors=authors)


async def prepare_publish(
    pool: Pool, title_id: int, *, expected_version: int | None = None, texts: range = ALL_TEXTS, run: Run
) -> PreparedPublish:
    """Read a title, check what a publish would serve, and encode it.

    Raises:
        NotFound: there is no such title.
        Conflict: the draft is not at the expected version; it carries the current one.
    """
    async with pool.connection(CATALOG) as connection:
        stored = await _read(connection, title_id)
    _check_version(stored, expected_version)
    return await run(_prepare, stored, texts)


async def commit_publish(
    connection: Connection, principal: Principal, prepared: PreparedPublish, *, note: str | None = None
) -> int | None:
    """Serve what was prepared, and return the number of the release; None if the title has changed since.

    The connection must be in a transaction. The caller has checked the right to publish.

    Raises:
        InvalidCatalog: the draft breaks a rule that every release must keep.
    """
    title_id = prepared.title_id
    await lock_title(connection, title_id)
    status = await get_draft_status(connection, title_id)
    served = await served_release(connection, title_id)
    if (status.catalog_version, served) != (prepared.catalog_version, prepared.served):
        return None
    if prepared.errors:
        raise InvalidCatalog(prepared.errors)
    if prepared.content is None:
        return served
    # From here on, other titles wait to be published.
    return await store_release(connection, title_id, prepared.content, actor=principal.name, note=note)


async def preview_publish(
    pool: Pool, title_id: int, *, texts: range = ALL_TEXTS, run: Run = in_place
) -> PublishPreview:
    """What a publish would change for players now, who wrote the texts, and what would prevent it.

    Raises:
        NotFound: there is no such title.
    """
    prepared = await prepare_publish(pool, title_id, texts=texts, run=run)
    async with pool.connection(CATALOG) as connection:
        authors = await authors_of(connection, title_id, prepared.changes)
    return PublishPreview(
        newly_earnable=prepared.newly_earnable,
        changes=prepared.changes,
        authors=authors,
        errors=prepared.errors,
        warnings=prepared.warnings,
    )


async def roll_back(
    connection: Connection, principal: Principal, title_id: int, release: int, *, note: str | None = None
) -> None:
    """Serve an older release again. The draft stays unchanged.

    Raises:
        PermissionDenied: the principal lacks the right "publish" on the title.
        InvalidField: the note is too long or has control characters.
        NotFound: the title has no such release.
    """
    may_localize(principal, "publish", title_id)
    check_note(note)
    with contextlib.suppress(NotFound):  # it has no releases either
        await lock_title(connection, title_id)
    await find_release(connection, title_id, release)
    await serve_release(connection, title_id, release, actor=principal.name, note=note)


class _StoredTitle(msgspec.Struct, frozen=True):
    """What a publish needs to know of a title. `unready` is a JSON array of (locale, key)."""

    catalog_version: int
    draft: StoredDraft
    served: StoredRelease | None
    unready: bytes


async def _read(connection: Connection, title_id: int) -> _StoredTitle:
    # The versions are read first: a change after them makes the rest outdated, and that is never committed.
    version = (await get_draft_status(connection, title_id)).catalog_version
    draft = await stored_draft(connection, title_id)
    assert draft is not None  # noqa: S101  (a title is never deleted)
    served = await stored_release(connection, title_id, draft.title.release)
    unready = (await _unready.one(connection, title_id=title_id)).places
    return _StoredTitle(version, draft, served, unready)


def _prepare(stored: _StoredTitle, texts: range) -> PreparedPublish:
    served = None if stored.served is None else stored.served.decode()
    unready = msgspec.json.decode(stored.unready, type=list[tuple[str, str]])
    draft = hold_back_unready(stored.draft.decode(), unready, served)
    errors, warnings = publish_rules.check(draft)
    changes = diff_drafts(served, draft)
    is_needed = not errors and (served is None or bool(changes))
    return PreparedPublish(
        title_id=draft.title.title_id,
        catalog_version=stored.catalog_version,
        served=stored.draft.title.release,
        content=encode_release(draft, served) if is_needed else None,
        newly_earnable=newly_earnable(served, draft),
        changes=changes.part(texts),
        errors=errors,
        warnings=warnings,
    )


def _check_version(stored: _StoredTitle, expected: int | None) -> None:
    if expected not in (None, stored.catalog_version):
        raise Conflict(
            f"title {stored.draft.title.title_id} is at catalog version {stored.catalog_version}, not at {expected}: "
            "look at the changes again",
            stored.catalog_version,
        )


class _PlacesRow(msgspec.Struct, frozen=True):
    places: bytes


_unready = query("drafts.unready", row=_PlacesRow)
