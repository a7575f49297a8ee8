"""Apply changes to a player's state: each measure, status and windows, reports, and errors."""

import datetime
from decimal import Decimal

import pytest

from service import ticks
from service.core.catalog.model import Window
from service.core.unlocks.model import ProgressReport
from service.errors import InvalidField, NotFound, UnknownMetric
from tests.core.unlocks.player import DAY, HOUR, NOW, Player, after, rules
from tests.factories import achievement, counted, event

# Each measure


def test_sum_unlocks_at_its_target_with_exact_decimals():
    player = Player(rules(counted(1, "0.3")))
    player.do(event("0.1"))
    applied = player.do(event("0.2"))

    assert applied.measure_values["sum:words"] == "0.3"
    assert player.unlocked == [1]


def test_achievement_stays_unlocked_if_the_sum_falls():
    player = Player(rules(counted(1, 10)))
    player.do(event(10))
    player.do(event(-20))

    assert (player.state.measure_values["sum:words"], list(player.state.unlocked)) == ("-10", [1])


def test_filter_counts_only_events_with_its_attributes():
    player = Player(rules(counted(1, 2, where=(("source", "app"),))))
    player.do(event(5), event(1, attributes={"source": "app"}), event(5, attributes={"source": "web"}))
    player.do(event(1, attributes={"source": "app", "level": "3"}))

    assert player.state.measure_values["sum:words?source=app"] == "2"
    assert player.unlocked == [1]


def test_max_and_last_follow_the_times_of_events():
    player = Player(rules(counted(1, 9, aggregate="max"), counted(2, 5, aggregate="last")))
    player.do(event(4, at=NOW - HOUR))
    player.do(event(9, at=NOW - 3 * HOUR))
    assert player.unlocked == [1]
    player.do(event(6, at=NOW - 2 * HOUR))
    assert player.unlocked == [1]
    player.do(event(5))
    assert player.unlocked == [1, 2]


def test_distinct_counts_each_value_once():
    player = Player(rules(counted(1, 2, aggregate="distinct", of="level")))
    player.do(event(attributes={"level": "1"}), event(attributes={"level": "1"}), event())
    assert player.unlocked == []
    player.do(event(attributes={"level": "2"}))
    player.do(event(attributes={"level": "3"}))
    assert player.unlocked == [1]
    assert player.state.measure_values["distinct:words#level"] == ["1", "2"]


def test_sliding_window_includes_late_events():
    player = Player(rules(counted(1, 10, period_seconds=7 * 86_400)))
    player.do(event(6, at=NOW - 20 * DAY))
    player.do(event(6, at=NOW - 5 * DAY))
    assert player.unlocked == []
    player.do(event(4, at=NOW - 15 * DAY))
    assert player.unlocked == [1]


def test_streak_follows_the_time_zone_of_the_player():
    title_rules = rules(counted(1, 2, aggregate="streak", metric=None))
    late, early = "2026-11-23T22:30:00+00:00", "2026-11-24T00:30:00+00:00"
    moments = [ticks.from_datetime(datetime.datetime.fromisoformat(text)) for text in (late, early)]
    in_london, in_berlin = Player(title_rules), Player(title_rules)
    in_berlin.do(profile={"time_zone": "Europe/Berlin"})
    for player in (in_london, in_berlin):
        for at in moments:
            player.do(event(at=at))

    assert (in_london.unlocked, in_berlin.unlocked) == ([1], [1])
    same_day = Player(title_rules)
    same_day.do(profile={"time_zone": "Asia/Tokyo"})
    for at in moments:
        same_day.do(event(at=at))
    assert same_day.unlocked == []


def test_late_event_joins_the_streaks_around_its_day():
    player = Player(rules(counted(1, 5, aggregate="streak", metric=None)))
    for days in (0, 1, 3, 4):
        player.do(event(at=NOW - days * DAY))
    assert player.unlocked == []
    streak = player.do(event(at=NOW - 2 * DAY)).recorded[0].streak

    assert (player.unlocked, streak.length, streak.was_extended) == ([1], 5, True)


def test_streak_ends_after_a_day_without_events():
    player = Player(rules())
    player.do(event(at=NOW - 2 * DAY))

    assert player.rules.streak(player.state, now=NOW - DAY).length == 1
    assert player.rules.streak(player.state, now=NOW).length == 0


def test_streak_needs_amounts_above_0_and_may_be_of_one_metric():
    player = Player(rules(counted(1, 2, aggregate="streak", metric="steps")))
    player.do(event(at=NOW - DAY, metric="steps"), event())
    player.do(event(0, metric="steps"), event(-1, metric="steps"))
    assert player.unlocked == []
    player.do(event(1, metric="steps"))
    assert player.unlocked == [1]


def test_age_unlocks_with_the_next_change():
    player = Player(rules(counted(1, 3600, aggregate="age", metric=None)))
    player.do(event(), now=NOW)
    assert player.unlocked == []
    player.do(profile={"name": "x"}, now=NOW + HOUR)
    assert player.unlocked == [1]


def test_unlock_unlocks_the_whole_chain_of_dependents():
    title_rules = rules(counted(1, 1), after(2, "1"), after(3, "2", "1"), after(4, target=3), after(5, "5"))
    applied = Player(title_rules).do(event())

    assert [unlock.number for unlock in applied.unlocked] == [1, 2, 3, 4]
    assert applied.recorded[0].unlocked == (1, 2, 3, 4)


def test_all_requirements_must_be_met():
    both = tuple(counted(n, 5, metric=name).requirements[0] for n, name in ((1, "words"), (2, "steps")))
    player = Player(rules(achievement(1, requirements=both)))
    player.do(event(9))
    assert player.unlocked == []
    player.do(event(5, metric="steps"))
    assert player.unlocked == [1]


# Status, window and attributes


@pytest.mark.parametrize(("status", "unlocked"), [("inactive", []), ("active", [1]), ("locked", []), ("archived", [])])
def test_only_active_achievements_unlock(status, unlocked):
    player = Player(rules(counted(1, 1, status=status)))
    player.do(event())

    assert player.unlocked == unlocked


def test_window_is_compared_with_the_time_of_the_event():
    window = Window(opens_at=NOW - 2 * DAY, closes_at=NOW - DAY)
    title_rules = rules(counted(1, 1, window=window))

    def unlocked(at):
        player = Player(title_rules)
        player.do(event(at=at))
        return player.unlocked

    assert [unlocked(NOW - hours * HOUR) for hours in (49, 48, 36, 24, 0)] == [[], [1], [1], [], []]


def test_new_attributes_unlock_what_was_reached_before():
    player = Player(rules(counted(1, 1, user_filter=(("plan", "pro"),))))
    player.do(event())
    player.do(profile={"attributes": {"plan": "free"}})
    assert player.unlocked == []
    player.do(profile={"attributes": {"plan": "pro"}})
    assert player.unlocked == [1]


# Reports


def test_reported_percentage_only_rises_and_unlocks_at_100():
    player = Player(rules(achievement(1)))
    changes = [
        player.do(reports=(ProgressReport(1, Decimal(percent)),)).is_change for percent in (50, 50, 20, 300, 100)
    ]

    assert changes == [True, False, False, True, False]
    assert (player.unlocked, player.state.measure_values["manual:1"]) == ([1], "100")


@pytest.mark.parametrize(("number", "error"), [(9, NotFound), (2, InvalidField), (3, NotFound), (4, NotFound)])
def test_invalid_report_is_an_error(number, error):
    title_rules = rules(
        achievement(1), counted(2, 1), achievement(3, status="inactive"), achievement(4, status="archived")
    )
    with pytest.raises(error):
        Player(title_rules).do(reports=(ProgressReport(number, Decimal(50)),))


# Errors


@pytest.mark.parametrize(
    ("sent", "error", "message"),
    [
        (event(metric="nothing"), UnknownMetric, "there is no such metric in this title"),
        (event(metric="old"), UnknownMetric, "the metric old is archived"),
        (
            event(attributes={"plan": "pro"}),
            InvalidField,
            "attributes: expected attributes of this title: .*, got 'plan'",
        ),
        (event(10**18 + 1), InvalidField, "value: expected an amount"),
    ],
    ids=["unknown", "archived", "an attribute of users", "too much"],
)
def test_invalid_event_is_an_error(sent, error, message):
    with pytest.raises(error, match=message):
        Player(rules()).do(sent)


def test_change_that_requires_the_player_fails_without_one():
    with pytest.raises(NotFound):
        Player(rules()).do(must_exist=True)


def test_same_profile_again_is_no_change():
    player = Player(rules())
    first = player.do(profile={"name": "Ann"})
    again = player.do(profile={"name": "Ann"})

    assert (first.is_change, again.is_change, again.state.revision) == (True, False, 1)
