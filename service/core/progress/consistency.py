"""Consistency checks: recompute incremental counters (holders, totals, unlocks) and report or repair their drift."""

import msgspec

from service.core.catalog.model import Measure
from service.db import Connection
from service.db.queries import query, statement


class Drift(msgspec.Struct, frozen=True):
    """One counter that differs from the rows it counts, described for an operator; players are not named."""

    description: str


async def find_drift(connection: Connection, *, repair: bool = False) -> list[Drift]:
    """Recompute all counters. With `repair`, the counters of holders are corrected; totals are only reported.

    The connection must be in a repeatable-read transaction, so that concurrent writes do not look like drift.
    """
    drifts = []
    for row in await _holder_count_drift.all(connection):
        counter = "players" if row.number == 0 else f"holders of achievement {row.number}"
        description = f"title {row.title_id}: {counter}: expected {row.actual}, got {row.counted}"
        drifts.append(Drift(description + (", repaired" if repair else "")))
        if repair:
            change = row.actual - row.counted
            await _correct_holder_count.run(connection, title_id=row.title_id, number=row.number, change=change)
    drifts += [
        Drift(f"title {row.title_id}: {row.players} totals of {row.metric} differ from the sums of their days")
        for row in await _daily_total_drift.all(connection, prefix=Measure(aggregate="sum").key)
    ]
    unlocks = await _double_unlocks.one(connection)
    if unlocks.players:
        drifts.append(Drift(f"{unlocks.players} rows of progress hold an achievement twice"))
    return drifts


class _CompletionRow(msgspec.Struct, frozen=True):
    title_id: int
    number: int
    counted: int
    actual: int


class _TotalRow(msgspec.Struct, frozen=True):
    title_id: int
    metric: str
    players: int


class _CountRow(msgspec.Struct, frozen=True):
    players: int


_holder_count_drift = query("consistency.holder_count_drift", row=_CompletionRow)
_daily_total_drift = query("consistency.daily_total_drift", row=_TotalRow)
_double_unlocks = query("consistency.double_unlocks", row=_CountRow)
_correct_holder_count = statement("consistency.correct_holder_count")
