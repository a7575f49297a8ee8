"""Token buckets and the table of their states: what may be taken, and how much is remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.quotas import Quota, RecentTable, TokenBucket

QUOTAS = st.builds(Quota, st.integers(1, 1000), st.floats(0.1, 600))
STARTS = st.floats(0, 1e7)
STEPS = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 20)), max_size=60)


@given(QUOTAS, STARTS, STEPS)
def test_no_stretch_of_time_grants_more_than_the_amount_and_what_came_back_in_it(quota, start, steps):
    bucket, now, granted = TokenBucket(), start, []
    for pause, units in steps:
        now += pause
        if bucket.take(quota, now, units) == 0.0:
            granted.append((now, units))

    for first, (since, _) in enumerate(granted):
        for last in range(first, len(granted)):
            units = sum(units for _, units in granted[first : last + 1])
            elapsed = granted[last][0] - since
            assert units <= quota.amount + elapsed / quota.seconds_per_unit + 1e-3 * (1 + quota.amount)


@given(QUOTAS, STARTS, STEPS)
def test_caller_who_waits_as_long_as_told_is_served(quota, start, steps):
    bucket, now = TokenBucket(), start
    for pause, units in steps:
        now += pause
        wait = bucket.take(quota, now, units)
        if units <= quota.amount:
            assert 0.0 <= wait <= quota.window_seconds + 1e-3
            if wait:
                now += wait
                assert bucket.take(quota, now, units) == 0.0
        else:
            assert wait > 0.0


@given(QUOTAS, STARTS, STEPS)
def test_refused_request_costs_nothing(quota, start, steps):
    bucket, now = TokenBucket(), start
    for pause, units in steps:
        now += pause
        before = bucket.remaining(quota, now)
        refused = bucket.take(quota, now, units) > 0.0
        after = bucket.remaining(quota, now)
        assert 0 <= after <= before <= quota.amount
        assert after == before if refused else before - units - 1 <= after <= before - units + 1


@given(QUOTAS, STARTS)
def test_whole_amount_is_there_at_the_beginning_and_again_after_a_window(quota, start):
    bucket = TokenBucket()
    for now in (start, start + quota.window_seconds + 1e-3):
        taken = [bucket.take(quota, now) for _ in range(quota.amount)]
        assert not any(taken)
        assert bucket.take(quota, now) > 0.0
        assert bucket.remaining(quota, now) == 0


@given(st.lists(st.integers(0, 40), max_size=300), st.integers(1, 8))
def test_table_keeps_the_keys_of_last_use_and_never_more_than_twice_its_size(keys, size):
    table = RecentTable(lambda _: [], size=size)
    for key in keys:
        table.get(key).append(key)
        assert len(table) <= 2 * size
        assert set(table.get(key)) == {key}

    last = list(dict.fromkeys(reversed(keys)))[:size]
    assert all(table._recent.get(key) or table._older.get(key) for key in last)


@pytest.mark.parametrize("variety", [10, 100_000])
def test_variety_of_keys_does_not_grow_the_table(variety):
    table = RecentTable(lambda _: TokenBucket(), size=64)
    for number in range(variety):
        table.get(f"203.0.{number}")

    assert len(table) <= 128
