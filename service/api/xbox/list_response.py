"""Pages in this door's words: the chosen fragments joined with what is the player's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from service import ticks
from service.api.xbox.json_fragments import (
    LEGACY_LOCKED_AT,
    LOCKED_AT,
    Columns,
    Fragments,
    encode,
    in_progress,
    legacy,
    modern,
)
from service.core.progress.lists import Page
from service.core.progress.rarity import Rarities
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import TitleProgress
from service.errors import NotAcceptable

T = TypeVar("T")
Chain = tuple[str, ...]
ChainOf = Callable[[PublishedTitle], Chain]

LOCKED, LEGACY_LOCKED = LOCKED_AT.encode(), LEGACY_LOCKED_AT.encode()
_LEGACY_UNLOCKED_AT = b"1753-01-01T00:00:00.0000000Z"  # unlocked offline: nobody knows when


class Contract:
    """One version of the wire: the shape of its items, and whether they carry `rarity`."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.is_legacy = version in (1, 3)
        self.has_rarity = version in (3, 4)
        self.fragments = Fragments(legacy if self.is_legacy else modern)


def contracts() -> Mapping[int, Contract]:
    """The four versions that real clients send. 3 is 1 and 4 is 2 with `rarity`, so they share their fragments."""
    made = {version: Contract(version) for version in (1, 2, 3, 4)}
    made[3].fragments, made[4].fragments = made[1].fragments, made[2].fragments
    return made


def contract(known: Mapping[int, Contract], field: str | None, *, default: int) -> Contract:
    """The contract that a request speaks.

    Raises:
        NotAcceptable: it is none of those ("Resource version is not supported").
    """
    if field is None:
        return known[default]
    if len(field) == 1 and field in "1234":
        return known[int(field)]
    raise NotAcceptable(f"x-xbl-contract-version: expected 1, 2, 3 or 4, got {field[:20]!r}")


def achievements(
    page: Page, contract: Contract, *, chain_of: ChainOf, rarities: Rarities, token: str | None, possible_only: bool
) -> tuple[bytes, str | None]:
    """The body of a page and its Content-Language (None: it holds no text)."""
    pieces, languages = _items(page, contract, chain_of, rarities, possible_only=possible_only)
    end = encode({"continuationToken": token, "totalRecords": page.total})
    version = b',"version":"' + LOCKED_AT.encode() + b'"' if contract.is_legacy else b""
    return b"".join((b'{"achievements":[', *pieces, b'],"pagingInfo":', end, version, b"}")), languages


def achievement(page: Page, contract: Contract, *, chain_of: ChainOf, rarities: Rarities) -> tuple[bytes, str | None]:
    """The body of one achievement: alone, as the document prints it, and in a list, as every client reads it."""
    pieces, languages = _items(page, contract, chain_of, rarities, possible_only=False)
    one = b"".join(pieces)
    end = b'],"pagingInfo":{"continuationToken":null,"totalRecords":1}}'
    return b"".join((b'{"achievement":', one, b',"achievements":[', one, end)), languages


def _items(
    page: Page, contract: Contract, chain_of: ChainOf, rarities: Rarities, *, possible_only: bool
) -> tuple[list[bytes], str | None]:
    """The items with commas between, and the languages of their texts in order of appearance."""
    pieces: list[bytes] = []
    most_wanted: dict[int, int] = {}  # the first locale of its chain that each title has a text of
    chains: dict[int, Chain] = {}
    for title, positions in page.runs:
        view = page.views[title]
        chain = chains[title] = chain_of(view.published)
        columns = contract.fragments.of(view.published, chain)
        used = [index for index in _column(columns.first_locales, positions) if index is not None]
        if used:
            most_wanted[title] = min(most_wanted.get(title, len(chain)), *used)
        progress = None if possible_only else view.progress
        part = _joined(columns, view.published, progress, positions, is_legacy=contract.is_legacy)
        if contract.has_rarity:
            part[_CLOSING::5] = _closings(view.published, positions, part[_CLOSING::5], rarities)
        pieces += part
    if pieces:
        pieces[-1] = pieces[-1][:-1]  # the last comma
    languages = dict.fromkeys(chains[title][index] for title, index in most_wanted.items())
    return pieces, ", ".join(languages) or None


_OPENING, _STATE, _MIDDLE, _TIME, _CLOSING = range(5)  # the pieces of one item


def _joined(
    columns: Columns,
    published: PublishedTitle,
    progress: TitleProgress | None,
    positions: Sequence[int],
    *,
    is_legacy: bool,
) -> list[bytes]:
    """The pieces of these items, five each: as if all were locked, then with what is the player's own put in.

    Whole columns are copied at a time; only what the player has is looked at one by one.
    """
    pieces = [LEGACY_LOCKED if is_legacy else LOCKED] * (5 * len(positions))
    pieces[_OPENING::5] = _column(columns.openings, positions)
    pieces[_STATE::5] = _column(columns.locked, positions)
    pieces[_MIDDLE::5] = _column(columns.middles, positions)
    pieces[_CLOSING::5] = _column(columns.closings, positions)
    if progress is None:
        return pieces
    times = map(progress.unlocked_at.get, _column(published.stored_numbers, positions))
    for item, (position, time) in enumerate(zip(positions, times, strict=True)):
        if time is not None:
            pieces[5 * item + _STATE] = columns.unlocked[position]
            pieces[5 * item + _TIME] = ticks.wire(time).encode() if time or not is_legacy else _LEGACY_UNLOCKED_AT
    if not is_legacy:
        for number, known in published.current_values(progress).items():
            position = published.positions.get(number, -1)
            if position in positions:
                item = positions.index(position)
                is_unlocked = number in progress.unlocked_at
                state, middle = in_progress(columns.gaps[position], known, is_unlocked=is_unlocked)
                pieces[5 * item + _STATE], pieces[5 * item + _MIDDLE] = state, middle
    return pieces


def _column(values: Sequence[T], positions: Sequence[int]) -> Sequence[T]:
    """The values at these positions; a slice where they stand together, as on most pages."""
    if isinstance(positions, range):
        return values[positions.start : positions.stop]
    return [values[position] for position in positions]


def _closings(
    published: PublishedTitle, positions: Sequence[int], closings: Sequence[bytes], rarities: Rarities
) -> list[bytes]:
    """What closes each item with its rarity before the brace."""
    known = rarities.of(published.title_id)
    found = (known.by_number.get(published.achievements[position].number, known.others) for position in positions)
    return [
        closing[:-2]
        + b',"rarity":'
        + encode({"currentCategory": rarity.category, "currentPercentage": rarity.percentage})
        + b"},"
        for closing, rarity in zip(closings, found, strict=True)
    ]
