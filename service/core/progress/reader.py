"""Reads players' progress from the database, in batches.

A player's row in a title carries the player's revision that wrote it. Revisions only rise, so a cached row is current
while its revision is: reads pass the revision that they know and get back only what is newer.
"""

import functools

import msgspec
from cachetools import LRUCache

from service.core.unlocks.player_progress import PlayerProgress, TitleProgress
from service.db import Connection
from service.db.batching import BatchLoader
from service.db.pool import Pool
from service.db.queries import query

_CACHED_UNLOCKS = 40_000  # about 10 MB of players with all their titles; single titles are not cached


class FoundProgress(msgspec.Struct, frozen=True):
    """A player's progress in one title: the row's revision, -1 if there is none, and its contents.

    `progress` is None without a row, or if its revision is not newer than the known one.
    """

    revision: int
    progress: TitleProgress | None


_NOT_FOUND = FoundProgress(revision=-1, progress=None)


class ProgressReader:
    """Batched reads of players' rows. Cached progress is only used after its revision was checked in the database."""

    def __init__(self, pool: Pool, *, max_cached_unlocks: int = _CACHED_UNLOCKS) -> None:
        self._pool = pool
        self._in_title = BatchLoader(self._load_in_title)
        self._changes = BatchLoader(self._load_changes)
        self._max_cached_unlocks = max_cached_unlocks
        self.forget()

    def forget(self) -> None:
        """Forget the progress of all players."""
        self._cache: LRUCache[str, PlayerProgress] = LRUCache(self._max_cached_unlocks, getsizeof=_weight)
        self._nothing = PlayerProgress(revision=-1, titles={})  # with derived values, of all players without progress

    async def read_title(self, player: str, title_id: int, *, known: int = -1) -> FoundProgress:
        """A player's progress in one title; without its contents if its revision is not above `known`.

        Raises:
            Unavailable: the database is out of reach.
        """
        return await self._in_title.load((player, title_id, known))

    async def read_all(self, player: str) -> PlayerProgress:
        """A player's progress in all titles. Only rows that changed since the last call are read.

        Raises:
            Unavailable: the database is out of reach.
        """
        cache, before = self._cache, self._cache.get(player, self._nothing)
        revision, changed = await self._changes.load((player, before.revision))
        if cache is not self._cache:  # forgotten meanwhile
            return await self.read_all(player)
        if revision < before.revision:  # erased, and new since: nothing cached is valid
            self._cache.pop(player, None)
            revision, changed = await self._changes.load((player, -1))
            before = self._nothing
        if revision == before.revision:
            return before
        now = PlayerProgress(revision=revision, titles={**before.titles, **changed})
        if _weight(now) <= self._cache.maxsize:
            self._cache[player] = now
        else:
            self._cache.pop(player, None)
        return now

    async def _load_in_title(self, keys: list[tuple[str, int, int]]) -> list[FoundProgress]:
        distinct = list(dict.fromkeys(keys))  # all streams of a player ask the same
        players, title_ids, known = zip(*distinct, strict=True)
        rows = await self._pool.read(
            functools.partial(_in_titles.all, players=players, title_ids=title_ids, known=known)
        )
        found = dict.fromkeys(distinct, _NOT_FOUND)
        for row in rows:
            progress = None if row.unlocked is None else _progress(row)
            found[distinct[row.question - 1]] = FoundProgress(row.revision, progress)
        return [found[key] for key in keys]

    async def _load_changes(self, keys: list[tuple[str, int]]) -> list[tuple[int, dict[int, TitleProgress]]]:
        players, known = zip(*keys, strict=True)
        rows = await self._pool.read(functools.partial(_changes.all, players=players, known=known))
        found: list[tuple[int, dict[int, TitleProgress]]] = [(-1, {}) for _ in keys]
        for row in rows:
            changed = found[row.question - 1][1]
            found[row.question - 1] = row.player_revision, changed
            if row.title_id is not None:
                changed[row.title_id] = _progress(row)
        return found


async def read_progress(connection: Connection, player: str, title_id: int) -> TitleProgress | None:
    """A player's progress in one title, read on this connection; None if there is none."""
    rows = await _in_titles.all(connection, players=[player], title_ids=[title_id], known=[-1])
    return _progress(rows[0]) if rows else None


def _weight(progress: PlayerProgress) -> int:
    return 1 + sum(1 + len(title.unlocked_at) for title in progress.titles.values())


class _InTitleRow(msgspec.Struct, frozen=True):
    question: int
    revision: int
    unlocked: list[int] | None
    unlocked_at: list[int] | None
    unlocked_in: list[int] | None
    currents: str | None
    standings: str | None
    profile: str | None
    created_at: int | None


class _ChangeRow(msgspec.Struct, frozen=True):
    question: int
    player_revision: int
    title_id: int | None
    revision: int
    unlocked: list[int] | None
    unlocked_at: list[int] | None
    unlocked_in: list[int] | None
    currents: str | None
    standings: str | None
    profile: str | None
    created_at: int | None


_in_titles = query("progress.in_titles", row=_InTitleRow)
_changes = query("progress.changes", row=_ChangeRow)


def _progress(row: _InTitleRow | _ChangeRow) -> TitleProgress:
    return TitleProgress(
        row.revision,
        row.unlocked or (),
        row.unlocked_at or (),
        row.unlocked_in or (),
        row.currents,
        row.standings,
        row.profile,
        row.created_at,
    )
