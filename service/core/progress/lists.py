"""The lists a player can ask for: the titles in their scope, read together, put in order and cut into a page."""

import asyncio
from collections.abc import Sequence

import msgspec

from service import ticks
from service.core.progress.paging import Cursor, ListSpec, Order, OrderedItems, TitleSlice, TitleView, order_items
from service.core.progress.reader import ProgressReader
from service.core.publishing.published_title import PublishedTitle
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks.player_progress import PlayerProgress, TitleProgress

_LISTS_KEPT = 8  # orders and filters that one player's clients use at a time


class PageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Where a list begins: what it is of, and what is known when its first page is made.

    `cursor` is None on a first page; `offset` counts items to skip and only counts there. `now` is in unix seconds.
    """

    player: str
    spec: ListSpec
    cursor: Cursor | None = None
    offset: int = 0
    now: int = 0


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some items of a list. `total` counts the whole list; `cursor` goes on after this page, None at its end.

    Items name a title by its place in `views`.
    """

    views: Sequence[TitleView]
    runs: Sequence[TitleSlice]
    total: int
    cursor: Cursor | None


async def requested_titles(walk: PageRequest, releases: SnapshotStore) -> list[PublishedTitle]:
    """The published titles that were asked for by id, in the releases that this walk began with."""
    return await _in_release(walk, releases, walk.spec.titles)


async def player_titles(walk: PageRequest, releases: SnapshotStore, everything: PlayerProgress) -> list[TitleView]:
    """The published titles that the player has anything in, and the token's own, ascending by id."""
    version = releases.current.version if walk.cursor is None else walk.cursor.version
    key = "views", version, walk.spec.own_title
    if key not in everything.derived:
        own = () if walk.spec.own_title is None else (walk.spec.own_title,)
        published = await _in_release(walk, releases, sorted({*everything.titles, *own}))
        keep(everything, key, [TitleView(title, everything.titles.get(title.title_id)) for title in published])
    views: list[TitleView] = everything.derived[key]
    return views


async def progress_in(
    reads: ProgressReader, player: str, titles: Sequence[PublishedTitle], *, known: int = -1
) -> tuple[int, list[TitleProgress | None]]:
    """What a player has in some titles, and the newest revision among them (-1 for nothing at all).

    If the newest is `known`, contents may be missing: the caller wanted to hear just that.
    """
    if len(titles) == 1:
        found = [await reads.read_title(player, titles[0].title_id, known=known)]
    else:
        found = await asyncio.gather(*(reads.read_title(player, title.title_id, known=known) for title in titles))
    revision = max((answer.revision for answer in found), default=-1)
    if revision != known and any(answer.progress is None and answer.revision >= 0 for answer in found):
        return await progress_in(reads, player, titles)
    return revision, [answer.progress for answer in found]


def last_closing(walk: PageRequest, titles: Sequence[PublishedTitle]) -> int:
    """The unix second by which the newest of the windows that have closed did, 0 before any.

    Under `EndingSoon` this moment stands for now, so that nothing changes until the next window closes.
    """
    now = ticks.of_unix(walk.now)
    return ticks.unix(max((title.last_closing(now) for title in titles), default=0))


def newest(titles: Sequence[PublishedTitle]) -> int:
    """The newest publication among these titles, 0 if there are none."""
    return max((title.publication_id for title in titles), default=0)


def read_page(
    walk: PageRequest,
    views: Sequence[TitleView],
    *,
    count: int,
    revision: int,
    everything: PlayerProgress | None = None,
) -> Page:
    """One page of a list over these titles. `revision` is the newest of the player's that is known now.

    Raises:
        InvalidToken: the item that the cursor names is no longer there.
    """
    titles = [view.published for view in views]
    as_of = walk.cursor.as_of if walk.cursor is not None else _as_of(walk, titles, revision)
    version = walk.cursor.version if walk.cursor is not None else newest(titles)
    found = _listing(walk.spec, views, as_of=as_of, version=version, everything=everything)
    start = walk.offset if walk.cursor is None else found.after(walk.cursor)
    runs = found.cut(start, count)
    cursor = None
    if runs and start + sum(len(positions) for _, positions in runs) < found.total:
        title, positions = runs[-1]
        published = views[title].published
        number = published.achievements[positions[-1]].number
        cursor = Cursor(title_id=published.title_id, number=number, as_of=as_of, version=version)
    return Page(views=views, runs=runs, total=found.total, cursor=cursor)


def _as_of(walk: PageRequest, titles: Sequence[PublishedTitle], revision: int) -> int:
    match walk.spec.order:
        case Order.UNLOCK_TIME:
            return max(revision, 0)
        case Order.ENDING_SOON:
            return last_closing(walk, titles)
        case _:
            return 0


def _listing(
    asked: ListSpec, views: Sequence[TitleView], *, as_of: int, version: int, everything: PlayerProgress | None
) -> OrderedItems:
    if everything is None:
        return order_items(views, asked, as_of=as_of)
    key = "listing", asked, as_of, version
    if key not in everything.derived:
        keep(everything, key, order_items(views, asked, as_of=as_of))
    found: OrderedItems = everything.derived[key]
    return found


def keep(everything: PlayerProgress, key: tuple[object, ...], value: object) -> None:
    """Keep what was worked out of a player's rows until they change; a few things at a time."""
    if len(everything.derived) >= _LISTS_KEPT:
        everything.derived.clear()
    everything.derived[key] = value


async def _in_release(walk: PageRequest, releases: SnapshotStore, title_ids: Sequence[int]) -> list[PublishedTitle]:
    if walk.cursor is None:
        snapshot = releases.current
        return [snapshot.titles[title_id] for title_id in title_ids if title_id in snapshot.titles]
    await releases.ensure_version(walk.cursor.version)
    as_of = [await releases.as_of(title_id, walk.cursor.version) for title_id in title_ids]
    return [published for published in as_of if published is not None]
