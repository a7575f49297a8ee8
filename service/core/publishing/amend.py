"""Amendments: changes to a title's definitions that are edited and served in one transaction, as admin APIs need.

Unpublished work of localization teams stays unpublished: the change is made to the draft and, separately, to the served
release. What they change is worked out before the title is locked, and again under the lock if somebody else has changed
the title meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from service.cooperative import run_steps
from service.core.auth.permissions import may_edit
from service.core.auth.principal import Principal
from service.core.catalog.model import Draft
from service.core.publishing.diff import diff_drafts
from service.core.publishing.draft_status import get_draft_status
from service.core.publishing.drafts import Author, draft_of, lock_title, write_draft
from service.core.publishing.releases import create_release, draft_of_release, served_draft, served_release
from service.core.publishing.snapshot import SnapshotStore
from service.core.validation import publish_rules
from service.db import Connection
from service.db.pool import Pool
from service.errors import InvalidCatalog, LaurelError, NotFound
from service.steps import Steps

Amendment = Callable[[Draft], Draft]
"""A pure change of a title, which may raise a LaurelError."""


class AmendResult(msgspec.Struct, frozen=True):
    """The title as it is served after the changes, and the error of each change that was not made, by its index."""

    served: Draft
    errors: Mapping[int, LaurelError]


class _Base(msgspec.Struct, frozen=True):
    """A title as it was read: its draft, its served release (None before the first publish), and what identifies both."""

    draft: Draft
    served: Draft | None
    version: tuple[int, int]


class _Amended(msgspec.Struct, frozen=True):
    draft: Draft
    served: Draft
    errors: dict[int, LaurelError]


async def amend_items(
    pool: Pool, snapshots: SnapshotStore, principal: Principal, title_id: int, changes: Sequence[Amendment]
) -> AmendResult:
    """Make the valid ones of some changes to a title, one after the other, and serve them in one release.

    A change is invalid if it raises a LaurelError, for the draft or for the served release, or if it would break a rule
    that every release must keep.

    Raises:
        PermissionDenied: the caller may not change the title's definitions.
        NotFound: there is no such title.
    """
    may_edit(principal, title_id)
    async with pool.connection() as connection:
        base = await _read(connection, title_id)
    amended = await run_steps(_apply(base, changes))
    async with snapshots.transaction() as connection:
        await lock_title(connection, title_id)
        if await _version(connection, title_id) != base.version:
            base = await _read(connection, title_id)
            amended = await run_steps(_apply(base, changes))
        edits = diff_drafts(base.draft, amended.draft)
        if edits:
            await write_draft(connection, amended.draft, edits, author=Author(actor=principal.name, origin="admin"))
        if len(amended.errors) < len(changes) and (base.served is None or diff_drafts(base.served, amended.served)):
            await create_release(connection, amended.served, base.served, actor=principal.name)
    return AmendResult(amended.served, amended.errors)


async def served(connection: Connection, title_id: int) -> Draft | None:
    """The served release of a title as a draft; before the first publish, its draft."""
    return await served_draft(connection, title_id) or await draft_of(connection, title_id)


async def _read(connection: Connection, title_id: int) -> _Base:
    version = await _version(connection, title_id)
    draft = await draft_of(connection, title_id)
    if draft is None:
        raise NotFound(f"there is no title {title_id}")
    return _Base(draft, await draft_of_release(connection, title_id, version[1]), version)


async def _version(connection: Connection, title_id: int) -> tuple[int, int]:
    """The catalog version and the served release: what `_read` returns changes only with them."""
    status = await get_draft_status(connection, title_id)
    return status.catalog_version, await served_release(connection, title_id)


def _apply(base: _Base, changes: Sequence[Amendment]) -> Steps[_Amended]:
    """Make the changes to the draft and to the served release, each checked alone, and check the title once."""
    edited, after, errors = base.draft, base.served or base.draft, dict[int, LaurelError]()
    for index, change in enumerate(changes):
        try:
            changed = change(edited)
            yield
            released = changed if base.served is None else change(after)
            diagnostics = yield from publish_rules.check_amended_steps(after, released)
            if diagnostics:
                raise InvalidCatalog(diagnostics)
        except LaurelError as error:
            errors[index] = error
        else:
            edited, after = changed, released
    diagnostics, _ = yield from publish_rules.check_steps(after)
    if diagnostics:  # the title broke a rule before: nothing can be served
        refused = InvalidCatalog(diagnostics)
        return _Amended(base.draft, base.served or base.draft, dict.fromkeys(range(len(changes)), refused) | errors)
    return _Amended(edited, after, errors)
