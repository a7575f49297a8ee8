"""Renders pages of achievements: cached JSON fragments joined with the player's own progress."""

import itertools
from collections.abc import Iterable, Sequence

from service import ticks
from service.api.xbox.context import ReadContext
from service.api.xbox.json_fragments import (
    LEGACY_LOCKED_AT,
    LOCKED_AT,
    Columns,
    column,
    encode,
    in_progress,
)
from service.concurrency.cooperative import run_steps
from service.core.progress.ordering import ListSpec
from service.core.progress.paging import Page
from service.core.progress.rarity import Rarities
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import TitleProgress

_RENDERED_AT_ONCE = 64  # achievements, in a few milliseconds
_LOCKED, _LEGACY_LOCKED = LOCKED_AT.encode(), LEGACY_LOCKED_AT.encode()
_LEGACY_UNLOCKED_AT = b"1753-01-01T00:00:00.0000000Z"  # unlocked offline, at an unknown time


async def fill_fragments(page: Page, context: ReadContext) -> None:
    """Render the missing fragments of a long page in small steps; those of a usual page are rendered with it."""
    for title, positions in page.slices:
        if len(positions) > _RENDERED_AT_ONCE:
            published = page.views[title].published
            chain = context.locale.chain(published)
            await run_steps(context.contract.fragments.fill_steps(published, chain, positions))


def render_achievements(
    page: Page, context: ReadContext, *, token: str | None, spec: ListSpec
) -> tuple[bytes, Iterable[str]]:
    """The body of a page of achievements, and the locales of its texts in order of appearance."""
    pieces, locales = _items(page, context, possible_only=spec.possible_only)
    end = encode({"continuationToken": token, "totalRecords": page.total})
    version = b',"version":"' + _LOCKED + b'"' if context.contract.is_legacy else b""
    return b"".join((b'{"achievements":[', *pieces, b'],"pagingInfo":', end, version, b"}")), locales


def render_achievement(page: Page, context: ReadContext) -> tuple[bytes, Iterable[str]]:
    """The body of one achievement, and the locales of its texts in order of appearance.

    It holds the achievement alone, as the Xbox document prints it, and in a list, as every client reads it.
    """
    pieces, locales = _items(page, context, possible_only=False)
    item = b"".join(pieces)
    end = b'],"pagingInfo":{"continuationToken":null,"totalRecords":1}}'
    return b"".join((b'{"achievement":', item, b',"achievements":[', item, end)), locales


def _items(page: Page, context: ReadContext, *, possible_only: bool) -> tuple[list[bytes], Iterable[str]]:
    """The items with commas between, and the locales of their texts in order of appearance."""
    contract, rarities = context.contract, context.services.rarities
    pieces: list[bytes] = []
    locales: dict[str, None] = {}
    for title, positions in page.slices:
        view = page.views[title]
        chain = context.locale.chain(view.published)
        columns = contract.fragments.of(view.published, chain, positions)
        used: Iterable[tuple[int, ...]] = columns.distinct_locales
        if len(columns.distinct_locales) > 1:
            used = dict.fromkeys(column(columns.locales, positions))
        locales |= dict.fromkeys(chain[index] for index in itertools.chain.from_iterable(used))
        progress = None if possible_only else view.progress
        part = _joined(columns, view.published, progress, positions, is_legacy=contract.is_legacy)
        if contract.has_rarity:
            part[_CLOSING::5] = _closings(view.published, positions, part[_CLOSING::5], rarities)
        pieces += part
    if pieces:
        pieces[-1] = pieces[-1][:-1]  # the last comma
    return pieces, locales


_OPENING, _STATE, _MIDDLE, _TIME, _CLOSING = range(5)  # the pieces of one item


def _joined(
    columns: Columns,
    published: PublishedTitle,
    progress: TitleProgress | None,
    positions: Sequence[int],
    *,
    is_legacy: bool,
) -> list[bytes]:
    """The pieces of these items, five each: rendered as locked, then overwritten where the player has progress.

    Whole columns are copied at a time; only achievements with progress are handled one by one.
    """
    pieces = [_LEGACY_LOCKED if is_legacy else _LOCKED] * (5 * len(positions))
    pieces[_OPENING::5] = column(columns.openings, positions)
    pieces[_STATE::5] = column(columns.locked, positions)
    pieces[_MIDDLE::5] = column(columns.middles, positions)
    pieces[_CLOSING::5] = column(columns.closings, positions)
    if progress is None:
        return pieces
    times = map(progress.unlocked_at.get, column(published.stored_numbers, positions))
    for item, (position, time) in enumerate(zip(positions, times, strict=True)):
        if time is not None:
            pieces[5 * item + _STATE] = columns.unlocked[position]
            pieces[5 * item + _TIME] = ticks.to_text(time).encode() if time or not is_legacy else _LEGACY_UNLOCKED_AT
    if not is_legacy:
        for number, current_values in published.current_values(progress).items():
            position = published.positions.get(number, -1)
            if position in positions:
                item = positions.index(position)
                is_unlocked = number in progress.unlocked_at
                state, middle = in_progress(columns.gaps[position], current_values, is_unlocked=is_unlocked)
                pieces[5 * item + _STATE], pieces[5 * item + _MIDDLE] = state, middle
    return pieces


def _closings(
    published: PublishedTitle, positions: Sequence[int], closings: Sequence[bytes], rarities: Rarities
) -> list[bytes]:
    """The closing of each item with its rarity inserted before the brace."""
    known = rarities.of(published.title_id)
    of_items = (known.by_number.get(published.achievements[position].number, known.others) for position in positions)
    return [
        closing[:-2]
        + b',"rarity":'
        + encode({"currentCategory": rarity.category, "currentPercentage": rarity.percentage})
        + b"},"
        for closing, rarity in zip(closings, of_items, strict=True)
    ]
