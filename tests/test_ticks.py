"""Convert times to and from ticks of 100 ns without losing a digit."""

import datetime
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import ticks

TICKS = st.integers(0, ticks.MAX)
UNIX_SECONDS = st.integers(0, 2**32 - 1)


@given(TICKS)
def test_text_of_ticks_parses_to_the_same_ticks(moment):
    assert ticks.parse(ticks.to_text(moment)) == moment


@given(TICKS, st.integers(0, 7))
def test_fewer_digits_truncate_only_the_fraction(moment, digits):
    text = ticks.to_text(moment, digits)

    assert ticks.fraction_digits(text) == digits
    assert ticks.parse(text) == moment - moment % 10 ** (7 - digits)
    assert ticks.to_text(ticks.parse(text), digits) == text


@given(st.datetimes(timezones=st.just(datetime.UTC)))
def test_text_of_a_datetime_equals_that_of_python(moment):
    assert ticks.to_text(ticks.from_datetime(moment)) == moment.strftime(f"{moment.year:04}-%m-%dT%H:%M:%S.%f0Z")


@given(st.tuples(TICKS, TICKS))
def test_text_sorts_like_ticks(moments):
    first, second = moments

    assert (first < second) == (ticks.to_text(first) < ticks.to_text(second))


@given(UNIX_SECONDS)
def test_unix_seconds_survive_the_round_trip(seconds):
    assert ticks.to_unix(ticks.from_unix(seconds)) == seconds


@given(TICKS)
def test_unix_time_is_rounded_up(moment):
    """A window that has closed at the ticks has also closed at that second."""
    seconds = ticks.to_unix(moment)

    assert ticks.from_unix(seconds) >= moment
    assert seconds == 0 or ticks.from_unix(seconds - 1) < moment


@given(UNIX_SECONDS)
def test_unix_time_equals_that_of_the_system(seconds):
    assert ticks.to_text(ticks.from_unix(seconds), 0) == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0001-01-01T00:00:00.0000000Z", 0),
        ("0001-01-01T00:00:00.0000001Z", 1),
        ("1970-01-01T00:00:00Z", 621_355_968_000_000_000),
        ("2013-01-17T03:19:00.3087016Z", 634_939_895_403_087_016),
        ("2016-02-29T12:00:00.5Z", 635_923_440_005_000_000),
        ("9999-12-31T23:59:59.9999999Z", ticks.MAX),
    ],
)
def test_documented_times_parse_to_their_ticks(text, moment):
    assert ticks.parse(text) == moment


@pytest.mark.parametrize("text", ["1753-01-01T00:00:00Z", "2013-02-01T00:00:00.50Z", "2013-01-17T03:19:00.3087016Z"])
def test_text_keeps_its_fraction_digits(text):
    assert ticks.to_text(ticks.parse(text), ticks.fraction_digits(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "2013-01-17", "2013-01-17T03:19Z", "2013-01-17T03:19:00", "2013-01-17T03:19:00+00:00"),
        *("2013-01-17 03:19:00Z", "2013-01-17T03:19:00.Z", "2013-01-17T03:19:00.12345678Z", "2013-01-17T03:19:00z"),
        *("0000-01-01T00:00:00Z", "2013-02-29T00:00:00Z", "2013-13-01T00:00:00Z", "2013-01-01T24:00:00Z"),
        *("2013-01-01T23:59:60Z", "٢٠١٣-01-17T03:19:00Z", "2013-01-17T03:19:00Z\n", "-013-01-17T03:19:00Z"),
    ],
)
def test_invalid_time_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011  (the calendar words some of these itself)
        ticks.parse(text)


@given(st.text())
def test_any_other_text_is_a_value_error(text):
    with pytest.raises(ValueError, match="expected a UTC time such as"):
        ticks.parse(text)


def test_datetime_in_another_time_zone_is_converted():
    zone = datetime.timezone(datetime.timedelta(hours=-5))

    assert (
        ticks.to_text(ticks.from_datetime(datetime.datetime(2020, 12, 31, 20, 0, tzinfo=zone)), 0)
        == "2021-01-01T01:00:00Z"
    )
