"""The history of a streak, against its definition."""

import datetime

from hypothesis import given
from hypothesis import strategies as st

from service.core.events.daily_totals import StreakDay, streak_days

DAYS = st.integers(739_000, 739_060)


@given(active=st.frozensets(DAYS), first=DAYS, length=st.integers(0, 40))
def test_length_of_each_day_is_its_number_of_active_days_in_a_row(active, first, length):
    def streak(day):
        return 1 + streak(day - 1) if day in active else 0

    days = range(first, first + length)

    expected = [StreakDay(datetime.date.fromordinal(day), streak(day)) for day in days]
    assert streak_days(active, first=first, last=first + length - 1) == expected
