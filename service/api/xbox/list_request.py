"""Parses the query string of a list. Names and values are read in any case, unknown names are ignored.

Known quirks, with the Xbox document's words or a real client's behaviour:

* `maxItems=0` is the default page ("0 to attempt to retrieve all items", Microsoft's client, which then omits it);
  more than 1000 is 1000 ("The service … may return fewer than maxItems").
* A `continuationToken` that is empty or a plain integer is an offset: clients send `0` and `32` by themselves.
* `skipItems` together with a `continuationToken` skips that many items after the token's place (maxItems "can be
  combined with skipItems and continuationToken to return a range of items").
* `types=Persistent,Challenge` selects every kind.
"""

import functools
import re
import urllib.parse
from collections.abc import Mapping
from typing import Literal

import msgspec

from service.core.catalog.model import U32, Kind
from service.core.progress.ordering import ListSpec, Order
from service.errors import InvalidParameter
from service.integers import parse_integer

DEFAULT_PAGE = 32  # items, as three captures of the live service show
MAX_PAGE = 1000  # items; a title has 500 at most
MAX_TITLES = 100  # titles in a list: bounds what one request reads
_MAX_INT32 = 2**31 - 1
_CACHED_CHARACTERS = 256  # longer query strings are not cached, which bounds the cache in bytes

_FIELDS = "skipItems maxItems continuationToken titleId types unlockedOnly possibleOnly orderBy"
_NAMES = {name.lower(): name for name in _FIELDS.split()}
_OFFSET = re.compile(r"[0-9]{1,19}")

_ORDERS = {
    "unordered": Order.UNORDERED,
    "title": Order.TITLE,
    "unlocktime": Order.UNLOCK_TIME,
    "endingsoon": Order.ENDING_SOON,
}
_KINDS: Mapping[str, Kind] = {"persistent": "Persistent", "challenge": "Challenge"}


ListKind = Literal["achievements", "unlocked", "possible", "titles"]
"""The items of a list: achievements, unlocked achievements, achievements shown as locked, or titles."""


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which page of which list is requested: up to `count` items, after the token's place and `skip` more items."""

    spec: ListSpec
    count: int
    skip: int = 0
    token: str | None = None
    canonical: str = ""
    """The same for every spelling of the same request: ETags are made over it."""


def parse_list_query(query_string: str, *, own_title: int | None, kind: ListKind = "achievements") -> ListQuery:
    """Parse a raw query string.

    `own_title` is the title of the caller's token; it is in the list if no `titleId` is given. `kind` is what the
    route lists.

    Raises:
        InvalidParameter: a value cannot be parsed, a parameter is given twice with different values, or two parameters
            exclude each other.
    """
    if len(query_string) > _CACHED_CHARACTERS:
        return _parse.__wrapped__(query_string, own_title, kind)
    return _parse(query_string, own_title, kind)


@functools.lru_cache(maxsize=4096)  # few distinct query strings are sent again and again
def _parse(query_string: str, own_title: int | None, kind: ListKind) -> ListQuery:
    values = parameters(query_string)
    titles = _titles(values)
    own_title = own_title if not titles else None
    if kind == "titles":
        spec = ListSpec(of="titles", titles=titles, own_title=own_title, order=_order(values))
    else:
        unlocked_only, possible_only = _unlocked_and_possible(values, kind)
        spec = ListSpec(
            titles=titles,
            own_title=own_title,
            kind=_types(values),
            unlocked_only=unlocked_only,
            possible_only=possible_only,
            order=_order(values),
        )
    token: str | None = values.get("continuationtoken", "")
    skip = _integer(values, "skipItems")
    if token is not None and (token == "" or _OFFSET.fullmatch(token)):
        token, skip = None, skip + int(f"0{token}")
    count = min(_integer(values, "maxItems") or DEFAULT_PAGE, MAX_PAGE)
    return ListQuery(spec=spec, count=count, skip=skip, token=token, canonical=f"{spec} {count} {skip} {token}")


def _unlocked_and_possible(values: dict[str, str], kind: ListKind) -> tuple[bool, bool]:
    """Whether the list leaves out locked achievements, and whether it shows all achievements as locked."""
    unlocked_only, possible_only = _flag(values, "unlockedOnly"), _flag(values, "possibleOnly")
    if unlocked_only and kind == "possible":
        raise InvalidParameter("unlockedOnly", "false: this list shows all achievements as locked")
    if unlocked_only and possible_only:
        raise InvalidParameter(
            "possibleOnly", "false together with unlockedOnly=true: one leaves out what the other shows"
        )
    possible_only = possible_only or kind == "possible"
    return unlocked_only or (kind == "unlocked" and not possible_only), possible_only


def parameters(query_string: str) -> dict[str, str]:
    """The known parameters of a query string, by their names in lower case.

    Raises:
        InvalidParameter: the text is not UTF-8, there are too many, or one is given twice with different values.
    """
    values: dict[str, str] = {}
    try:
        query_string.encode()  # bytes that are not UTF-8 arrive as lone surrogates
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


def _integer(values: dict[str, str], name: str) -> int:
    text = values.get(name.lower(), "0")
    try:
        return parse_integer(text, most=_MAX_INT32)
    except ValueError:
        raise InvalidParameter(name, f"a whole number from 0 to {_MAX_INT32}", text) from None


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
        try:
            titles.add(parse_integer(part.strip(), least=1, most=U32 - 1))
        except ValueError:
            raise InvalidParameter(
                "titleId", "one or more title ids, decimal, 1 to 4294967295, with commas between", text
            ) from None
    if len(parts) > MAX_TITLES:
        raise InvalidParameter("titleId", f"at most {MAX_TITLES} titles", len(parts))
    return tuple(sorted(titles))


def _types(values: dict[str, str]) -> Kind | None:
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
