"""Which achievements are badges of the six kinds, and how far along a player is by each."""

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
def test_each_of_the_six_kinds_is_known_by_its_shape(made, kind, threshold, learning_path, period):
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
def test_what_fits_no_kind_is_no_badge(made):
    assert criterion_of(made) is None


def test_a_count_is_whole_never_below_nothing_and_never_below_what_was_earned():
    criterion = criterion_of(counted(1, 5, metric="social-posts"))

    def of(total, *, is_earned=False):
        counted_so_far = criteria.reached(criterion, PlayerState(measure_values={"sum:social-posts": total}), now=0)
        return criteria.current(criterion, counted_so_far, is_earned=is_earned)

    assert [of("2.9"), of("-3"), of("4000000000")] == [2, 0, 2**31 - 1]
    assert [of("2", is_earned=True), of("7", is_earned=True)] == [5, 7]


def test_within_a_period_only_its_events_count():
    criterion = criterion_of(counted(1, 5, metric="social-connections", period_seconds=60))
    now = 1_000 * ticks.SECOND
    log = [LogEntry(now - seconds * ticks.SECOND, Decimal(amount)) for seconds, amount in ((60, 9), (59, 2), (1, -1))]

    assert criteria.reached(criterion, PlayerState(), now=now, log=log) == 1


def test_membership_is_counted_in_seconds_and_is_nothing_for_who_is_not_known():
    criterion = criterion_of(counted(1, 60, aggregate="age", metric=None))
    now = 1_000 * ticks.SECOND

    known = criteria.reached(criterion, PlayerState(created_at=now - 45 * ticks.SECOND - 1), now=now)
    unknown = criteria.reached(criterion, PlayerState(), now=now)

    assert (known, unknown) == (45, 0)
