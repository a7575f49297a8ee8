"""Pages in this door's words: the chosen fragments joined with what is the player's own."""

import functools
import itertools
import operator
from collections.abc import Callable, Mapping, Sequence

from service.core import ticks
from service.core.earned import Progress
from service.core.lists import Page
from service.core.published import PublishedTitle
from service.core.rarity import Rarities
from service.dialects.xbox.fragments import LOCKED_AT, Fragment, Fragments, encode, in_progress, legacy, modern
from service.errors import UnsupportedVersion

Chain = tuple[str, ...]
ChainOf = Callable[[PublishedTitle], Chain]

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
        UnsupportedVersion: it is none of those ("Resource version is not supported").
    """
    if field is None:
        return known[default]
    if len(field) == 1 and field in "1234":
        return known[int(field)]
    raise UnsupportedVersion(f"x-xbl-contract-version: expected 1, 2, 3 or 4, got {field[:20]!r}")


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
    for title, run in itertools.groupby(page.items, _title_of):
        positions = [position for _, position in run]
        view = page.views[title]
        chain = chains[title] = chain_of(view.published)
        fragments = contract.fragments.of(view.published, chain, positions)
        used = [fragment.first_locale for fragment in fragments if fragment.first_locale is not None]
        if used:
            most_wanted[title] = min(most_wanted.get(title, len(chain)), *used)
        ends = _ends(view.published, positions, contract, rarities)
        if possible_only or view.progress is None:
            for fragment, close in zip(fragments, ends, strict=True):
                pieces += (fragment.locked, close)
        else:
            pieces += _joined(view.published, view.progress, positions, fragments, ends)
    if pieces:
        pieces[-1] = pieces[-1][:-1]  # the last comma
    languages = dict.fromkeys(chains[title][index] for title, index in most_wanted.items())
    return pieces, ", ".join(languages) or None


_title_of = operator.itemgetter(0)


def _joined(
    published: PublishedTitle,
    progress: Progress,
    positions: Sequence[int],
    fragments: Sequence[Fragment],
    ends: Sequence[bytes],
) -> list[bytes]:
    """The pieces of these items with what is the player's own between."""
    pieces: list[bytes] = []
    unlocked_at, currents, stored_numbers = progress.unlocked_at.get, progress.currents, published.stored_numbers
    for position, fragment, close in zip(positions, fragments, ends, strict=True):
        number = stored_numbers[position]
        at = unlocked_at(number)
        if number in currents and fragment.gaps:
            pieces += in_progress(fragment, currents[number], None if at is None else _time(at))
            pieces.append(close)
        elif at is None:
            pieces += (fragment.locked, close)
        elif at == 0 and not fragment.gaps:
            pieces += (fragment.unlocked_head, _LEGACY_UNLOCKED_AT, fragment.tail, close)
        else:
            pieces += (fragment.unlocked_head, _time(at), fragment.tail, close)
    return pieces


@functools.lru_cache(maxsize=65_536)  # players at play ask again; some 13 MB
def _time(at: int) -> bytes:
    return ticks.wire(at).encode()


def _ends(
    published: PublishedTitle, positions: Sequence[int], contract: Contract, rarities: Rarities
) -> Sequence[bytes]:
    """What closes each item: a brace, before it the rarity where the contract has one."""
    if not contract.has_rarity:
        return [b"},"] * len(positions)
    known = rarities.of(published.title_id)
    found = (known.by_number.get(published.achievements[position].number, known.others) for position in positions)
    return [
        b',"rarity":' + encode({"currentCategory": rarity.category, "currentPercentage": rarity.percentage}) + b"},"
        for rarity in found
    ]
