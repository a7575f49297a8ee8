"""Single values as they stand in files: each function reads one kind, or says which rule was broken. Pure.

They take whatever a parser yields, so a wrong type is one more broken rule.
"""

import re
from collections.abc import Callable
from typing import Any, get_args

from service import ticks
from service.core.catalog import model
from service.core.languages.negotiation import canonical_locale
from service.core.validation.diagnostics import InvalidValue

LABEL_CHARACTERS = 200
SHOWN_CHARACTERS = 64
TEXT_CHARACTERS = 4000  # far above every platform's own limit
URL_CHARACTERS = 2048
DECIMAL_CHARACTERS = 40
DAY = 24 * 3600  # seconds

_UNFIT = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_GUID = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_WHOLE = re.compile("0|[1-9][0-9]{0,9}")
_DURATION = re.compile("([0-9]{2}):([0-5][0-9]):([0-5][0-9])")
_URL = re.compile(r"https?://[^\s/?#\"<>\\]+[^\s\"<>\\]*", re.IGNORECASE)


def shown(value: object) -> str:
    """A value in a message: quoted and checked_bytes, whatever it is."""
    if isinstance(value, str):
        return repr(value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…")
    if isinstance(value, int) and abs(value) >= 10**SHOWN_CHARACTERS:
        return "a huge number"
    words = {type(None): "null", dict: "an object", list: "a list"}
    return words.get(type(value), str(value)[:SHOWN_CHARACTERS].lower())


def _string(value: object, *, characters: int, newlines: bool = False) -> str:
    if not isinstance(value, str):
        raise InvalidValue("wrong-type", f"expected text, got {shown(value)}")
    if len(value) > characters:
        raise InvalidValue("too-long", f"expected at most {characters} characters, got {len(value)}")
    for unfit in _UNFIT.finditer(value):
        if not (newlines and unfit[0] == "\n"):
            name = "half a surrogate pair" if unfit[0] >= "\ud800" else "a control character"
            raise InvalidValue("control-character", f"U+{ord(unfit[0]):04X} at character {unfit.start() + 1} is {name}")
    return value


def text(value: object) -> str:
    """Words to be shown. Lines may break; an empty text is a missing one and comes back empty."""
    found = _string(value, characters=TEXT_CHARACTERS, newlines=True)
    if found and not found.strip():
        raise InvalidValue("blank-text", "a text of nothing but white space: leave it empty or write it")
    return found


def label(value: object) -> str:
    """A name in one line, not empty."""
    found = _string(value, characters=LABEL_CHARACTERS)
    if not found.strip():
        raise InvalidValue("blank-text", f"expected a name, got {shown(value)}")
    return found


def link(value: object) -> str:
    """A deeplink: any line of text, because real ones are not always URLs."""
    return _string(value, characters=URL_CHARACTERS)


def url(value: object) -> str:
    """An absolute http or https URL."""
    found = _string(value, characters=URL_CHARACTERS)
    if _URL.fullmatch(found) is None:
        raise InvalidValue("url", f"expected an http or https URL, got {shown(value)}")
    return found


def guid(value: object) -> str:
    """A GUID, in lower case (the live service "always expects lower case")."""
    if not isinstance(value, str) or _GUID.fullmatch(value) is None:
        raise InvalidValue("guid", f"expected a GUID such as b5dd9daf-0000-0000-0000-000000000000, got {shown(value)}")
    return value.lower()


def is_guid(text: str) -> bool:
    """Whether it is a GUID, in any case."""
    return _GUID.fullmatch(text) is not None


def boolean(value: object) -> bool:
    """True or false, and nothing that merely looks so."""
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
    """The number of a title or an achievement: a u32 that is not 0."""
    found = u32(value)
    if found == 0:
        raise InvalidValue("u32", f"expected a number of 1 to {model.U32 - 1}, got 0")
    return found


def u32_text(value: object) -> int:
    """A u32 printed as text, without leading zeros."""
    if not isinstance(value, str) or _WHOLE.fullmatch(value) is None or int(value) >= model.U32:
        raise InvalidValue("u32", f"expected a number of 0 to {model.U32 - 1} as text, got {shown(value)}")
    return int(value)


def identifier_text(value: object) -> int:
    """The number of an achievement printed as text."""
    return identifier(u32_text(value))


def gamerscore(value: object) -> str:
    """Points, as text: a whole number without leading zeros."""
    return str(u32_text(value))


def legacy_type(value: object) -> int:
    """The Xbox 360 kind of achievement: 1 completion, 2 leveling, 3 unlock, 4 event, 5 tournament, 6 checkpoint, 7 other."""
    found = u32(value)
    if found not in range(1, 8):
        raise InvalidValue("legacy-type", f"expected 1 to 7, got {found}")
    return found


def decimal(value: object) -> str:
    """A decimal number as text, exactly as it stands."""
    if not isinstance(value, str) or len(value) > DECIMAL_CHARACTERS or _DECIMAL.fullmatch(value) is None:
        expected = f'a decimal number as text, such as "100", of at most {DECIMAL_CHARACTERS} characters'
        raise InvalidValue("decimal", f"expected {expected}, got {shown(value)}")
    return value


def moment(value: object) -> tuple[int, int]:
    """A UTC time: its ticks, and how many digits of fraction it was printed with."""
    try:
        found = _string(value, characters=LABEL_CHARACTERS)
        return ticks.parse(found), ticks.digits(found)
    except InvalidValue:
        raise
    except ValueError as error:
        raise InvalidValue("time", str(error)) from None


def duration(value: object) -> int:
    """The seconds of "HH:MM:SS", under a day (longer ones break the known clients)."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    seconds = DAY if match is None else int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])
    if seconds >= DAY:
        raise InvalidValue("duration", f'expected "HH:MM:SS" under 24 hours, got {shown(value)}')
    return seconds


def duration_text(seconds: int) -> str:
    """The other way: "HH:MM:SS"."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"


def locale(value: object) -> str:
    """A language tag in its canonical spelling."""
    found = _string(value, characters=LABEL_CHARACTERS)
    try:
        return canonical_locale(found)
    except ValueError:
        raise InvalidValue("locale", f"expected a language tag such as fr-FR, got {shown(value)}") from None


def one_of(*names: str, any_case: bool = False) -> Callable[[object], Any]:
    """A reader of one of these words, exactly or in any case. It is typed Any to fit the `Literal` it is made from."""
    spellings = {name.lower() if any_case else name: name for name in names}

    def read(value: object) -> str:
        word = value.lower() if any_case and isinstance(value, str) else value
        if not isinstance(word, str) or word not in spellings:
            raise InvalidValue("unknown-word", f"expected {', '.join(names)}, got {shown(value)}")
        return spellings[word]

    return read


kind = one_of(*get_args(model.Kind))
participation = one_of(*get_args(model.Participation))
operation = one_of(*get_args(model.Operation))
value_type = one_of(*get_args(model.ValueType))
reward_kind = one_of(*get_args(model.RewardKind))
text_unit = one_of(*get_args(model.TextUnit))
