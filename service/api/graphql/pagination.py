"""Cursors, and the page of a list that a connection's arguments request. Pure.

A cursor is a position in an order: the sort key, the item's value under it, and its number. The next page starts after
that position, whatever is earned, published or withdrawn in between.
Rules and messages are those of the badges document, and of the API it descends from where it says nothing.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from service import base64url
from service.errors import BadRequest, ExpiredToken, InvalidToken

SortKey = Literal["CREATED", "TITLE", "EARNED"]
CursorPosition = tuple[int | str, int]
"""The value of the sort key, and the achievement's number, which breaks ties."""

MAX_PAGE_ITEMS = 100
MAX_LIST_ITEMS = 1_000  # without `first` and `last`
LIFETIME_HOURS = 24
_CODE_BYTES = 8
_HOUR = 3600  # seconds


class Cursors:
    """Writes and reads cursors of one title, which are authenticated and valid for a day.

    `incarnation` is the tag of the database's: cursors end when the database is restored.
    """

    def __init__(self, key: bytes, title_id: int, *, incarnation: str) -> None:
        self._key = key
        self._title = title_id.to_bytes(8) + incarnation.encode()

    def write(self, sort_key: SortKey, position: CursorPosition, *, now: int) -> str:
        """The cursor of a position. `now` is in seconds since 1970; the cursor is the same within an hour."""
        body = msgspec.json.encode((sort_key, *position, now // _HOUR))
        return base64url.encode(self._code(body) + body)

    def read(self, text: str, sort_key: SortKey, *, now: int) -> CursorPosition:
        """The position of a cursor of this sort key.

        Raises:
            InvalidToken: it was not written here, was altered, or has another sort key.
            ExpiredToken: it was written more than a day ago.
        """
        invalid = InvalidToken(f"invalid cursor '{text[:64]}'")
        try:
            decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise invalid from None
        code, body = decoded[:_CODE_BYTES], decoded[_CODE_BYTES:]
        if not hmac.compare_digest(code, self._code(body)):
            raise invalid
        cursor_sort_key, value, number, hour = msgspec.json.decode(body, type=tuple[str, int | str, int, int])
        if cursor_sort_key != sort_key:
            raise invalid
        if now // _HOUR - hour > LIFETIME_HOURS:
            raise ExpiredToken(f"expired cursor '{text[:64]}': request the list again")
        return value, number

    def _code(self, body: bytes) -> bytes:
        return hashlib.blake2b(self._title + body, key=self._key, digest_size=_CODE_BYTES).digest()


class PageArguments(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a list: the `first` items after `after`, or the `last` items before `before`."""

    first: int | None = None
    last: int | None = None
    after: CursorPosition | None = None
    before: CursorPosition | None = None
    is_reversed: bool = False


class PageSlice(msgspec.Struct, frozen=True):
    """The items of a list from `start` to `stop`, and whether there are others around them."""

    start: int
    stop: int
    has_next_page: bool
    has_previous_page: bool


def read_arguments(arguments: Mapping[str, Any], cursors: Cursors, sort_key: SortKey, *, now: int) -> PageArguments:
    """The page that a connection's arguments request.

    Raises:
        BadRequest: they contradict each other, or request no or too many items.
        InvalidToken: a cursor is not valid.
    """
    first, last = arguments.get("first"), arguments.get("last")
    after, before = arguments.get("after"), arguments.get("before")
    for is_conflict, message in (
        (first is not None and last is not None, "providing both first and last is not supported"),
        (after is not None and before is not None, "providing both after and before is not supported"),
        (first is not None and before is not None, "using first with before is not supported"),
        (last is not None and after is not None, "using last with after is not supported"),
        (after is not None and first is None, "first is required when after is set"),
        (before is not None and last is None, "last is required when before is set"),
    ):
        if is_conflict:
            raise BadRequest(message)
    for name, count in (("first", first), ("last", last)):
        if count is not None and count <= 0:
            raise BadRequest(f"{name} must be a positive integer when provided")
        if count is not None and count > MAX_PAGE_ITEMS:
            raise BadRequest(f"{name} may not be larger than {MAX_PAGE_ITEMS}")
    return PageArguments(
        first=first,
        last=last,
        after=None if after is None else cursors.read(after, sort_key, now=now),
        before=None if before is None else cursors.read(before, sort_key, now=now),
        is_reversed=bool(arguments.get("reverse")),
    )


def slice_page(count: int, arguments: PageArguments, position_of: Callable[[int], CursorPosition]) -> PageSlice:
    """The requested page of a list with `count` items. `position_of` gives the position of each item by its index."""

    def count_before(cursor: CursorPosition) -> int:
        positions = map(position_of, range(count))
        return sum(position > cursor if arguments.is_reversed else position < cursor for position in positions)

    low, high = 0, count
    if arguments.after is not None:
        low = count_before(arguments.after)
        low += low < count and position_of(low) == arguments.after
    if arguments.before is not None:
        high = count_before(arguments.before)
    if arguments.last is not None:
        start = max(low, high - arguments.last)
        return _slice(start, high, is_next=arguments.before is not None, is_previous=start > low)
    stop = min(high, low + (MAX_LIST_ITEMS if arguments.first is None else arguments.first))
    return _slice(low, stop, is_next=stop < high, is_previous=arguments.after is not None)


def _slice(start: int, stop: int, *, is_next: bool, is_previous: bool) -> PageSlice:
    if start >= stop:
        return PageSlice(start, start, has_next_page=False, has_previous_page=False)
    return PageSlice(start, stop, has_next_page=is_next, has_previous_page=is_previous)
