"""The header Accept-Language: which languages somebody asks for, best first. Pure, and never an error.

A typo in one member must not cost the player their language, so a bad member is skipped and the good ones stay.
"""

import re

import msgspec

# Bounds on what a header can make us do, far above what any browser or console sends.
MAX_FIELD = 1000  # characters; all that can be valid is ASCII, so these are bytes
MAX_RANGES = 32
MAX_RANGE = 64  # characters

_MEMBER = re.compile(
    r"""[ \t]*
    (?P<range> \* | [A-Za-z]{1,8} (?:[-_][A-Za-z0-9]{1,8})* )                   # RFC 4647 §2.1, and the _ that many send
    (?: [ \t]*;[ \t]* [qQ][ \t]*=[ \t]* (?P<weight> 0(?:\.[0-9]{0,3})? | 1(?:\.0{0,3})? ) )?       # RFC 9110 §12.4.2
    [ \t]*""",
    re.VERBOSE,
)


class Preference(msgspec.Struct, frozen=True):
    """What a header asks for: `ranges` in order of preference, and those `refused` by a weight of 0 as they came.

    Spelled as they came, except that `-` is the only separator. A range is in one of the two at most, whatever its
    case. `*` may be in either.
    """

    ranges: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def parse_accept_language(field: str) -> Preference:
    """What a field value asks for, highest weight first and then as listed (RFC 9110 §12.5.4).

    Repeated fields come joined by `, `. A range listed twice counts where its weight is highest. What lies beyond the
    bounds is not read: a member cut by the first is dropped, and the ranges are the first ones listed.
    """
    if len(field) > MAX_FIELD:
        field = field[: MAX_FIELD + 1].rpartition(",")[0]
    listed: dict[str, tuple[float, int, str]] = {}
    for position, member in enumerate(field.split(",")):
        match = _MEMBER.fullmatch(member)
        if match is None or len(match["range"]) > MAX_RANGE:
            continue
        name = match["range"].replace("_", "-")
        wanted = (-float(match["weight"] or 1), position, name)
        key = name.lower()
        if key in listed:
            listed[key] = min(listed[key], wanted)
        elif len(listed) < MAX_RANGES:
            listed[key] = wanted
    return Preference(
        ranges=tuple(name for weight, _, name in sorted(listed.values()) if weight),
        refused=tuple(name for weight, _, name in listed.values() if not weight),
    )
