"""Amendments: changes to a title's definitions that are edited and served in one transaction, as admin APIs need.

Unpublished work of localization teams stays unpublished: the change is made to the draft and, separately, to the served
release.
"""

from collections.abc import Callable

from service.core.catalog.model import Draft
from service.core.publishing.diff import diff_drafts
from service.core.publishing.drafts import Author, draft_of, lock_title, write_draft
from service.core.publishing.releases import create_release, served_draft
from service.core.validation import publish_rules
from service.db import Connection
from service.errors import Diagnostic, InvalidCatalog

Amendment = Callable[[Draft], Draft]

ADMIN = Author(actor="admin API", origin="admin")


async def amend(connection: Connection, title_id: int, change: Amendment) -> Draft:
    """Make a change to a title, serve it, and return what is served then. The connection must be in a transaction.

    `change` is a pure function; any LaurelError that it raises leaves the title unchanged.

    Raises:
        NotFound: there is no such title.
        InvalidCatalog: the title would break a rule that every release must keep.
    """
    await lock_title(connection, title_id)
    draft = await draft_of(connection, title_id)
    assert draft is not None  # noqa: S101  (its row is locked)
    served = await served_draft(connection, title_id)
    edited = change(draft)
    changes = diff_drafts(draft, edited)
    if changes:
        await write_draft(connection, edited, changes, author=ADMIN)
    after = edited if served is None else change(served)
    if served is not None and not diff_drafts(served, after):
        return after
    errors = publish_errors(after)
    if errors:
        raise InvalidCatalog(errors)
    await create_release(connection, after, served, actor=ADMIN.actor)
    return after


async def served(connection: Connection, title_id: int) -> Draft | None:
    """The served release of a title as a draft; before the first publish, its draft."""
    return await served_draft(connection, title_id) or await draft_of(connection, title_id)


def publish_errors(draft: Draft) -> list[Diagnostic]:
    """The errors that prevent a draft from being published."""
    return publish_rules.check(draft)[0]
