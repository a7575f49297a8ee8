"""Rarity of achievements: the percentage of a title's players who hold each, refreshed in the background."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from service.db.limits import CATALOG
from service.db.pool import Pool
from service.db.queries import query

Category = Literal["Unset", "Rare", "Common"]

_RARE_BELOW = 11.0  # percent; Microsoft's client library prints 0–10.9 as Rare, 11–100 as Common
PLAYERS_NUMBER = 0  # counts the title's players in tables of holders; achievement numbers begin at 1


class Rarity(msgspec.Struct, frozen=True):
    """`percentage` is of the title's players, 0–100 with two decimals; the category is "Unset" without players."""

    category: Category
    percentage: float


UNSET = Rarity("Unset", 0.0)


class TitleRarities(msgspec.Struct, frozen=True):
    """The rarities of one title by achievement number, `others` where nobody holds it.

    `stamp` changes whenever a rarity does.
    """

    stamp: int
    by_number: Mapping[int, Rarity]
    others: Rarity = UNSET


NONE = TitleRarities(0, {})


def percentage(holders: int, *, players: int) -> float:
    """The percentage of the players who hold an achievement, 0 to 100 with two decimals; 0 without players."""
    return round(min(100.0, 100.0 * holders / players), 2) if players > 0 else 0.0


def rarities_of(players: int, holders: Mapping[int, int]) -> TitleRarities:
    """The rarity of each achievement of a title by the number of its holders. Pure."""
    if players <= 0:
        return NONE
    by_number = {}
    for number, count in holders.items():
        share = percentage(count, players=players)
        by_number[number] = Rarity("Rare" if share < _RARE_BELOW else "Common", share)
    stamp = hash(tuple(sorted((n, r.percentage) for n, r in by_number.items())))
    return TitleRarities(stamp, by_number, others=Rarity("Rare", 0.0))


class Rarities:
    """The rarities of all titles, as of the last refresh."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._titles: Mapping[int, TitleRarities] = {}

    def of(self, title_id: int) -> TitleRarities:
        """The rarities of one title; empty while it has no players."""
        return self._titles.get(title_id, NONE)

    async def refresh(self) -> None:
        """Read the counts of holders again."""
        async with self._pool.connection(CATALOG) as connection:
            rows = await _of_all_titles.all(connection)
        counted: dict[int, dict[int, int]] = {}
        for row in rows:
            counted.setdefault(row.title_id, {})[row.number] = row.players
        self._titles = {
            title_id: rarities_of(holders.pop(PLAYERS_NUMBER, 0), holders) for title_id, holders in counted.items()
        }


class _CompletionRow(msgspec.Struct, frozen=True):
    title_id: int
    number: int
    players: int


_of_all_titles = query("holder_counts.of_all_titles", row=_CompletionRow)
