"""What more of everything costs: the same read for a player of many titles and one of few, and far into a list."""

import itertools
import statistics
from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress import reader
from tests.benchmarks.driver import drive
from tests.benchmarks.questions import authorization, question
from tests.benchmarks.report import FIRST, Growth

_READS: Mapping[str, str] = {"Unordered": "", "UnlockTime unlockedOnly": "orderBy=UnlockTime&unlockedOnly=true"}
_WARM_SECONDS = 0.05
_UNLOCKED_AT = 639_000_000_000_000_007  # ticks, after every unlock that was seeded


class Players(msgspec.Struct, frozen=True):
    """Players who have the same titles. The first is read again and again, each other only once."""

    first: int
    count: int
    title_ids: Sequence[int]

    def xuid(self, index: int) -> int:
        """One of them."""
        return self.first + index


async def measure(
    port: int, connection: asyncpg.Connection, *, few: Players, many: Players, reads: int, far: int
) -> list[Growth]:
    """Each read done `reads` times, little and much in turn, over one connection; medians of the latencies.

    `far` is how many items are skipped of the many. Every player is read for the first time once; the first player
    of each also after an unlock, and with nothing changed.
    """
    rows = []
    for index, (name, query) in enumerate(_READS.items()):
        strangers = range(1 + index * reads, 1 + (index + 1) * reads)
        pairs = [
            [await _latency(port, players.xuid(stranger), query) for players in (few, many)] for stranger in strangers
        ]
        rows.append(_growth(f"{name}, {FIRST}", pairs))
    for name, query in _READS.items():
        pairs = [
            [await _after_an_unlock(port, connection, players, query, turn) for players in (few, many)]
            for turn in range(reads)
        ]
        rows.append(_growth(f"{name}, after an unlock", pairs))
    for name, query in _READS.items():
        pairs = [
            [await _latency(port, players.xuid(0), query, seconds=_WARM_SECONDS) for players in (few, many)]
            for _ in range(reads)
        ]
        rows.append(_growth(f"{name}, nothing changed", pairs))
    pairs = [
        [await _latency(port, many.xuid(0), f"skipItems={skip}", seconds=_WARM_SECONDS) for skip in (0, far)]
        for _ in range(reads)
    ]
    rows.append(_growth(f"skipItems={far} to 0, many titles", pairs))
    return rows


async def _after_an_unlock(port: int, connection: asyncpg.Connection, players: Players, query: str, turn: int) -> float:
    title_id = players.title_ids[turn % len(players.title_ids)]
    unlock = ImportedProgress(title_id=title_id, unlocked={turn % 30 + 1: _UNLOCKED_AT + turn}, currents={})
    async with connection.transaction():
        await reader.put_progress(connection, player=str(players.xuid(0)), progress=[unlock])
    return await _latency(port, players.xuid(0), query)


async def _latency(port: int, player: int, query: str, *, seconds: float = 0.0) -> float:
    """The median latency of the read, of one answer if no time is given, in milliseconds."""
    request = question(player, token=authorization(player), query=query)
    return (await drive(port, itertools.repeat(request), connections=1, seconds=seconds)).percentile(0.5)


def _growth(read: str, pairs: Sequence[Sequence[float]]) -> Growth:
    little, much = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Growth(read, little, much)
