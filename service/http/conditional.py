"""Conditional requests (RFC 9110 §13): entity tags and the fields that name them."""


def etag_matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an If-None-Match field names this ETag (RFC 9110 §13.1.2: weak comparison, `*` matches what is there)."""
    if if_none_match is None:
        return False
    if if_none_match == etag:
        return True
    named = [member.strip().removeprefix("W/") for member in if_none_match.split(",")]
    return etag in named or "*" in named
