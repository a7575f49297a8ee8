"""The version of a title's draft, and which texts its releases take."""

from typing import Literal

import msgspec

from service.core.auth.permissions import may_localize
from service.core.auth.principal import Principal
from service.db import Connection
from service.db.queries import query, statement
from service.errors import NotFound

PublishFrom = Literal["translated", "approved"]
"""The state that a text needs to be published; texts of the default locale need no approval."""


class DraftStatus(msgspec.Struct, frozen=True):
    """What is being edited of a title. `catalog_version` rises with every change of its texts or settings."""

    title_id: int
    default_locale: str
    catalog_version: int
    publish_from: PublishFrom


async def get_draft_status(connection: Connection, title_id: int) -> DraftStatus:
    """The version and settings of a title's draft.

    Raises:
        NotFound: there is no such title.
    """
    status = await _draft_status.first(connection, title_id=title_id)
    if status is None:
        raise NotFound(f"there is no title {title_id}")
    return status


async def set_publish_from(
    connection: Connection, principal: Principal, title_id: int, publish_from: PublishFrom
) -> None:
    """Choose which texts the next releases of a title take.

    Raises:
        PermissionDenied: the principal lacks the right "publish" on the title.
        NotFound: there is no such title.
    """
    may_localize(principal, "publish", title_id)
    if not await _set_publish_from.run(connection, title_id=title_id, publish_from=publish_from):
        raise NotFound(f"there is no title {title_id}")


_draft_status = query("drafts.draft_status", row=DraftStatus)
_set_publish_from = statement("drafts.set_publish_from")
