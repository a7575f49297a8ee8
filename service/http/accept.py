"""Reading the Accept header field (RFC 9110 §12.5.1): media ranges with their weights."""

import re
from collections.abc import Mapping, Sequence

from aiohttp import hdrs, web

_MAX_CHARACTERS = 1_000
_WEIGHT = re.compile(r";[ \t]*q=([01](?:\.[0-9]{0,3})?)[ \t]*$", re.IGNORECASE)


def media_ranges(request: web.BaseRequest) -> Mapping[str, float]:
    """The media ranges of the request in order of appearance, in lower case, with weights from 0 to 1.

    Parameters of a range are ignored. A weight of 0 excludes the range. A field is read up to 1000 characters.
    """
    ranges: dict[str, float] = {}
    for member in ", ".join(request.headers.getall(hdrs.ACCEPT, ()))[:_MAX_CHARACTERS].split(","):
        media_range, semicolon, parameters = member.strip().lower().partition(";")
        match = _WEIGHT.search(semicolon + parameters)
        if media_range:
            ranges.setdefault(media_range.strip(), 1.0 if match is None else min(float(match[1]), 1.0))
    return ranges


def preferred_media_type(ranges: Mapping[str, float], supported: Sequence[str]) -> str | None:
    """The supported media type with the highest weight, the first range's of equals; None if all are excluded.

    The most specific range decides about a media type. Without ranges it is the first one.
    """
    if not ranges:
        return supported[0]
    positions = {media_range: position for position, media_range in enumerate(ranges)}
    best: tuple[float, int] = (0.0, 0)
    preferred = None
    for media_type in supported:
        general = f"{media_type.partition('/')[0]}/*"
        media_range = next((name for name in (media_type, general, "*/*") if name in ranges), None)
        if media_range is None:
            continue
        rank = ranges[media_range], -positions[media_range]
        if rank[0] > 0 and (preferred is None or rank > best):
            best, preferred = rank, media_type
    return preferred
