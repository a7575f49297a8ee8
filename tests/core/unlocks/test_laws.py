"""Laws of evaluating changes that hold for any events in any order."""

import itertools
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.catalog.model import to_int4
from tests.core.unlocks.player import DAY, HOUR, NOW, Player, after, rules
from tests.factories import counted, event

MEASURES = (
    counted(1, 5),
    counted(2, 4, where=(("source", "app"),)),
    counted(3, 6, aggregate="max"),
    counted(4, 2, aggregate="distinct", of="level"),
    counted(5, 3, aggregate="streak", metric=None),
    counted(6, 2, aggregate="streak", metric="steps"),
    counted(7, 7, period_seconds=2 * 86_400),
    after(8, "1", "3"),
    after(9, target=4),
)
EVENTS = st.lists(
    st.builds(
        event,
        st.integers(0, 6),
        metric=st.sampled_from(["words", "steps"]),
        at=st.integers(0, 12 * 24).map(lambda hours: NOW - hours * HOUR),
        attributes=st.dictionaries(
            st.sampled_from(["source", "level"]), st.sampled_from(["app", "1", "2"]), max_size=2
        ),
    ),
    max_size=10,
)


@settings(deadline=None)
@given(events=EVENTS, data=st.data())
def test_order_of_events_makes_no_difference(events, data):
    first, second = Player(rules(*MEASURES)), Player(rules(*MEASURES))
    for sent in events:
        first.do(sent)
    for sent in data.draw(st.permutations(events)):
        second.do(sent)

    members = "distinct:words#level"
    assert set(first.state.measure_values.get(members, ())) == set(second.state.measure_values.get(members, ())) or all(
        len(player.state.measure_values[members]) == 2 for player in (first, second)
    )
    assert first.state.measure_values.keys() == second.state.measure_values.keys()
    for key in first.state.measure_values.keys() - {members}:
        assert first.state.measure_values[key] == second.state.measure_values[key], key
    assert set(first.unlocked) == set(second.unlocked)


@settings(deadline=None)
@given(events=EVENTS)
def test_events_together_equal_events_one_by_one(events):
    first, second = Player(rules(*MEASURES)), Player(rules(*MEASURES))
    for sent in events:
        first.do(sent)
    if events:
        second.do(*events)

    assert first.state.measure_values == second.state.measure_values
    assert first.state.unlocked == second.state.unlocked
    assert first.unlocked == second.unlocked


@settings(deadline=None)
@given(events=EVENTS)
def test_measure_values_equal_a_naive_count(events):
    player = Player(rules(*MEASURES))
    for sent in events:
        player.do(sent)

    words = [sent for sent in events if sent.metric == "words"]
    days = sorted({sent.at // DAY for sent in events if sent.amount > 0})
    runs = [sum(1 for _ in run) for _, run in itertools.groupby(enumerate(days), lambda pair: pair[1] - pair[0])]
    windows = [sum(other.amount for other in words if sent.at - 2 * DAY < other.at <= sent.at) for sent in words]
    measure_values = player.state.measure_values
    assert player.rules.total("words", player.state) == sum(sent.amount for sent in words)
    assert (measure_values["streak:"][2] if days else 0) == max(runs, default=0)
    assert (measure_values["streak:"][0] if days else 0) == (runs[-1] if runs else 0)
    assert Decimal(measure_values.get("sum:words@172800", "0")) == max([0, *windows])
    assert (to_int4(5) in player.state.unlocked) == (max(runs, default=0) >= 3)


@settings(deadline=None)
@given(events=EVENTS)
def test_no_achievement_is_unlocked_twice_or_lost(events):
    player, held = Player(rules(*MEASURES)), []
    for sent in events:
        player.do(sent)
        assert held == list(player.state.unlocked)[: len(held)]
        held = list(player.state.unlocked)

    assert len(player.unlocked) == len(set(player.unlocked)) == len(held)


@settings(deadline=None)
@given(events=EVENTS)
def test_recomputing_from_the_log_gives_the_same_values(events):
    player = Player(rules(*MEASURES))
    for sent in events:
        player.do(sent)

    for measure in player.rules.measures_to_recompute(range(1, 10)):
        log = sorted(
            (logged for name, logged in player.log if measure.metric in (None, name)), key=lambda logged: logged.at
        )
        recomputed = player.rules.recompute(measure, log, state=player.state)
        known = player.state.measure_values.get(measure.key)
        if measure.aggregate == "distinct":
            assert len(recomputed or ()) == len(known or ())
        else:
            assert recomputed == known or (recomputed, known) == (None, "0")
