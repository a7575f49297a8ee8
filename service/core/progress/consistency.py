"""Counting again what is counted as it goes along: totals against the days they are made of, holders against rows."""

import msgspec

from service.core.catalog.model import Measure
from service.db import Connection
from service.db.queries import query, statement


class Drift(msgspec.Struct, frozen=True):
    """One thing that does not add up, in words for an operator; players are not named."""

    what: str


async def find_drift(connection: Connection, *, repair: bool = False) -> list[Drift]:
    """Count everything again. With `repair`, the counters of completions are put right; totals are only reported.

    The connection must be in a transaction that repeats its reads: what is written meanwhile is then in none of it.
    """
    findings = []
    for row in await _completions.all(connection):
        what = "players" if row.number == 0 else f"holders of achievement {row.number}"
        said = f"title {row.title_id}: {row.counted} {what} are counted, {row.there} are there"
        findings.append(Drift(said + (", put right" if repair else "")))
        if repair:
            change = row.there - row.counted
            await _correct.run(connection, title_id=row.title_id, number=row.number, change=change)
    findings += [
        Drift(f"title {row.title_id}: {row.players} totals of {row.metric} are not what their days add up to")
        for row in await _totals.all(connection, prefix=Measure(aggregate="sum").key)
    ]
    unlocks = await _double_unlocks.one(connection)
    if unlocks.players:
        findings.append(Drift(f"{unlocks.players} rows of players hold an achievement twice"))
    return findings


class _CompletionRow(msgspec.Struct, frozen=True):
    title_id: int
    number: int
    counted: int
    there: int


class _TotalRow(msgspec.Struct, frozen=True):
    title_id: int
    metric: str
    players: int


class _CountRow(msgspec.Struct, frozen=True):
    players: int


_completions = query("doctor.completions", row=_CompletionRow)
_totals = query("doctor.totals", row=_TotalRow)
_double_unlocks = query("doctor.double_unlocks", row=_CountRow)
_correct = statement("doctor.correct")
