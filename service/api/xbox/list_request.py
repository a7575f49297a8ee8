"""What a query string of this door asks for. Keys and values in any case, unknown keys ignored.

Known quirks, with the document's words or a real client's behaviour:

* `maxItems=0` is the default page ("0 to attempt to retrieve all items", Microsoft's client, which then omits it);
  more than 1000 is 1000 ("The service … may return fewer than maxItems").
* A `continuationToken` that is empty or a plain integer is an offset: clients send `0` and `32` by themselves.
* A token together with `skipItems`: the token wins.
* `types=Persistent,Challenge` is every kind.
"""

import functools
import re
import urllib.parse
from collections.abc import Mapping
from typing import Literal

import msgspec

from service.core.catalog.model import U32, Kind
from service.core.progress.paging import ListSpec, Order
from service.errors import InvalidParameter

DEFAULT_PAGE = 32  # items, as three captures of the live service show
MAX_PAGE = 1000  # items; a title has 500 at most
MAX_TITLES = 100  # titles a list: bounds what one request reads
_INT32 = 2**31
_LONGEST_KEPT = 256  # characters: bounds what the cache of questions can hold

_FIELDS = "skipItems maxItems continuationToken titleId types unlockedOnly possibleOnly orderBy"
_NAMES = {name.lower(): name for name in _FIELDS.split()}
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[0-9]{1,10}")
_OFFSET = re.compile(r"[0-9]{1,19}")

_ORDERS = {
    "unordered": Order.UNORDERED,
    "title": Order.TITLE,
    "unlocktime": Order.UNLOCK_TIME,
    "endingsoon": Order.ENDING_SOON,
}
_KINDS: Mapping[str, Kind] = {"persistent": "Persistent", "challenge": "Challenge"}


ListKind = Literal["achievements", "unlocked", "possible", "titles"]
"""What a list is of: achievements, only unlocked ones, only what could be earned, or titles."""


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One list and one page of it. Exactly one of `token` and `offset` counts; `count` is items a page."""

    spec: ListSpec
    count: int
    offset: int = 0
    token: str | None = None
    canonical: str = ""
    """The same for every spelling of the same question: what an ETag is made over."""


def parse_list_query(query_string: str, *, own_title: int | None, holds: ListKind = "achievements") -> ListQuery:
    """The question that a raw query string asks.

    `own_title` is the token's; it joins the scope when no `titleId` is given. `holds` is what the list is of,
    whatever its parameters say.

    Raises:
        InvalidParameter: a value that cannot be read, one given twice with different values, or two that exclude
            each other.
    """
    if len(query_string) > _LONGEST_KEPT:
        return _parse.__wrapped__(query_string, own_title, holds)
    return _parse(query_string, own_title, holds)


@functools.lru_cache(maxsize=4096)  # few distinct questions are asked again and again
def _parse(query_string: str, own_title: int | None, holds: ListKind) -> ListQuery:
    values = parameters(query_string)
    titles = _titles(values)
    own_title = own_title if not titles else None
    if holds == "titles":
        asked = ListSpec(of="titles", titles=titles, own_title=own_title, order=_order(values))
    else:
        unlocked_only, possible_only = _unlocked_and_possible(values, holds)
        asked = ListSpec(
            titles=titles,
            own_title=own_title,
            kind=_kind(values),
            unlocked_only=unlocked_only,
            possible_only=possible_only,
            order=_order(values),
        )
    token = values.get("continuationtoken")
    offset = _whole(values, "skipItems")
    if token is not None and (token == "" or _OFFSET.fullmatch(token)):
        token, offset = None, int(f"0{token}")
    count = min(_whole(values, "maxItems") or DEFAULT_PAGE, MAX_PAGE)
    return ListQuery(
        spec=asked,
        count=count,
        offset=0 if token else offset,
        token=token,
        canonical=f"{asked} {count} {0 if token else offset} {token}",
    )


def _unlocked_and_possible(values: dict[str, str], holds: ListKind) -> tuple[bool, bool]:
    """Whether the list leaves out what is locked, and whether it leaves out what the player has."""
    unlocked_only, possible_only = _flag(values, "unlockedOnly"), _flag(values, "possibleOnly")
    if unlocked_only and holds == "possible":
        raise InvalidParameter("unlockedOnly", "false: this list shows what can be earned, whoever has it")
    if unlocked_only and possible_only:
        raise InvalidParameter(
            "possibleOnly", "false together with unlockedOnly=true: one leaves out what the other shows"
        )
    possible_only = possible_only or holds == "possible"
    return unlocked_only or (holds == "unlocked" and not possible_only), possible_only


def parameters(query_string: str) -> dict[str, str]:
    """The parameters that this door knows by their name in lower case.

    Raises:
        InvalidParameter: the text is not UTF-8, there are too many, or one is given twice with different values.
    """
    values: dict[str, str] = {}
    try:
        query_string.encode()  # what was no UTF-8 before any percent-encoding came as lone surrogates
        pairs = urllib.parse.parse_qsl(
            query_string, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=64
        )
    except ValueError:
        raise InvalidParameter("query", "at most 64 parameters in percent-encoded UTF-8") from None
    for name, value in pairs:
        key = name.lower()
        if key in _NAMES and values.setdefault(key, value) != value:
            raise InvalidParameter(_NAMES[key], f"one value, not {values[key]!r:.40} and another", value)
    return values


def _whole(values: dict[str, str], name: str) -> int:
    text = values.get(name.lower())
    if text is None:
        return 0
    if _INTEGER.fullmatch(text) is None or not 0 <= int(text) < _INT32:
        raise InvalidParameter(name, "a whole number from 0 to 2147483647", text)
    return int(text)


def _flag(values: dict[str, str], name: str) -> bool:
    text = values.get(name.lower(), "false")
    if text.lower() not in ("true", "false"):
        raise InvalidParameter(name, "true or false", text)
    return text.lower() == "true"


def _titles(values: dict[str, str]) -> tuple[int, ...]:
    text = values.get("titleid")
    if text is None:
        return ()
    parts = text.split(",")
    titles = set()
    for part in parts:
        if _DECIMAL.fullmatch(part.strip()) is None or not 0 < int(part) < U32:
            raise InvalidParameter(
                "titleId", "one or more title ids, decimal, 1 to 4294967295, with commas between", text
            )
        titles.add(int(part))
    if len(parts) > MAX_TITLES:
        raise InvalidParameter("titleId", f"at most {MAX_TITLES} titles", len(parts))
    return tuple(sorted(titles))


def _kind(values: dict[str, str]) -> Kind | None:
    text = values.get("types")
    if text is None:
        return None
    kinds = {part.strip().lower() for part in text.split(",")}
    if not kinds <= _KINDS.keys():
        raise InvalidParameter("types", "Persistent, Challenge, or both with a comma between", text)
    return _KINDS[kinds.pop()] if len(kinds) == 1 else None


def _order(values: dict[str, str]) -> Order:
    text = values.get("orderby", "unordered")
    if text.lower() not in _ORDERS:
        raise InvalidParameter("orderBy", "Unordered, Title, UnlockTime or EndingSoon", text)
    return _ORDERS[text.lower()]
