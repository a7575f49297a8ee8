"""The history of releases: what was served when, what each release changed, and who wrote each text."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from service.concurrency.processes import Run, in_place
from service.core.publishing.diff import DraftDiff, diff_drafts
from service.core.publishing.releases import Release, find_release, stored_release
from service.core.publishing.stored import StoredRelease
from service.db import Connection
from service.db.limits import CATALOG
from service.db.pool import Pool
from service.db.queries import query

LISTED = 100  # publications of one title
ALL_TEXTS = range(2**31)


class Publication(msgspec.Struct, frozen=True):
    """A publish or a rollback: players got `release` from `at` until the next publication."""

    publication_id: int
    release: int
    at: datetime
    actor: str
    note: str | None


class Authorship(msgspec.Struct, frozen=True):
    """Who last wrote a text as it is in a diff, and when."""

    locale: str
    key: str
    actor: str
    at: datetime


class ReleaseDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A release, what it changed of the one before it, and who wrote each changed text (by locale and key)."""

    release: Release
    changes: DraftDiff
    authors: Mapping[tuple[str, str], Authorship]


async def list_publications(connection: Connection, title_id: int) -> list[Publication]:
    """The last publications of a title, newest first."""
    return await _publications.all(connection, title_id=title_id, max_rows=LISTED)


async def get_release(
    pool: Pool, title_id: int, number: int, *, texts: range = ALL_TEXTS, run: Run = in_place
) -> ReleaseDetails:
    """One release with its changes and their authors; `run` compares it with the one before it.

    Raises:
        NotFound: the title has no such release.
    """
    async with pool.connection(CATALOG) as connection:
        release = await find_release(connection, title_id, number)
        after = await stored_release(connection, title_id, number)
        before = await stored_release(connection, title_id, number - 1)
    assert after is not None  # noqa: S101  (a release is never deleted)
    changes = await run(_compare, before, after, texts)
    async with pool.connection(CATALOG) as connection:
        authors = await authors_of(connection, title_id, changes, before=release.created_at)
    return ReleaseDetails(release=release, changes=changes, authors=authors)


async def authors_of(
    connection: Connection, title_id: int, changes: DraftDiff, *, before: datetime | None = None
) -> dict[tuple[str, str], Authorship]:
    """Who wrote each changed text, by locale and key, up to a moment (by default now)."""
    if not changes.texts:
        return {}
    places = list(changes.texts)
    rows = await _authors.all(
        connection,
        title_id=title_id,
        locales=[locale for locale, _ in places],
        keys=[key for _, key in places],
        texts=[new for _, new in changes.texts.values()],
        before=before or datetime.max.replace(tzinfo=UTC),
    )
    return {(row.locale, row.key): row for row in rows}


def _compare(before: StoredRelease | None, after: StoredRelease, texts: range) -> DraftDiff:
    return diff_drafts(None if before is None else before.decode(), after.decode()).part(texts)


_publications = query("releases.publications", row=Publication)
_authors = query("releases.authors", row=Authorship)
