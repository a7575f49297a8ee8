"""Tokens hold what they were given and nothing else will do; lists are counted, cut and found again without gaps."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import ticks
from service.core.catalog.model import Window, to_int4
from service.core.progress.paging import (
    Cursor,
    ListSpec,
    Order,
    OrderedItems,
    TitleView,
    order_items,
)
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import TitleProgress
from service.errors import InvalidToken
from tests.factories import achievement, draft

U32 = st.integers(0, 2**32 - 1)
SPECS = st.builds(
    ListSpec,
    of=st.sampled_from(["achievements", "titles"]),
    titles=st.lists(U32, max_size=3, unique=True).map(lambda titles: tuple(sorted(titles))),
    own_title=st.none() | U32,
    kind=st.sampled_from([None, "Persistent", "Challenge"]),
    unlocked_only=st.booleans(),
    possible_only=st.booleans(),
    order=st.sampled_from(Order),
)


def views_of(*titles: PublishedTitle, **unlocked: dict[int, int]) -> list[TitleView]:
    """Titles that a player has something in: `title_7={3: ticks}`, all of it in revision 1."""
    made = []
    for title in titles:
        own = unlocked.get(f"title_{title.title_id}")
        numbers = [] if own is None else [to_int4(number) for number in own]
        times = [] if own is None else [*own.values()]
        made.append(TitleView(title, None if own is None else TitleProgress(1, numbers, times, [1] * len(times), None)))
    return made


def published(title_id: int, *achievements) -> PublishedTitle:
    made = draft(title_id, achievements)
    return PublishedTitle(publication_id=1, release=1, title=made.title, achievements=achievements, texts=made.texts)


def items(runs) -> list[tuple[int, int]]:
    """What runs hold, item by item."""
    return [(title, position) for title, positions in runs for position in positions]


NUMBERS = st.sampled_from([1, 2, 3, 10, 2**31, 2**32 - 1])
ACHIEVEMENTS = st.lists(
    st.builds(
        achievement,
        NUMBERS,
        display_order=st.integers(0, 1),
        kind=st.sampled_from(["Persistent", "Challenge"]),
        window=st.one_of(
            st.none(), st.integers(-2, 2).map(lambda s: Window(opens_at=0, closes_at=ticks.of_unix(1000 + s)))
        ),
    ),
    unique_by=lambda one: one.number,
    max_size=5,
)


@st.composite
def scopes(draw) -> list[TitleView]:
    """Up to three titles with the player's rows in them, in two revisions."""
    views = []
    for title_id in draw(st.sampled_from([(), (7,), (7, 2**31), (7, 8, 2**31)])):
        title = published(title_id, *draw(ACHIEVEMENTS))
        unlocked = draw(st.dictionaries(NUMBERS.map(to_int4), st.tuples(st.integers(0, 2), st.integers(1, 2))))
        times, revisions = [at for at, _ in unlocked.values()], [revision for _, revision in unlocked.values()]
        progress = TitleProgress(max(revisions, default=1), [*unlocked], times, revisions, None)
        views.append(TitleView(title, draw(st.sampled_from([None, progress]))))
    return views


@settings(max_examples=150, deadline=None)
@given(scopes(), SPECS, st.sampled_from([0, 1, 2, 1000]), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_cuts_join_up_and_each_item_is_found_again(views, asked, as_of, sizes):
    whole = items(order_items(views, asked, as_of=as_of).cut(0, 1000))
    found = order_items(views, asked, as_of=as_of)
    again = order_items(views, asked, as_of=as_of)

    start, joined = 0, []
    for size in itertools.cycle(sizes):
        cut = items(found.cut(start, size))
        assert len(cut) == min(size, found.total - start)
        start += len(cut)
        joined += cut
        if not cut:
            break

    assert joined == whole
    assert found.total == len(whole) == len(set(whole))
    for place, (title, position) in reversed([*enumerate(whole)]):
        one = views[title].published
        cursor = Cursor(title_id=one.title_id, number=one.achievements[position].number, as_of=as_of, version=1)
        assert again.after(cursor) == place + 1


@settings(max_examples=100, deadline=None)
@given(scopes(), SPECS)
def test_a_list_holds_what_its_filters_let_through(views, asked):
    """Whatever the order, which only puts it in another one."""
    expected = {
        (title, position)
        for title, view in enumerate(views)
        for position, one in enumerate(view.published.achievements)
        if asked.kind in {None, one.kind}
        if not asked.unlocked_only or (view.progress is not None and to_int4(one.number) in view.progress.unlocked_at)
    }

    assert {*items(order_items(views, asked, as_of=2).cut(0, 1000))} == expected


@settings(max_examples=100, deadline=None)
@given(scopes(), st.booleans())
def test_what_was_unlocked_later_stands_where_it_stood(views, unlocked_only):
    """The order of a moment is made from what is known now, and from what was known then, alike."""
    asked = ListSpec(order=Order.UNLOCK_TIME, unlocked_only=unlocked_only)
    earlier = []
    for view in views:
        own = None if view.progress is None else view.progress.unlocked_by(1)
        then = None if own is None else TitleProgress(1, [*own], [*own.values()], [1] * len(own), None)
        earlier.append(TitleView(view.published, then))

    assert items(order_items(views, asked, as_of=1).cut(0, 1000)) == items(
        order_items(earlier, asked, as_of=1).cut(0, 1000)
    )


def test_by_unlock_time_ties_are_broken_by_title_and_then_by_number():
    """By the number, not by where it stands in the catalogue."""
    views = views_of(
        published(7, achievement(1, display_order=1), achievement(2)),
        published(2**31, achievement(2**31), achievement(5)),
        title_7={1: 10, 2: 10},
        **{f"title_{2**31}": {2**31: 10, 5: 11}},
    )

    found = order_items(views, ListSpec(order=Order.UNLOCK_TIME), as_of=1)

    assert items(found.cut(0, 9)) == [(1, 0), (0, 1), (0, 0), (1, 1)]


def test_by_the_end_of_their_windows_open_ones_come_first_and_closed_ones_last():
    def closing(number, second):
        return achievement(number, window=Window(opens_at=0, closes_at=ticks.of_unix(second)))

    views = views_of(
        published(7, closing(1, 999), closing(2, 1000), achievement(3), closing(4, 1002), closing(5, 1001))
    )

    def order(now):
        found = order_items(views, ListSpec(order=Order.ENDING_SOON), as_of=now)
        return [position + 1 for _, position in items(found.cut(0, 9))]

    assert order(0) == [1, 2, 5, 4, 3]
    assert order(999) == [2, 5, 4, 3, 1]
    assert order(1000) == [5, 4, 3, 1, 2]
    assert order(2000) == [3, 1, 2, 5, 4]


def test_what_is_possible_has_no_unlock_times():
    views = views_of(published(7, achievement(1), achievement(2)), title_7={2: 10})

    found = order_items(views, ListSpec(order=Order.UNLOCK_TIME, possible_only=True), as_of=1)

    assert items(found.cut(0, 9)) == [(0, 0), (0, 1)]


@pytest.mark.parametrize("start", [3, 4, 2**63])
def test_past_the_end_there_is_nothing(start):
    views = views_of(published(7, achievement(1), achievement(2), achievement(3)), title_7={2: 10})

    for order in Order:
        assert items(order_items(views, ListSpec(order=order), as_of=1).cut(start, 5)) == []


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize(("title_id", "number"), [(7, 1), (7, 9), (8, 2), (7, 0)])
def test_a_cursor_at_what_is_not_in_the_list_is_refused(order, title_id, number):
    views = views_of(published(7, achievement(1), achievement(2)), title_7={2: 10})
    found = order_items(views, ListSpec(order=order, unlocked_only=True), as_of=1)

    with pytest.raises(InvalidToken, match="no longer in this list"):
        found.after(Cursor(title_id=title_id, number=number, as_of=1, version=1))


def test_a_list_of_nothing_is_empty():
    assert OrderedItems([], []).total == 0
    assert OrderedItems([], []).cut(0, 5) == []


def test_a_head_is_drawn_only_as_far_as_it_is_looked_at():
    views = views_of(published(7, *(achievement(number) for number in range(1, 6))))
    head = iter([(0, position) for position in range(5)])
    found = OrderedItems(views, [], head=head, head_total=5)

    assert items(found.cut(1, 2)) == [(0, 1), (0, 2)]
    assert next(head) == (0, 3)
