"""The event log: read where the kept values of measures do not suffice, and partitioned by month."""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from service.core.unlocks.model import HistoryQuery, HistoryResult, LogEntry
from service.db import Connection
from service.db.queries import query, statement


async def query_history(
    connection: Connection, *, player: str, title_id: int, queries: Sequence[HistoryQuery]
) -> Mapping[HistoryQuery, HistoryResult]:
    """The results of queries about one player in one title."""
    results: dict[HistoryQuery, HistoryResult] = {}
    for history_query in queries:
        if history_query.measure is None:
            days = await _active_days.all(
                connection,
                player=player,
                title_id=title_id,
                metric=history_query.metric,
                since=datetime.date.fromordinal(max(history_query.since, 1)),
                until=datetime.date.fromordinal(history_query.until),
            )
            results[history_query] = [row.day.toordinal() for row in days]
        else:
            results[history_query] = await list_events(
                connection,
                player=player,
                title_id=title_id,
                metric=history_query.measure.metric or "",
                since=history_query.since,
                until=history_query.until,
            )
    return results


async def list_events(
    connection: Connection, *, player: str, title_id: int, metric: str, since: int = -1, until: int = 2**62
) -> list[LogEntry]:
    """The events of one metric with `since` < at <= `until`, in ticks, in order of time."""
    rows = await _events.all(connection, player=player, title_id=title_id, metric=metric, since=since, until=until)
    return [
        LogEntry(row.at, row.amount, msgspec.json.decode(row.attributes or "{}", type=dict[str, str])) for row in rows
    ]


async def create_partitions(connection: Connection, months: int) -> None:
    """Create the log's partitions for this month and the following ones, `months` in all; existing ones stay."""
    await _create_partitions.run(connection, months=months)


async def drop_partitions(connection: Connection, *, older_than: int) -> list[str]:
    """Drop the partitions of months that ended more than `older_than` whole months ago; returns their names.

    Totals, days, streaks and unlocks stay; only what is recomputed from the log then begins later.
    """
    return [row.name for row in await _drop_partitions.all(connection, older_than=older_than)]


class _DayRow(msgspec.Struct, frozen=True):
    day: datetime.date


class _EventRow(msgspec.Struct, frozen=True):
    at: int
    amount: Decimal
    attributes: str | None


class _NameRow(msgspec.Struct, frozen=True):
    name: str


_active_days = query("event_log.active_days", row=_DayRow)
_events = query("event_log.events", row=_EventRow)
_create_partitions = statement("event_log.create_partitions")
_drop_partitions = query("event_log.drop_partitions", row=_NameRow)
