"""What a player's days add up to: a metric by day, week or month, and the days that were active."""

import datetime
import functools
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from service.db import Connection
from service.db.pool import Pool
from service.db.queries import query

Aggregation = Literal["daily", "weekly", "monthly"]


class Period(msgspec.Struct, frozen=True):
    """One day, week from Monday on, or month: its first day, the metric at its end, and what it added."""

    first_day: datetime.date
    total: Decimal
    change: Decimal


async def summarize(
    pool: Pool, player: str, title_id: int, *, metric: str, since: datetime.date, until: datetime.date, by: Aggregation
) -> list[Period]:
    """The metric from one day to another, both included, in order; a period at either end holds only those days.

    Raises:
        Unavailable: the database is out of reach.
    """
    rows = await pool.read(
        functools.partial(_days.all, player=player, title_id=title_id, metric=metric, since=since, until=until)
    )
    total = sum((row.change for row in rows if row.day is None), Decimal(0))
    changes = {row.day: row.change for row in rows if row.day is not None}
    periods: dict[datetime.date, Period] = {}
    for ordinal in range(since.toordinal(), until.toordinal() + 1):
        day = datetime.date.fromordinal(ordinal)
        change = changes.get(day, Decimal(0))
        total += change
        first = _first_day(day, by)
        before = periods.get(first)
        periods[first] = Period(first, total, change if before is None else before.change + change)
    return list(periods.values())


async def active_days(
    connection: Connection, *, player: str, title_id: int, since: datetime.date, until: datetime.date
) -> Sequence[datetime.date]:
    """The days on which the player had an amount above 0 of any metric, both ends included, in order."""
    rows = await _active.all(connection, player=player, title_id=title_id, metric=None, since=since, until=until)
    return [row.day for row in rows]


def _first_day(day: datetime.date, by: Aggregation) -> datetime.date:
    match by:
        case "daily":
            return day
        case "weekly":
            return day - datetime.timedelta(days=day.weekday())
        case "monthly":
            return day.replace(day=1)


class _DayRow(msgspec.Struct, frozen=True):
    day: datetime.date | None
    change: Decimal


class _ActiveRow(msgspec.Struct, frozen=True):
    day: datetime.date


_days = query("event_log.days", row=_DayRow)
_active = query("event_log.active_days", row=_ActiveRow)
