"""Publishing a title and rolling it back: who may do it, what is checked, and what players see changed.

The caller holds a transaction: that of `SnapshotStore.transaction` serves the result in this process at once.
"""

import contextlib
from collections.abc import Mapping

import msgspec

from service.core.auth.permissions import may_localize
from service.core.auth.principal import Principal
from service.core.catalog.model import Draft
from service.core.publishing.diff import DraftDiff, diff_drafts, newly_earnable
from service.core.publishing.draft_status import get_draft_status
from service.core.publishing.drafts import TextRow, draft_of, lock_title
from service.core.publishing.history import Authorship, authors_of
from service.core.publishing.merge import hold_back_unready
from service.core.publishing.releases import create_release, list_releases, serve_release, served_draft, served_release
from service.core.validation import publish_rules
from service.db import Connection
from service.db.queries import query
from service.errors import Conflict, Diagnostic, InvalidCatalog, NotFound


class PublishResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a publish did: the release that is served now, what it changed for players, and who wrote the texts."""

    release: int
    changes: DraftDiff
    authors: Mapping[tuple[str, str], Authorship]


class PublishPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a publish would do now. `errors` prevent it, `warnings` do not.

    `draft` would be served; `newly_earnable` are its achievements that players may already have reached.
    """

    draft: Draft
    newly_earnable: tuple[int, ...]
    changes: DraftDiff
    authors: Mapping[tuple[str, str], Authorship]
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

    `expected_version` is the catalog version that the caller has seen; None publishes any version.

    Raises:
        PermissionDenied: the principal lacks the right "publish" on the title.
        NotFound: there is no such title.
        Conflict: the draft is not at the expected version; it carries the current one.
        InvalidCatalog: the draft breaks a rule that every release must keep.
    """
    may_localize(principal, "publish", title_id)
    await lock_title(connection, title_id)
    version = (await get_draft_status(connection, title_id)).catalog_version
    if expected_version not in (None, version):
        raise Conflict(
            f"title {title_id} is at catalog version {version}, not at {expected_version}: look at the changes again",
            version,
        )
    draft, served = await _ready_draft(connection, title_id)
    errors, _ = publish_rules.check(draft)
    if errors:
        raise InvalidCatalog(errors)
    changes = diff_drafts(served, draft)
    authors = await authors_of(connection, title_id, changes)
    if served is None or changes:  # from here on, other titles wait to be published
        release = await create_release(connection, draft, served, actor=principal.name, note=note)
    else:
        release = await served_release(connection, title_id)
    return PublishResult(release=release, changes=changes, authors=authors)


async def preview_publish(connection: Connection, title_id: int) -> PublishPreview:
    """What a publish would change for players now, who wrote the texts, and what would prevent it.

    Raises:
        NotFound: there is no such title.
    """
    draft, served = await _ready_draft(connection, title_id)
    changes = diff_drafts(served, draft)
    errors, warnings = publish_rules.check(draft)
    return PublishPreview(
        draft=draft,
        newly_earnable=newly_earnable(served, draft),
        changes=changes,
        authors=await authors_of(connection, title_id, changes),
        errors=errors,
        warnings=warnings,
    )


async def roll_back(
    connection: Connection, principal: Principal, title_id: int, release: int, *, note: str | None = None
) -> None:
    """Serve an older release again. The draft stays unchanged.

    Raises:
        PermissionDenied: the principal lacks the right "publish" on the title.
        NotFound: the title has no such release.
    """
    may_localize(principal, "publish", title_id)
    with contextlib.suppress(NotFound):  # it has no releases either
        await lock_title(connection, title_id)
    if release not in {known.release for known in await list_releases(connection, title_id)}:
        raise NotFound(f"there is no release {release} of title {title_id}")
    await serve_release(connection, title_id, release, actor=principal.name, note=note)


async def _ready_draft(connection: Connection, title_id: int) -> tuple[Draft, Draft | None]:
    """What a publish would serve now, and what is served; the latter None before the first publish.

    Raises:
        NotFound: there is no such title.
    """
    draft = await draft_of(connection, title_id)
    if draft is None:
        raise NotFound(f"there is no title {title_id}")
    served = await served_draft(connection, title_id)
    unready = [(row.locale, row.key) for row in await _unready.all(connection, title_id=title_id)]
    return hold_back_unready(draft, unready, served), served


_unready = query("drafts.unready", row=TextRow)
