"""How one measure moves: what an event makes of a player's standing. Pure.

Whatever order events come in, the standing is that of all of them: a late event is put where it belongs.
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
    """A decimal in plain digits, the same for the same value: `1500`, `0.3`, `-2`."""
    return format(value.normalize(), "f") if value else "0"


def value_of(aggregate: Aggregate, standing: MeasureValue | None) -> Decimal | None:
    """What a standing amounts to: a streak to its longest row, distinct values to how many there are."""
    if standing is None:
        return None
    if isinstance(standing, str):
        return Decimal(standing)
    match aggregate:
        case "streak":
            return Decimal(standing[2])
        case "last":
            return Decimal(standing[1])
        case _:
            return Decimal(len(standing))


def local_day(at: int, time_zone: str | None) -> int:
    """The day of a moment by the calendar of a zone, as the ordinal of a `date`; by UTC where the zone is not known."""
    if time_zone is not None and (zone := zone_of(time_zone)) is not None:
        try:
            return (EPOCH + datetime.timedelta(microseconds=at // 10)).astimezone(zone).toordinal()
        except OverflowError:  # the first and last hours of the calendar
            pass
    return at // ticks.DAY + 1


def matches(where: Pairs, event: Event | LogEntry) -> bool:
    """Whether an event's attributes have all these values."""
    return all(event.attributes.get(key) == value for key, value in where)


def add_to_sum(standing: MeasureValue | None, amount: Decimal) -> MeasureValue:
    """A sum with one amount more."""
    return decimal_text(amount if standing is None else Decimal(str(standing)) + amount)


def update_max(standing: MeasureValue | None, amount: Decimal) -> MeasureValue:
    """The largest amount so far."""
    return decimal_text(amount if standing is None else max(Decimal(str(standing)), amount))


def update_last(standing: MeasureValue | None, amount: Decimal, at: int) -> MeasureValue:
    """The amount of the event that happened last; of two at the same moment, of the one that was told last."""
    if isinstance(standing, list) and int(standing[0]) > at:
        return standing
    return [str(at), decimal_text(amount)]


def add_distinct(standing: MeasureValue | None, member: str, most: int) -> MeasureValue:
    """The different values so far, as far as anybody asks for them."""
    members = list(standing) if isinstance(standing, list) else []
    if member in members or len(members) >= most:
        return members
    return [*members, member]


def best_window(standing: MeasureValue | None, log: Sequence[LogEntry], period_seconds: int) -> MeasureValue:
    """The largest sum of any window of that length that ends with one of these events, or the best of before."""
    period = period_seconds * ticks.SECOND
    ordered = sorted(log, key=lambda event: event.at)
    best = None if standing is None else Decimal(str(standing))
    total, first = Decimal(0), 0
    for event in ordered:
        total += event.amount
        while ordered[first].at <= event.at - period:
            total -= ordered[first].amount
            first += 1
        best = total if best is None else max(best, total)
    return decimal_text(best or Decimal(0))


def precedes_streak(standing: MeasureValue | None, day: int) -> bool:
    """Whether an active day lies before the current row of days, so that only the log knows what it joins."""
    if not isinstance(standing, list):
        return False
    length, last = int(standing[0]), int(standing[1])
    return day <= last - length


def extend_streak(standing: MeasureValue | None, day: int, active: Collection[int]) -> MeasureValue:
    """A streak with one active day more. `active` are the active days near it, needed only where `is_late`."""
    if not isinstance(standing, list):
        return [1, day, 1]
    length, last, longest = (int(value) for value in standing)
    if precedes_streak(standing, day):
        days = sorted({*active, day})
        length = max(length, _row_ending(days, last, length))
        end = bisect.bisect_left(days, day)
        while end + 1 < len(days) and days[end + 1] == days[end] + 1:
            end += 1
        longest = max(longest, length, _row_ending(days[: end + 1], days[end], 1))
    elif day > last:
        length = length + 1 if day == last + 1 else 1
        longest, last = max(longest, length), day
    return [length, last, longest]


def _row_ending(days: list[int], last: int, known: int) -> int:
    """How many days in a row end with the last one, `known` of them for certain."""
    there, length = set(days), known
    while last - length in there:
        length += 1
    return length


@functools.lru_cache(maxsize=1024)
def zone_of(name: str) -> datetime.tzinfo | None:
    """The time zone of an IANA name; None where it is not known."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return None


def recompute(measure: Measure, log: Sequence[LogEntry], *, most: int) -> MeasureValue | None:
    """The standing of a measure of amounts, from all its events; None where none of them counts."""
    standing: MeasureValue | None = None
    counted = [event for event in log if matches(measure.where, event)]
    if measure.period_seconds is not None:
        return best_window(None, counted, measure.period_seconds) if counted else None
    for event in counted:
        standing = advance(measure, standing, event.amount, event.at, event.attributes.get(measure.of or ""), most=most)
    return standing


def advance(
    measure: Measure, standing: MeasureValue | None, amount: Decimal, at: int, member: str | None, *, most: int
) -> MeasureValue | None:
    """The standing of a measure that needs no log after one event that it counts."""
    match measure.aggregate:
        case "max":
            return update_max(standing, amount)
        case "last":
            return update_last(standing, amount, at)
        case "distinct":
            return standing if member is None else add_distinct(standing, member, most)
        case _:
            return add_to_sum(standing, amount)
