"""Amendments: changes to a title's definitions that are edited and served in one transaction, as admin APIs need.

Unpublished work of localization teams stays unpublished: the change is made to the draft and, separately, to the served
release.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from service.core.auth.permissions import may_edit
from service.core.auth.principal import Principal
from service.core.catalog.model import Draft
from service.core.publishing.diff import diff_drafts
from service.core.publishing.drafts import Author, draft_of, lock_title, write_draft
from service.core.publishing.releases import create_release, served_draft
from service.core.validation import publish_rules
from service.db import Connection
from service.errors import InvalidCatalog, LaurelError

Amendment = Callable[[Draft], Draft]
"""A pure change of a title, which may raise a LaurelError."""

ADMIN = Author(actor="admin API", origin="admin")


class AmendResult(msgspec.Struct, frozen=True):
    """The title as it is served after the changes, and the error of each change that was not made, by its index."""

    served: Draft
    errors: Mapping[int, LaurelError]


async def amend_items(
    connection: Connection, principal: Principal, title_id: int, changes: Sequence[Amendment]
) -> AmendResult:
    """Make the valid ones of some changes to a title, one after the other, and serve them in one release.

    A change is invalid if it raises a LaurelError, for the draft or for the served release, or if the title would break
    a rule that every release must keep. The connection must be in a transaction.

    Raises:
        PermissionDenied: the caller may not change the title's definitions.
        NotFound: there is no such title.
    """
    may_edit(principal, title_id)
    await lock_title(connection, title_id)
    draft = await draft_of(connection, title_id)
    assert draft is not None  # noqa: S101  (its row is locked)
    before = await served_draft(connection, title_id)
    edited, after, errors = draft, before or draft, dict[int, LaurelError]()
    for index, change in enumerate(changes):
        try:
            changed = change(edited)
            released = changed if before is None else change(after)
            diagnostics = publish_rules.check(released)[0]
            if diagnostics:
                raise InvalidCatalog(diagnostics)
        except LaurelError as error:
            errors[index] = error
        else:
            edited, after = changed, released
    edits = diff_drafts(draft, edited)
    if edits:
        await write_draft(connection, edited, edits, author=ADMIN)
    if len(errors) < len(changes) and (before is None or diff_drafts(before, after)):
        await create_release(connection, after, before, actor=ADMIN.actor)
    return AmendResult(after, errors)


async def served(connection: Connection, title_id: int) -> Draft | None:
    """The served release of a title as a draft; before the first publish, its draft."""
    return await served_draft(connection, title_id) or await draft_of(connection, title_id)
