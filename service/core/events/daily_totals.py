"""What a player's days add up to: a metric by day, week or month, the active days, and the history of a streak."""

import datetime
import functools
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from service.core.unlocks import measures
from service.db import Connection
from service.db.pool import Pool
from service.db.queries import query

Aggregation = Literal["daily", "weekly", "monthly"]

_DAYS_BEFORE = 400  # read before the first day of a history: a streak that began earlier is counted from there


class Period(msgspec.Struct, frozen=True):
    """A day, a week from Monday on, or a month: its first day, the metric at its end, and what it added."""

    first_day: datetime.date
    total: Decimal
    change: Decimal


class StreakDay(msgspec.Struct, frozen=True):
    """A day of the player's calendar, and how many days in a row up to it were active; 0 if it was not."""

    day: datetime.date
    length: int


async def summarize(
    pool: Pool, player: str, title_id: int, *, metric: str, since: datetime.date, until: datetime.date, by: Aggregation
) -> list[Period]:
    """The metric from one day to another, both included, in order; a period at either end holds only those days.

    Raises:
        Unavailable: the database is out of reach.
    """
    rows = await pool.read(
        functools.partial(_daily_changes.all, player=player, title_id=title_id, metric=metric, since=since, until=until)
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


async def list_active_days(
    connection: Connection, *, player: str, title_id: int, since: datetime.date, until: datetime.date
) -> Sequence[datetime.date]:
    """The days on which the player had an amount above 0 of any metric, both ends included, in order."""
    rows = await _active_days.all(connection, player=player, title_id=title_id, metric=None, since=since, until=until)
    return [row.day for row in rows]


async def streak_history(
    pool: Pool, player: str, title_id: int, *, time_zone: str | None, now: int, periods: int
) -> list[StreakDay]:
    """The last days of the player's calendar up to today, in order. `now` is in ticks, `time_zone` an IANA name.

    Raises:
        Unavailable: the database is out of reach.
    """
    today = measures.local_day(now, time_zone)
    read = functools.partial(
        list_active_days,
        player=player,
        title_id=title_id,
        since=datetime.date.fromordinal(max(1, today - periods - _DAYS_BEFORE)),
        until=datetime.date.fromordinal(today),
    )
    active_days = {day.toordinal() for day in await pool.read(read)}
    return streak_days(active_days, first=today - periods + 1, last=today)


def streak_days(active_days: Collection[int], *, first: int, last: int) -> list[StreakDay]:
    """The length of the streak on each day from `first` to `last`. All days are ordinals of `date`. Pure."""
    days, length = list[StreakDay](), 0
    for day in range(min([first, *active_days]), last + 1):
        length = length + 1 if day in active_days else 0
        if day >= first:
            days.append(StreakDay(datetime.date.fromordinal(day), length))
    return days


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


class _ActiveDayRow(msgspec.Struct, frozen=True):
    day: datetime.date


_daily_changes = query("event_log.daily_changes", row=_DayRow)
_active_days = query("event_log.active_days", row=_ActiveDayRow)
