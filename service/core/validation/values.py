"""Parse single values of files, such as labels, URLs, GUIDs, numbers, times and locales. Pure.

Each function takes any value that a parser returns, and raises InvalidValue if it is not of its kind.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from service import ticks
from service.control_characters import CONTROL_CHARACTER, unsafe_character
from service.core.catalog import model
from service.core.languages.negotiation import canonical_locale
from service.core.validation.diagnostics import InvalidValue

LABEL_CHARACTERS = 200
SHOWN_CHARACTERS = 64
TEXT_CHARACTERS = 4000  # far above every platform's own limit
URL_CHARACTERS = 2048
DECIMAL_CHARACTERS = 40
DAY = 24 * 3600  # seconds

_GUID = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_WHOLE = re.compile("0|[1-9][0-9]{0,9}")
_SLOT = re.compile("(?:0|[1-9][0-9]{0,8})_(?:[12]?[0-9]|3[01])")
_DURATION = re.compile("([0-9]{2}):([0-5][0-9]):([0-5][0-9])")
_URL = re.compile(r"https?://[^\s/?#\"<>\\]+[^\s\"<>\\]*", re.IGNORECASE)


def shown(value: object) -> str:
    """Any value for a message: quoted and truncated."""
    if isinstance(value, str):
        return repr(value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…")
    if isinstance(value, int) and abs(value) >= 10**SHOWN_CHARACTERS:
        return "a huge number"
    descriptions = {type(None): "null", dict: "an object", list: "a list"}
    return descriptions.get(type(value), str(value)[:SHOWN_CHARACTERS].lower())


def _string(value: object, *, characters: int, newlines: bool = False) -> str:
    if not isinstance(value, str):
        raise InvalidValue("wrong-type", f"expected text, got {shown(value)}")
    if len(value) > characters:
        raise InvalidValue("too-long", f"expected at most {characters} characters, got {len(value)}")
    if newlines:
        match = next((found for found in CONTROL_CHARACTER.finditer(value) if found[0] != "\n"), None)
    else:
        match = unsafe_character(value)
    if match is not None:
        name = "half a surrogate pair" if match[0] >= "\ud800" else "a control character"
        raise InvalidValue("control-character", f"U+{ord(match[0]):04X} at character {match.start() + 1} is {name}")
    return value


def strings(value: object) -> Iterator[str]:
    """Every string in a definition, those in lists and objects included."""
    match value:
        case str():
            yield value
        case Mapping():
            for key, member in value.items():
                yield from strings(key)
                yield from strings(member)
        case list() | tuple():
            for member in value:
                yield from strings(member)
        case _:
            pass


def line(value: object) -> str:
    """Any line of text, of a length that something else limits."""
    return _string(value, characters=sys.maxsize)


def text(value: object) -> str:
    """A text to be shown to players, with line breaks. An empty one is allowed and means that there is no text."""
    parsed = _string(value, characters=TEXT_CHARACTERS, newlines=True)
    if parsed and not parsed.strip():
        raise InvalidValue("blank-text", "expected a text or nothing, got only white space")
    return parsed


def label(value: object) -> str:
    """A name: one line, not blank."""
    parsed = _string(value, characters=LABEL_CHARACTERS)
    if not parsed.strip():
        raise InvalidValue("blank-text", f"expected a name, got {shown(value)}")
    return parsed


def link(value: object) -> str:
    """A deeplink: any line of text, because existing ones are not always URLs."""
    return _string(value, characters=URL_CHARACTERS)


def url(value: object) -> str:
    """An absolute http or https URL."""
    parsed = _string(value, characters=URL_CHARACTERS)
    if _URL.fullmatch(parsed) is None:
        raise InvalidValue("url", f"expected an http or https URL, got {shown(value)}")
    return parsed


def guid(value: object) -> str:
    """A GUID, returned in lower case (Xbox: the live service "always expects lower case")."""
    if not isinstance(value, str) or _GUID.fullmatch(value) is None:
        raise InvalidValue("guid", f"expected a GUID such as b5dd9daf-0000-0000-0000-000000000000, got {shown(value)}")
    return value.lower()


def is_guid(text: str) -> bool:
    """Whether a text is a GUID, in upper or lower case."""
    return _GUID.fullmatch(text) is not None


def boolean(value: object) -> bool:
    """True or false; not 0 or 1."""
    if not isinstance(value, bool):
        raise InvalidValue("wrong-type", f"expected true or false, got {shown(value)}")
    return value


def u32(value: object) -> int:
    """A whole number of 0 to 4294967295."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue("wrong-type", f"expected a whole number, got {shown(value)}")
    if not 0 <= value < model.U32:
        raise InvalidValue("u32", f"expected a number of 0 to {model.U32 - 1}, got {shown(value)}")
    return value


def identifier(value: object) -> int:
    """The number of a title or an achievement: a u32 above 0."""
    parsed = u32(value)
    if parsed == 0:
        raise InvalidValue("u32", f"expected a number of 1 to {model.U32 - 1}, got 0")
    return parsed


def u32_text(value: object) -> int:
    """A u32 as text, without leading zeros."""
    if not isinstance(value, str) or _WHOLE.fullmatch(value) is None or int(value) >= model.U32:
        raise InvalidValue("u32", f"expected a number of 0 to {model.U32 - 1} as text, got {shown(value)}")
    return int(value)


def identifier_text(value: object) -> int:
    """The number of an achievement as text."""
    return identifier(u32_text(value))


def gamerscore(value: object) -> str:
    """Gamerscore points as text: a whole number without leading zeros."""
    return str(u32_text(value))


def legacy_type(value: object) -> int:
    """The Xbox 360 kind of achievement: 1 completion, 2 leveling, 3 unlock, 4 event, 5 tournament, 6 checkpoint, 7 other."""
    parsed = u32(value)
    if parsed not in range(1, 8):
        raise InvalidValue("legacy-type", f"expected 1 to 7, got {parsed}")
    return parsed


def decimal(value: object) -> str:
    """A decimal number as text, returned unchanged."""
    if not isinstance(value, str) or len(value) > DECIMAL_CHARACTERS or _DECIMAL.fullmatch(value) is None:
        expected = f'a decimal number as text, such as "100", of at most {DECIMAL_CHARACTERS} characters'
        raise InvalidValue("decimal", f"expected {expected}, got {shown(value)}")
    return value


def moment(value: object) -> tuple[int, int]:
    """A UTC time: its ticks, and the number of digits of its fraction."""
    try:
        parsed = _string(value, characters=LABEL_CHARACTERS)
        return ticks.parse(parsed), ticks.fraction_digits(parsed)
    except InvalidValue:
        raise
    except ValueError as error:
        raise InvalidValue("time", str(error)) from None


def duration(value: object) -> int:
    """The seconds of "HH:MM:SS", less than a day (longer ones break the known clients)."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    seconds = DAY if match is None else int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])
    if seconds >= DAY:
        raise InvalidValue("duration", f'expected "HH:MM:SS" under 24 hours, got {shown(value)}')
    return seconds


def duration_text(seconds: int) -> str:
    """The seconds as "HH:MM:SS"."""
    minutes, remainder = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{remainder:02}"


def locale(value: object) -> str:
    """A language tag, returned in its canonical spelling."""
    parsed = _string(value, characters=LABEL_CHARACTERS)
    try:
        return canonical_locale(parsed)
    except ValueError:
        raise InvalidValue("locale", f"expected a language tag such as fr-FR, got {shown(value)}") from None


def steam_slot(value: object) -> str:
    """An achievement's slot in Steam's back end: `stat_bit`."""
    if not isinstance(value, str) or _SLOT.fullmatch(value) is None:
        raise InvalidValue("slot", f"expected stat and bit, such as 1_0 or 2_31, got {shown(value)}")
    return value


def one_of(*names: str, any_case: bool = False) -> Callable[[object], Any]:
    """A function that parses one of these names. It returns Any, to fit the `Literal` that the names come from."""
    spellings = {name.lower() if any_case else name: name for name in names}

    def parse(value: object) -> str:
        name = value.lower() if any_case and isinstance(value, str) else value
        if not isinstance(name, str) or name not in spellings:
            raise InvalidValue("unknown-word", f"expected {', '.join(names)}, got {shown(value)}")
        return spellings[name]

    return parse


kind = one_of(*get_args(model.Kind))
participation = one_of(*get_args(model.Participation))
operation = one_of(*get_args(model.Operation))
value_type = one_of(*get_args(model.ValueType))
reward_kind = one_of(*get_args(model.RewardKind))
text_unit = one_of(*get_args(model.TextUnit))
