"""The order of a list: which achievements or titles it holds, by catalog, unlock time or end of their windows. Pure."""

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
from service.core.progress.title_totals import title_totals
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import TitleProgress, derive
from service.errors import InvalidToken

Item = tuple[int, int]
"""The index of a title in the views, and the position of an achievement in that title's catalog order.

In a list of titles the position is always 0.
"""


TitleSlice = tuple[int, Sequence[int]]
"""Adjacent items of one title: its index in the views, and their positions."""

_title_of = operator.itemgetter(0)


class Order(enum.IntEnum):
    """The four orders of the Xbox document's `orderBy`. `Title` is by title id, then catalog order; so is `Unordered`."""

    UNORDERED = 0
    TITLE = 1
    UNLOCK_TIME = 2
    ENDING_SOON = 3


class ListSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Which list is requested, apart from whose it is and which page.

    `titles` are ascending ids, () for the titles that the player has progress in, plus `own_title`. `kind` None is
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
    """One title of a list: what can be earned, and the player's progress there (None: no progress)."""

    published: PublishedTitle
    progress: TitleProgress | None


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """The last item of the previous page, and what the first page knew (see `paging`).

    `number` is the achievement's, 0 in a list of titles.
    """

    title_id: int
    number: int
    as_of: int
    version: int


class OrderedItems:
    """The items of a list in order: first `head`, of `head_total` items, then slices of one title each.

    Counting and cutting does not join the slices; the head is consumed only as far as it is needed.
    """

    def __init__(
        self,
        views: Sequence[TitleView],
        slices: Sequence[TitleSlice],
        *,
        head: Iterable[Item] = (),
        head_total: int = 0,
        of: Literal["achievements", "titles"] = "achievements",
    ) -> None:
        self._views = views
        self._slices = slices
        self._head = iter(head)
        self._consumed: list[Item] = []
        self._head_total = head_total
        self._ends = [*itertools.accumulate((len(positions) for _, positions in slices), initial=head_total)][1:]
        self._of = of
        self.total = self._ends[-1] if slices else head_total

    def cut(self, start: int, count: int) -> list[TitleSlice]:
        """Up to `count` items, beginning after the first `start`."""
        slices: list[TitleSlice] = []
        if start < self._head_total:
            items = self._consume(start + count)[start : start + count]
            slices += ((title, [position for _, position in run]) for title, run in itertools.groupby(items, _title_of))
            start += len(items)
            count -= len(items)
        index = bisect.bisect_right(self._ends, start)
        while index < len(self._slices) and count > 0:
            title, positions = self._slices[index]
            first = start - (self._ends[index] - len(positions))
            taken = positions[first : first + count]
            slices.append((title, taken))
            start += len(taken)
            count -= len(taken)
            index += 1
        return slices

    def name_of(self, item: Item) -> tuple[int, int]:
        """The title id and achievement number by which a cursor names an item; the number of a title is 0."""
        published = self._views[item[0]].published
        return published.title_id, 0 if self._of == "titles" else published.achievements[item[1]].number

    def index_after(self, cursor: Cursor) -> int:
        """How many items there are up to the cursor's, itself included.

        Raises:
            InvalidToken: the item that the cursor names is not in this list any more.
        """
        for title, view in enumerate(self._views):
            if view.published.title_id != cursor.title_id:
                continue
            position = 0 if self._of == "titles" else view.published.positions.get(to_int4(cursor.number))
            if position is None:
                continue
            for (slice_title, positions), end in zip(self._slices, self._ends, strict=True):
                if slice_title == title and position in positions:
                    return end - len(positions) + positions.index(position) + 1
            if (title, position) in self._consume(self._head_total):
                return self._consumed.index((title, position)) + 1
        raise InvalidToken(
            "continuationToken: the item that it names is no longer in this list; begin again without it"
        )

    def _consume(self, stop: int) -> list[Item]:
        self._consumed += itertools.islice(self._head, max(0, min(stop, self._head_total) - len(self._consumed)))
        return self._consumed


def order_items(views: Sequence[TitleView], spec: ListSpec, *, as_of: int) -> OrderedItems:
    """The whole list over these titles, which are in ascending order of id.

    `as_of` is what the first page knew (see `paging`): a revision under `UnlockTime`, Unix seconds under `EndingSoon`.
    """
    if spec.of == "titles":
        return _titles(views, spec, as_of)
    if spec.order is Order.UNLOCK_TIME and not spec.possible_only:
        return _by_unlock_time(views, spec, as_of)
    slices = [(title, _in_catalog_order(view, spec)) for title, view in enumerate(views)]
    if spec.order is Order.ENDING_SOON:
        slices = _by_window_end(views, slices, as_of)
    return OrderedItems(views, slices)


def _titles(views: Sequence[TitleView], spec: ListSpec, as_of: int) -> OrderedItems:
    """The titles that the player has progress in: by id, under `UnlockTime` newest unlock first, ties by id."""
    titles = [title for title, view in enumerate(views) if view.progress is not None]
    if spec.order is Order.UNLOCK_TIME:
        totals = [title_totals(view.published, view.progress, as_of=as_of) for view in views]
        titles.sort(key=lambda title: -totals[title].last_unlocked_at)  # stable, and the views ascend by id
    return OrderedItems(views, [(title, (0,)) for title in titles], of="titles")


def _in_catalog_order(view: TitleView, spec: ListSpec) -> Sequence[int]:
    positions = view.published.of_kind(spec.kind)
    if not spec.unlocked_only:
        return positions
    if view.progress is None:
        return ()
    unlocked = view.progress.unlocked_at
    stored_numbers = view.published.stored_numbers
    return [position for position in positions if stored_numbers[position] in unlocked]


def _by_unlock_time(views: Sequence[TitleView], spec: ListSpec, as_of: int) -> OrderedItems:
    """The newest unlock first, ties by title and number; then locked achievements in catalog order."""
    ranked = [_ranked(view, spec.kind, as_of) for view in views]
    titles = {view.published.title_id: title for title, view in enumerate(views)}
    unlocked = heapq.merge(*(of_title.unlocked for of_title in ranked))
    return OrderedItems(
        views,
        [] if spec.unlocked_only else [(title, of_title.locked) for title, of_title in enumerate(ranked)],
        head=((titles[title_id], position) for _, title_id, _, position in unlocked),
        head_total=sum(len(of_title.unlocked) for of_title in ranked),
    )


class _RankedTitle(msgspec.Struct, frozen=True):
    """One title by unlock time. Unlocks are (-ticks, title, number, position), so that they sort newest first."""

    unlocked: Sequence[tuple[int, int, int, int]]
    locked: Sequence[int]


def _ranked(view: TitleView, kind: Kind | None, as_of: int) -> _RankedTitle:
    published, progress = view.published, view.progress
    if progress is None:
        return _RankedTitle((), published.of_kind(kind))
    if as_of < progress.revision:  # there are unlocks since the first page: this ranking serves its pages alone
        return _rank(published, progress.unlocked_by(as_of), kind)
    return derive(
        progress.derived, ("ranked", published.key, kind), lambda: _rank(published, progress.unlocked_at, kind)
    )


def _rank(published: PublishedTitle, unlocked_at: Mapping[int, int], kind: Kind | None) -> _RankedTitle:
    unlocked, locked = [], []
    for position in published.of_kind(kind):
        stored_number = published.stored_numbers[position]
        time = unlocked_at.get(stored_number)
        if time is None:
            locked.append(position)
        else:
            unlocked.append((-time, published.title_id, from_int4(stored_number), position))
    return _RankedTitle(sorted(unlocked), locked)


def _by_window_end(views: Sequence[TitleView], slices: Sequence[TitleSlice], as_of: int) -> list[TitleSlice]:
    """Windows that have not closed, by their end; then achievements without a window; then closed windows, by end."""
    now = ticks.from_unix(as_of)
    ranked: list[tuple[int, int, int, int]] = []
    for title, positions in slices:
        achievements = views[title].published.achievements
        for position in positions:
            window = achievements[position].window
            end = 0 if window is None else window.closes_at
            rank = 1 if window is None else 0 if window.closes_at > now else 2
            ranked.append((rank, end, title, position))
    ranked.sort()
    return [(title, (position,)) for _, _, title, position in ranked]
