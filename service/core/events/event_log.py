"""The log of what happened: read where a standing alone does not tell, and kept in months."""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from service.core.unlocks.model import HistoryQuery, HistoryResult, LogEntry
from service.db import Connection
from service.db.queries import query, statement


async def query_history(
    connection: Connection, *, place: tuple[str, int], queries: Sequence[HistoryQuery]
) -> Mapping[HistoryQuery, HistoryResult]:
    """What the log says to each question about one player in one title."""
    player, title_id = place
    found: dict[HistoryQuery, HistoryResult] = {}
    for question in queries:
        if question.measure is None:
            days = await _active_days.all(
                connection,
                player=player,
                title_id=title_id,
                metric=question.metric,
                since=datetime.date.fromordinal(max(question.since, 1)),
                until=datetime.date.fromordinal(question.until),
            )
            found[question] = [row.day.toordinal() for row in days]
        else:
            found[question] = await list_events(
                connection,
                place=place,
                metric=question.measure.metric or "",
                since=question.since,
                until=question.until,
            )
    return found


async def list_events(
    connection: Connection, *, place: tuple[str, int], metric: str, since: int = -1, until: int = 2**62
) -> list[LogEntry]:
    """The events of one metric with `since` < at <= `until`, in ticks, in order of time."""
    player, title_id = place
    rows = await _events.all(connection, player=player, title_id=title_id, metric=metric, since=since, until=until)
    return [
        LogEntry(row.at, row.amount, msgspec.json.decode(row.attributes or "{}", type=dict[str, str])) for row in rows
    ]


async def create_partitions(connection: Connection, months: int) -> None:
    """Make the log's partitions for this month and those after it, so many in all."""
    await _make_months.run(connection, months=months)


async def drop_partitions(connection: Connection, *, older_than: int) -> list[str]:
    """Drop the partitions of months that ended more than so many whole months ago; gives their names.

    Totals, days, streaks and unlocks stay: only what is counted anew from the log begins later.
    """
    return [row.name for row in await _drop_months.all(connection, older_than=older_than)]


class _DayRow(msgspec.Struct, frozen=True):
    day: datetime.date


class _EventRow(msgspec.Struct, frozen=True):
    at: int
    amount: Decimal
    attributes: str | None


class _NameRow(msgspec.Struct, frozen=True):
    name: str


_active_days = query("event_log.active_days", row=_DayRow)
_events = query("event_log.list_events", row=_EventRow)
_make_months = statement("event_log.make_months")
_drop_months = query("event_log.drop_months", row=_NameRow)
