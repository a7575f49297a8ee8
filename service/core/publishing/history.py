"""Who changed what that players see: releases compared with those before them, and the people behind each text."""

from datetime import UTC, datetime

import msgspec

from service.core.publishing.publish import DraftDiff, diff_drafts, draft_of_release
from service.db import Connection
from service.db.queries import query
from service.errors import NotFound

LISTED = 100  # publications of one title


class Publication(msgspec.Struct, frozen=True):
    """A publish or a rollback: from `at` on, until the next one, `release` was what players got."""

    publication_id: int
    release: int
    at: datetime
    actor: str
    note: str | None


class Authorship(msgspec.Struct, frozen=True):
    """Who last made a text what it is in a difference."""

    locale: str
    key: str
    actor: str
    at: datetime


async def list_publications(connection: Connection, title_id: int) -> list[Publication]:
    """What was served of a title from when on, newest first."""
    return await _publications.all(connection, title_id=title_id, count=LISTED)


async def changes_of(connection: Connection, title_id: int, release: int) -> DraftDiff:
    """What a release changed of the one before it.

    Raises:
        NotFound: the title has no such release.
    """
    after = await draft_of_release(connection, title_id, release)
    if after is None:
        raise NotFound(f"there is no release {release} of title {title_id}")
    return diff_drafts(await draft_of_release(connection, title_id, release - 1), after)


async def authors(
    connection: Connection, title_id: int, changes: DraftDiff, *, before: datetime | None = None
) -> dict[tuple[str, str], Authorship]:
    """Who wrote each changed text, by locale and key, up to a moment (by default now)."""
    if not changes.texts:
        return {}
    places = list(changes.texts)
    found = await _authors.all(
        connection,
        title_id=title_id,
        locales=[locale for locale, _ in places],
        keys=[key for _, key in places],
        texts=[new for _, new in changes.texts.values()],
        before=before or datetime.max.replace(tzinfo=UTC),
    )
    return {(one.locale, one.key): one for one in found}


_publications = query("releases.publications", row=Publication)
_authors = query("releases.authors", row=Authorship)
