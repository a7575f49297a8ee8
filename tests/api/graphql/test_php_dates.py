"""PHP's date formats: every letter, escapes, names in the caller's language; every text is a format."""

import datetime
import zoneinfo

import babel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.graphql import php_dates
from service.api.graphql.php_dates import _PARTS, MAX_CHARACTERS, parse_format
from service.errors import InvalidParameter

ENGLISH = babel.Locale.parse("en")
PARIS = zoneinfo.ZoneInfo("Europe/Paris")
WINTER = datetime.datetime(2026, 1, 4, 15, 5, 9, 120_345, PARIS)  # a Sunday
NIGHT = datetime.datetime(2024, 12, 30, 0, 30, tzinfo=datetime.UTC)  # a Monday, of a leap year
INDIA = datetime.datetime(1999, 7, 21, 12, 0, tzinfo=zoneinfo.ZoneInfo("Asia/Kolkata"))


@pytest.mark.parametrize("letter", _PARTS)
def test_date_only_letters_give_the_same_text_for_every_time_and_zone(letter):
    first = datetime.datetime(2026, 7, 21, tzinfo=datetime.UTC)
    others = (
        first.replace(hour=11, minute=59, second=58, microsecond=999_999),
        first.replace(hour=23, tzinfo=PARIS),
        first.replace(hour=1, tzinfo=zoneinfo.ZoneInfo("Asia/Kolkata")),
    )

    result = {parse_format(letter).format(moment, ENGLISH) for moment in (first, *others)}

    assert parse_format(letter).is_date_only == (len(result) == 1)


def test_escaped_letters_do_not_depend_on_the_time():
    assert parse_format(r"l j F Y, \H\i").is_date_only
    assert not parse_format(r"\\H").is_date_only
    assert parse_format("").is_date_only


@pytest.mark.parametrize(
    ("letters", "winter", "night", "india"),
    [
        ("d", "04", "30", "21"),
        ("D", "Sun", "Mon", "Wed"),
        ("j", "4", "30", "21"),
        ("l", "Sunday", "Monday", "Wednesday"),
        ("N", "7", "1", "3"),
        ("S", "th", "th", "st"),
        ("w", "0", "1", "3"),
        ("z", "3", "364", "201"),
        ("W", "01", "01", "29"),
        ("F", "January", "December", "July"),
        ("m", "01", "12", "07"),
        ("M", "Jan", "Dec", "Jul"),
        ("n", "1", "12", "7"),
        ("t", "31", "31", "31"),
        ("L", "0", "1", "0"),
        ("o", "2026", "2025", "1999"),
        ("X", "+2026", "+2024", "+1999"),
        ("x", "2026", "2024", "1999"),
        ("Y", "2026", "2024", "1999"),
        ("y", "26", "24", "99"),
        ("a", "pm", "am", "pm"),
        ("A", "PM", "AM", "PM"),
        ("B", "628", "062", "312"),
        ("g", "3", "12", "12"),
        ("G", "15", "0", "12"),
        ("h", "03", "12", "12"),
        ("H", "15", "00", "12"),
        ("i", "05", "30", "00"),
        ("s", "09", "00", "00"),
        ("u", "120345", "000000", "000000"),
        ("v", "120", "000", "000"),
        ("e", "Europe/Paris", "UTC", "Asia/Kolkata"),
        ("I", "0", "0", "0"),
        ("O", "+0100", "+0000", "+0530"),
        ("P", "+01:00", "+00:00", "+05:30"),
        ("p", "+01:00", "Z", "+05:30"),
        ("T", "CET", "UTC", "IST"),
        ("Z", "3600", "0", "19800"),
        ("c", "2026-01-04T15:05:09+01:00", "2024-12-30T00:30:00+00:00", "1999-07-21T12:00:00+05:30"),
        ("r", "Sun, 04 Jan 2026 15:05:09 +0100", "Mon, 30 Dec 2024 00:30:00 +0000", "Wed, 21 Jul 1999 12:00:00 +0530"),
        ("U", "1767535509", "1735518600", "932538600"),
        ("d/m/Y", "04/01/2026", "30/12/2024", "21/07/1999"),
        (r"\Y\\Y", r"Y\2026", r"Y\2024", r"Y\1999"),
        ("jS \\of F", "4th of January", "30th of December", "21st of July"),
        ("", "", "", ""),
        ("\\", "\\", "\\", "\\"),
        ("é q 🏅", "é q 🏅", "é q 🏅", "é q 🏅"),
    ],
)
def test_letter_formats_like_php(letters, winter, night, india):
    assert [parse_format(letters).format(moment, ENGLISH) for moment in (WINTER, NIGHT, INDIA)] == [
        winter,
        night,
        india,
    ]


@pytest.mark.parametrize(
    ("locale", "result"),
    [
        ("fr", "dimanche 4 janvier"),
        ("de_DE", "Sonntag 4 Januar"),
        ("ja", "日曜日 4 1月"),
        ("ar", "الأحد 4 يناير"),
        ("ru", "воскресенье 4 января"),
    ],
)
def test_names_are_in_the_callers_language(locale, result):
    assert parse_format("l j F").format(WINTER, babel.Locale.parse(locale)) == result


@pytest.mark.parametrize(
    ("day", "suffix"), [(1, "st"), (2, "nd"), (3, "rd"), (4, "th"), (11, "th"), (12, "th"), (13, "th"), (22, "nd")]
)
def test_ordinal_suffixes_are_english(day, suffix):
    assert parse_format("S").format(WINTER.replace(day=day), ENGLISH) == suffix


@given(
    # strftime does not fill up years below 1000
    moment=st.datetimes(min_value=datetime.datetime(1000, 1, 2), timezones=st.timezones()),  # noqa: DTZ001  (the same)
    pair=st.sampled_from(
        [("Y-m-d H:i:s", "%Y-%m-%d %H:%M:%S"), ("y", "%y"), ("W o", "%V %G"), ("h A", "%I %p"), ("D M", "%a %b")]
    ),
)
def test_letters_agree_with_strftime(moment, pair):
    letters, directives = pair

    assert parse_format(letters).format(moment, ENGLISH) == moment.strftime(directives)


# Days near the ends of the calendar do not exist in other zones.
_FIRST, _LAST = datetime.datetime(2, 1, 1), datetime.datetime(9998, 12, 31)  # noqa: DTZ001  (hypothesis adds the zone)


@given(
    st.text(max_size=MAX_CHARACTERS),
    st.datetimes(min_value=_FIRST, max_value=_LAST, timezones=st.timezones() | st.just(datetime.UTC)),
)
def test_every_text_is_a_format(text, moment):
    assert isinstance(parse_format(text).format(moment, ENGLISH), str)


def test_long_format_is_rejected_and_not_cached():
    cached = php_dates._parse.cache_info().currsize

    with pytest.raises(InvalidParameter, match=f"at most {MAX_CHARACTERS} characters"):
        parse_format("Y" * 65)

    assert php_dates._parse.cache_info().currsize == cached
