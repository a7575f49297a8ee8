r"""Dates in the formats of PHP's `date()`, with names of days and months in any language.

Letters stand for parts of a moment, `\` makes the next character stand for itself, and so does whatever is no letter
of the table. Source: php.net, `DateTimeInterface::format`.
"""

import datetime
import email.utils
import functools
import re
from collections.abc import Callable, Mapping, Sequence

import babel
import babel.dates

from service.errors import InvalidParameter

MOST_CHARACTERS = 64
_FORMATS_KEPT = 512
_BEAT_SECONDS = 86.4  # Swatch: a thousandth of a day in Biel, UTC+1
_ESCAPED = re.compile(r"\\.?", re.DOTALL)
_NAMES = frozenset("DlFM")
_OF_DAY = frozenset("dDjlNSwzWFmMntLoXxYy")
_BIEL = datetime.timezone(datetime.timedelta(hours=1))
_NOON = 12
_MILLISECOND = 1000  # microseconds

Moment = datetime.datetime
Part = Callable[[Moment, babel.Locale], str]


def format_date(moment: Moment, text: str, *, locale: babel.Locale) -> str:
    """The moment, which knows its zone, in a format of PHP's.

    Raises:
        InvalidParameter: the format has more than 64 characters.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidParameter("format", f"at most {MOST_CHARACTERS} characters", text)
    return "".join(part if isinstance(part, str) else part(moment, locale) for part in _compiled(text))


@functools.lru_cache(maxsize=_FORMATS_KEPT)
def is_of_day(text: str) -> bool:
    """Whether a format says the same all day long: no letter in it looks at the time, or at the zone."""
    plain = _ESCAPED.sub("", text)
    return not (_PARTS.keys() - _OF_DAY).intersection(plain)


@functools.lru_cache(maxsize=_FORMATS_KEPT)
def has_names(text: str) -> bool:
    """Whether a format holds names of days or months, which are words of a language."""
    return not _NAMES.isdisjoint(_ESCAPED.sub("", text))


@functools.lru_cache(maxsize=_FORMATS_KEPT)
def _compiled(text: str) -> Sequence[str | Part]:
    characters = iter(text)
    return tuple(
        next(characters, "\\") if character == "\\" else _PARTS.get(character, character) for character in characters
    )


def _names(kind: Callable[..., Mapping[int, str]], width: str, number: Callable[[Moment], int]) -> Part:
    def part(moment: Moment, locale: babel.Locale) -> str:
        return kind(width, "format", locale)[number(moment)]

    return part


def _month(moment: Moment) -> int:
    return moment.month


def _plain(write: Callable[[Moment], object]) -> Part:
    def part(moment: Moment, _locale: babel.Locale) -> str:
        return str(write(moment))

    return part


def _suffix(moment: Moment) -> str:
    """English only, as in PHP."""
    if moment.day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(moment.day % 10, "th")


def _is_leap(moment: Moment) -> bool:
    return moment.year % 4 == 0 and (moment.year % 100 != 0 or moment.year % 400 == 0)


def _days_of_month(moment: Moment) -> int:
    first = moment.date().replace(day=1)
    if first.month == 12:  # noqa: PLR2004  (December; the year after 9999 cannot be asked for)
        return 31
    return (first.replace(month=first.month + 1) - first).days


def _offset(moment: Moment, separator: str) -> str:
    minutes = round((moment.utcoffset() or datetime.timedelta()).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{separator}{abs(minutes) % 60:02}"


def _zone(moment: Moment) -> str:
    return getattr(moment.tzinfo, "key", None) or moment.tzname() or "UTC"


def _abbreviation(moment: Moment) -> str:
    name = moment.tzname() or "UTC"
    return name if name.isalpha() else _offset(moment, ":")


def _beats(moment: Moment) -> str:
    there = moment.astimezone(_BIEL)
    seconds = there.hour * 3600 + there.minute * 60 + there.second
    return f"{int(seconds / _BEAT_SECONDS):03}"


def _iso(moment: Moment) -> str:
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}{_offset(moment, ':')}"


_PARTS: Mapping[str, Part] = {
    # day
    "d": _plain(lambda m: f"{m.day:02}"),
    "D": _names(babel.dates.get_day_names, "abbreviated", Moment.weekday),
    "j": _plain(lambda m: m.day),
    "l": _names(babel.dates.get_day_names, "wide", Moment.weekday),
    "N": _plain(Moment.isoweekday),
    "S": _plain(_suffix),
    "w": _plain(lambda m: m.isoweekday() % 7),
    "z": _plain(lambda m: m.timetuple().tm_yday - 1),
    # week
    "W": _plain(lambda m: f"{m.isocalendar().week:02}"),
    # month
    "F": _names(babel.dates.get_month_names, "wide", _month),
    "m": _plain(lambda m: f"{m.month:02}"),
    "M": _names(babel.dates.get_month_names, "abbreviated", _month),
    "n": _plain(_month),
    "t": _plain(_days_of_month),
    # year
    "L": _plain(lambda m: int(_is_leap(m))),
    "o": _plain(lambda m: m.isocalendar().year),
    "X": _plain(lambda m: f"+{m.year:04}"),
    "x": _plain(lambda m: f"{m.year:04}"),
    "Y": _plain(lambda m: f"{m.year:04}"),
    "y": _plain(lambda m: f"{m.year % 100:02}"),
    # time
    "a": _plain(lambda m: "am" if m.hour < _NOON else "pm"),
    "A": _plain(lambda m: "AM" if m.hour < _NOON else "PM"),
    "B": _plain(_beats),
    "g": _plain(lambda m: m.hour % _NOON or _NOON),
    "G": _plain(lambda m: m.hour),
    "h": _plain(lambda m: f"{m.hour % _NOON or _NOON:02}"),
    "H": _plain(lambda m: f"{m.hour:02}"),
    "i": _plain(lambda m: f"{m.minute:02}"),
    "s": _plain(lambda m: f"{m.second:02}"),
    "u": _plain(lambda m: f"{m.microsecond:06}"),
    "v": _plain(lambda m: f"{m.microsecond // _MILLISECOND:03}"),
    # zone
    "e": _plain(_zone),
    "I": _plain(lambda m: int(bool(m.dst()))),
    "O": _plain(lambda m: _offset(m, "")),
    "P": _plain(lambda m: _offset(m, ":")),
    "p": _plain(lambda m: "Z" if _offset(m, ":") == "+00:00" else _offset(m, ":")),
    "T": _plain(_abbreviation),
    "Z": _plain(lambda m: round((m.utcoffset() or datetime.timedelta()).total_seconds())),
    # whole
    "c": _plain(_iso),
    "r": _plain(email.utils.format_datetime),
    "U": _plain(lambda m: int(m.timestamp())),
}
