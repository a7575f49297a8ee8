"""Snapshots of all published titles in memory: one immutable snapshot per process, replaced when it is outdated.

A request keeps the snapshot that it began with, so it sees one release of every title.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
from cachetools import LRUCache

from service.core.catalog.model import Title
from service.core.publishing.pseudo_locales import with_pseudo
from service.core.publishing.published_title import PublishedTitle
from service.core.publishing.stored import StoredTexts, decode_achievements, decode_texts
from service.db import Connection
from service.db.limits import CATALOG, IMPORT
from service.db.pool import Pool
from service.db.queries import query

_OLD_RELEASES_BYTES = 32 * 1024 * 1024  # of JSON: of lists that clients began to page through before the last publish


class Snapshot(msgspec.Struct, frozen=True):
    """All served titles at one moment. `version` is the id of the newest publication, 0 if there is none."""

    version: int
    titles: Mapping[int, PublishedTitle]
    by_scid: Mapping[str, int]


_NOTHING = Snapshot(version=0, titles={}, by_scid={})


class SnapshotStore:
    """The snapshot of this process, refreshed from the database. `pseudo_locales` adds those to every title.

    Old releases that lists still refer to are cached up to `max_old_bytes` of the JSON that they are stored as.
    """

    def __init__(self, pool: Pool, *, pseudo_locales: bool = False, max_old_bytes: int = _OLD_RELEASES_BYTES) -> None:
        self._pool = pool
        self._pseudo_locales = pseudo_locales
        self._max_old_bytes = max_old_bytes
        self._old = self._new_cache()
        self._refreshing = asyncio.Lock()
        self.current = _NOTHING
        self.refreshed_at: float | None = None
        """When the database was last read, in seconds of the monotonic clock; None before the first time."""

    async def reload(self) -> None:
        """Replace the snapshot by one that is read whole, and forget old releases."""
        await self._read(whole=True)

    async def refresh(self) -> None:
        """Replace the snapshot if something was published since; one cheap query if not."""
        await self._read()

    async def _read(self, *, whole: bool = False) -> None:
        async with self._refreshing:
            async with self._pool.connection(CATALOG) as connection:
                before = _NOTHING if whole else self.current
                newer = await _published_since.all(connection, version=before.version)
                self.refreshed_at = time.monotonic()
                texts = [
                    await _bundles_of_release.all(connection, title_id=row.title_id, release=row.release)
                    for row in newer
                ]
            if before is self.current and not newer:
                return
            titles = dict(before.titles)
            for row, of_release in zip(newer, texts, strict=True):
                titles[row.title_id] = await asyncio.to_thread(self._published, row, of_release)
            if whole:
                self._old = self._new_cache()
            self.current = Snapshot(
                version=newer[-1].publication_id if newer else 0,
                titles=titles,
                by_scid={published.title.scid: title_id for title_id, published in titles.items()},
            )

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction that publishes titles: what it committed is served by this process at once."""
        async with self._pool.transaction(IMPORT) as connection:
            yield connection
        await self.refresh()

    async def ensure_version(self, version: int) -> Snapshot:
        """A snapshot that includes this publication, which another process may have seen before this one."""
        if version > self.current.version:
            await self.refresh()
        return self.current

    async def as_of(self, title_id: int, version: int) -> PublishedTitle | None:
        """The title as served when this publication was the newest; None if it was not published yet."""
        current = self.current.titles.get(title_id)
        if current is not None and current.publication_id <= version:
            return current
        key = title_id, version
        cache, old = self._old, self._old.get(key)
        if old is None:
            old = await self._read_old(title_id, version)
            if old.size_bytes <= cache.maxsize:
                cache[key] = old
        return old.published

    def _new_cache(self) -> "LRUCache[tuple[int, int], _OldRelease]":
        return LRUCache(self._max_old_bytes, getsizeof=lambda old: old.size_bytes)

    async def _read_old(self, title_id: int, version: int) -> "_OldRelease":
        async with self._pool.connection(CATALOG) as connection:
            row = await _published_as_of.first(connection, title_id=title_id, version=version)
            if row is None:
                return _OldRelease(None, 1)
            of_release = await _bundles_of_release.all(connection, title_id=title_id, release=row.release)
        size_bytes = len(row.title) + len(row.achievements) + sum(len(of_locale.texts) for of_locale in of_release)
        return _OldRelease(await asyncio.to_thread(self._published, row, of_release), size_bytes)

    def _published(self, row: "_PublishedRow", of_release: Sequence[StoredTexts]) -> PublishedTitle:
        """Decode a release. In a thread, where a large title takes a while: the loop goes on in between."""
        title, texts = msgspec.json.decode(row.title, type=Title), decode_texts(of_release)
        if self._pseudo_locales:
            texts = with_pseudo(texts, default_locale=title.default_locale)
        return PublishedTitle(
            publication_id=row.publication_id,
            release=row.release,
            title=title,
            achievements=decode_achievements(row.achievements),
            texts=texts,
        )


class _OldRelease(msgspec.Struct, frozen=True):
    """A former release of a title, None if it was not published then, and its size."""

    published: PublishedTitle | None
    size_bytes: int


class _PublishedRow(msgspec.Struct, frozen=True):
    publication_id: int
    title_id: int
    release: int
    title: str
    achievements: bytes


_published_since = query("releases.published_since", row=_PublishedRow)
_published_as_of = query("releases.published_as_of", row=_PublishedRow)
_bundles_of_release = query("releases.bundles_of_release", row=StoredTexts)
