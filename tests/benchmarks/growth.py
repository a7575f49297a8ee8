"""Growth benchmark: latency of a read for a player with many titles against few, and far into a list."""

import itertools
import statistics
from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress.import_progress import import_progress
from tests.benchmarks.driver import drive
from tests.benchmarks.report import FIRST, Growth
from tests.benchmarks.requests import authorization, list_request

_READS: Mapping[str, str] = {"Unordered": "", "UnlockTime unlockedOnly": "orderBy=UnlockTime&unlockedOnly=true"}
_WARM_SECONDS = 0.05
_UNLOCKED_AT = 639_000_000_000_000_007  # ticks, later than all seeded unlocks


class Players(msgspec.Struct, frozen=True):
    """Players with the same titles. The first is read repeatedly, each other one only once."""

    first: int
    count: int
    title_ids: Sequence[int]

    def xuid(self, index: int) -> int:
        """The XUID of a player by index."""
        return self.first + index


async def measure(
    port: int, connection: asyncpg.Connection, *, few: Players, many: Players, reads: int, far: int
) -> list[Growth]:
    """Medians of the latencies of each read, done `reads` times over one connection, alternating few and many titles.

    `far` is the number of skipped items of the many. Each read is measured for players who are read for the first
    time, after an unlock, and with nothing changed.
    """
    rows = []
    for index, (name, query) in enumerate(_READS.items()):
        new_players = range(1 + index * reads, 1 + (index + 1) * reads)
        pairs = [
            [await _latency(port, players.xuid(new_player), query) for players in (few, many)]
            for new_player in new_players
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
        await import_progress(connection, player=str(players.xuid(0)), progress=[unlock])
    return await _latency(port, players.xuid(0), query)


async def _latency(port: int, player: int, query: str, *, seconds: float = 0.0) -> float:
    """The median latency of the read in milliseconds; of a single response if `seconds` is 0."""
    request = list_request(player, token=authorization(player), query=query)
    return (await drive(port, itertools.repeat(request), connections=1, seconds=seconds)).percentile(0.5)


def _growth(read: str, pairs: Sequence[Sequence[float]]) -> Growth:
    little, much = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Growth(read, little, much)
