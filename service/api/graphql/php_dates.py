r"""Dates in the formats of PHP's `date()`, with names of days and months in any language.

Letters stand for parts of a date and time. `\` escapes the next character; all other characters stand for themselves.
Source: php.net, `DateTimeInterface::format`.
"""

import datetime
import email.utils
import functools
from collections.abc import Callable, Mapping, Sequence

import babel
import babel.dates
import msgspec

from service.errors import InvalidParameter

MAX_CHARACTERS = 64
_CACHED_FORMATS = 512
_BEAT_SECONDS = 86.4  # Swatch: a thousandth of a day in Biel, UTC+1
_DATE_LETTERS = frozenset("dDjlNSwzWFmMntLoXxYy")  # that depend neither on the time nor on the zone
_NAME_LETTERS = frozenset("DlFM")  # that stand for names of days or months
_BIEL = datetime.timezone(datetime.timedelta(hours=1))
_NOON = 12
_MILLISECOND = 1000  # microseconds

Moment = datetime.datetime
Part = Callable[[Moment, babel.Locale], str]


class DateFormat(msgspec.Struct, frozen=True):
    """A parsed format. `is_date_only` if it gives the same text for every time of a day and every zone.

    `has_names` if it gives names of days or months, which are in a language.
    """

    parts: Sequence[str | Part]
    is_date_only: bool
    has_names: bool

    def format(self, moment: Moment, locale: babel.Locale) -> str:
        """The moment, which must have a zone, in this format."""
        return "".join(part if isinstance(part, str) else part(moment, locale) for part in self.parts)


def parse_format(text: str) -> DateFormat:
    """The parsed format; cached.

    Raises:
        InvalidParameter: it has more than 64 characters.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidParameter("format", f"at most {MAX_CHARACTERS} characters", text)
    return _parse(text)


@functools.lru_cache(maxsize=_CACHED_FORMATS)
def _parse(text: str) -> DateFormat:
    parts: list[str | Part] = []
    letters: set[str] = set()
    characters = iter(text)
    for character in characters:
        if character == "\\":
            parts.append(next(characters, "\\"))
        elif character in _PARTS:
            parts.append(_PARTS[character])
            letters.add(character)
        else:
            parts.append(character)
    return DateFormat(
        tuple(parts), is_date_only=letters <= _DATE_LETTERS, has_names=not letters.isdisjoint(_NAME_LETTERS)
    )


def _names(kind: Callable[..., Mapping[int, str]], width: str, number: Callable[[Moment], int]) -> Part:
    def part(moment: Moment, locale: babel.Locale) -> str:
        return kind(width, "format", locale)[number(moment)]

    return part


def _month(moment: Moment) -> int:
    return moment.month


def _text(write: Callable[[Moment], object]) -> Part:
    def part(moment: Moment, _locale: babel.Locale) -> str:
        return str(write(moment))

    return part


def _suffix(moment: Moment) -> str:
    """The English ordinal suffix; PHP has no other."""
    if moment.day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(moment.day % 10, "th")


def _is_leap(moment: Moment) -> bool:
    return moment.year % 4 == 0 and (moment.year % 100 != 0 or moment.year % 400 == 0)


def _days_of_month(moment: Moment) -> int:
    first = moment.date().replace(day=1)
    if first.month == 12:  # noqa: PLR2004  (December; the next year may be 10000)
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
    in_biel = moment.astimezone(_BIEL)
    seconds = in_biel.hour * 3600 + in_biel.minute * 60 + in_biel.second
    return f"{int(seconds / _BEAT_SECONDS):03}"


def _iso(moment: Moment) -> str:
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}{_offset(moment, ':')}"


_PARTS: Mapping[str, Part] = {
    # day
    "d": _text(lambda m: f"{m.day:02}"),
    "D": _names(babel.dates.get_day_names, "abbreviated", Moment.weekday),
    "j": _text(lambda m: m.day),
    "l": _names(babel.dates.get_day_names, "wide", Moment.weekday),
    "N": _text(Moment.isoweekday),
    "S": _text(_suffix),
    "w": _text(lambda m: m.isoweekday() % 7),
    "z": _text(lambda m: m.timetuple().tm_yday - 1),
    # week
    "W": _text(lambda m: f"{m.isocalendar().week:02}"),
    # month
    "F": _names(babel.dates.get_month_names, "wide", _month),
    "m": _text(lambda m: f"{m.month:02}"),
    "M": _names(babel.dates.get_month_names, "abbreviated", _month),
    "n": _text(_month),
    "t": _text(_days_of_month),
    # year
    "L": _text(lambda m: int(_is_leap(m))),
    "o": _text(lambda m: m.isocalendar().year),
    "X": _text(lambda m: f"+{m.year:04}"),
    "x": _text(lambda m: f"{m.year:04}"),
    "Y": _text(lambda m: f"{m.year:04}"),
    "y": _text(lambda m: f"{m.year % 100:02}"),
    # time
    "a": _text(lambda m: "am" if m.hour < _NOON else "pm"),
    "A": _text(lambda m: "AM" if m.hour < _NOON else "PM"),
    "B": _text(_beats),
    "g": _text(lambda m: m.hour % _NOON or _NOON),
    "G": _text(lambda m: m.hour),
    "h": _text(lambda m: f"{m.hour % _NOON or _NOON:02}"),
    "H": _text(lambda m: f"{m.hour:02}"),
    "i": _text(lambda m: f"{m.minute:02}"),
    "s": _text(lambda m: f"{m.second:02}"),
    "u": _text(lambda m: f"{m.microsecond:06}"),
    "v": _text(lambda m: f"{m.microsecond // _MILLISECOND:03}"),
    # zone
    "e": _text(_zone),
    "I": _text(lambda m: int(bool(m.dst()))),
    "O": _text(lambda m: _offset(m, "")),
    "P": _text(lambda m: _offset(m, ":")),
    "p": _text(lambda m: "Z" if _offset(m, ":") == "+00:00" else _offset(m, ":")),
    "T": _text(_abbreviation),
    "Z": _text(lambda m: round((m.utcoffset() or datetime.timedelta()).total_seconds())),
    # whole
    "c": _text(_iso),
    "r": _text(email.utils.format_datetime),
    "U": _text(lambda m: int(m.timestamp())),
}
