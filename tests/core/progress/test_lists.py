"""Lists of a player: which titles are in them, and what a walk keeps while time and releases go on."""

import functools

import msgspec
import pytest

from service import ticks
from service.core.catalog.model import Window
from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress import lists
from service.core.progress.lists import PageRequest
from service.core.progress.paging import ListSpec, Order
from service.core.progress.reader import ProgressReader, put_progress
from service.core.publishing import publish
from service.core.publishing.snapshot import SnapshotStore
from service.errors import InvalidToken
from tests.factories import PLAYER, achievement, draft

OF_1 = PageRequest(player=PLAYER, spec=ListSpec(titles=(1,)))
OWN = PageRequest(player=PLAYER, spec=ListSpec())


@pytest.fixture
def serve(connection, releases):
    """Publishes a title of some achievements, by number or made already."""

    async def served(title_id, *achievements) -> None:
        made = tuple(achievement(one) if isinstance(one, int) else one for one in achievements)
        await publish.import_draft(connection, draft(title_id, made), is_whole=True, file="test")
        await publish.publish(connection, title_id)
        await releases.refresh()

    return served


@pytest.fixture
def releases(pool) -> SnapshotStore:
    return SnapshotStore(pool)


@pytest.fixture
def reads(pool) -> ProgressReader:
    return ProgressReader(pool)


@pytest.fixture
def give(connection):
    """Gives the player unlocks in a title, in one revision."""

    async def given(title_id, unlocked, currents=None) -> None:
        part = ImportedProgress(title_id=title_id, unlocked=unlocked, currents=currents or {})
        await put_progress(connection, player=PLAYER, progress=[part])

    return given


@pytest.fixture
def walk_on(releases, reads):
    """The next page of a walk: its numbers, and the walk after it (None at its end)."""

    async def walked(walk, count=2):
        titles = await lists.requested_titles(walk, releases)
        revision, progress = await lists.progress_in(reads, PLAYER, titles)
        views = [lists.TitleView(*pair) for pair in zip(titles, progress, strict=True)]
        page = lists.read_page(walk, views, count=count, revision=revision)
        numbers = [
            page.views[title].published.achievements[position].number
            for title, positions in page.runs
            for position in positions
        ]
        return numbers, None if page.cursor is None else msgspec.structs.replace(walk, cursor=page.cursor, offset=0)

    return walked


# Titles


async def test_titles_that_are_asked_for_are_those_of_them_that_are_published(serve, releases):
    await serve(1, 1)
    await serve(3, 1)

    titles = await lists.requested_titles(PageRequest(player=PLAYER, spec=ListSpec(titles=(1, 2, 3))), releases)

    assert [title.title_id for title in titles] == [1, 3]


async def test_own_titles_are_those_with_a_row_and_the_tokens(serve, give, releases, reads):
    for title_id in (2**31, 1, 2, 3):
        await serve(title_id, 1)
    await give(2**31, {1: 10})
    await give(2, {}, {1: ("5",)})
    everything = await reads.read_all(PLAYER)

    own = await lists.player_titles(OWN, releases, everything)
    with_token = await lists.player_titles(
        msgspec.structs.replace(OWN, spec=ListSpec(own_title=1)), releases, everything
    )

    assert [view.published.title_id for view in own] == [2, 2**31]
    assert [view.progress is None for view in own] == [False, False]
    assert [view.published.title_id for view in with_token] == [1, 2, 2**31]
    assert with_token[0].progress is None


async def test_own_titles_follow_the_releases_unless_a_walk_holds_them(serve, give, releases, reads):
    """What was worked out for a player is not older than what is served."""
    await serve(1, 1, 2)
    await give(1, {1: 10})
    everything = await reads.read_all(PLAYER)
    before = await lists.player_titles(OWN, releases, everything)
    page = lists.read_page(OWN, before, count=1, revision=1, everything=everything)

    await serve(1, 1, 2, 3)

    now = await lists.player_titles(OWN, releases, everything)
    held = await lists.player_titles(msgspec.structs.replace(OWN, cursor=page.cursor), releases, everything)
    assert [len(views[0].published.achievements) for views in (before, now, held)] == [2, 3, 2]
    assert lists.read_page(OWN, now, count=9, revision=1, everything=everything).total == 3


async def test_few_lists_are_kept_of_one_player(serve, give, releases, reads):
    await serve(1, 1)
    await give(1, {1: 10})
    everything = await reads.read_all(PLAYER)

    for own_title in range(50):
        walk = msgspec.structs.replace(OWN, spec=ListSpec(own_title=own_title))
        views = await lists.player_titles(walk, releases, everything)
        lists.read_page(walk, views, count=1, revision=1, everything=everything)

        assert len(everything.derived) <= 8


# Progress


async def test_progress_is_read_of_all_titles_with_its_newest_revision(serve, give, releases, reads):
    for title_id in (1, 2, 3):
        await serve(title_id, 1)
    await give(3, {1: 30})
    await give(1, {1: 10})
    titles = [releases.current.titles[title_id] for title_id in (1, 2, 3)]

    revision, progress = await lists.progress_in(reads, PLAYER, titles)

    assert revision == 2
    assert [None if one is None else one.unlocked_at for one in progress] == [{1: 10}, None, {1: 30}]
    assert await lists.progress_in(reads, PLAYER, titles[1:2]) == (-1, [None])
    assert await lists.progress_in(reads, PLAYER, []) == (-1, [])


@pytest.mark.parametrize("known", [-1, 0, 1, 3, 99])
async def test_whoever_knows_another_revision_gets_everything(serve, give, releases, reads, known):
    """A part of it is older than what they know, yet they cannot be told to keep it: 99 never was."""
    for title_id in (1, 2):
        await serve(title_id, 1)
    await give(1, {1: 10})
    await give(2, {1: 20})
    titles = [releases.current.titles[title_id] for title_id in (1, 2)]

    revision, progress = await lists.progress_in(reads, PLAYER, titles, known=known)

    assert revision == 2
    assert [None if one is None else one.unlocked_at for one in progress] == [{1: 10}, {1: 20}]


async def test_whoever_knows_the_newest_is_told_just_that(serve, give, releases, reads):
    await serve(1, 1)
    await give(1, {1: 10})

    assert await lists.progress_in(reads, PLAYER, [releases.current.titles[1]], known=1) == (1, [None])


# Pages


async def test_the_last_page_has_no_cursor(serve, walk_on):
    await serve(1, 1, 2, 3, 4)

    first, walk = await walk_on(OF_1)
    second, end = await walk_on(walk)

    assert (first, second, end) == ([1, 2], [3, 4], None)
    assert await walk_on(msgspec.structs.replace(OF_1, offset=4)) == ([], None)
    assert (await walk_on(msgspec.structs.replace(OF_1, offset=3)))[0] == [4]


@pytest.mark.parametrize("order", Order)
async def test_a_walk_keeps_its_order_while_time_goes_on_and_releases_and_unlocks_come(serve, give, walk_on, order):
    def closing(number):
        return achievement(number, window=Window(opens_at=0, closes_at=ticks.of_unix(1000 + number)))

    await serve(1, *(closing(number) for number in range(1, 7)))
    await give(1, {2: 20, 5: 50})
    asked = ListSpec(titles=(1,), order=order)
    expected, _ = await walk_on(PageRequest(player=PLAYER, spec=asked, now=1002), 99)
    walked, walk = await walk_on(PageRequest(player=PLAYER, spec=asked, now=1002), 1)

    for step in range(5):
        await give(1, {step + 1: 90 + step})
        await serve(1, *(achievement(number, display_order=(7 * number) % (5 + step)) for number in range(1, 9)))
        more, walk = await walk_on(msgspec.structs.replace(walk, now=1003 + step), 1)
        walked += more

    assert (walked, walk) == (expected, None)


async def test_a_list_knows_which_of_its_windows_closed_last(serve, releases):
    def closing(number, time):
        return achievement(number, window=Window(opens_at=0, closes_at=ticks.parse(time)))

    await serve(1, closing(1, "2020-01-01T00:00:00.5Z"), closing(2, "2030-01-01T00:00:00Z"))
    await serve(2, closing(1, "2025-01-01T00:00:00Z"), 2)
    titles = [releases.current.titles[1], releases.current.titles[2]]

    found = [
        lists.last_closing(PageRequest(player=PLAYER, spec=ListSpec(), now=ticks.unix(ticks.parse(now))), titles)
        for now in ("2019-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "2020-01-01T00:00:01Z", "2026-01-01T00:00:00Z")
    ]

    assert [ticks.wire(ticks.of_unix(second), 0)[:19] for second in found] == [
        *("1970-01-01T00:00:00", "1970-01-01T00:00:00", "2020-01-01T00:00:01", "2025-01-01T00:00:00")
    ]
    assert lists.last_closing(OF_1, []) == 0


async def test_a_walk_whose_item_has_gone_is_refused(serve, give, walk_on, connection):
    await serve(1, 1, 2, 3)
    await give(1, {1: 10, 2: 20})
    _, walk = await walk_on(PageRequest(player=PLAYER, spec=ListSpec(titles=(1,), unlocked_only=True)), 1)

    await connection.execute("DELETE FROM progress")

    with pytest.raises(InvalidToken, match="no longer in this list"):
        await walk_on(walk, 1)


async def test_a_list_is_worked_out_once_while_nothing_changes(serve, give, releases, reads):
    await serve(1, 1, 2)
    await give(1, {1: 10})
    everything = await reads.read_all(PLAYER)
    views = await lists.player_titles(OWN, releases, everything)
    page = functools.partial(lists.read_page, views=views, count=1, revision=1, everything=everything)
    by_time = msgspec.structs.replace(OWN, spec=ListSpec(order=Order.UNLOCK_TIME))

    page(OWN)
    kept = dict(everything.derived)
    page(OWN)

    assert everything.derived == kept
    page(by_time)
    assert len(everything.derived) == len(kept) + 1
