"""Pages: from any place, skipping any number of items, they are ranges of the whole list."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import ticks
from service.core.catalog.model import Window, to_int4
from service.core.progress.ordering import ListSpec, Order, TitleView
from service.core.progress.paging import Page, PageRequest, read_page
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import PlayerProgress, TitleProgress
from tests.factories import PLAYER, achievement, draft


def title_view(title_id: int, unlocked_at: dict[int, int]) -> TitleView:
    """A title with ten achievements, every third with a window, and a player's unlocks."""
    achievements = [
        achievement(
            number,
            display_order=number * 7 % 5,
            window=Window(opens_at=0, closes_at=ticks.from_unix(1000 + number * 3 % 7)) if number % 3 == 0 else None,
        )
        for number in range(1, 11)
    ]
    made = draft(title_id, achievements)
    published = PublishedTitle(
        publication_id=title_id, release=1, title=made.title, achievements=achievements, texts=made.texts
    )
    stored = [to_int4(number) for number in unlocked_at]
    progress = TitleProgress(1, stored, [*unlocked_at.values()], [1] * len(stored), None)
    return TitleView(published, progress)


VIEWS = [title_view(7, {3: 50, 9: 10, 4: 50}), title_view(8, {}), title_view(2**31, {1: 50, 2: 60, 5: 1})]


def names(page: Page) -> list[tuple[int, int]]:
    """The title index and position of each item of a page."""
    return [(title, position) for title, positions in page.slices for position in positions]


@pytest.mark.parametrize("of", ["achievements", "titles"])
@pytest.mark.parametrize("order", Order)
@settings(max_examples=60, deadline=None)
@given(
    unlocked_only=st.booleans(),
    first=st.integers(1, 12),
    skip=st.integers(0, 40) | st.just(2**31 - 1),
    count=st.integers(1, 12),
    is_cached=st.booleans(),
)
def test_skipped_items_are_counted_from_the_cursor(  # noqa: PLR0917  (parameters and drawn values)
    of, order, unlocked_only, first, skip, count, is_cached
):
    """The Xbox document: maxItems "can be combined with skipItems and continuationToken to return a range"."""
    spec = ListSpec(of=of, order=order, unlocked_only=unlocked_only)
    player_progress = PlayerProgress(revision=1, titles={}) if is_cached else None

    def read(count, **place) -> Page:
        request = PageRequest(player=PLAYER, spec=spec, now=1003, **place)
        return read_page(request, VIEWS, count=count, revision=1, player_progress=player_progress)

    whole = names(read(1000))
    cursor = read(first).cursor
    start = min(first, len(whole)) if cursor is not None else 0
    page = read(count, cursor=cursor, skip=skip)

    assert names(page) == whole[start + skip : start + skip + count]
    assert page.total == len(whole)
    assert (page.cursor is None) == (start + skip + count >= len(whole))


@pytest.mark.parametrize("of", ["achievements", "titles"])
@pytest.mark.parametrize("order", Order)
def test_following_cursors_reads_every_item_once(of, order):
    request = PageRequest(player=PLAYER, spec=ListSpec(of=of, order=order), now=1003)
    whole = names(read_page(request, VIEWS, count=1000, revision=1))

    joined: list[tuple[int, int]] = []
    cursor = None
    for size in itertools.cycle((1, 2, 4)):
        now = 1003 if cursor is None else 2000
        request = PageRequest(player=PLAYER, spec=request.spec, cursor=cursor, now=now)
        page = read_page(request, VIEWS, count=size, revision=5)
        joined += names(page)
        cursor = page.cursor
        if cursor is None:
            break

    assert joined == whole
