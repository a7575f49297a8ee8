"""Reading the Accept-Language header: language ranges in order of preference. Pure, and never an error.

A bad member is skipped and the good ones stay, so that one typo does not cost anybody their language.
"""

import re
import sys

import msgspec

# What is read of a header at most, far above what any browser or console sends.
MAX_FIELD = 16 * 1024  # characters; all that can be valid is ASCII, so these are bytes
MAX_RANGES = 256  # distinct ones
MAX_RANGE = 64  # characters
_LEAST_WEIGHT = sys.float_info.min

_RANGE = r"\*|[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*"  # RFC 4647 §2.1, and the _ that many clients send
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = rf'[ \t]*;[ \t]*({_WORD})[ \t]*=[ \t]*({_WORD}|"[^"]*")'  # RFC 9110 §5.6.6, with spaces around
_PARAMETERS = re.compile(_PARAMETER)
_MEMBER = re.compile(rf"[ \t]*(?P<range>{_RANGE})(?P<parameters>(?:{_PARAMETER})*)[ \t]*")
_WEIGHT = re.compile(r"0(?:\.[0-9]*)?|1(?:\.0*)?")  # RFC 9110 §12.4.2, with any number of decimals


class Preference(msgspec.Struct, frozen=True):
    """The `ranges` that a header prefers, best first, and those `refused` by a weight of 0, in the order of the header.

    Spelled as in the header, except that `-` is the only separator. A range is in one of the two at most, whatever its
    case. `*` may be in either.
    """

    ranges: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def parse_accept_language(field: str) -> Preference:
    """The ranges of a header value, highest weight first and then as listed (RFC 9110 §12.5.4).

    Repeated fields are joined by `, ` first. A range that is listed twice takes its highest weight. A weight may have any
    number of decimals; other parameters of a member are ignored. Reading ends after 16 KB, without a member that the end
    cuts in two, or before the 257th distinct range.
    """
    if len(field) > MAX_FIELD:
        field = field[: MAX_FIELD + 1].rpartition(",")[0]
    listed: dict[str, tuple[float, int, str]] = {}
    for position, member in enumerate(field.split(",")):
        match = _MEMBER.fullmatch(member)
        if match is None or len(match["range"]) > MAX_RANGE:
            continue
        weight = _weight(match["parameters"])
        if weight is None:
            continue
        name = match["range"].replace("_", "-")
        preferred = (-weight, position, name)
        key = name.lower()
        if key in listed:
            listed[key] = min(listed[key], preferred)
        elif len(listed) < MAX_RANGES:
            listed[key] = preferred
        else:
            break
    return Preference(
        ranges=tuple(name for weight, _, name in sorted(listed.values()) if weight),
        refused=tuple(name for weight, _, name in listed.values() if not weight),
    )


def _weight(parameters: str) -> float | None:
    """The weight among the parameters of a member; 1 where there is none, None where it cannot be read."""
    weight = 1.0
    for name, value in _PARAMETERS.findall(parameters):
        if name in {"q", "Q"}:
            if _WEIGHT.fullmatch(value) is None:
                return None
            # However small, a weight above 0 does not refuse.
            weight = max(float(value), _LEAST_WEIGHT) if value.strip("0.") else 0.0
    return weight
