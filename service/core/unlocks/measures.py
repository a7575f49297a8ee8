"""Update the value of one measure with an event: sums, maxima, streaks, distinct values and sliding windows. Pure.

The result does not depend on the order in which events arrive: a late event counts at the time when it happened.
"""

import bisect
import datetime
import functools
import zoneinfo
from collections.abc import Collection, Sequence
from decimal import Decimal

from service import ticks
from service.core.catalog.model import Aggregate, Measure, Pairs
from service.core.unlocks.model import Event, LogEntry, MeasureValue

EPOCH = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)


def decimal_text(value: Decimal) -> str:
    """A decimal as text without exponent or trailing zeros: `1500`, `0.3`, `-2`."""
    return format(value.normalize(), "f") if value else "0"


def value_of(aggregate: Aggregate, current: MeasureValue | None) -> Decimal | None:
    """The value as a number: of a streak its longest length, of distinct values their count; None for no value."""
    if current is None:
        return None
    if isinstance(current, str):
        return Decimal(current)
    match aggregate:
        case "streak":
            return Decimal(current[2])
        case "last":
            return Decimal(current[1])
        case _:
            return Decimal(len(current))


def local_day(at: int, time_zone: str | None) -> int:
    """The day of a time, in ticks, in a time zone, as the ordinal of a `date`; in UTC if the zone is None or unknown."""
    if time_zone is not None and (zone := zone_of(time_zone)) is not None:
        try:
            return (EPOCH + datetime.timedelta(microseconds=at // 10)).astimezone(zone).toordinal()
        except OverflowError:  # the first and last hours of the calendar
            pass
    return at // ticks.DAY + 1


def matches(where: Pairs, event: Event | LogEntry) -> bool:
    """Whether an event has all these attributes."""
    return all(event.attributes.get(key) == value for key, value in where)


def add_to_sum(current: MeasureValue | None, amount: Decimal) -> MeasureValue:
    """A sum with one more amount."""
    return decimal_text(amount if current is None else Decimal(str(current)) + amount)


def update_max(current: MeasureValue | None, amount: Decimal) -> MeasureValue:
    """The largest amount so far."""
    return decimal_text(amount if current is None else max(Decimal(str(current)), amount))


def update_last(current: MeasureValue | None, amount: Decimal, at: int) -> MeasureValue:
    """The amount of the event that happened last; of two at the same time, of the one that arrived last."""
    if isinstance(current, list) and int(current[0]) > at:
        return current
    return [str(at), decimal_text(amount)]


def add_distinct(current: MeasureValue | None, member: str, limit: int) -> MeasureValue:
    """The distinct values so far, up to `limit` of them."""
    members = list(current) if isinstance(current, list) else []
    if member in members or len(members) >= limit:
        return members
    return [*members, member]


def best_window(current: MeasureValue | None, log: Sequence[LogEntry], period_seconds: int) -> MeasureValue:
    """The largest sum in any period of that length that ends with one of the events, or `current` if that is larger."""
    period = period_seconds * ticks.SECOND
    ordered = sorted(log, key=lambda event: event.at)
    best = None if current is None else Decimal(str(current))
    total, first = Decimal(0), 0
    for event in ordered:
        total += event.amount
        while ordered[first].at <= event.at - period:
            total -= ordered[first].amount
            first += 1
        best = total if best is None else max(best, total)
    return decimal_text(best or Decimal(0))


def precedes_streak(current: MeasureValue | None, day: int) -> bool:
    """Whether an active day is before the current streak, so that extending it needs the days in the log."""
    if not isinstance(current, list):
        return False
    length, last = int(current[0]), int(current[1])
    return day <= last - length


def extend_streak(current: MeasureValue | None, day: int, active: Collection[int]) -> MeasureValue:
    """A streak with one more active day. `active` are other active days, needed only if `precedes_streak`."""
    if not isinstance(current, list):
        return [1, day, 1]
    length, last, longest = (int(value) for value in current)
    if precedes_streak(current, day):
        days = sorted({*active, day})
        length = max(length, _streak_length(days, last, length))
        end = bisect.bisect_left(days, day)
        while end + 1 < len(days) and days[end + 1] == days[end] + 1:
            end += 1
        longest = max(longest, length, _streak_length(days[: end + 1], days[end], 1))
    elif day > last:
        length = length + 1 if day == last + 1 else 1
        longest, last = max(longest, length), day
    return [length, last, longest]


def _streak_length(days: list[int], last: int, known: int) -> int:
    """The number of consecutive days that end with the last one, of which `known` are certain."""
    active, length = set(days), known
    while last - length in active:
        length += 1
    return length


@functools.lru_cache(maxsize=1024)
def zone_of(name: str) -> datetime.tzinfo | None:
    """The time zone with an IANA name, None if there is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return None


def recompute(measure: Measure, log: Sequence[LogEntry], *, limit: int) -> MeasureValue | None:
    """The value of a measure of amounts from all events of its metric; None if none of them matches."""
    current: MeasureValue | None = None
    matching = [event for event in log if matches(measure.where, event)]
    if measure.period_seconds is not None:
        return best_window(None, matching, measure.period_seconds) if matching else None
    for event in matching:
        current = advance(measure, current, event.amount, event.at, event.attributes.get(measure.of or ""), limit=limit)
    return current


def advance(
    measure: Measure, current: MeasureValue | None, amount: Decimal, at: int, member: str | None, *, limit: int
) -> MeasureValue | None:
    """The value of a measure without a period after one matching event. `member` is the value of its attribute `of`."""
    match measure.aggregate:
        case "max":
            return update_max(current, amount)
        case "last":
            return update_last(current, amount, at)
        case "distinct":
            return current if member is None else add_distinct(current, member, limit)
        case _:
            return add_to_sum(current, amount)
