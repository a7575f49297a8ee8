"""Cursors, and the part of a list that a connection's arguments ask for. Pure.

A cursor is a place in an order: the sort key, the item's value under it, and its number. Whatever is earned, published
or withdrawn between two pages, the next one goes on behind that place.
(Rules and messages are those of the badges document, and of its public ancestor where it is silent.)
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from service.errors import BadRequest, ExpiredToken, InvalidToken

SortKey = Literal["CREATED", "TITLE", "EARNED"]
CursorPosition = tuple[int | str, int]
"""The value that is sorted by, and the achievement's number, which breaks ties."""

LARGEST_PAGE = 100
WHOLE_LIST = 1_000  # items, where no size is asked for
LIFETIME_HOURS = 24
_CODE_BYTES = 8
_HOUR = 3600  # seconds


class Cursors:
    """Makes and reads cursors of one title. They are authenticated, and good for a day."""

    def __init__(self, key: bytes, title_id: int) -> None:
        self._key = key
        self._title = title_id.to_bytes(8)

    def write(self, sort_key: SortKey, place: CursorPosition, *, now: int) -> str:
        """The cursor of a place. `now` is in unix seconds; the same within one hour."""
        body = msgspec.json.encode((sort_key, *place, now // _HOUR))
        return base64.urlsafe_b64encode(self._code(body) + body).decode().rstrip("=")

    def read(self, text: str, sort_key: SortKey, *, now: int) -> CursorPosition:
        """The place of a cursor that was made for this sort key.

        Raises:
            InvalidToken: it was not made here, was altered, or is of another sort key.
            ExpiredToken: it was made more than a day ago.
        """
        bad = InvalidToken(f"invalid cursor '{text[:64]}'")
        try:
            both = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise bad from None
        code, body = both[:_CODE_BYTES], both[_CODE_BYTES:]
        if not hmac.compare_digest(code, self._code(body)):
            raise bad
        made_for, value, number, hour = msgspec.json.decode(body, type=tuple[str, int | str, int, int])
        if made_for != sort_key:
            raise bad
        if now // _HOUR - hour > LIFETIME_HOURS:
            raise ExpiredToken(f"expired cursor '{text[:64]}': ask for the list anew")
        return value, number

    def _code(self, body: bytes) -> bytes:
        return hashlib.blake2b(self._title + body, key=self._key, digest_size=_CODE_BYTES).digest()


class PageArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list: `first` so many behind `after`, or `last` so many before `before`."""

    first: int | None = None
    last: int | None = None
    after: CursorPosition | None = None
    before: CursorPosition | None = None
    is_reversed: bool = False


class PageSlice(msgspec.Struct, frozen=True):
    """The items from `start` to `stop` of a list, in its order, and whether there are others around them."""

    start: int
    stop: int
    has_next_page: bool
    has_previous_page: bool


def read_arguments(arguments: Mapping[str, Any], cursors: Cursors, sort_key: SortKey, *, now: int) -> PageArguments:
    """What a connection's arguments ask for.

    Raises:
        BadRequest: they contradict each other, or ask for no or too many items.
        InvalidToken: a cursor that is not good here.
    """
    first, last = arguments.get("first"), arguments.get("last")
    after, before = arguments.get("after"), arguments.get("before")
    for is_so, message in (
        (first is not None and last is not None, "providing both first and last is not supported"),
        (after is not None and before is not None, "providing both after and before is not supported"),
        (first is not None and before is not None, "using first with before is not supported"),
        (last is not None and after is not None, "using last with after is not supported"),
        (after is not None and first is None, "first is required when after is set"),
        (before is not None and last is None, "last is required when before is set"),
    ):
        if is_so:
            raise BadRequest(message)
    for name, count in (("first", first), ("last", last)):
        if count is not None and count <= 0:
            raise BadRequest(f"{name} must be a positive integer when provided")
        if count is not None and count > LARGEST_PAGE:
            raise BadRequest(f"{name} may not be larger than {LARGEST_PAGE}")
    return PageArguments(
        first=first,
        last=last,
        after=None if after is None else cursors.read(after, sort_key, now=now),
        before=None if before is None else cursors.read(before, sort_key, now=now),
        is_reversed=bool(arguments.get("reverse")),
    )


def slice_page(count: int, asked: PageArguments, place_of: Callable[[int], CursorPosition]) -> PageSlice:
    """The part of a list of so many items that is asked for. `place_of` knows each one's, in the order of the answer."""

    def passed(limit: CursorPosition) -> int:
        places = map(place_of, range(count))
        return sum(place > limit if asked.is_reversed else place < limit for place in places)

    low, high = 0, count
    if asked.after is not None:
        low = passed(asked.after)
        low += low < count and place_of(low) == asked.after
    if asked.before is not None:
        high = passed(asked.before)
    if asked.last is not None:
        start = max(low, high - asked.last)
        return _part(start, high, is_next=asked.before is not None, is_previous=start > low)
    stop = min(high, low + (WHOLE_LIST if asked.first is None else asked.first))
    return _part(low, stop, is_next=stop < high, is_previous=asked.after is not None)


def _part(start: int, stop: int, *, is_next: bool, is_previous: bool) -> PageSlice:
    return PageSlice(start, stop, is_next, is_previous) if start < stop else PageSlice(start, start, False, False)  # noqa: FBT003
