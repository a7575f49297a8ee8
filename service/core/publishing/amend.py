"""Changing what can be earned directly and at once, as an admin API does: edited and served in one transaction.

What localization teams have not published stays unpublished: the change is made to what is being edited and, apart
from that, to what is served.
"""

from collections.abc import Callable

from service.core.catalog.model import Draft
from service.core.publishing import publish
from service.core.validation import publish_rules
from service.db import Connection
from service.errors import Diagnostic, InvalidCatalog

Amendment = Callable[[Draft], Draft]

ADMIN = publish.Author(actor="admin API", origin="admin")


async def amend(connection: Connection, title_id: int, change: Amendment) -> Draft:
    """Make a change to a title, and serve it; gives what is served then. The connection must be in a transaction.

    `change` is a pure function; it may refuse with any LaurelError, and nothing was changed then.

    Raises:
        NotFound: there is no such title.
        InvalidCatalog: the title would break a rule that every release must keep.
    """
    await publish.lock_title(connection, title_id)
    draft = await publish.draft_of(connection, title_id)
    assert draft is not None  # noqa: S101  (its row is locked)
    served = await publish.served_draft(connection, title_id)
    edited = change(draft)
    changes = publish.diff_drafts(draft, edited)
    if changes:
        await publish.write_draft(connection, edited, changes, author=ADMIN)
    after = edited if served is None else change(served)
    if served is not None and not publish.diff_drafts(served, after):
        return after
    errors = publish_errors(after)
    if errors:
        raise InvalidCatalog(errors)
    await publish.create_release(connection, after, served, actor=ADMIN.actor)
    return after


async def served(connection: Connection, title_id: int) -> Draft | None:
    """What is served of a title, all of it; what is being edited, before the first publish."""
    return await publish.served_draft(connection, title_id) or await publish.draft_of(connection, title_id)


def publish_errors(draft: Draft) -> list[Diagnostic]:
    """The errors that prevent a title from being served."""
    return publish_rules.check(draft)[0]
