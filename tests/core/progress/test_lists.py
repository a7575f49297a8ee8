"""Lists of a player: which titles are in them, and what stays the same from page to page while releases change."""

import functools
import gc

import msgspec
import pytest

from service import ticks
from service.core.catalog.model import Window
from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress import lists
from service.core.progress.import_progress import import_progress
from service.core.progress.ordering import ListSpec, Order
from service.core.progress.paging import PageRequest, last_closing, read_page
from service.core.progress.reader import ProgressReader
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks.player_progress import PlayerProgress, TitleProgress
from service.errors import InvalidToken
from tests.factories import PLAYER, achievement, draft, publish_draft

OF_TITLE_1 = PageRequest(player=PLAYER, spec=ListSpec(titles=(1,)))
OF_PLAYER = PageRequest(player=PLAYER, spec=ListSpec())


@pytest.fixture
def publish_title(connection, snapshots):
    """Publishes a title with these achievements, given by number or whole."""

    async def published(title_id, *achievements) -> None:
        made = tuple(achievement(item) if isinstance(item, int) else item for item in achievements)
        await publish_draft(connection, draft(title_id, made))
        await snapshots.refresh()

    return published


@pytest.fixture
def snapshots(pool) -> SnapshotStore:
    return SnapshotStore(pool)


@pytest.fixture
def reader(pool) -> ProgressReader:
    return ProgressReader(pool)


@pytest.fixture
def give(connection):
    """Gives the player unlocks (number to ticks) and current values in a title, in one revision."""

    async def given(title_id, unlocked, currents=None) -> None:
        part = ImportedProgress(title_id=title_id, unlocked=unlocked, currents=currents or {})
        await import_progress(connection, player=PLAYER, progress=[part])

    return given


@pytest.fixture
def read(snapshots, reader):
    """The achievement numbers on a page, and the request of the next page (None: this is the last)."""

    async def reading(request, count=2):
        scope = await lists.find_titles(request, snapshots, reader)
        views, revision = await lists.read_views(request, scope, reader)
        page = read_page(request, views, count=count, revision=revision, player_progress=scope.player_progress)
        numbers = [
            page.views[title].published.achievements[position].number
            for title, positions in page.slices
            for position in positions
        ]
        following = None if page.cursor is None else msgspec.structs.replace(request, cursor=page.cursor, skip=0)
        return numbers, following

    return reading


# Titles


async def test_requested_titles_that_are_not_published_are_left_out(publish_title, snapshots, reader):
    await publish_title(1, 1)
    await publish_title(3, 1)

    request = PageRequest(player=PLAYER, spec=ListSpec(titles=(1, 2, 3)))
    scope = await lists.find_titles(request, snapshots, reader)

    assert [title.title_id for title in scope.titles] == [1, 3]


async def test_without_requested_titles_the_list_has_those_of_the_player_and_of_the_token(
    publish_title, give, snapshots, reader
):
    for title_id in (2**31, 1, 2, 3):
        await publish_title(title_id, 1)
    await give(2**31, {1: 10})
    await give(2, {}, {1: ("5",)})
    with_token = msgspec.structs.replace(OF_PLAYER, spec=ListSpec(own_title=1))

    own = await lists.find_titles(OF_PLAYER, snapshots, reader)
    with_own_title = await lists.find_titles(with_token, snapshots, reader)

    assert [view.published.title_id for view in own.views] == [2, 2**31]
    assert [view.progress is None for view in own.views] == [False, False]
    assert [title.title_id for title in own.titles] == [2, 2**31]
    assert [view.published.title_id for view in with_own_title.views] == [1, 2, 2**31]
    assert with_own_title.views[0].progress is None


async def test_first_page_shows_the_current_release_and_later_pages_that_of_the_first(
    publish_title, give, snapshots, reader
):
    await publish_title(1, 1, 2)
    await give(1, {1: 10})

    async def find(request):
        return await lists.find_titles(request, snapshots, reader)

    before = await find(OF_PLAYER)
    page = read_page(OF_PLAYER, before.views, count=1, revision=1, player_progress=before.player_progress)

    await publish_title(1, 1, 2, 3)

    now = await find(OF_PLAYER)
    later = await find(msgspec.structs.replace(OF_PLAYER, cursor=page.cursor))
    assert [len(scope.titles[0].achievements) for scope in (before, now, later)] == [2, 3, 2]
    assert read_page(OF_PLAYER, now.views, count=9, revision=1, player_progress=now.player_progress).total == 3


async def test_few_lists_of_one_player_are_cached(publish_title, give, snapshots, reader):
    await publish_title(1, 1)
    await give(1, {1: 10})

    for own_title in range(50):
        request = msgspec.structs.replace(OF_PLAYER, spec=ListSpec(own_title=own_title))
        scope = await lists.find_titles(request, snapshots, reader)
        read_page(request, scope.views, count=1, revision=1, player_progress=scope.player_progress)

        assert len(scope.player_progress.derived) <= 8


# Progress


async def test_evicted_progress_is_freed_without_the_garbage_collector(publish_title, give, snapshots, reader):
    await publish_title(1, 1, 2)
    await give(1, {1: 5})
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(3):  # each round reads a newer revision, and lets go of the one before
            await give(1, {2: 7})
            scope = await lists.find_titles(OF_PLAYER, snapshots, reader)
            views, revision = await lists.read_views(OF_PLAYER, scope, reader)
            read_page(OF_PLAYER, views, count=1, revision=revision, player_progress=scope.player_progress)
        del scope, views
        gc.collect()
        assert [item for item in gc.garbage if isinstance(item, PlayerProgress | TitleProgress)] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


async def test_progress_in_all_titles_comes_with_its_newest_revision(publish_title, give, snapshots, reader):
    for title_id in (1, 2, 3):
        await publish_title(title_id, 1)
    await give(3, {1: 30})
    await give(1, {1: 10})
    titles = [snapshots.current.titles[title_id] for title_id in (1, 2, 3)]

    revision, progress = await lists.read_progress(reader, PLAYER, titles)

    assert revision == 2
    assert [None if own is None else own.unlocked_at for own in progress] == [{1: 10}, None, {1: 30}]
    assert await lists.read_progress(reader, PLAYER, titles[1:2]) == (-1, [None])
    assert await lists.read_progress(reader, PLAYER, []) == (-1, [])


@pytest.mark.parametrize("known", [-1, 0, 1, 3, 99])
async def test_all_progress_is_read_unless_the_newest_revision_is_known(publish_title, give, snapshots, reader, known):
    """With a revision in between (1) or one that never was (99), a part would be missing."""
    for title_id in (1, 2):
        await publish_title(title_id, 1)
    await give(1, {1: 10})
    await give(2, {1: 20})
    titles = [snapshots.current.titles[title_id] for title_id in (1, 2)]

    revision, progress = await lists.read_progress(reader, PLAYER, titles, known=known)

    assert revision == 2
    assert [None if own is None else own.unlocked_at for own in progress] == [{1: 10}, {1: 20}]


async def test_progress_is_left_out_if_the_newest_revision_is_known(publish_title, give, snapshots, reader):
    await publish_title(1, 1)
    await give(1, {1: 10})

    assert await lists.read_progress(reader, PLAYER, [snapshots.current.titles[1]], known=1) == (1, [None])


# Pages


async def test_last_page_has_no_cursor(publish_title, read):
    await publish_title(1, 1, 2, 3, 4)

    first, request = await read(OF_TITLE_1)
    second, following = await read(request)

    assert (first, second, following) == ([1, 2], [3, 4], None)
    assert await read(msgspec.structs.replace(OF_TITLE_1, skip=4)) == ([], None)
    assert (await read(msgspec.structs.replace(OF_TITLE_1, skip=3)))[0] == [4]


@pytest.mark.parametrize("order", Order)
async def test_pages_keep_their_order_while_time_passes_and_unlocks_and_releases_come(publish_title, give, read, order):
    def closing(number):
        return achievement(number, window=Window(opens_at=0, closes_at=ticks.from_unix(1000 + number)))

    await publish_title(1, *(closing(number) for number in range(1, 7)))
    await give(1, {2: 20, 5: 50})
    first = PageRequest(player=PLAYER, spec=ListSpec(titles=(1,), order=order), now=1002)
    expected, _ = await read(first, 99)
    joined, request = await read(first, 1)

    for step in range(5):
        await give(1, {step + 1: 90 + step})
        await publish_title(
            1, *(achievement(number, display_order=(7 * number) % (5 + step)) for number in range(1, 9))
        )
        numbers, request = await read(msgspec.structs.replace(request, now=1003 + step), 1)
        joined += numbers

    assert (joined, request) == (expected, None)


async def test_last_closing_is_that_of_the_newest_closed_window(publish_title, snapshots):
    def closing(number, time):
        return achievement(number, window=Window(opens_at=0, closes_at=ticks.parse(time)))

    await publish_title(1, closing(1, "2020-01-01T00:00:00.5Z"), closing(2, "2030-01-01T00:00:00Z"))
    await publish_title(2, closing(1, "2025-01-01T00:00:00Z"), 2)
    titles = [snapshots.current.titles[1], snapshots.current.titles[2]]

    closed = [
        last_closing(PageRequest(player=PLAYER, spec=ListSpec(), now=ticks.to_unix(ticks.parse(now))), titles)
        for now in ("2019-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "2020-01-01T00:00:01Z", "2026-01-01T00:00:00Z")
    ]

    assert [ticks.to_text(ticks.from_unix(second), 0)[:19] for second in closed] == [
        *("1970-01-01T00:00:00", "1970-01-01T00:00:00", "2020-01-01T00:00:01", "2025-01-01T00:00:00")
    ]
    assert last_closing(OF_TITLE_1, []) == 0


async def test_cursor_at_an_item_that_left_the_list_is_rejected(publish_title, give, read, connection):
    await publish_title(1, 1, 2, 3)
    await give(1, {1: 10, 2: 20})
    _, request = await read(PageRequest(player=PLAYER, spec=ListSpec(titles=(1,), unlocked_only=True)), 1)

    await connection.execute("DELETE FROM progress")

    with pytest.raises(InvalidToken, match="no longer in this list"):
        await read(request, 1)


async def test_list_is_ordered_once_while_nothing_changes(publish_title, give, snapshots, reader):
    await publish_title(1, 1, 2)
    await give(1, {1: 10})
    scope = await lists.find_titles(OF_PLAYER, snapshots, reader)
    derived = scope.player_progress.derived
    page = functools.partial(read_page, views=scope.views, count=1, revision=1, player_progress=scope.player_progress)
    by_time = msgspec.structs.replace(OF_PLAYER, spec=ListSpec(order=Order.UNLOCK_TIME))

    page(OF_PLAYER)
    cached = dict(derived)
    page(OF_PLAYER)

    assert derived == cached
    page(by_time)
    assert len(derived) == len(cached) + 1
