"""Amendments: changes to a title's definitions that are edited and served in one transaction, as admin APIs need.

Unpublished work of localization teams stays unpublished: the change is made to the draft and, separately, to the served
release. What grows with the title is done by `run`, in a child process where the service serves players, and before the
title is locked; only if others change the title all the time, it is locked meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from service.concurrency.processes import Run
from service.concurrency.steps import run_at_once
from service.core.auth.permissions import may_edit
from service.core.auth.principal import Principal
from service.core.catalog.model import Draft
from service.core.publishing.diff import diff_drafts
from service.core.publishing.draft_status import get_draft_status
from service.core.publishing.drafts import (
    Author,
    DraftWrites,
    lock_title,
    prepare_draft,
    stored_draft,
    write_prepared_draft,
)
from service.core.publishing.releases import (
    ReleaseContent,
    encode_release,
    served_release,
    store_release,
    stored_release,
)
from service.core.publishing.snapshot import SnapshotStore
from service.core.publishing.stored import StoredDraft, StoredRelease
from service.core.validation import publish_rules
from service.db import Connection
from service.db.limits import CATALOG
from service.db.pool import Pool
from service.errors import InvalidCatalog, LaurelError, NotFound

Amendment = Callable[[Draft], Draft]
"""A pure change of a title, which may raise a LaurelError. It can be pickled."""
Show = Callable[[Draft, Sequence[int]], Any]
"""What is wanted of the served title after the changes with these indexes were made. It can be pickled, as its result."""

_TRIES = 3  # without a lock, while others change the title


class AmendResult(msgspec.Struct, frozen=True):
    """What `show` returned, and the error of each change that was not made, by its index."""

    shown: Any
    errors: Mapping[int, LaurelError]


class _StoredTitle(msgspec.Struct, frozen=True):
    """A title as it was read; its release is None before the first publish. `version` changes with both."""

    version: tuple[int, int]
    draft: StoredDraft
    served: StoredRelease | None


class _Prepared(msgspec.Struct, frozen=True):
    """What changes amount to: `writes` and `content` are None where there is nothing to write or to serve."""

    writes: DraftWrites | None
    content: ReleaseContent | None
    result: AmendResult


async def amend_items(
    pool: Pool,
    snapshots: SnapshotStore,
    principal: Principal,
    title_id: int,
    changes: Sequence[Amendment],
    *,
    show: Show,
    run: Run,
) -> AmendResult:
    """Make the valid ones of some changes to a title, one after the other, and serve them in one release.

    A change is invalid if it raises a LaurelError, for the draft or for the served release, or if it would break a rule
    that every release must keep.

    Raises:
        PermissionDenied: the caller may not change the title's definitions.
        NotFound: there is no such title.
    """
    may_edit(principal, title_id)
    for _ in range(_TRIES):
        async with pool.connection(CATALOG) as connection:
            stored = await _read(connection, title_id)
        prepared = await run(_prepare, stored, changes, show)
        async with snapshots.transaction() as connection:
            await lock_title(connection, title_id)
            if await _version(connection, title_id) == stored.version:
                await _commit(connection, principal, title_id, prepared)
                return prepared.result
    async with snapshots.transaction() as connection:
        await lock_title(connection, title_id)
        prepared = await run(_prepare, await _read(connection, title_id), changes, show)
        await _commit(connection, principal, title_id, prepared)
    return prepared.result


async def show_served(pool: Pool, title_id: int, show: Callable[[Draft], Any], *, run: Run) -> Any:
    """What is wanted of the title as it is served; before the first publish, of its draft. `show` can be pickled.

    Raises:
        NotFound: there is no such title, or `show` raises it.
    """
    async with pool.connection(CATALOG) as connection:
        stored: StoredDraft | StoredRelease | None
        stored = await stored_release(connection, title_id, await served_release(connection, title_id))
        if stored is None:
            stored = await stored_draft(connection, title_id)
    if stored is None:
        raise _not_found(title_id)
    return await run(_show, stored, show)


def _show(stored: StoredDraft | StoredRelease, show: Callable[[Draft], Any]) -> Any:
    return show(stored.decode())


async def _read(connection: Connection, title_id: int) -> _StoredTitle:
    version = await _version(connection, title_id)
    draft = await stored_draft(connection, title_id)
    if draft is None:
        raise _not_found(title_id)
    return _StoredTitle(version, draft, await stored_release(connection, title_id, version[1]))


async def _version(connection: Connection, title_id: int) -> tuple[int, int]:
    """The catalog version and the served release: what `_read` returns changes only with them."""
    status = await get_draft_status(connection, title_id)
    return status.catalog_version, await served_release(connection, title_id)


async def _commit(connection: Connection, principal: Principal, title_id: int, prepared: _Prepared) -> None:
    if prepared.writes is not None:
        await write_prepared_draft(connection, prepared.writes, author=Author(actor=principal.name, origin="admin"))
    if prepared.content is not None:
        await store_release(connection, title_id, prepared.content, actor=principal.name)


def _prepare(stored: _StoredTitle, changes: Sequence[Amendment], show: Show) -> _Prepared:
    draft, served = stored.draft.decode(), None if stored.served is None else stored.served.decode()
    edited, after, errors = _apply(draft, served, changes)
    edits = diff_drafts(draft, edited)
    is_served = len(errors) < len(changes) and (served is None or bool(diff_drafts(served, after)))
    return _Prepared(
        prepare_draft(edited, edits) if edits else None,
        encode_release(after, served) if is_served else None,
        AmendResult(show(after, [index for index in range(len(changes)) if index not in errors]), errors),
    )


def _apply(
    draft: Draft, served: Draft | None, changes: Sequence[Amendment]
) -> tuple[Draft, Draft, dict[int, LaurelError]]:
    """Make the changes to the draft and to the served release, each checked alone, and check the title once."""
    edited, after, errors = draft, served or draft, dict[int, LaurelError]()
    for index, change in enumerate(changes):
        try:
            changed = change(edited)
            released = changed if served is None else change(after)
            diagnostics = run_at_once(publish_rules.check_amended_steps(after, released))
            if diagnostics:
                raise InvalidCatalog(diagnostics)
        except LaurelError as error:
            errors[index] = error
        else:
            edited, after = changed, released
    diagnostics, _ = publish_rules.check(after)
    if diagnostics:  # the title broke a rule before: nothing can be served
        refused = InvalidCatalog(diagnostics)
        return draft, served or draft, dict.fromkeys(range(len(changes)), refused) | errors
    return edited, after, errors


def _not_found(title_id: int) -> NotFound:
    return NotFound(f"there is no title {title_id}")
