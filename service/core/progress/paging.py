"""Pages: which items a list holds, in which order, and where the next page begins. Pure.

A walk over pages gives every item once, in the order of one big page, whatever happens meanwhile:

* *publishes* cannot reorder it: the token carries the newest publication that the first page knew (`version`), and
  the walk goes on in the releases of that moment;
* *unlocks* cannot move an item across the cursor: the cursor is an item, not an offset, and under `UnlockTime` the
  token carries the newest revision that the first page knew (`as_of`); what was unlocked later counts as locked;
* *time* cannot: under `EndingSoon` the token carries when the last window had closed for the first page (`as_of`);
* *languages* do not take part in any order.
"""

import bisect
import enum
import heapq
import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from service import ticks
from service.core.catalog.model import Kind, from_int4, to_int4
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import TitleProgress
from service.errors import InvalidToken

Item = tuple[int, int]
"""A title, by its place in the scope, and an achievement, by its position in that title's catalogue order."""


TitleSlice = tuple[int, Sequence[int]]
"""Items of one title that stand together: its place in the scope, and their positions there."""

_title_of = operator.itemgetter(0)


class Order(enum.IntEnum):
    """The four orders of seed 002. `Title` is by title id and then catalogue order, which `Unordered` is too."""

    UNORDERED = 0
    TITLE = 1
    UNLOCK_TIME = 2
    ENDING_SOON = 3


class ListSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is asked for, apart from whose it is and which page.

    `titles` are ascending ids, () for the titles that the player has anything in, plus `own_title`. `kind` None is
    every kind. Neither language nor page size is part of it: both may change between two pages.
    """

    of: Literal["achievements", "titles"] = "achievements"
    titles: tuple[int, ...] = ()
    own_title: int | None = None
    kind: Kind | None = None
    unlocked_only: bool = False
    possible_only: bool = False
    order: Order = Order.UNORDERED


class TitleView(msgspec.Struct, frozen=True):
    """One title in the scope of a list: what can be earned, and what the player has there (None: nothing)."""

    published: PublishedTitle
    progress: TitleProgress | None


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """The last item of the page before, and what the walk knew when it began (see the module)."""

    title_id: int
    number: int
    as_of: int
    version: int


class OrderedItems:
    """The items of a list in order: first `head`, of `head_total` items, then runs of one title each.

    Counted and cut without being joined; the head is drawn only as far as it is looked at.
    """

    def __init__(
        self,
        views: Sequence[TitleView],
        runs: Sequence[tuple[int, Sequence[int]]],
        *,
        head: Iterable[Item] = (),
        head_total: int = 0,
    ) -> None:
        self._views = views
        self._runs = runs
        self._head = iter(head)
        self._drawn: list[Item] = []
        self._head_total = head_total
        self._ends = [*itertools.accumulate((len(positions) for _, positions in runs), initial=head_total)][1:]
        self.total = self._ends[-1] if runs else head_total

    def cut(self, start: int, count: int) -> list[TitleSlice]:
        """Up to `count` items, beginning after the first `start`."""
        runs: list[TitleSlice] = []
        if start < self._head_total:
            drawn = self._draw(start + count)[start : start + count]
            runs += ((title, [position for _, position in run]) for title, run in itertools.groupby(drawn, _title_of))
            start += len(drawn)
            count -= len(drawn)
        run = bisect.bisect_right(self._ends, start)
        while run < len(self._runs) and count > 0:
            title, positions = self._runs[run]
            first = start - (self._ends[run] - len(positions))
            taken = positions[first : first + count]
            runs.append((title, taken))
            start += len(taken)
            count -= len(taken)
            run += 1
        return runs

    def _draw(self, stop: int) -> list[Item]:
        self._drawn += itertools.islice(self._head, max(0, min(stop, self._head_total) - len(self._drawn)))
        return self._drawn

    def after(self, cursor: Cursor) -> int:
        """How many items stand up to and with the cursor.

        Raises:
            InvalidToken: the item that the cursor names is not in this list any more.
        """
        places = [
            (title, view.published.positions.get(to_int4(cursor.number)))
            for title, view in enumerate(self._views)
            if view.published.title_id == cursor.title_id
        ]
        for place in places:
            for (title, positions), end in zip(self._runs, self._ends, strict=True):
                if title == place[0] and place[1] in positions:
                    return end - len(positions) + positions.index(place[1]) + 1
            if place in self._draw(self._head_total):
                return self._drawn.index(place) + 1
        raise InvalidToken(
            "continuationToken: the item that it names is no longer in this list; begin again without it"
        )


def order_items(views: Sequence[TitleView], asked: ListSpec, *, as_of: int) -> OrderedItems:
    """The whole list that was asked for, over these titles in ascending order of id.

    `as_of` is what the walk knew (see the module): a revision under `UnlockTime`, unix seconds under `EndingSoon`.
    """
    if asked.order is Order.UNLOCK_TIME and not asked.possible_only:
        return _by_unlock_time(views, asked, as_of)
    runs = [(title, _in_catalogue_order(view, asked)) for title, view in enumerate(views)]
    if asked.order is Order.ENDING_SOON:
        runs = _by_window_end(views, runs, as_of)
    return OrderedItems(views, runs)


def _in_catalogue_order(view: TitleView, asked: ListSpec) -> Sequence[int]:
    positions = view.published.of_kind(asked.kind)
    if not asked.unlocked_only:
        return positions
    if view.progress is None:
        return ()
    unlocked = view.progress.unlocked_at
    stored_numbers = view.published.stored_numbers
    return [position for position in positions if stored_numbers[position] in unlocked]


def _by_unlock_time(views: Sequence[TitleView], asked: ListSpec, as_of: int) -> OrderedItems:
    """The newest unlock first, ties by title and number; then what is locked, in catalogue order."""
    ranks = [_ranked(view, asked.kind, as_of) for view in views]
    titles = {view.published.title_id: title for title, view in enumerate(views)}
    return OrderedItems(
        views,
        [] if asked.unlocked_only else [(title, rank.locked) for title, rank in enumerate(ranks)],
        head=((titles[title_id], position) for _, title_id, _, position in heapq.merge(*(r.unlocked for r in ranks))),
        head_total=sum(len(rank.unlocked) for rank in ranks),
    )


class _Ranked(msgspec.Struct, frozen=True):
    """One title by unlock time. Unlocks are (-ticks, title, number, position), so that they sort newest first."""

    unlocked: Sequence[tuple[int, int, int, int]]
    locked: Sequence[int]


def _ranked(view: TitleView, kind: Kind | None, as_of: int) -> _Ranked:
    published, progress = view.published, view.progress
    if progress is None:
        return _Ranked((), published.of_kind(kind))
    if as_of < progress.revision:  # unlocked since the walk began: made for this walk alone
        return _rank(published, progress.unlocked_by(as_of), kind)
    key = published.publication_id, kind
    if key not in progress.derived:
        progress.derived[key] = _rank(published, progress.unlocked_at, kind)
    ranked: _Ranked = progress.derived[key]
    return ranked


def _rank(published: PublishedTitle, unlocked_at: Mapping[int, int], kind: Kind | None) -> _Ranked:
    unlocked, locked = [], []
    for position in published.of_kind(kind):
        stored_number = published.stored_numbers[position]
        at = unlocked_at.get(stored_number)
        if at is None:
            locked.append(position)
        else:
            unlocked.append((-at, published.title_id, from_int4(stored_number), position))
    return _Ranked(sorted(unlocked), locked)


def _by_window_end(
    views: Sequence[TitleView], runs: Sequence[tuple[int, Sequence[int]]], as_of: int
) -> list[tuple[int, Sequence[int]]]:
    """Windows that have not closed, by their end; then what has no window; then what has closed, by its end."""
    now = ticks.of_unix(as_of)
    ranked: list[tuple[int, int, int, int]] = []
    for title, positions in runs:
        achievements = views[title].published.achievements
        for position in positions:
            window = achievements[position].window
            end = 0 if window is None else window.closes_at
            rank = 1 if window is None else 0 if window.closes_at > now else 2
            ranked.append((rank, end, title, position))
    ranked.sort()
    return [(title, (position,)) for _, _, title, position in ranked]
