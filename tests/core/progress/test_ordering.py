"""Lists: which items they hold, in which order, and how they are counted, cut and searched."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import ticks
from service.core.catalog.model import Window, to_int4
from service.core.progress.ordering import (
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
    """Titles with a player's unlocks: `title_7={3: ticks}`, all in revision 1."""
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


def items(slices) -> list[tuple[int, int]]:
    """The items of slices, one by one."""
    return [(title, position) for title, positions in slices for position in positions]


NUMBERS = st.sampled_from([1, 2, 3, 10, 2**31, 2**32 - 1])
ACHIEVEMENTS = st.lists(
    st.builds(
        achievement,
        NUMBERS,
        display_order=st.integers(0, 1),
        kind=st.sampled_from(["Persistent", "Challenge"]),
        window=st.one_of(
            st.none(), st.integers(-2, 2).map(lambda s: Window(opens_at=0, closes_at=ticks.from_unix(1000 + s)))
        ),
    ),
    unique_by=lambda achievement: achievement.number,
    max_size=5,
)


@st.composite
def title_views(draw) -> list[TitleView]:
    """Up to three titles with a player's progress, in two revisions."""
    views = []
    for title_id in draw(st.sampled_from([(), (7,), (7, 2**31), (7, 8, 2**31)])):
        title = published(title_id, *draw(ACHIEVEMENTS))
        unlocked = draw(st.dictionaries(NUMBERS.map(to_int4), st.tuples(st.integers(0, 2), st.integers(1, 2))))
        times, revisions = [at for at, _ in unlocked.values()], [revision for _, revision in unlocked.values()]
        progress = TitleProgress(max(revisions, default=1), [*unlocked], times, revisions, None)
        views.append(TitleView(title, draw(st.sampled_from([None, progress]))))
    return views


@settings(max_examples=150, deadline=None)
@given(title_views(), SPECS, st.sampled_from([0, 1, 2, 1000]), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_adjacent_cuts_join_to_the_whole_list_and_every_item_is_located(views, spec, as_of, sizes):
    whole = items(order_items(views, spec, as_of=as_of).cut(0, 1000))
    ordered = order_items(views, spec, as_of=as_of)
    searched = order_items(views, spec, as_of=as_of)

    start, joined = 0, []
    for size in itertools.cycle(sizes):
        cut = items(ordered.cut(start, size))
        assert len(cut) == min(size, ordered.total - start)
        start += len(cut)
        joined += cut
        if not cut:
            break

    assert joined == whole
    assert ordered.total == len(whole) == len(set(whole))
    for index, item in reversed([*enumerate(whole)]):
        title_id, number = searched.name_of(item)
        assert searched.index_after(Cursor(title_id=title_id, number=number, as_of=as_of, version=1)) == index + 1


@settings(max_examples=100, deadline=None)
@given(title_views(), SPECS)
def test_list_holds_the_items_that_its_filters_select_in_any_order(views, spec):
    expected = {
        (title, position)
        for title, view in enumerate(views)
        for position, achievement in enumerate(view.published.achievements)
        if spec.kind in {None, achievement.kind}
        if not spec.unlocked_only
        or (view.progress is not None and to_int4(achievement.number) in view.progress.unlocked_at)
    }
    if spec.of == "titles":
        expected = {(title, 0) for title, view in enumerate(views) if view.progress is not None}

    assert {*items(order_items(views, spec, as_of=2).cut(0, 1000))} == expected


@settings(max_examples=100, deadline=None)
@given(title_views(), st.booleans(), st.sampled_from(["achievements", "titles"]))
def test_later_unlocks_do_not_change_the_order_as_of_a_revision(views, unlocked_only, of):
    spec = ListSpec(of=of, order=Order.UNLOCK_TIME, unlocked_only=unlocked_only)
    earlier_views = []
    for view in views:
        unlocked_at = None if view.progress is None else view.progress.unlocked_by(1)
        earlier = None
        if unlocked_at is not None:
            earlier = TitleProgress(1, [*unlocked_at], [*unlocked_at.values()], [1] * len(unlocked_at), None)
        earlier_views.append(TitleView(view.published, earlier))

    now = order_items(views, spec, as_of=1)
    earlier = order_items(earlier_views, spec, as_of=1)

    assert items(now.cut(0, 1000)) == items(earlier.cut(0, 1000))


def test_equal_unlock_times_are_ordered_by_title_then_number_not_catalog_order():
    views = views_of(
        published(7, achievement(1, display_order=1), achievement(2)),
        published(2**31, achievement(2**31), achievement(5)),
        title_7={1: 10, 2: 10},
        **{f"title_{2**31}": {2**31: 10, 5: 11}},
    )

    ordered = order_items(views, ListSpec(order=Order.UNLOCK_TIME), as_of=1)

    assert items(ordered.cut(0, 9)) == [(1, 0), (0, 1), (0, 0), (1, 1)]


def test_ending_soon_puts_open_windows_first_and_closed_windows_last():
    def closing(number, second):
        return achievement(number, window=Window(opens_at=0, closes_at=ticks.from_unix(second)))

    views = views_of(
        published(7, closing(1, 999), closing(2, 1000), achievement(3), closing(4, 1002), closing(5, 1001))
    )

    def order(now):
        ordered = order_items(views, ListSpec(order=Order.ENDING_SOON), as_of=now)
        return [position + 1 for _, position in items(ordered.cut(0, 9))]

    assert order(0) == [1, 2, 5, 4, 3]
    assert order(999) == [2, 5, 4, 3, 1]
    assert order(1000) == [5, 4, 3, 1, 2]
    assert order(2000) == [3, 1, 2, 5, 4]


def test_titles_are_ordered_by_id_or_by_their_newest_unlock():
    views = views_of(
        published(7, achievement(1)),
        published(8, achievement(1)),
        published(9, achievement(1)),
        published(10, achievement(1), achievement(2)),
        title_7={1: 10},
        title_9={1: 20, 99: 90},
        title_10={1: 5, 2: 10},
    )

    def order(order):
        return [title for title, _ in order_items(views, ListSpec(of="titles", order=order), as_of=1).cut(0, 9)]

    assert [order(by) for by in (Order.UNORDERED, Order.TITLE, Order.ENDING_SOON)] == [[0, 2, 3]] * 3
    assert order(Order.UNLOCK_TIME) == [2, 0, 3]


def test_possible_only_ignores_unlock_times():
    views = views_of(published(7, achievement(1), achievement(2)), title_7={2: 10})

    ordered = order_items(views, ListSpec(order=Order.UNLOCK_TIME, possible_only=True), as_of=1)

    assert items(ordered.cut(0, 9)) == [(0, 0), (0, 1)]


@pytest.mark.parametrize("start", [3, 4, 2**63])
def test_cut_past_the_end_is_empty(start):
    views = views_of(published(7, achievement(1), achievement(2), achievement(3)), title_7={2: 10})

    for order in Order:
        assert items(order_items(views, ListSpec(order=order), as_of=1).cut(start, 5)) == []


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize(("title_id", "number"), [(7, 1), (7, 9), (8, 2), (7, 0)])
def test_cursor_at_an_item_outside_the_list_is_rejected(order, title_id, number):
    views = views_of(published(7, achievement(1), achievement(2)), title_7={2: 10})
    ordered = order_items(views, ListSpec(order=order, unlocked_only=True), as_of=1)

    with pytest.raises(InvalidToken, match="no longer in this list"):
        ordered.index_after(Cursor(title_id=title_id, number=number, as_of=1, version=1))


def test_list_without_titles_is_empty():
    assert OrderedItems([], []).total == 0
    assert OrderedItems([], []).cut(0, 5) == []


def test_head_is_consumed_only_as_far_as_needed():
    views = views_of(published(7, *(achievement(number) for number in range(1, 6))))
    head = iter([(0, position) for position in range(5)])
    ordered = OrderedItems(views, [], head=head, head_total=5)

    assert items(ordered.cut(1, 2)) == [(0, 1), (0, 2)]
    assert next(head) == (0, 3)


def test_few_values_of_one_player_are_cached_whatever_the_number_of_releases():
    progress = TitleProgress(1, [to_int4(1)], [10], [1], None, measure_values='{"sum/words": "3"}')

    for _ in range(50):
        release = published(1, achievement(1))
        order_items([TitleView(release, progress)], ListSpec(order=Order.UNLOCK_TIME), as_of=1)
        release.current_values(progress)

        assert len(progress.derived) <= 8
