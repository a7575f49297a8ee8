"""Earning criteria: which achievements match the six kinds, and what counts towards their thresholds."""

from decimal import Decimal

import pytest

from service import ticks
from service.api.graphql import criteria
from service.api.graphql.criteria import criterion_of
from service.core.unlocks.model import LogEntry, PlayerState
from tests.factories import achievement, counted

PATH = (("learning-path", "knots"),)


@pytest.mark.parametrize(
    ("made", "kind", "threshold", "learning_path", "period"),
    [
        pytest.param(counted(1, 1, metric="lp-enrolled", where=PATH), "enrolled", 1, "knots", None, id="enrolled"),
        pytest.param(counted(1, 1, metric="lp-completed", where=PATH), "completed", 1, "knots", None, id="completed"),
        pytest.param(counted(1, 1, metric="lp-passed", where=PATH), "passed", 1, "knots", None, id="passed"),
        pytest.param(counted(1, 5, metric="social-connections"), "connections", 5, None, None, id="connections"),
        pytest.param(
            counted(1, 5, metric="social-connections", period_seconds=60), "connections", 5, None, 60, id="in a period"
        ),
        pytest.param(counted(1, 9, metric="social-posts"), "posts", 9, None, None, id="posts"),
        pytest.param(counted(1, 60, aggregate="age", metric=None), "registered", 60, None, None, id="registered"),
    ],
)
def test_achievement_matches_a_kind_of_criterion(made, kind, threshold, learning_path, period):
    found = criterion_of(made)

    assert (found.kind, found.threshold, found.learning_path, found.period) == (kind, threshold, learning_path, period)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(counted(1, 5), id="another metric"),
        pytest.param(counted(1, 2, metric="lp-passed", where=PATH), id="a path passed twice"),
        pytest.param(counted(1, 1, metric="lp-passed"), id="any path"),
        pytest.param(counted(1, 1, metric="lp-passed", where=(("shore", "north"),)), id="another attribute"),
        pytest.param(counted(1, 5, metric="social-posts", period_seconds=60), id="posts in a period"),
        pytest.param(counted(1, 5, metric="social-posts", aggregate="max"), id="a largest post"),
        pytest.param(counted(1, "2.5", metric="social-posts"), id="half a post"),
        pytest.param(counted(1, 2**31, metric="social-posts"), id="more than an Int holds"),
        pytest.param(achievement(1), id="reported by the title"),
        pytest.param(achievement(1, requirements=()), id="no requirement"),
        pytest.param(
            achievement(1, requirements=counted(1, 1).requirements + counted(2, 2).requirements), id="two requirements"
        ),
    ],
)
def test_achievement_that_matches_no_kind_has_no_criterion(made):
    assert criterion_of(made) is None


def test_count_is_whole_not_negative_and_at_least_the_threshold_once_earned():
    criterion = criterion_of(counted(1, 5, metric="social-posts"))

    def of(total, *, is_earned=False):
        count = criteria.count_now(criterion, PlayerState(measure_values={"sum:social-posts": total}), now=0)
        return criteria.current_threshold(criterion, count, is_earned=is_earned)

    assert [of("2.9"), of("-3"), of("4000000000")] == [2, 0, 2**31 - 1]
    assert [of("2", is_earned=True), of("7", is_earned=True)] == [5, 7]


def test_only_events_within_the_period_count():
    criterion = criterion_of(counted(1, 5, metric="social-connections", period_seconds=60))
    now = 1_000 * ticks.SECOND
    log = [LogEntry(now - seconds * ticks.SECOND, Decimal(amount)) for seconds, amount in ((60, 9), (59, 2), (1, -1))]

    assert criteria.count_now(criterion, PlayerState(), now=now, log=log) == 1


def test_registration_counts_seconds_and_is_zero_for_unknown_players():
    criterion = criterion_of(counted(1, 60, aggregate="age", metric=None))
    now = 1_000 * ticks.SECOND

    known = criteria.count_now(criterion, PlayerState(created_at=now - 45 * ticks.SECOND - 1), now=now)
    unknown = criteria.count_now(criterion, PlayerState(), now=now)

    assert (known, unknown) == (45, 0)
