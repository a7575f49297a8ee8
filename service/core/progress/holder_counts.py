"""How many players hold each achievement: exact at every moment, and without a row that all who unlock would wait for.

Each unlock adds a row to `completion_delta`; folding takes such rows into `completion`. A reader's one statement sees
an unlock in the one or the other, never in both or in neither.
"""

import itertools
from collections.abc import Mapping

import msgspec

from service.db import Connection
from service.db.batching import BatchLoader
from service.db.pool import Pool
from service.db.queries import query

_PLAYERS = 0  # stands for the title's players among the numbers of its achievements
_FOLDED_TOGETHER = 1_000  # some milliseconds: writes that wait for the processor wait no longer than that


class Counts(msgspec.Struct, frozen=True):
    """Of one title: its players, and how many hold each achievement, by number; who is not named, nobody holds.

    `stamp` is the same as long as the counts are, in one process; 0 where nobody is.
    """

    players: int
    holders: Mapping[int, int]
    stamp: int

    def rarity(self, number: int) -> float:
        """The percentage of the title's players who hold it, 0 to 100 with two decimals."""
        if self.players <= 0:
            return 0.0
        return round(min(100.0, 100.0 * self.holders.get(number, 0) / self.players), 2)


class HolderCounts:
    """What is counted now, of one title after the other; asked together, answered together."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counts = BatchLoader(self._answer)
        self._last: dict[int, Counts] = {}
        self._stamps = itertools.count(1)

    async def of(self, title_id: int) -> Counts:
        """The counts of a title, with every unlock that was acknowledged before.

        Raises:
            Unavailable: the database is out of reach.
        """
        return await self._counts.load(title_id)

    async def merge_deltas(self, connection: Connection) -> int:
        """Take what was counted since into the sums; gives how many rows that were. Whoever writes waits for nothing."""
        rows = 0
        while folded := (await _fold.one(connection, most=_FOLDED_TOGETHER)).rows:
            rows += folded
        return rows

    async def _answer(self, title_ids: list[int]) -> list[Counts]:
        wanted = sorted(set(title_ids))

        async def read(connection: Connection) -> list[_CountRow]:
            return await _of_titles.all(connection, title_ids=wanted)

        found = {title_id: Counts(0, {}, 0) for title_id in wanted}
        for row in await self._pool.read(read):
            found[row.title_id] = self._counts_of(row)
        return [found[title_id] for title_id in title_ids]

    def _counts_of(self, row: "_CountRow") -> Counts:
        """The same object as last time while nothing was counted: what was rendered from it holds."""
        holders = dict(zip(row.numbers, row.players, strict=True))
        players = holders.pop(_PLAYERS, 0)
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


class _FoldRow(msgspec.Struct, frozen=True):
    rows: int


_of_titles = query("completions.of_titles", row=_CountRow)
_fold = query("completions.fold", row=_FoldRow)
