"""Releases: immutable sets of a title's definitions and texts, created by a publish and served by a publication."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from service.control_characters import LINES_EXPECTED, is_lines
from service.core.catalog.model import Draft
from service.core.publishing.diff import newly_earnable
from service.core.publishing.drafts import title_row
from service.core.publishing.stored import StoredRelease, StoredTexts
from service.db import Connection
from service.db.queries import query, statement
from service.errors import InvalidField, NotFound

MAX_RELEASE = 2**31 - 1  # an int4
LISTED = 100  # releases of one title
NOTE_CHARACTERS = 1000  # of the note on a publish or rollback


def check_note(note: str | None) -> None:
    """Check what somebody says about a publish or rollback.

    Raises:
        InvalidField: it is too long, or has characters that people do not see as they are stored.
    """
    if note is not None and (len(note) > NOTE_CHARACTERS or not is_lines(note)):
        raise InvalidField("note", f"at most {NOTE_CHARACTERS} characters, and {LINES_EXPECTED}", note)


class Release(msgspec.Struct, frozen=True):
    """One release of a title. `is_served`: players get it now. `actor` published it, with `note`."""

    release: int
    created_at: datetime
    is_served: bool
    actor: str
    note: str | None


async def list_releases(
    connection: Connection, title_id: int, *, before: int = MAX_RELEASE, count: int = LISTED
) -> list[Release]:
    """The newest releases of a title whose number is below `before`, newest first."""
    return await _releases_of_title.all(connection, title_id=title_id, before=before, max_rows=count)


async def find_release(connection: Connection, title_id: int, number: int) -> Release:
    """One release of a title.

    Raises:
        NotFound: the title has no such release.
    """
    newest = await list_releases(connection, title_id, before=min(number, MAX_RELEASE - 1) + 1, count=1)
    if not newest or newest[0].release != number:
        raise NotFound(f"there is no release {number} of title {title_id}")
    return newest[0]


async def served_release(connection: Connection, title_id: int) -> int:
    """The number of the release that is served of a title; 0 before the first publish."""
    row = await title_row(connection, title_id)
    return 0 if row is None else row.release


async def served_draft(connection: Connection, title_id: int) -> Draft | None:
    """The served release of a title as a draft; None before the first publish."""
    stored = await stored_release(connection, title_id, await served_release(connection, title_id))
    return None if stored is None else stored.decode()


async def stored_release(connection: Connection, title_id: int, number: int) -> StoredRelease | None:
    """A release, not decoded; None if the title has no release of that number."""
    release = await _release.first(connection, title_id=title_id, release=number)
    if release is None:
        return None
    texts = await _bundles_of_release.all(connection, title_id=title_id, release=number)
    return StoredRelease(release.title, release.achievements, tuple(texts))


class Bundle(msgspec.Struct, frozen=True):
    """The texts of one locale as JSON, and their digest."""

    locale: str
    sha256: bytes
    texts: str


class ReleaseContent(msgspec.Struct, frozen=True):
    """A release as it is to be stored, in JSON, and the achievements that it makes earnable."""

    title: str
    achievements: str
    bundles: tuple[Bundle, ...]
    newly_earnable: tuple[int, ...]


def encode_release(draft: Draft, served: Draft | None) -> ReleaseContent:
    """The content of a release that is made of a draft while `served` is served. Pure."""
    return ReleaseContent(
        title=_json_text(draft.title),
        achievements=_json_text(draft.achievements),
        bundles=tuple(_bundle(locale, texts) for locale, texts in draft.texts.items()),
        newly_earnable=newly_earnable(served, draft),
    )


async def store_release(
    connection: Connection, title_id: int, content: ReleaseContent, *, actor: str, note: str | None = None
) -> int:
    """Make this content the next release, serve it, and return its number. The caller has locked the title and checked it.

    A backfill is queued for the achievements that it makes earnable.
    """
    release = (await _newest_release.one(connection, title_id=title_id)).release + 1
    await _add_release.run(
        connection, title_id=title_id, release=release, title=content.title, achievements=content.achievements
    )
    for bundle in content.bundles:
        await _add_bundle.run(connection, sha256=bundle.sha256, texts=bundle.texts)
        await _add_release_bundle.run(
            connection, title_id=title_id, release=release, locale=bundle.locale, sha256=bundle.sha256
        )
    await serve_release(connection, title_id, release, actor=actor, note=note)
    if content.newly_earnable:
        await _add_backfill.run(connection, title_id=title_id, numbers=list(content.newly_earnable))
    return release


async def serve_release(
    connection: Connection, title_id: int, release: int, *, actor: str, note: str | None = None
) -> None:
    """Serve a release from the commit on. The caller has locked the title and knows that it has this release."""
    await _lock_publications.run(connection)
    await _publish.run(connection, title_id=title_id, release=release, actor=actor, note=note)


def _bundle(locale: str, texts: Mapping[str, str]) -> Bundle:
    content = msgspec.json.encode(texts, order="sorted")
    return Bundle(locale, hashlib.sha256(content).digest(), content.decode())


def _json_text(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


class _ReleaseRow(msgspec.Struct, frozen=True):
    title: str
    achievements: bytes


class _NumberRow(msgspec.Struct, frozen=True):
    release: int


_release = query("releases.release", row=_ReleaseRow)
_bundles_of_release = query("releases.bundles_of_release", row=StoredTexts)
_newest_release = query("releases.newest_release", row=_NumberRow)
_releases_of_title = query("releases.releases_of_title", row=Release)
_add_release = statement("releases.add_release")
_add_bundle = statement("releases.add_bundle")
_add_release_bundle = statement("releases.add_release_bundle")
_add_backfill = statement("backfill.add")
_lock_publications = statement("releases.lock_publications")
_publish = statement("releases.publish")
