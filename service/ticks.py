"""Convert times to and from ticks of 100 ns since 0001-01-01T00:00:00Z, the precision of the Xbox API. Pure.

A `timestamptz` has microseconds, so it could not return `…00.3087016Z` unchanged. Tick 0 is the Xbox API's value for
"not unlocked", `0001-01-01T00:00:00.0000000Z`.
"""

import datetime
import functools
import re

SECOND = 10_000_000  # ticks
DAY = 86_400 * SECOND
MAX = datetime.date.max.toordinal() * DAY - 1  # 9999-12-31T23:59:59.9999999Z

_MINUTES_OF_DAY = 24 * 60
_MINUTES = tuple(f"{minute // 60:02}:{minute % 60:02}:" for minute in range(_MINUTES_OF_DAY))
_SECONDS = tuple(f"{second:02}" for second in range(60))
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?Z", re.ASCII)


def parse(text: str) -> int:
    """The ticks of an ISO 8601 UTC time with 0 to 7 digits of fraction.

    Raises:
        ValueError: the text has another form, or is not a valid time.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a UTC time such as 2013-01-17T03:19:00.3087016Z, got {text[:40]!r}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    moment = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
    in_day = ((moment.hour * 60 + moment.minute) * 60 + moment.second) * SECOND
    return (moment.toordinal() - 1) * DAY + in_day + int((match[7] or "").ljust(7, "0"))


def fraction_digits(text: str) -> int:
    """The number of digits of the fraction of a time, 0–7."""
    return len(text.partition(".")[2].removesuffix("Z"))


def to_text(ticks: int, fraction_digits: int = 7) -> str:
    """The ISO 8601 UTC time with `Z`, and a fraction of 0 to 7 digits."""
    # Runs for every unlock of every page, so it avoids datetime: the last seven digits of the ticks are the fraction,
    # and dates are cached because players unlock on few distinct days.
    seconds = ticks // SECOND
    minutes = seconds // 60
    days = minutes // _MINUTES_OF_DAY
    time = f"{_date(days)}{_MINUTES[minutes - days * _MINUTES_OF_DAY]}{_SECONDS[seconds - minutes * 60]}"
    if fraction_digits == 7 and seconds:  # noqa: PLR2004  (the usual case)
        return f"{time}.{str(ticks)[-7:]}Z"
    if fraction_digits == 0:
        return f"{time}Z"
    return f"{time}.{ticks - seconds * SECOND:07}"[: len(time) + 1 + fraction_digits] + "Z"


@functools.lru_cache(maxsize=4096)
def _date(days: int) -> str:
    return datetime.date.fromordinal(days + 1).isoformat() + "T"


def from_datetime(moment: datetime.datetime) -> int:
    """The ticks of an aware datetime."""
    utc = moment.astimezone(datetime.UTC)
    in_day = ((utc.hour * 60 + utc.minute) * 60 + utc.second) * SECOND + utc.microsecond * 10
    return (utc.toordinal() - 1) * DAY + in_day


_UNIX_EPOCH = datetime.date(1970, 1, 1).toordinal() - 1  # days


def from_unix(seconds: int) -> int:
    """The ticks of a Unix time in whole seconds."""
    return _UNIX_EPOCH * DAY + seconds * SECOND


def from_unix_ns(nanoseconds: int) -> int:
    """The ticks of a Unix time in nanoseconds, such as `time.time_ns()`."""
    return _UNIX_EPOCH * DAY + nanoseconds // 100


def to_unix(ticks: int) -> int:
    """The Unix time in seconds, rounded up; 0 for all times before 1970."""
    return max(0, -((_UNIX_EPOCH * DAY - ticks) // SECOND))
