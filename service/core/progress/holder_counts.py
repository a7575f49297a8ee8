"""How many players hold each achievement: exact at any time, without a counter row that concurrent unlocks contend for.

Each unlock inserts a row into `completion_delta`; merging adds such rows to `completion`. Reads take both in one
statement, so they see each unlock exactly once.
"""

import itertools
from collections.abc import Mapping

import msgspec

from service.core.progress.rarity import PLAYERS_NUMBER, percentage
from service.db import Connection
from service.db.batching import BatchLoader
from service.db.pool import Pool
from service.db.queries import query

_MERGE_BATCH = 1_000  # rows of one statement; takes a few milliseconds, so that it never delays other writes for long


class Counts(msgspec.Struct, frozen=True):
    """The players of one title, and the holders of each achievement by number; without an entry, nobody holds it.

    `stamp` changes whenever the counts do, within one process; 0 for a title without players.
    """

    players: int
    holders: Mapping[int, int]
    stamp: int

    def rarity(self, number: int) -> float:
        """The percentage of the title's players who hold an achievement, 0 to 100 with two decimals."""
        return percentage(self.holders.get(number, 0), players=self.players)


class HolderCounts:
    """Reads the counts of titles. Concurrent reads share one statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counts = BatchLoader(self._load)
        self._last: dict[int, Counts] = {}
        self._stamps = itertools.count(1)

    async def of(self, title_id: int) -> Counts:
        """The counts of a title, with every unlock that was acknowledged before the call.

        Raises:
            Unavailable: the database is out of reach.
        """
        return await self._counts.load(title_id)

    async def merge_deltas(self, connection: Connection) -> int:
        """Merge the deltas into the sums and return how many rows that were. Writers do not wait for it."""
        rows = 0
        while merged := (await _merge_deltas.one(connection, max_rows=_MERGE_BATCH)).rows:
            rows += merged
        return rows

    async def _load(self, title_ids: list[int]) -> list[Counts]:
        distinct = sorted(set(title_ids))

        async def read(connection: Connection) -> list[_CountRow]:
            return await _of_titles.all(connection, title_ids=distinct)

        counts = {title_id: Counts(0, {}, 0) for title_id in distinct}
        for row in await self._pool.read(read):
            counts[row.title_id] = self._counts_of(row)
        return [counts[title_id] for title_id in title_ids]

    def _counts_of(self, row: "_CountRow") -> Counts:
        """The counts in a row: the same object as last time if they are equal, so that its stamp stays."""
        holders = dict(zip(row.numbers, row.players, strict=True))
        players = holders.pop(PLAYERS_NUMBER, 0)
        last = self._last.get(row.title_id)
        if last is not None and (last.players, last.holders) == (players, holders):
            return last
        counts = Counts(players, holders, next(self._stamps))
        self._last[row.title_id] = counts
        return counts


class _CountRow(msgspec.Struct, frozen=True):
    title_id: int
    numbers: list[int]
    players: list[int]


class _MergeRow(msgspec.Struct, frozen=True):
    rows: int


_of_titles = query("holder_counts.of_titles", row=_CountRow)
_merge_deltas = query("holder_counts.merge_deltas", row=_MergeRow)
