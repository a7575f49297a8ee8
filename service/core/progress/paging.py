"""Pagination: how an ordered list is cut into pages, and where the next page begins. Pure.

Following the cursors from page to page gives every item once, in the order of one big page, whatever happens meanwhile:

* *publishes* do not reorder the list: the cursor carries the newest publication that the first page knew (`version`),
  and later pages are read from the releases of that moment;
* *unlocks* do not move an item across the cursor: the cursor is an item, not an offset, and under `UnlockTime` it
  carries the newest revision that the first page knew (`as_of`); what was unlocked later counts as locked;
* *time* does not either: under `EndingSoon` the cursor carries when the last window had closed for the first page
  (`as_of`);
* *languages* have no part in any order.
"""

from collections.abc import Sequence

import msgspec

from service import ticks
from service.core.progress.ordering import Cursor, ListSpec, Order, OrderedItems, TitleSlice, TitleView, order_items
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import PlayerProgress, derive


class PageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which page of a player's list is requested.

    `cursor` is None on a first page. `skip` counts items to leave out after the cursor. `now` is in Unix seconds.
    """

    player: str
    spec: ListSpec
    cursor: Cursor | None = None
    skip: int = 0
    now: int = 0


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Adjacent items of a list. `total` counts the whole list; `cursor` continues after this page, None at the end.

    `slices` name a title by its index in `views`.
    """

    views: Sequence[TitleView]
    slices: Sequence[TitleSlice]
    total: int
    cursor: Cursor | None


def read_page(
    request: PageRequest,
    views: Sequence[TitleView],
    *,
    count: int,
    revision: int,
    player_progress: PlayerProgress | None = None,
) -> Page:
    """One page of up to `count` items of a list over these titles, in ascending order of id.

    `revision` is the newest of the player's that is known now. With `player_progress`, the order of the list is cached
    there for the next page.

    Raises:
        InvalidToken: the item that the cursor names is not in this list any more.
    """
    cursor = request.cursor
    if cursor is None:
        titles = [view.published for view in views]
        as_of, version, start = _as_of(request, titles, revision), newest(titles), request.skip
        ordered = _ordered(request.spec, views, as_of, version, player_progress)
    else:
        as_of, version = cursor.as_of, cursor.version
        ordered = _ordered(request.spec, views, as_of, version, player_progress)
        start = ordered.index_after(cursor) + request.skip
    slices = ordered.cut(start, count)
    following = None
    if slices and start + sum(len(positions) for _, positions in slices) < ordered.total:
        title, positions = slices[-1]
        title_id, number = ordered.name_of((title, positions[-1]))
        following = Cursor(title_id=title_id, number=number, as_of=as_of, version=version)
    return Page(views=views, slices=slices, total=ordered.total, cursor=following)


def newest(titles: Sequence[PublishedTitle]) -> int:
    """The newest publication among these titles, 0 if there are none."""
    return max((title.publication_id for title in titles), default=0)


def last_closing(request: PageRequest, titles: Sequence[PublishedTitle]) -> int:
    """The Unix second by which the last of the windows that have closed had closed, 0 before any.

    Under `EndingSoon` this moment stands for now, so that nothing changes until the next window closes.
    """
    now = ticks.from_unix(request.now)
    return ticks.to_unix(max((title.last_closing(now) for title in titles), default=0))


def _as_of(request: PageRequest, titles: Sequence[PublishedTitle], revision: int) -> int:
    match request.spec.order:
        case Order.UNLOCK_TIME:
            return max(revision, 0)
        case Order.ENDING_SOON:
            return last_closing(request, titles)
        case _:
            return 0


def _ordered(
    spec: ListSpec, views: Sequence[TitleView], as_of: int, version: int, player_progress: PlayerProgress | None
) -> OrderedItems:
    if player_progress is None:
        return order_items(views, spec, as_of=as_of)
    key = "ordered", spec, as_of, version
    return derive(player_progress.derived, key, lambda: order_items(views, spec, as_of=as_of))
